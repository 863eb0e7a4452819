"""Google Chat in Google's Takeout: a folder a conversation.

Knows: `messages.json`, `group_info.json`, `user_info.json`, deleted and edited messages.
Does not know: how dates are written (`importing.times`).
Data: Tree -> one Chat a folder of Groups, streamed; the account's own address is "me".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from inkling.corpus.document import Dropped, Message
from inkling.corpus.importing import times
from inkling.corpus.importing.importer import (
    Claim,
    ImportedChat,
    ImportedRecord,
    Importer,
    ReadOptions,
)
from inkling.corpus.importing.json_items import (
    dict_of,
    head_of,
    json_items,
    json_value,
    list_of,
    text_or_none,
)
from inkling.corpus.importing.leftovers import left_out
from inkling.corpus.importing.tree import Tree, TreeFile
from inkling.wording import plural


def _conversations(tree: Tree) -> Iterator[TreeFile]:
    """Folders of the export are called as the person's language calls them: files decide."""
    beside = {file.folder for file in tree.files if file.name == "group_info.json"}
    for file in tree.files:
        if file.name == "messages.json":
            head = head_of(file, 20_000)
            known = file.folder in beside or b'"topic_id"' in head or b'"creator"' in head
            if known and b'"messages"' in head:
                yield file


def _claims(tree: Tree) -> Iterator[Claim]:
    found = list(_conversations(tree))
    if not found:
        return
    folders = {file.folder for file in found}
    paths = {file.path for file in tree.files if file.folder in folders}
    paths.update(file.path for file in tree.files if file.name == "user_info.json")
    yield Claim(frozenset(paths), 0.95, f"Google Chat, {plural(len(found), 'conversation')}")


def _read(tree: Tree, claim: Claim, options: ReadOptions) -> Iterator[ImportedRecord]:
    tree = tree.only(claim.files)
    own = _own_accounts(tree)
    groups = {file.folder: file for file in tree.files if file.name == "group_info.json"}
    read = [file.path for file in tree.files if file.name == "user_info.json"]
    for file in _conversations(tree):
        read.append(file.path)
        group: dict[str, Any] = {}
        if info := groups.get(file.folder):
            read.append(info.path)
            group = dict_of(json_value(info))
        yield _chat(file, tree.folder_name(file) or _space(file), group, own, options)
    yield from left_out(claim, read, "attachment")


def _own_accounts(tree: Tree) -> ReadOptions:
    """Whose export it is: the user of `user_info.json`."""
    accounts: list[str] = []
    for file in tree.files:
        if file.name == "user_info.json":
            user = dict_of(dict_of(json_value(file)).get("user"))
            # Not the name: two people may share one.
            if account := text_or_none(user.get("email")) or text_or_none(user.get("name")):
                accounts.append(account)
    return ReadOptions.of(accounts)


def _space(file: TreeFile) -> str:
    """Of a file alone the ids of its messages tell in which conversation they stand."""
    for value in json_items(file, "messages"):
        identity = None if isinstance(value, Dropped) else dict_of(value).get("message_id")
        if isinstance(identity, str) and identity:
            return identity.partition("/")[0]
    return file.name


def _chat(
    file: TreeFile, folder: str, group: dict[str, Any], own: ReadOptions, options: ReadOptions
) -> ImportedChat:
    people: dict[str, str] = {}
    others = []
    for member in map(dict_of, list_of(group.get("members"))):
        name, email = text_or_none(member.get("name")), text_or_none(member.get("email"))
        if not own.is_me(email, name):
            others.append(name or email or "")
    title = text_or_none(group.get("name")) or ", ".join(filter(None, others)) or folder
    return ImportedChat(
        folder,
        file.path,
        _messages(file, people, own, options),
        title=title,
        # Until it is known whose export it is, all members are others.
        group=len(others) > (1 if own.me else 2) if others else not folder.startswith("DM "),
        me_known=bool(own.me),
        people=people,
    )


def _messages(
    file: TreeFile, people: dict[str, str], own: ReadOptions, options: ReadOptions
) -> Iterator[Message | Dropped]:
    for number, value in enumerate(json_items(file, "messages"), start=1):
        if isinstance(value, Dropped):
            yield value
        else:
            yield _message(dict_of(value), f"{file.path}:{number}", people, own, options)


def _message(
    message: dict[str, Any],
    raw_ref: str,
    people: dict[str, str],
    own: ReadOptions,
    options: ReadOptions,
) -> Message | Dropped:
    if message.get("message_state") == "DELETED" or (
        "text" not in message and (message.get("deleted_date") or message.get("deletion_metadata"))
    ):
        return Dropped("deleted message", raw_ref)
    text = text_or_none(message.get("text")) or ""
    if not text.strip():
        attached = message.get("attached_files")
        return Dropped("media without text" if attached else "system notice", raw_ref)
    creator = dict_of(message.get("creator"))
    name, email = text_or_none(creator.get("name")), text_or_none(creator.get("email"))
    author = email or name
    if not author:
        return Dropped("message without an author", raw_ref)
    people.setdefault(author, name or author)
    quoted = dict_of(message.get("quoted_message_metadata"))
    return Message(
        author_id=author,
        is_me=own.is_me(email or name) or options.is_me(email, name),
        text=text,
        kind="bot" if creator.get("user_type") == "Bot" else "text",
        message_id=text_or_none(message.get("message_id")),
        timestamp=_when(message),
        reply_to=text_or_none(quoted.get("message_id")),
        raw_ref=raw_ref,
    )


def _when(message: dict[str, Any]) -> str | None:
    """When it was first sent: an edited message has that in its oldest version only."""
    versions = map(dict_of, list_of(message.get("previous_message_versions")))
    for holder in (message, *versions):
        if when := times.from_text(holder.get("created_date")):
            return when
    return times.from_text(message.get("updated_date"))


IMPORTER = Importer(
    name="google-chat",
    title="Google Chat",
    kind="chats",
    how_to_export="takeout.google.com: deselect all, choose Google Chat, export once as a zip.",
    claims=_claims,
    read=_read,
)
