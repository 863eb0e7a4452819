"""What is held back of a text, and what is left out of it."""

from __future__ import annotations

import pytest

from inkling.inference.text import StopFilter, Trimmer


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
