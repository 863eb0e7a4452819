"""The share of generated text that stands verbatim in training."""

from __future__ import annotations

from inkling.evaluation.copying import Copying, measure_copying
from inkling.tracing.span_index import SpanIndex

LONG = "the piano stood in the rain for a week and nobody minded"
SHORT = "a fork and some patience, no more"


def test_what_was_copied_is_counted_over_all_texts() -> None:
    """Exact numbers, and the longest span named with where it stands."""
    index = SpanIndex.build(["unrelated", f"Once: {LONG}!", SHORT])
    texts = [f"He said {LONG}?", f"{SHORT}, 20 of his own", "", "nothing of it 12"]
    assert measure_copying(index, texts) == Copying(
        texts=4,
        min_characters=30,
        characters=sum(map(len, texts)),
        # The space before the long one stands in training as well.
        copied_characters=len(f" {LONG}") + len(SHORT),
        longest=len(f" {LONG}"),
        longest_text=f" {LONG}",
        longest_source=(1, 5),
    )
    measured = measure_copying(index, texts)
    assert measured.share == measured.copied_characters / measured.characters


def test_twenty_nine_characters_are_not_a_copy() -> None:
    """Spans shorter than thirty characters do not count; thirty do."""
    index = SpanIndex.build([LONG])
    assert measure_copying(index, [LONG[:29]]).copied_characters == 0
    assert measure_copying(index, [LONG[:30]]).copied_characters == 30


def test_nothing_at_all() -> None:
    """No texts, or empty ones: a share of zero, not a division by it."""
    for texts in ([], [""]):
        measured = measure_copying(SpanIndex.build([LONG]), texts)
        assert (measured.share, measured.longest, measured.longest_source) == (0.0, 0, None)
