"""Dialogs written as text: `them: …` / `me: …`, a blank line between conversations.

A line without a speaker continues the message above it. `--me NAME` names another speaker
who is "me"; then every other `Name:` at the start of a line is "them".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from inkling.corpus.document import Conversation, Dropped, Item, Message

_SPEAKER = re.compile(r"([^\W\d_][^:\n]{0,39}):[ \t]*(.*)")


def _speaker(line: str, me: str | None) -> tuple[str, str] | None:
    """(name, text) where a line opens a message."""
    match = _SPEAKER.fullmatch(line)
    if match is None:
        return None
    if match[2].startswith("//"):  # the scheme of a URL is nobody's name
        return None
    name = match[1].strip()
    if name.lower() in ("me", "them"):
        return name.lower(), match[2]
    return (name, match[2]) if me is not None else None


def _is_me(name: str, me: str | None) -> bool:
    return name == "me" or (me is not None and name.casefold() == me.casefold())


def is_dialog(text: str, me: str | None) -> bool:
    """Whether a text opens with a speaker and `me` speaks in it."""
    lines = (line.strip() for line in text.splitlines())
    first = next((line for line in lines if line), "")
    if _speaker(first, me) is None:
        return False
    speakers = (_speaker(line.strip(), me) for line in text.splitlines())
    return any(spoken is not None and _is_me(spoken[0], me) for spoken in speakers)


def read(text: str, raw_ref: str, me: str | None) -> Iterator[Item]:
    """Conversations of a dialog file. A conversation in which `me` is silent is dropped."""
    lines = text.splitlines()
    start = 0
    for number in range(len(lines) + 1):
        if number < len(lines) and lines[number].strip():
            continue
        if number > start:
            yield _conversation(lines[start:number], f"{raw_ref}:{start + 1}", me)
        start = number + 1


def _conversation(lines: list[str], raw_ref: str, me: str | None) -> Conversation | Dropped:
    messages: list[tuple[str, list[str]]] = []
    for line in lines:
        spoken = _speaker(line.strip(), me)
        if spoken is not None:
            messages.append((spoken[0], [spoken[1]]))
        elif messages:
            messages[-1][1].append(line)
        else:
            return Dropped("a dialog that opens without a speaker", raw_ref)
    spoken_messages = tuple(
        Message(author_id=name, is_me=_is_me(name, me), text=words)
        for name, parts in messages
        if (words := "\n".join(parts).strip())
    )
    if not any(message.is_me for message in spoken_messages):
        return Dropped("a dialog in which you say nothing", raw_ref)
    return Conversation(spoken_messages, raw_ref)
