"""Slack's export of a workspace: a folder a conversation, a file a day.

Knows: channels, direct messages, Slack's markup. Does not know: who of the people is "me";
a person says it.
Data: Tree -> one Chat a folder, messages by their time, one day in memory at a time.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from inkling.corpus.document import Dropped, Message
from inkling.corpus.importing import times
from inkling.corpus.importing.importer import (
    Claim,
    ImportedChat,
    ImportedRecord,
    Importer,
    Note,
    ReadOptions,
)
from inkling.corpus.importing.json_items import dict_of, json_items, list_of, text_or_none
from inkling.corpus.importing.json_shape import Shape
from inkling.corpus.importing.leftovers import left_out
from inkling.corpus.importing.quotes import PARTLY_QUOTED, without_quotes
from inkling.corpus.importing.tree import Tree, TreeFile
from inkling.wording import plural

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\.json")
_LISTS = ("channels.json", "groups.json", "dms.json", "mpims.json")
_OTHERS = (
    "users.json", "integration_logs.json", "canvases.json", "lists.json", "org_users.json",
    "file_conversations.json", "huddle_transcripts.json", "workflows.json",
)  # fmt: skip

# What people write; every other subtype is a notice.
_WRITTEN = (None, "thread_broadcast", "file_share", "me_message", "reply_broadcast")

# Until 2018 Slack wrote a sentence over each file, and what a person said of it behind it.
_SHARED = re.compile(
    r"<@[^<>]{1,80}> (?:uploaded|shared) an? [a-z ]{1,20}: <[^<>]{1,2000}>"
    r"(?: and commented: (.*))?",
    re.DOTALL,
)
# `<@U1|wilma>`, `<https://a.example|words>`, `<!here>`. A `<` of a person's own is `&lt;`.
_MARKUP = re.compile(r"<([^<>\n]{1,4000})>")


class _SlackMessage(Shape, frozen=True):
    """What is read of a message."""

    ts: Any = None
    thread_ts: Any = None
    user: Any = None
    bot_id: Any = None
    subtype: Any = None
    text: Any = None
    files: Any = None
    file: Any = None
    attachments: Any = None
    user_profile: Any = None


def _roots(tree: Tree) -> list[str]:
    """Folders in which an export begins: a list of conversations and a folder of days."""
    listed = {file.folder for file in tree.files if file.name in _LISTS}
    days = {file.folder for file in tree.files if _DAY.fullmatch(file.name)}
    outer = {folder.rpartition("/")[0] for folder in days}
    # An export of days alone (one folder taken out of it) has no names to show.
    return sorted(listed & outer or listed)


def _claims(tree: Tree) -> Iterator[Claim]:
    for root in _roots(tree):
        start = f"{root}/" if root else ""
        days = _days(tree, root)
        names = frozenset(start + name for name in (*_LISTS, *_OTHERS))
        paths = {file.path for file in tree.files if file.path in names}
        if start + "users.json" not in paths and not days:
            continue
        # Canvases and other files that lie among the days.
        paths.update(file.path for file in tree.files if file.folder in days)
        sure = 1.0 if days else 0.95
        yield Claim(frozenset(paths), sure, f"Slack workspace, {plural(len(days), 'conversation')}")


def _days(tree: Tree, root: str) -> dict[str, list[TreeFile]]:
    """The days of each conversation's folder, in order."""
    days: dict[str, list[TreeFile]] = {}
    for file in tree.files:
        if _DAY.fullmatch(file.name) and file.folder.rpartition("/")[0] == root and file.folder:
            days.setdefault(file.folder, []).append(file)
    return {folder: sorted(files, key=lambda f: f.name) for folder, files in sorted(days.items())}


def _read(tree: Tree, claim: Claim, options: ReadOptions) -> Iterator[ImportedRecord]:
    tree = tree.only(claim.files)
    read: list[str] = []
    for root in _roots(tree):
        workspace = _Workspace.of(tree, root)
        for folder, files in _days(tree, root).items():
            read.extend(file.path for file in files)
            yield workspace.chat(folder, files, options)
    yield from left_out(claim, read)


