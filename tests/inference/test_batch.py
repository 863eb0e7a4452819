"""Many sequences in one batch, held to the same sequences generated one at a time."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from inkling.config import LadderSettings, ModelSettings, SamplingSettings
from inkling.inference.batch import READ_TOKENS, Batch, shared_length
from inkling.inference.engine import Engine
from inkling.inference.sequence import TokenSequence
from inkling.model.build import build_model
from tests.inference.oracle import drop_when_full, generate, next_logits

VOCABULARY, CONTEXT, END = 61, 32, 0
GREEDY = SamplingSettings(temperature=0, max_tokens=20)


def engine_of(settings: ModelSettings | LadderSettings, seed: int = 3) -> Engine:
    """A model of random weights, its logits far from flat, whose id 1 is never sampled."""
    torch.manual_seed(seed)
    model = build_model(settings)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() > 1:
                weight.copy_(torch.randn_like(weight) * 0.3)
    return Engine(model, np.arange(VOCABULARY) != 1, END)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return engine_of(
        ModelSettings(
            n_layer=2, n_head=2, n_embd=32, head_dim=16, n_hidden=48, context_length=CONTEXT,
            vocab_size=VOCABULARY,
        )
    )  # fmt: skip


def batch_of(engine: Engine, slots: int) -> Batch:
    return Batch(engine.new_decoder(slots))


def run(batch: Batch, steps: int = 10_000) -> None:
    """Step until everything is done."""
    for _ in range(steps):
        if not batch.active:
            return
        for sequence, _ in batch.step():
            if sequence.finish:
                batch.remove(sequence)
    pytest.fail("the batch never came to its end")


def prompts(seed: int) -> Iterator[tuple[list[int], SamplingSettings]]:
    """Short and long prompts, longer ones than the context among them, and short and long texts."""
    dice = random.Random(seed)
    while True:
        length = dice.choice([1, 2, 5, 20, 31, 32, 70])
        prompt = [END, *(dice.randrange(2, VOCABULARY) for _ in range(length))]
        yield prompt, GREEDY.model_copy(update={"max_tokens": dice.choice([1, 3, 20, 70])})


def gap(engine: Engine, prompt: list[int], settings: SamplingSettings, output: list[int]) -> float:
    """How far apart the two likeliest tokens are after `output`, read anew."""
    sequence = engine.new_sequence(prompt, settings)
    for token in output:
        sequence.append_token(token)
        drop_when_full(engine, sequence)
    second, first = np.sort(next_logits(engine, sequence.context))[-2:]
    return float(first - second)


@pytest.mark.parametrize("seed", range(4))
def test_greedy_texts_are_those_of_one_at_a_time(engine: Engine, seed: int) -> None:
    """Whoever joins or leaves beside it, wherever its slot moves: the same ids, unless the two
    likeliest tokens are closer than rounding."""
    dice = random.Random(seed)
    batch = batch_of(engine, 5)
    source = prompts(seed)
    asked: dict[TokenSequence, tuple[list[int], SamplingSettings]] = {}
    finished: list[TokenSequence] = []
    while len(finished) < 60:
        while batch.active < batch.slots and dice.random() < 0.4:
            prompt, settings = next(source)
            sequence = engine.new_sequence(prompt, settings)
            asked[sequence] = prompt, settings
            batch.add(sequence)
        for sequence, _ in batch.step():
            if sequence.finish:
                batch.remove(sequence)
                finished.append(sequence)
            elif dice.random() < 0.01:
                batch.remove(sequence)
    assert any(len(sequence.output_ids) > CONTEXT for sequence in finished)
    for sequence in finished:
        prompt, settings = asked[sequence]
        expected = generate(engine, prompt, settings)
        if sequence.output_ids != expected:
            same = shared_length(sequence.output_ids, expected)
            assert gap(engine, prompt, settings, expected[:same]) <= 1e-4


def test_a_seeds_text_does_not_depend_on_company(engine: Engine) -> None:
    """Drawn at temperature 1 among others of other settings: the text of the seed alone."""
    settings = [
        SamplingSettings(
            temperature=1.0, top_k=0, top_p=1.0 - 0.1 * (n % 3), seed=n, max_tokens=25,
            repetition_penalty=1.0 + 0.2 * (n % 2), frequency_penalty=0.5 * (n % 4),
        )
        for n in range(12)
    ]  # fmt: skip
    expected = [generate(engine, [END, 7], chosen) for chosen in settings]
    assert len({tuple(ids) for ids in expected}) == 12
    batch = batch_of(engine, 12)
    sequences = [engine.new_sequence([END, 7], chosen) for chosen in settings]
    for sequence in sequences:
        batch.add(sequence)
        for done, _ in batch.step():
            if done.finish:
                batch.remove(done)
    run(batch)
    assert [sequence.output_ids for sequence in sequences] == expected


def test_a_long_prompt_does_not_stall_the_others() -> None:
    """Prompts are read in shares: whoever is being answered gets a token at every step meanwhile,
    and the share bounds what a step reads."""
    settings = ModelSettings(
        n_layer=1, n_head=1, n_embd=16, head_dim=16, n_hidden=16, context_length=4 * READ_TOKENS,
        vocab_size=VOCABULARY,
    )  # fmt: skip
    engine = engine_of(settings)
    batch = batch_of(engine, 2)
    quick = engine.new_sequence([END, 5], SamplingSettings(temperature=0, max_tokens=500))
    batch.add(quick)
    batch.step()
    slow = engine.new_sequence([END, *[7] * (3 * READ_TOKENS)], GREEDY)
    batch.add(slow)
    for step in range(2):
        assert [sequence for sequence, _ in batch.step()] == [quick], step
    # The third share is the last: its last id is decoded together with the other sequence's.
    assert {id(sequence) for sequence, _ in batch.step()} == {id(quick), id(slow)}


def test_the_next_turn_of_a_conversation_reads_only_what_is_new(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slot that holds the history is taken, also when others were used since; and the output
    is the same as without."""
    decoder = engine.new_decoder(3)
    batch = Batch(decoder)
    short = SamplingSettings(temperature=0, max_tokens=3)
    history = [END, *range(20, 2, -1)]
    first = engine.new_sequence(history, short)
    batch.add(first)
    run(batch)
    batch.add(engine.new_sequence([END, 30, 31], short))
    run(batch)

    ids_read: list[int] = []
    read = decoder.read
    monkeypatch.setattr(
        decoder, "read", lambda slot, at, ids: (ids_read.extend(ids), read(slot, at, ids))[1]
    )
    turn = [*history, *first.output_ids, 40, 41, 42]
    second = engine.new_sequence(turn, short)
    batch.add(second)
    run(batch)
    # The last id of the first output was never read, and the prompt's last one is decoded.
    assert ids_read == [first.output_ids[-1], 40, 41]
    assert second.output_ids == generate(engine, turn, short)


