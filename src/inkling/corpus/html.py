"""The words of an HTML page or of a post's HTML, without what is not words.

Knows: which elements are furniture, where lines end, footnotes, quotes. Does not know: where a
page came from; `substack_html.py` and others take their platform's own parts out first.
Data: HTML -> `html_to_text` (a page: its article) or `fragment_to_text` (all of it).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from inkling.corpus.importing.times import from_post

_BLOCK_NAMES = (
    "p div section article h1 h2 h3 h4 h5 h6 ul ol pre table hr figure dl header main details "
    "address center fieldset form"
)
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_LINES = frozenset(("br", "li", "tr", "dt", "dd", "summary", "caption"))
_CELLS = frozenset(("td", "th"))

# Elements that hold no one's writing.
_NOISE = (
    "script, style, noscript, template, nav, footer, aside, button, iframe, svg, head, input, "
    "select, textarea, audio, video, object, canvas, dialog, .subscription-widget, "
    ".subscription-widget-wrap, .button-wrapper, .share, .sharedaddy, .comments, #comments, "
    ".comment-list, .comment-respond, .comment, .pullquote, .wp-block-pullquote, .toc, [hidden]"
)
_NOTE_MARKS = (
    ".footnote-anchor, .footnote-number, .footnote-ref, .footnote-backref, .footnote-return, "
    "sup.reference, a.footnote, a.reversefootnote, a[role=doc-noteref], a[role=doc-backlink]"
)
# What a link inside the page says where it is the mark of a note.
_MARK = re.compile(r"[\[(]?(?:\d{1,3}|[a-z]|[ivx]{1,5}|[*†‡§¶#]{1,3}|[↩↑⤴^←][\ufe0e\ufe0f]?)[\])]?")

# A form with more words than this, or with most of the page's, holds the page's text.
_FORM_CHARACTERS = 300

_DEEPEST = 4000
# What nests: other elements that are not closed end by themselves.
_NESTING = re.compile(
    r"<(/?)(?:address|article|aside|blockquote|center|details|dialog|dir|div|dl|fieldset|figure|"
    r"footer|form|header|main|menu|nav|ol|pre|section|span|summary|svg|g|table|template|ul|"
    r"ruby|math|select|object|applet|button|[a-z]+-[a-z-]+)(?=[\s/>])[^<>]*+>",
    re.IGNORECASE,
)

# As a browser shows them; other spaces (an ideographic one) are the author's.
_SPACES = re.compile(r"[ \t\n\r\f\xa0]+")


@dataclass(frozen=True)
class HtmlText:
    """Words of a page, and what it tells about them."""

    title: str | None
    date: str | None
    text: str
    author: str | None = None
    quotes: int = 0
    """Passages quoted from others that were left out."""


def html_to_text(source: str) -> HtmlText:
    """Readable text of an HTML page: its articles where there are some, without page furniture."""
    page = _parsed(source)
    title, date, author = _said_of_itself(page)
    if page.body is None:
        return HtmlText(title, date, "", author)
    noise = _noise(page.body, _NOISE)
    roots = _articles(page.body, noise)
    if not roots:
        roots = [page.css_first("main") or page.css_first("[role=main]") or page.body]
    walks = [_Walk(root, noise, frozenset()) for root in roots]
    texts = [walk.text() for walk in walks]
    quotes = sum(walk.quotes for walk in walks)
    return HtmlText(title, date, "\n\n".join(t for t in texts if t), author, quotes)


def fragment_to_text(source: str, noise: str = "", others: str = "") -> HtmlText:
    """All of a piece of HTML, as feeds and exports hold posts: no title, no date.

    `noise` and `others` are selectors of what goes as well; `others` counts as quoted.
    """
    body = _parsed(source).body
    if body is None:
        return HtmlText(None, None, "")
    left_out = _noise(body, f"{_NOISE}, {noise}" if noise else _NOISE)
    quoted = frozenset(node.mem_id for node in body.css(others)) if others else frozenset()
    walk = _Walk(body, left_out - quoted, quoted)
    return HtmlText(None, None, walk.text(), None, walk.quotes)


def _parsed(source: str) -> Any:
    """The tree of a page. The parser takes quadratic time for elements that stand in each other;
    of a page that nests too deep to be real only paragraphs are left."""
    from selectolax.lexbor import LexborHTMLParser

    depth = deepest = 0
    for tag in _NESTING.finditer(source):
        depth = max(0, depth - 1) if tag[1] else depth + 1
        deepest = max(deepest, depth)
    if deepest > _DEEPEST:
        source = _NESTING.sub("<p>", source)
    return LexborHTMLParser(source)


def _said_of_itself(page: Any) -> tuple[str | None, str | None, str | None]:
    """Title, date and author of a page."""
    title = None
    for selector in ("article h1", "h1", "title"):
        node = page.css_first(selector)
        if title is None and node is not None:
            title = " ".join(node.text().split()) or None
    date = None
    for selector, attribute in (
        ('meta[property="article:published_time"]', "content"),
        ('meta[name="date"]', "content"),
        ("time.dt-published", "datetime"),
        ("article time[datetime]", "datetime"),
        ("time[datetime]", "datetime"),
    ):
        node = page.css_first(selector)
        if date is None and node is not None:
            date = from_post(node.attributes.get(attribute))
    node = page.css_first('meta[name="author"]')
    author = (node.attributes.get("content") or "").strip() if node is not None else ""
    return title, date, author or None


def _noise(root: Any, selectors: str) -> frozenset[int]:
    """The nodes that are left out, with all below them. Nothing is taken out of the tree: a
    node that lies in another one would be freed twice."""
    found = {node.mem_id for node in root.css(selectors) if node.tag not in ("body", "html")}
    whole = len(root.text()) if root.css_first("form") is not None else 0
    for form in root.css("form"):
        # An old kind of page is one form as a whole.
        size = len(form.text().strip())
        if size <= _FORM_CHARACTERS and 2 * size <= whole:
            found.add(form.mem_id)
    found.update(node.mem_id for node in root.css(_NOTE_MARKS))
    for link in root.css('a[href^="#"]'):
        if _MARK.fullmatch(link.text().strip()):
            found.add(link.mem_id)
    return frozenset(found)


def _articles(root: Any, noise: frozenset[int]) -> list[Any]:
    """The articles of a page that stand in no other one."""
    found = []
    stack = [root]
    while stack:
        node = stack.pop()
        if node.mem_id in noise:
            continue
        if node.tag == "article":
            found.append(node)
        else:
            stack.extend(reversed(_children(node)))
    return found


def _children(node: Any) -> list[Any]:
    children = []
    child = node.child
    while child is not None:
        children.append(child)
        child = child.next
    return children


def _is_callout(figure: Any) -> bool:
    """Whether a figure is how an editor writes a box of the author's own words."""
    return "callout" in (figure.attributes.get("class") or "")


