"""Many texts in one batch, held to the same texts written one at a time."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
import torch

from inkling.config import LadderSettings, ModelSettings, SamplingSettings
from inkling.inference.batch import READ_TOKENS, Batch, shared_length
from inkling.inference.engine import Engine
from inkling.inference.writing import Writing
from inkling.model.build import AnyModel, build_model
from inkling.model.cache import KVCache

VOCABULARY, CONTEXT, END = 61, 32, 0
GREEDY = SamplingSettings(temperature=0, max_tokens=20)


def engine_of(settings: ModelSettings | LadderSettings, seed: int = 3) -> Engine:
    """A model of random weights whose logits are far from flat, and in which id 1 is dead."""
    torch.manual_seed(seed)
    model: AnyModel = build_model(settings)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() > 1:
                weight.copy_(torch.randn_like(weight) * 0.3)
    live = torch.ones(VOCABULARY, dtype=torch.bool)
    live[1] = False
    return Engine(model, live, END)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return engine_of(
        ModelSettings(
            n_layer=2, n_head=2, n_embd=32, head_dim=16, n_hidden=48, context_length=CONTEXT,
            vocab_size=VOCABULARY,
        )
    )  # fmt: skip


def alone(engine: Engine, prompt: list[int], settings: SamplingSettings) -> list[int]:
    return list(engine.generate(prompt, settings))


def run(batch: Batch, steps: int = 10_000) -> None:
    """Step until everything is done."""
    for _ in range(steps):
        if not batch.writings:
            return
        for writing, _ in batch.step():
            if writing.finish:
                batch.remove(writing)
    pytest.fail("the batch never came to its end")


def prompts(seed: int) -> Iterator[tuple[list[int], SamplingSettings]]:
    """Short and long prompts, longer ones than the context among them, and short and long texts."""
    dice = random.Random(seed)
    while True:
        length = dice.choice([1, 2, 5, 20, 31, 32, 70])
        prompt = [END, *(dice.randrange(2, VOCABULARY) for _ in range(length))]
        yield prompt, GREEDY.model_copy(update={"max_tokens": dice.choice([1, 3, 20, 70])})


def gap(engine: Engine, prompt: list[int], settings: SamplingSettings, written: list[int]) -> float:
    """How far apart the two likeliest tokens are after `written`, read anew."""
    writing = engine.begin(prompt, settings)
    fed = len(writing.context)
    for token in written:
        writing.take(token)
        fed += 1
        if fed - 1 == engine.context_length:
            writing.forget()
            fed = len(writing.context)
    cache = KVCache(engine.model.settings)  # type: ignore[arg-type]
    logits = engine.logits(engine.last_hidden(writing.context, cache)[None])[0]
    first, second = logits.topk(2).values.tolist()
    return first - second


@pytest.mark.parametrize("seed", range(4))
def test_greedy_texts_are_those_of_one_at_a_time(engine: Engine, seed: int) -> None:
    """Whoever joins or leaves beside it, wherever its slot moves: the same ids, unless the two
    likeliest tokens are closer than rounding."""
    dice = random.Random(seed)
    batch = Batch(engine, 5)
    source = prompts(seed)
    asked: dict[Writing, tuple[list[int], SamplingSettings]] = {}
    finished: list[Writing] = []
    while len(finished) < 60:
        while batch.writings < batch.slots and dice.random() < 0.4:
            prompt, settings = next(source)
            writing = engine.begin(prompt, settings)
            asked[writing] = prompt, settings
            batch.add(writing)
        for writing, _ in batch.step():
            if writing.finish:
                batch.remove(writing)
                finished.append(writing)
            elif dice.random() < 0.01:
                batch.remove(writing)
    assert any(len(writing.written) > CONTEXT for writing in finished)
    for writing in finished:
        prompt, settings = asked[writing]
        expected = alone(engine, prompt, settings)
        if writing.written != expected:
            same = shared_length(writing.written, expected)
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
    expected = [alone(engine, [END, 7], chosen) for chosen in settings]
    assert len({tuple(ids) for ids in expected}) == 12
    batch = Batch(engine, 12)
    writings = [engine.begin([END, 7], chosen) for chosen in settings]
    for writing in writings:
        batch.add(writing)
        for done, _ in batch.step():
            if done.finish:
                batch.remove(done)
    run(batch)
    assert [writing.written for writing in writings] == expected


def test_a_long_prompt_does_not_stall_the_others() -> None:
    """Prompts are read in shares: whoever writes gets a token at every step meanwhile, and the
    share bounds what a step reads."""
    settings = ModelSettings(
        n_layer=1, n_head=1, n_embd=16, head_dim=16, n_hidden=16, context_length=4 * READ_TOKENS,
        vocab_size=VOCABULARY,
    )  # fmt: skip
    engine = engine_of(settings)
    batch = Batch(engine, 2)
    quick = engine.begin([END, 5], SamplingSettings(temperature=0, max_tokens=500))
    batch.add(quick)
    batch.step()
    slow = engine.begin([END, *[7] * (3 * READ_TOKENS)], GREEDY)
    batch.add(slow)
    for step in range(3):
        assert [writing for writing, _ in batch.step()] == [quick], step
    assert {id(writing) for writing, _ in batch.step()} == {id(quick), id(slow)}


def test_the_next_turn_of_a_conversation_reads_only_what_is_new(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slot that holds the history is taken, also when others were used since; and what is
    written then is the same as without."""
    batch = Batch(engine, 3)
    short = SamplingSettings(temperature=0, max_tokens=3)
    history = [END, *range(20, 2, -1)]
    first = engine.begin(history, short)
    batch.add(first)
    run(batch)
    batch.add(engine.begin([END, 30, 31], short))
    run(batch)

    read: list[int] = []
    whole = engine.last_hidden
    monkeypatch.setattr(
        engine, "last_hidden", lambda ids, cache: (read.extend(ids), whole(ids, cache))[1]
    )
    turn = [*history, *first.written, 40, 41, 42]
    second = engine.begin(turn, short)
    batch.add(second)
    run(batch)
    assert read == [first.written[-1], 40, 41, 42]  # the last id written was never read
    monkeypatch.undo()
    assert second.written == alone(engine, turn, short)


