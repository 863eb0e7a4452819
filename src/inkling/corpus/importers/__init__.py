"""The sources that come with Inkling: one module each, with an `IMPORTER`.

Another package adds its own under the entry point group `inkling.importers`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inkling.corpus.importing.importer import ImportedRecord

BUILT_IN: tuple[str, ...] = (
    "slack",
    "substack",
    "medium",
    "wordpress",
    "ghost",
    "github_profile",
    "feed_file",
    "chatgpt",
    "claude",
    "discord_exporter",
    "discord_package",
    "docx",
    "epub",
    "google_chat",
    "imessage",
    "instagram",
    "ipynb",
    "linkedin",
    "mail",
    "messenger",
    "notion",
    "obsidian",
    "parquet",
    "pdf",
    "reddit",
    "signal",
    "static_site",
    "telegram",
    "whatsapp",
    "x_archive",
    "files",
)
"""Modules of this package. Of two that are equally sure of a file the first one gets it. Slack
has a file for each day and is known by their names alone, so it comes before those that open files.
"""


def read_path(path: Path, me: str | None = None) -> Iterator[ImportedRecord]:
    """Every record of a file, folder or zip, in the order of its importers, without what is only
    to be told.

    `me` is the name that the author goes by in dialogs (`me:` always counts too). Never raises
    for what is in a file: what cannot be read is a Dropped with its reason.
    """
    from inkling.corpus.importing.importer import Note, ReadOptions
    from inkling.corpus.importing.source import open_source

    with open_source(path) as source:
        for record in source.records(ReadOptions.of([me] if me is not None else [])):
            if not isinstance(record, Note):
                yield record
