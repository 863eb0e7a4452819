"""From bytes to clean text: encodings, line ends, front matter, Markdown and HTML noise.

Knows: what is noise and what is someone's writing. Does not know: where files are.
Data: bytes -> `decode` -> str -> `tidy` -> str. Emoji, ZWJ and the author's own line breaks
survive untouched.
"""

from __future__ import annotations

import codecs
import datetime
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

# Control characters that no text file holds; form feed, tab and line breaks are fine.
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")

# More controls than this share of the characters means the file is not text.
_BINARY_SHARE = 0.002


# Windows-1252 gives almost every byte a character, so even junk would decode: only a file that
# is mostly these is taken for text.
_WORDY = " \n\r\t.,;:'\"!?-"
_WORDY_SHARE = 0.85


def decode(data: bytes) -> str | None:
    """Text of a file, or None where the bytes are not text; see `find_encoding`."""
    encoding = find_encoding(lambda: (data,))
    return None if encoding is None else "".join(decoded((data,), encoding))


def find_encoding(blocks: Callable[[], Iterable[bytes]]) -> str | None:
    """The encoding of a whole file, or None where its bytes are not text.

    UTF-8 with or without BOM, UTF-16 and UTF-32 with BOM, UTF-16 without (by its zero
    bytes), else Windows-1252, which is what "Latin-1" files on the web are.
    `blocks` gives the file's bytes from the beginning, each time it is called.
    """
    head = next(iter(blocks()), b"")
    marked = [encoding for bom, encoding in _BOMS if head.startswith(bom)]
    if marked:
        return marked[0] if _controls(blocks(), marked[0]).few else None
    if (controls := _controls(blocks(), "utf-8")).decodes and not controls.zeros:
        return "utf-8" if controls.few else None
    sample = head[:4096]
    for offset, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if sample[offset::2].count(0) > 0.4 * len(sample) / 2:
            return encoding if _controls(blocks(), encoding).few else None
    return "cp1252" if _is_western(blocks()) else None


class _Controls(NamedTuple):
    """What an encoding makes of some bytes."""

    decodes: bool
    zeros: bool = False
    few: bool = False
    """Few enough control characters for a text."""


def _controls(blocks: Iterable[bytes], encoding: str) -> _Controls:
    found = characters = zeros = 0
    try:
        for text in _decoded(blocks, encoding):
            characters += len(text)
            zeros += text.count("\0")
            found += len(_CONTROLS.findall(text))
    except UnicodeDecodeError:
        return _Controls(False)
    return _Controls(True, zeros > 0, found <= max(2, _BINARY_SHARE * characters))


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
    """The text of blocks of bytes whose encoding is known, without control characters."""
    for text in _decoded(blocks, encoding):
        yield _CONTROLS.sub("", text)


def _decoded(blocks: Iterable[bytes], encoding: str) -> Iterator[str]:
    errors = "replace" if encoding == "cp1252" else "strict"
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    for block in blocks:
        yield decoder.decode(block)
    yield decoder.decode(b"", final=True)


