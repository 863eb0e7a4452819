"""Folders of Jekyll, Hugo and their relatives: posts with a header.

Knows: where such sites keep posts and drafts, dates in names. Does not know: Markdown, headers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from inkling.corpus.document import Dropped
from inkling.corpus.front_matter import split_front_matter
from inkling.corpus.html import fragment_to_text
from inkling.corpus.importers.markdown import note
from inkling.corpus.importers.pieces import DRAFT, piece, text_of
from inkling.corpus.importing.importer import Claim, ImportedRecord, Importer, ReadOptions
from inkling.corpus.importing.times import from_post
from inkling.corpus.importing.tree import Tree, TreeFile
from inkling.wording import plural

_HUGO = frozenset(("hugo.toml", "hugo.yaml", "hugo.yml", "hugo.json", "config.toml"))
_JEKYLL = frozenset(("_config.yml", "_config.yaml", "_config.toml"))
_POSTS = (".md", ".markdown", ".html")
_DATED = re.compile(r"(\d{4}-\d{1,2}-\d{1,2})-(.*)")
_LIQUID = re.compile(r"\{%[^%{}]*+%\}|\{\{[^{}]*+\}\}")


def _claims(tree: Tree) -> Iterable[Claim]:
    for file in tree.files:
        if file.name in _JEKYLL:
            yield from _site(tree, file.folder, ("_posts", "_drafts"), "Jekyll")
        elif file.name in _HUGO:
            yield from _site(tree, file.folder, ("content",), "Hugo")


def _site(tree: Tree, root: str, folders: tuple[str, ...], name: str) -> Iterable[Claim]:
    inside = root.count("/") + 1 if root else 0
    posts = [
        file
        for file in tree.files
        if file.suffix in _POSTS
        and (not root or file.path.startswith(f"{root}/"))
        and not set(folders).isdisjoint(file.folder.split("/")[inside:])
    ]
    if posts:
        yield Claim(
            frozenset(f.path for f in posts), 0.8, f"{name} site, {plural(len(posts), 'post')}"
        )


def _read(tree: Tree, claim: Claim, options: ReadOptions) -> Iterator[ImportedRecord]:
    for file in tree.only(claim.files).files:
        if "_drafts" in file.folder.split("/") and not options.drafts:
            yield Dropped(DRAFT, file.path)
        else:
            yield from _post(file, options)


def _post(file: TreeFile, options: ReadOptions) -> Iterator[ImportedRecord]:
    text = yield from text_of(file, options)
    if text is None:
        return
    matter = split_front_matter(_LIQUID.sub("", text))
    dated = _DATED.match(file.name)
    # A bundle of Hugo is a folder that holds the post and its pictures.
    name = file.folder if file.name.startswith(("index.", "_index.")) else file.name
    dated = dated or _DATED.match(name.rpartition("/")[2])
    date = from_post(dated[1]) if dated else None
    if file.suffix != ".html":
        yield from note(matter, file.path, None, date, options.drafts)
    elif matter.is_draft and not options.drafts:
        yield Dropped(DRAFT, file.path)
    else:
        page = fragment_to_text(matter.body)
        yield from piece(
            page.text, file.path, matter.title, matter.date or date, page.quotes, matter.unreadable
        )


IMPORTER = Importer(
    name="static-site",
    title="Jekyll or Hugo",
    kind="writing",
    how_to_export="Nothing to export: name the folder of the site's source.",
    claims=_claims,
    read=_read,
    free_text=True,
)
