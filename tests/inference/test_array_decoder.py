"""Decoding on arrays, by NumPy and by the compiled kernel, held to the torch model's full forward
pass."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from inkling.config import ModelSettings
from inkling.inference.array_decoder import READ_ROWS, ArrayDecoder
from inkling.inference.array_weights import prepare
from inkling.inference.kernel_build import build, compiler, kinds, library
from inkling.inference.kernel_decoder import (
    KernelDecoder,
    cpu_features,
    load_kernel,
    load_kernel_at,
    suits,
)
from inkling.model.gpt import GPT

CLOSE = 1e-4
SHAPE = ModelSettings(
    n_layer=2, n_head=2, n_embd=32, head_dim=16, n_hidden=48, context_length=160, vocab_size=61
)


def model_of(settings: ModelSettings, seed: int = 0) -> GPT:
    """A model of random weights, norms among them, whose logits are far from flat."""
    torch.manual_seed(seed)
    model = GPT(settings).eval()
    with torch.no_grad():
        for weight in model.parameters():
            noise = torch.randn_like(weight)
            weight.copy_(noise * 0.3 if weight.dim() > 1 else 1 + 0.3 * noise)
    return model


Make = Callable[[GPT, int], ArrayDecoder]
"""A decoder of a model, with so many slots."""


def by_numpy(model: GPT, slots: int) -> ArrayDecoder:
    parameters = {name: value.numpy() for name, value in model.state_dict().items()}
    return ArrayDecoder(prepare(parameters, model.settings), slots)


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The libraries, compiled from today's source."""
    if compiler() is None:
        pytest.skip("there is no C compiler, so the kernel was not built and is not tested")
    folder = tmp_path_factory.mktemp("kernels")
    assert build(folder)
    return folder


@pytest.fixture(scope="module", params=["numpy", "kernel"])
def decoder_of(request: pytest.FixtureRequest) -> Make:
    if request.param == "numpy":
        return by_numpy
    kernel = load_kernel(request.getfixturevalue("kernels"))
    assert kernel is not None

    def by_kernel(model: GPT, slots: int) -> ArrayDecoder:
        weights = by_numpy(model, 1).weights
        return KernelDecoder(weights, slots, kernel) if suits(weights) else by_numpy(model, slots)

    return by_kernel


def expected(model: GPT, ids: Sequence[int]) -> np.ndarray:
    """Logits after each position, by a full forward pass, (T, V)."""
    with torch.inference_mode():
        return model(torch.tensor([list(ids)]))[0].numpy()


def text(seed: int, length: int, vocab_size: int = SHAPE.vocab_size) -> list[int]:
    dice = random.Random(seed)
    return [dice.randrange(vocab_size) for _ in range(length)]


@pytest.fixture(scope="module")
def model() -> GPT:
    return model_of(SHAPE)


@hypothesis_settings(max_examples=25, deadline=None)
@given(
    layers=st.integers(1, 3),
    heads=st.integers(1, 4),
    head_dim=st.sampled_from([2, 8, 16, 40]),
    width=st.sampled_from([8, 24, 40]),
    hidden=st.sampled_from([8, 33, 48]),
    tied=st.booleans(),
    theta=st.sampled_from([100.0, 10_000.0]),
    eps=st.sampled_from([1e-6, 0.1]),
    seed=st.integers(0, 99),
)
def test_any_shape_gives_the_logits_of_the_torch_model(
    layers: int, heads: int, head_dim: int, width: int, hidden: int, tied: bool, theta: float,
    eps: float, seed: int, decoder_of: Make,
) -> None:  # fmt: skip
    """Read or decoded, with norms that scale, an epsilon that counts and a head that is tied."""
    settings = ModelSettings(
        n_layer=layers, n_head=heads, n_embd=width, head_dim=head_dim, n_hidden=hidden,
        context_length=16, vocab_size=23, tie_embeddings=tied, rope_theta=theta, norm_eps=eps,
    )  # fmt: skip
    model = model_of(settings, seed)
    decoder = decoder_of(model, 1)
    ids = text(seed, 16, settings.vocab_size)
    logits_TV = expected(model, ids)
    assert decoder.read(0, ids[:9], 0) == pytest.approx(logits_TV[8], abs=CLOSE, rel=CLOSE)
    for position in range(9, 16):
        logits_SV = decoder.decode([ids[position]], [position])
        assert logits_SV[0] == pytest.approx(logits_TV[position], abs=CLOSE, rel=CLOSE)


