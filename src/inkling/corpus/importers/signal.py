"""Signal in three shapes: its own plaintext export, signal-export's folders, sigtop's text.

Knows: which files are whose. Does not know: what stands in them
(`importing.signal_frames`, `importing.signal_texts`).
Data: Tree -> one Chat a conversation, streamed.
"""

from __future__ import annotations

from collections.abc import Iterator

from inkling.corpus.document import Dropped, Message
from inkling.corpus.importers.pieces import notes_of
from inkling.corpus.importing import signal_frames
from inkling.corpus.importing.charset import Charset
from inkling.corpus.importing.importer import (
    Claim,
    ImportedChat,
    ImportedRecord,
    Importer,
    ReadOptions,
)
from inkling.corpus.importing.json_items import head_of
from inkling.corpus.importing.leftovers import beside, left_out
from inkling.corpus.importing.signal_texts import (
    MARKDOWN_HEADER,
    markdown_messages,
    sigtop_messages,
)
from inkling.corpus.importing.text_lines import charset_of, lines
from inkling.corpus.importing.tree import Tree, TreeFile

_OWN_FILES = ("metadata.json", "files/*")
_EXPORTER_FILES = ("data.json", "index.html", "chat.html", "index.md", "media/*")


def _is_frames(file: TreeFile) -> bool:
    if file.name != "main.jsonl":
        return False
    head = head_of(file, 200_000)
    return b'"chatItem"' in head or b'"recipient"' in head or b'"backupTimeMs"' in head


def _is_markdown(file: TreeFile) -> bool:
    if file.suffix != ".md":
        return False
    head = head_of(file, 2000).decode("utf-8-sig", "replace")
    return MARKDOWN_HEADER.match(head.lstrip()) is not None


def _is_sigtop(file: TreeFile) -> bool:
    if file.suffix != ".txt":
        return False
    head = head_of(file, 4000).decode("utf-8-sig", "replace").replace("\r\n", "\n")
    return head.startswith("Conversation: ") and ("\n\nFrom: " in head or "\n\nType: " in head)


def _claims(tree: Tree) -> Iterator[Claim]:
    for file in tree.files:
        if _is_frames(file):
            others = beside(tree, file.folder, _OWN_FILES)
            yield Claim(frozenset((file.path, *others)), 1.0, "Signal export")
        elif _is_markdown(file):
            # A folder of notes may hold such a file: take what lies beside it only in a folder
            # that the exporter made for this chat.
            listed = any(tree.get(name) for name in ("data.json", "index.html"))
            made = file.name == "chat.md" and (file.folder or listed)
            others = beside(tree, file.folder, _EXPORTER_FILES) if made else iter(())
            yield Claim(frozenset((file.path, *others)), 0.95, f"Signal chat {_title(file)}")
        elif _is_sigtop(file):
            yield Claim(frozenset((file.path,)), 1.0, f"Signal chat {_title(file)}")


def _title(file: TreeFile) -> str:
    """signal-export calls the folder as the chat, sigtop the file: `Cleo (+1 555 0101).txt`."""
    if file.name == "chat.md" and file.folder:
        return file.folder.rpartition("/")[2]
    return file.name.rpartition(".")[0]


def _read(tree: Tree, claim: Claim, options: ReadOptions) -> Iterator[ImportedRecord]:
    read = []
    for file in tree.only(claim.files).files:
        frames = _is_frames(file)
        if frames or _is_markdown(file) or _is_sigtop(file):
            read.append(file.path)
            charset = charset_of(file, options.encoding)
            yield from notes_of(charset.notes, file.path)
            if frames:
                yield from signal_frames.chats(lines(file, charset), file.path)
            else:
                yield _chat(file, charset, tree.holder)
    yield from left_out(claim, read, "attachment or another copy of the chat")


def _chat(file: TreeFile, charset: Charset, holder: str) -> ImportedChat:
    people: dict[str, str] = {}
    others = {
        m.author_id for m in _messages(file, charset) if isinstance(m, Message) and not m.is_me
    }
    title = _title(file)
    if title == "chat":
        # Named without its folder, which is called as the other person.
        title = next(iter(others)) if len(others) == 1 else holder or title
    return ImportedChat(
        f"signal-{title}",
        file.path,
        _named(_messages(file, charset), people),
        title=title,
        group=len(others) > 1,
        people=people,
    )


def _messages(file: TreeFile, charset: Charset) -> Iterator[Message | Dropped]:
    source = lines(file, charset)
    if file.suffix == ".md":
        return markdown_messages(source, file.path)
    return sigtop_messages(source, file.path)


def _named(
    messages: Iterator[Message | Dropped], people: dict[str, str]
) -> Iterator[Message | Dropped]:
    for message in messages:
        if isinstance(message, Message):
            people.setdefault(message.author_id, message.author_id)
        yield message


IMPORTER = Importer(
    name="signal",
    title="Signal",
    kind="chats",
    how_to_export=(
        "Signal Desktop: Settings > Chats > Export chats as plain text. Or use signal-export "
        "(chat.md files) or sigtop (sigtop export-messages)."
    ),
    claims=_claims,
    read=_read,
)
