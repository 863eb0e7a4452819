"""WordPress's export (WXR): posts in one XML file.

Knows: the fields of an item, shortcodes, blocks. Does not know: HTML.
Data: file -> items, one at a time -> fields -> documents.

Read as text and not by an XML parser: control characters, bare ampersands and files that end in
the middle are common in these exports, an XML parser stops at the first, and nothing here needs
entities. A field is found by its tags, and is plain or CDATA.
"""

from __future__ import annotations

import contextlib
import html
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from inkling.corpus.document import Document, Dropped
from inkling.corpus.html import fragment_to_text
from inkling.corpus.importers.pieces import DRAFT, OTHERS, notes_of, piece
from inkling.corpus.importing.charset import Charset, decoded, known_encoding
from inkling.corpus.importing.importer import (
    Claim,
    ImportedRecord,
    Importer,
    Note,
    ReadOptions,
)
from inkling.corpus.importing.text_lines import charset_of
from inkling.corpus.importing.times import from_post
from inkling.corpus.importing.tree import Tree, TreeFile
from inkling.errors import UsageError

_BLOCK_BYTES = 1 << 18
# One post. A longer one is not read, so that a file without any end of an item stays bounded.
_ITEM_CHARACTERS = 20_000_000

_SIGNS = (b"wordpress.org/export", b"<wp:wxr_version")
_ENCODING = re.compile(rb"""<\?xml[^>]{0,80}encoding=["']([A-Za-z0-9._-]{1,40})["']""")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_TYPES = {
    "page": "a page of the site", "attachment": "an attachment", "nav_menu_item": "a menu",
    "revision": "an older version", "wp_block": "a part of a layout",
}  # fmt: skip

_NOISE = ".wp-block-file__button"
_CODES = "caption|gallery|embed|audio|video|playlist|wp_caption|youtube|vimeo|tweet|more"
# Those that hold words of their own, and those that only stand there with attributes.
_SILENT = re.compile(r"\[(embed|audio|video|gallery|playlist)(?:[ \t][^\[\]]*+)?\][^\[\]]*+\[/\1\]")
_SHORTCODE = re.compile(
    rf"\[/?(?:{_CODES})(?:[ \t][^\[\]]*+)?/?\]|\[[a-z][\w-]{{1,40}}(?:[ \t]++[\w-]{{1,40}}="
    r"""(?:"[^"\[\]]*+"|'[^'\[\]]*+'|[^\s"'\[\]]++))++[ \t]*+/?\]|\[/[a-z][\w-]{1,40}\]"""
)
_CAPTION = re.compile(r"\[caption(?:[ \t][^\[\]]*+)?\][^\[\]]*+\[/caption\]")
_BLOCK_TAG = re.compile(r"<(?:p|div|!-- wp:)[\s>:a-z]", re.IGNORECASE)


def _claims(tree: Tree) -> Iterable[Claim]:
    for file in tree.files:
        if file.suffix in (".xml", ".wxr"):
            beginning = file.read(8000)
            if any(sign in beginning for sign in _SIGNS):
                yield Claim(frozenset((file.path,)), 1.0, f"WordPress export {file.name}")


def _read(tree: Tree, claim: Claim, options: ReadOptions) -> Iterator[ImportedRecord]:
    for file in tree.only(claim.files).files:
        number = 0
        mine = _mine(file, options)
        creators: Counter[str] = Counter()
        charset = _charset(file, options)
        yield from notes_of(charset.notes, file.path)
        for item in _items(file, charset):
            number += 1
            creator = _field(item, "dc:creator")
            if mine and creator and creator not in mine:
                yield Dropped(OTHERS, f"{file.path}: item {number}")
                continue
            for record in _post(item, f"{file.path}: item {number}", options):
                creators[creator] += isinstance(record, Document)
                yield record
        if not mine:
            yield from _several(+creators, file.path)
        if not number:
            yield Dropped("no posts in it", file.path)


def _several(creators: Counter[str], path: str) -> Iterator[Note]:
    """That posts of several people were taken for one's own, because nobody told which are."""
    if len(creators) > 1:
        listed = ", ".join(f"{name or 'nobody'} ({n:,})" for name, n in creators.most_common(5))
        yield Note(
            f"posts of {len(creators):,} authors are taken for yours: {listed}; "
            "--me NAME keeps only your own",
            path,
        )


def _mine(file: TreeFile, options: ReadOptions) -> frozenset[str]:
    """Logins that are the author's; none where nobody told a name that the export knows."""
    head = file.read(_BLOCK_BYTES).decode("utf-8", "replace").partition("<item")[0]
    logins = set()
    for author in head.split("</wp:author>")[:-1]:
        login = _field(author, "wp:author_login")
        named = [_field(author, f"wp:author_{name}") for name in ("display_name", "email")]
        if options.is_me(login, *named):
            logins.add(login)
    return frozenset(logins)


