"""How lines look that a program for chats wrote: a time, a name, the words.

Knows: shapes of many programs, and which of them Inkling reads in another form. Does not know what
is done with such a text (`screening`).
Data: lines -> `chat_shape` -> the shape that most of them have, or None.

A diary has times too, but nobody's name behind them: names come again and again.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple


class ChatShape(NamedTuple):
    """One way to write a message down."""

    pattern: re.Pattern[str]
    """Matches the line that opens a message, with its `name`."""
    program: str | None = None
    """The importer that reads what is likely the same program's export."""
    certain: bool = False
    """Whether two such lines are enough, also of two people."""
    lines: int = 1
    """2: the name stands in the line before or behind the time."""


_MONTH = r"[^\W\d]{3,12}\.?"
_DATE = (
    r"(?:\d{1,4}[./-]\s?\d{1,2}[./-]\s?\d{1,4}\.?"  # 12/01/2024 · 2024-01-12 · 12. 1. 2024.
    rf"|\d{{1,2}}\.? ?{_MONTH} ?\d{{2,4}}|{_MONTH} \d{{1,2}},? \d{{4}})"  # 12 Jan 2024
)
_HALF = r"(?:[ \u00a0\u202f]?[AaPp]\.?[ \u00a0]?[Mm]\.?)?"
_CLOCK = r"\d{1,2}:\d{2}(?::\d{2})?"
_TIME = rf"\d{{1,2}}[:.h]\d{{2}}(?:[:.]\d{{2}})?(?:\.\d{{1,6}})?Z?{_HALF}"
_STAMP = (
    rf"(?:{_DATE}(?:,|T| at| um|)[ \u00a0\u202f]{{0,2}}{_TIME}"
    rf"|{_TIME},?[ \u00a0]{{1,2}}{_DATE})"
)
_MARKS = "[\u200e\u200f\u202a-\u202e\ufeff]{0,4}"
_NAME = r"(?P<name>[^:：\n]{1,60})"
_AHEAD = r"(?P<name>[^\W\d][^:\n\[\]]{0,40}?)"

_WHOLE_STAMP = rf"(?:{_STAMP}|{_TIME})"

