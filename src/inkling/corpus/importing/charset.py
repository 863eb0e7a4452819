"""From bytes to characters: which encoding a text has, and what of it had to be guessed.

Knows: byte order marks, UTF-8 with stray bytes in it, the old encodings of single languages. Does
not know: files, formats.
Data: bytes -> `find_encoding` -> `Charset` -> `decoded` -> text without control characters.

What was guessed or repaired is a note for the person, because nobody but the person can see that
it is wrong.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from inkling.errors import UsageError
from inkling.wording import plural

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

# Control characters that no text file holds; form feed, tab and line breaks are fine. A byte order
# mark inside a text is left from files that were joined.
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_NOT_TEXT = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f\ufeff]")

# More controls than this share of the characters means the file is not text.
_BINARY_SHARE = 0.002

# Windows-1252 gives almost every byte a character, so even junk would decode: only a file that
# is mostly these is taken for text.
_WORDY = " \n\r\t.,;:'\"!?-"
_WORDY_SHARE = 0.85

# Bytes that are no UTF-8 become these when they are decoded, one each (PEP 383).
_STRAY = re.compile(r"[\udc80-\udcff]")
_STRAYS = {0xDC00 + byte: bytes([byte]).decode("cp1252", "replace") for byte in range(0x80, 0x100)}

_WIDE = re.compile(r"[^\x00-\x7f]+")

_HIGH_RUN = re.compile(rb"[\x80-\xff]+")
_WORD = re.compile(rb"[A-Za-z\x80-\xff]+")
_SAMPLE_BYTES = 256_000
_SHORT = 100
"""High bytes under which frequencies of letters tell nothing."""

_SINGLE_LANGUAGES = [
    "cp1251", "koi8_r", "cp866", "iso8859_5", "mac_cyrillic", "cp1253", "iso8859_7", "cp1255",
    "cp1256", "cp874", "gb18030", "big5", "shift_jis", "euc_jp", "euc_kr",
]  # fmt: skip
_NAMES = {"koi8_r": "KOI8-R", "mac_cyrillic": "Mac Cyrillic", "cp866": "CP866"}
_CYRILLIC_WORD = re.compile(r"[А-ЯЁ]?[а-яё]+|[А-ЯЁ]+")


@dataclass(frozen=True)
class Charset:
    """How a file's bytes are read."""

    encoding: str
    notes: tuple[str, ...] = ()
    """What was guessed or repaired, for a person."""


@dataclass(frozen=True)
class DecodedText:
    """The text of bytes, and what was guessed or repaired."""

    text: str
    notes: tuple[str, ...] = ()


def decode(data: bytes, told: str | None = None) -> DecodedText | None:
    """Text of a file, or None where the bytes are not text; see `find_encoding`."""
    charset = find_encoding(lambda: (data,), told)
    if charset is None:
        return None
    return DecodedText("".join(decoded((data,), charset.encoding)), charset.notes)


def decode_anyway(data: bytes, told: str | None = None) -> DecodedText:
    """Text of bytes that must be text, such as a part of a mail; what cannot be read is
    replaced."""
    found = decode(data, told)
    return found if found is not None else DecodedText(data.decode(told or "utf-8", "replace"))


def mended(text: str) -> str:
    """Text that was decoded with `surrogateescape`: its stray bytes are what Windows-1252 has for
    them."""
    return text if text.isascii() or not _STRAY.search(text) else text.translate(_STRAYS)


def known_encoding(name: str) -> str:
    """The name as Python has it. Raises UsageError for one that it does not know."""
    try:
        found = codecs.lookup(name.strip())
        # Python calls base64 and rot13 encodings as well.
        "".encode(found.name)
    except (LookupError, UnicodeError, ValueError):
        raise UsageError(
            f"There is no encoding called {name!r}. There are: utf-8, cp1252, cp1251, koi8-r, "
            "utf-16, shift_jis, gb18030, …"
        ) from None
    return found.name


def find_encoding(blocks: Callable[[], Iterable[bytes]], told: str | None = None) -> Charset | None:
    """The encoding of a whole file, or None where its bytes are not text.

    `told` is a person's word and wins. Else: UTF-8 with or without BOM, also with some stray
    bytes; UTF-16 and UTF-32 with BOM, UTF-16 without (by its zero bytes); what charset-normalizer
    takes it for, where most letters are no ASCII; else Windows-1252, which is what "Latin-1"
    files on the web are. `blocks` gives the file's bytes from the beginning, each time it is
    called.
    """
    head = next(iter(blocks()), b"")
    if told is not None:
        told = _with_byte_order(told, head)
        return Charset(told) if _look(blocks(), told, "replace").few else None
    marked = next((encoding for bom, encoding in _BOMS if head.startswith(bom)), None)
    if marked not in (None, "utf-8"):
        assert marked is not None
        return Charset(marked) if _look(blocks(), marked, "strict").few else None
    seen = _look(blocks(), "utf-8", "surrogateescape")
    if not seen.strays and not seen.zeros:
        return Charset("utf-8") if seen.few else None
    sample = head[:4096]
    for offset, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if sample[offset::2].count(0) > 0.4 * len(sample) / 2:
            return Charset(encoding) if _look(blocks(), encoding, "strict").few else None
    # By chance bytes of another encoding are valid UTF-8 rarely, and never more often than not.
    if seen.strays <= max(1, seen.wide) and seen.few and not seen.zeros:
        are, were = ("is", "was") if seen.strays == 1 else ("are", "were")
        note = f"{plural(seen.strays, 'byte')} that {are} not UTF-8 {were} read as Windows-1252"
        return Charset("utf-8", (note,))
    return _guessed(blocks)