def tidy(text: str) -> str:
    """Unix line ends, no trailing spaces, no edge blank lines, at most two blank lines."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = re.sub(r"[ \t]+\n", "\n", text)
    return re.sub(r"\n{4,}", "\n\n\n", text).strip("\n")


def normalise(text: str) -> str:
    """The form in which texts are compared (never stored): NFC, one space, lower case."""
    return " ".join(unicodedata.normalize("NFC", text).lower().split())


@dataclass(frozen=True)
class FrontMatter:
    """What a Markdown file says of itself, and the rest of it."""

    title: str | None
    date: str | None
    body: str


def split_front_matter(text: str) -> FrontMatter:
    """Separate YAML front matter (`---` … `---` at the very top) from the body.

    Front matter that is not YAML stays in the body: better a stray header than a lost text.
    """
    match = re.match(r"---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|$)", text, flags=re.DOTALL)
    if match is None:
        return FrontMatter(None, None, text)
    import yaml

    try:
        fields: Any = yaml.safe_load(match[1])
    except (yaml.YAMLError, ValueError):
        return FrontMatter(None, None, text)
    if not isinstance(fields, dict):
        return FrontMatter(None, None, text)
    title, date = fields.get("title"), fields.get("date")
    # YAML reads a bare date as a datetime.date; anything else stays what was written.
    when = date.isoformat() if isinstance(date, datetime.date) else date
    return FrontMatter(
        str(title) if title is not None else None,
        str(when) if when is not None else None,
        text[match.end() :],
    )


_MARKDOWN_NOISE: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"<!--.*?-->", re.DOTALL), ""),
    (re.compile(r"!\[[^\]]*\]\([^)]*\)"), ""),  # images
    (re.compile(r"!\[\[[^\]]*\]\]"), ""),  # Obsidian embeds
    (re.compile(r"\[\[[^\]|]*\|([^\]]*)\]\]"), r"\1"),  # [[page|words]]
    (re.compile(r"\[\[([^\]]*)\]\]"), r"\1"),
    (re.compile(r"\[([^\]]+)\]\([^)\s]*(?:\s+\"[^\"]*\")?\)"), r"\1"),  # links keep their words
    (re.compile(r"^\[[^\]]+\]:[ \t]+\S+.*$", re.MULTILINE), ""),  # link definitions
    (re.compile(r"<https?://[^>]*>"), ""),
    (re.compile(r"</?[a-zA-Z][^<>\n]*>"), ""),
)


def strip_markdown(text: str) -> str:
    """Drop what is not words (images, link targets, comments, tags); keep the author's
    headings, lists, quotes and emphasis."""
    for pattern, replacement in _MARKDOWN_NOISE:
        text = pattern.sub(replacement, text)
    return text


_BLOCKS = frozenset(
    [
        "p",
        "div",
        "section",
        "article",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "ul",
        "ol",
        "blockquote",
        "pre",
        "table",
        "hr",
        "figure",
        "dl",
        "header",
        "main",
    ]
)
_LINES = frozenset(["br", "li", "tr", "dt", "dd"])
_HTML_NOISE = (
    "script, style, noscript, template, nav, footer, aside, form, button, iframe, svg, head, "
    "figure, .subscription-widget, .subscription-widget-wrap, .button-wrapper, .share, .comments"
)


@dataclass(frozen=True)
class HtmlText:
    """Words of a page, its title and its date where it tells them."""

    title: str | None
    date: str | None
    text: str


def html_to_text(source: str) -> HtmlText:
    """Readable text of an HTML page: the article where there is one, without page furniture."""
    from selectolax.lexbor import LexborHTMLParser

    page = LexborHTMLParser(source)
    heading = page.css_first("h1") or page.css_first("title")
    title = heading.text(strip=True) if heading else None
    date = None
    for selector, attribute in (
        ('meta[property="article:published_time"]', "content"),
        ("time[datetime]", "datetime"),
    ):
        node = page.css_first(selector)
        if node is not None and date is None:
            date = node.attributes.get(attribute)
    root = page.css_first("article") or page.css_first("main") or page.body
    if root is None:
        return HtmlText(title, date, "")
    for node in root.css(_HTML_NOISE):
        node.decompose()
    pieces: list[str] = []
    _collect(root, pieces)
    lines = "".join(pieces)
    lines = re.sub(r"[ \t]*\n[ \t]*", "\n", lines)
    return HtmlText(title or None, date, re.sub(r"\n{3,}", "\n\n", lines).strip())


def _collect(root: Any, pieces: list[str]) -> None:
    """Append the text below a node, blocks set apart by blank lines. Iterative: pages nest."""
    stack: list[tuple[Any, bool]] = [(root, False)]
    while stack:
        node, leaving = stack.pop()
        if node.tag == "-text":
            pieces.append(re.sub(r"\s+", " ", node.text_content or ""))
            continue
        if node.tag in _LINES:
            pieces.append("\n")
        elif node.tag in _BLOCKS:
            pieces.append("\n\n")
            if not leaving:
                stack.append((node, True))
        if leaving:
            continue
        children = []
        child = node.child
        while child is not None:
            children.append(child)
            child = child.next
        stack.extend((child, False) for child in reversed(children))
