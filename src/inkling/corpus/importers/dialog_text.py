"""Dialogs written as text: `them: …` / `me: …`, a blank line between conversations.

A line without a speaker continues the message above it. Where the author's names are known
(`--me NAME`), every other `Name:` at the start of a line is "them". Names may be written as chats
write them: `~ Cleo:`, `+1 555 0100:`, `**Ada:**`, with a full-width colon.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from inkling.corpus.document import Conversation, Dropped, Item, Message
from inkling.corpus.importing.importer import ReadOptions

LONGEST_NAME = 40

# What may stand around a name: emphasis, the mark of someone who is no contact, marks of direction.
_AROUND = " \t\u00a0*_~\u200e\u200f\u202a\u202c\u2068\u2069"
_COLON = re.compile("[:：]")
_NUMBER = re.compile(r"\+\d[\d\s\u00a0().\u2011-]{4,30}")


class Spoken(NamedTuple):
    """A line that opens a message: who speaks, and what stands behind the colon."""

    name: str
    text: str


def speaker(line: str) -> Spoken | None:
    """The name and the words of a line that begins with a name and a colon."""
    colon = _COLON.search(line, 0, LONGEST_NAME + 12)
    if colon is None:
        return None
    written, text = line[: colon.start()], line[colon.end() :]
    if text.startswith("//"):  # the scheme of a URL is nobody's name
        return None
    name = unicodedata.normalize("NFC", written.strip(_AROUND))
    if not name or len(name) > LONGEST_NAME:
        return None
    if not name[0].isalpha() and name[0] != "@" and not _NUMBER.fullmatch(name):
        return None
    for emphasis in ("**", "__", "*"):
        # **Ada:** hi, where the emphasis ends behind the colon.
        if written.count(emphasis) % 2 and text.startswith(emphasis):
            text = text.removeprefix(emphasis)
            break
    return Spoken(name, text.lstrip(" \t"))


def _spoken(line: str, options: ReadOptions) -> Spoken | None:
    found = speaker(line)
    if found is None:
        return None
    if found.name.lower() in ("me", "them"):
        return Spoken(found.name.lower(), found.text)
    return found if options.me else None


def _is_me(name: str, options: ReadOptions) -> bool:
    return name == "me" or options.is_me(name)


def is_dialog(text: str, options: ReadOptions) -> bool:
    """Whether a text opens with a speaker and the author speaks in it."""
    lines = (line.strip() for line in text.splitlines())
    first = next((line for line in lines if line), "")
    if _spoken(first, options) is None:
        return False
    speakers = (_spoken(line.strip(), options) for line in text.splitlines())
    return any(spoken is not None and _is_me(spoken.name, options) for spoken in speakers)


def read(text: str, raw_ref: str, options: ReadOptions) -> Iterator[Item]:
    """Conversations of a dialog file. A conversation in which the author is silent is dropped."""
    lines = text.splitlines()
    start = 0
    for number in range(len(lines) + 1):
        if number < len(lines) and lines[number].strip():
            continue
        if number > start:
            yield _conversation(lines[start:number], f"{raw_ref}:{start + 1}", options)
        start = number + 1


def _conversation(lines: list[str], raw_ref: str, options: ReadOptions) -> Conversation | Dropped:
    messages: list[tuple[str, list[str]]] = []
    for line in lines:
        spoken = _spoken(line.strip(), options)
        if spoken is not None:
            messages.append((spoken.name, [spoken.text]))
        elif messages:
            messages[-1][1].append(line)
        else:
            return Dropped("a dialog that opens without a speaker", raw_ref)
    spoken_messages = tuple(
        Message(author_id=name, is_me=_is_me(name, options), text=words)
        for name, parts in messages
        if (words := "\n".join(parts).strip())
    )
    if not any(message.is_me for message in spoken_messages):
        return Dropped("a dialog in which you say nothing", raw_ref)
    return Conversation(spoken_messages, raw_ref)
