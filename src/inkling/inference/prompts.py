"""What a model reads before it replies, and how much of what was said is not in it.

Knows: how much room a prompt has, what is left out first. Does not know: models, what is generated.
Data: message + history -> `Prompt`: ids, turns left out, characters of the message left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from inkling.tokens.chat_format import Turn, encode_prompt, normalize_turn
from inkling.tokens.own_template import OwnTemplate
from inkling.tokens.tokenizer import Tokenizer

HISTORY_TURNS = 8
"""Turns of history that a reply looks back on, as many as fit the context."""


@dataclass(frozen=True)
class Prompt:
    """Ids that ask for a reply, and how much they leave out."""

    ids: list[int]
    left_out: int
    """The oldest turns: those before the last HISTORY_TURNS, and those that do not fit."""
    unread: int
    """Characters at the beginning of the message: one that is too long is read from where the rest
    fits."""


def reply_prompt(
    tokenizer: Tokenizer, message: str, history: Sequence[Turn], context: int, tuned: bool
) -> Prompt:
    """What asks for a reply to `message` after `history` (oldest first). A run that was never
    fine-tuned (not `tuned`) continues both like any text."""
    recent = list(history)[-HISTORY_TURNS:]
    before = len(history) - len(recent)
    # The context holds the prompt and at least half as much again for the reply.
    room = context * 2 // 3
    if tuned:
        ids, left_out = encode_prompt(tokenizer, recent, message, room)
        # <|end|><|them|> before the message, <|me|> after it.
        unread = _unread(tokenizer, message, max(1, room - 3), "them")
        return Prompt(ids, before + left_out, unread)
    while True:
        text = "\n".join([*(words for _, words in recent), message]) + "\n"
        ids = [tokenizer.end_id, *tokenizer.encode(text)]
        if not recent or len(ids) <= room:
            # What does not fit the context is cut off before the last id; a line break follows.
            return Prompt(ids, len(history) - len(recent), _unread(tokenizer, message, context - 2))
        recent.pop(0)


def own_prompt(
    template: OwnTemplate, tokenizer: Tokenizer, message: str, history: Sequence[Turn], context: int
) -> Prompt:
    """The same for a model that others have trained, as its own chat template says it. Neighbouring
    turns of one role are one, and the first is never a reply: templates refuse what is not so."""
    room = context * 2 // 3
    turns: list[Turn] = []
    for role, text in [*list(history)[-HISTORY_TURNS:], ("them", message)]:
        if turns and turns[-1][0] == role:
            turns[-1] = (role, f"{turns[-1][1]}\n{text}")
        elif turns or role == "them":
            turns.append((role, text))
    everything = len(history) + 1
    while len(ids := template.prompt_ids(tokenizer, turns)) > room and len(turns) > 2:
        del turns[:2]
    if len(ids) <= room:
        kept = min(len(turns), everything)
        return Prompt(ids, everything - kept if kept < everything else 0, 0)
    # One message that is too long keeps its end.
    (role, text) = turns[-1]
    low, high = 0, len(text)
    while low < high:
        middle = (low + high) // 2
        if len(template.prompt_ids(tokenizer, [(role, text[middle:])])) <= room:
            high = middle
        else:
            low = middle + 1
    ids = template.prompt_ids(tokenizer, [(role, text[low:])])
    return Prompt(ids, len(history), min(low, len(message)))


def _unread(tokenizer: Tokenizer, message: str, room: int, role: str | None = None) -> int:
    """How many characters at the beginning of a message are not among the last `room` ids of how it
    is read."""
    if len(message.encode(errors="replace")) < room:  # an id is at least a byte
        return 0

    def read(start: int) -> str:
        rest = message[start:]
        return normalize_turn(role, rest).strip() if role else rest

    ids = tokenizer.encode(normalize_turn(role, message) if role else message)
    if len(ids) <= room:
        return 0
    kept = len(tokenizer.decode(ids[-room:]).strip())
    low, high = 0, len(message)
    while low < high:  # the longest end that is read as no more than was kept
        middle = (low + high) // 2
        if len(read(middle)) <= kept:
            high = middle
        else:
            low = middle + 1
    return low
