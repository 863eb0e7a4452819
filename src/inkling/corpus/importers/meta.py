"""What Messenger and Instagram exports share: threads in folders, newest first, odd encoding.

Knows: `messages/<box>/<thread>/message_N.json`, the flat files of end-to-end encrypted chats,
strings that are UTF-8 written as Latin-1, who is in every thread. Does not know: which of the
two programs an archive is from (`messenger`, `instagram`).
Data: Tree -> `threads` -> Thread -> `chats` -> Chat.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from inkling.corpus.document import Dropped
from inkling.corpus.importers.meta_messages import messages, repaired
from inkling.corpus.importing.importer import (
    ATTACHED_FILE,
    ImportedChat,
    ImportedRecord,
    ReadOptions,
    same_name,
)
from inkling.corpus.importing.json_stream import JsonStream
from inkling.corpus.importing.tree import Tree, TreeFile

_SNIFFED_BYTES = 16_384
_PART = re.compile(r"message_(\d{1,6})\.json", re.IGNORECASE)
_PAGE = re.compile(r"message_\d{1,6}\.html", re.IGNORECASE)
_PROFILE = ("profile_information.json", "personal_information.json")
_MEDIA_FOLDERS = frozenset(("photos", "videos", "audio", "gifs", "files", "stickers_used", "media"))
_PROFILE_BYTES = 4_000_000


@dataclass(frozen=True)
class Thread:
    """The files of one conversation."""

    folder: str
    files: tuple[TreeFile, ...]
    """Oldest first: the one with the highest number is."""
    participants: tuple[str, ...] = ()
    title: str | None = None
    path: str | None = None
    """The platform's own name for it, `inbox/cleo_1234`."""
    many: bool = False
    """A group, as the platform says."""

    @property
    def alone(self) -> bool:
        """A file by itself: of the archive of end-to-end encrypted chats, or one that was
        renamed."""
        return _PART.fullmatch(self.files[0].name) is None


@dataclass
class Archive:
    """What of a tree belongs to these programs, by path."""

    threads: list[Thread] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)
    """HTML instead of JSON."""
    attachments: list[str] = field(default_factory=list)
    profiles: list[TreeFile] = field(default_factory=list)

    @property
    def paths(self) -> frozenset[str]:
        parts = [file.path for thread in self.threads for file in thread.files]
        profiles = [file.path for file in self.profiles]
        return frozenset([*parts, *self.pages, *self.attachments, *profiles])


def archive(tree: Tree) -> Archive:
    """The threads of a tree; reads the beginnings of files that may be some."""
    found = Archive()
    folders: dict[str, list[tuple[int, TreeFile]]] = {}
    for file in tree.files:
        part = _PART.fullmatch(file.name)
        if part is not None and _is_thread(file):
            folders.setdefault(file.folder, []).append((int(part[1]), file))
        elif _PAGE.fullmatch(file.name) and _is_page(file):
            found.pages.append(file.path)
        elif file.suffix == ".json" and part is None and _is_alone(file):
            found.threads.append(Thread(file.folder, (file,)))
    for folder, parts in folders.items():
        ordered = tuple(file for _, file in sorted(parts, key=lambda part: -part[0]))
        found.threads.append(Thread(folder, ordered))
    if found.threads or found.pages:
        _add_the_rest(tree, found)
    return found


def _add_the_rest(tree: Tree, found: Archive) -> None:
    """Media of the threads, and the files that say whose archive it is."""
    taken = found.paths
    owners = {thread.folder for thread in found.threads}
    owners |= {path.rpartition("/")[0] for path in found.pages}
    # A folder of such files may be anyone's; one of a thread holds nothing else.
    whole = {thread.folder for thread in found.threads if not thread.alone}
    for file in tree.files:
        above, _, last = file.folder.rpartition("/")
        if file.path in taken:
            continue
        if file.name in _PROFILE:
            found.profiles.append(file)
        elif file.folder in whole or (last in _MEDIA_FOLDERS and above in owners):
            found.attachments.append(file.path)


def _head(file: TreeFile) -> str:
    return file.read(_SNIFFED_BYTES).decode("utf-8", "replace")


def _is_thread(file: TreeFile) -> bool:
    head = _head(file)
    return '"participants"' in head and ('"sender_name"' in head or '"messages"' in head)


