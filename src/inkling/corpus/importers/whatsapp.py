"""WhatsApp: chats exported as text by an iPhone or an Android phone, in any language.

Knows: which files are such chats, who in them is the author. Does not know: how lines, dates
and notices look (`whatsapp_lines`, `whatsapp_stamps`, `whatsapp_markers`).
Data: Tree -> Claim -> one `survey` a chat -> Chat -> `messages`.

There are no ids and no offsets: timestamps are those of the phone's clock, and a chat is known
by its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from inkling.corpus.document import Dropped
from inkling.corpus.importers.whatsapp_lines import Header, header, repaired, split_author
from inkling.corpus.importers.whatsapp_messages import messages
from inkling.corpus.importers.whatsapp_survey import Survey, survey
from inkling.corpus.importing.importer import (
    ATTACHED_FILE,
    Claim,
    ImportedChat,
    ImportedRecord,
    Importer,
    ReadOptions,
    same_name,
)
from inkling.corpus.importing.tree import Tree, TreeFile

_SNIFFED_BYTES = 65_536
# Names that phones give to attachments.
_ATTACHMENT = re.compile(
    r"(?:IMG|VID|PTT|AUD|STK|DOC|GIF)-\d{8}-WA\d{1,6}\.\w{1,5}|\d{8}-[^/]{1,200}\.\w{1,5}"
)
_EXPORT_NAME = re.compile(r"_chat(?: ?\(\d+\))?\.txt|WhatsApp[ _-]Chat.{0,200}\.txt", re.IGNORECASE)
_COPY = re.compile(r"(?:\.zip|\.txt| ?\(\d{1,3}\))$")
_TITLE = re.compile(
    r"(?:WhatsApp[ _-]Chat|Chat (?:de |do )?WhatsApp|Discussion WhatsApp"
    r"|Conversa (?:do|no) WhatsApp|Чат WhatsApp)"
    r"(?: ?- ?| (?:with|mit|met|med|con|avec|com|с контактом|с) )(.{1,200})",
    re.IGNORECASE,
)


def claims(tree: Tree) -> Iterator[Claim]:
    """One claim for all chats of a tree: who wrote in every one of them is its author."""
    chats: dict[str, float] = {}
    for file in tree.files:
        if file.suffix == ".txt" and (certainty := _certainty(file)):
            chats[file.path] = certainty
    if not chats:
        return
    folders = {path.rpartition("/")[0] for path in chats}
    files = frozenset(chats) | frozenset(
        file.path
        for file in tree.files
        if file.folder in folders and _is_attachment(file, tree.name)
    )
    first = next(iter(chats))
    name = _named(tree, first)
    title = f"WhatsApp, {len(chats)} chats" if len(chats) > 1 else "WhatsApp chat"
    yield Claim(files, min(chats.values()), f"{title} with {name}" if name else title)


def _certainty(file: TreeFile) -> float:
    """How sure it is that a text file is an exported chat."""
    head = file.read(_SNIFFED_BYTES)
    encoding = "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    errors = "replace" if encoding == "utf-16" else "surrogateescape"
    text = repaired(head.decode(encoding, errors)).removeprefix("\ufeff")
    named = _EXPORT_NAME.fullmatch(file.name) is not None or "whatsapp" in file.name.casefold()
    found: list[Header] = []
    first = None
    for number, line in enumerate(text.splitlines()[:400]):
        if line.strip() and first is None:
            first = number
        opened = header(line)
        if opened is not None:
            found.append(opened)
    if not found:
        # Named as one and unreadable: better refused than read as somebody's prose.
        exported = _EXPORT_NAME.fullmatch(file.name) is not None
        return 0.7 if exported and text.strip() else 0.0
    if named:
        return 1.0
    spoken = [h for h in found if split_author(h.rest)[0] is not None]
    opens = first is not None and header(text.splitlines()[first]) is not None
    if len(spoken) >= 2 and opens:
        return 0.9 if found[0].iphone else 0.85
    return 0.0


def _is_attachment(file: TreeFile, tree_name: str) -> bool:
    """Whether a file beside a chat came out of the chat's zip: all in it, else by its name."""
    zipped = file.folder.endswith(".zip") or (not file.folder and tree_name.endswith(".zip"))
    return zipped or _ATTACHMENT.fullmatch(file.name) is not None


def _named(tree: Tree, path: str) -> str | None:
    """Whom a chat is with, as its file or its zip says."""
    folder, _, name = path.rpartition("/")
    for candidate in (name, folder.rpartition("/")[2] or tree.name, tree.name):
        stem = candidate
        while (match := _COPY.search(stem)) is not None:
            stem = stem[: match.start()]
        if (match := _TITLE.fullmatch(stem)) is not None:
            return match[1].strip() or None
    return None