def test_a_rung_without_a_cache_goes_through_the_same_batch() -> None:
    """A classic model in company: the same ids as alone, also past its context."""
    settings = LadderSettings(
        rung="classic", n_layer=1, n_head=2, n_embd=32, context_length=16, vocab_size=VOCABULARY
    )
    engine = engine_of(settings)
    batch = batch_of(engine, 3)
    asked = [([END, 5 + n], GREEDY) for n in range(3)]
    sequences = [engine.new_sequence(*each) for each in asked]
    for sequence in sequences:
        batch.add(sequence)
    run(batch)
    assert [sequence.output_ids for sequence in sequences] == [
        generate(engine, *each) for each in asked
    ]


def test_log_probabilities_are_those_of_the_model(engine: Engine) -> None:
    """Natural logarithms over allowed ids, before temperature; the alternatives in order."""
    drawn = SamplingSettings(temperature=2.0, top_k=3, seed=1, max_tokens=4)
    batch = batch_of(engine, 1)
    sequence = engine.new_sequence([END, 4], drawn, top_logprobs=5)
    batch.add(sequence)
    context = [END, 4]
    while batch.active:
        for done, sampled in batch.step():
            logprobs = torch.from_numpy(next_logits(engine, context)).log_softmax(-1)
            assert sampled.logprob == pytest.approx(float(logprobs[sampled.token]), abs=1e-4)
            assert [index for index, _ in sampled.top] == logprobs.topk(5).indices.tolist()
            assert sampled.memory_share is None
            context.append(sampled.token)
            if done.finish:
                batch.remove(done)
