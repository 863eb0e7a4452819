"""JSON files of any size, gone through without being held.

Knows: JSON's structure, and where a value ends that cannot be decoded. Does not know: what any
key means. Data: bytes -> `JsonStream` -> keys and values, pulled in the order of the file.

Of a list, as many objects as are surely whole in the buffer are decoded at once, by msgspec: all
of their fields, or only those of a `Shape`. What cannot be decoded so is decoded value by value by
the standard library, which takes more than JSON allows. A value that is damaged (a number of 5,000
digits, ten thousand brackets) is `BROKEN`, and what stands behind it is read on, where a parser of
events ends.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

import msgspec

from inkling.corpus.importing.json_shape import BROKEN, Shape, decoder, shaped

CHUNK_BYTES = 1 << 18
# There are exports of thousands of files of a day each.
FIRST_CHUNK_BYTES = 1 << 14
# No message, post or profile is larger; more is skipped without being held.
VALUE_CHARACTERS = 1 << 26

# Up to the first character of a value that says itself where it ends.
_COMMA = re.compile(r'[ \t\r\n]*,[ \t\r\n]*[{\["]')
# Between two objects of a list, up to the first key of the second.
_OBJECTS = re.compile(r'[ \t\r\n]*,[ \t\r\n]*\{[ \t\r\n]*"[^"\\]{1,80}"')
# The same may stand between objects inside of one; so often an end is tried before it is given up.
_ENDS_TRIED = 3
_SPACE = re.compile(r"[ \t\r\n]*")
_STRUCTURE = re.compile(r'[\[\]{}"]')
_STRING_END = re.compile(r'["\\]')
_BARE_END = re.compile(r"[ \t\r\n,:\[\]{}]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def valid_text(text: str) -> str:
    """Text without half characters, which JSON's escapes can spell."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


class _Skipped(Shape, frozen=True):
    """Nothing is read of it."""


