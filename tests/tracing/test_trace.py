"""A text traced to the documents and dialogs of a real run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from inkling.corpus.store import CorpusStore
from inkling.preparation import read_split
from inkling.runs import Run
from inkling.tokens.chat_format import as_said, normalize_turn
from inkling.tracing.trace import trace
from inkling.workspace import Workspace


@pytest.fixture
def workspace(trained: Workspace, tmp_path: Path) -> Workspace:
    """A copy of the trained workspace, whose corpus may be changed."""
    shutil.copytree(trained.path, tmp_path / "copy")
    return Workspace(tmp_path / "copy")


def copied_sentence(workspace: Workspace) -> tuple[str, str]:
    """Eighty characters from the middle of the longest training section, and its document."""
    section = max(read_split(workspace)[0].train, key=lambda section: len(section.text))
    middle = len(section.text) // 2
    return section.text[middle : middle + 80], section.document


def test_a_copied_sentence_is_traced_to_its_post(workspace: Workspace) -> None:
    """Text, offsets, title, date and context agree with the document in the corpus."""
    sentence, document = copied_sentence(workspace)
    text = f"#~# {sentence} #~#"
    traced = trace(Run.open(workspace, "tiny"), text, workspace)
    span = max(traced.spans, key=lambda span: len(span.text))
    assert sentence in span.text
    assert text[span.start : span.stop] == span.text
    assert traced.longest == len(span.text)
    assert traced.copied_characters >= 80
    assert traced.share == traced.copied_characters / len(text)
    passage = next(passage for passage in span.passages if passage.document == document)
    with CorpusStore(workspace.corpus_path) as store:
        stored = next(d for d in store.documents() if d.content_hash == document)
    assert (passage.title, passage.date) == (stored.title, str(stored.timestamp)[:10])
    assert (passage.source, passage.reference) == (stored.source, stored.raw_ref)
    at, end = passage.character, passage.character + len(span.text)
    assert stored.text[at:end] == span.text
    assert passage.before == stored.text[at - 60 : at]
    assert passage.after == stored.text[end : end + 60]


def test_a_copied_reply_is_shown_with_its_question(workspace: Workspace) -> None:
    """A passage of a dialog says who spoke, and what was asked, as the model read it."""
    dialogs = read_split(workspace)[0].train_dialogs
    dialog = next(d for d in dialogs if d.turns[0][0] == "them" and len(d.turns[1][1]) > 40)
    question, reply = as_said(normalize_turn(*dialog.turns[0])), dialog.turns[1][1]
    traced = trace(Run.open(workspace, "tiny"), reply, workspace)
    (span,) = traced.spans
    assert traced.share == 1
    assert [(p.kind, p.question) for p in span.passages] == [("me", question)]
    asked = trace(Run.open(workspace, "tiny"), question, workspace, min_characters=5)
    assert any(p.kind == "them" for span in asked.spans for p in span.passages)


def test_what_was_removed_from_the_corpus_is_still_found(workspace: Workspace) -> None:
    """The passage comes from the run's own data; only its name is lost."""
    sentence, document = copied_sentence(workspace)
    workspace.corpus_path.unlink()
    traced = trace(Run.open(workspace, "tiny"), sentence, workspace)
    passage = traced.spans[0].passages[0]
    assert (passage.document, passage.in_corpus, passage.title) == (document, False, None)
    assert len(passage.before) == 60
    assert not workspace.corpus_path.exists()


def test_a_trace_is_plain_json(workspace: Workspace) -> None:
    """`to_dict` survives JSON, with the share beside the fields."""
    sentence, _ = copied_sentence(workspace)
    traced = trace(Run.open(workspace, "tiny"), sentence, workspace).to_dict()
    assert json.loads(json.dumps(traced))["share"] == 1
    assert traced["spans"][0]["passages"][0]["kind"] == "writing"


def test_nothing_copied(workspace: Workspace) -> None:
    """No spans, nothing covered."""
    traced = trace(Run.open(workspace, "tiny"), "Zyx 123 wvut qq ## 456 rstu", workspace)
    assert (traced.share, traced.longest, traced.spans) == (0.0, 0, ())
