"""Whatever the bytes of a file are, its reader gives a value or an error that a person is told;
what once did otherwise lies in tests/faults/corpus and is tried first.

`scripts/bench fuzz` tries for as long as one likes and writes down there what it finds.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from inkling.corpus.importers import BUILT_IN
from tests.faults.contents import contents
from tests.faults.healthy import IMPORTED
from tests.faults.readers import CASES, READERS, cases

EXAMPLES = {"import": 12, "importer": 25, "export": 20, "chats": 60, "corpus": 40}
"""By the first word of a reader's name; the others read small files quickly."""


@pytest.mark.parametrize("name", READERS)
def test_a_reader_gives_a_value_or_a_sentence(name: str, tmp_path: Path) -> None:
    """Found cases first, then made ones."""
    reader = READERS[name]
    for case in cases(name):
        reader.attempt(tmp_path / name, case)

    @given(content=contents(reader))
    @settings(
        max_examples=EXAMPLES.get(name.partition("-")[0], 60), deadline=None, derandomize=True,
        database=None, suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def holds(content: bytes) -> None:
        reader.attempt(tmp_path / name, content)

    holds()


@pytest.mark.parametrize("name", [name for name in READERS if name in ("chats", "corpus")
                                  or name.startswith("export-")
                                  or name.removeprefix("import-") in IMPORTED])  # fmt: skip
def test_a_healthy_file_is_read(name: str, tmp_path: Path) -> None:
    """Else what is tried would end at the first thing that is missing beside it."""
    reader = READERS[name]
    reader.attempt(tmp_path / name, b"")
    reader.place(tmp_path / name, reader.healthy())
    reader.read(tmp_path / name)


def test_every_importer_is_among_them() -> None:
    """And a found case belongs to a reader."""
    assert sum(name.startswith("importer-") for name in READERS) >= len(BUILT_IN)
    assert {folder.name for folder in CASES.iterdir()} <= READERS.keys()