def _charset(file: TreeFile, options: ReadOptions) -> Charset:
    """As a person said, else as the file itself says, where that is no UTF-8: else as it looks."""
    declared = _ENCODING.search(file.read(200))
    if options.encoding is None and declared is not None:
        with contextlib.suppress(UsageError):
            name = known_encoding(declared[1].decode())
            if name != "utf-8":
                return Charset(name)
    return charset_of(file, options.encoding)


def _items(file: TreeFile, charset: Charset) -> Iterator[str]:
    """What stands in each item; a last one that nobody closed as well."""
    waiting: list[str] = []
    length = 0
    with file.open() as stream:
        blocks = iter(lambda: stream.read(_BLOCK_BYTES), b"")
        for text in decoded(blocks, charset.encoding):
            # An end of an item may be cut between two pieces.
            tail = waiting[-1][-16:] if waiting else ""
            if "</item>" not in tail + text:
                waiting.append(text)
                length += len(text)
                if length > _ITEM_CHARACTERS:
                    waiting, length = [], 0
                continue
            *items, rest = "".join([*waiting, text]).split("</item>")
            yield from _opened(items)
            waiting, length = [rest], len(rest)
    yield from _opened(["".join(waiting)])


def _opened(items: list[str]) -> Iterator[str]:
    for item in items:
        start = item.find("<item")
        if start != -1:
            yield _CONTROLS.sub("", item[start:])


def _field(item: str, name: str) -> str:
    """The text of one field, "" where it is missing."""
    # The last one: the beginnings of authors stand one behind the other.
    start = item.rfind(f"<{name}>") if name.startswith("wp:author_") else item.find(f"<{name}>")
    if start == -1:
        return ""
    start += len(name) + 2
    content = item[start:].lstrip() if item[start : start + 1].isspace() else item[start:]
    if content.startswith("<![CDATA["):
        # Exports that a program has indented since have spaces in front of the tag.
        closed = re.search(rf"\]\]>\s*+</{name}>", content) or re.search(f"</{name}>", content)
        # `]]>` inside is written as two sections.
        inner = content[9 : closed.start() if closed else len(content)]
        return inner.replace("]]]]><![CDATA[>", "]]>")
    end = content.find(f"</{name}>")
    return html.unescape(content[: end if end != -1 else len(content)]).strip()


def _post(item: str, raw_ref: str, options: ReadOptions) -> Iterator[ImportedRecord]:
    kind = _field(item, "wp:post_type") or "post"
    status = _field(item, "wp:status") or "publish"
    if kind != "post":
        yield Dropped(_TYPES.get(kind, "not a post"), raw_ref)
        return
    if status in ("trash", "inherit") or (status != "publish" and not options.drafts):
        yield Dropped("in the bin" if status == "trash" else DRAFT, raw_ref)
        return
    if _field(item, "wp:post_password"):
        yield Dropped("locked with a password", raw_ref)
        return
    content = _paragraphs(_without_shortcodes(_field(item, "content:encoded")))
    words = fragment_to_text(content, noise=_NOISE)
    written = _field(item, "wp:post_date_gmt")
    date = from_post(f"{written}Z" if written else None) or from_post(_field(item, "wp:post_date"))
    link = _field(item, "link")
    # WordPress keeps titles as HTML, also where they stand as they are.
    title = html.unescape(_field(item, "title")) or None
    # The address under which a post was first kept; numbers alone are every site's.
    guid = _field(item, "guid")
    identifier = guid if "://" in guid else None
    yield from piece(words.text, link or raw_ref, title, date, words.quotes, document_id=identifier)


def _without_shortcodes(content: str) -> str:
    """Shortcodes go, what they hold stays, except what is a caption or an address."""
    content = _CAPTION.sub("", content)
    return _SHORTCODE.sub("", _SILENT.sub("", content))


def _paragraphs(content: str) -> str:
    """HTML whose paragraphs are elements: the old editor left them to empty lines."""
    content = content.replace("\r\n", "\n").replace("\r", "\n")
    if _BLOCK_TAG.search(content):
        return content
    paragraphs = re.split(r"\n[ \t]*+\n", content)
    return "".join("<p>" + p.strip("\n").replace("\n", "<br>") + "</p>" for p in paragraphs)


IMPORTER = Importer(
    name="wordpress",
    title="WordPress",
    kind="writing",
    how_to_export="In WordPress: Tools, Export, All content or Posts, Download export file.",
    claims=_claims,
    read=_read,
)
