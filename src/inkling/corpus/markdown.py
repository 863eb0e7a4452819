"""The words of a Markdown text, without what is not words.

Knows: images, links, wiki links, footnotes, tags, comments, quotes, code. Does not know: front
matter, files. Data: text -> `read_markdown` -> words, and how much in it was someone else's.

Headings, lists, emphasis and code stay as the author typed them. One pass from left to right:
what closes a bracket is found once for all brackets, so time is linear in the text.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass

from inkling.corpus.markdown_lines import Lines, read_lines

# Names of HTML elements. What else stands between angle brackets (`<sigh>`, `List<String>`) is
# the author's.
_TAG_NAMES = (
    "a abbr address article aside audio b bdi bdo big blockquote br button caption center "
    "cite code col colgroup dd del details dfn div dl dt em embed figcaption figure font "
    "footer form h1 h2 h3 h4 h5 h6 header hr i iframe img input ins kbd label li link main "
    "mark meta nav object ol p param picture pre progress q rp rt ruby s samp script section "
    "small source span strike strong style sub summary sup svg table tbody td tfoot th thead "
    "time tr track tt u ul var video wbr "
)
_TAGS = frozenset(_TAG_NAMES.split())
# Their content is no text either.
_SILENT = ("script", "style", "iframe", "svg", "video", "audio", "object")
# Nor is this the author's.
_QUOTE = "blockquote"
# What stands behind these begins on a line of its own.
_LINE_TAG_NAMES = "p div li tr h1 h2 h3 h4 h5 h6 section article table summary"
_LINE_TAGS = frozenset(_LINE_TAG_NAMES.split())

_ESCAPE = r"\\[!-/:-@\[-`{-~]"
_MARKS = _ESCAPE + r"|`+|<(?=[a-zA-Z/!])|&(?=[a-zA-Z#])|%%"
_SPECIAL = re.compile(_MARKS)
_SPECIAL_OR_BRACKET = re.compile(_MARKS + r"|!(?=\[)|[\[\]]")
_TAG = re.compile(r"""</?([a-zA-Z][a-zA-Z0-9]{0,11})(?=[\s/>])(?:[^<>"']|"[^"<]*+"|'[^'<]*+')*+>""")
_AUTOLINK = re.compile(r"<(?:https?|ftp|mailto)[:][^<>\s]*+>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:[a-zA-Z]{2,31}|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});")
_FOOTNOTE = re.compile(r"\[\^[^\[\]\s]{1,60}\](?!\()")
_TITLE = r"""(?:[ \t\n]++(?:"[^"]*+"|'[^']*+'))?+"""
_TARGET = re.compile(
    r"\([ \t\n]*+(?:<[^<>\n]*+>|(?:[^\s()\\]|\\.|\((?:[^\s()\\]|\\.)*+\))*+)" + _TITLE + r"\s*+\)"
)
_SPACES = re.compile(r"[ \t]++")
_BACKTICKS = re.compile(r"`+")
_ADDRESS = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]{1,15}:|[/#.<]|www\.|[^\s()]{1,80}[/%.]")

# A wiki link or a label that is longer is none.
_LABEL_CHARACTERS = 500


@dataclass(frozen=True)
class MarkdownWords:
    """A Markdown text without its noise."""

    text: str
    quotes: int = 0
    """Quoted passages that were left out."""


def strip_markdown(text: str) -> str:
    """Only the words of `read_markdown`."""
    return read_markdown(text).text


def read_markdown(text: str) -> MarkdownWords:
    """Drop images, link targets, comments, tags and quotes; keep the author's headings, lists,
    emphasis, code, and what stands between brackets that are none of these."""
    lines = read_lines(text)
    inline = _Inline(lines)
    words = inline.read()
    return MarkdownWords(words, lines.quotes + inline.quotes)


class _Inline:
    """One pass over a text whose lines are sorted already."""

    def __init__(self, lines: Lines) -> None:
        self.text = lines.text
        self.code = lines.code
        self.labels = lines.labels
        self.quotes = 0
        self.pieces: list[str] = []
        self.jumps: dict[int, int] = {}
        """Where a link's words end -> where the text goes on behind its target."""
        has_links = "[" in self.text and "]" in self.text
        self.special = _SPECIAL_OR_BRACKET if has_links else _SPECIAL
        self.brackets = _pairs(self.text, "[", "]") if has_links else {}
        self.parentheses = _pairs(self.text, "(", ")") if "](" in self.text else {}
        self.closing_parentheses = (
            [m.start() for m in re.finditer(r"\)", self.text)] if self.parentheses else []
        )
        self.tags: dict[str, tuple[list[int], list[re.Match[str]]]] = {}
        self.ticks: dict[int, list[int]] = defaultdict(list)
        for run in _BACKTICKS.finditer(self.text):
            self.ticks[len(run[0])].append(run.start())
        self.last_comment_end = self.text.rfind("-->")
        self.last_percents = self.text.rfind("%%")

    def read(self) -> str:
        """The text without its noise."""
        at = 0
        for begin, stop in [*self.code, (len(self.text), len(self.text))]:
            while at < begin:
                found = self.special.search(self.text, at, begin)
                if found is None:
                    self.pieces.append(self.text[at:begin])
                    break
                if at < found.start():
                    self.pieces.append(self.text[at : found.start()])
                at = self._one(found)
            # What began before the code may reach into it, or behind it.
            at = max(at, begin)
            if at < stop:
                self.pieces.append(self.text[at:stop])
                at = stop
        return "".join(self.pieces)

    def _one(self, found: re.Match[str]) -> int:
        """Write what one mark stands for. Returns where the text goes on."""
        at, mark = found.start(), found[0]
        written = len(self.pieces)
        if mark == "[":
            end = self._link(at)
        elif mark == "]":
            end = self.jumps.get(at)
        elif mark == "!":
            end = self._image(at)
        elif mark[0] == "`":
            end = self._code(at, len(mark))
        elif mark == "<":
            end = self._angle(at)
        elif mark == "%%":
            end = self.text.find("%%", at + 2) + 2 if at + 2 <= self.last_percents else None
        elif mark == "&":
            end = self._entity(at)
        else:
            end = None
        if end is None:
            self.pieces.append(mark)
            return found.end()
        if mark[0] in "!<%" and len(self.pieces) == written:
            return self._closed_up(end)
        return end

    def _closed_up(self, end: int) -> int:
        """Behind the spaces that follow what was taken out, where none is missing before it."""
        before = self.pieces[-1][-1] if self.pieces else "\n"
        spaces = _SPACES.match(self.text, end)
        return spaces.end() if spaces is not None and before in " \t\n" else end

    def _link(self, at: int) -> int | None:
        """Keep a link's words and note where its target ends; None where it is no link."""
        if (note := _FOOTNOTE.match(self.text, at)) is not None:
            return note.end()
        close = self.brackets.get(at)
        if close is None:
            return None
        if self.brackets.get(at + 1) == close - 1 and close - at <= _LABEL_CHARACTERS:
            content = self.text[at + 2 : close - 1]
            if "[" not in content and "\n" not in content:
                page, bar, words = content.partition("|")
                if shown := words if bar else page.partition("#^")[0]:
                    self.pieces.append(shown)
                return self._target(close + 1) or close + 1
        end = self._target(close + 1) or self._reference(at, close)
        if end is None:
            return None
        self.jumps[close] = end
        return at + 1

    def _image(self, at: int) -> int | None:
        close = self.brackets.get(at + 1)
        if close is None:
            return None
        if self.brackets.get(at + 2) == close - 1:
            return close + 1
        return self._target(close + 1, any_words=True) or self._reference(at + 1, close)

    def _target(self, at: int, any_words: bool = False) -> int | None:
        """Where the target that begins at `at` ends. Programs write spaces and single
        parentheses into addresses; only behind an image (`any_words`) are all words a target."""
        if not self.text.startswith("(", at):
            return None
        if (target := _TARGET.match(self.text, at)) is not None:
            return target.end()
        if not any_words and _ADDRESS.match(self.text, at + 1) is None:
            return None
        end = self.parentheses.get(at)
        if end is None:
            number = bisect_left(self.closing_parentheses, at)
            if number == len(self.closing_parentheses):
                return None
            end = self.closing_parentheses[number]
            # Only on the same line. Whoever is asked again has moved past this parenthesis.
            if end - at > _LABEL_CHARACTERS or "\n" in self.text[at:end]:
                return None
        return end + 1

    def _reference(self, at: int, close: int) -> int | None:
        """Where `[words][label]`, `[label][]` or `[label]` ends, if the label is defined."""
        if not self.labels or close - at > _LABEL_CHARACTERS:
            return None
        words = self.text[at + 1 : close]
        end = self.brackets.get(close + 1)
        if end is not None and end - close <= _LABEL_CHARACTERS:
            label = self.text[close + 2 : end] or words
            return end + 1 if label.casefold() in self.labels else None
        return close + 1 if words.casefold() in self.labels else None

    def _code(self, at: int, length: int) -> int | None:
        runs = self.ticks[length]
        number = bisect_left(runs, at + 1)
        if number == len(runs) or self.text.find("\n\n", at, runs[number]) != -1:
            return None
        end = runs[number] + length
        self.pieces.append(self.text[at:end])
        return end

    def _angle(self, at: int) -> int | None:
        if self.text.startswith("<!--", at):
            end = self.text.find("-->", at + 4) if self.last_comment_end >= at + 4 else -1
            return end + 3 if end != -1 else None
        if (address := _AUTOLINK.match(self.text, at)) is not None:
            return address.end()
        tag = _TAG.match(self.text, at)
        if tag is None or (name := tag[1].lower()) not in _TAGS:
            return None
        opens = self.text[at + 1] != "/"
        if opens and (name == _QUOTE or name in _SILENT) and not tag[0].endswith("/>"):
            behind = self._element_end(tag, name)
            if behind is not None:
                self.quotes += name == _QUOTE
                return behind
        if (name == "br" or (name in _LINE_TAGS and not opens)) and not self.text.startswith(
            "\n", tag.end()
        ):
            self.pieces.append("\n")
        elif name in ("td", "th") and opens:
            self.pieces.append(" ")
        return tag.end()

    def _element_end(self, tag: re.Match[str], name: str) -> int | None:
        """Behind the tag that closes an element; behind the last one where they do not match."""
        if name not in self.tags:
            found = list(re.finditer(rf"<(/?){name}(?=[\s>/])[^<>]*+>", self.text, re.IGNORECASE))
            self.tags[name] = ([m.start() for m in found], found)
        starts, matches = self.tags[name]
        depth, last = 0, None
        for match in matches[bisect_left(starts, tag.start()) :]:
            depth += -1 if match[1] else 1
            if match[1]:
                last = match.end()
                if depth <= 0:
                    break
        if last is None:  # nobody closes any: nor those that follow
            self.tags[name] = ([], [])
        return last

    def _entity(self, at: int) -> int | None:
        entity = _ENTITY.match(self.text, at)
        if entity is None:
            return None
        self.pieces.append(html.unescape(entity[0]))
        return entity.end()


def _pairs(text: str, opening: str, closing: str) -> dict[int, int]:
    """Where each bracket is closed, within a paragraph."""
    pairs: dict[int, int] = {}
    waiting: list[int] = []
    marks = re.compile(rf"\\.|[\{opening}\{closing}]|\n[ \t]*+\n")
    for mark in marks.finditer(text):
        if mark[0] == opening:
            waiting.append(mark.start())
        elif mark[0] == closing:
            if waiting:
                pairs[waiting.pop()] = mark.start()
        elif mark[0][0] == "\n":
            waiting.clear()
    return pairs
