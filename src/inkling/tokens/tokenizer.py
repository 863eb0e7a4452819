"""Byte-level BPE, from one token a character to N learned merges.

Knows: text, bytes and ids. Does not know: documents, files' places, models.
Data: text -> `Tokenizer.train` -> `encode` -> ids -> `decode` / `token_bytes` -> text.

One family: ids 0…n-1 are the corpus's characters in `sorted(set(corpus))` order, then the
special tokens, then the bytes that are no character of the corpus, then the inner pieces of
multi-byte characters, then the learned merges. A tokenizer with zero learned merges is the
character tokenizer. Any Unicode text encodes, since all 256 bytes are in the vocabulary. One that
was taken over from another program (tokens.adopted) has that one's ids, and the special tokens at
the last four.

The file format is that of Hugging Face `tokenizers`; the split is Qwen2's regular expression
(llama.cpp's `qwen2` pre-tokenizer), with no normaliser. Merges are learned over characters,
not bytes, so no token ever ends inside a character except the pieces that build one.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inkling.errors import TokenizerError
from inkling.regular_files import parse_json, read_regular

if TYPE_CHECKING:
    import numpy as np
    from tokenizers import Tokenizer as FastTokenizer

END, THEM, ME, PAD = "<|end|>", "<|them|>", "<|me|>", "<|pad|>"
SPECIAL_TOKENS = (END, THEM, ME, PAD)

# As in Qwen2's tokenizer.json; llama.cpp calls it LLAMA_VOCAB_PRE_TYPE_QWEN2.
SPLIT_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)

# Longer tokens are whole phrases of one text; they save little and are copied, not learned.
MAX_TOKEN_CHARACTERS = 16

# Merges are learned from words of at most so many characters: sixteen times the longest token.
_LONGEST_WORD = 256
_ENDLESS = re.compile(
    "|".join(rf"{kind}{{{_LONGEST_WORD}}}" for kind in (r"[^\W\d_]", r"[^\w\s]", r"\s"))
)

# Characters handed to the Rust encoder at once: bounds its memory for a text of any size.
_CHUNK_CHARACTERS = 200_000


def _byte_alphabet() -> dict[int, str]:
    """GPT-2's printable stand-in for each byte value."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table = {byte: chr(byte) for byte in printable}
    spare = (byte for byte in range(256) if byte not in table)
    return table | {byte: chr(256 + index) for index, byte in enumerate(spare)}


_BYTE_TO_SYMBOL = _byte_alphabet()
BYTE_SYMBOLS = frozenset(_BYTE_TO_SYMBOL.values())
"""How each of the 256 bytes is written in a vocabulary."""
_SYMBOL_TO_BYTE = {symbol: byte for byte, symbol in _BYTE_TO_SYMBOL.items()}


def _symbols(text: str) -> str:
    return "".join(_BYTE_TO_SYMBOL[byte] for byte in text.encode())


def _splitter() -> Any:
    from tokenizers import Regex, pre_tokenizers

    return pre_tokenizers.Split(Regex(SPLIT_PATTERN), "isolated")


def _check_text(text: str) -> None:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise TokenizerError(
                f"The text holds a lone surrogate (U+{ord(text[error.start]):04X}) at character "
                f"{error.start}, which is not valid Unicode. Remove it, or read the file as UTF-8."
            ) from None


def safe_chunks(text: str, size: int = _CHUNK_CHARACTERS) -> Iterator[str]:
    """Cut a text where no token can cross: after a line break that text follows.

    The pieces joined are the text; their encodings joined are the text's encoding. Each has
    at least `size` characters, the last excepted.
    """
    start = 0
    while start + size < len(text):
        cut = text.find("\n", start + size)
        # The split's newline groups swallow whitespace on both sides, so move past it.
        while cut != -1 and cut + 1 < len(text) and text[cut + 1].isspace():
            cut = text.find("\n", cut + 1)
        if cut == -1 or cut + 1 >= len(text):
            break
        yield text[start : cut + 1]
        start = cut + 1
    if start < len(text):
        yield text[start:]


def _learn_merges(texts: Iterable[str], characters: list[str], count: int) -> list[tuple[str, str]]:
    """The `count` most frequent merges over characters, in order."""
    from tokenizers import Tokenizer as FastTokenizer
    from tokenizers import models, trainers

    learner = FastTokenizer(models.BPE())
    learner.pre_tokenizer = _splitter()
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


