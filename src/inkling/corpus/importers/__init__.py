"""From a path to items: which importer reads which file, and what is left out and why.

Knows: walking folders, file types, the encoding step. Does not know: what each format means
(one module a format) or the database.
Data: path -> `read_path` -> Document | Conversation | Dropped.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from inkling.corpus.clean import decode, tidy
from inkling.corpus.document import Dropped, Item, Reader
from inkling.corpus.importers import dialog_text, html, huge, jsonl, markdown, plain

# A larger file is read in parts, each a document of its own.
WHOLE_BYTES = 16_000_000

# A file larger than this is more likely a disk image than someone's writing.
MAX_FILE_BYTES = 2_000_000_000

_READERS: dict[str, Reader] = {
    ".txt": plain.read,
    ".text": plain.read,
    ".md": markdown.read,
    ".markdown": markdown.read,
    ".html": html.read,
    ".htm": html.read,
    ".jsonl": jsonl.read,
}

SUPPORTED = ", ".join(_READERS)


def read_path(path: Path, me: str | None = None) -> Iterator[Item]:
    """Every item below a folder, or of one file, in sorted order.

    `me` is the name that the author goes by in dialogs (`me:` always counts too). Never
    raises for what is in a file: what cannot be read is a Dropped with its reason.
    """
    for file in _files(path):
        if isinstance(file, Dropped):
            yield file
        else:
            yield from _read_file(file, file.relative_to(path) if path.is_dir() else file, me)


def _files(path: Path) -> Iterator[Path | Dropped]:
    if not path.is_dir():
        yield path
        return
    unreadable: list[str] = []
    for folder, folders, names in os.walk(path, onerror=lambda e: unreadable.append(e.filename)):
        # Hidden folders (.git, .obsidian) and workspaces hold no one's writing.
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".")
            and name not in ("node_modules", "__pycache__")
            # os.path: a folder that may not be entered is left to `onerror`.
            and not os.path.exists(os.path.join(folder, name, "inkling.toml"))
        )
        for name in sorted(names):
            if not name.startswith("."):
                yield Path(folder) / name
    for name in unreadable:
        yield Dropped("no permission to read the folder", name)


def _read_file(file: Path, shown: Path, me: str | None) -> Iterator[Item]:
    reader = _READERS.get(file.suffix.lower())
    if reader is None:
        kind = file.suffix.lower() or "no extension"
        yield Dropped(f"not a text format ({kind})", str(shown))
        return
    try:
        if not file.is_file():
            yield Dropped("not a regular file", str(shown))
            return
        if file.stat().st_size > MAX_FILE_BYTES:
            yield Dropped("larger than 2 GB", str(shown))
            return
        yield from _read_text(file, str(shown), reader, me)
    except PermissionError:
        yield Dropped("no permission to read", str(shown))
        return
    except OSError as error:
        yield Dropped(f"could not be read ({(error.strerror or str(error)).lower()})", str(shown))
        return


def _read_text(file: Path, shown: str, reader: Reader, me: str | None) -> Iterator[Item]:
    if file.stat().st_size > WHOLE_BYTES and reader is not html.read:
        yield from huge.read(file, shown, reader, me)
        return
    text = decode(file.read_bytes())
    if text is None:
        yield Dropped("binary, not text", shown)
    elif not (text := tidy(text)).strip():
        yield Dropped("empty", shown)
    else:
        yield from reader(text, shown, me)


__all__ = ["SUPPORTED", "dialog_text", "read_path"]
