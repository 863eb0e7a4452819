"""The span index against brute force, on disk, and what damage does to it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling.tracing.span_index import MatchedSpan, Place, SpanIndex, covered

# Few characters, so that matches abound; neighbours in code share all but their last byte.
ALPHABETS = ("ab", "aé\u00e8", "क\u0916ि a", "😀😁👩\u200d", "a\nß€😀")

query_and_texts = st.sampled_from(ALPHABETS).flatmap(
    lambda alphabet: st.tuples(
        st.text(alphabet, max_size=30), st.lists(st.text(alphabet, max_size=24), max_size=4)
    )
)


def places_of(piece: str, texts: Sequence[str]) -> list[Place]:
    """Every place where a piece stands, overlapping ones too."""
    return [
        Place(number, at)
        for number, text in enumerate(texts)
        for at in range(len(text) - len(piece) + 1)
        if text[at : at + len(piece)] == piece
    ]


def true_spans(query: str, texts: Sequence[str], min_characters: int) -> list[tuple[int, int]]:
    """The maximal spans by trying every substring."""
    standing = [
        (start, stop)
        for start in range(len(query))
        for stop in range(start + min_characters, len(query) + 1)
        if any(query[start:stop] in text for text in texts)
    ]
    return [
        (start, stop)
        for start, stop in standing
        if not any(a <= start and stop <= b and (a, b) != (start, stop) for a, b in standing)
    ]


@settings(max_examples=300, deadline=None)
@given(query_and_texts, st.integers(1, 5), st.integers(1, 4))
def test_exactly_the_maximal_spans(
    both: tuple[str, list[str]], min_characters: int, max_places: int
) -> None:
    """The spans are those of brute force; counts are exact; the places are the first ones."""
    query, texts = both
    found = SpanIndex.build(texts).spans(query, min_characters, max_places)
    assert [(span.start, span.stop) for span in found] == true_spans(query, texts, min_characters)
    for span in found:
        everywhere = places_of(query[span.start : span.stop], texts)
        assert span.count == len(everywhere)
        assert list(span.places) == everywhere[:max_places]


@settings(max_examples=50, deadline=None)
@given(query_and_texts)
def test_bytes_and_text_are_indexed_alike(both: tuple[str, list[str]]) -> None:
    """UTF-8 bytes give the same spans as the text they encode."""
    query, texts = both
    encoded = SpanIndex.build([text.encode() for text in texts])
    assert encoded.spans(query, 1) == SpanIndex.build(texts).spans(query, 1)


@settings(max_examples=50, deadline=None)
@given(query_and_texts, st.integers(0, 30), st.integers(0, 30))
def test_any_part_of_a_text_can_be_read(both: tuple[str, list[str]], start: int, stop: int) -> None:
    """`part` is a slice of the text, and stays inside it."""
    _, texts = both
    index = SpanIndex.build(texts)
    assert len(index) == len(texts)
    for number, text in enumerate(texts):
        assert index.part(number, start, stop) == text[start : max(start, stop)]
        assert index.characters(number) == len(text)


def test_places_and_parts_far_into_a_long_text() -> None:
    """Character offsets hold beyond the blocks they are counted in, and across their edges."""
    body = "".join(f"{number:x}é😀" for number in range(6_000))
    texts = ["first ß", body, "last"]
    index = SpanIndex.build(texts)
    for at in (0, 1_365, 4_095, 4_096, 9_999, len(body) - 40):
        piece = body[at : at + 40]
        (span,) = index.spans(piece)
        assert (span.start, span.stop, span.places) == (0, 40, tuple(places_of(piece, texts)))
        assert index.part(1, at - 3, at + 43) == body[max(0, at - 3) : at + 43]


def test_a_long_query_copied_whole_is_one_span() -> None:
    """A match far longer than the first look is found to its end, with what differs after it."""
    body = " ".join(f"word{number}" for number in range(3_000))
    query = f"X{body}Y"
    (span,) = SpanIndex.build(["other", body]).spans(query)
    assert span == MatchedSpan(1, len(query) - 1, 1, (Place(1, 0),))


def test_the_query_may_be_longer_than_everything() -> None:
    """A short corpus inside a long query."""
    (span,) = SpanIndex.build(["needle"]).spans("x" * 50 + "needle" + "y" * 50, 4)
    assert (span.start, span.stop) == (50, 56)


@pytest.mark.parametrize("texts", [[], [""], ["", ""], [b""]])
def test_nothing_stands_in_empty_texts(texts: list[str | bytes], tmp_path: Path) -> None:
    """An index of nothing finds nothing, saved or not."""
    index = SpanIndex.build(texts)
    assert index.spans("anything", 1) == []
    index.save(tmp_path / "spans")
    opened = SpanIndex.open(tmp_path / "spans")
    assert opened is not None
    assert opened.spans("anything", 1) == []
    assert len(opened) == len(texts)


def test_no_span_reaches_from_one_text_into_the_next() -> None:
    """What stands across the boundary of two texts is two spans."""
    texts = ["the end of one", "the start of another"]
    query = "".join(texts)
    found = SpanIndex.build(texts).spans(query, 5)
    assert [(span.start, span.stop) for span in found] == [(0, 14), (14, len(query))]


def test_characters_that_share_bytes_are_not_cut() -> None:
    """U+1F600 and U+1F601 differ in their last byte alone: nothing of them is shared."""
    index = SpanIndex.build(["abc😀def"])
    assert [(s.start, s.stop) for s in index.spans("abc😁def", 1)] == [(0, 3), (4, 7)]
    assert index.spans("😁", 1) == []


def test_a_lone_surrogate_matches_nothing() -> None:
    """Half a pair in the query is no error, and stands nowhere."""
    index = SpanIndex.build(["one two three"])
    assert [(s.start, s.stop) for s in index.spans("one\ud83dtwo", 3)] == [(0, 3), (4, 7)]


def test_what_is_not_unicode_is_refused() -> None:
    """Bytes that are not UTF-8 could hold the separator."""
    with pytest.raises(ValueError, match="utf-8"):
        SpanIndex.build([b"\xff"])


def test_covered_counts_overlaps_once() -> None:
    """Overlapping spans cover their union."""
    assert (
        covered([MatchedSpan(5, 9, 1, ()), MatchedSpan(0, 6, 1, ()), MatchedSpan(20, 21, 1, ())])
        == 10
    )
    assert covered([]) == 0


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """An index on disk."""
    folder = tmp_path / "spans"
    SpanIndex.build(["one text, ünd more", "😀 another text"], {"by": "test"}).save(folder)
    return folder


def test_an_index_is_the_same_after_saving(kept: Path) -> None:
    """Opened from disk it answers as it did in memory, notes included; saving replaces it."""
    texts = ["one text, ünd more", "😀 another text"]
    opened = SpanIndex.open(kept)
    assert opened is not None
    assert opened.about == {"by": "test"}
    for query in (*texts, "her text, ünd", "zzz"):
        assert opened.spans(query, 2) == SpanIndex.build(texts).spans(query, 2)
    SpanIndex.build(["something else"]).save(kept)
    replaced = SpanIndex.open(kept)
    assert replaced is not None
    assert replaced.part(0, 0, 99) == "something else"
    # What was mapped before is still whole.
    assert opened.part(0, 0, 99) == texts[0]


NAMES = ("text.bin", "suffixes.bin", "starts.bin", "characters.bin", "about.json", "index.json")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "gone"])
def test_damage_is_noticed(kept: Path, name: str, damage: str) -> None:
    """A changed byte, a shorter file or a missing one: the index counts as not there."""
    path = kept / name
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[len(content) // 2] ^= 1
    elif damage == "cut":
        content = content[:-1]
    elif damage == "empty":
        content.clear()
    path.write_bytes(content)
    if damage == "gone":
        path.unlink()
    assert SpanIndex.open(kept) is None


def test_another_version_is_not_read(kept: Path) -> None:
    """The layout of a later version is not guessed at."""
    path = kept / "index.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": 2}))
    assert SpanIndex.open(kept) is None
    assert SpanIndex.open(kept / "nowhere") is None