def test_a_prompt_may_be_read_in_pieces_of_any_length(model: GPT, decoder_of: Make) -> None:
    """Also pieces longer than what is computed together."""
    ids = text(1, 160)
    logits_TV = expected(model, ids)
    assert len(ids) > READ_ROWS + 1
    for pieces in ([160], [1] * 20, [2, 3, 1, 130], [READ_ROWS, 32]):
        decoder = decoder_of(model, 2)
        read = 0
        for length in pieces:
            logits_V = decoder.read(1, ids[read : read + length], read)
            read += length
            assert np.abs(logits_V - logits_TV[read - 1]).max() < CLOSE


@pytest.mark.parametrize("slots", [1, 2, 3, 4, 9])
def test_slots_of_different_lengths_are_decoded_together(
    model: GPT, decoder_of: Make, slots: int
) -> None:
    """What lies behind a slot's own end, left by a longer text before it, is not seen."""
    decoder = decoder_of(model, slots)
    texts = [text(seed, 90) for seed in range(slots)]
    whole = [expected(model, ids) for ids in texts]
    lengths = [5 + 7 * slot for slot in range(slots)]
    for slot, ids in enumerate(texts):
        decoder.read(slot, text(100 + slot, 150), 0)
        decoder.read(slot, ids[: lengths[slot]], 0)
    for _ in range(12):
        new = [ids[length] for ids, length in zip(texts, lengths, strict=True)]
        logits_SV = decoder.decode(new, lengths)
        for slot, length in enumerate(lengths):
            assert np.abs(logits_SV[slot] - whole[slot][length]).max() < CLOSE
        lengths = [length + 1 for length in lengths]


def test_greedy_texts_are_those_of_the_torch_model(model: GPT, decoder_of: Make) -> None:
    """Alone and beside others, wherever the two likeliest tokens are further apart than 1e-4."""
    starts = [text(seed, 3) for seed in range(6)]
    for together in (1, 6):
        decoder = decoder_of(model, together)
        for first in range(0, 6, together):
            written = [list(ids) for ids in starts[first : first + together]]
            for slot, ids in enumerate(written):
                decoder.read(slot, ids[:-1], 0)
            for length in range(2, 100):
                logits_SV = decoder.decode([ids[-1] for ids in written], [length] * together)
                for ids, token in zip(written, logits_SV.argmax(1).tolist(), strict=True):
                    ids.append(token)
            for ids in written:
                logits_TV = expected(model, ids)[2:-1]
                best_TV = np.sort(logits_TV, axis=1)
                clear_T = best_TV[:, -1] - best_TV[:, -2] > CLOSE
                assert clear_T.sum() > 90
                assert (logits_TV.argmax(1) == ids[3:])[clear_T].all()


def test_a_copy_goes_on_as_its_source_and_on_its_own(model: GPT, decoder_of: Make) -> None:
    """The drafts of one reply read their prompt once."""
    decoder = decoder_of(model, 3)
    prompt, one, other = text(1, 40), text(2, 5), text(3, 5)
    decoder.read(2, prompt, 0)
    decoder.copy(2, 0, 40)
    decoder.copy(2, 1, 40)
    for step in range(5):
        logits_SV = decoder.decode([one[step], other[step]], [40 + step] * 2).copy()
    assert np.abs(logits_SV[0] - expected(model, prompt + one)[-1]).max() < CLOSE
    assert np.abs(logits_SV[1] - expected(model, prompt + other)[-1]).max() < CLOSE


def test_slots_change_places(model: GPT, decoder_of: Make) -> None:
    """A swap moves whole texts of different lengths."""
    decoder = decoder_of(model, 3)
    short, long = text(1, 10), text(2, 70)
    decoder.read(0, short, 0)
    decoder.read(2, long, 0)
    decoder.swap(0, 2, 70)
    assert np.abs(decoder.decode([7], [70])[0] - expected(model, [*long, 7])[-1]).max() < CLOSE
    assert np.abs(decoder.read(2, [7], 10) - expected(model, [*short, 7])[-1]).max() < CLOSE


def test_a_slot_may_go_back_to_an_earlier_position(model: GPT, decoder_of: Make) -> None:
    """A conversation that is edited keeps what it shares with the old one."""
    decoder = decoder_of(model, 1)
    ids, others = text(1, 60), text(2, 20)
    decoder.read(0, ids, 0)
    found_V = decoder.read(0, others, 30)
    assert np.abs(found_V - expected(model, ids[:30] + others)[-1]).max() < CLOSE


