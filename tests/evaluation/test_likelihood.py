"""The number that everything is compared by."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from inkling.config import ModelSettings
from inkling.evaluation.likelihood import measure, windows
from inkling.model.gpt import GPT
from inkling.tokens.dataset import PackedIds


@given(st.integers(2, 500), st.integers(1, 64))
@settings(max_examples=200, deadline=None)
def test_windows_score_every_target_once_with_half_a_window_before_it(
    length: int, context: int
) -> None:
    """Targets 1…length-1, each exactly once, windows no longer than the context."""
    scored: list[int] = []
    for start, stop, first in windows(length, context):
        assert 0 < stop - start <= context
        scored += range(start + first + 1, stop + 1)
        assert first >= min(start, context // 2)
    assert scored == list(range(1, length))


@given(st.integers(2, 3_000), st.integers(2, 64), st.integers(1, 1_000))
@settings(max_examples=200, deadline=None)
def test_a_sample_of_windows_is_spread_evenly_over_the_text(
    length: int, context: int, wanted: int
) -> None:
    """Some of the whole's own windows, as many as asked for, with equal gaps between them."""
    whole = list(windows(length, context))
    sample = list(windows(length, context, wanted))
    assert [window for window in whole if window in set(sample)] == sample
    stride = max(1, context // 2)
    assert len(sample) == min(len(whole), max(1, wanted // stride))
    gaps = np.diff([start // stride for start, _, _ in sample])
    assert not len(gaps) or gaps.max() - gaps.min() <= 1


def part(count: int, masked: bool) -> PackedIds:
    generator = np.random.default_rng(0)
    ids = generator.integers(0, 20, count).astype(np.uint16)
    mask = generator.integers(0, 2, count).astype(np.uint8) if masked else None
    return PackedIds("val", ids, mask, ((0, count, "d", 0),))


def model() -> GPT:
    torch.manual_seed(3)
    net = GPT(ModelSettings(n_layer=1, n_head=1, n_embd=32, head_dim=32, n_hidden=48,
                            vocab_size=20, context_length=16))  # fmt: skip
    with torch.no_grad():
        for weight in net.parameters():
            weight.normal_(std=0.3)
    return net


def test_the_sum_equals_one_window_at_a_time() -> None:
    """Batching windows changes nothing; boundaries, masked tokens and the space that is put
    before a reply are not scored or counted."""
    characters = np.arange(20) % 3
    for masked in (False, True):
        data, net = part(203, masked), model()
        found = measure(net, data, characters, end_id=7, context_length=16)
        nats, tokens, spelled = 0.0, 0, 0
        ids = torch.from_numpy(data.ids.astype(np.int64))
        for start, stop, first in windows(len(ids), 16):
            with torch.no_grad():
                losses = F.cross_entropy(
                    net(ids[None, start:stop])[0], ids[start + 1 : stop + 1], reduction="none"
                )
            for offset in range(first, stop - start):
                position = start + offset + 1
                target = int(ids[position])
                counts = data.mask[position] == 1 if data.mask is not None else target != 7
                if counts:
                    nats += float(losses[offset])
                    tokens += 1
                    spelled += int(characters[target])
                    # The space before a reply was added when it was packed; nobody wrote it.
                    spelled -= data.mask is not None and data.mask[position - 1] == 0
        assert found.tokens == tokens
        assert found.characters == spelled
        assert abs(found.nats - nats) < 1e-3
        assert found.nats_per_char == found.nats / spelled


def test_a_sample_scores_about_as_many_tokens_as_asked_for() -> None:
    """The same tokens each time, and all of them where more are asked for than there are."""
    data, net, characters = part(5_000, False), model(), np.ones(20, dtype=np.int64)
    few = measure(net, data, characters, 7, 16, wanted=500)
    assert 400 < few.tokens <= 510
    assert measure(net, data, characters, 7, 16, wanted=500) == few
    whole = measure(net, data, characters, 7, 16)
    assert measure(net, data, characters, 7, 16, wanted=9_999) == whole
    assert abs(few.val_loss - whole.val_loss) < 0.5


def test_measuring_leaves_the_model_in_training_mode() -> None:
    """The loop goes on as it was."""
    net = model().train()
    measure(net, part(40, False), np.ones(20, dtype=np.int64), 7, 16)
    assert net.training
