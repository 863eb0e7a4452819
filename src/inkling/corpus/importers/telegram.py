"""Telegram: what Telegram Desktop exports as "machine-readable JSON", one chat or all.

Knows: where chats stand in `result.json`, and how an HTML export looks. Does not know: messages
(`telegram_messages`), how JSON is streamed.
Data: Tree -> Claim -> `JsonStream` -> one Chat a conversation.

Source: telegramdesktop/tdesktop, `export_output_json.cpp`. A chat's name, type and id stand in
front of its messages, and who exported it in front of all chats.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

from msgspec import UNSET

from inkling.corpus.document import Dropped
from inkling.corpus.importers.telegram_messages import (
    About,
    TelegramMessage,
    author_of,
    chat_messages,
    is_said,
)
from inkling.corpus.importing.importer import (
    ATTACHED_FILE,
    Claim,
    ImportedChat,
    ImportedRecord,
    Importer,
    ReadOptions,
)
from inkling.corpus.importing.json_stream import JsonStream, valid_text
from inkling.corpus.importing.tree import Tree, TreeFile

_SNIFFED_BYTES = 65_536
_TYPES = (
    "personal_chat|bot_chat|saved_messages|private_group|private_supergroup|"
    "public_supergroup|private_channel|public_channel"
)
_ONE_CHAT = re.compile(rf'"type"\s{{0,9}}:\s{{0,9}}"(?:{_TYPES})"')
_ALL_CHATS = re.compile(
    r'"about"\s{0,9}:\s{0,9}"[^"]{0,400}Telegram'
    r'|"personal_information"\s{0,9}:\s{0,9}\{\s{0,40}"user_id"'
)
_HTML_NAME = re.compile(r"messages\d*\.html|export_results\.html")
# Folders that an export keeps its files in, and those of the HTML form.
_MEDIA_FOLDERS = frozenset(
    [
        *("photos", "video_files", "voice_messages", "round_video_messages", "stickers", "files"),
        *("profile_pictures", "contacts", "chats", "stories", "css", "js", "images", "lists"),
    ]
)
# Enough of a chat to know its people by.
_LOOKED_AHEAD = 500
_HOW = (
    "In Telegram Desktop: the chat's ⋮ menu › Export chat history (or Settings › Advanced › Export "
    "Telegram data for all chats), format “Machine-readable JSON”, no media. Add result.json."
)


def claims(tree: Tree) -> Iterator[Claim]:
    """One claim for each result.json, and one for an HTML export, to refuse it."""
    for file in tree.files:
        title = _title(file)
        if title is not None:
            yield Claim(_beside(tree, file), 1.0, title)
        elif _HTML_NAME.fullmatch(file.name) and b"page_wrap" in file.read(_SNIFFED_BYTES):
            yield Claim(_beside(tree, file), 1.0, "Telegram export as HTML")


def _title(file: TreeFile) -> str | None:
    """What a JSON file is called where it is an export of Telegram's."""
    if file.suffix != ".json":
        return None
    head = file.read(_SNIFFED_BYTES).decode("utf-8", "replace")
    if _ALL_CHATS.search(head) is not None:
        return "Telegram export, all chats"
    one = _ONE_CHAT.search(head) is not None and '"messages"' in head
    return "Telegram chat" if one else None


def _beside(tree: Tree, found: TreeFile) -> frozenset[str]:
    """A file and the media that its export has put beside it."""
    prefix = f"{found.folder}/" if found.folder else ""
    return frozenset(
        file.path
        for file in tree.files
        if file is found
        or (
            file.path.startswith(prefix)
            and "/" in (rest := file.path[len(prefix) :])
            and rest.partition("/")[0] in _MEDIA_FOLDERS
            and _HTML_NAME.fullmatch(file.name) is None
        )
    )


def read(tree: Tree, claim: Claim, options: ReadOptions) -> Iterator[ImportedRecord]:
    """A Chat for each conversation. A chat's messages are read from the file as they are gone
    through; those that nobody asked for are passed over."""
    attached = 0
    for file in tree.only(claim.files).files:
        if _HTML_NAME.fullmatch(file.name):
            yield Dropped(f"Telegram as HTML; export it again. {IMPORTER.how_to_export}", file.path)
        elif _title(file) is None:
            attached += 1
        else:
            yield from _file(file, options)
    if attached:
        yield Dropped(ATTACHED_FILE, tree.name, attached)


