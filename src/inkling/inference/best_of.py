"""Several drafts of one text, of which the one that the model is surest of is sent.

Knows: how drafts differ, how they are ranked, when text may go out. Does not know: models, slots,
who reads.
Data: a token of a draft -> `append_token` -> chunks to show. The chunks of a single draft go out
as they come; those of several wait until the last draft is finished.

A draft's rank is by default the mean natural logarithm of its tokens' probabilities, <|end|>
included, in the model's own distribution, or where the sequence has a mixture, in that; a reply
that leans on what was said before is ranked by memory.ranking. A draft that was cut off ranks
behind all that ended. A small model that knows an answer gives its tokens high probabilities; one
that has lost its way gives every token a low one. How much that helps stands in docs/decisions.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from inkling.inference.sampling import SampledToken
from inkling.inference.sequence import Finish, TokenSequence
from inkling.inference.text import TextChunk, TextStream

_SEED_STEP = 0x9E3779B97F4A7C15
"""What the seeds of neighbouring drafts differ by: odd and far from any small number, so that the
drafts of seed 1 are not those of seed 0 again."""


def seed_of(seed: int | None, draft: int) -> int | None:
    """The seed of a draft. The first has the reply's own: alone, it is the same text."""
    return None if seed is None else (seed + draft * _SEED_STEP) % 2**63


Rank = Callable[[str, float], float]
"""A finished draft and the mean natural logarithm of its tokens' probabilities -> how fit it is to
be said; higher is fitter."""


@dataclass
class _Draft:
    text: TextStream
    chunks: list[TextChunk] = field(default_factory=list)
    logprob: float = 0.0
    tokens: int = 0
    """Tokens drawn, <|end|> included."""
    finish: Finish | None = None

    def rank(self, rank: Rank) -> tuple[bool, float]:
        said = "".join(chunk.text for chunk in self.chunks)
        return self.finish == "stop", rank(said, self.logprob / max(1, self.tokens))


class BestOf:
    """A text to be, in one or several drafts."""

    def __init__(
        self,
        drafts: dict[TokenSequence, TextStream],
        rank: Rank = lambda text, logprob: logprob,
    ) -> None:
        """`rank` chooses among several drafts, by default the surest."""
        self._rank = rank
        self._drafts = {sequence: _Draft(text) for sequence, text in drafts.items()}
        self.finish: Finish | None = None
        """Why the text that is sent ended, once it is known which that is."""
        self.tokens = 0
        """Tokens of the text that is sent, <|end|> not included."""

    @property
    def sequences(self) -> list[TokenSequence]:
        """The drafts that are not finished."""
        return [sequence for sequence, draft in self._drafts.items() if draft.finish is None]

    def append_token(self, sequence: TokenSequence, sampled: SampledToken) -> list[TextChunk]:
        """Take in a token that a draft has appended; the chunks that may go out now."""
        draft = self._drafts[sequence]
        draft.tokens += 1
        draft.logprob += sampled.logprob or 0.0
        if sequence.finish != "stop":
            draft.chunks.append(draft.text.push(sampled))
        draft.finish = "stop" if draft.text.stopped else sequence.finish
        if draft.finish is not None:
            draft.chunks.append(draft.text.finish())
        if len(self._drafts) > 1 and self.sequences:
            return []
        chosen, best = max(self._drafts.items(), key=lambda entry: entry[1].rank(self._rank))
        out, best.chunks = best.chunks, []
        if best.finish is not None:
            self.finish, self.tokens = best.finish, len(chosen.output_ids)
        return [chunk for chunk in out if chunk.text or chunk.tokens]
