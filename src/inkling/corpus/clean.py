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
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

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


def decode(data: bytes) -> str | None:
    """Text of a file, or None where the bytes are not text.

    UTF-8 with or without BOM, UTF-16 and UTF-32 with BOM, UTF-16 without (by its zero
    bytes), else Windows-1252, which is what "Latin-1" files on the web are.
    """
    text = _decode_by_bom(data)
    if text is None:
        return None
    controls = len(_CONTROLS.findall(text))
    if controls > max(2, _BINARY_SHARE * len(text)):
        return None
    return _CONTROLS.sub("", text)


def _decode_by_bom(data: bytes) -> str | None:
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            try:
                return data.decode(encoding)
            except UnicodeDecodeError:
                return None
    try:
        text = data.decode("utf-8")
        if "\0" not in text:
            return text
    except UnicodeDecodeError:
        pass
    sample = data[:4096]
    for offset, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        zeros = sample[offset::2].count(0)
        if zeros > 0.4 * len(sample) / 2 and len(data) % 2 == 0:
            try:
                return data.decode(encoding)
            except UnicodeDecodeError:
                return None
    # In Windows-1252 every byte but five is a character, so even junk would decode: only a
    # file that is mostly letters and spaces is taken for text.
    text = data.decode("cp1252", errors="replace")
    wordy = sum(character.isalnum() or character in " \n\r\t.,;:'\"!?-" for character in text)
    if "\0" in text or wordy < 0.85 * len(text) or text.count("\ufffd") > 0.01 * len(text):
        return None
    return text


def tidy(text: str) -> str:
    """Unix line ends, no trailing spaces, no edge blank lines, at most two blank lines."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = re.sub(r"[ \t]+\n", "\n", text)
    return re.sub(r"\n{4,}", "\n\n\n", text).strip("\n")


def normalise(text: str) -> str:
    """The form in which texts are compared (never stored): NFC, one space, lower case."""
    return " ".join(unicodedata.normalize("NFC", text).lower().split())


_TYPOGRAPHY = str.maketrans(
    dict.fromkeys("‘’‚‛ʼ′", "'") | dict.fromkeys("“”„‟«»″", '"') | dict.fromkeys("‐‑‒–—−", "-")
    | dict.fromkeys("\u00ad\u200b\u200c\u2060\ufeff", "")
)  # fmt: skip


def fold(text: str) -> str:
    """The form in which a text is looked for: normalised, and typed as a keyboard types it, with
    straight quotes, plain hyphens and nothing invisible."""
    return normalise(text.translate(_TYPOGRAPHY))


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
