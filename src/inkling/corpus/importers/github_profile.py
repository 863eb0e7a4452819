"""Repositories of a GitHub profile: a saved answer of its interface, or one that was fetched.

Knows: the fields of a repository. Does not know: the network (`crawling/github.py`), Markdown.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from inkling.corpus.document import Document, Dropped
from inkling.corpus.importers.pieces import piece, text_of
from inkling.corpus.importing.importer import Claim, ImportedRecord, Importer, ReadOptions
from inkling.corpus.importing.times import from_post
from inkling.corpus.importing.tree import Tree
from inkling.corpus.markdown import read_markdown


def repository(row: Any) -> dict[str, Any] | Dropped:
    """A repository of one's own, or why it is left out."""
    if not isinstance(row, dict) or not isinstance(row.get("full_name"), str):
        return Dropped("not a repository", "GitHub")
    ref = _string(row, "html_url") or _string(row, "full_name")
    if row.get("fork") is True:
        return Dropped("a fork of someone else's repository", ref)
    return row


def repository_records(row: dict[str, Any], readme: str) -> Iterator[Document | Dropped]:
    """One document: the name, the description and the words of the README."""
    words = read_markdown(readme.replace("\r\n", "\n"))
    name, description = _string(row, "name"), _string(row, "description").strip()
    ref = _string(row, "html_url") or _string(row, "full_name")
    if not description and not words.text.strip():
        yield Dropped("a repository without words", ref)
        return
    head = "\n".join(part for part in (name, description) if part)
    text = f"{head}\n\n{words.text.strip()}".strip()
    date = from_post(_string(row, "pushed_at") or _string(row, "created_at"))
    identifier = _string(row, "full_name").lower() or None
    yield from piece(text, ref, name or None, date, words.quotes, document_id=identifier)


def _string(row: dict[str, Any], key: str) -> str:
    value = row.get(key)
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _claims(tree: Tree) -> Iterable[Claim]:
    for file in tree.files:
        if file.suffix == ".json":
            beginning = file.read(6000)
            if beginning.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"[", b"{") and (
                b'"full_name"' in beginning and b'"html_url"' in beginning
            ):
                yield Claim(frozenset((file.path,)), 0.9, f"GitHub repositories in {file.name}")


def _read(tree: Tree, claim: Claim, options: ReadOptions) -> Iterator[ImportedRecord]:
    for file in tree.only(claim.files).files:
        text = yield from text_of(file, options)
        if text is None:
            continue
        try:
            rows: Any = json.loads(text)
        except (ValueError, RecursionError):
            yield Dropped("damaged, not JSON", file.path)
            continue
        if isinstance(rows, dict):
            rows = rows.get("items", [rows])  # a search, or one repository
        for row in rows if isinstance(rows, list) else [None]:
            found = repository(row)
            if isinstance(found, Dropped):
                yield found
            else:
                readme = _string(found, "readme")
                yield from repository_records(found, readme)


IMPORTER = Importer(
    name="github",
    title="GitHub profile",
    kind="writing",
    how_to_export=(
        "Name the address of the profile (https://github.com/NAME), or save what "
        "https://api.github.com/users/NAME/repos?per_page=100 answers as a .json file."
    ),
    claims=_claims,
    read=_read,
)
