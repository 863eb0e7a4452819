"""Where a reply's words came from: the numbers of its generation, computed again."""

from __future__ import annotations

import math

import pytest

from inkling.config import SamplingSettings
from inkling.inference.chat import ChatModel
from inkling.inference.memory_trace import trace_memory
from inkling.inference.text import TextChunk
from inkling.memory.index import Index
from inkling.memory.records import Record
from inkling.runs import Run
from inkling.runtime import Runtime
from inkling.workspace import Workspace

RECORDS = [
    Record("is there soup?", "hello, the kettle is on and the soup is cold"),
    Record("is the soup cold?", "the soup is warm, the van is not"),
    Record("what about the van?", "the van is in the field 🐖"),
]


@pytest.fixture(scope="module")
def bare(trained: Workspace) -> ChatModel:
    return ChatModel.load(Run.choose(trained, "tiny"), Runtime.detect(threads=1))


@pytest.fixture(scope="module")
def model(bare: ChatModel) -> ChatModel:
    return bare.with_memory(Index.build(RECORDS))


def generated(
    model: ChatModel, message: str, settings: SamplingSettings
) -> tuple[str, list[int], list[float]]:
    """A reply, its tokens, and the share of each that came from memory."""
    spec = model.reply_spec(message, [], settings)
    text = [chunk for chunk in model.generate(spec) if isinstance(chunk, TextChunk)]
    tokens = [token for chunk in text for token in chunk.tokens]
    return (
        "".join(chunk.text for chunk in text),
        [token.token for token in tokens],
        [token.memory_share or 0.0 for token in tokens],
    )


@pytest.mark.parametrize("memory", [0.3, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("temperature", [0.5, 1.0])
def test_the_shares_are_those_of_the_generation(
    model: ChatModel, memory: float, temperature: float
) -> None:
    """A reply drawn with a seed, penalties included: each token's share comes out again."""
    compared = 0
    for seed in range(12):
        drawn = SamplingSettings(
            seed=seed, temperature=temperature, memory=memory, max_tokens=30, frequency_penalty=0.2
        )
        reply, ids, shares = generated(model, "is there soup?", drawn)
        traced = trace_memory(model, "is there soup?", [], reply, drawn)
        assert "".join(piece.text for piece in traced.pieces) == reply
        assert traced.weight == memory
        # A text can be spelled in other tokens than those it was drawn in.
        if model.reply_ids(reply) != ids or len(traced.pieces) != len(ids):
            continue
        compared += 1
        for piece, share in zip(traced.pieces, shares, strict=True):
            assert math.isclose(piece.share, share, abs_tol=1e-4)
            assert (piece.neighbour is None) == (share == 0)
        characters = [len(piece.text) for piece in traced.pieces]
        weighted = sum(n * share for n, share in zip(characters, shares, strict=True))
        assert math.isclose(traced.share, weighted / sum(characters), abs_tol=1e-4)
    assert compared


def test_each_word_names_the_exchange_that_gave_it(model: ChatModel) -> None:
    """An earlier reply word for word came from that exchange; foreign words from none."""
    said = RECORDS[2].reply
    drawn = SamplingSettings(seed=1, memory=0.9)
    traced = trace_memory(model, "what about the van?", [], f"{said} xq", drawn)
    source = [neighbour.record for neighbour in traced.neighbours].index(RECORDS[2])
    pieces = "".join(p.text for p in traced.pieces if p.neighbour == source)
    assert "the field 🐖" in pieces
    assert traced.pieces[-1].neighbour is None
    assert traced.pieces[-1].share == 0
    assert max(traced.given) == traced.given[source]
    assert 0.5 < traced.share < 1


def test_a_long_reply_slides_as_it_did(model: ChatModel) -> None:
    """More tokens than the context holds: the reply is read in the windows it was drawn in."""
    drawn = SamplingSettings(seed=5, temperature=1.0, memory=0.5, max_tokens=400)
    reply = "the soup is cold and the van is warm. " * 40
    traced = trace_memory(model, "is there soup?", [], reply.strip(), drawn)
    assert len(model.reply_ids(reply)) > model.engine.context_length
    assert "".join(piece.text for piece in traced.pieces) == reply.strip()
    assert 0 < traced.share < 1


@pytest.mark.parametrize("message", ["is there soup?", "zzz", "🫖"])
def test_without_memory_all_comes_from_the_weights(
    bare: ChatModel, model: ChatModel, message: str
) -> None:
    """No index, memory 0, or nothing like it: a share of 0 and no exchange."""
    for asked, drawn in (
        (bare, SamplingSettings(seed=1)),
        (model, SamplingSettings(seed=1, memory=0.0)),
    ):
        traced = trace_memory(asked, message, [], "the soup is cold", drawn)
        assert (traced.weight, traced.share, traced.neighbours) == (0, 0, ())
        assert [piece.text for piece in traced.pieces] == ["the soup is cold"]
