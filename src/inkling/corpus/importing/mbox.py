"""Messages out of an mbox of any size, one at a time.

Knows: where a message of an mbox begins (mboxrd and mboxo). Does not know: what is in it.
Data: stream -> `messages` -> bytes of each message, at most `MESSAGE_LIMIT`.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO

MESSAGE_LIMIT = 8_000_000
"""Bytes kept of a message. Its words come first; what lies beyond are attachments."""

_LINE_LIMIT = 1 << 16

# `From 1700@xxx Mon Jul 05 14:03:54 +0000 2021`, `From wilma@example.org Mon Jul  5 ... 2021`.
_SEPARATOR = re.compile(rb"From [^\r\n]{0,300}\d{1,2}:\d{2}[^\r\n]{0,60}\r?\n?\Z")
_QUOTED_FROM = re.compile(rb">+From ")


def looks_like_mbox(head: bytes) -> bool:
    """Whether a file that begins so is an mbox: a separator, then a header."""
    first, _, rest = head.removeprefix(codecs.BOM_UTF8).lstrip(b"\r\n").partition(b"\n")
    return bool(_SEPARATOR.match(first + b"\n") and re.match(rb"[!-9;-~]{1,76}:", rest))


def messages(stream: BinaryIO) -> Iterator[bytes]:
    """Every message, without its separator. What stands before the first one is a message too
    if it is anything but blank lines."""
    kept: list[bytes] = []
    size = 0
    blank = True
    whole_line = True
    while line := stream.readline(_LINE_LIMIT):
        begins_line, whole_line = whole_line, line.endswith(b"\n")
        if begins_line:
            line = line.removeprefix(codecs.BOM_UTF8)
        if begins_line and blank and line.startswith(b"From ") and _SEPARATOR.match(line):
            if size:
                yield b"".join(kept)
            kept, size = [], 0
        else:
            if begins_line and _QUOTED_FROM.match(line):
                line = line[1:]
            if (size or line.strip()) and size < MESSAGE_LIMIT:
                kept.append(line)
                size += len(line)
        blank = begins_line and not line.strip()
    if size:
        yield b"".join(kept)
