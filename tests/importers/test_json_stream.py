"""The pull parser for JSON files of any size."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from inkling.corpus.importing import json_stream
from inkling.corpus.importing.json_shape import BROKEN, UNREAD, Shape, shaped, unread
from inkling.corpus.importing.json_stream import JsonStream, valid_text


class Slow(io.BytesIO):
    """Gives a few bytes at a time, whatever is asked for."""

    def __init__(self, data: bytes, step: int) -> None:
        super().__init__(data)
        self.step = step

    def read(self, size: int | None = -1) -> bytes:
        return super().read(self.step if size != 0 else 0)


def whole(stream: JsonStream) -> Any:
    """A file's value, put together out of what is pulled."""
    character = stream.peek()
    if character == "{":
        return {key: whole(stream) for key in stream.fields()}
    if character == "[":
        return [whole(stream) for _ in stream.elements()]
    return stream.value()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(JSON, st.integers(1, 9), st.booleans())
def test_what_is_pulled_is_what_stands_there(value: Any, step: int, plain: bool) -> None:
    """However the bytes arrive."""
    data = json.dumps(value, ensure_ascii=plain, indent=1 if plain else None)
    stream = JsonStream(Slow(data.encode("utf-8", "surrogatepass"), step))
    assert whole(stream) == json.loads(
        data.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    )
    assert not stream.damaged
    assert stream.peek() == ""


BETWEEN = st.sampled_from([",", ", ", ",\n  ", " ,", "\t, "])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(JSON, BETWEEN), max_size=12), st.integers(1, 9))
def test_items_are_found_whatever_stands_between_them(
    values: list[tuple[Any, str]], step: int
) -> None:
    """The space around a comma may change in the middle of a list, and what begins behind it."""
    listed = "".join(json.dumps(value) + between for value, between in values).rstrip(", \n\t")
    stream = JsonStream(Slow(f"[{listed}]".encode(), step))
    assert list(stream.items()) == json.loads(f"[{listed}]")
    assert not stream.damaged


class Inner(Shape, frozen=True):
    """An object in an object."""

    a: Any = None


class Outer(Shape, frozen=True):
    """Two of the keys that `OBJECTS` have, and one that they seldom have."""

    a: Any = None
    inner: Inner = Inner()
    rare: Any = UNSET


