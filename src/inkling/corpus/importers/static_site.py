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


_CONTENT = {"Jekyll": frozenset(("_posts", "_drafts")), "Hugo": frozenset(("content",))}
# Folders beside the posts: the site as it was built, and what others wrote to build it.
_MACHINERY = {
    "Jekyll": frozenset(("_site", "_layouts", "_includes", "_sass", "_plugins")),
    "Hugo": frozenset(("themes", "layouts", "public", "resources", "archetypes")),
}


def _claims(tree: Tree) -> Iterable[Claim]:
    for root, name in _sites(tree):
        posts = frozenset(file.path for file in tree.files if _is_post(file, root, name))
        if posts:
            machinery = {file.path for file in tree.files if _is_machinery(file, root, name)}
            yield Claim(posts | machinery, 0.8, f"{name} site, {plural(len(posts), 'post')}")


def _sites(tree: Tree) -> list[tuple[str, str]]:
    """The folder in which each site begins, and of which program it is."""
    sites = []
    for file in tree.files:
        if "themes" in file.folder.split("/"):
            continue  # a theme brings a site to show itself
        if file.name in _JEKYLL:
            sites.append((file.folder, "Jekyll"))
        elif file.name in _HUGO:
            sites.append((file.folder, "Hugo"))
    return list(dict.fromkeys(sites))


def _below(file: TreeFile, root: str) -> list[str]:
    """The folders between a site's own and a file in it; none where it lies elsewhere."""
    if root and not file.path.startswith(f"{root}/"):
        return []
    return file.folder.split("/")[root.count("/") + 1 if root else 0 :]


def _is_machinery(file: TreeFile, root: str, name: str) -> bool:
    return not _MACHINERY[name].isdisjoint(_below(file, root)[:1])


def _is_post(file: TreeFile, root: str, name: str) -> bool:
    if file.suffix not in _POSTS or _is_machinery(file, root, name):
        return False
    return not _CONTENT[name].isdisjoint(_below(file, root))


def _read(tree: Tree, claim: Claim, options: ReadOptions) -> Iterator[ImportedRecord]:
    sites = _sites(tree)
    for file in tree.only(claim.files).files:
        if any(_is_machinery(file, *site) for site in sites):
            yield Dropped("a part of the site that is no post", file.path)
        elif "_drafts" in file.folder.split("/") and not options.drafts:
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