class Tokenizer:
    """Encodes any Unicode text to ids and back.

    Special tokens never come from text: what looks like `<|me|>` in someone's writing is
    encoded as the characters it is made of. Only `special_id` gives their ids.
    """

    def __init__(
        self, fast: FastTokenizer, characters: str, merges: int, first_special: int | None = None
    ) -> None:
        """`first_special` is the id of <|end|>, by default the one behind the characters."""
        self._fast = fast
        self._fast.encode_special_tokens = True
        self.characters = characters
        self.merges = merges
        self._first_special = len(characters) if first_special is None else first_special

    @classmethod
    def train(cls, texts: Iterable[str], merges: int = 0, others: Iterable[str] = ()) -> Tokenizer:
        """Build the tokenizer of a corpus, with at most `merges` learned merges.

        The characters are those of `texts` and `others`; merges are learned from `texts` alone,
        which are gone through twice. Raises TokenizerError for text with lone surrogates.
        """
        from tokenizers import AddedToken, decoders, models, pre_tokenizers
        from tokenizers import Tokenizer as FastTokenizer

        found: set[str] = set()
        for text in chain(texts, others):
            _check_text(text)
            found.update(text)
        characters = sorted(found)
        learned = _learn_merges(_pieces(texts), characters, merges) if merges else []

        vocabulary: dict[str, int] = {}

        def add(piece: str) -> None:
            vocabulary.setdefault(piece, len(vocabulary))

        for character in characters:
            add(_symbols(character))
        for token in SPECIAL_TOKENS:
            add(token)
        for symbol in _BYTE_TO_SYMBOL.values():
            add(symbol)
        merge_list: dict[tuple[str, str], None] = {}
        for character in characters:
            symbols = _symbols(character)
            for cut in range(1, len(symbols)):
                add(symbols[: cut + 1])
                merge_list[symbols[:cut], symbols[cut]] = None
        for left, right in learned:
            add(_symbols(left) + _symbols(right))
            merge_list[_symbols(left), _symbols(right)] = None

        fast = FastTokenizer(models.BPE(vocab=vocabulary, merges=list(merge_list)))
        fast.pre_tokenizer = pre_tokenizers.Sequence(
            [_splitter(), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
        )
        fast.decoder = decoders.ByteLevel()
        fast.add_special_tokens([AddedToken(token, normalized=False) for token in SPECIAL_TOKENS])
        return cls(fast, "".join(characters), len(learned))

    @classmethod
    def load(cls, path: Path) -> Tokenizer:
        """Read a `tokenizer.json`. Raises TokenizerError where it is not one of ours."""
        from tokenizers import Tokenizer as FastTokenizer

        try:
            content = read_regular(path).decode("utf-8")
            if "merges" not in parse_json(content)["model"]:
                raise ValueError("it has no merges")
            fast = FastTokenizer.from_str(content)
        except Exception as error:  # the library raises bare Exception for bad content
            reason = getattr(error, "strerror", None) or str(error)
            raise TokenizerError(
                f"{path} is not a tokenizer that Inkling can read ({reason}). "
                "Restore the file, or train a new run."
            ) from None
        if fast.token_to_id(END) is None:
            raise TokenizerError(f"{path} has no {END} token, so Inkling did not write it.")
        try:
            return cls.of(fast)
        except TokenizerError as error:
            raise TokenizerError(f"{path} {error} Restore the file, or train a new run.") from None

    @classmethod
    def of(cls, fast: FastTokenizer) -> Tokenizer:
        """Of the library's tokenizer, with the special tokens behind the corpus's characters, or
        where it was taken over, at the last ids. Raises TokenizerError where they are neither."""
        merges = len(json.loads(fast.to_str())["model"]["merges"])
        end = fast.token_to_id(END)
        assert end is not None
        pieces = [fast.id_to_token(index) for index in range(fast.get_vocab_size())]
        adopted = end + len(SPECIAL_TOKENS) == len(pieces)
        try:
            letters = [_to_bytes(p or "").decode() for p in ([] if adopted else pieces[:end])]
        except (KeyError, UnicodeDecodeError):
            letters = []
        in_order = letters == sorted(set(letters)) and all(len(letter) == 1 for letter in letters)
        specials = tuple(pieces[end : end + len(SPECIAL_TOKENS)])
        if not in_order or specials != SPECIAL_TOKENS or None in pieces or not (letters or adopted):
            raise TokenizerError("has its tokens at other ids than Inkling gives them.")
        if adopted:
            return cls(fast, "", merges, end)._with_its_characters()
        characters = "".join(letters)
        inner = sum(len(character.encode()) - 1 for character in characters)
        built = {
            _symbols(character)[: cut + 1]
            for character in characters
            for cut in range(1, len(character.encode()))
        }
        assert inner >= len(built)
        return cls(fast, characters, merges - len(built))

    def _with_its_characters(self) -> Tokenizer:
        try:
            texts = {piece.decode(errors="ignore") for piece in self.token_bytes}
        except KeyError:
            raise TokenizerError("has tokens that are no bytes.") from None
        self.characters = "".join(sorted(text for text in texts if len(text) == 1))
        return self

    def without_post_processor(self) -> Tokenizer:
        """The same as it was made: exports for other engines put <|end|> before a text."""
        from tokenizers import Tokenizer as FastTokenizer

        content = json.loads(self.to_json()) | {"post_processor": None}
        fast = FastTokenizer.from_str(json.dumps(content, ensure_ascii=False))
        return Tokenizer(fast, self.characters, self.merges, self._first_special)

    def save(self, path: Path) -> None:
        """Write `tokenizer.json` in the format of Hugging Face `tokenizers`."""
        from inkling.atomic_files import atomic_write

        atomic_write(path, self.to_json())

    def to_json(self) -> str:
        return self._fast.to_str()

    @property
    def vocab_size(self) -> int:
        return self._fast.get_vocab_size()

    def special_id(self, token: str) -> int:
        """Id of one of SPECIAL_TOKENS."""
        return self._first_special + SPECIAL_TOKENS.index(token)

    @property
    def special_ids(self) -> range:
        return range(self._first_special, self._first_special + len(SPECIAL_TOKENS))

    @property
    def adopted(self) -> bool:
        """Whether it was taken over from another program."""
        return self.special_ids.stop == self.vocab_size

    @property
    def end_id(self) -> int:
        return self.special_id(END)

    def encode(self, text: str) -> list[int]:
        """Ids of a text of any size. Raises TokenizerError for lone surrogates."""
        return self.encode_batch([text])[0]

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of many texts, on all cores, in bounded memory a chunk."""
        chunks: list[str] = []
        owner: list[int] = []
        for index, text in enumerate(texts):
            _check_text(text)
            for chunk in safe_chunks(text):
                chunks.append(chunk)
                owner.append(index)
        ids: list[list[int]] = [[] for _ in texts]
        encoded = self._fast.encode_batch_fast(chunks, add_special_tokens=False)
        for index, encoding in zip(owner, encoded, strict=True):
            ids[index].extend(encoding.ids)
        return ids

    def decode(self, ids: Iterable[int]) -> str:
        """Text of ids; special tokens give nothing, incomplete characters U+FFFD.

        Raises TokenizerError for an id outside the vocabulary.
        """
        table = self.token_bytes
        try:
            return b"".join(table[index] for index in ids).decode(errors="replace")
        except IndexError:
            raise TokenizerError(
                f"An id is outside the vocabulary of {len(table)} tokens; "
                "these ids were made by another tokenizer."
            ) from None

    @cached_property
    def token_bytes(self) -> tuple[bytes, ...]:
        """The bytes that each id stands for; empty for special tokens."""
        added = self._fast.get_added_tokens_decoder()
        return tuple(
            _to_bytes(self._fast.id_to_token(index) or "")
            if index not in added
            else b""
            if added[index].special
            else added[index].content.encode()
            for index in range(self.vocab_size)
        )

    @cached_property
    def learned_merges(self) -> tuple[tuple[str, str], ...]:
        """The merges that were learned, in order, each as the two texts that it joins."""
        merges = json.loads(self.to_json())["model"]["merges"]
        learned = merges[len(merges) - self.merges :]
        return tuple(
            (_to_bytes(a).decode(errors="replace"), _to_bytes(b).decode(errors="replace"))
            for a, b in learned
        )

    def words(self, text: str) -> list[str]:
        """The stretches of a text within which merges apply; joined they are the text."""
        _check_text(text)
        return [word for word, _ in _splitter().pre_tokenize_str(text)]

    @cached_property
    def characters_started(self) -> np.ndarray:
        """How many characters begin in each id's bytes, int64 of shape (V,)."""
        import numpy as np

        # UTF-8 continuation bytes are 10xxxxxx; every other byte starts a character.
        counts = [sum(byte & 0xC0 != 0x80 for byte in piece) for piece in self.token_bytes]
        return np.array(counts, dtype=np.int64)


class StreamDecoder:
    """Turns ids into text one at a time, holding back half a character until it is whole."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._table = tokenizer.token_bytes
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def push(self, token_id: int) -> str:
        """Text completed by this id; empty while a character is incomplete."""
        return self._decoder.decode(self._table[token_id])

    def finish(self) -> str:
        """What was held back, as U+FFFD."""
        return self._decoder.decode(b"", final=True)


def _to_bytes(piece: str) -> bytes:
    return bytes(_SYMBOL_TO_BYTE[symbol] for symbol in piece)


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
