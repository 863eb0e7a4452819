"""JSON Lines of training data: `messages`, `prompt`/`completion`, or `text`, one a line.

The assistant's turns are "me": this is the voice that a model trained on the file takes. What a
system, a developer or a tool says is nobody's message.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from inkling.corpus.document import Conversation, Document, Dropped, Item, Message
from inkling.corpus.importing.importer import ReadOptions
from inkling.corpus.storable import is_valid

_DECODE = msgspec.json.Decoder().decode

_ME_ROLES = frozenset(("assistant", "me", "gpt", "model"))
_THEM_ROLES = frozenset(("user", "them", "human"))
_NOBODY = frozenset(("system", "developer", "tool", "function", ""))


def read(text: str, raw_ref: str, options: ReadOptions) -> Iterator[Item]:
    """One item a line; a line that is none of the three shapes is dropped with the reason."""
    roles = Roles(options)
    # Not splitlines(): U+2028 inside a JSON string is no line end.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield _item(line, f"{raw_ref}:{number}", roles)


class Roles(dict[str, bool | None]):
    """Whether a role is "me", a few in millions of turns; None for what is nobody's message."""

    def __init__(self, options: ReadOptions) -> None:
        super().__init__()
        self._options = options

    def __missing__(self, role: str) -> bool | None:
        is_me = role.lower() in _ME_ROLES or self._options.is_me(role)
        known = is_me or role.lower() in _THEM_ROLES or bool(self._options.me)
        self[role] = is_me if known and role.lower() not in _NOBODY else None
        return self[role]


def _item(line: str, raw_ref: str, roles: Roles) -> Item:
    try:
        record = _record(line)
    except json.JSONDecodeError:
        return Dropped("a line that is not JSON", raw_ref)
    except (ValueError, RecursionError):
        return Dropped("a line with a number too long or brackets too deep to be read", raw_ref)
    if not isinstance(record, dict):
        return Dropped("a line that is not a JSON object", raw_ref)
    return item_of(record, raw_ref, roles)


def _record(line: str) -> Any:
    """The value of a line. What msgspec refuses may be read all the same: NaN, half characters."""
    try:
        return _DECODE(line)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return json.loads(line)


def item_of(record: Mapping[str, Any], raw_ref: str, roles: Roles) -> Item:
    """The item that a record of one of the three shapes is."""
    turns: Any = record.get("messages", record.get("conversations"))
    if isinstance(turns, list):
        return _conversation(turns, raw_ref, roles)
    if isinstance(record.get("prompt"), str) and isinstance(record.get("completion"), str):
        pair = [
            {"role": "user", "content": record["prompt"]},
            {"role": "assistant", "content": record["completion"]},
        ]
        return _conversation(pair, raw_ref, roles)
    if isinstance(record.get("text"), str):
        if not is_valid(record["text"]):
            return Dropped("text that is not valid Unicode", raw_ref)
        return (
            Document(record["text"], raw_ref)
            if record["text"].strip()
            else Dropped("empty", raw_ref)
        )
    return Dropped("a line without messages, prompt and completion, or text", raw_ref)


def _conversation(turns: list[Any], raw_ref: str, roles: Roles) -> Conversation | Dropped:
    messages = []
    for turn in turns:
        if not isinstance(turn, dict):
            return Dropped("a message that is not an object", raw_ref)
        role, content = turn.get("role", turn.get("from")), turn.get("content", turn.get("value"))
        role = role.strip() if isinstance(role, str) else ""
        is_me = roles[role]
        if is_me is None:
            continue
        words = _words(content)
        if words is None:
            return Dropped("a message without text", raw_ref)
        if not is_valid(words) or not is_valid(role):
            return Dropped("text that is not valid Unicode", raw_ref)
        if words := words.strip():
            messages.append(Message(role, is_me, words))
    if not any(message.is_me for message in messages):
        return Dropped("a dialog in which you say nothing", raw_ref)
    return Conversation(tuple(messages), raw_ref)


def _words(content: object) -> str | None:
    """What a turn says: a text, the texts among its parts, nothing where it is null (a turn that
    only calls a tool). None for what is no content at all."""
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        return None
    texts = [part if isinstance(part, str) else _part(part) for part in content]
    return "\n".join(text for text in texts if text)


def _part(part: object) -> str:
    text = part.get("text") if isinstance(part, dict) else None
    return text if isinstance(text, str) else ""
