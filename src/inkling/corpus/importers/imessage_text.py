"""The text of a message out of `attributedBody`.

Knows: where in Apple's typedstream the string stands. Does not know: databases.
Source: ReagentX/imessage-exporter's description of the format.
"""

from __future__ import annotations

from typing import Any

_CLASS = b"NSString"
# Between the name of the class and the string stand a few bytes, the last of them this.
_STRING = b"+"
_BEFORE_STRING = 16
# What follows a string: the end of its object, and the next one.
_END = b"\x86\x84"
_LENGTHS = {0x81: 2, 0x82: 4}
# The name stands once or twice, as a class and as its parent.
_ATTEMPTS = 4


def archived_text(data: Any) -> str | None:
    """The string of an archived NSAttributedString, None where there is none.

    A string has its length in front: one byte, or 0x81 and two, or 0x82 and four. It is checked
    against the bytes that are there and against UTF-8; where it is wrong, what ends the string
    is looked for instead.
    """
    if not isinstance(data, bytes):
        return None
    at = -1
    for _ in range(_ATTEMPTS):
        at = data.find(_CLASS, at + 1)
        if at < 0:
            return None
        behind = at + len(_CLASS)
        plus = data.find(_STRING, behind, behind + _BEFORE_STRING)
        text = _string(data, plus + 1) if plus >= 0 else None
        if text is not None:
            return text
    return None


def _string(data: bytes, at: int) -> str | None:
    """The string whose length stands at `at`."""
    if at >= len(data):
        return None
    width = _LENGTHS.get(data[at], 0)
    start = at + 1 + width
    length = int.from_bytes(data[at + 1 : start], "little") if width else data[at]
    end = start + length
    told = None
    if (width or length < 0x80) and end <= len(data):
        told = _utf_8(data[start:end])
        # A right length ends where the object does, or where the data does.
        if told is not None and (end == len(data) or data[end : end + 1] == _END[:1]):
            return told
    found = data.find(_END, start)
    return _utf_8(data[start:found]) if found >= 0 else told


def _utf_8(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None
