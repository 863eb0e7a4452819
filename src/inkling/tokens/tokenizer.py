"""Byte-level BPE, from one token a character to N learned merges.

Knows: text, bytes and ids. Does not know: documents, files' places, models.
Data: text -> `Tokenizer.train` -> `encode` -> ids -> `decode` / `token_bytes` -> text.

One family: ids 0…n-1 are the corpus's characters in `sorted(set(corpus))` order, then the
special tokens, then the bytes that are no character of the corpus, then the inner pieces of
multi-byte characters, then the learned merges. A tokenizer with zero learned merges is the
character tokenizer. Any Unicode text encodes, since all 256 bytes are in the vocabulary. One that
was taken over from another program (tokens.adopted) has that one's ids, and the special tokens at
the last four.

The file format is that of Hugging Face `tokenizers`; the split is Qwen2's
(tokens.pre_tokenizer), with no normaliser. How a corpus's tokenizer comes about: tokens.learn.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from inkling.atomic_files import atomic_write
from inkling.errors import TokenizerError
from inkling.regular_files import parse_json, read_regular
from inkling.tokens.learn import learn_tokenizer
from inkling.tokens.pre_tokenizer import check_text, safe_chunks, splitter
from inkling.tokens.vocabulary import END, SPECIAL_TOKENS, byte_symbols, to_bytes

if TYPE_CHECKING:
    import numpy as np
    from tokenizers import Tokenizer as FastTokenizer


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
        return cls(*learn_tokenizer(texts, merges, others))

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
    def parse(cls, content: str) -> Tokenizer:
        """What `to_json` gave."""
        from tokenizers import Tokenizer as FastTokenizer

        return cls.of(FastTokenizer.from_str(content))

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
            letters = [to_bytes(p or "").decode() for p in ([] if adopted else pieces[:end])]
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
            byte_symbols(character)[: cut + 1]
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
        atomic_write(path, self.to_json())

    def to_json(self) -> str:
        return self._fast.to_str()

    @property
    def vocab_size(self) -> int:
        return self._fast.get_vocab_size()

    def special_id(self, token: str) -> int:
        """Id of one of SPECIAL_TOKENS."""
        return self._first_special + SPECIAL_TOKENS.index(token)

    @cached_property
    def added_specials(self) -> dict[str, int]:
        """Every special token with its id, those of another program included."""
        added = self._fast.get_added_tokens_decoder()
        return {token.content: index for index, token in added.items() if token.special}

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
            check_text(text)
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
            to_bytes(self._fast.id_to_token(index) or "")
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
            (to_bytes(a).decode(errors="replace"), to_bytes(b).decode(errors="replace"))
            for a, b in learned
        )

    def words(self, text: str) -> list[str]:
        """The stretches of a text within which merges apply; joined they are the text."""
        check_text(text)
        return [word for word, _ in splitter().pre_tokenize_str(text)]

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
