"""What whole lines of a Markdown text are: code, quotes, callouts, definitions.

Knows: lines. Does not know: what stands inside one. Data: text -> `read_lines` -> `Lines`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_FENCE = re.compile(r"[ \t]{0,3}(`{3,}+|~{3,}+)([^`]*)")
_QUOTED = re.compile(r"[ \t]*+>[ \t]?(.*)")
_CALLOUT = re.compile(r"[ \t]*+\[![\w-]{1,40}(?:\|[^\]]{0,80})?\][+-]?[ \t]*+(.*)")
_LABEL = re.compile(r"""[ ]{0,3}\[([^\[\]]{1,200})\]:[ \t]*+(<[^<>]*+>|\S++)(?:[ \t]++["'(].*)?""")
_NOTE = re.compile(r"[ ]{0,3}\[\^[^\[\]\s]{1,60}\]:[ \t]*+")
_ADDRESS = re.compile(r"[/#:<@]|\.[a-zA-Z]{2,5}$")


@dataclass
class Lines:
    """A text without quotes and definitions."""

    text: str
    code: list[tuple[int, int]] = field(default_factory=list)
    """Fenced code, as (start, stop) in `text`, in order."""
    labels: frozenset[str] = frozenset()
    """Names of defined link targets, without case."""
    quotes: int = 0
    """Quoted passages that were left out."""


def read_lines(text: str) -> Lines:
    """Sort a text's lines: quotes go, the words of callouts and footnotes stay."""
    reader = _Reader()
    for line in text.split("\n"):
        reader.add(line)
    return reader.finished()


class _Reader:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.length = 0
        self.code: list[tuple[int, int]] = []
        self.labels: set[str] = set()
        self.quotes = 0
        self.fence = ""
        self.fence_start = 0
        self.block = ""
        """What the quoted lines just above are: "quote", "callout" or nothing."""

    def add(self, line: str) -> None:
        if self.fence and self.block != "callout":
            self._write(line)
            self._close(line)
            return
        quoted = _QUOTED.fullmatch(line)
        if quoted is None:
            if self.fence:  # a callout's code ends with the callout
                self._end_code()
            self.block = ""
            self._unquoted(line)
            return
        content = quoted[1]
        if not self.block:
            callout = _CALLOUT.fullmatch(content)
            self.block = "quote" if callout is None else "callout"
            self.quotes += callout is None
            content = content if callout is None else callout[1]
        if self.block == "callout":
            self._in_callout(content)

    def _in_callout(self, content: str) -> None:
        if self.fence:
            self._write(content)
            self._close(content)
        elif (inner := _QUOTED.fullmatch(content)) is None:
            self._unquoted(content)
        elif (callout := _CALLOUT.fullmatch(inner[1])) is not None:
            self._unquoted(callout[1])
        else:
            self.quotes += 1

    def _unquoted(self, line: str) -> None:
        if (fence := _FENCE.fullmatch(line)) is not None:
            self.fence = fence[1]
            self.fence_start = self.length
            self._write(line)
        elif (note := _NOTE.match(line)) is not None:
            self._write(line[note.end() :])
        elif (label := _LABEL.fullmatch(line)) is not None and _ADDRESS.search(label[2]):
            self.labels.add(label[1].casefold())
        else:
            self._write(line)

    def _write(self, line: str) -> None:
        self.lines.append(line)
        self.length += len(line) + 1

    def _close(self, line: str) -> None:
        end = line.strip()
        if len(end) >= len(self.fence) and end == self.fence[0] * len(end):
            self._end_code()

    def _end_code(self) -> None:
        self.fence = ""
        self.code.append((self.fence_start, self.length))

    def finished(self) -> Lines:
        if self.fence:
            self._end_code()
        text = "\n".join(self.lines)
        code = [(start, min(stop, len(text))) for start, stop in self.code]
        return Lines(text, code, frozenset(self.labels), self.quotes)
