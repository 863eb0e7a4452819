"""The one dialog grammar, in ids: (<|them|>text<|me|>text<|end|>)+, after a leading <|end|>.

Knows: how turns become ids and which of them carry loss. Does not know: where the turns come
from. Data: turns -> `encode_dialog` -> ids and loss mask; messages -> `encode_prompt` -> ids.

What others say is read in lower case and without punctuation: with a thousand exchanges a
model cannot afford to learn that "What's that?" and "whats that" ask the same (measured,
docs/decisions.md). What `me` says is kept as it is. Every turn is read behind a space, so that
its first word is the token that the same word is in the middle of a sentence.

A conversation may open with `me`. Neighbouring turns of one role are separate turns only if
the caller wants them so; a `them` turn is never invented.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from inkling.tokens.tokenizer import Tokenizer
from inkling.tokens.vocabulary import END, ME, THEM

Turn = tuple[str, str]
"""(role, text) with role "them" or "me"."""

APOSTROPHES = "'’ʼ`"
"""Marks that stand within a word: they are closed up, where others become a space."""


@dataclass(frozen=True)
class EncodedDialog:
    """Ids of a dialog, and 1 where the loss counts (`me` text and its <|end|>)."""

    ids: list[int]
    mask: list[int]


class _Marks(dict[int, int | str | None]):
    """Characters that change when they are read: apostrophes go, punctuation becomes a space. A
    character is looked up in Unicode's tables once."""

    def __missing__(self, code: int) -> int | str | None:
        mark = unicodedata.category(chr(code)).startswith("P")
        self[code] = None if chr(code) in APOSTROPHES else " " if mark else code
        return self[code]


_MARKS = _Marks()


def normalize_turn(role: str, text: str) -> str:
    """A turn's text as the model reads it."""
    return f" {_plain(text) or text}" if role == "them" else f" {text}"


def as_said(text: str) -> str:
    """A `me` turn's text as it was before `normalize_turn`, a `them` turn's without the space."""
    return text.removeprefix(" ")


def _plain(text: str) -> str:
    """Lower case, words apart by one space; apostrophes closed up, punctuation gone. Empty
    where there is nothing else."""
    return " ".join(text.lower().translate(_MARKS).split())


def encode_dialogs(tokenizer: Tokenizer, dialogs: Sequence[Sequence[Turn]]) -> list[EncodedDialog]:
    """Encode many dialogs in one pass over all their texts. No leading <|end|> is added."""
    texts = tokenizer.encode_batch(
        [normalize_turn(role, text) for dialog in dialogs for role, text in dialog]
    )
    them, me, end = (tokenizer.special_id(token) for token in (THEM, ME, END))
    position = iter(texts)
    encoded = []
    for dialog in dialogs:
        ids: list[int] = []
        mask: list[int] = []
        for role, _ in dialog:
            turn = next(position)
            if role == "me":
                ids += [me, *turn, end]
                mask += [0, *[1] * len(turn), 1]
            else:
                ids += [them, *turn]
                mask += [0] * (len(turn) + 1)
        encoded.append(EncodedDialog(ids, mask))
    return encoded


def encode_replies(tokenizer: Tokenizer, replies: Sequence[str]) -> list[list[int]]:
    """Ids of `me` turns as they stand after <|me|>, each with its <|end|>."""
    encoded = tokenizer.encode_batch([normalize_turn("me", reply) for reply in replies])
    return [[*ids, tokenizer.end_id] for ids in encoded]


def encode_prompt(
    tokenizer: Tokenizer, history: Sequence[Turn], message: str, room: int
) -> tuple[list[int], int]:
    """Ids that ask for a reply to `message`, at most `room` of them, and how many turns of
    the history were left out (the oldest go first).

    A message longer than the room keeps its end: the last thing said matters most.
    """
    them, me, end = (tokenizer.special_id(token) for token in (THEM, ME, END))
    asked = [*history, ("them", message)]
    turns = tokenizer.encode_batch([normalize_turn(role, text) for role, text in asked])
    question = turns[-1][-max(1, room - 3) :]
    prompt = [them, *question, me]
    kept = len(history)
    for index in range(len(history) - 1, -1, -1):
        role = history[index][0]
        turn = [me, *turns[index], end] if role == "me" else [them, *turns[index]]
        if 1 + len(turn) + len(prompt) > room:
            break
        prompt = turn + prompt
        kept = index
    # The model never saw a context that opens in the middle of an exchange with a reply.
    while kept < len(history) and history[kept][0] == "me" and kept > 0:
        prompt = prompt[len(turns[kept]) + 2 :]
        kept += 1
    return [end, *prompt], kept
