"""What the Inside API answers about a text that a checkpoint reads, and about its training text.

A position counts pieces from the beginning of the window that the model reads.
"""

from __future__ import annotations

from typing import Literal

from inkling.server.bodies import ResponseBody


class PieceRow(ResponseBody):
    """A piece as it is shown."""

    id: int
    text: str | None
    """None where its bytes are no whole characters."""
    bytes: str
    special: bool
    characters: int
    code_points: list[str]
    count: int | None
    """In the training text; None where that is gone."""
    live: bool
    """Whether training saw it: only then can it be drawn."""


class InsideAnswer(ResponseBody):
    """What was read: the checkpoint, and pieces start … stop of `total`."""

    run: str
    step: int
    start: int
    stop: int
    total: int
    context: int
    vocabulary: list[PieceRow]
    """Every piece that the answer names by its id, once."""


class MergedText(ResponseBody):
    """A stretch of the text between special pieces, for the merge-by-merge slider."""

    text: str
    merges: list[int | None]
    """For each place between two characters, the number of the merge that closed it."""
    characters: list[int | None]
    """Each character's number in `sorted(set(corpus))`."""


class PiecesAnswer(InsideAnswer):
    """Body of `POST /api/inside/pieces`."""

    ids: list[int]
    """Of the whole text."""
    vocabulary_size: int
    live: int
    """How many of the vocabulary training saw."""
    corpus_characters: int
    """How many different ones: the vocabulary of a character model."""
    merges: int
    """Learned by the tokenizer."""
    stretches: list[MergedText]
    cut: bool
    """Whether the stretches leave out what is beyond their limit."""


class FollowerRow(ResponseBody):
    """A piece that follows another."""

    id: int
    count: int
    share: float


class PairRowAnswer(ResponseBody):
    """What follows one piece; lists are over the columns."""

    id: int
    total: int
    counts: list[int]
    learned: list[float]
    rung: list[float] | None
    top: list[FollowerRow]


class PairsAnswer(InsideAnswer):
    """Body of `POST /api/inside/pairs`."""

    columns: list[int]
    rows: list[PairRowAnswer]
    rung: str | None
    """The run of the trained bigram."""
    counted_bits: float | None
    """Bits a character of this text by counted pairs; None where nothing is to be said."""
    model_bits: float | None
    rung_bits: float | None


class PassageRow(ResponseBody):
    """A place in the training text."""

    before: str
    text: str
    after: str
    title: str | None
    source: str | None
    date: str | None


class PassagesAnswer(ResponseBody):
    """Body of `POST /api/inside/passages`."""

    count: int
    passages: list[PassageRow]


class ContinueAnswer(ResponseBody):
    """Body of `POST /api/inside/continue`."""

    model: str
    pairs: str


class HeadRow(ResponseBody):
    """A head, measured on this text. Shares are None where there is nothing to measure."""

    entropy: float
    distance: float
    previous: float | None
    same: float | None
    copying: float | None
    beginning: float | None
    name: str | None


class HeadsAnswer(InsideAnswer):
    """Body of `POST /api/inside/heads`."""

    n_layer: int
    n_head: int
    head_dim: int
    n_embd: int
    layers: list[list[HeadRow]]


class NeuronsLayer(ResponseBody):
    """A layer's neurons on this text."""

    kind: Literal["relu", "swiglu"]
    neurons: int
    share_at_zero: float | None
    share_gated: float | None


class NeuronsAnswer(InsideAnswer):
    """Body of `POST /api/inside/neurons`."""

    layers: list[NeuronsLayer | None]


class FiringRow(ResponseBody):
    """A place of the training text where a neuron answers most."""

    value: float
    passage: PassageRow


class FiringAnswer(ResponseBody):
    """Body of `POST /api/inside/firing`."""

    tokens: int
    """How much of the training text was read to find them."""
    places: list[FiringRow]


class NextAnswer(InsideAnswer):
    """Body of `POST /api/inside/next`: columns over the pieces that can come, by id."""

    position: int
    ids: list[int]
    texts: list[str]
    logits: list[float]
    before: list[float]
    after: list[float]
    entropy_before: float
    entropy_after: float
    kept: float
    end_id: int


class TopPiece(ResponseBody):
    """A piece and its probability."""

    id: int
    p: float


class SurpriseRow(ResponseBody):
    """A piece and what the model thought of it before it read it."""

    position: int
    id: int
    p: float
    bits: float
    rank: int
    top: list[TopPiece]


class SurpriseAnswer(InsideAnswer):
    """Body of `POST /api/inside/surprise`."""

    pieces: list[SurpriseRow]
    bits: float
    """The sum: the loss of the text."""
    nats_per_piece: float | None
    bits_per_character: float | None


class LargestEntry(ResponseBody):
    """An entry of a tensor and where it stands."""

    index: list[int]
    value: float


class TensorSummary(ResponseBody):
    """A tensor on the way to the next piece."""

    name: str
    kind: str
    shape: list[int]
    norm: float
    largest: list[LargestEntry]


class StepsAnswer(InsideAnswer):
    """Body of `POST /api/inside/steps`."""

    steps: list[TensorSummary]
    drawn: int
    ends: bool
    """Whether what was drawn ends the text."""
