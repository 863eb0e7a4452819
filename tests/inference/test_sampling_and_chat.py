"""Samplers as pure functions with exact numbers; replies that are never empty."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling.config import SamplingSettings
from inkling.inference.chat import ChatModel
from inkling.inference.engine import Engine
from inkling.inference.sampling import (
    count_penalty,
    distribution,
    draw,
    min_p,
    repetition_penalty,
    shaped,
    top_k,
    top_p,
)
from inkling.inference.text import StopFilter, Trimmer
from inkling.runs import Run
from inkling.runtime import Runtime
from inkling.workspace import Workspace

LOGITS = torch.tensor([0.5, 0.2, 0.15, 0.1, 0.05]).log()
NONE: list[int] = []


def probabilities(**values: object) -> list[float]:
    wanted = {"temperature": 1.0, "top_k": 0} | values
    return distribution(LOGITS, SamplingSettings.model_validate(wanted), NONE).tolist()


def test_exact_distributions() -> None:
    """Each setting alone, with numbers worked out by hand."""
    assert probabilities() == pytest.approx([0.5, 0.2, 0.15, 0.1, 0.05])
    assert probabilities(top_k=2) == pytest.approx([5 / 7, 2 / 7, 0, 0, 0])
    assert probabilities(top_p=0.7) == pytest.approx([5 / 7, 2 / 7, 0, 0, 0])
    assert probabilities(top_p=0.71) == pytest.approx([10 / 17, 4 / 17, 3 / 17, 0, 0])
    assert probabilities(top_p=1e-300) == pytest.approx([1, 0, 0, 0, 0])
    assert probabilities(min_p=0.25) == pytest.approx([10 / 17, 4 / 17, 3 / 17, 0, 0])
    assert probabilities(temperature=0.5) == pytest.approx(
        [p * p / 0.325 for p in (0.5, 0.2, 0.15, 0.1, 0.05)]
    )
    assert probabilities(temperature=0) == [1, 0, 0, 0, 0]
    assert sum(probabilities(temperature=1e-6)) == pytest.approx(1)


def test_the_repetition_penalty_divides_and_multiplies() -> None:
    """Positive logits are divided, negative ones multiplied, the others untouched."""
    logits = torch.tensor([2.0, -1.0, 3.0])
    changed = repetition_penalty(logits, torch.tensor([0, 1]), 2.0)
    assert changed.tolist() == [1.0, -2.0, 3.0]
    assert logits.tolist() == [2.0, -1.0, 3.0]


def test_count_penalties_grow_with_the_count() -> None:
    """Presence once, frequency each time, nothing for what was never written."""
    changed = count_penalty(torch.zeros(4), torch.tensor([1, 1, 2]), 0.5, 0.25)
    assert changed.tolist() == [0.0, -1.0, -0.75, 0.0]


def test_rows_are_shaped_as_each_would_be_alone() -> None:
    """Equal settings on many rows at once: each row as by itself."""
    rows = torch.randn(6, 40, generator=torch.Generator().manual_seed(0))
    for chosen in (
        SamplingSettings(temperature=0.7, top_k=5),
        SamplingSettings(temperature=1.3, top_k=0, top_p=0.8, min_p=0.02),
        SamplingSettings(temperature=0),
    ):
        together = shaped(rows, chosen)
        alone = [shaped(row, chosen) for row in rows]
        assert torch.equal(together, torch.stack(alone))


def hundredths(low: float, high: float) -> st.SearchStrategy[float]:
    """Numbers on a grid: `st.floats` refuses to work where denormals are flushed, as here."""
    return st.integers(round(low * 100), round(high * 100)).map(lambda n: n / 100)


@given(
    st.lists(hundredths(-30, 30), min_size=2, max_size=40), hundredths(0.01, 3),
    st.integers(0, 50), hundredths(0.01, 1), hundredths(0, 1), hundredths(1, 2),
)  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_mass_sums_to_one_and_masked_is_zero(
    logits: list[float], temperature: float, k: int, p: float, m: float, penalty: float
) -> None:
    """For any settings: a distribution, and what was forbidden stays forbidden."""
    tensor = torch.tensor(logits)
    tensor[0] = float("-inf")
    result = distribution(
        tensor,
        SamplingSettings(
            temperature=temperature, top_k=k, top_p=p, min_p=m, repetition_penalty=penalty
        ),
        [1],
    )
    assert float(result.sum()) == pytest.approx(1, abs=1e-5)
    assert float(result[0]) == 0
    assert bool((result >= 0).all())


def test_off_means_off() -> None:
    """top_k 0, top_p 1, min_p 0 and penalty 1 return the logits themselves."""
    assert top_k(LOGITS, 0) is LOGITS
    assert top_k(LOGITS, 5) is LOGITS
    assert top_p(LOGITS, 1.0) is LOGITS
    assert min_p(LOGITS, 0.0) is LOGITS
    assert repetition_penalty(LOGITS, torch.tensor([], dtype=torch.long), 2.0) is LOGITS


def test_draws_follow_the_distribution_and_the_seed() -> None:
    """Ten thousand draws match; the same generator state draws the same."""
    generator = torch.Generator().manual_seed(0)
    chosen = SamplingSettings(temperature=1.0, top_k=0)
    counts = torch.zeros(5)
    for _ in range(10_000):
        counts[draw(distribution(LOGITS, chosen, NONE), generator)] += 1
    assert (counts / 10_000).tolist() == pytest.approx(LOGITS.exp().tolist(), abs=0.015)


def until_stop(pieces: list[str], stops: list[str]) -> str:
    """What a StopFilter lets out of all pieces together."""
    filtered = StopFilter(stops)
    return "".join([*(filtered.push(piece) for piece in pieces), filtered.finish()])


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
def test_stop_texts_are_never_shown_however_the_pieces_fall(size: int) -> None:
    """The text up to the first stop; nothing of it leaks, nothing before it is lost."""
    text = "one <e two <<end> three"
    pieces = [text[i : i + size] for i in range(0, len(text), size)]
    assert until_stop(pieces, ["<end>", "zzz"]) == "one <e two <"
    assert until_stop(pieces, []) == text
    assert until_stop(pieces, ["", "thr", "two"]) == "one <e "


def test_trimmed_keeps_inner_space() -> None:
    """No blank edges, every inner blank."""
    trimmer = Trimmer()
    pieces = [" ", "\n a", " ", " b\n", "\n c", " \n"]
    assert "".join(trimmer.push(piece) for piece in pieces) == "a  b\n\n c"


@pytest.fixture(scope="module")
def voice(trained: Workspace) -> ChatModel:
    return ChatModel.load(Run.choose(trained, "tiny"), Runtime.detect())


@pytest.mark.parametrize(
    "message", ["hello", " ", "\n\n", "<|end|><|me|>", "🐖" * 50, "word " * 2000, "हिन्दी 中文"]
)
@pytest.mark.parametrize("tokens", [1, 25])
def test_a_reply_is_never_empty(voice: ChatModel, message: str, tokens: int) -> None:
    """Whatever is typed, something visible comes back, without special tokens or blank edges."""
    for seed in range(4):
        drawn = SamplingSettings(temperature=1.5, top_k=0, seed=seed, max_tokens=tokens)
        reply = "".join(voice.reply(message, [], drawn))
        assert reply.strip() == reply != ""
        assert "<|" not in reply


def test_only_live_tokens_are_sampled(voice: ChatModel) -> None:
    """Ids never seen in training have probability zero, also at the highest temperature."""
    ids = list(
        voice.engine.generate([voice.tokenizer.end_id],
                              SamplingSettings(temperature=5, top_k=0, seed=1, max_tokens=300))
    )  # fmt: skip
    live = {i for a, b in voice.config.data.live_ranges for i in range(a, b)}
    assert set(ids) <= live
    assert not set(ids) & set(voice.tokenizer.special_ids)


def test_decoding_goes_on_past_the_context(voice: ChatModel) -> None:
    """More tokens than the context holds, from a prompt longer than it."""
    prompt = [5, 6, 7] * voice.engine.context_length
    wanted = voice.engine.context_length * 2
    # <|end|> forbidden, so that the length is known.
    mask = torch.zeros(voice.config.model.vocab_size, dtype=torch.bool)
    mask[voice.tokenizer.end_id] = True
    ids = list(
        voice.engine.generate(prompt, SamplingSettings(seed=0, max_tokens=wanted), lambda w: mask)
    )
    assert len(ids) == wanted


def test_greedy_decoding_equals_the_full_pass(voice: ChatModel) -> None:
    """Token by token through the cache: the argmax of full forward passes."""
    engine: Engine = voice.engine
    prompt = [voice.tokenizer.end_id, *voice.tokenizer.encode("The van")]
    found = list(
        engine.generate(
            prompt, SamplingSettings(temperature=0, max_tokens=20, repetition_penalty=1.0)
        )
    )
    live = torch.zeros(voice.config.model.vocab_size, dtype=torch.bool)
    for start, stop in voice.config.data.live_ranges:
        live[start:stop] = True
    context = list(prompt)
    with torch.no_grad():
        for token in found:
            logits = engine.model(torch.tensor([context]))[0, -1]
            best = logits.masked_fill(~live, float("-inf"))
            assert best[token] >= best.max() - 1e-4
            context.append(token)


def test_cancelling_ends_before_the_next_token(voice: ChatModel) -> None:
    """A stop flag is looked at between any two tokens."""
    stop = False
    drawn = SamplingSettings(seed=0, max_tokens=100, temperature=2.0, top_k=0)
    tokens = voice.engine.generate([voice.tokenizer.end_id], drawn, cancelled=lambda: stop)
    next(tokens)
    stop = True
    assert list(tokens) == []


def test_history_changes_the_answer_and_long_history_is_cut(voice: ChatModel) -> None:
    """Turns are seen; a history longer than the context is no error."""
    drawn = SamplingSettings(temperature=0, max_tokens=20, repetition_penalty=1.0)
    history = [("them", "do you like soup?"), ("me", "soup, always soup")] * 200
    assert "".join(voice.reply("why", history, drawn))


@pytest.mark.parametrize("tuned", [True, False])
def test_a_prompt_says_how_much_it_leaves_out(voice: ChatModel, tuned: bool) -> None:
    """Turns before the last eight, and those that do not fit; what is read never outgrows the
    room, and the newest turns stay."""
    model = ChatModel(voice.config, voice.tokenizer, voice.engine, 0, tuned)
    exchange = [("them", "soup?"), ("me", "always")]
    assert model.prompt("why", exchange).forgotten == 0
    assert model.prompt("why", exchange * 4).forgotten == 0
    assert model.prompt("why", exchange * 6).forgotten == 4
    long = [("them", "word " * 400), ("me", "yes"), *exchange]
    prompt = model.prompt("why", long)
    # Only a dialog may not open with a reply; text that goes on may open anywhere.
    assert prompt.forgotten == (2 if tuned else 1)
    assert len(prompt.ids) <= voice.engine.context_length * 2 // 3
    assert "always" in voice.tokenizer.decode(prompt.ids)