_SHAPES = (
    # 12/01/2024, 10:11 - Jan: hi · [12/01/2024, 10:11] Jan: hi · 2024-01-12 10:11 | Jan: hi
    ChatShape(
        re.compile(
            rf"{_MARKS}[\[(<]?{_STAMP}[\])>]?[ \t]{{0,4}}(?:[-–—|·][ \t]{{0,4}})?{_NAME}[:：]\s"
        ),
        "whatsapp",
        certain=True,
    ),
    # [10:11] Jan: hi
    ChatShape(re.compile(rf"[\[(]{_CLOCK}[\])][ \t]{{0,4}}{_NAME}[:：][ \t]"), certain=True),
    # [10:11] <Jan> hi · 10:11 <Jan> hi · <Jan> hi
    ChatShape(
        re.compile(
            rf"(?:[\[(]?{_CLOCK}[\])]?[ \t]{{0,4}})?<[ @+~]?(?P<name>[^<>\n]{{1,40}})>[ \t]"
        ),
        certain=True,
    ),
    # 10:11<tab>Jan<tab>hi · 12.01.2024,10:11:07,Jan,hi
    ChatShape(re.compile(rf"{_CLOCK}\t(?P<name>[^\t\n]{{1,40}})\t"), certain=True),
    ChatShape(re.compile(rf"{_DATE}[,;]{_CLOCK}[,;](?P<name>[^,;\n]{{1,40}})[,;]"), certain=True),
    # 10:11:07 From Jan to Everyone: hi
    ChatShape(
        re.compile(rf"{_CLOCK}[ \t]{{1,4}}From[ \t]{{1,4}}(?P<name>[^:\n]{{1,120}}?)[ \t]?:"),
        certain=True,
    ),
    # [Jan] [오전 10:11] hi · 2024. 1. 12. 오전 10:11, Jan : hi
    ChatShape(
        re.compile(
            rf"\[(?P<name>[^\[\]\n]{{1,40}})\][ \t]\[(?:[^\W\d]{{1,8}} )?{_CLOCK}{_HALF}\][ \t]"
        ),
        certain=True,
    ),
    ChatShape(
        re.compile(
            r"\d{4}[.년] ?\d{1,2}[.월] ?\d{1,2}[.일]? (?:[^\W\d]{1,8} )?"
            rf"{_CLOCK}{_HALF}, (?P<name>[^:\n]{{1,40}}) : "
        ),
        certain=True,
    ),
    # 00:00:01.000 --> 00:00:03.500, above what somebody says: nobody's name is needed
    ChatShape(
        re.compile(rf"{_CLOCK}[.,]\d{{3}}[ \t](?P<name>-->)[ \t]{_CLOCK}[.,]\d{{3}}"), certain=True
    ),
    # Jan (10:11): hi
    ChatShape(re.compile(rf"{_AHEAD},?[ \t]{{1,3}}[\[(]{_WHOLE_STAMP}[\])]:")),
    # Jan, [12.01.2024 10:11]
    ChatShape(re.compile(rf"{_AHEAD},?[ \t]{{1,3}}[\[(]{_WHOLE_STAMP}[\])]\s*$"), "telegram"),
    # [12.01.2024 10:11] Jan
    ChatShape(
        re.compile(rf"\[{_STAMP}\][ \t]{{1,4}}(?P<name>[^:\n]{{1,60}})\s*$"), "discord-exporter"
    ),
    # Jan — Today at 10:11 AM
    ChatShape(
        re.compile(
            rf"{_AHEAD}[ \t]{{1,3}}[—–][ \t]{{1,2}}"
            rf"(?:[^\W\d]{{3,12}},? (?:[^\W\d]{{1,3}} )?)?{_WHOLE_STAMP}\s*$"
        ),
        "discord-exporter",
    ),
    # Jan 2024-01-12 10:11
    ChatShape(re.compile(rf"{_AHEAD}[ \t]{{1,3}}{_STAMP}\s*$")),
    # Jan  10:11 AM · the same in two lines
    ChatShape(re.compile(rf"{_AHEAD}[ \t]{{1,3}}{_CLOCK}{_HALF}\s*$"), "slack"),
    ChatShape(re.compile(rf"{_AHEAD}\n{_CLOCK}{_HALF}\s*$"), "slack", lines=2),
    # Jan 12, 2024 10:11:07 AM (Read …), then the name in the next line
    ChatShape(
        re.compile(rf"{_STAMP}[ \t]{{0,2}}(?:\([^()\n]{{0,80}}\))?\n(?P<name>[^\n]{{1,40}})$"),
        "imessage",
        lines=2,
    ),
    # You said:
    ChatShape(re.compile(r"(?P<name>You|ChatGPT) said:\s*$"), "chatgpt"),
    ChatShape(re.compile(r"(?P<name>You|Claude) said:\s*$"), "claude"),
)


# A line that says only who speaks, as programs save what an assistant said: **You:** · ## ChatGPT
_SPEAKS = re.compile(
    r"[#>*_ \t]{0,8}(?:(?P<person>you|user|human|me|prompt)"
    r"|(?P<assistant>chatgpt|assistant|claude|gemini|copilot|response))"
    r"(?: said)?[ \t]?[:：]?[*_ \t]{0,4}[:：]?[*_ \t]{0,4}",
    re.IGNORECASE,
)
_READ = ("chatgpt", "claude")


def _with_an_assistant(lines: Sequence[str]) -> ChatShape | None:
    """Answers are long: that both speak again is enough, however few of the lines say so."""
    found = [match for line in lines if (match := _SPEAKS.fullmatch(line)) is not None]
    assistants = [match["assistant"].casefold() for match in found if match["assistant"]]
    if len(assistants) < 2 or len(found) - len(assistants) < 2:
        return None
    named = next((name for name in assistants if name in _READ), None)
    return ChatShape(_SPEAKS, named, certain=True)


def chat_shape(lines: Sequence[str]) -> ChatShape | None:
    """The shape of a quarter of the lines or more; bodies of several lines leave fewer with a
    name."""
    for shape in _SHAPES:
        names = Counter(
            found["name"].strip()
            for unit in _units(lines, shape)
            if (found := shape.pattern.match(unit)) is not None
        )
        count = names.total()
        repeated = count > len(names) or (len(lines) <= 4 and shape.certain)
        if count >= 2 and count * shape.lines >= 0.25 * len(lines) and repeated:
            return shape
    return _with_an_assistant(lines)


def _units(lines: Sequence[str], shape: ChatShape) -> Iterator[str]:
    if shape.lines == 1:
        yield from lines
    else:
        yield from (f"{line}\n{following}" for line, following in pairwise(lines))
