"""Direct messages of an X archive.

Knows: conversations and their events. Does not know: posts. People are numbers here; the
archive has no names of theirs.
Data: files -> conversations -> Chat, oldest message first.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Any

from inkling.corpus.document import Dropped, Message
from inkling.corpus.importers.x_files import opened
from inkling.corpus.importing.importer import ImportedChat, ReadOptions
from inkling.corpus.importing.json_shape import BROKEN
from inkling.corpus.importing.json_stream import JsonStream, valid_text
from inkling.corpus.importing.oldest_first import oldest_first
from inkling.corpus.importing.times import from_iso
from inkling.corpus.importing.tree import TreeFile


def conversations(
    files: list[TreeFile], account: dict[str, str], options: ReadOptions
) -> Iterator[ImportedChat | Dropped]:
    """A Chat for each conversation; its messages are gone through before the next."""
    me = account.get("accountId") or _in_every_one(files)
    for file in files:
        try:
            with opened(file) as pulled:
                for _ in pulled.elements():
                    for key in pulled.fields():
                        if key == "dmConversation":
                            yield from _conversation(pulled, file, me, account, options)
                if pulled.damaged:
                    yield Dropped("the rest of the file could not be read", file.path)
        except (OSError, EOFError):
            yield Dropped("the rest of the file could not be read", file.path)


def _in_every_one(files: list[TreeFile]) -> str | None:
    """Without account.js: the one whose number is in each of several conversations."""
    common: set[str] | None = None
    for file in files:
        try:
            with opened(file) as pulled:
                for _ in pulled.elements():
                    for key in pulled.fields():
                        for inner in pulled.fields() if key == "dmConversation" else ():
                            identity = pulled.value() if inner == "conversationId" else None
                            pair = identity.split("-") if isinstance(identity, str) else []
                            if len(pair) == 2:
                                common = set(pair) if common is None else common & set(pair)
        except (OSError, EOFError):
            continue
    return next(iter(common)) if common is not None and len(common) == 1 else None


def _conversation(
    pulled: JsonStream,
    file: TreeFile,
    me: str | None,
    account: dict[str, str],
    options: ReadOptions,
) -> Iterator[ImportedChat]:
    """The conversation at this place of the stream."""
    identity: str | None = None
    for key in pulled.fields():
        if key == "conversationId":
            value = pulled.value()
            identity = valid_text(value) if isinstance(value, str) else None
        elif key == "messages":
            pair = identity.split("-") if identity is not None else []
            other = next((person for person in pair if person != me), None)
            people: dict[str, str] = {}
            own = account.get("username") or account.get("accountDisplayName")
            names = {me: own} if me is not None and own else {}
            messages = _messages(pulled, file, identity, me, names, people, options)
            yield ImportedChat(
                chat_id=f"x:{identity or file.path}",
                raw_ref=file.path,
                messages=messages,
                title=f"X {other}" if len(pair) == 2 and other else None,
                group=len(pair) != 2,
                me_known=me is not None,
                people=people,
            )
            for _ in messages:  # what the caller has not gone through
                pass


def _messages(
    pulled: JsonStream,
    file: TreeFile,
    conversation: str | None,
    me: str | None,
    names: dict[str, str],
    people: dict[str, str],
    options: ReadOptions,
) -> Iterator[Message | Dropped]:
    items = (None if item is BROKEN else item for item in pulled.items())
    for number, item in oldest_first(items, _moment):
        event = item.get("messageCreate") if isinstance(item, dict) else None
        if not isinstance(event, dict):
            reason = "system notice" if isinstance(item, dict) else "a damaged message"
            yield Dropped(reason, f"{file.path}#{conversation}/{number}")
            continue
        identity = event.get("id")
        message_id = identity if isinstance(identity, str) else None
        raw_ref = f"{file.path}#{conversation}/{message_id or number}"
        text = _text(event)
        if not text.strip():
            reason = "media without text" if event.get("mediaUrls") else "empty message"
            yield Dropped(reason, raw_ref)
            continue
        sender = event.get("senderId")
        author = valid_text(sender) if isinstance(sender, str) and sender else "unknown"
        people.setdefault(author, names.get(author, author))
        yield Message(
            author_id=author,
            is_me=author == me or bool(options.me and options.is_me(author)),
            text=text,
            message_id=message_id,
            timestamp=from_iso(event.get("createdAt")),
            raw_ref=raw_ref,
        )


def _text(event: dict[str, Any]) -> str:
    """A message as it was typed, with links as they were."""
    text = event.get("text")
    text = html.unescape(valid_text(text)) if isinstance(text, str) else ""
    urls = event.get("urls")
    for link in urls if isinstance(urls, list) else ():
        short = link.get("url") if isinstance(link, dict) else None
        long = link.get("expanded") if isinstance(link, dict) else None
        if isinstance(short, str) and isinstance(long, str) and short.startswith("https://t.co/"):
            text = text.replace(short, valid_text(long), 1)
    return text


def _moment(item: Any) -> int | None:
    """Ids grow with time."""
    event = item.get("messageCreate") if isinstance(item, dict) else None
    identity = event.get("id") if isinstance(event, dict) else None
    text = identity if isinstance(identity, str) and len(identity) < 25 else ""
    return int(text) if text.isascii() and text.isdigit() else None
