"""The honest split: one copy of everything, and a held-out part that is truly held out.

Knows: what is kept, what is held out, and how much of it still stands in the training text.
Does not know: ids, models. Data: documents and conversations -> sections -> clusters -> `Split`.

Rules. Sections of one near-duplicate cluster count once (the first stays). Where there are
many documents the unit held out is the document: the last 10 % of the characters by time in
each source, or by hash where there are no dates. Few documents: the last 10 % of the
characters of each. Dialogs: a tenth of the conversations, by hash; of replies that were
corrected in a chat none, as long as there are others.

The leak meter says what clustering cannot mend: the share of held-out characters covered by
50-character runs that stand in the training text.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from inkling.corpus.clean import normalise
from inkling.corpus.dialog import Turn, sessions
from inkling.corpus.document import EDITS_SOURCE
from inkling.corpus.duplicates import (
    Section,
    cluster_duplicates,
    cut_sections,
    drop_repeats,
)
from inkling.corpus.store import StoredConversation, StoredDocument

HELD_OUT = 0.1
MANY_DOCUMENTS = 10
LEAK_RUN = 50
LEAK_WARNING = 0.05
BOILERPLATE_DOCUMENTS = 3
MIN_REPLY = 20


@dataclass(frozen=True)
class Dialog:
    """One session of a conversation; `conversation` is its content hash."""

    conversation: str
    turns: tuple[Turn, ...]

    @property
    def characters(self) -> int:
        return sum(len(text) for _, text in self.turns)

    @property
    def reply_characters(self) -> int:
        return sum(len(text) for role, text in self.turns if role == "me")


@dataclass(frozen=True)
class Split:
    """What to train on and what to hold out. Sections are in reading order."""

    train: tuple[Section, ...]
    held_out: tuple[Section, ...]
    train_dialogs: tuple[Dialog, ...]
    held_out_dialogs: tuple[Dialog, ...]
    duplicate_sections: int
    duplicate_characters: int
    all_characters: int
    leak: float
    """Share of held-out characters in 50-character runs that stand in train."""
    reply_leak: float
    """Share of held-out replies of 20 characters or more that stand verbatim in train."""

    @property
    def train_characters(self) -> int:
        return sum(len(section.text) for section in self.train)

    @property
    def held_out_characters(self) -> int:
        return sum(len(section.text) for section in self.held_out)

    def sentences(self) -> list[str]:
        """What was found, in plain words."""
        found = []
        if self.duplicate_sections:
            share = self.duplicate_characters / max(1, self.all_characters)
            found.append(
                f"{share:.0%} of the writing repeats itself ({self.duplicate_sections:,} sections "
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


def split_corpus(
    documents: Iterable[StoredDocument], conversations: Iterable[StoredConversation]
) -> Split:
    """Split a whole corpus. A pure function of its content."""
    kept_documents = list(documents)
    sections: list[list[Section]] = [
        list(cut_sections(document.content_hash, document.text)) for document in kept_documents
    ]
    flat = [section for group in sections for section in group]
    clusters = cluster_duplicates([section.text for section in flat])
    first = [index for index, cluster in enumerate(clusters) if cluster == index]
    unrepeated = dict(zip(first, drop_repeats([flat[index] for index in first]), strict=True))
    kept: list[list[Section]] = []
    position = 0
    for group in sections:
        indices = range(position, position + len(group))
        kept.append([piece for index in indices for piece in unrepeated.get(index, [])])
        position += len(group)
    all_characters = sum(len(section.text) for section in flat)
    kept_characters = sum(len(piece.text) for group in kept for piece in group)

    train, held_out = _split_documents(kept_documents, kept)
    train_dialogs, held_out_dialogs = _split_dialogs(conversations)
    return Split(
        train=tuple(train),
        held_out=tuple(held_out),
        train_dialogs=tuple(train_dialogs),
        held_out_dialogs=tuple(held_out_dialogs),
        duplicate_sections=len(flat) - sum(bool(pieces) for pieces in unrepeated.values()),
        duplicate_characters=all_characters - kept_characters,
        all_characters=all_characters,
        leak=leak(train, held_out),
        reply_leak=reply_leak(train_dialogs, held_out_dialogs),
    )


def _split_documents(
    documents: Sequence[StoredDocument], kept: Sequence[list[Section]]
) -> tuple[list[Section], list[Section]]:
    train: list[Section] = []
    held_out: list[Section] = []
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
    members: list[int], documents: Sequence[StoredDocument], kept: Sequence[list[Section]]
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
    sizes = {index: sum(len(s.text) for s in kept[index]) for index in members}
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


def _cut_at(sections: list[Section], share: float) -> tuple[list[Section], list[Section]]:
    """Cut at exactly int(share × characters), through a section where it falls inside one."""
    cut = int(share * sum(len(section.text) for section in sections))
    before: list[Section] = []
    after: list[Section] = []
    seen = 0
    for section in sections:
        size = len(section.text)
        if seen + size <= cut:
            before.append(section)
        elif seen >= cut:
            after.append(section)
        else:
            at = cut - seen
            before.append(Section(section.document, section.start, section.text[:at]))
            after.append(Section(section.document, section.start + at, section.text[at:]))
        seen += size
    return before, after


def _split_dialogs(
    conversations: Iterable[StoredConversation],
) -> tuple[list[Dialog], list[Dialog]]:
    train: list[Dialog] = []
    held_out: list[Dialog] = []
    # Corrected replies come first, so that of near copies the corrected one is kept.
    ordered = sorted(conversations, key=lambda conversation: conversation.source != EDITS_SOURCE)
    corrections = sum(conversation.source == EDITS_SOURCE for conversation in ordered)
    groups: list[tuple[str, list[Dialog]]] = []
    for conversation in ordered:
        dialogs = [Dialog(conversation.content_hash, t) for t in sessions(conversation.messages)]
        groups.append((conversation.content_hash, dialogs))
    texts = ["\n".join(text for d in dialogs for _, text in d.turns) for _, dialogs in groups]
    clusters = cluster_duplicates(texts)
    unique = [index for index in range(len(groups)) if clusters[index] == index]
    kept = [groups[index] for index in unique if index >= corrections and groups[index][1]]
    corrected = [groups[index] for index in unique if index < corrections]
    if kept:
        # A correction is there to be learned: none is held out while there is other to measure on.
        train += [dialog for _, dialogs in corrected for dialog in dialogs]
    else:
        kept = corrected
    if len(kept) == 1:  # one long chat: its last sessions are held out
        dialogs = kept[0][1]
        cut = max(1, round((1 - HELD_OUT) * len(dialogs)))
        return [*train, *dialogs[:cut]], dialogs[cut:]
    ranked = sorted(kept, key=lambda group: hashlib.sha256(group[0].encode()).digest())
    chosen = {group[0] for group in ranked[: round(HELD_OUT * len(kept))]}
    for name, dialogs in kept:
        (held_out if name in chosen else train).extend(dialogs)
    return train, held_out


def leak(train: Sequence[Section], held_out: Sequence[Section]) -> float:
    """Share of the held-out characters inside 50-character runs that stand in train.

    Compared with white space collapsed; paragraphs found in three or more documents are
    boilerplate and left out on both sides.
    """
    boilerplate = _boilerplate([*train, *held_out])
    wanted = [_comparable(section.text, boilerplate) for section in held_out]
    hashes = [_run_hashes(text) for text in wanted]
    total = sum(len(text) for text in wanted)
    if not total:
        return 0.0
    needles = np.unique(np.concatenate(hashes)) if hashes else np.zeros(0, dtype=np.uint64)
    found = np.zeros(len(needles), dtype=bool)
    # Sections follow each other in a document; runs across a cut count as well.
    for text in _joined(train, boilerplate):
        runs = _run_hashes(text)
        if len(runs) and len(needles):
            at = np.searchsorted(needles, runs).clip(max=len(needles) - 1)
            found[at[needles[at] == runs]] = True
    covered = 0
    for text, runs in zip(wanted, hashes, strict=True):
        mask = np.zeros(len(text) + 1, dtype=np.int64)
        hits = np.zeros(0, dtype=np.int64)
        if len(runs):
            hits = np.flatnonzero(found[np.searchsorted(needles, runs)])
        np.add.at(mask, hits, 1)
        np.add.at(mask, hits + min(LEAK_RUN, len(text)), -1)
        covered += int((np.cumsum(mask[:-1]) > 0).sum())
    return covered / total


def reply_leak(train: Sequence[Dialog], held_out: Sequence[Dialog]) -> float:
    """Share of held-out `me` turns of 20 characters or more that stand verbatim in train."""
    known = {normalise(text) for dialog in train for role, text in dialog.turns if role == "me"}
    replies = [
        text
        for dialog in held_out
        for role, text in dialog.turns
        if role == "me" and len(text) >= MIN_REPLY
    ]
    return sum(normalise(text) in known for text in replies) / len(replies) if replies else 0.0


def _boilerplate(sections: Iterable[Section]) -> set[str]:
    seen: Counter[str] = Counter()
    pairs = {
        (section.document, " ".join(paragraph.split()))
        for section in sections
        for paragraph in section.text.split("\n\n")
    }
    seen.update(paragraph for _, paragraph in pairs)
    return {paragraph for paragraph, count in seen.items() if count >= BOILERPLATE_DOCUMENTS}


def _comparable(text: str, boilerplate: set[str]) -> str:
    paragraphs = (" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
    return " ".join(p for p in paragraphs if p and p not in boilerplate)


def _joined(sections: Sequence[Section], boilerplate: set[str]) -> Iterable[str]:
    group: list[Section] = []
    for section in sections:
        if group and (section.document, section.start) != (group[-1].document, group[-1].stop):
            yield " ".join(_comparable(s.text, boilerplate) for s in group)
            group = []
        group.append(section)
    if group:
        yield " ".join(_comparable(s.text, boilerplate) for s in group)


_BASE = np.uint64(0x9E3779B97F4A7C15)
_BASE_INVERSE = np.uint64(pow(int(_BASE), -1, 1 << 64))


def _run_hashes(text: str) -> np.ndarray:
    """A 64-bit hash of every run of 50 characters (of the whole text, where it is shorter).

    Polynomial modulo 2^64 over mixed code points, by prefix sums: the base is odd, so it can
    be divided out.
    """
    length = min(LEAK_RUN, len(text))
    if not length:
        return np.zeros(0, dtype=np.uint64)
    codes = np.frombuffer(text.encode("utf-32-le"), dtype="<u4").astype(np.uint64)
    mixed = (codes + np.uint64(1)) * np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(29)
    powers = np.cumprod(np.full(len(codes), _BASE, dtype=np.uint64))
    prefix = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(mixed * powers)])
    inverse = np.cumprod(np.full(len(codes), _BASE_INVERSE, dtype=np.uint64))
    count = len(codes) - length + 1
    return (prefix[length:] - prefix[:-length]) * inverse[:count]
