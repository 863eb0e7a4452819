"""The honest split of dialogs: which are learned, and which are held out.

Knows: sessions of conversations, replies that were corrected, how many replies stand in training
too. Does not know: documents, ids, models.
Data: conversations -> `split_dialogs` -> Dialogs to learn and Dialogs held out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from inkling.corpus.clean import normalise
from inkling.corpus.dialog import DialogTurn, sessions
from inkling.corpus.document import EDITS_SOURCE
from inkling.corpus.duplicates import cluster_duplicates
from inkling.corpus.records import StoredConversation

HELD_OUT = 0.1
"""Share of the text that is never learned, so that it can be measured on."""
MANY_SESSIONS = 10
"""From which a chat's last sessions are held out, not the end of its longest."""
MIN_REPLY = 20
"""Characters from which a reply is no coincidence."""


@dataclass(frozen=True)
class Dialog:
    """One session of a conversation; `conversation` is its content hash."""

    conversation: str
    turns: tuple[DialogTurn, ...]

    @property
    def characters(self) -> int:
        return sum(len(text) for _, text in self.turns)

    @property
    def reply_characters(self) -> int:
        return sum(len(text) for role, text in self.turns if role == "me")


def split_dialogs(
    conversations: Iterable[StoredConversation],
) -> tuple[list[Dialog], list[Dialog]]:
    """The dialogs to learn and those to hold out, one copy of each."""
    train: list[Dialog] = []
    held_out: list[Dialog] = []
    # Corrected replies come first, so that of near copies the corrected one is kept.
    ordered = sorted(conversations, key=lambda conversation: conversation.source != EDITS_SOURCE)
    corrections = sum(conversation.source == EDITS_SOURCE for conversation in ordered)
    groups: list[tuple[str, list[Dialog]]] = []
    for conversation in ordered:
        dialogs = [Dialog(conversation.content_hash, t) for t in sessions(conversation.messages)]
        groups.append((conversation.content_hash, dialogs))
    clusters = cluster_duplicates(
        "\n".join(text for dialog in dialogs for _, text in dialog.turns) for _, dialogs in groups
    )
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
        if dialogs[cut:]:
            return [*train, *dialogs[:cut]], dialogs[cut:]
    if not round(HELD_OUT * len(kept)):  # a few: the end of each that is long enough
        for _, dialogs in kept:
            before, after = _without_the_end(dialogs)
            train += before
            held_out += after
        return train, held_out
    ranked = sorted(kept, key=lambda group: hashlib.sha256(group[0].encode()).digest())
    chosen = {group[0] for group in ranked[: round(HELD_OUT * len(kept))]}
    for name, dialogs in kept:
        (held_out if name in chosen else train).extend(dialogs)
    return train, held_out


def _without_the_end(dialogs: list[Dialog]) -> tuple[list[Dialog], list[Dialog]]:
    """The sessions of a chat, and its last tenth: of many sessions the last ones, of few the last
    exchanges of the longest. None where that is not one whole exchange of ten."""
    if len(dialogs) >= MANY_SESSIONS:
        cut = round((1 - HELD_OUT) * len(dialogs))
        return dialogs[:cut], dialogs[cut:]
    longest = max(range(len(dialogs)), key=lambda index: dialogs[index].characters)
    name, turns = dialogs[longest].conversation, dialogs[longest].turns
    begins = [
        index
        for index in range(1, len(turns))
        if turns[index][0] == "them" and turns[index - 1][0] == "me"
    ]
    held = round(HELD_OUT * (len(begins) + 1))
    if not held:
        return dialogs, []
    cut = begins[-held]
    before = [*dialogs[:longest], Dialog(name, turns[:cut]), *dialogs[longest + 1 :]]
    return before, [Dialog(name, turns[cut:])]


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
