"""Several drafts of one text, of which the one that the model is surest of is said.

Knows: how drafts differ, how they are ranked, when text may go out. Does not know: models, slots,
who reads.
Data: a token of a draft -> `take` -> pieces to show. The pieces of a single draft go out as they
come; those of several wait until the last draft is done.

A draft's rank is the mean natural logarithm of its tokens' probabilities, <|end|> included, in the
model's own distribution. One that was cut off ranks behind all that ended. A small model that
knows an answer writes it with few doubts; one that has lost its way doubts every token. How much
that helps stands in docs/decisions.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from inkling.inference.text import Piece, TextStream
from inkling.inference.writing import Finish, Picked, Writing

_DICE = 0x9E3779B97F4A7C15
"""What the seeds of neighbouring drafts differ by: odd and far from any small number, so that the
drafts of seed 1 are not those of seed 0 again."""


def seed_of(seed: int | None, draft: int) -> int | None:
    """The seed of a draft. The first has the reply's own: alone, it is the same text."""
    return None if seed is None else (seed + draft * _DICE) % 2**63


@dataclass
class _Draft:
    text: TextStream
    pieces: list[Piece] = field(default_factory=list)
    logprob: float = 0.0
    tokens: int = 0
    """Tokens drawn, <|end|> included."""
    finish: Finish | None = None

    def rank(self) -> tuple[bool, float]:
        return self.finish == "stop", self.logprob / max(1, self.tokens)


class Drafts:
    """One text to be, in one or several drafts."""

    def __init__(self, drafts: dict[Writing, TextStream]) -> None:
        self._drafts = {writing: _Draft(text) for writing, text in drafts.items()}
        self.finish: Finish | None = None
        """Why the text that is said ended, once it is known which that is."""
        self.tokens = 0
        """Tokens of the text that is said, <|end|> not included."""

    @property
    def writings(self) -> list[Writing]:
        """The drafts that are still being written."""
        return [writing for writing, draft in self._drafts.items() if draft.finish is None]

    def take(self, writing: Writing, picked: Picked) -> list[Piece]:
        """A token that a draft has taken; the pieces that may go out now."""
        draft = self._drafts[writing]
        draft.tokens += 1
        draft.logprob += picked.logprob or 0.0
        if writing.finish != "stop":
            draft.pieces.append(draft.text.push(picked))
        draft.finish = "stop" if draft.text.stopped else writing.finish
        if draft.finish is not None:
            draft.pieces.append(draft.text.finish())
        if len(self._drafts) > 1 and self.writings:
            return []
        said, best = max(self._drafts.items(), key=lambda entry: entry[1].rank())
        out, best.pieces = best.pieces, []
        if best.finish is not None:
            self.finish, self.tokens = best.finish, len(said.written)
        return [piece for piece in out if piece.text or piece.tokens]