@dataclass(frozen=True)
class _Workspace:
    """Who and what is meant by the ids of an export."""

    names: dict[str, str]
    """Shown name of each user."""
    handles: dict[str, tuple[str | None, ...]]
    """Everything that a user goes by."""
    bots: frozenset[str]
    conversations: dict[str, tuple[str, dict[str, Any]]]
    """By folder name: the list that it stands in, and its entry."""

    @staticmethod
    def of(tree: Tree, root: str) -> _Workspace:
        start = f"{root}/" if root else ""
        names: dict[str, str] = {}
        handles: dict[str, tuple[str | None, ...]] = {}
        bots = {"USLACKBOT"}
        for user in _entries(tree, start + "users.json"):
            key = text_or_none(user.get("id"))
            if key is None:
                continue
            profile = dict_of(user.get("profile"))
            display, real = (text_or_none(profile.get(k)) for k in ("display_name", "real_name"))
            name, email = text_or_none(user.get("name")), text_or_none(profile.get("email"))
            names[key] = display or real or name or key
            handles[key] = (key, display, real, name, email)
            if user.get("is_bot"):
                bots.add(key)
        conversations = {}
        for listed in _LISTS:
            for entry in _entries(tree, start + listed):
                # Direct messages have no name; their folder is called as their id.
                for folder in (text_or_none(entry.get("id")), text_or_none(entry.get("name"))):
                    if folder:
                        conversations[folder] = (listed, entry)
        return _Workspace(names, handles, frozenset(bots), conversations)

    def chat(self, folder: str, files: list[TreeFile], options: ReadOptions) -> ImportedChat:
        name = folder.rpartition("/")[2]
        listed, entry = self.conversations.get(name, ("", {}))
        people: dict[str, str] = {}
        direct = listed == "dms.json" or (not listed and re.fullmatch(r"D[A-Z0-9]{7,}", name))
        members = [
            self.names.get(m, m) for m in list_of(entry.get("members")) if isinstance(m, str)
        ]
        return ImportedChat(
            text_or_none(entry.get("id")) or name,
            folder,
            self._messages(files, people, options),
            title=", ".join(members) if direct and members else name,
            group=not direct,
            me_known=False,
            people=people,
        )

    def _messages(
        self, files: list[TreeFile], people: dict[str, str], options: ReadOptions
    ) -> Iterator[Message | Dropped | Note]:
        mine: dict[str, bool] = {}
        """Of whoever has spoken, whether that is me."""
        for file in files:
            messages = []
            for value in json_items(file, shape=_SlackMessage):
                if isinstance(value, Dropped):
                    yield value
                elif isinstance(value, _SlackMessage):
                    messages.append(value)
                else:
                    yield Dropped("no message", file.path)
            messages.sort(key=_moment)
            for message in messages:
                said = self._said(message)
                if isinstance(said, str):
                    yield Dropped(said, file.path)
                    continue
                user, text = said
                # Without a space too, as Slack shows it.
                own = without_quotes(text, ">")
                if own is not text:
                    if not own.strip():
                        yield Dropped("only quoted text", file.path)
                        continue
                    yield Note(PARTLY_QUOTED, file.path)
                if user not in mine:
                    mine[user] = options.is_me(user, *self.handles.get(user, ()))
                    people[user] = self._name(user, message)
                stamp, thread = text_or_none(message.ts), text_or_none(message.thread_ts)
                is_bot = message.bot_id or message.subtype == "bot_message"
                yield Message(
                    user,
                    mine[user],
                    own,
                    "bot" if is_bot or user in self.bots else "text",
                    stamp,
                    times.from_unix(stamp),
                    thread if thread != stamp else None,
                    file.path,
                )

    def _said(self, message: _SlackMessage) -> tuple[str, str] | str:
        """Who said what with a message, or why it is left out."""
        subtype = message.subtype
        if subtype == "tombstone":
            return "deleted message"
        if subtype == "huddle_thread":
            return "call"
        if subtype != "bot_message" and subtype not in _WRITTEN:
            return "system notice"
        user = text_or_none(message.user) or text_or_none(message.bot_id)
        if user is None:
            return "message without an author"
        written = text_or_none(message.text) or ""
        if subtype == "file_share" and (shared := _SHARED.fullmatch(written)) is not None:
            written = shared[1] or ""
        text = self._text(written)
        if not text.strip():
            attached = message.files or message.file or message.attachments
            return "media without text" if attached else "empty"
        return user, text

    def _name(self, user: str, message: _SlackMessage) -> str:
        """As who someone is shown; of a guest only the message itself tells it."""
        profile = dict_of(message.user_profile)
        shown = self.names.get(user) or text_or_none(profile.get("display_name"))
        return shown or text_or_none(profile.get("real_name")) or user

    def _text(self, text: str) -> str:
        return html.unescape(_MARKUP.sub(self._shown, text)) if "<" in text or "&" in text else text

    def _shown(self, match: re.Match[str]) -> str:
        """Markup as it was seen: names of people, words of links."""
        target, bar, label = match[1].partition("|")
        kind, name = target[:1], target[1:]
        if kind == "@":
            return "@" + (label or self.names.get(name, name))
        if kind == "#":
            channel = self.conversations.get(name, ("", {}))[1]
            return "#" + (label or text_or_none(channel.get("name")) or name)
        if kind == "!":
            if target.startswith("!date"):
                return label or ""
            return label if label.startswith("@") else "@" + (label or name.partition("^")[0])
        return label if bar and label else target.removeprefix("mailto:")


def _entries(tree: Tree, path: str) -> Iterator[dict[str, Any]]:
    file = tree.get(path)
    if file is not None:
        yield from (entry for entry in json_items(file) if isinstance(entry, dict))


def _moment(message: _SlackMessage) -> float:
    try:
        return float(message.ts or 0)
    except (TypeError, ValueError):
        return 0.0


IMPORTER = Importer(
    name="slack",
    title="Slack",
    kind="chats",
    how_to_export=(
        "Slack in the browser: workspace name > Tools & settings > Workspace settings > "
        "Import/Export data > Export. Owners and admins can do it; add the zip as it is."
    ),
    claims=_claims,
    read=_read,
)
