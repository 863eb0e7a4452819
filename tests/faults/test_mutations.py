"""The edits of benchmarks/mutations.toml still fit the code, and name tests that are there."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def test_every_edit_fits_one_place_and_has_its_test() -> None:
    """Whoever rewrites a line that one of them takes away writes the edit anew."""
    text = (ROOT / "benchmarks" / "mutations.toml").read_text(encoding="utf-8")
    edits = tomllib.loads(text)["mutation"]
    assert len({edit["kind"] for edit in edits}) > 60
    for edit in edits:
        source = (ROOT / edit["file"]).read_text(encoding="utf-8")
        assert source.count(edit["old"]) == 1, edit
        assert edit["old"] != edit["new"], edit
        file, _, name = edit["test"].partition("::")
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        tests = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert not name or name.partition("[")[0] in tests, edit