def _partner(tree: Tree, path: str, persons: frozenset[str]) -> str | None:
    """The one of two people after whom the file is named, in whatever language."""
    names = [path.rpartition("/")[2], path.rpartition("/")[0].rpartition("/")[2], tree.name]
    for candidate in names if len(persons) <= 2 else ():
        stem = candidate
        while (match := _COPY.search(stem)) is not None:
            stem = stem[: match.start()]
        stem = same_name(stem.replace("_", " ").replace(".", " "))
        if "whatsapp" not in stem:
            continue
        found = [
            p for p in persons if re.search(rf"(?:^|\W){re.escape(same_name(p))}(?:$|\W)", stem)
        ]
        if len(found) == 1:
            return found[0]
    return None


def _me_by_itself(tree: Tree, path: str, found: Survey) -> str | None:
    """The author, by what one chat alone tells."""
    if len(found.deleted_by) == 1:
        return next(iter(found.deleted_by))
    if len(found.persons) == 2:
        others = {found.notice_author} if found.iphone else set()
        for other in (*others, _partner(tree, path, found.persons)):
            if other in found.persons:
                return next(iter(found.persons - {other}))
    return None


def _me(tree: Tree, surveys: dict[str, Survey], options: ReadOptions) -> dict[str, frozenset[str]]:
    """The author's names in each chat; empty where it is not known."""
    alone = {path: _me_by_itself(tree, path, found) for path, found in surveys.items()}
    known = frozenset(name for name in alone.values() if name is not None)
    if not known and len(surveys) > 1:
        common = frozenset.intersection(*(found.persons for found in surveys.values()))
        known = common if len(common) == 1 else frozenset()
    told = {}
    for path, found in surveys.items():
        said = frozenset(name for name in found.persons if options.is_me(name))
        own = frozenset(name for name in [alone[path]] if name is not None)
        told[path] = said or own or (known & found.persons if len(known) == 1 else frozenset())
    return told


def read(tree: Tree, claim: Claim, options: ReadOptions) -> Iterator[ImportedRecord]:
    """A Chat for each file; attachments are counted as left out."""
    surveys: dict[str, Survey] = {}
    attachments: dict[str, int] = {}
    for file in tree.only(claim.files).files:
        if file.suffix != ".txt" or not _certainty(file):
            attachments[file.folder] = attachments.get(file.folder, 0) + 1
            continue
        try:
            found = survey(file, options.encoding)
        except (OSError, EOFError, LookupError, UnicodeError):
            yield Dropped("could not be read", file.path)
            continue
        if found.shape is None:
            yield Dropped("a WhatsApp chat with dates of an unknown form", file.path)
        else:
            surveys[file.path] = found
    me = _me(tree, surveys, options)
    files = {file.path: file for file in tree.files}
    for path, found in surveys.items():
        yield _chat(tree, files[path], found, me[path], options)
    for folder, count in attachments.items():
        yield Dropped(ATTACHED_FILE, folder or tree.name, count)


def _is_called(title: str, names: set[str]) -> bool:
    """Whether a chat is called as one of two people is, or by a part of the name: "Bob" is Bob
    Stone."""
    words = set(same_name(title).split())
    return any(words <= set(name.split()) or set(name.split()) <= words for name in names)


def _chat(
    tree: Tree, file: TreeFile, found: Survey, me: frozenset[str], options: ReadOptions
) -> ImportedChat:
    path = file.path
    named = _named(tree, path)
    others = sorted(found.persons - me)
    partner = others[0] if len(others) == 1 and len(found.persons) <= 2 and me else None
    title = found.group_name or partner or named or _partner(tree, path, found.persons)
    names = {same_name(name) for name in found.persons}
    group = (
        len(found.persons) > 2
        or found.group_name is not None
        or (len(found.persons) == 2 and named is not None and not _is_called(named, names))
    )
    if group:
        title = found.group_name or named
    people: dict[str, str] = {}
    chat_id = same_name(title) if title else " · ".join(sorted(names)) or path
    return ImportedChat(
        chat_id=f"whatsapp:{chat_id}",
        raw_ref=path,
        messages=messages(file, found, me, people, title if group else None, options.encoding),
        title=title,
        group=group,
        me_known=bool(me),
        people=people,
    )


IMPORTER = Importer(
    name="whatsapp",
    title="WhatsApp",
    kind="chats",
    how_to_export="In the chat: its name (iPhone) or ⋮ › More (Android), then Export chat, "
    "without media. Add the .zip or .txt as it is.",
    claims=claims,
    read=read,
)
