"""Reddit's export: one's own posts and comments.

Knows: `posts.csv`, `comments.csv`, quotes in Markdown. Does not know: CSV, dates.
Data: Tree -> row -> Document, streamed. Messages, votes, addresses and the rest are left out.
"""

from __future__ import annotations

from collections.abc import Iterator

from inkling.corpus.document import Document, Dropped
from inkling.corpus.importing import times
from inkling.corpus.importing.importer import Claim, ImportedRecord, Importer, Note, ReadOptions
from inkling.corpus.importing.json_items import head_of
from inkling.corpus.importing.text_lines import csv_header, csv_rows
from inkling.corpus.importing.tree import Tree, TreeFile

_POSTS = frozenset(("id", "permalink", "subreddit", "title", "body"))
_COMMENTS = frozenset(("id", "permalink", "subreddit", "link", "body"))
_OTHERS = frozenset((
    "account_gender", "approved_submitter_subreddits", "birthdate", "chat_history",
    "checkfile", "comment_headers", "comment_votes", "comments_drafts", "drafts", "friends",
    "gilded_content", "gold_received", "hidden_posts", "ip_logs", "linked_identities",
    "linked_phone_number", "message_headers", "messages", "messages_archive",
    "messages_archive_headers", "moderated_subreddits", "multireddits", "payouts", "persona",
    "poll_votes", "post_headers", "post_votes", "purchases", "saved_comments", "saved_posts",
    "scheduled_posts", "sensitive_ads_preferences", "statistics", "stripe",
    "subscribed_subreddits", "subscriptions", "twitter", "user_preferences", "announcements",
))  # fmt: skip
"""Files of the export without writing: names before `.csv`."""


def _writing(tree: Tree) -> Iterator[TreeFile]:
    for file in tree.files:
        if file.suffix == ".csv":
            columns = csv_header(head_of(file, 4096))
            if columns >= _POSTS or columns >= _COMMENTS:
                yield file


def _is_other(file: TreeFile) -> bool:
    return file.name.lower().removesuffix(".csv") in _OTHERS


def _claims(tree: Tree) -> Iterator[Claim]:
    found = list(_writing(tree))
    if not found:
        return
    folders = {file.folder for file in found}
    paths = {file.path for file in found}
    paths.update(f.path for f in tree.files if f.folder in folders and _is_other(f))
    yield Claim(frozenset(paths), 1.0, "Reddit posts and comments")


def _read(tree: Tree, claim: Claim, options: ReadOptions) -> Iterator[ImportedRecord]:
    for file in tree.only(claim.files).files:
        if _is_other(file):
            yield Dropped("no writing of yours", file.path)
            continue
        for number, row in enumerate(csv_rows(file, options.encoding), start=1):
            if isinstance(row, Dropped | Note):
                yield row
            else:
                yield _record(row, f"{file.path}:{number}")


def _record(row: dict[str, str], raw_ref: str) -> Document | Dropped:
    body = row.get("body", "")
    if body.strip() in ("[removed]", "[deleted]"):
        return Dropped("deleted message", raw_ref)
    text = _without_quotes(body)
    if not text.strip():
        if body.strip():
            return Dropped("only quoted text", raw_ref)
        return Dropped("a link without text" if row.get("url") else "empty", raw_ref)
    return Document(
        text,
        row.get("permalink") or raw_ref,
        row.get("title") or None,
        times.from_text(row.get("date", "")),
        f"{'t3' if 'title' in row else 't1'}_{row['id']}" if row.get("id") else None,
    )


def _without_quotes(text: str) -> str:
    """Without Markdown's quotes: others wrote them. Spoilers (`>!`) are one's own."""
    lines = text.split("\n")
    own = [line for line in lines if not _is_quote(line)]
    return text if len(own) == len(lines) else "\n".join(own).strip("\n")


def _is_quote(line: str) -> bool:
    start = line.lstrip()
    return start.startswith((">", "&gt;")) and not start.startswith((">!", "&gt;!"))


IMPORTER = Importer(
    name="reddit",
    title="Reddit",
    kind="writing",
    how_to_export=(
        "reddit.com/settings/data-request: ask for your data. A message brings a link to a zip "
        "with posts.csv and comments.csv."
    ),
    claims=_claims,
    read=_read,
)
