"""JSON Lines of training data: `messages`, `prompt`/`completion`, or `text`, one a line.

The assistant's turns are "me": this is the voice that a model trained on the file takes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from inkling.corpus.document import Conversation, Document, Dropped, Item, Message

_ME_ROLES = frozenset(("assistant", "me", "gpt", "model"))
_THEM_ROLES = frozenset(("user", "them", "human"))


def read(text: str, raw_ref: str, me: str | None) -> Iterator[Item]:
    """One item a line; a line that is none of the three shapes is dropped with the reason."""
    # Not splitlines(): U+2028 inside a JSON string is no line end.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield _item(line, f"{raw_ref}:{number}", me)


def _item(line: str, raw_ref: str, me: str | None) -> Item:
    try:
        record: Any = json.loads(line)
    except (json.JSONDecodeError, RecursionError):
        return Dropped("a line that is not JSON", raw_ref)
    if not isinstance(record, dict):
        return Dropped("a line that is not a JSON object", raw_ref)
    turns: Any = record.get("messages", record.get("conversations"))
    if isinstance(turns, list):
        return _conversation(turns, raw_ref, me)
    if isinstance(record.get("prompt"), str) and isinstance(record.get("completion"), str):
        pair = [
            {"role": "user", "content": record["prompt"]},
            {"role": "assistant", "content": record["completion"]},
        ]
        return _conversation(pair, raw_ref, me)
    if isinstance(record.get("text"), str):
        if not _valid(record["text"]):
            return Dropped("text that is not valid Unicode", raw_ref)
        return (
            Document(record["text"], raw_ref)
            if record["text"].strip()
            else Dropped("empty", raw_ref)
        )
    return Dropped("a line without messages, prompt and completion, or text", raw_ref)


def _conversation(turns: list[Any], raw_ref: str, me: str | None) -> Conversation | Dropped:
    messages = []
    for turn in turns:
        if not isinstance(turn, dict):
            return Dropped("a message that is not an object", raw_ref)
        role = str(turn.get("role", turn.get("from", "")))
        content = turn.get("content", turn.get("value"))
        if not isinstance(content, str):
            return Dropped("a message without text", raw_ref)
        if not _valid(content):
            return Dropped("text that is not valid Unicode", raw_ref)
        is_me = role.lower() in _ME_ROLES or (me is not None and role.casefold() == me.casefold())
        if content.strip() and (is_me or role.lower() in _THEM_ROLES or me is not None):
            messages.append(Message(author_id=role, is_me=is_me, text=content.strip()))
    if not any(message.is_me for message in messages):
        return Dropped("a dialog in which you say nothing", raw_ref)
    return Conversation(tuple(messages), raw_ref)


def _valid(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # JSON escapes can spell lone surrogates
        return False
    return True
