"""Medium's export: a page of HTML for each story.

Knows: the pages' microformat, drafts and responses. Does not know: HTML.
Responses to other people's stories lie among the stories and look like them: one has no heading
of its own, its title is how its text begins.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from inkling.corpus.document import Dropped
from inkling.corpus.html import fragment_to_text
from inkling.corpus.importers.pieces import DRAFT, piece, text_of
from inkling.corpus.importing.importer import Claim, ImportedRecord, Importer, ReadOptions
from inkling.corpus.importing.times import from_post
from inkling.corpus.importing.tree import Tree, TreeFile
from inkling.wording import plural

_SIGNS = (b'data-field="body"', b"graf--")
_STORY_ID = re.compile(r"-([0-9a-f]{8,12})\.html$")
RESPONSE = "a response to someone's story"
_OTHERS = (
    ".graf--mixtapeEmbed, .graf--blockquote, .graf--pullquote, .graf--iframe, .js-mixtapeImage"
)


# Where Medium puts stories, and what was read, liked and followed.
_OWN_FOLDERS = frozenset(
    ("README.html", "applications", "blocks", "bookmarks", "claps", "highlights", "interests",
     "ips", "lists", "partner-program", "profile", "pubs-following", "sessions", "topics-following",
     "twitter", "users-following", "posts")
)  # fmt: skip


def _claims(tree: Tree) -> Iterable[Claim]:
    stories = [f for f in tree.files if f.folder.rpartition("/")[2] == "posts" and _is_story(f)]
    if not stories:
        return
    roots = {file.folder.rpartition("/")[0] for file in stories}
    # Highlights, claps, lists and sessions: pages about what was read, and the account's own.
    others = [
        file
        for file in tree.files
        if file.suffix == ".html" and any(_is_below(file, root) for root in roots)
    ]
    files = frozenset(file.path for file in [*stories, *others])
    yield Claim(files, 0.95, f"Medium export, {plural(len(stories), 'story')}")


def _is_below(file: TreeFile, root: str) -> bool:
    """Whether a page lies where Medium puts its own, and beside the stories."""
    inner = file.path[len(root) + 1 :] if root else file.path
    folder = inner.partition("/")[0]
    return file.path.startswith(root) and folder in _OWN_FOLDERS


def _is_story(file: TreeFile) -> bool:
    if file.suffix != ".html":
        return False
    beginning = file.read(20_000)
    return any(sign in beginning for sign in _SIGNS)


def _read(tree: Tree, claim: Claim, options: ReadOptions) -> Iterator[ImportedRecord]:
    for file in tree.only(claim.files).files:
        if file.folder.rpartition("/")[2] != "posts":
            yield Dropped("a page about the account", file.path)
        elif file.name.startswith("draft_") and not options.drafts:
            yield Dropped(DRAFT, file.path)
        else:
            yield from _story(file, options)


def _story(file: TreeFile, options: ReadOptions) -> Iterator[ImportedRecord]:
    from selectolax.lexbor import LexborHTMLParser

    text = yield from text_of(file, options)
    if text is None:
        return
    page = LexborHTMLParser(text)
    title = _words(page.css_first("h1.p-name")) or _words(page.css_first("title"))
    body = page.css_first("section.e-content") or page.css_first("[data-field=body]")
    if body is None:
        yield Dropped("not a story", file.path)
        return
    time = page.css_first("time.dt-published")
    date = from_post(time.attributes.get("datetime")) if time is not None else None
    heading = body.css_first("h1, h2, h3, h4")
    same = heading is not None and (
        "graf--title" in (heading.attributes.get("class") or "") or _words(heading) == title
    )
    if not same and title and _words(body).startswith(title.rstrip("….").strip()):
        yield Dropped(RESPONSE, file.path)
        return
    words = fragment_to_text(body.html or "", noise=".section-divider", others=_OTHERS)
    # The heading is the title again.
    first, _, rest = words.text.partition("\n")
    own = rest if same and " ".join(first.split()) == title else words.text
    named = _STORY_ID.search(file.name)
    identifier = named[1] if named else None
    yield from piece(own, file.path, title or None, date, words.quotes, document_id=identifier)


def _words(node: Any) -> str:
    return " ".join(node.text().split()) if node is not None else ""


IMPORTER = Importer(
    name="medium",
    title="Medium",
    kind="writing",
    how_to_export=(
        "On Medium: Settings, Security and apps, Download your information. Add the zip that comes "
        "by mail as it is."
    ),
    claims=_claims,
    read=_read,
)
