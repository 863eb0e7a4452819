"""The corpus API over real HTTP."""

from __future__ import annotations

from pathlib import Path

import httpx

from inkling.corpus.document import Document
from inkling.corpus.store import CorpusStore
from inkling.workspace import Workspace
from tests.server.conftest import PATIENCE, server_inside
from tests.voices import random_run

TEXT = "The harbour was quiet, and nobody knew why it was that quiet on a market day. "


def stats(url: str) -> dict[str, object]:
    response = httpx.get(f"{url}api/corpus/stats", timeout=PATIENCE)
    assert response.status_code == 200, response.text
    found = response.json()
    assert isinstance(found, dict)
    return found


def test_the_numbers_follow_the_corpus(tmp_path: Path) -> None:
    """Nothing, then a text too short to train on, then one that an estimate is made for."""
    workspace = Workspace.create(tmp_path / "w")
    random_run(workspace)
    with server_inside(workspace) as served:
        empty = stats(served.url)
        assert empty["characters"] == 0
        assert empty["estimate"]
        with CorpusStore(workspace.corpus_path) as store:
            store.add("posts", "folder", [Document(TEXT, "a.md", "A", "2024-02-03")])
        short = stats(served.url)
        assert short["by_month"] == [{"month": "2024-02", "characters": len(TEXT)}]
        assert "Too little" in str(short["estimate"])
        with CorpusStore(workspace.corpus_path) as store:
            texts = [TEXT.replace("quiet", f"quiet{n}") * 3 for n in range(40)]
            store.add("more", "folder", [Document(t, f"{n}.md") for n, t in enumerate(texts)])
        assert "3 minutes:" in str(stats(served.url)["estimate"])
