"""Where the bundled author's writing lies: the demo corpus and its thirty questions."""

from __future__ import annotations

from pathlib import Path

from inkling.errors import CorpusError


def demo_corpus() -> Path:
    """The folder of the demo corpus: inside the installed package, or beside it in a checkout.

    It holds `posts/*.md`, `dms.txt` and `questions.txt`. Raises CorpusError where it is missing.
    """
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "demo", package.parent.parent / "demo"):
        if (folder / "dms.txt").is_file():
            return folder
    raise CorpusError(
        "The demo corpus is not in this installation. Reinstall: "
        "pip install --force-reinstall inkling-gpt."
    )
