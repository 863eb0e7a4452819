"""What is printed where: plain in a pipe, drawn on a terminal, without colours where unwanted."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from inkling.cli.live_line import LiveLine
from inkling.cli.tables import Column, format_table
from inkling.training.progress import StepProgress

COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def on_a_terminal(code: str, **environment: str) -> str:
    """What a program writes to a terminal of 100 columns."""
    controller, end = pty.openpty()
    variables = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "TERM")}
    variables |= {"TERM": "xterm-256color", "COLUMNS": "100", **environment}
    process = subprocess.Popen([sys.executable, "-c", code], stdout=end, stderr=end, env=variables)
    os.close(end)
    said = bytearray()
    try:
        while chunk := os.read(controller, 4096):
            said.extend(chunk)
    except OSError:
        pass  # the program has ended
    os.close(controller)
    assert process.wait(60) == 0, said.decode()
    return said.decode()


TABLE = (
    "from inkling.cli.tables import Column, print_table\n"
    "print_table([Column('run'), Column('step', number=True)], [('a', '1'), ('long', '20')])\n"
)
LIVE = (
    "from inkling.cli.live_line import LiveLine\n"
    "from inkling.training.progress import StepProgress\n"
    "with LiveLine() as line:\n"
    "    line.print('stays')\n"
    "    line.show(StepProgress('train', 7, 200, 2.5, 12345.6, 61.0))\n"
    "print('after')\n"
)


def test_a_table_in_a_pipe_is_plain_and_never_folded() -> None:
    """Numbers to the right, no blanks at a line's end, no escape sequence, cells as they are."""
    wide = "x" * 200
    lines = format_table(
        [Column("run"), Column("step", number=True), Column("")],
        [("a", "1", wide), ("\x1b[31m[b]", "20", "")],
        indent=2,
    )
    assert lines == [
        "  run       step",
        f"  a            1  {wide}",
        "  ␛[31m[b]    20",
    ]


def test_a_table_on_a_terminal_has_a_bold_head_unless_colours_are_unwanted() -> None:
    """The same words either way."""
    coloured = on_a_terminal(TABLE)
    assert "\x1b[1m" in coloured
    assert COLOURS.sub("", coloured).split() == ["run", "step", "a", "1", "long", "20"]
    # NO_COLOR takes the colours away; bold is none.
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", on_a_terminal(TABLE, NO_COLOR="1"))


def test_a_live_line_on_a_terminal_is_drawn_and_taken_away() -> None:
    """Step, loss, speed and time left while it goes; then the line is gone."""
    written = on_a_terminal(LIVE)
    shown = COLOURS.sub("", written)
    assert "step 7 of 200" in shown
    assert "loss 2.50 · 12,346 characters/s · 1 min 01 s left" in shown
    assert "\x1b[2K" in written
    assert written.rstrip().endswith("after")
    assert written.count("\x1b[?25l") == written.count("\x1b[?25h")
    quiet = on_a_terminal(LIVE, NO_COLOR="1")
    assert "step 7 of 200" in quiet
    assert not re.search(r"\x1b\[[0-9;]*3[0-9](;|m)", quiet)


def test_a_live_line_in_a_pipe_is_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    """One every few seconds, and rich is not loaded for it."""
    with LiveLine() as line:
        for step in (1, 2, 3):
            line.show(StepProgress("train", step, 10, 2.5, None, None))
        line.print("stays")
    assert capsys.readouterr().out == "  step 1 of 10 · loss 2.50\nstays\n"


@pytest.mark.parametrize(
    "arguments", [["--help"], ["train", "--help"], ["init", "w"], ["--version"], ["corpus"]]
)
def test_rich_is_loaded_only_to_draw(arguments: list[str], tmp_path: Path) -> None:
    """Help and plain lines need none of its milliseconds."""
    code = (
        "import sys\nfrom inkling.cli.main import main\n"
        f"main({arguments!r})\nsys.exit(bool({{'rich', 'torch'}} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0
