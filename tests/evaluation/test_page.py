"""The report as a page: whatever a text contains, it stays text; every part has its numbers."""

from __future__ import annotations

import json
import tarfile
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from inkling.evaluation.page import page
from inkling.evaluation.schema import EvaluationReport

HOSTILE = "</td></style><script>alert('1')</script><img src=x onerror=\"go()\"> {{ 7 * 7 }} & ü"
GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "workspace-0.1.tar.xz"


@pytest.fixture(scope="module")
def stored() -> dict[str, Any]:
    """The report.json that version 0.1.0 wrote."""
    with tarfile.open(GOLDEN) as archive:
        file = archive.extractfile("runs/voice/report.json")
        assert file is not None
        return dict(json.loads(file.read()))


class Page(HTMLParser):
    """Elements with their attributes, and all text outside the style sheet."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(content)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.text += data


def hostile(value: Any) -> Any:
    """Every string of a report that holds free text, with markup behind it."""
    fixed = ("run", "phase", "made", "date", "inkling_version")
    if isinstance(value, dict):
        return {key: item if key in fixed else hostile(item) for key, item in value.items()}
    if isinstance(value, list):
        return [hostile(item) for item in value]
    return value + HOSTILE if isinstance(value, str) else value


def test_hostile_text_stays_text(stored: dict[str, Any]) -> None:
    """In every place where a text of a person, a corpus, a model or a file can stand."""
    game = {"date": "2026-01-01", "seed": 0, "answers": 20, "right": 9, "prompts": 10, "low": 0.3,
            "high": 0.6}  # fmt: skip
    verdict = {"warning": True, "text": "x", "reasons": ["x", "y"]}
    examples = [{"question": "q", "you": "y", "model": "m"}]
    honest = {**stored, "guess": [game], "verdict": verdict, "examples": examples}
    plain = Page(page(EvaluationReport.model_validate(honest)))
    report = EvaluationReport.model_validate({**hostile(honest), "run": HOSTILE})
    content = page(report)
    found = Page(content)
    assert [name for name, _ in found.elements] == [name for name, _ in plain.elements]
    assert not any(key.startswith("on") for _, attributes in found.elements for key in attributes)
    # Recipe, verdict and its reasons, baselines, example, title, run, …: each in full.
    assert found.text.count(HOSTILE) >= 20
    assert "49" not in content[content.index("<title>") : content.index("<style>")]


def test_every_part_shows_its_numbers(stored: dict[str, Any]) -> None:
    """Losses, baselines, calibration, loops, distances and traits of the stored report."""
    text = " ".join(Page(page(EvaluationReport.model_validate(stored))).text.split())
    for loss in (*stored["writing"]["losses"], *stored["replies"]["losses"]):
        assert f"{loss['nats_per_char']:.3f}" in text
    for baseline in stored["writing"]["baselines"]:
        assert baseline["how"] in text
    assert f"{stored['replies']['calibration']['error']:.1%}" in text
    assert f"of {stored['loops']['replies']} replies" in text
    for row in stored["voice"]["habits"]:
        assert f"{row['habit']}{row['you']:.3f}{row['model']:.3f}{row['generic']:.3f}" in text
    assert "Not played yet: inkling guess --run voice." in text


def test_what_could_not_be_measured_says_why(stored: dict[str, Any]) -> None:
    """A page of a run without held-out text and without replies still has every section."""
    why = {part: {"why": f"No {part} here."} for part in ("writing", "replies", "loops", "voice")}
    report = EvaluationReport.model_validate({**stored, **why, "copied": {"why": "no"}})
    found = Page(page(report))
    for part in why:
        assert f"No {part} here." in found.text
    assert "Nothing was held out." in found.text
    assert [name for name, _ in found.elements].count("section") == 6


def test_a_report_of_version_0_1_0_keeps_its_position(stored: dict[str, Any]) -> None:
    """What was called `way` is read, and written back by its name of today."""
    spread = {"mean": 0.25, "low": 0.125, "high": 0.5}
    assert "way" in stored["voice"]
    old = {**stored, "voice": {**stored["voice"], "way": spread}}
    report = EvaluationReport.model_validate(old)
    written = json.loads(report.model_dump_json())
    assert written["voice"]["position"] == spread
    assert "way" not in written["voice"]
    assert EvaluationReport.model_validate(written) == report
    assert "25% of the way from you" in page(report)
