"""Words in any script."""

from hypothesis import given
from hypothesis import strategies as st

from inkling.memory.words import MAX_LETTERS, spelling, words


def test_words_are_lower_case_without_marks() -> None:
    """Punctuation and case say nothing; an apostrophe is closed up."""
    assert words("What's THAT, then?") == ["whats", "that", "then"]


def test_scripts_without_spaces_are_cut_in_pairs() -> None:
    """Chinese and Thai have no words to find, so two neighbouring letters are one."""
    assert words("你叫什么") == ["你叫", "叫什", "什么"]
    assert words("猫 cat") == ["猫", "cat"]
    assert words("ชื่อ") == ["ชื่อ"]


def test_marks_stay_with_their_letters() -> None:
    """A vowel sign of Devanagari does not end a word."""
    assert words("हिन्दी है") == ["हिन्दी", "है"]


def test_an_emoji_is_a_word() -> None:
    """A message of one emoji can be looked up."""
    assert words("🐖🐖!") == ["🐖", "🐖"]


def test_alike_words_share_spelling() -> None:
    """Inflections overlap, other words hardly."""
    tuning, tuned, ferry = spelling("tuning"), spelling("tuned"), spelling("ferry")
    assert tuning & tuned == {"^tu", "tun"}
    assert not tuning & ferry


@given(st.text())
def test_any_text_has_words_of_bounded_length(text: str) -> None:
    """No text fails; no word is blank or long."""
    for word in words(text):
        assert word.strip()
        assert len(word) <= MAX_LETTERS
        assert spelling(word)
