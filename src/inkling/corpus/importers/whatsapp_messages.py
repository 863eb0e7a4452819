"""The second pass over a WhatsApp export: from lines to messages.

Knows: where a message ends, and that a line which looks like a header may be part of one.
Does not know: how it was found out what the export is like (`whatsapp_survey`).
Data: TreeFile + Survey -> `messages` -> Message | Dropped, one at a time.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass, field

from inkling.corpus.document import Dropped, Message
from inkling.corpus.importers import whatsapp_markers as markers
from inkling.corpus.importers.whatsapp_lines import Header, Line, header, lines, split_author
from inkling.corpus.importers.whatsapp_survey import Survey
from inkling.corpus.importing.importer import Note
from inkling.corpus.importing.tree import TreeFile

# Messages may stand some minutes out of order; a date that someone typed is further away.
_DISORDER = datetime.timedelta(minutes=30)
_DISORDER_OF_STRANGERS = datetime.timedelta(days=1)


@dataclass(slots=True)
class _Open:
    """A message whose end has not been seen."""

    author: str | None
    time: datetime.datetime | None
    marked: bool
    number: int
    raw: str
    """The whole first line."""
    pieces: list[str] = field(default_factory=list)

    @property
    def body(self) -> str:
        return "".join(self.pieces)

    def add(self, line: Line) -> None:
        self.pieces.append(f"\n{line.text}" if line.starts else line.text)


def messages(
    file: TreeFile,
    found: Survey,
    me: frozenset[str],
    people: dict[str, str],
    group: str | None,
    encoding: str | None,
) -> Iterator[Message | Dropped | Note]:
    """Messages in the order of the file. `people` is filled on the way."""
    if found.order.ambiguous:
        yield Note(f"dates that could be read in two ways, read as {found.order.name}", file.path)
    try:
        for message in _whole(file, found, encoding):
            yield _judged(message, file.path, found, me, people, group)
    except (OSError, EOFError, UnicodeError):
        yield Dropped("the rest of the file could not be read", file.path)


def _opened(line: Line, top: Header, found: Survey) -> _Open:
    name, body = split_author(top.rest, found.prefixes)
    if name is not None and name not in found.headers:
        name, body = None, top.rest
    time = found.order.date_time(top.stamp)
    return _Open(name, time, top.marked, line.number, line.text, [body])


def _whole(file: TreeFile, found: Survey, encoding: str | None) -> Iterator[_Open]:
    """Messages with all their lines."""
    current: _Open | None = None
    doubted: _Open | None = None
    """What looks like a header inside `current`; the next header tells."""
    after = "\r\n"
    for line in lines(file, encoding):
        top = header(line.text) if line.starts else None
        last = after
        after = line.end
        if top is None or not found.fits(top, last):
            into = doubted or current
            if into is not None:
                into.add(line)
            elif line.text.strip():
                # A line in front of the first message is nobody's.
                yield _Open(None, None, False, line.number, line.text, [line.text])
            continue
        message = _opened(line, top, found)
        if doubted is not None and current is not None:
            if _belongs_inside(current, doubted, message, found):
                current.pieces += ["\n", doubted.raw, *doubted.pieces[1:]]
            else:
                yield current
                current = doubted
            doubted = None
        if current is not None and _doubtful(message, found) and current.author is not None:
            doubted = message
            continue
        if current is not None:
            yield current
        current = message
    for last_one in (current, doubted):
        if last_one is not None:
            yield last_one


def _doubtful(message: _Open, found: Survey) -> bool:
    return message.author is None or found.headers.get(message.author, 0) == 1


def _belongs_inside(before: _Open, doubted: _Open, behind: _Open, found: Survey) -> bool:
    """Whether a header is out of its time, between two that are in order: then someone typed
    it, "12/05/2024, 10:00 - dentist"."""
    if before.time is None or doubted.time is None or behind.time is None:
        return False
    slack = _DISORDER if doubted.author is None else _DISORDER_OF_STRANGERS
    in_order = before.time <= behind.time
    return in_order and not before.time - slack <= doubted.time <= behind.time + slack


def _judged(
    message: _Open,
    path: str,
    found: Survey,
    me: frozenset[str],
    people: dict[str, str],
    group: str | None,
) -> Message | Dropped:
    raw_ref = f"{path}:{message.number}"
    if message.author is None:
        return Dropped(markers.NOTICE, raw_ref)
    judged = markers.judge(
        message.body, iphone=found.iphone, marked_line=message.marked, marks=found.marks
    )
    if judged.text is None:
        return Dropped(judged.reason, raw_ref)
    if group is not None and message.author == group and not found.marks:
        return Dropped(markers.NOTICE, raw_ref)
    people.setdefault(message.author, message.author)
    return Message(
        author_id=message.author,
        is_me=message.author in me,
        text=judged.text.rstrip("\n"),
        timestamp=message.time.isoformat() if message.time is not None else None,
        raw_ref=raw_ref,
    )