def test_a_rung_without_a_cache_writes_through_the_same_batch() -> None:
    """A classic model in company: the texts it writes alone."""
    settings = LadderSettings(
        rung="classic", n_layer=1, n_head=2, n_embd=32, context_length=16, vocab_size=VOCABULARY
    )
    engine = engine_of(settings)
    batch = Batch(engine, 3)
    asked = [([END, 5 + n], GREEDY) for n in range(3)]
    writings = [engine.begin(*each) for each in asked]
    for writing in writings:
        batch.add(writing)
    run(batch)
    assert [writing.written for writing in writings] == [alone(engine, *each) for each in asked]


def test_log_probabilities_are_those_of_the_model(engine: Engine) -> None:
    """Natural logarithms over live ids, before temperature; the alternatives in order."""
    drawn = SamplingSettings(temperature=2.0, top_k=3, seed=1, max_tokens=4)
    batch = Batch(engine, 1)
    writing = engine.begin([END, 4], drawn, top_logprobs=5)
    batch.add(writing)
    context = [END, 4]
    while batch.writings:
        for done, picked in batch.step():
            with torch.no_grad():
                logits = engine.model(torch.tensor([context]))[0, -1]
            logits[1] = float("-inf")
            logprobs = logits.log_softmax(-1)
            assert picked.logprob == pytest.approx(float(logprobs[picked.token]), abs=1e-4)
            assert [index for index, _ in picked.top] == logprobs.topk(5).indices.tolist()
            context.append(picked.token)
            if done.finish:
                batch.remove(done)


def test_a_large_model_gets_fewer_slots() -> None:
    """Never more cache than CACHE_BYTES, never fewer slots than one."""
    from inkling.inference import batch as module

    engine = engine_of(
        ModelSettings(
            n_layer=1, n_head=1, n_embd=16, head_dim=16, n_hidden=16, context_length=64,
            vocab_size=VOCABULARY,
        )
    )  # fmt: skip
    one = 2 * 16 * 64 * 4
    assert module.kv_bytes(engine.model.settings) == one  # type: ignore[arg-type]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CACHE_BYTES", 3 * one + 5)
        assert len(module.Batch(engine, 8)._slots) == 3
        patch.setattr(module, "CACHE_BYTES", 5)
        assert len(module.Batch(engine, 8)._slots) == 1