def _file(file: TreeFile, options: ReadOptions) -> Iterator[ImportedRecord]:
    try:
        with file.open() as stream:
            json = JsonStream(stream)
            yield from _root(json, file.path, options)
            if json.damaged:
                yield Dropped("the rest of the file could not be read", file.path)
    except (OSError, EOFError):
        yield Dropped("the rest of the file could not be read", file.path)


def _root(json: JsonStream, path: str, options: ReadOptions) -> Iterator[ImportedRecord]:
    """One chat, or the lists `chats` and `left_chats`; groups that one has left count too."""
    reader = _Reader(json, path, options)
    for key in json.fields():
        if key == "personal_information":
            information = json.value()
            if isinstance(information, dict) and information.get("user_id") is not None:
                reader.me = f"user{information['user_id']}"
        elif key in ("chats", "left_chats"):
            for inner in json.fields():
                if inner == "list":
                    for _ in json.elements():
                        yield from reader.chat()
        else:
            yield from reader.field(key)


class _Reader:
    """Reads chats out of one stream."""

    def __init__(self, json: JsonStream, path: str, options: ReadOptions) -> None:
        self.me: str | None = None
        self._json = json
        self._path = path
        self._options = options
        self._about = About()

    def chat(self) -> Iterator[ImportedChat]:
        """The chat that is the value at this place."""
        self._about = About()
        for key in self._json.fields():
            yield from self.field(key)

    def field(self, key: str) -> Iterator[ImportedChat]:
        """One field of a chat; its messages make the chat."""
        about = self._about
        if key == "messages":
            yield from self._messages(about)
        elif key in ("name", "type", "id"):
            value = self._json.value()
            if isinstance(value, (str, int)):
                setattr(about, key, valid_text(str(value)))

    def _messages(self, about: About) -> Iterator[ImportedChat]:
        items = self._json.items(TelegramMessage)
        ahead = list(islice(items, _LOOKED_AHEAD))
        authors = {author_of(item) for item in ahead if isinstance(item, TelegramMessage)}
        said = any(is_said(self._options, *author) for author in authors)
        me = None if said else self.me or _me(about, ahead)
        people: dict[str, str] = {}
        messages = chat_messages(chain(ahead, items), about, me, people, self._path, self._options)
        kind = about.type.rpartition("_")[2]
        yield ImportedChat(
            chat_id=f"telegram:{_space(about.type)}{about.id or about.name or ''}",
            raw_ref=self._path,
            messages=messages,
            title=about.name or ("Saved Messages" if about.type == "saved_messages" else None),
            group=kind in ("group", "supergroup", "channel"),
            me_known=said or me is not None,
            people=people,
        )
        for _ in messages:  # what the caller has not gone through
            pass


def _space(type_: str) -> str:
    """Ids of people, of basic groups and of channels are counted apart."""
    if type_.endswith(("channel", "supergroup")):
        return "channel"
    return "group" if type_.endswith("group") else "user"


def _me(about: About, ahead: list[Any]) -> str | None:
    """The author's id where the export of one chat tells it.

    A personal chat's id is the other person's; in Saved Messages one speaks to oneself.
    """
    messages = [i for i in ahead if isinstance(i, TelegramMessage) and i.type == "message"]
    authors = {author_of(item)[0] for item in messages if item.forwarded_from is UNSET}
    authors.discard(None)
    if about.type == "saved_messages" and len(authors) == 1:
        return next(iter(authors))
    if about.type == "personal_chat" and 1 <= len(authors) <= 2:
        others = authors - {f"user{about.id}"}
        if len(others) < len(authors) or all(isinstance(item.from_id, str) for item in messages):
            return next(iter(others)) if len(others) == 1 else None
    return None


IMPORTER = Importer(
    name="telegram",
    title="Telegram",
    kind="chats",
    how_to_export=_HOW,
    claims=claims,
    read=read,
)
