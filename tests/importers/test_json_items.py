"""Values of JSON files: marks, damage, depth."""

from __future__ import annotations

import json
import time
from typing import Any

from inkling.corpus.document import Dropped
from inkling.corpus.importing.json_items import DAMAGED, json_items, json_value, text_or_none
from tests.importers.trees import tree_of


def items_of(content: str | bytes, key: str | None = None) -> list[Any]:
    return list(json_items(tree_of({"a.json": content}).files[0], key))


def value_of(content: str) -> Any:
    return json_value(tree_of({"a.json": content}).files[0])


def test_a_list_or_one_under_a_key() -> None:
    """What stands beside it is passed by; some programs write a mark first."""
    assert items_of("\ufeff[1, 2.5]") == [1, 2.5]
    assert items_of("[]") == []
    assert items_of('{"a": {"messages": [0]}, "messages": [1, {"b": 2}], "c": []}', "messages") == [
        1,
        {"b": 2},
    ]
    assert value_of('{"a": [1]}') == {"a": [1]}


def test_what_is_damaged_is_told_and_the_rest_is_given() -> None:
    """A value in its place; a file that breaks off at the end."""
    damaged = Dropped(DAMAGED, "a.json")
    assert items_of('[{"a": 1}, {"b') == [{"a": 1}, damaged]
    assert items_of("[" + "9" * 5000 + ", 1]") == [damaged, 1]
    assert items_of(b"[\xff\xfe]") == [damaged]
    assert items_of("") == [damaged]
    assert value_of("{") is None


def test_endless_nesting_ends() -> None:
    """In brackets, also in an object; not in strings that hold brackets."""
    began = time.process_time()
    assert items_of("[" * 1_000_000)[-1] == Dropped(DAMAGED, "a.json")
    assert items_of('{"x":' + "[" * 1_000_000, "messages")[-1] == Dropped(DAMAGED, "a.json")
    assert items_of('{"x":' * 200_000, "messages")[-1] == Dropped(DAMAGED, "a.json")
    assert time.process_time() - began < 20
    text = '[{"' * 400_000
    assert items_of(json.dumps([text, text])) == [text, text]


def test_halves_of_characters_become_whole_or_a_mark() -> None:
    """JSON escapes may spell a surrogate alone."""
    assert items_of(r'["\ud83d\ude00"]') == ["😀"]
    assert text_or_none("a\ud83d") == "a\ufffd"
    assert text_or_none(3) is None
