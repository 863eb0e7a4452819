"""Many texts at once with one model: each has a slot, and comes and goes at any step.

Knows: slots, which ids each has read, and the order of work in a step. Does not know: characters,
who asked, what waits.
Data: `add(writing)` -> `step()` -> (writing, token picked) pairs -> `remove(writing)`.

A step reads at most READ_TOKENS of prompts that are still being read, then decodes one position of
every text that was ready, in one batch: a long prompt holds nobody up for longer than its share of
a step. The slots being decoded are the first rows of the cache, so that a batch is a view of it;
when one leaves, the last moves into its place.

A slot that is free keeps what it read until it is needed: the next turn of a conversation finds
its history there. A new text takes the free slot that shares the longest beginning with it, and
where none shares enough, the one left longest ago. What another slot has read of the same prompt
meanwhile is copied: the drafts of one reply read their prompt once.

S slots.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

import torch
from torch import Tensor

from inkling.inference.engine import Engine
from inkling.inference.writing import Picked, Writing, pick
from inkling.model.cache import SlotCache, kv_bytes
from inkling.model.gpt import GPT

READ_TOKENS = 256
"""Prompt tokens read between two decoding steps, all texts together."""

CACHE_BYTES = 2**30
"""Memory that the slots of one model may take; a large model gets fewer slots."""

WORTH_COPYING = 4
"""Ids in common from which they are copied from another slot rather than read again."""

WORTH_SHARING = 16
"""Ids in common from which a slot is taken for their sake. Every chat begins with the same two or
three; taking a slot for those would wipe out somebody's history."""


@dataclass
class Slot:
    """A row of the cache: the ids it has read, and the text that uses it."""

    writing: Writing | None = None
    read: list[int] = field(default_factory=list)
    left: int = 0
    """When it was last left; larger is later."""

    def unread(self) -> list[int]:
        return [] if self.writing is None else self.writing.context[len(self.read) :]

    def is_ready(self) -> bool:
        """Whether one more id is all there is to read."""
        return self.writing is not None and len(self.writing.context) - len(self.read) == 1


