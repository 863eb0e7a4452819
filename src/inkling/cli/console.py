"""A conversation's two ends: a terminal with a person at it, or a pipe with lines.

Knows: line editing, Ctrl-C and Ctrl-D, which characters a terminal must not be sent. Does not
know what is said. On a terminal notes stand between the messages; in a pipe, where standard
output carries replies alone, they go to standard error.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import signal
import sys
from collections.abc import Iterator
from types import FrameType, ModuleType
from typing import TextIO

import typer

# Control characters but line break and tab; marks that turn the direction of writing around.
_UNSAFE = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    """Text that a terminal shows and never obeys: an escape character becomes ␛.

    A text from anywhere may be in a corpus, and a model repeats what it read.
    """
    return _UNSAFE.sub(lambda found: _picture(ord(found[0])), text)


def _picture(code: int) -> str:
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def escaped_json(text: str) -> str:
    """The same JSON, whose control characters a terminal does not obey."""
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def echo(text: str = "", err: bool = False) -> None:
    """Print a line, or several, of which parts are a person's: titles, names of files, texts."""
    typer.echo(visible(text), err=err)


def forgiving(stream: TextIO) -> None:
    """Let a stream replace what its encoding cannot hold, instead of failing."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="replace")


class Console:
    """Reads messages and shows replies. Use as a context manager: it handles Ctrl-C."""

    def __init__(self) -> None:
        self.interactive = sys.stdin.isatty() and sys.stdout.isatty()
        self.styled = self.interactive and os.environ.get("TERM", "dumb") != "dumb"
        """Whether text can be shown bold and underlined."""
        self._reading = False
        self._interrupted = False
        self._left_lines = 0
        self._readline: ModuleType | None = None
        for stream in (sys.stdin, sys.stdout, sys.stderr):
            forgiving(stream)

    @property
    def takes_commands(self) -> bool:
        """Whether a line that begins with a slash is a command: in a pipe every line is a text."""
        return self.interactive

    def __enter__(self) -> Console:
        if self.interactive:
            with contextlib.suppress(ImportError):  # some Pythons are built without it
                import readline

                self._readline = readline
                if self.styled:
                    # Several lines that are pasted are one text; Python turns that off.
                    readline.parse_and_bind("set enable-bracketed-paste on")
            self._before = signal.signal(signal.SIGINT, self._on_ctrl_c)
        return self

    def __exit__(self, *_: object) -> None:
        if self.interactive:
            signal.signal(signal.SIGINT, self._before)

    def _on_ctrl_c(self, number: int, frame: FrameType | None) -> None:
        # While a reply is written the first one only asks it to stop, so that nothing is lost.
        if self._reading or self._interrupted:
            raise KeyboardInterrupt
        self._interrupted = True

    def interrupted(self) -> bool:
        """Whether Ctrl-C was pressed since the last message was read."""
        return self._interrupted

    def read(self, prompt: str) -> str | None:
        """The next message, None at the end. A line that ends with a backslash continues
        in the next one."""
        if not self.interactive:
            line = sys.stdin.readline()
            return line.removesuffix("\n") if line else None
        while True:
            try:
                text = self.ask(prompt)
            except EOFError:
                sys.stdout.write("\n")
                return None
            except KeyboardInterrupt:
                sys.stdout.write("\n")
                self._left_lines += 1
                if self._left_lines > 1:
                    self.note("To leave, type /quit or press Ctrl-D.")
                continue
            self._left_lines = 0
            return text

    def ask(self, prompt: str, prefilled: str = "") -> str:
        """One text from the person, on a terminal. Raises EOFError and KeyboardInterrupt."""
        lines: list[str] = []
        with self._listening():
            while True:
                with self._prefill(prefilled if not lines else ""):
                    line = input(prompt if not lines else "... ")
                if not line.endswith("\\"):
                    return "\n".join([*lines, line])
                lines.append(line[:-1])

    @contextlib.contextmanager
    def _listening(self) -> Iterator[None]:
        self._reading, self._interrupted = True, False
        try:
            yield
        finally:
            self._reading = False

    @contextlib.contextmanager
    def _prefill(self, text: str) -> Iterator[None]:
        readline = self._readline
        if not text or readline is None:
            yield
            return
        readline.set_startup_hook(lambda: readline.insert_text(text))
        try:
            yield
        finally:
            readline.set_startup_hook(None)

    def write(self, text: str) -> None:
        """A chunk of a reply."""
        sys.stdout.write(visible(text) if self.interactive else text)
        sys.stdout.flush()

    def note(self, text: str) -> None:
        """Something about the conversation that is no part of it."""
        if self.interactive:
            sys.stdout.write(visible(f"  {text}".replace("\n", "\n  ")) + "\n")
        else:
            sys.stderr.write(f"{text}\n")

    def note_marked(self, text: str) -> None:
        """A note with control sequences of our own, whose other characters are visible ones."""
        sys.stdout.write(f"  {text}".replace("\n", "\n  ") + "\n")