class _Walk:
    """One way through the nodes below a root. Iterative: pages nest."""

    def __init__(self, root: Any, noise: frozenset[int], quoted: frozenset[int]) -> None:
        self.root = root
        self.noise = noise
        self.quoted = quoted
        self.quotes = 0

    def text(self) -> str:
        """Its words, blocks set apart by blank lines; without quotes, which are counted."""
        writer = _Writer()
        preformatted = figures = kept_in_figures = 0
        stack: list[tuple[Any, bool]] = [(self.root, False)]
        while stack:
            node, leaving = stack.pop()
            tag = node.tag
            if tag == "-text":
                # A figure is a picture with its caption; some editors put tables there, too.
                if not figures or kept_in_figures:
                    writer.words(node.text_content or "", preformatted > 0)
                continue
            if not leaving and (tag == "blockquote" or node.mem_id in self.quoted):
                self.quotes += 1
                writer.end_block()
                continue
            if not leaving and node.mem_id in self.noise:
                continue
            step = -1 if leaving else 1
            if tag in _BLOCKS:
                writer.end_block()
                preformatted += step if tag == "pre" else 0
                kept_in_figures += step if figures and tag in ("pre", "table") else 0
                figures += step if tag == "figure" and not _is_callout(node) else 0
            elif tag == "br":
                writer.end_line(keep_empty=preformatted > 0)
            elif tag in _LINES:
                writer.end_line()
            elif tag in _CELLS and not leaving:
                writer.cell()
            if not leaving and tag != "br":
                stack.append((node, True))
                stack.extend((child, False) for child in reversed(_children(node)))
        return writer.finished()


class _Writer:
    """Lines of text: spaces run together as a browser shows them, `pre` as it stands."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.line: list[str] = []
        self.gap = False
        """Whether a blank line stands before what comes next."""
        self.verbatim = False
        """Whether the line that is being written keeps its spaces."""

    def words(self, text: str, preformatted: bool) -> None:
        if preformatted:
            first, *others = text.split("\n")
            self._verbatim(first)
            for line in others:
                self.end_line(keep_empty=True)
                self._verbatim(line)
            return
        text = _SPACES.sub(" ", text)
        if not self.line or self.line[-1][-1] in " \t":
            text = text.lstrip(" ")
        if text:
            self.line.append(text)

    def _verbatim(self, line: str) -> None:
        if line:
            self.line.append(line)
            self.verbatim = True

    def cell(self) -> None:
        """Begin a cell of a table."""
        if self.line:
            self.line.append("\t")

    def end_line(self, keep_empty: bool = False) -> None:
        text = "".join(self.line)
        text = text.rstrip() if self.verbatim else text.strip(" \t")
        if text or keep_empty:
            if text and self.gap and self.lines:
                self.lines.append("")
            self.lines.append(text)
            self.gap = self.gap and not text
        self.line = []
        self.verbatim = False

    def end_block(self) -> None:
        self.end_line()
        self.gap = True

    def finished(self) -> str:
        self.end_line()
        return "\n".join(self.lines).strip("\n")