class JsonStream:
    """A pull parser: `fields` walks an object, `items` an array, `value` decodes.

    A value that is not asked for is skipped. Nothing raises for what is in the file: where its
    structure ends too early or makes no sense, iteration ends and `damaged` is true.
    """

    def __init__(self, stream: BinaryIO, skip: int = 0) -> None:
        """`skip`: bytes in front of the JSON."""
        self.damaged = False
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._scan = json.JSONDecoder(strict=False).scan_once  # type: ignore[attr-defined]
        self._buffer = ""
        self._at = 0
        self._ended = False
        self._chunk = min(FIRST_CHUNK_BYTES, CHUNK_BYTES)
        self._is_odd = False
        """Whether something in the buffer has to be decoded by itself."""
        self._waiting = True
        """Whether the value at this place has not been read."""
        stream.read(skip)

    def peek(self) -> str:
        """The next character that is no space, "" at the end."""
        while True:
            match = _SPACE.match(self._buffer, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            self._buffer, self._at = "", 0
            if not self._fill():
                return ""

    def fields(self) -> Iterator[str]:
        """Keys of the object at this place, each before its value is read."""
        if not self._enter("{"):
            return
        while not self.damaged:
            character = self.peek()
            if character == "}":
                self._at += 1
                return
            if character == ",":
                self._at += 1
                continue
            key = self._decode() if character == '"' else BROKEN
            if not isinstance(key, str) or self.peek() != ":":
                self.damaged = True
                return
            self._at += 1
            self._waiting = True
            yield key
            if self._waiting:
                self.skip()

    def items(self, shape: type[Shape] | None = None) -> Iterator[Any]:
        """Values of the array at this place, decoded; objects in a shape where one is given;
        BROKEN for one that cannot be."""
        if not self._enter("["):
            return
        first = True
        while self._next_element(first):
            first = False
            value = self._decode()
            yield value if shape is None else shaped(shape, value)
            yield from self._whole_objects(shape) or self._whole_values(shape)

    def _whole_objects(self, shape: type[Shape] | None) -> list[Any]:
        """The objects behind this place up to the last one that ends in the buffer, as far as that
        can be told; none where one of them has to be decoded by itself.

        Where one ends is guessed, and the guess is right if what stands before it can be decoded as
        a list: had it ended inside of a string or of another object, that would have no end.
        """
        between = _OBJECTS.match(self._buffer, self._at)
        if between is None or self._is_odd:
            return []
        start, end = self._buffer.index("{", self._at), len(self._buffer)
        for _ in range(_ENDS_TRIED):
            end = self._buffer.rfind("}" + between[0], between.end(), end)
            if end < 0:
                return []
            try:
                values = decoder(shape)(f"[{self._buffer[start : end + 1]}]")
            except (msgspec.MsgspecError, RecursionError):
                continue
            self._at = end + 1
            return values
        # Else a file full of damage would be gone through from each piece of it to the next.
        self._is_odd = True
        return []

    def _whole_values(self, shape: type[Shape] | None) -> Iterator[Any]:
        """Values that stand whole in the buffer behind this place, up to a damaged one."""
        between = "no value yet"
        while True:
            # Between most of them is the same.
            if self._buffer.startswith(between, self._at):
                start = self._at + len(between) - 1
            elif (comma := _COMMA.match(self._buffer, self._at)) is not None:
                between, start = comma[0], comma.end() - 1
            else:
                return
            try:
                value, self._at = self._scan(self._buffer, start)
            except (ValueError, RecursionError, StopIteration):
                return
            yield value if shape is None else shaped(shape, value)

    def elements(self) -> Iterator[None]:
        """Stops before each value of the array at this place."""
        if self._enter("["):
            first = True
            while self._next_element(first):
                first = False
                self._waiting = True
                yield
                if self._waiting:
                    self.skip()

    def _next_element(self, first: bool) -> bool:
        """Go to the next value of an array, or behind its end."""
        if self.damaged:
            return False
        comma = first
        while (character := self.peek()) == ",":
            self._at += 1
            comma = True
        if character == "]":
            self._at += 1
            return False
        # A comma may have gone with what was broken; an object is an item all the same.
        self.damaged = character in ("", "}", ":") or not (comma or character == "{")
        return not self.damaged

    def value(self) -> Any:
        """The value at this place, decoded, or BROKEN."""
        self._waiting = False
        if self.peek() in ("", "}", "]", ":", ","):
            self.damaged = True
            return BROKEN
        return self._decode()

    def skip(self) -> None:
        """Go past the value at this place without holding it."""
        self._waiting = False
        character = self.peek()
        if character in ("", "}", "]", ":", ","):
            self.damaged = True
        elif character == "[":
            # Decoding items and letting them go is faster than looking for brackets.
            self._waiting = True
            for _ in self.items(_Skipped):
                pass
        else:
            self._find_end(hold=False)

    def _enter(self, bracket: str) -> bool:
        if self.peek() != bracket:
            # Another kind of value: it has no keys, no items.
            if self._waiting:
                self.skip()
            return False
        self._waiting = False
        self._at += 1
        return True

    def _decode(self) -> Any:
        try:
            value, end = self._scan(self._buffer, self._at)
        except (ValueError, RecursionError, StopIteration):
            pass
        else:
            # A number at the end of the buffer may go on.
            if end < len(self._buffer) or isinstance(value, (dict, list, str)):
                self._at = end
                return value
        behind = self._find_end(hold=True)
        if behind is None:
            return BROKEN
        start, self._at = self._at, behind
        try:
            value, found = self._scan(self._buffer[start:behind], 0)
        except (ValueError, RecursionError, StopIteration):
            return BROKEN
        return value if found == behind - start else BROKEN

    def _find_end(self, *, hold: bool) -> int | None:
        """Where in the buffer the value at this place ends, read up to there.

        None where it is not held: too large, not wanted, or the file ends first (`damaged`);
        then this place is behind it.
        """
        self._buffer, self._at = self._buffer[self._at :], 0
        pattern = _STRUCTURE if self._buffer[self._at] in '{["' else _BARE_END
        position, depth, in_string = self._at, 0, False
        while True:
            match = (_STRING_END if in_string else pattern).search(self._buffer, position)
            if match is None:
                position = len(self._buffer)
                if not hold or position - self._at > VALUE_CHARACTERS:
                    hold = False
                    self._buffer, self._at, position = "", 0, 0
                if self._fill():
                    continue
                self.damaged |= pattern is _STRUCTURE
                break
            character, position = match[0], match.end()
            if pattern is _BARE_END:
                position = match.start()
                break
            if in_string and character == "\\":
                if position == len(self._buffer) and not self._fill():
                    self.damaged = True
                    break
                position += 1
                continue
            if character == '"':
                in_string = not in_string
            else:
                depth += 1 if character in "{[" else -1
            if depth <= 0 and not in_string:
                break
        if hold and not self.damaged:
            return position
        self._at = position
        return None

    def _fill(self) -> bool:
        """Read on; False at the end of the file. Reads as much as it holds, so that a value of
        any length is put together in linear time."""
        while not self._ended:
            data = self._stream.read(max(self._chunk, len(self._buffer)))
            self._chunk = min(2 * self._chunk, CHUNK_BYTES)
            self._ended = not data
            text = self._decoder.decode(data, final=self._ended)
            if text:
                self._buffer += text
                self._is_odd = False
                return True
        return False