def _with_byte_order(encoding: str, head: bytes) -> str:
    """UTF-16 and UTF-32 without a mark are read as they are written almost everywhere, where
    Python's decoder refuses them."""
    if encoding not in ("utf-16", "utf-32") or any(head.startswith(bom) for bom, _ in _BOMS):
        return encoding
    zeros = (head[:4096:2].count(0), head[1:4096:2].count(0))
    return f"{encoding}-{'be' if zeros[0] > zeros[1] else 'le'}"


class _Look(NamedTuple):
    """What an encoding makes of some bytes."""

    few: bool
    """Few enough control characters for a text, and nothing that cannot be decoded."""
    zeros: bool = False
    strays: int = 0
    wide: int = 0
    """Characters that are no ASCII."""


def _look(blocks: Iterable[bytes], encoding: str, errors: str) -> _Look:
    found = characters = zeros = strays = wide = 0
    try:
        for text in _decoded(blocks, encoding, errors):
            characters += len(text)
            zeros += text.count("\0")
            found += len(_CONTROLS.findall(text))
            if not text.isascii():
                here = len(_STRAY.findall(text)) if errors == "surrogateescape" else 0
                strays += here
                wide += sum(map(len, _WIDE.findall(text))) - here
    except UnicodeError:
        return _Look(False)
    return _Look(found <= max(2, _BINARY_SHARE * characters), zeros > 0, strays, wide)


def _guessed(blocks: Callable[[], Iterable[bytes]]) -> Charset | None:
    """The encoding of bytes that are neither Unicode nor, perhaps, text."""
    sample = _high_sample(blocks())
    runs = [len(run) for run in _HIGH_RUN.findall(sample)]
    letters = sum(len(word) for word in _WORD.findall(sample) if not word.isascii())
    together = sum(length for length in runs if length > 1)
    # Accented letters stand among ASCII ones; words of other alphabets are written in high bytes.
    if together > 0.6 * sum(runs) > 0.36 * letters:
        encoding = _short_cyrillic(sample) if sum(runs) < _SHORT else None
        if encoding is None:
            from charset_normalizer import from_bytes

            best = from_bytes(sample, cp_isolation=_SINGLE_LANGUAGES).best()
            encoding = best.encoding if best is not None else None
        if encoding in _SINGLE_LANGUAGES:
            seen = _look(blocks(), encoding, "replace")
            return Charset(encoding, (_guess(encoding),)) if seen.few and not seen.zeros else None
    return Charset("cp1252", (_guess("cp1252"),)) if _is_western(blocks()) else None


def _guess(encoding: str) -> str:
    name = _NAMES.get(encoding, encoding.replace("cp125", "Windows-125").replace("_", "-"))
    return f"read as {name}, which is a guess: say the encoding if it is wrong"


def _high_sample(blocks: Iterable[bytes]) -> bytes:
    """The first lines with bytes above 127: an export's header may be plain ASCII."""
    parts: list[bytes] = []
    size = 0
    for block in blocks:
        for line in block.splitlines(keepends=True):
            if not line.isascii():
                parts.append(line[:10_000])
                size += len(parts[-1])
                if size >= _SAMPLE_BYTES:
                    return b"".join(parts)
    return b"".join(parts)


def _short_cyrillic(sample: bytes) -> str | None:
    """Cyrillic by the case of its letters: read in the wrong one of two encodings, small letters
    are capitals and capitals small."""
    fitting = []
    for encoding in ("cp1251", "koi8_r"):
        text = sample.decode(encoding, "replace")
        words = [word for word in re.findall(r"[^\W\d_]+", text) if not word.isascii()]
        wide = sum(not character.isascii() for character in text)
        if sum(map(len, words)) >= 0.9 * wide and all(map(_CYRILLIC_WORD.fullmatch, words)):
            fitting.append((sum(map(str.isupper, words)), encoding))
    return min(fitting)[1] if fitting else None


def _is_western(blocks: Iterable[bytes]) -> bool:
    counts = Counter[int]()
    for block in blocks:
        counts.update(block)
    total = sum(counts.values())
    table = {byte: bytes([byte]).decode("cp1252", errors="replace") for byte in counts}
    wordy = sum(counts[b] for b, c in table.items() if c.isalnum() or c in _WORDY)
    controls = sum(counts[b] for b, c in table.items() if _CONTROLS.match(c))
    unknown = sum(counts[b] for b, c in table.items() if c == "\ufffd")
    return (
        not counts[0]
        and wordy >= _WORDY_SHARE * total
        and unknown <= 0.01 * total
        and controls <= max(2, _BINARY_SHARE * total)
    )


def decoded(blocks: Iterable[bytes], encoding: str) -> Iterator[str]:
    """The text of blocks of bytes whose encoding is known, without control characters. Stray bytes
    in UTF-8 become what Windows-1252 has for them."""
    errors = "surrogateescape" if encoding == "utf-8" else "replace"
    for text in _decoded(blocks, encoding, errors):
        if not text.isascii():
            text = mended(text)
        yield _NOT_TEXT.sub("", text)


def _decoded(blocks: Iterable[bytes], encoding: str, errors: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    for block in blocks:
        yield decoder.decode(block)
    yield decoder.decode(b"", final=True)
