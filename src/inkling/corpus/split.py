"""The honest split: one copy of everything, and a held-out part that is truly held out.

Knows: what is kept, what is held out, and how much of it still stands in the training text.
Does not know: dialogs (`split_dialogs`), ids, models.
Data: documents and conversations -> sections -> clusters -> `Split`.

Rules. Sections of one near-duplicate cluster count once (the first stays). Where there are
many documents the unit held out is the document: the last 10 % of the characters by time in
each source, or by hash where there are no dates. Few documents: the last 10 % of the
characters of each. Dialogs: a tenth of the conversations, by hash; of five or fewer the end of
each. Of replies that were corrected in a chat none is held out, as long as there are others.

The leak meter (`leak`) says what clustering could not remove.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from inkling.corpus.duplicates import Fingerprints, cut_sections
from inkling.corpus.leak import leak
from inkling.corpus.reading import Documents, Pieces, TextRange
from inkling.corpus.records import StoredConversation
from inkling.corpus.repeats import WHOLE_BELOW, Repeats
from inkling.corpus.split_dialogs import HELD_OUT, Dialog, reply_leak, split_dialogs

MANY_DOCUMENTS = 10
LEAK_WARNING = 0.05
SAMPLED_ABOVE = 24_000_000
"""Characters (some four million words) above which shingles are sampled by their hash, so that
memory stays bounded."""


@dataclass(frozen=True)
class Split:
    """What to train on and what to hold out. Sections are in reading order; their text is read
    from the corpus when they are gone through."""

    train: Pieces
    held_out: Pieces
    train_dialogs: tuple[Dialog, ...]
    held_out_dialogs: tuple[Dialog, ...]
    duplicate_sections: int
    duplicate_characters: int
    all_characters: int
    leak: float
    """Share of held-out characters in 50-character runs that stand in train."""
    reply_leak: float
    """Share of held-out replies of 20 characters or more that stand verbatim in train."""
    share: float = 1.0
    """Of the corpus, what was read (corpus.part)."""
    masked: dict[str, int] = field(default_factory=dict)
    """How many places were masked, by kind."""
    masked_hash: str = ""
    """Over all that was masked; empty where that was nothing."""
    notes: tuple[str, ...] = ()
    """What was masked and left out on the way here, in plain words."""

    @property
    def train_characters(self) -> int:
        return self.train.characters

    @property
    def held_out_characters(self) -> int:
        return self.held_out.characters

    def sentences(self) -> list[str]:
        """What was found, in plain words."""
        found = list(self.notes)
        if self.share < 1:
            found.append(
                f"{self.share:.0%} of the text is read, spread evenly: all of it would take too "
                "much of the time. Give it more minutes to learn from more."
            )
        if self.duplicate_sections:
            share = self.duplicate_characters / max(1, self.all_characters)
            shown = f"{share:.0%}" if share >= 0.005 else "Under 1%"
            found.append(
                f"{shown} of the writing repeats itself ({self.duplicate_sections:,} sections "
                "say what an earlier one says); one copy of each is kept."
            )
        if self.leak > LEAK_WARNING:
            found.append(
                f"Careful: {self.leak:.0%} of the held-out writing also stands in the training "
                "text, so the losses below look better than the model is."
            )
        elif self.held_out:
            found.append(
                f"{self.leak:.1%} of the held-out writing also stands in the training text."
            )
        if self.reply_leak > LEAK_WARNING:
            found.append(
                f"Careful: {self.reply_leak:.0%} of the held-out replies also stand word for "
                "word in the training dialogs."
            )
        return found


def split_corpus(documents: Documents, conversations: Iterable[StoredConversation]) -> Split:
    """Split a whole corpus. A pure function of its content.

    Documents are read one at a time, several times over; of sections only places are kept.
    """
    listed, sections, fingerprints = _survey(documents)
    kept = _unrepeated(documents, sections, fingerprints)
    distinct = sum(map(bool, kept))
    every_size = sum(_size(group) for group in sections)
    flat = iter(kept)
    by_document = [[piece for _ in group for piece in next(flat)] for group in sections]
    del kept, fingerprints
    kept_size = sum(_size(group) for group in by_document)

    train, held_out = (
        Pieces(documents, tuple(part)) for part in _split_documents(listed, by_document)
    )
    train_dialogs, held_out_dialogs = split_dialogs(conversations)
    return Split(
        train=train,
        held_out=held_out,
        train_dialogs=tuple(train_dialogs),
        held_out_dialogs=tuple(held_out_dialogs),
        duplicate_sections=sum(map(len, sections)) - distinct,
        duplicate_characters=every_size - kept_size,
        all_characters=every_size,
        leak=leak(train, held_out),
        reply_leak=reply_leak(train_dialogs, held_out_dialogs),
    )


def repeated_share(documents: Documents) -> float:
    """Share of the writing that says what an earlier passage says: what `split_corpus` leaves
    out."""
    _, sections, fingerprints = _survey(documents)
    every_size = sum(map(_size, sections))
    kept_size = sum(map(_size, _unrepeated(documents, sections, fingerprints)))
    return 1 - kept_size / every_size if every_size else 0.0


@dataclass(frozen=True)
class _Listed:
    """A document without its text."""

    source: str
    content_hash: str
    timestamp: str | None


def _survey(documents: Documents) -> tuple[list[_Listed], list[list[TextRange]], Fingerprints]:
    """One look at everything: the documents, the sections of each, their fingerprints."""
    fingerprints = Fingerprints(sampling=1 + documents.characters() // SAMPLED_ABOVE)
    listed: list[_Listed] = []
    sections: list[list[TextRange]] = []
    for document in documents:
        listed.append(_Listed(document.source, document.content_hash, document.timestamp))
        sections.append([])
        for section in cut_sections(document.content_hash, document.text):
            fingerprints.add(section.text)
            sections[-1].append(TextRange(section.document, section.start, section.stop))
    return listed, sections, fingerprints


def _unrepeated(
    documents: Documents, sections: list[list[TextRange]], fingerprints: Fingerprints
) -> list[list[TextRange]]:
    """For each section in order, what of it no earlier one says.

    Of a cluster only the first section stays. One of which little is repeated stays whole; of
    the others the repeated paragraphs go.
    """
    spans = [span for group in sections for span in group]
    first = np.equal(fingerprints.clusters(), np.arange(len(spans)))
    repeats = Repeats(fingerprints, first)
    kept = [[span] if alone else [] for span, alone in zip(spans, first, strict=True)]
    suspicious = np.flatnonzero(first & (repeats.shares >= WHOLE_BELOW)).tolist()
    texts = documents.read(spans[index] for index in suspicious)
    for index, section in zip(suspicious, texts, strict=True):
        kept[index] = list(repeats.left_of(index, section))
    return kept


def _split_documents(
    documents: Sequence[_Listed], kept: Sequence[list[TextRange]]
) -> tuple[list[TextRange], list[TextRange]]:
    train: list[TextRange] = []
    held_out: list[TextRange] = []
    by_source: dict[str, list[int]] = {}
    for index, document in enumerate(documents):
        by_source.setdefault(document.source, []).append(index)
    for members in by_source.values():
        members = [index for index in members if kept[index]]
        if len(members) < MANY_DOCUMENTS:
            for index in members:
                before, after = _cut_at(kept[index], 1 - HELD_OUT)
                train += before
                held_out += after
            continue
        chosen = _last_tenth(members, documents, kept)
        for index in members:
            (held_out if index in chosen else train).extend(kept[index])
    return train, held_out


def _last_tenth(
    members: list[int], documents: Sequence[_Listed], kept: Sequence[list[TextRange]]
) -> set[int]:
    """The documents that make up the last tenth of a source's characters."""
    dated = all(documents[index].timestamp for index in members)
    ordered = sorted(
        members,
        key=lambda index: (
            (documents[index].timestamp or "") if dated else "",
            documents[index].content_hash,
        ),
        reverse=True,
    )
    sizes = {index: _size(kept[index]) for index in members}
    wanted = HELD_OUT * sum(sizes.values())
    chosen: set[int] = set()
    held = 0
    for index in ordered:
        # Stop where the next document would lead further away from a tenth.
        if chosen and held + sizes[index] / 2 > wanted:
            break
        chosen.add(index)
        held += sizes[index]
    return chosen


def _cut_at(sections: list[TextRange], share: float) -> tuple[list[TextRange], list[TextRange]]:
    """Cut at exactly int(share × characters), through a section where it falls inside one."""
    cut = int(share * _size(sections))
    before: list[TextRange] = []
    after: list[TextRange] = []
    seen = 0
    for section in sections:
        size = section.stop - section.start
        at = section.start + min(max(cut - seen, 0), size)
        if at > section.start:
            before.append(section._replace(stop=at))
        if at < section.stop:
            after.append(section._replace(start=at))
        seen += size
    return before, after


def _size(spans: Iterable[TextRange]) -> int:
    return sum(span.stop - span.start for span in spans)
