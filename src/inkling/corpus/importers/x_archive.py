"""X: the archive of an account, its own posts as documents and its messages as chats.

Knows: which files of an archive are read, and whose account it is. Does not know: posts
(`x_posts`), messages (`x_messages`).
Data: Tree -> `data/*.js` -> Document | Chat.

A file is JavaScript: `window.YTD.tweets.part0 = [ … ]`. What others wrote (likes, bookmarks)
and what was deleted is never opened.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from inkling.corpus.document import Dropped
from inkling.corpus.importers.x_files import objects
from inkling.corpus.importers.x_messages import conversations
from inkling.corpus.importers.x_posts import posts
from inkling.corpus.importing.importer import Claim, ImportedRecord, Importer, ReadOptions
from inkling.corpus.importing.tree import Tree, TreeFile

_NAMES = {
    "posts": re.compile(r"(?:tweets?|community-tweet)(?:-part\d{1,4})?\.js"),
    "notes": re.compile(r"note-tweet(?:-part\d{1,4})?\.js"),
    "messages": re.compile(r"direct-messages?(?:-group)?(?:-part\d{1,4})?\.js"),
    "account": re.compile(r"account\.js"),
}
_PAGE_BYTES = 20_000
_HEAD = re.compile(rb"\s{0,40}window\.(?:YTD\.|__THAR_CONFIG)")


def _kind(file: TreeFile) -> str | None:
    """Which of the files that are read one is."""
    return next((k for k, pattern in _NAMES.items() if pattern.fullmatch(file.name)), None)


def _is_archive(file: TreeFile) -> bool:
    return _HEAD.match(file.read(64)) is not None


def _shows_archive(file: TreeFile, above: str) -> bool:
    """Whether a file is the page that X puts beside `data` to look at it."""
    return (
        file.folder == above
        and file.suffix == ".html"
        and (file.name == "Your archive.html" or b"data/manifest.js" in file.read(_PAGE_BYTES))
    )


def claims(tree: Tree) -> Iterator[Claim]:
    """One claim for each `data` folder, with all that lies in it."""
    folders: dict[str, set[str]] = {}
    for file in tree.files:
        if file.suffix == ".js" and _kind(file) is not None and _is_archive(file):
            folders.setdefault(file.folder, set()).add(_kind(file) or "")
    for folder, kinds in folders.items():
        if not kinds & {"posts", "notes", "messages"}:
            continue
        prefix = f"{folder}/" if folder else ""
        whole = folder.rpartition("/")[2] == "data"
        files = frozenset(
            file.path
            for file in tree.files
            if (
                file.path.startswith(prefix)
                and (
                    whole or (file.folder == folder and file.suffix == ".js" and _is_archive(file))
                )
            )
            or (whole and _shows_archive(file, folder.rpartition("/")[0]))
        )
        words = "posts and messages" if {"posts", "messages"} <= kinds else next(iter(kinds))
        yield Claim(files, 1.0, f"X archive, {words}")


def read(tree: Tree, claim: Claim, options: ReadOptions) -> Iterator[ImportedRecord]:
    """Documents first, then chats. Files that are not read are counted."""
    found: dict[str, list[TreeFile]] = {kind: [] for kind in _NAMES}
    others = 0
    for file in tree.only(claim.files).files:
        kind = _kind(file)
        if kind is not None and _is_archive(file):
            found[kind].append(file)
        else:
            others += 1
    account = _account(found["account"])
    yield from posts(found["posts"], found["notes"], account)
    yield from conversations(found["messages"], account, options)
    if others:
        yield Dropped("neither posts nor messages; left unopened", tree.name, others)


def _account(files: list[TreeFile]) -> dict[str, str]:
    """`accountId`, `username` and `accountDisplayName`, where they are told."""
    for file in files:
        for item in objects(file):
            account = item.get("account") if isinstance(item, dict) else None
            if isinstance(account, dict):
                return {k: v for k, v in account.items() if isinstance(v, str)}
    return {}


IMPORTER = Importer(
    name="x",
    title="X (Twitter)",
    kind="both",
    how_to_export="x.com › Settings › Your account › Download an archive of your data. It is "
    "ready in a day or two; add the zip.",
    claims=claims,
    read=read,
)
