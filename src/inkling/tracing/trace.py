"""Which words of a text were copied from what a run was trained on, and from where.

Knows: the index of a run's training text and, for names and dates, the corpus. Does not know:
models, how a trace is shown. Data: text -> spans of the index -> passages -> `Trace`.

The passages come from the training text itself, so they are right whatever became of the
corpus; only titles, sources and dates are looked up there, by content hash.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from inkling.corpus.records import Description
from inkling.corpus.store import CorpusStore
from inkling.runs import Run
from inkling.tracing.span_index import MIN_CHARACTERS, MatchedSpan, Place, covered
from inkling.tracing.training_text import TextKind, TrainingTextIndex
from inkling.workspace import Workspace

CONTEXT_CHARACTERS = 60
MAX_PASSAGES = 10


@dataclass(frozen=True)
class SourcePassage:
    """One place where a copied span stands.

    `kind` says whether it is writing or what `them` or `me` said in a dialog. `character` is
    where the span begins in its document or turn. `question` is what was said before a copied
    reply. `source`, `reference`, `title` and `date` are None where the corpus does not have
    them; `in_corpus` is False where the document was removed since.
    """

    document: str
    kind: TextKind
    character: int
    before: str
    after: str
    question: str | None
    in_corpus: bool
    source: str | None
    reference: str | None
    title: str | None
    date: str | None


@dataclass(frozen=True)
class CopiedSpan:
    """Characters start … stop of the traced text: what stands there, how often, and where."""

    text: str
    start: int
    stop: int
    count: int
    passages: tuple[SourcePassage, ...]


@dataclass(frozen=True)
class Trace:
    """A text traced to what a run was trained on. Lengths are in characters."""

    run: str
    text: str
    min_characters: int
    characters: int
    copied_characters: int
    longest: int
    spans: tuple[CopiedSpan, ...]

    @property
    def share(self) -> float:
        """How much of the text lies in copied spans, from 0 to 1."""
        return self.copied_characters / self.characters if self.characters else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {**asdict(self), "share": self.share}


def trace(
    run: Run,
    text: str,
    workspace: Workspace,
    min_characters: int = MIN_CHARACTERS,
    context: int = CONTEXT_CHARACTERS,
) -> Trace:
    """Trace a text. The first trace of a run makes its index.

    `context` characters stand before and after each passage. Raises RunError where the run's
    packed data is gone.
    """
    trained = TrainingTextIndex.of(run)
    spans = trained.index.spans(text, min_characters, MAX_PASSAGES)
    documents = {trained.origin(place.text).document for span in spans for place in span.places}
    described = _described(workspace, documents)
    return Trace(
        run=run.name,
        text=text,
        min_characters=min_characters,
        characters=len(text),
        copied_characters=covered(spans),
        longest=max((span.length for span in spans), default=0),
        spans=tuple(
            CopiedSpan(
                text=text[span.start : span.stop],
                start=span.start,
                stop=span.stop,
                count=span.count,
                passages=tuple(
                    _passage(trained, span, place, described, context) for place in span.places
                ),
            )
            for span in spans
        ),
    )


def _passage(
    trained: TrainingTextIndex,
    span: MatchedSpan,
    place: Place,
    described: dict[str, Description],
    context: int,
) -> SourcePassage:
    origin = trained.origin(place.text)
    known = described.get(origin.document)
    begin, end = place.character, place.character + span.length
    return SourcePassage(
        document=origin.document,
        kind=origin.kind,
        character=origin.character + begin,
        before=trained.index.part(place.text, begin - context, begin),
        after=trained.index.part(place.text, end, end + context),
        question=_question(trained, place.text) if origin.kind == "me" else None,
        in_corpus=known is not None,
        source=known.source if known else None,
        reference=known.raw_ref if known else None,
        title=known.title if known else None,
        date=known.timestamp[:10] if known and known.timestamp else None,
    )


def _question(trained: TrainingTextIndex, reply: int) -> str | None:
    """What `them` said before a reply, if it was said in the same conversation."""
    if reply == 0:
        return None
    before = trained.origin(reply - 1)
    if before.kind != "them" or before.document != trained.origin(reply).document:
        return None
    return trained.index.part(reply - 1, 0, trained.index.characters(reply - 1))


def _described(workspace: Workspace, documents: set[str]) -> dict[str, Description]:
    if not workspace.corpus_path.exists():  # opening it would make an empty one
        return {}
    with CorpusStore(workspace.corpus_path) as store:
        return store.describe(documents)
