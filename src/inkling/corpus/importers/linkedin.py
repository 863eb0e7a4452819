"""LinkedIn's export: messages, and one's own posts and comments.

Knows: `messages.csv`, `Shares.csv`, `Comments.csv`, who the export is of. Does not know: CSV.
Data: Tree -> one Chat a conversation (sorted on disk: the file mixes them, newest first);
Document for each post and comment, streamed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from inkling.corpus.document import Document, Dropped, Message
from inkling.corpus.html import fragment_to_text, html_to_text
from inkling.corpus.importers.pieces import piece, text_of
from inkling.corpus.importing import times
from inkling.corpus.importing.by_conversation import ByConversation
from inkling.corpus.importing.importer import (
    Claim,
    ImportedChat,
    ImportedRecord,
    Importer,
    Note,
    ReadOptions,
)
from inkling.corpus.importing.json_items import head_of
from inkling.corpus.importing.text_lines import csv_header, csv_rows
from inkling.corpus.importing.tree import Tree, TreeFile

_MESSAGES = frozenset(("conversation id", "from", "date", "content"))
_SHARES = frozenset(("date", "sharelink", "sharecommentary"))
_COMMENTS = frozenset(("date", "link", "message"))
_PROFILE = frozenset(("first name", "last name"))
_OWN = frozenset(("profile.csv", "connections.csv", "positions.csv", "invitations.csv"))

# Advertisements come as messages.
_NOT_SENT = ("sponsored", "spam")
_SPONSORED = "Sponsored Conversation"
# Written by LinkedIn under a person's name.
_NOTICES = frozenset(("Message request accepted", "A LinkedIn member left the conversation."))


def _kind(file: TreeFile) -> str | None:
    if file.suffix != ".csv":
        return None
    columns = csv_header(head_of(file, 4096))
    if columns >= _MESSAGES:
        return "messages"
    if columns >= _SHARES:
        return "posts"
    # Other programs write comments with such columns too.
    return "comments" if columns == _COMMENTS else None


def _is_article(file: TreeFile, folders: set[str]) -> bool:
    """Long posts are pages of their own, in `Articles/Articles`."""
    above, _, last = file.folder.removesuffix("/Articles").rpartition("/")
    return file.suffix == ".html" and last == "Articles" and above in folders


def _claims(tree: Tree) -> Iterator[Claim]:
    kinds = {file.path: kind for file in tree.files if (kind := _kind(file))}
    if not set(kinds.values()) & {"messages", "posts"}:
        return
    folders = {path.rpartition("/")[0] for path in kinds}
    paths = set(kinds)
    # Tables of other people and of the account: nobody's writing.
    paths.update(f.path for f in tree.files if f.folder in folders and f.name.lower() in _OWN)
    paths.update(f.path for f in tree.files if _is_article(f, folders))
    found = sorted(set(kinds.values()), reverse=True)
    yield Claim(frozenset(paths), 1.0, f"LinkedIn {', '.join(found)}")


def _read(tree: Tree, claim: Claim, options: ReadOptions) -> Iterator[ImportedRecord]:
    files = tree.only(claim.files).files
    for file in files:
        kind = _kind(file)
        if kind == "messages":
            yield from _chats(file, _owner_name(files, options), options)
        elif file.suffix == ".html":
            yield from _article(file, options)
        elif kind is not None:
            column = "sharecommentary" if kind == "posts" else "message"
            yield from _writing(file, column, options)
        else:
            yield Dropped("no writing of yours", file.path)


def _owner_name(files: tuple[TreeFile, ...], options: ReadOptions) -> ReadOptions:
    """The person of `Profile.csv`."""
    for file in files:
        if file.name.lower() == "profile.csv":
            for row in csv_rows(file, options.encoding):
                if isinstance(row, dict) and row.keys() >= _PROFILE:
                    return ReadOptions.of([f"{row['first name']} {row['last name']}"])
    return ReadOptions()


def _writing(
    file: TreeFile, column: str, options: ReadOptions
) -> Iterator[Document | Dropped | Note]:
    rows = csv_rows(file, options.encoding, backslash_quotes=column == "message")
    for number, row in enumerate(rows, start=1):
        raw_ref = f"{file.path}:{number}"
        if isinstance(row, Dropped | Note):
            yield row
            continue
        text = row.get(column, "")
        if column == "sharecommentary":
            # Posts are quoted twice: `line""\n""line` is what stands between two lines.
            text = text.replace('"\n"', "\n").strip('"') if '"\n"' in text else text
        if not text.strip():
            shared = row.get("sharedurl") or row.get("mediaurl") or row.get("sharelink")
            yield Dropped("a link without text" if shared else "empty", raw_ref)
        else:
            link = row.get("sharelink") or None
            yield Document(text, link or raw_ref, None, times.from_text(row.get("date", "")), link)


def _article(file: TreeFile, options: ReadOptions) -> Iterator[ImportedRecord]:
    source = yield from text_of(file, options)
    if source is None:
        return
    page = html_to_text(source)
    # LinkedIn wrote the title and the two times over it.
    words = fragment_to_text(source, noise="h1, title, .created, .published")
    yield from piece(words.text, file.path, page.title, page.date, words.quotes)


def _chats(
    file: TreeFile, owner: ReadOptions, options: ReadOptions
) -> Iterator[ImportedChat | Dropped | Note]:
    rows = ByConversation()
    others: dict[str, set[str]] = {}
    titles: dict[str, str] = {}
    senders: Counter[str] = Counter()
    urls_of_owner: Counter[str] = Counter()
    seen_in: dict[str, set[str]] = {}
    for number, row in enumerate(csv_rows(file, options.encoding), start=1):
        raw_ref = f"{file.path}:{number}"
        record = row if isinstance(row, Dropped | Note) else _row(row, raw_ref)
        if isinstance(record, Dropped | Note):
            yield record
            continue
        assert isinstance(row, dict)
        conversation, when, fields = record
        # Rows stand newest first: what comes later is older.
        rows.add(conversation, when, [*fields, when], -number)
        name, url = fields[0], fields[1]
        senders[url or name] += 1
        for person in {url or name, *_urls(row.get("recipient profile urls", ""))}:
            others.setdefault(conversation, set()).add(person)
            seen_in.setdefault(person, set()).add(conversation)
        if owner.is_me(name):
            urls_of_owner[url or name] += 1
        titles.setdefault(conversation, row.get("conversation title", ""))
    own = _own_url(urls_of_owner, seen_in)
    for conversation in rows.conversations():
        people: dict[str, str] = {}
        known = others.get(conversation, set()) - {own or ""}
        yield ImportedChat(
            conversation,
            file.path,
            _messages(rows.rows(conversation), own, people, options),
            title=titles.get(conversation) or None,
            # Until it is known whose export it is, everybody is one of the others.
            group=len(known) > (1 if own is not None else 2),
            me_known=own is not None,
            people=people,
        )


def _own_url(by_name: Counter[str], seen_in: dict[str, set[str]]) -> str | None:
    """The account of the export: the one with the profile's name, else the only one that takes
    part in every one of several conversations."""
    if by_name:
        return by_name.most_common(1)[0][0]
    conversations = set().union(*seen_in.values()) if seen_in else set()
    everywhere = [person for person, chats in seen_in.items() if chats == conversations]
    return everywhere[0] if len(conversations) > 1 and len(everywhere) == 1 else None


def _row(row: dict[str, str], raw_ref: str) -> tuple[str, str | None, list[Any]] | Dropped:
    """Conversation, time, and what a message is made of."""
    name, url = row.get("from", "").strip(), row.get("sender profile url", "").strip()
    folder = row.get("folder", "").casefold()
    if folder.startswith(_NOT_SENT) or _SPONSORED in (name, row.get("conversation title")):
        return Dropped("advertisement", raw_ref)
    if row.get("is message draft", "").casefold() in ("yes", "true"):
        return Dropped("draft", raw_ref)
    content = row.get("content", "")
    if "<p" in content or "<br" in content:
        content = html_to_text(content).text
    if not content.strip():
        attached = row.get("attachments")
        return Dropped("media without text" if attached else "empty", raw_ref)
    if content.strip() in _NOTICES:
        return Dropped("system notice", raw_ref)
    if not name and not url:
        return Dropped("message without an author", raw_ref)
    conversation = row.get("conversation id") or f"{name} {row.get('to', '')}"
    return conversation, times.from_text(row.get("date", "")), [name, url, content, raw_ref]


def _urls(text: str) -> list[str]:
    """Addresses of several people: exports part them by commas, semicolons or spaces."""
    return text.replace(",", " ").replace(";", " ").split()


def _messages(
    rows: Iterator[Any], own: str | None, people: dict[str, str], options: ReadOptions
) -> Iterator[Message]:
    for name, url, text, raw_ref, when in rows:
        author = url or name
        people.setdefault(author, name or url)
        yield Message(
            author_id=author,
            is_me=author == own or options.is_me(name or None, url or None),
            text=text,
            timestamp=when,
            raw_ref=raw_ref,
        )


IMPORTER = Importer(
    name="linkedin",
    title="LinkedIn",
    kind="both",
    how_to_export=(
        "linkedin.com: Settings > Data privacy > Get a copy of your data: the larger archive, or "
        "Messages, Posts and Profile."
    ),
    claims=_claims,
    read=_read,
)
