"""The tokenizer family: exact ids, any text round-trips, the same in Hugging Face."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer as FastTokenizer

from inkling.errors import TokenizerError
from inkling.tokens.pre_tokenizer import safe_chunks
from inkling.tokens.tokenizer import StreamDecoder, Tokenizer
from inkling.tokens.vocabulary import SPECIAL_TOKENS

CORPUS = (
    "Der Bär ißt Honig. The café is naïve, they're sure! 日本語テキスト\n\n"
    "Numbers 2026 and 3.14; emoji 🐖🫖 and a family 👨‍👩‍👧.\n\tTabs   and spaces  \n"
) * 4
CHARACTERS = Tokenizer.train([CORPUS])
MERGED = Tokenizer.train([CORPUS], merges=60)
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def test_character_ids_are_the_sorted_characters_of_the_corpus() -> None:
    """ids 0…n-1 are sorted(set(corpus)); then the special tokens follow."""
    expected = sorted(set(CORPUS))
    assert CHARACTERS.characters == "".join(expected)
    for index, character in enumerate(expected):
        assert CHARACTERS.encode(character) == [index]
    assert [CHARACTERS.special_id(token) for token in SPECIAL_TOKENS] == list(
        range(len(expected), len(expected) + 4)
    )


def test_the_character_tokenizer_gives_one_token_a_character() -> None:
    """Zero merges: as many ids as characters, for text made of the corpus's characters."""
    assert len(CHARACTERS.encode(CORPUS)) == len(CORPUS)
    assert CHARACTERS.merges == 0


def test_every_byte_is_in_the_vocabulary_once() -> None:
    """All 256 bytes and no piece twice, so that no text can ever fail."""
    pieces = [piece for piece in MERGED.token_bytes if piece]
    assert len(set(pieces)) == len(pieces)
    assert {bytes([byte]) for byte in range(256)} <= set(pieces)


def test_learned_merges_keep_the_character_ids() -> None:
    """The family: more merges only append to the vocabulary."""
    shared = CHARACTERS.vocab_size
    assert MERGED.vocab_size == shared + MERGED.merges
    assert MERGED.token_bytes[:shared] == CHARACTERS.token_bytes
    assert 0 < MERGED.merges <= 60
    assert len(MERGED.encode(CORPUS)) < len(CHARACTERS.encode(CORPUS))


@given(ANY_TEXT)
@settings(max_examples=300, deadline=None)
def test_any_text_round_trips(text: str) -> None:
    """Decoding the ids of any Unicode text gives the text back, at both ends of the family."""
    for tokenizer in (CHARACTERS, MERGED):
        assert tokenizer.decode(tokenizer.encode(text)) == text


@given(ANY_TEXT)
@settings(max_examples=200, deadline=None)
def test_streaming_gives_the_same_text_without_half_characters(text: str) -> None:
    """Pushing ids one at a time gives the text, and never a replacement character of its own."""
    decoder = StreamDecoder(CHARACTERS)
    pieces = [decoder.push(token) for token in CHARACTERS.encode(text)]
    assert "".join(pieces) + decoder.finish() == text


@given(
    st.lists(st.sampled_from(["a", "é", " ", "\n", "\n\n", "x. ", "日", "1", "\t"])),
    st.integers(1, 9),
)
@settings(max_examples=300, deadline=None)
def test_chunks_join_to_the_text_and_to_its_encoding(parts: list[str], size: int) -> None:
    """Cutting a long text for the encoder changes nothing."""
    text = "".join(parts)
    chunks = list(safe_chunks(text, size))
    assert "".join(chunks) == text
    whole = MERGED._fast.encode(text, add_special_tokens=False).ids
    assert [i for chunk in chunks for i in MERGED._fast.encode(chunk).ids] == whole


@pytest.mark.parametrize("token", SPECIAL_TOKENS)
def test_look_alikes_of_special_tokens_stay_text(token: str) -> None:
    """What a person types is never a control token."""
    for tokenizer in (CHARACTERS, MERGED):
        ids = tokenizer.encode(f"a {token} b")
        assert not set(ids) & set(tokenizer.special_ids)
        assert tokenizer.decode(ids) == f"a {token} b"


def test_lone_surrogates_get_a_sentence() -> None:
    """Text that is not valid Unicode is refused with its place."""
    with pytest.raises(TokenizerError, match=r"U\+D800.*character 2"):
        MERGED.encode("ab\ud800")
    with pytest.raises(TokenizerError):
        Tokenizer.train(["x\udfff"])


def test_tokenizer_json_loads_in_hugging_face_with_the_same_ids(tmp_path: Path) -> None:
    """The file is theirs: same ids, and the special tokens are special there."""
    path = tmp_path / "tokenizer.json"
    MERGED.save(path)
    theirs = FastTokenizer.from_file(str(path))
    for text in (CORPUS, "Ωμέγα unseen", "they'll 12 345"):
        assert theirs.encode(text, add_special_tokens=False).ids == MERGED.encode(text)
        assert theirs.decode(MERGED.encode(text)) == text
    assert theirs.encode("<|me|>").ids == [MERGED.special_id("<|me|>")]
    again = Tokenizer.load(path)
    assert (again.characters, again.merges, again.vocab_size) == (
        MERGED.characters,
        MERGED.merges,
        MERGED.vocab_size,
    )


def test_merges_are_learned_from_training_text_only() -> None:
    """Held-out text gives its characters, never a merge."""
    tokenizer = Tokenizer.train(["abcabcabc " * 9], merges=20, others=["xyzxyzxyz " * 50])
    assert set("xyz") <= set(tokenizer.characters)
    assert len(tokenizer.encode("xyzxyz")) == 6


def test_a_foreign_file_is_refused(tmp_path: Path) -> None:
    """A file that is no tokenizer, or not ours, gets one sentence."""
    path = tmp_path / "tokenizer.json"
    path.write_text("{}")
    with pytest.raises(TokenizerError, match="not a tokenizer"):
        Tokenizer.load(path)


def test_ids_outside_the_vocabulary_are_refused() -> None:
    """Ids of another tokenizer do not decode to nonsense."""
    with pytest.raises(TokenizerError, match="outside the vocabulary"):
        CHARACTERS.decode([10**6])


def test_characters_started_counts_characters() -> None:
    """The table by which a loss per token becomes a loss per character."""
    ids = MERGED.encode(CORPUS)
    assert int(MERGED.characters_started[ids].sum()) == len(CORPUS)
