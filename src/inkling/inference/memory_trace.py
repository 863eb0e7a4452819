"""How much of a reply came from what was said before, and how much from the weights.

Knows: a model with its memory, and how a token's probability is made of both. Does not know: where
replies are kept, titles and dates of what was looked up, how a trace is shown.
Data: message + history + reply + settings -> the exchanges that are looked up -> the reply read by
model and mixture, token by token -> `MemoryTrace`.

It is computed again, not kept: the reply's tokens are forced through the same penalties and the
same mixture that they were drawn from, so a share is the one that the draw had. The text is
tokenized anew; a model may have spelled a word in other tokens than the tokenizer does, and then
the shares are those of the tokenizer's spelling.

T tokens of the reply, V vocabulary, K neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inkling.config import SamplingSettings
from inkling.inference.chat import ChatModel
from inkling.inference.reply_memory import Recalled
from inkling.inference.sampling import Draw
from inkling.inference.sequence import append_tokens, sample_tokens
from inkling.memory.lookup import Neighbour
from inkling.tokens.chat_format import Turn
from inkling.tokens.tokenizer import StreamDecoder


@dataclass(frozen=True)
class TracedPiece:
    """Some characters of a reply. `share` is how much of their probability came from memory, 0 to
    1; `neighbour` which of the exchanges gave most of that, None where none did."""

    text: str
    share: float
    neighbour: int | None


@dataclass(frozen=True)
class MemoryTrace:
    """A reply and where its words came from. `weight` is λ. The pieces joined are the reply
    without blank edges.

    `given` has, for each neighbour, the share of the reply that it gave; they sum to `share`.
    """

    weight: float
    neighbours: tuple[Neighbour, ...]
    given: tuple[float, ...]
    pieces: tuple[TracedPiece, ...]

    @property
    def share(self) -> float:
        """How much of the reply came from memory, 0 to 1; each character counts the same."""
        return sum(self.given)


def trace_memory(
    model: ChatModel,
    message: str,
    history: Sequence[Turn],
    reply: str,
    settings: SamplingSettings,
) -> MemoryTrace:
    """Trace a reply to `message` after `history` that was drawn with these settings.

    Without a memory, and where nothing in it is like the message, all comes from the weights.
    """
    reply = reply.strip()  # as every reply is shown
    spec = model.reply_spec(message, history, settings)
    recalled = spec.recalled
    if recalled is None or not reply:
        whole = (TracedPiece(reply, 0.0, None),) if reply else ()
        neighbours = recalled.neighbours if recalled else ()
        weight = settings.memory if model.memory is not None and model.tuned else 0.0
        return MemoryTrace(weight, neighbours, (0.0,) * len(neighbours), whole)
    ids = model.reply_ids(reply)
    share_T, source_TK = _shares(model, spec.ids, ids, recalled, settings)
    pieces = _pieces(model, ids, reply, share_T, source_TK)
    length_T = np.array([len(piece) for piece in _decoded(model, ids)])
    given_K = (share_T * length_T) @ source_TK / max(1, length_T.sum())
    return MemoryTrace(
        recalled.weight, recalled.neighbours, tuple(float(value) for value in given_K), pieces
    )


def _shares(
    model: ChatModel,
    prompt: Sequence[int],
    ids: Sequence[int],
    recalled: Recalled,
    settings: SamplingSettings,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Each token's share from memory (T,), and of that each neighbour's share (T, K)."""
    mixture = recalled.mixture(1)
    sequence = model.engine.new_sequence(prompt, settings, model.visible_first, mixture=mixture)
    first = np.zeros(1, dtype=np.intp)
    shares, sources = [], []
    rest = list(ids)
    while rest:
        # The context slides as it does while a reply is generated (batch.py).
        room = model.engine.context_length - len(sequence.context) + 1
        part, rest = rest[:room], rest[room:]
        logits_TV = model.engine.next_logits(sequence.context, part)
        for token, logits_V in zip(part, logits_TV, strict=True):
            sampled = sample_tokens([sequence], logits_V[None], _forced(token))
            shares.append(sampled[0].memory_share or 0.0)
            sources.append(mixture.sources(first, np.array([token]))[0])
            append_tokens([sequence], sampled)
        if rest:
            sequence.drop_older_half()
    return np.array(shares), np.array(sources)


def _forced(token: int) -> Draw:
    """A draw that always takes this token."""
    return lambda x_SV, samplers: [token]


def _decoded(model: ChatModel, ids: Sequence[int]) -> list[str]:
    """The characters that each token completes, without the space before a reply."""
    decoder = StreamDecoder(model.tokenizer)
    texts = [decoder.push(token) for token in ids]
    for place, text in enumerate(texts):
        texts[place] = text.lstrip()
        if texts[place]:
            break
    return texts


def _pieces(
    model: ChatModel,
    ids: Sequence[int],
    reply: str,
    share_T: NDArray[np.float64],
    source_TK: NDArray[np.float64],
) -> tuple[TracedPiece, ...]:
    """Tokens as characters; those of one character together, with the mean of their shares."""
    pieces: list[TracedPiece] = []
    begun = 0
    for place, text in enumerate(_decoded(model, ids)):
        if not text:
            continue
        source_K = share_T[begun : place + 1] @ source_TK[begun : place + 1]
        neighbour = int(source_K.argmax()) if source_K.any() else None
        share = float(share_T[begun : place + 1].mean())
        pieces.append(TracedPiece(text, share, neighbour))
        begun = place + 1
    assert "".join(piece.text for piece in pieces) == reply
    return tuple(pieces)
