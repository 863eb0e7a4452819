"""One pass over a WhatsApp export that finds out what a second pass needs to know.

Knows: which headers are real, the order of dates, who writes, who is the person that exported
it. Does not know: messages. Data: TreeFile -> `survey` -> Survey, whose size depends on the
number of people and not on the length of the file.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from inkling.corpus.importers import whatsapp_markers as markers
from inkling.corpus.importers.whatsapp_dates import Order, OrderFinder
from inkling.corpus.importers.whatsapp_lines import (
    Header,
    header,
    lines,
    split_author,
)
from inkling.corpus.importing.tree import TreeFile

# Bounds of what is remembered of a file that is no real export.
_MAX_SHAPES = 16
_MAX_AUTHORS = 20_000
# The second word of a name such as "Mum: home".
_MAX_SECOND = 40


@dataclass
class _Author:
    """What is counted of one name."""

    headers: int = 0
    spoke: int = 0
    """Messages that are no notice of WhatsApp's."""
    deleted: bool = False
    """"You deleted this message" stands under this name."""
    prefix: str = ""
    second: str | None = None
    """What stands between the first colon and the second, as long as it is always the same."""


@dataclass
class _Shape:
    """What is counted of headers of one shape."""

    headers: int = 0
    marks: bool = False
    after_crlf: int = 0
    after_lf: int = 0
    dates: OrderFinder = field(default_factory=OrderFinder)
    authors: dict[str, _Author] = field(default_factory=dict)
    notice_author: str | None = None

    def add(self, found: Header, after: str) -> None:
        self.headers += 1
        self.after_crlf += after == "\r\n"
        self.after_lf += after == "\n"
        self.dates.add(found.stamp)
        self.marks |= found.marked
        name, body = split_author(found.rest)
        if name is None:
            return
        self.marks |= body[:1] in ("\u200e", "\u200f") and body != ""
        if name not in self.authors and len(self.authors) >= _MAX_AUTHORS:
            return
        author = self.authors.setdefault(name, _Author())
        author.headers += 1
        if self.notice_author is None and markers.is_encryption_notice(body):
            self.notice_author = name
            return
        author.deleted |= markers.deleted_by_me(body)
        if not found.iphone or not markers.is_notice(body, found.marked):
            author.spoke += 1
        prefix = found.rest[: len(found.rest) - len(body)]
        second = body.partition(": ")[0] if ": " in body[: _MAX_SECOND + 2] else None
        if second is not None and ("<" in second or "\u200e" in second or "\u200f" in second):
            second = None  # "<attached: …" is no part of a name
        if author.headers == 1 or not author.prefix:
            author.prefix, author.second = prefix, second
        elif author.prefix != prefix or author.second != second:
            author.second = None


@dataclass(frozen=True)
class Survey:
    """What is the same for all messages of one export."""

    shape: str | None
    """Of its headers; None where it has none."""
    order: Order
    marks: bool
    """Whether WhatsApp's direction marks are there; a copy may have lost them."""
    crlf_only: bool
    """Headers follow "\\r\\n" and only lines inside messages follow "\\n"."""
    prefixes: tuple[str, ...]
    """Names with a colon in them, see `split_author`."""
    headers: dict[str, int]
    """Of each name."""
    persons: frozenset[str]
    """Names under which someone wrote; a group's own name is none."""
    deleted_by: frozenset[str]
    """Names under which "You deleted this message" stands."""
    notice_author: str | None
    """Under whose name the notice of encryption stands."""

    @property
    def iphone(self) -> bool:
        return self.shape is not None and self.shape.startswith("[")

    @property
    def group_name(self) -> str | None:
        """The name under which only notices stand."""
        if self.iphone and self.notice_author is not None:
            silent = self.notice_author not in self.persons and len(self.persons) != 1
            return self.notice_author if silent else None
        return None

    def fits(self, found: Header, after: str) -> bool:
        """Whether a header is one of this export's and no quotation of another's."""
        return found.shape == self.shape and not (self.crlf_only and after == "\n")


def survey(file: TreeFile, encoding: str | None = None) -> Survey:
    """What `Survey` says, of a whole file. Raises OSError."""
    shapes: dict[str, _Shape] = {}
    after = ""
    inside_lf = inside_crlf = 0
    for line in lines(file, encoding):
        found = header(line.text) if line.starts else None
        if found is None:
            inside_lf += after == "\n"
            inside_crlf += after == "\r\n"
        elif found.shape in shapes or len(shapes) < _MAX_SHAPES:
            shapes.setdefault(found.shape, _Shape()).add(found, after)
        after = line.end
    if not shapes:
        return Survey(
            None, Order("day/month/year"), False, False, (), {}, frozenset(), frozenset(), None
        )
    name, shape = max(shapes.items(), key=lambda item: item[1].headers)
    return _finished(name, shape, inside_lf > 0 and inside_crlf == 0)


def _finished(name: str, shape: _Shape, lf_inside: bool) -> Survey:
    prefixes = []
    authors = dict(shape.authors)
    for known in list(authors.values()):
        if known.second is not None and known.headers >= 2:
            prefixes.append(f"{known.prefix}{known.second}: ")
    for prefix in prefixes:
        full, _ = split_author(prefix + "x", (prefix,))
        short, _ = split_author(prefix)
        if full is not None and short in authors:
            authors[full] = authors.pop(short)
    # "Wilma changed the group description to: …", where Wilma is someone who writes.
    notices = {
        other
        for other, known in authors.items()
        if known.headers == 1 and name[0] == "-" and _begins_with_a_name(other, authors)
    }
    persons = frozenset(n for n, known in authors.items() if known.spoke and n not in notices)
    return Survey(
        shape=name,
        order=shape.dates.order(),
        marks=shape.marks,
        crlf_only=lf_inside and shape.after_crlf > shape.after_lf,
        prefixes=tuple(sorted(prefixes, key=len, reverse=True)),
        headers={n: known.headers for n, known in authors.items() if n not in notices},
        persons=persons,
        deleted_by=frozenset(n for n, known in authors.items() if known.deleted),
        notice_author=shape.notice_author,
    )


def _begins_with_a_name(name: str, authors: dict[str, _Author]) -> bool:
    """Whether another author's name and two more words are in it."""
    words = name.split()
    return any(
        (known := authors.get(" ".join(words[:n]))) is not None and known.headers > 1
        for n in range(1, len(words) - 1)
    )
