"""One bad line or file is left out and counted, and the rest goes in, soon."""

from __future__ import annotations

import time
from pathlib import Path

from inkling.workflows.add import add
from inkling.workspace import Workspace

GOOD = "A text about pianos and the people who own them.\n" * 30


def test_one_bad_piece_ends_no_import(tmp_path: Path) -> None:
    """Numbers of too many digits, brackets and tags too deep, in every format that nests."""
    folder = tmp_path / "in"
    folder.mkdir()
    digits, deep = "9" * 4_301, "[" * 100_000 + "]" * 100_000
    (folder / "good.md").write_text(GOOD)
    (folder / "lines.jsonl").write_text(
        f'{{"text": "first good line"}}\n{{"text": "x", "n": {digits}}}\n'
        f'{{"text": {deep}}}\n{{"text": "last good line"}}\n'
    )
    for name, header in (
        ("flow", "title: " + "[" * 5_000 + "]" * 5_000),
        ("blocks", "\n".join(" " * n + "a:" for n in range(2_000))),
        ("lists", "title: y\nx:\n  " + "- " * 1_500 + "a"),
        ("digits", f"title: y\nn: {digits}"),
    ):
        (folder / f"{name}.md").write_text(f"---\n{header}\n---\n{GOOD.replace('pianos', name)}")
    (folder / "tags.html").write_text("<div>" * 150_000 + "Deep words." + "</div>" * 150_000)
    begun = time.process_time()
    (result,) = add(Workspace.create(tmp_path / "w"), [folder]).values()
    assert time.process_time() - begun < 12
    assert result.documents == 8  # four files of bad headers, the good one, two lines, the page
    assert result.dropped["a line with a number too long or brackets too deep to be read"] == 2