ODD = st.sampled_from(
    ["NaN", "1e999", "9" * 30, '"\\ud83d"', '"\t"', '"}, {\\"a\\": 1}"', "-0", "1E3"]
)
# Objects as they stand in a file: the same between two of them as between those inside of them.
OBJECTS = st.lists(
    st.fixed_dictionaries(
        {"a": JSON.map(json.dumps) | ODD},
        optional={
            "inner": st.sampled_from(['{"a": 1}', '{"a": [{"a": 1}, {"a": 2}], "b": 3}', "5"]),
            "rare": JSON.map(json.dumps),
            "list": st.sampled_from(['[{"a": 1}, {"a": 2}]', "[]"]) | ODD,
        },
    ).map(lambda fields: "{" + ", ".join(f'"{key}": {text}' for key, text in fields.items()) + "}")
    | st.sampled_from(["7", '"x"', "[]", "null"]),
    max_size=20,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(OBJECTS, st.sampled_from([1, 7, 50, 1 << 18]))
def test_what_is_read_in_a_shape_is_what_the_object_says(objects: list[str], step: int) -> None:
    """Whether objects are decoded many at once or one at a time."""
    listed = f"[{', '.join(objects)}]"
    stream = JsonStream(Slow(listed.encode(), step))
    expected = [shaped(Outer, value) for value in json.loads(listed, strict=False)]
    # Not by equality, of which NaN has none, and 1.0 and 1 have one.
    assert repr(list(stream.items(Outer))) == repr(expected)
    assert repr(list(JsonStream(Slow(listed.encode(), step)).items())) == repr(
        json.loads(listed, strict=False)
    )
    assert not stream.damaged


def test_objects_are_decoded_many_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """All but the few at the ends of what is read at once, as long as nothing is odd."""
    at_once = 0
    decoder = json_stream.decoder

    def counting(shape: type[Shape] | None) -> Callable[[str], list[Any]]:
        def decode(text: str) -> list[Any]:
            nonlocal at_once
            values = decoder(shape)(text)
            at_once += len(values)
            return values

        return decode

    monkeypatch.setattr(json_stream, "decoder", counting)
    objects = [{"a": number, "list": [{"a": 1}, {"a": 2}], "x": "y" * 90} for number in range(9000)]
    found = list(JsonStream(io.BytesIO(json.dumps(objects).encode())).items(Outer))
    assert found == [Outer(a=number) for number in range(9000)]
    assert at_once > 8900


@pytest.mark.parametrize(
    "odd",
    ['{"a": NaN}, {"a": 1}', '{"a": 1}, {"a" 2}', '{"a": "\\ud83d"}, {"b": 1}, {"a": 2}'],
)
def test_a_file_full_of_odd_objects(odd: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many at once are tried a few times for what is read at once, not again from each odd one to
    the next."""
    tried = 0
    decoder = json_stream.decoder

    def counting(shape: type[Shape] | None) -> Callable[[str], list[Any]]:
        nonlocal tried
        tried += 1
        return decoder(shape)

    monkeypatch.setattr(json_stream, "decoder", counting)
    stream = JsonStream(io.BytesIO(f"[{', '.join([odd] * 20_000)}]".encode()))
    assert sum(1 for _ in stream.items(Outer)) >= 40_000
    assert 0 < tried < 60


def test_a_field_that_is_rarely_wanted_is_decoded_when_it_is() -> None:
    """Also what only the standard library takes, and where it was decoded already."""

    class Rare(Shape, frozen=True):
        a: Any = None
        rare: msgspec.Raw = UNREAD

    text = '[{"a": 1}, {"a": 2, "rare": [1, "\\ud83d"]}, {"a": 3}]'
    found = list(JsonStream(io.BytesIO(text.encode())).items(Rare))
    assert [(item.a, unread(item.rare)) for item in found] == [
        (1, None), (2, [1, "\ud83d"]), (3, None),
    ]  # fmt: skip


def test_items_behind_a_broken_one_are_read() -> None:
    """A number of 5,000 digits and ten thousand brackets cost themselves only."""
    deep = "[" * 10_000 + "]" * 10_000
    data = f'[{{"a":1}}, {{"n":{"9" * 5000}}}, {deep}, {{"a" 2}}, "b\\"]", tru, 7]'
    stream = JsonStream(io.BytesIO(data.encode()))
    items = list(stream.items())
    assert items == [{"a": 1}, BROKEN, BROKEN, BROKEN, 'b"]', BROKEN, 7]
    assert not stream.damaged


def test_a_file_that_ends_in_the_middle() -> None:
    """What is whole is given."""
    stream = JsonStream(io.BytesIO(b'{"messages": [{"a": 1}, {"a": 2}, {"a": "x'))
    for key in stream.fields():
        assert key == "messages"
        assert list(stream.items()) == [{"a": 1}, {"a": 2}, BROKEN]
    assert stream.damaged


def test_values_that_nobody_asks_for() -> None:
    """They are skipped, and other kinds than expected are empty."""
    stream = JsonStream(io.BytesIO(b'{"a": {"x": "}"}, "b": 3, "c": [4], "d": "[", "e": 5}'))
    seen = {}
    for key in stream.fields():
        if key == "e":
            seen[key] = stream.value()
        elif key == "b":
            seen[key] = list(stream.items())
    assert seen == {"b": [], "e": 5}
    assert not stream.damaged


def test_a_value_that_is_too_large_is_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is broken, and the next is read."""
    monkeypatch.setattr(json_stream, "VALUE_CHARACTERS", 1000)
    monkeypatch.setattr(json_stream, "CHUNK_BYTES", 100)
    data = json.dumps(["a" * 5000, "b", {"c": "d" * 5000}, 1]).encode()
    assert list(JsonStream(io.BytesIO(data)).items()) == [BROKEN, "b", BROKEN, 1]


@pytest.mark.parametrize("character", ["[", "{", '"', "1", " ", "\\", "]", "a", ",", '{"a":'])
def test_a_megabyte_of_one_character(character: str) -> None:
    """In linear time, alone and in an array."""
    started = time.process_time()
    for front in ("", "[", '["'):
        stream = JsonStream(io.BytesIO((front + character * 1_000_000).encode()))
        list(stream.items())
    assert time.process_time() - started < 15


def test_half_characters() -> None:
    """An escape that spells half an emoji is no text."""
    assert valid_text(json.loads('"a\\ud83d"')) == "a\ufffd"
    assert valid_text("👩\u200d👧") == "👩\u200d👧"


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet='[]{}":,\\1a \x0b\u00a0', max_size=30))
def test_whatever_stands_there_ends(text: str) -> None:
    """Every call goes on or stops."""
    for pull in (JsonStream.items, JsonStream.fields, JsonStream.elements):
        for _ in pull(JsonStream(io.BytesIO(text.encode()))):
            pass
