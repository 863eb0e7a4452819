"""Bytes as text: what was written stays, what was guessed is told."""

from __future__ import annotations

import time
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling.corpus.clean import tidy
from inkling.corpus.importing.charset import decode, decoded, find_encoding, known_encoding
from inkling.errors import UsageError

RUSSIAN = "Мама мыла раму. Сегодня мы ходили на море и купили хлеба; было ветрено.\n"


def test_one_stray_byte_changes_nothing_else() -> None:
    """It is read as what it was in Windows-1252, and told; `’`, `é` and emoji stay."""
    text = "It’s a naïve café 🐖, she said. " * 20
    data = text.encode() + b"It\x92s\n" + text.encode()
    found = decode(data)
    assert found is not None
    assert found.text == text + "It’s\n" + text
    assert found.notes == ("1 byte that is not UTF-8 was read as Windows-1252",)
    nothing = decode(text.encode() + b"\x81")
    assert nothing is not None
    assert nothing.text == text + "\ufffd"


@pytest.mark.parametrize("encoding", ["cp1251", "koi8_r"])
@pytest.mark.parametrize(
    "text", [RUSSIAN, RUSSIAN * 300, "Привет", "Как дела? норм", "From: Wilma\n" * 99 + RUSSIAN]
)
def test_cyrillic_is_guessed_and_told(encoding: str, text: str) -> None:
    """Long, short, and behind a header in ASCII."""
    found = decode(text.encode(encoding))
    assert found is not None
    assert found.text == text
    (note,) = found.notes
    assert {"cp1251": "Windows-1251", "koi8_r": "KOI8-R"}[encoding] in note
    assert "say the encoding" in note


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("shift_jis", "今日は海へ行きました。とても楽しかったです。パンを買いました。"),
        ("gb18030", "今天我们去了海边，风很大，但是很开心。"),
        ("euc_kr", "오늘 우리는 바다에 갔습니다. 바람이 많이 불었지만 좋았습니다."),
        ("cp1253", "Σήμερα πήγαμε στη θάλασσα και αγοράσαμε ψωμί."),
        ("cp1252", "Grüße aus Köln: très bien, à bientôt, ça va. “Naïve” — señor! " * 3),
        ("cp1252", "Ærøskøbing på søndag, æøå og så videre, hvor går du hen?"),
    ],
)
def test_other_encodings_are_guessed(encoding: str, text: str) -> None:
    """Accented letters are Windows-1252, other alphabets what they look like."""
    found = decode(text.encode(encoding))
    assert found is not None
    assert found.text == text
    assert found.notes


def test_a_person_s_word_wins() -> None:
    """Also where the guess would have been another; a name that means nothing is refused."""
    found = decode(RUSSIAN.encode("koi8_r"), known_encoding("cp1251"))
    assert found is not None
    assert found.text != RUSSIAN
    assert not found.notes
    for name in ("klingon", "base64", "", "rot13"):
        with pytest.raises(UsageError, match="no encoding called"):
            known_encoding(name)


def test_byte_order_marks_go_wherever_they_stand() -> None:
    """Files that were joined hold one in the middle."""
    data = b"\xef\xbb\xbfone\n\xef\xbb\xbftwo \xe2\x80\x8d\n"
    found = decode(data)
    assert found is not None
    assert found.text == "one\ntwo \u200d\n"


def test_what_is_no_text_is_none() -> None:
    """Compressed data, a picture, zeros."""
    for data in (
        zlib.compress(b"some words to compress" * 50),
        b"\x89PNG\r\n\x1a\n\0\0\0",
        bytes(99),
    ):
        assert decode(data) is None


@given(st.text(alphabet="aé—🐖\n ", max_size=200), st.integers(1, 7))
@settings(max_examples=60, deadline=None)
def test_blocks_may_be_cut_anywhere(text: str, size: int) -> None:
    """Within a character too."""
    data = text.encode()
    blocks = [data[at : at + size] for at in range(0, len(data), size)]
    found = find_encoding(lambda: blocks)
    assert found is not None
    assert "".join(decoded(blocks, found.encoding)) == text


@given(st.binary(max_size=400))
@settings(max_examples=60, deadline=None)
def test_any_bytes_are_text_or_none(data: bytes) -> None:
    """And text can be stored."""
    found = decode(data)
    if found is not None:
        found.text.encode()


@pytest.mark.parametrize("character", [b" ", b"a", b"\xff", b"\x92", b"\xcf", b"\n", b"\0", b"-"])
def test_time_is_linear(character: bytes) -> None:
    """A megabyte of one character, and of spaces between two lines."""
    began = time.process_time()
    for data in (character * 1_000_000, b"x" + character * 1_000_000 + b"x\ny"):
        found = decode(data)
        if found is not None:
            tidy(found.text)
    assert time.process_time() - began < 10


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_wide_encodings_without_a_mark_are_read_when_they_are_named(encoding: str) -> None:
    """Where Python's own decoder of that name stops at the missing mark."""
    found = decode("crème brûlée, said Ada".encode(encoding), encoding[:6])
    assert found is not None
    assert (found.text, found.notes) == ("crème brûlée, said Ada", ())
    assert decode(b"odd", encoding[:6]) is not None
