"""Many sequences at once with one decoder: each has a slot, and comes and goes at any step.

Knows: slots, which ids each has read, and the order of work in a step. Does not know: models,
characters, who asked, what waits.
Data: `add(sequence)` -> `step()` -> (sequence, token drawn) pairs -> `remove(sequence)`.

A step reads at most READ_TOKENS of prompts that are not read yet, then decodes one position of
every sequence that is ready, in one batch: a long prompt holds nobody up for longer than its share
of a step. The slots being decoded are the decoder's first; when a sequence leaves, the last one
moves into its place.

A free slot keeps what it has read until it is needed: the next turn of a conversation finds its
history there. A new sequence takes the free slot that shares the longest beginning with it, and
where none shares enough, the one freed longest ago. What another slot has read of the same prompt
meanwhile is copied: the drafts of one reply read their prompt once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

from inkling.inference.decoder import Decoder
from inkling.inference.sampling import SampledToken
from inkling.inference.sequence import TokenSequence, append_tokens, sample_tokens

READ_TOKENS = 256
"""Prompt tokens read between two decoding steps, all sequences together."""

WORTH_COPYING = 4
"""Ids in common from which they are copied from another slot rather than read again."""

WORTH_SHARING = 16
"""Ids in common from which a slot is taken for their sake. Every chat begins with the same two or
three; taking a slot for those would wipe out somebody's history."""


@dataclass(eq=False)
class Slot:
    """A slot of the decoder: the ids it has read, and the sequence that uses it."""

    index: int
    sequence: TokenSequence | None = None
    ids: list[int] = field(default_factory=list)
    freed_at: int = 0
    """When it was last freed; larger is later."""

    def prompt(self) -> list[int]:
        """What is to be read before the last id of the context is decoded."""
        return [] if self.sequence is None else self.sequence.context[:-1]

    def is_ready(self) -> bool:
        """Whether one more id is all there is to read."""
        return self.sequence is not None and len(self.sequence.context) - len(self.ids) == 1


class Batch:
    """The sequences that one decoder works on now."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._slots = [Slot(index) for index in range(decoder.slots)]
        self._slot_of: dict[TokenSequence, Slot] = {}
        self._unread: list[Slot] = []  # prompts that are not read yet, oldest first
        self._clock = count(1)

    @property
    def active(self) -> int:
        """How many sequences are being generated."""
        return len(self._slot_of)

    @property
    def slots(self) -> int:
        """How many sequences fit."""
        return len(self._slots)

    def add(self, sequence: TokenSequence) -> None:
        """Give a sequence a slot. There must be a free one."""
        # The last id is never shared: it is decoded, for the logits of the next one.
        prompt = sequence.context[:-1]
        shared = {
            slot.index: shared_length(slot.ids, prompt)
            for slot in self._slots
            if slot.sequence is None
        }
        best = max(
            shared,
            key=lambda index: (
                shared[index] if shared[index] >= WORTH_SHARING else 0,
                -self._slots[index].freed_at,
            ),
        )
        slot = self._slots[best]
        slot.sequence, slot.ids = sequence, slot.ids[: shared[best]]
        self._slot_of[sequence] = slot
        self._unread.append(slot)

    def remove(self, sequence: TokenSequence) -> None:
        """Free a sequence's slot, finished or not."""
        slot = self._slot_of.pop(sequence)
        slot.sequence, slot.freed_at = None, next(self._clock)
        if slot in self._unread:
            self._unread.remove(slot)

    def clear_free_slots(self) -> None:
        """Keep nothing of what free slots have read."""
        for slot in self._slots:
            if slot.sequence is None:
                slot.ids = []

    def step(self) -> list[tuple[TokenSequence, SampledToken]]:
        """Read and decode; each sequence that was given a token, with it. Each has appended it."""
        if self._unread:
            self._read()
        ready = self._gather()
        sequences = [slot.sequence for slot in ready if slot.sequence is not None]
        if not sequences:
            return []
        ids = [sequence.context[-1] for sequence in sequences]
        logits_SV = self._decoder.decode(ids, [len(slot.ids) for slot in ready])
        sampled = sample_tokens(sequences, logits_SV, self._decoder.draw)
        append_tokens(sequences, sampled)
        for slot, token_id, sequence in zip(ready, ids, sequences, strict=True):
            slot.ids.append(token_id)
            if len(slot.ids) == self._decoder.capacity and sequence.finish is None:
                sequence.drop_older_half()
                slot.ids = []
                self._unread.append(slot)
        return list(zip(sequences, sampled, strict=True))

    def _read(self) -> None:
        """Read on in prompts, the oldest first, READ_TOKENS at most."""
        budget = READ_TOKENS
        for slot in self._unread:
            self._copy_shared(slot)
            chunk = slot.prompt()[len(slot.ids) :][:budget]
            if chunk:
                self._decoder.read(slot.index, len(slot.ids), chunk)
                slot.ids += chunk
                budget -= len(chunk)
            if budget == 0:
                break
        self._unread = [slot for slot in self._unread if not slot.is_ready()]

    def _copy_shared(self, slot: Slot) -> None:
        """Copy what another slot has read of a slot's prompt, where that is worth it."""
        prompt = slot.prompt()
        if len(prompt) < len(slot.ids) + WORTH_COPYING:
            return
        shared = [shared_length(other.ids, prompt) for other in self._slots]
        source = max(range(len(shared)), key=shared.__getitem__)
        if shared[source] >= len(slot.ids) + WORTH_COPYING:
            self._decoder.copy(source, slot.index, shared[source])
            slot.ids = prompt[: shared[source]]

    def _gather(self) -> list[Slot]:
        """Move the slots that are ready to the front; those slots, in order."""
        rows = [slot.index for slot in self._slots if slot.is_ready()]
        occupied = set(rows)
        gaps = [index for index in range(len(rows)) if index not in occupied]
        for gap, row in zip(gaps, reversed(rows), strict=False):
            one, other = self._slots[gap], self._slots[row]
            self._decoder.swap(gap, row, max(len(one.ids), len(other.ids)))
            one.index, other.index = row, gap
            self._slots[gap], self._slots[row] = other, one
        return self._slots[: len(rows)]


def shared_length(one: Sequence[int], other: Sequence[int]) -> int:
    """How many ids two sequences begin with in common."""
    for index, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return index
    return min(len(one), len(other))
