"""Every decoder, held to whole forward passes, whatever was copied, swapped or overwritten."""

from __future__ import annotations

import random

import numpy as np
import pytest

from inkling.config import LadderSettings, ModelSettings
from inkling.inference import decoder as module
from inkling.inference.decoder import SmallModelDecoder, UncachedDecoder
from inkling.inference.engine import Engine
from tests.inference.oracle import next_logits
from tests.inference.test_batch import CONTEXT, VOCABULARY, engine_of

SLOTS = 5
MODERN = ModelSettings(
    n_layer=2, n_head=2, n_embd=32, head_dim=16, n_hidden=48, context_length=CONTEXT,
    vocab_size=VOCABULARY,
)  # fmt: skip
BIGRAM = LadderSettings(rung="bigram", context_length=CONTEXT, vocab_size=VOCABULARY)
CLASSIC = LadderSettings(
    rung="classic", n_layer=1, n_head=2, n_embd=32, context_length=CONTEXT, vocab_size=VOCABULARY
)


@pytest.mark.parametrize("settings", [MODERN, CLASSIC, BIGRAM], ids=["modern", "classic", "bigram"])
def test_logits_are_those_of_a_whole_pass(settings: ModelSettings | LadderSettings) -> None:
    """In any order of reading, decoding, copying, swapping and starting over: within 1e-4, with
    -inf exactly where ids are never sampled."""
    engine = engine_of(settings)
    decoder = engine.new_decoder(SLOTS)
    dice = random.Random(0)
    held: list[list[int]] = [[] for _ in range(SLOTS)]
    compared = 0
    for _ in range(400):
        one, other = dice.sample(range(SLOTS), 2)
        match dice.choice(["read", "decode", "decode", "copy", "swap", "shorten"]):
            case "read":
                room = CONTEXT - len(held[one])
                ids = [dice.randrange(VOCABULARY) for _ in range(dice.randint(0, min(9, room)))]
                if ids:
                    decoder.read(one, len(held[one]), ids)
                held[one] += ids
            case "copy":
                length = dice.randint(0, len(held[one]))
                decoder.copy(one, other, length)
                held[other] = held[one][:length]
            case "swap":
                decoder.swap(one, other, max(len(held[one]), len(held[other])))
                held[one], held[other] = held[other], held[one]
            case "shorten":
                held[one] = held[one][: dice.randint(0, len(held[one]))]
            case "decode":
                count = next((n for n in range(SLOTS) if len(held[n]) == CONTEXT), SLOTS)
                if count == 0:
                    held[0] = []
                    continue
                new = [dice.randrange(VOCABULARY) for _ in range(count)]
                logits_SV = decoder.decode(new, [len(ids) for ids in held[:count]])
                assert logits_SV.shape == (count, VOCABULARY)
                assert logits_SV.dtype == np.float32
                for slot, token in enumerate(new):
                    held[slot].append(token)
                    expected = next_logits(engine, held[slot])
                    assert np.isneginf(logits_SV[slot]).tolist() == np.isneginf(expected).tolist()
                    np.testing.assert_allclose(logits_SV[slot], expected, atol=1e-4)
                    compared += 1
    assert compared > 200


def test_a_model_says_whether_it_can_cache() -> None:
    """And is decoded accordingly; a rung's slots never fill up."""
    modern, classic = engine_of(MODERN), engine_of(CLASSIC)
    assert isinstance(modern.new_decoder(2), SmallModelDecoder)
    assert modern.new_decoder(2).capacity == CONTEXT
    rung = classic.new_decoder(2)
    assert isinstance(rung, UncachedDecoder)
    assert rung.capacity > 10**9
    with pytest.raises(NotImplementedError, match="no cache"):
        classic.model.new_cache(1)


def test_a_large_model_gets_fewer_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Never more cache than CACHE_BYTES, never fewer slots than one."""
    engine: Engine = engine_of(MODERN)
    one = 2 * 2 * 2 * 16 * CONTEXT * 4  # layers, keys and values, heads, head_dim, positions
    assert engine.model.slot_bytes() == one
    monkeypatch.setattr(module, "CACHE_BYTES", 3 * one + 5)
    assert engine.new_decoder(8).slots == 3
    assert engine.new_decoder(2).slots == 2
    monkeypatch.setattr(module, "CACHE_BYTES", 5)
    assert engine.new_decoder(8).slots == 1