def _is_alone(file: TreeFile) -> bool:
    head = _head(file)
    if '"senderName"' in head:
        return '"threadName"' in head or '"participants"' in head
    return '"participants"' in head and '"sender_name"' in head and '"timestamp_ms"' in head


def _is_page(file: TreeFile) -> bool:
    return "<html" in _head(file).casefold()


def surveyed(thread: Thread) -> Thread:
    """A thread with what its newest file says beside the messages."""
    participants: list[str] = []
    title = path = None
    many = False
    with thread.files[-1].open() as stream:
        pulled = JsonStream(stream)
        for key in pulled.fields():
            if key == "participants":
                for item in pulled.items():
                    name = item.get("name") if isinstance(item, dict) else item
                    if isinstance(name, str) and len(participants) < 10_000:
                        participants.append(repaired(name))
            elif key in ("title", "threadName", "thread_path", "thread_type"):
                value = pulled.value()
                if not isinstance(value, str):
                    continue
                value = repaired(value)
                if key == "thread_path":
                    path = value
                elif key == "thread_type":
                    many = value == "RegularGroup"
                else:
                    title = value if key == "title" else re.sub(r"_\d{1,9}$", "", value)
    return replace(
        thread, participants=tuple(participants), title=title or None, path=path, many=many
    )


def author_of(threads: Iterable[Thread], profiles: Iterable[TreeFile]) -> str | None:
    """Whose archive it is: the person that the profile names, else the one in every thread."""
    people = [frozenset(thread.participants) for thread in threads if thread.participants]
    everyone = frozenset().union(*people)
    for profile in profiles:
        named = {same_name(text) for text in _strings(profile)}
        found = [name for name in everyone if same_name(name) in named]
        if len(found) == 1:
            return found[0]
    counts = Counter(name for names in people for name in names).most_common(2)
    if len(people) < 2 or not counts:
        return None
    name, most = counts[0]
    second = counts[1][1] if len(counts) > 1 else 0
    # Of a group that someone has left, they are no participant any more.
    nearly_all = most == len(people) or (len(people) >= 5 and most >= 0.8 * len(people))
    return name if nearly_all and most > second else None


def _strings(profile: TreeFile) -> Iterator[str]:
    """All strings of a small JSON file."""
    if profile.size > _PROFILE_BYTES:
        return
    try:
        waiting: list[Any] = [json.loads(profile.read(_PROFILE_BYTES))]
    except (ValueError, RecursionError, OSError):
        return
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield repaired(value)
        elif isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def chats(
    found: Archive, source: str, title: str, how_to_export: str, options: ReadOptions
) -> Iterator[ImportedRecord]:
    """A Chat for each thread."""
    threads = []
    for thread in found.threads:
        try:
            threads.append(surveyed(thread))
        except (OSError, EOFError):
            yield Dropped("could not be read", thread.files[-1].path)
    author = author_of(threads, found.profiles)
    for thread in threads:
        yield _chat(thread, author, source, options)
    for path in found.pages:
        yield Dropped(f"{title} as HTML; export it again as JSON. {how_to_export}", path)
    for name, count in (
        (ATTACHED_FILE, len(found.attachments)),
        ("facts about the account", len(found.profiles)),
    ):
        if count:
            yield Dropped(name, source, count)


def _chat(thread: Thread, author: str | None, source: str, options: ReadOptions) -> ImportedChat:
    said = frozenset(name for name in thread.participants if options.is_me(name))
    known = frozenset(name for name in [author] if name is not None)
    me = said or known
    others = [name for name in thread.participants if name not in me]
    place = thread.path or ("" if thread.alone else thread.folder)
    name = place.rstrip("/").rpartition("/")[2]
    if not name:
        name = same_name(thread.title or " · ".join(sorted(thread.participants)))
    people: dict[str, str] = {}
    return ImportedChat(
        chat_id=f"{source}:{name}",
        raw_ref=thread.files[-1].path if thread.alone else thread.folder,
        messages=messages(thread.files, me, people, options),
        title=thread.title or (", ".join(others[:3]) or None),
        group=thread.many or len(thread.participants) > 2,
        me_known=bool(me),
        people=people,
    )