class Batch:
    """The texts that one model writes now."""

    def __init__(self, engine: Engine, slots: int) -> None:
        """`slots` texts at once, fewer where their caches would not fit CACHE_BYTES."""
        self.engine = engine
        self._cache: SlotCache | None = None
        if isinstance(engine.model, GPT):
            settings = engine.model.settings
            slots = max(1, min(slots, CACHE_BYTES // kv_bytes(settings)))
            self._cache = SlotCache(settings, slots, engine.device)
        self._slots = [Slot() for _ in range(slots)]
        self._reading: list[Writing] = []  # in the order in which they came
        self._clock = count(1)

    @property
    def writings(self) -> int:
        """How many texts are under way."""
        return sum(slot.writing is not None for slot in self._slots)

    @property
    def slots(self) -> int:
        """How many texts it can write at once."""
        return len(self._slots)

    def add(self, writing: Writing) -> None:
        """Give a text a slot. There must be a free one."""
        # The last id is always read: its hidden state is what the next token comes from.
        known = writing.context[:-1]
        shared = {
            index: shared_length(slot.read, known)
            for index, slot in enumerate(self._slots)
            if slot.writing is None
        }
        best = max(
            shared,
            key=lambda index: (
                shared[index] if shared[index] >= WORTH_SHARING else 0,
                -self._slots[index].left,
            ),
        )
        slot = self._slots[best]
        slot.writing, slot.read = writing, slot.read[: shared[best]]
        self._reading.append(writing)

    def remove(self, writing: Writing) -> None:
        """Free a text's slot, finished or not."""
        slot = self._slot_of(writing)
        slot.writing, slot.left = None, next(self._clock)
        if writing in self._reading:
            self._reading.remove(writing)

    def forget(self) -> None:
        """Keep nothing of what free slots have read."""
        for slot in self._slots:
            if slot.writing is None:
                slot.read = []

    def step(self) -> list[tuple[Writing, Picked]]:
        """Read and decode; each text that was given a token, with it. Each has taken it."""
        if self._cache is None:
            # Every text is read whole at every step; there is nothing to keep.
            under_way = [slot.writing for slot in self._slots if slot.writing is not None]
            hidden = [self.engine.last_hidden(w.context, None) for w in under_way]
            return self._take(under_way, hidden)
        ready = [slot.writing for slot in self._slots if slot.writing and slot.is_ready()]
        writings, hidden = self._read(self._cache, ready)
        if ready:
            decoded, hidden_SC = self._decode(self._cache, ready)
            writings += decoded
            hidden += hidden_SC
        picked = self._take(writings, hidden)
        for writing in writings:
            slot = self._slot_of(writing)
            if len(slot.read) == self._cache.capacity and not writing.finish:
                writing.forget()
                slot.read = []
                self._reading.append(writing)
        return picked

    def _read(self, cache: SlotCache, ready: list[Writing]) -> tuple[list[Writing], list[Tensor]]:
        """Read on in prompts, the oldest first; those now read, with what the head reads."""
        budget = READ_TOKENS
        done: list[Writing] = []
        hidden: list[Tensor] = []
        self._reading = [writing for writing in self._reading if writing not in ready]
        for writing in self._reading:
            if budget == 0:
                break
            index = self._index_of(writing)
            slot = self._slots[index]
            self._copy_read(cache, index)
            if slot.is_ready():
                continue  # with the others, in the next step
            chunk = slot.unread()[:budget]
            last_C = self.engine.last_hidden(chunk, cache.slot(index, len(slot.read)))
            slot.read += chunk
            budget -= len(chunk)
            if not slot.unread():
                done.append(writing)
                hidden.append(last_C)
        self._reading = [writing for writing in self._reading if writing not in done]
        return done, hidden

    def _copy_read(self, cache: SlotCache, index: int) -> None:
        """Copy what another slot has read of a slot's prompt, where that is worth it."""
        slot = self._slots[index]
        assert slot.writing is not None
        known = slot.writing.context[:-1]
        shared = [shared_length(other.read, known) for other in self._slots]
        source = max(range(len(shared)), key=shared.__getitem__)
        if shared[source] >= len(slot.read) + WORTH_COPYING:
            cache.copy(source, index, shared[source])
            slot.read = known[: shared[source]]

    def _decode(self, cache: SlotCache, ready: list[Writing]) -> tuple[list[Writing], list[Tensor]]:
        """One position of each text that was ready, with what the head reads, in row order."""
        self._gather(cache, ready)
        slots = self._slots[: len(ready)]
        writings = [slot.writing for slot in slots if slot.writing is not None]
        new = [writing.context[-1] for writing in writings]
        hidden_SC = self.engine.next_hidden(new, cache.first([len(slot.read) for slot in slots]))
        for slot, token in zip(slots, new, strict=True):
            slot.read.append(token)
        return writings, list(hidden_SC)

    def _gather(self, cache: SlotCache, ready: Sequence[Writing]) -> None:
        """Move the slots of these texts to the first rows."""
        wanted = set(map(id, ready))
        rows = [index for index, slot in enumerate(self._slots) if id(slot.writing) in wanted]
        gaps = [index for index in range(len(ready)) if index not in set(rows)]
        for gap, row in zip(gaps, reversed(rows), strict=False):
            one, other = self._slots[gap], self._slots[row]
            cache.swap(gap, row, max(len(one.read), len(other.read)))
            self._slots[gap], self._slots[row] = other, one

    def _take(self, writings: list[Writing], hidden: list[Tensor]) -> list[tuple[Writing, Picked]]:
        if not writings:
            return []
        found = pick(writings, self.engine.logits(torch.stack(hidden)))
        for writing, picked in zip(writings, found, strict=True):
            writing.take(picked.token)
        return list(zip(writings, found, strict=True))

    def _slot_of(self, writing: Writing) -> Slot:
        return self._slots[self._index_of(writing)]

    def _index_of(self, writing: Writing) -> int:
        return next(n for n, slot in enumerate(self._slots) if slot.writing is writing)


def shared_length(one: Sequence[int], other: Sequence[int]) -> int:
    """How many ids two sequences begin with in common."""
    for index, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return index
    return min(len(one), len(other))
