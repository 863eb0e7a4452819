"""The importer that docs/importers.md shows to those who write one."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path

import pytest

from inkling.corpus.document import Message
from inkling.corpus.importing.importer import ImportedChat, Importer, ReadOptions
from tests.importers.reading import records

PAGE = Path(__file__).resolve().parents[2] / "docs" / "importers.md"


def test_the_example_of_the_docs_reads_its_format(monkeypatch: pytest.MonkeyPatch) -> None:
    """Copied out of the page as it stands there."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    module = types.ModuleType("talk")
    monkeypatch.setitem(sys.modules, "talk", module)
    exec(code, module.__dict__)
    assert isinstance(module.IMPORTER, Importer)
    (chat,) = records(
        module.IMPORTER, {"a.talk": "2024-01-01T10:00|Ada|hi\n"}, ReadOptions.of(["Ada"])
    )
    assert isinstance(chat, ImportedChat)
    assert list(chat.messages) == [Message("Ada", True, "hi", timestamp="2024-01-01T10:00")]