def test_gates_far_from_zero_overflow_to_what_silu_is_there(decoder_of: Make) -> None:
    """exp of a hundred is infinite in this precision; its reciprocal is right, and no warning
    is given."""
    settings = SHAPE.model_copy(update={"n_layer": 1})
    model = model_of(settings)
    with torch.no_grad():
        model.blocks[0].mlp.gate_up.weight[:48] *= 200  # type: ignore[index, union-attr, operator]
    ids = text(1, 20)
    found_V = decoder_of(model, 1).read(0, ids, 0)
    assert np.isfinite(found_V).all()
    wanted_V = expected(model, ids)[-1]
    assert np.abs(found_V - wanted_V).max() < CLOSE * max(1.0, np.abs(wanted_V).max())


def test_the_checkpoint_is_not_changed_and_half_precision_is_read(model: GPT) -> None:
    """Weights may be stored in half precision."""
    parameters = {name: value.half().numpy() for name, value in model.state_dict().items()}
    before = {name: value.copy() for name, value in parameters.items()}
    decoder = ArrayDecoder(prepare(parameters, SHAPE), 1)
    rounded = model_of(SHAPE)
    rounded.load_state_dict({name: torch.from_numpy(value) for name, value in parameters.items()})
    ids = text(1, 20)
    assert np.abs(decoder.read(0, ids, 0) - expected(rounded, ids)[-1]).max() < CLOSE
    assert all(np.array_equal(parameters[name], before[name]) for name in before)


@pytest.mark.parametrize(("ids", "start"), [([1] * 161, 0), ([1, 2], 159), ([], 0), ([1], -1)])
def test_what_does_not_fit_is_refused(
    model: GPT, decoder_of: Make, ids: list[int], start: int
) -> None:
    """Positions are the caller's to count; a wrong count is not written over a neighbour."""
    with pytest.raises(ValueError, match="do not fit"):
        decoder_of(model, 1).read(0, ids, start)


def test_weights_of_another_shape_are_refused(model: GPT) -> None:
    """The message names the weight and both shapes."""
    parameters = {name: value.numpy() for name, value in model.state_dict().items()}
    with pytest.raises(ValueError, match=r"mlp\.down\.weight is \(32, 48\), not \(32, 64\)"):
        prepare(
            parameters | {"blocks.0.mlp.gate_up.weight": np.zeros((128, 32))},
            SHAPE.model_copy(update={"n_hidden": 64}),
        )
    del parameters["head.weight"]
    with pytest.raises(KeyError):
        prepare(parameters, SHAPE)


def test_decoding_needs_no_torch() -> None:
    """A new process that only writes does without the two seconds of importing it."""
    program = (
        "import sys\n"
        "import inkling.inference.array_decoder, inkling.inference.sampling\n"
        "import inkling.inference.blas_threads, inkling.inference.kernel_decoder\n"
        "from inkling.config import ModelSettings, SamplingSettings\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_every_kind_of_kernel_that_runs_here_gives_the_same(model: GPT, kernels: Path) -> None:
    """Also those that this processor would not choose."""
    ids = text(1, 40)
    found = 0
    for kind, _, needed in kinds():
        if all(cpu_features().get(feature) for feature in needed):
            kernel = load_kernel_at(library(kind, kernels))
            decoder = KernelDecoder(by_numpy(model, 1).weights, 1, kernel)
            assert np.abs(decoder.read(0, ids, 0) - expected(model, ids)[-1]).max() < CLOSE
            found += 1
    assert found


def test_a_library_of_other_sources_is_not_loaded(
    kernels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor left behind by the next build."""
    changed = tmp_path / "changed.c"
    changed.write_text("int changed;")
    assert load_kernel(kernels) is not None
    monkeypatch.setattr("inkling.inference.kernel_build.SOURCES", [changed])
    assert load_kernel(kernels) is None
    folder = tmp_path / "built"
    folder.mkdir()
    first = build(folder)
    changed.write_text("int changed_again;")
    second = build(folder)
    assert not set(first) & set(second)
    assert sorted(folder.iterdir()) == sorted(second)


def test_without_libraries_there_is_no_kernel(tmp_path: Path) -> None:
    """The caller then decodes with NumPy."""
    assert load_kernel(tmp_path) is None


def test_a_failed_compilation_says_what_the_compiler_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is built quietly without it."""
    if compiler() is None:
        pytest.skip("there is no C compiler")
    source = tmp_path / "broken.c"
    source.write_text("int broken(")
    monkeypatch.setattr("inkling.inference.kernel_build.SOURCES", [source])
    with pytest.raises(RuntimeError, match=r"cannot compile the decoding kernel:\n.*error"):
        build(tmp_path)
