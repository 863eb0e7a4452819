"""The headline: plain where all is well, a warning where the loss means something else."""

from __future__ import annotations

import pytest

from inkling.evaluation.baselines import Baseline
from inkling.evaluation.calibration import calibration
from inkling.evaluation.schema import HeldOut, Leak, Loss, Missing
from inkling.evaluation.verdict import verdict

NOTHING = Missing(why="none")
CLEAN = Leak(writing=0.0, replies=0.0, xz_ratio=0.76)


def held_out(nats: float, best: float = 1.2, characters: int = 30_000) -> HeldOut:
    """A text on which the model needs `nats` and PPM `best`."""
    import numpy as np

    return HeldOut(
        characters=characters,
        losses=(Loss(phase="train", step=1, nats_per_char=nats, nats_per_token=3 * nats),),
        baselines=(
            Baseline("bigram", 2.3, "counts"),
            Baseline("PPM", best, "PPMd"),
        ),
        calibration=calibration(np.array([0.5]), np.array([True])),
    )


@pytest.mark.parametrize(
    ("nats", "words"),
    [
        (1.0, "the best method without a network, PPM, needs 1.73"),
        (1.205, "needs as many (1.73)"),
        (1.5, "PPM, which has no network, needs only 1.73"),
    ],
)
def test_a_plain_sentence(nats: float, words: str) -> None:
    """Better, alike, worse than the best baseline."""
    found = verdict(held_out(nats), NOTHING, CLEAN)
    assert not found.warning
    assert words in found.text
    assert found.text.startswith("On writing it never saw")


def test_dialogs_alone_and_little_text() -> None:
    """Replies lead where there is no writing; a small measure is called rough."""
    found = verdict(NOTHING, held_out(1.0, characters=900), CLEAN)
    assert found.text.startswith("On replies it never saw")
    assert "Only 900 characters" in found.text


@pytest.mark.parametrize(
    ("nats", "leak", "words"),
    [
        (1.0, Leak(writing=0.12, replies=0.0, xz_ratio=0.8), "12% of the held-out writing"),
        (1.0, Leak(writing=0.0, replies=0.3, xz_ratio=0.8), "30% of the held-out replies"),
        (1.0, Leak(writing=0.0, replies=0.0, xz_ratio=0.1), "xz needs only 10%"),
        (0.6, CLEAN, "0.50 of the bits of PPM"),
    ],
)
def test_a_warning(nats: float, leak: Leak, words: str) -> None:
    """Each rule alone is enough, and is given as a reason."""
    found = verdict(held_out(nats), NOTHING, leak)
    assert found.warning
    assert "does not mean what it seems" in found.text
    assert len(found.reasons) == 1
    assert words in found.reasons[0]
    assert "see the reasons" not in found.text
    assert found.with_reasons() == f"{found.text} {found.reasons[0]}"


def test_just_within_every_limit() -> None:
    """5 % of leak, half of xz's bits, 0.6 of the best baseline: still plain."""
    leak = Leak(writing=0.05, replies=0.05, xz_ratio=0.5)
    assert not verdict(held_out(0.7201), NOTHING, leak).warning


def test_nothing_held_out() -> None:
    """Then nothing is claimed."""
    assert "nothing can be said" in verdict(NOTHING, NOTHING, CLEAN).text
