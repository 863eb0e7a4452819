"""Ghost's export: posts in one JSON file.

Knows: where an export of any version keeps posts and who wrote them. Does not know: HTML, the
editor's tree (`ghost_lexical.py`). Data: file -> `JsonStream` -> posts, one at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from inkling.corpus.document import Dropped
from inkling.corpus.html import HtmlText, fragment_to_text
from inkling.corpus.importers.ghost_lexical import lexical_words
from inkling.corpus.importers.pieces import DRAFT, OTHERS, piece
from inkling.corpus.importing.importer import Claim, ImportedRecord, Importer, ReadOptions
from inkling.corpus.importing.json_items import UNREADABLE
from inkling.corpus.importing.json_shape import BROKEN
from inkling.corpus.importing.json_stream import JsonStream
from inkling.corpus.importing.times import from_post
from inkling.corpus.importing.tree import Tree, TreeFile

# What tables stand in: nested as the admin writes it, flat as older versions and the API do.
_OUTER = ("db", "data")
_NOISE = (
    ".kg-bookmark-card, .kg-signup-card, .kg-button-card, .kg-file-card, .kg-audio-card, "
    ".kg-cta-card, .kg-callout-emoji"
)
_OTHERS = ".kg-embed-card, .kg-blockquote-alt"
DAMAGED = "the file ends in the middle, or is no JSON"


def _claims(tree: Tree) -> Iterable[Claim]:
    for file in tree.files:
        if file.suffix == ".json" and _is_export(file.read(4000), file.name):
            yield Claim(frozenset((file.path,)), 0.95, f"Ghost export {file.name}")


def _is_export(beginning: bytes, name: str) -> bool:
    plain = b"".join(beginning.split())
    if plain.startswith(b'{"db":[') and (b'"meta":' in plain or b'"data":' in plain):
        return True
    sign = b'"mobiledoc"' in plain or b'"lexical"' in plain or b'"comment_id"' in plain
    return ".ghost." in name or (sign and b'"posts":[' in plain)


def _read(tree: Tree, claim: Claim, options: ReadOptions) -> Iterator[ImportedRecord]:
    for file in tree.only(claim.files).files:
        yield from _file(file, options)


def _rows(file: TreeFile, table: str) -> Iterator[Any]:
    """Rows of a table, BROKEN for a damaged one; the last thing is BROKEN where the file breaks
    off."""
    try:
        with file.open() as stream:
            pulled = JsonStream(stream)
            for row in _in(pulled, table, _OUTER):
                if row is not BROKEN or not pulled.damaged:
                    yield row
            if pulled.damaged:
                yield BROKEN
    except UNREADABLE:
        yield BROKEN


def _in(pulled: JsonStream, table: str, outer: tuple[str, ...]) -> Iterator[Any]:
    """Rows of a table in the object at this place, or in the objects of those names in it."""
    for key in pulled.fields():
        if key == table:
            yield from pulled.items()
        elif key in outer:
            inner = tuple(name for name in outer if name != key)
            if pulled.peek() == "[":
                for _ in pulled.elements():
                    yield from _in(pulled, table, inner)
            else:
                yield from _in(pulled, table, inner)


def _dicts(file: TreeFile, table: str) -> Iterator[dict[str, Any]]:
    """Rows of a table that are some: what is damaged is told where the posts are read."""
    return (row for row in _rows(file, table) if isinstance(row, dict))


def _file(file: TreeFile, options: ReadOptions) -> Iterator[ImportedRecord]:
    others = _of_others(file, options)
    number = 0
    for number, post in enumerate(_rows(file, "posts"), start=1):
        if isinstance(post, dict):
            yield from _post(post, f"{file.path}: post {number}", others, options)
        else:
            yield Dropped(DAMAGED, file.path)
    if not number:
        yield Dropped("no posts in it", file.path)


def _of_others(file: TreeFile, options: ReadOptions) -> frozenset[str]:
    """Ids of posts in which the author had no part; none where no user has a name that is known."""
    if not options.me:
        return frozenset()
    mine = {
        _string(user, "id")
        for user in _dicts(file, "users")
        if options.is_me(*(_string(user, key) for key in ("name", "slug", "email", "id")))
    }
    if not mine:
        return frozenset()
    written: dict[str, set[str]] = {}
    for row in _dicts(file, "posts_authors"):
        written.setdefault(_string(row, "post_id"), set()).add(_string(row, "author_id"))
    return frozenset(post for post, authors in written.items() if not authors & mine)


def _post(
    post: dict[str, Any], raw_ref: str, others: frozenset[str], options: ReadOptions
) -> Iterator[ImportedRecord]:
    if _string(post, "type") == "page" or post.get("page") in (True, 1):
        yield Dropped("a page of the site", raw_ref)
    elif _string(post, "status") not in ("published", "sent") and not options.drafts:
        yield Dropped(DRAFT, raw_ref)
    elif _string(post, "id") in others:
        yield Dropped(OTHERS, raw_ref)
    else:
        words = _words(post)
        date = from_post(_string(post, "published_at") or _string(post, "created_at"))
        title = _string(post, "title").strip()
        # Old versions number posts, and every site has a first one.
        identifier = _string(post, "uuid") or _string(post, "comment_id")
        number = identifier if len(identifier) >= 20 else None
        yield from piece(words.text, raw_ref, title or None, date, words.quotes, document_id=number)


def _words(post: dict[str, Any]) -> HtmlText:
    """The HTML that Ghost made, else the editor's tree; plain text knows no quotes, so last."""
    if source := _string(post, "html"):
        return fragment_to_text(source, noise=_NOISE, others=_OTHERS)
    if (tree := _string(post, "lexical")) and (words := lexical_words(tree)).text:
        return words
    return HtmlText(None, None, _string(post, "plaintext"))


def _string(row: dict[str, Any], key: str) -> str:
    value = row.get(key)
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


IMPORTER = Importer(
    name="ghost",
    title="Ghost",
    kind="writing",
    how_to_export="In Ghost's admin: Settings, Advanced, Import/Export, Export, Content.",
    claims=_claims,
    read=_read,
)
