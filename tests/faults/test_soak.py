"""A few seconds of the soak (benchmarks/soak.py): mixed use, kills, a full disk, a clock."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from tests.voices import random_run

ROOT = Path(__file__).resolve().parent.parent.parent
SECONDS = 15


@pytest.mark.slow
def test_everything_acknowledged_is_there(tmp_path: Path) -> None:
    """After kills of server and trainer and a disk that was full: nothing is lost, nothing that was
    forgotten comes back, both databases are whole, and the server has not grown."""
    spec = importlib.util.spec_from_file_location("soak", ROOT / "benchmarks" / "soak.py")
    assert spec is not None
    assert spec.loader is not None
    soak = importlib.util.module_from_spec(spec)
    sys.modules["soak"] = soak
    spec.loader.exec_module(soak)
    place = tmp_path / "disk"
    place.mkdir()
    with soak.disk(place) as mounted:
        mixed = soak.Soak(place, 3, mounted)
        random_run(mixed.workspace)
        mixed.run(SECONDS, fewest_chats=5)
        assert list(mixed.problems()) == []
        assert mixed.books.done["chat"]
        assert mixed.books.documents or mixed.books.forgotten
