"""How the tokenizer of a corpus comes about: its characters, and the merges learned from its words.

Knows: in which order a vocabulary's ids are given, what is worth a merge. Does not know how a
tokenizer is used or kept. Merges are learned over characters, not bytes, so no token ever ends
inside a character except the pieces that build one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING

from inkling.tokens.pre_tokenizer import check_text, safe_chunks, splitter
from inkling.tokens.vocabulary import BYTE_SYMBOLS, SPECIAL_TOKENS, byte_symbols

if TYPE_CHECKING:
    from tokenizers import Tokenizer as FastTokenizer

# Longer tokens are whole phrases of one text; they save little and are copied, not learned.
MAX_TOKEN_CHARACTERS = 16

# Merges are learned from words of at most so many characters: sixteen times the longest token.
_LONGEST_WORD = 256
_ENDLESS = re.compile(
    "|".join(rf"{kind}{{{_LONGEST_WORD}}}" for kind in (r"[^\W\d_]", r"[^\w\s]", r"\s"))
)


def learn_tokenizer(
    texts: Iterable[str], merges: int, others: Iterable[str]
) -> tuple[FastTokenizer, str, int]:
    """The library's tokenizer, the characters it knows and how many merges it learned.

    The characters are those of `texts` and `others`; merges, at most `merges`, are learned from
    `texts` alone, which are gone through twice. Raises TokenizerError for lone surrogates.
    """
    from tokenizers import AddedToken, decoders, models, pre_tokenizers
    from tokenizers import Tokenizer as FastTokenizer

    found: set[str] = set()
    for text in chain(texts, others):
        check_text(text)
        found.update(text)
    characters = sorted(found)
    learned = _learn_merges(_pieces(texts), characters, merges) if merges else []

    vocabulary: dict[str, int] = {}

    def add(piece: str) -> None:
        vocabulary.setdefault(piece, len(vocabulary))

    for character in characters:
        add(byte_symbols(character))
    for token in SPECIAL_TOKENS:
        add(token)
    for symbol in BYTE_SYMBOLS:
        add(symbol)
    merge_list: dict[tuple[str, str], None] = {}
    for character in characters:
        symbols = byte_symbols(character)
        for cut in range(1, len(symbols)):
            add(symbols[: cut + 1])
            merge_list[symbols[:cut], symbols[cut]] = None
    for left, right in learned:
        add(byte_symbols(left) + byte_symbols(right))
        merge_list[byte_symbols(left), byte_symbols(right)] = None

    fast = FastTokenizer(models.BPE(vocab=vocabulary, merges=list(merge_list)))
    fast.pre_tokenizer = pre_tokenizers.Sequence(
        [splitter(), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    fast.decoder = decoders.ByteLevel()
    fast.add_special_tokens([AddedToken(token, normalized=False) for token in SPECIAL_TOKENS])
    return fast, "".join(characters), len(learned)


def _learn_merges(texts: Iterable[str], characters: list[str], count: int) -> list[tuple[str, str]]:
    """The `count` most frequent merges over characters, in order."""
    from tokenizers import Tokenizer as FastTokenizer
    from tokenizers import models, trainers

    learner = FastTokenizer(models.BPE())
    learner.pre_tokenizer = splitter()
    trainer = trainers.BpeTrainer(
        vocab_size=len(characters) + count,
        initial_alphabet=characters,
        min_frequency=2,
        max_token_length=MAX_TOKEN_CHARACTERS,
        show_progress=False,
    )
    learner.train_from_iterator(texts, trainer)
    merges = json.loads(learner.to_str())["model"]["merges"]
    return [(left, right) for left, right in merges]


def _pieces(texts: Iterable[str]) -> Iterator[str]:
    # The trainer's own threads work item by item; a whole corpus in one item would use one core.
    for text in texts:
        for chunk in safe_chunks(text, 20_000):
            yield from _without_endless_words(chunk)


def _without_endless_words(text: str) -> Iterator[str]:
    """The text, cut within runs that the split would leave whole, every `_LONGEST_WORD`
    characters. Learning merges takes time that grows with the square of the longest word."""
    start = 0
    for match in _ENDLESS.finditer(text):
        yield text[start : match.end()]
        start = match.end()
    if start < len(text):
        yield text[start:]
