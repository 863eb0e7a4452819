"""What is imported at once, in two steps: what would be added, and adding it.

Knows: files that were sent, as sources that are called as the file or folder is, so that what is
sent again is known again; addresses. Does not know: how files are sent, who is asked between the
two steps.
Data: `ImportBatch.preview` -> previews by source; `ImportBatch.add` -> results by source.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Literal, Protocol

from inkling.corpus.importing.archive import shown
from inkling.corpus.importing.importer import Importer, ReadOptions
from inkling.corpus.importing.preview import SourcePreview, fetched_preview, previews
from inkling.corpus.importing.source import OpenSource, open_held_source
from inkling.corpus.own_names import OwnNames
from inkling.corpus.records import AddResult
from inkling.corpus.store import CorpusStore
from inkling.workflows.add import AddOptions, masking_of
from inkling.workflows.add_source import NamedSource, add_source
from inkling.workflows.addresses import Crawls, FetchedAddress, add_fetched
from inkling.workflows.import_progress import ImportMeter, ImportProgress
from inkling.workspace import Workspace

ImportTold = Callable[[ImportProgress], None]

Told = Literal["source", "encoding", "me"]
"""What a person can say about a source: which it is, how its text is encoded, who they are."""

_BESIDE = ("-wal", "-shm", "-journal")
"""Ends of the names of files that SQLite keeps beside a database."""


class ImportBatch(Protocol):
    """Sources that are read, asked about and stored together."""

    @property
    def sizes(self) -> Mapping[str, int]:
        """How much each source has to be read, by its name, in the order of reading."""
        ...

    @property
    def takes(self) -> Sequence[Told]:
        """What a person can say about it where it was not read right."""
        ...

    def preview(
        self, options: AddOptions, told: ImportTold
    ) -> Iterator[tuple[str, list[SourcePreview]]]:
        """What would be added of each source, read as a person said."""
        ...

    def add(
        self,
        names: Mapping[str, Sequence[str]],
        options: AddOptions,
        told: ImportTold,
        waiting: Callable[[], None],
    ) -> Iterator[tuple[str, AddResult]]:
        """Remember the author's `names`, by importer, beside those that are known, and store each
        source as it was previewed. A source that is stored stays. `waiting` is called every second
        while another process writes to the corpus."""
        ...


@dataclass(frozen=True)
class SentSource:
    """A file, or the files of a folder."""

    name: str
    """As it was called where it came from. Only shown: nothing is opened under it."""
    files: Mapping[str, Path]
    """Where each file lies, by its path in the folder; of one file by its name."""

    @property
    def shown_name(self) -> str:
        """What the source is called: the name as valid Unicode on one line."""
        return shown(self.name)

    @property
    def kind(self) -> str:
        """Of a source that no importer of its own reads."""
        if self.files.keys() != {self.name}:
            return "folder"
        return shown(PurePosixPath(self.name).suffix.lstrip(".")) or "file"


def sources_of(paths: Mapping[str, Path]) -> list[SentSource]:
    """What was sent together: each folder is a source, and each file that lies in none, with those
    that a database needs beside it."""
    found: dict[str, dict[str, Path]] = {}
    for path, place in paths.items():
        top, slash, rest = path.partition("/")
        owner = next((base for end in _BESIDE if (base := top.removesuffix(end)) in paths), top)
        found.setdefault(top if slash else owner, {})[rest or path] = place
    return [SentSource(name, files) for name, files in found.items()]


@dataclass(frozen=True)
class SentBatch:
    """Files that were sent."""

    workspace: Workspace
    sources: Sequence[SentSource]
    sizes: Mapping[str, int]

    @property
    def takes(self) -> Sequence[Told]:
        """As `ImportBatch.takes`."""
        return ("source", "encoding", "me")

    def preview(
        self, options: AddOptions, told: ImportTold
    ) -> Iterator[tuple[str, list[SourcePreview]]]:
        """As `ImportBatch.preview`."""
        with CorpusStore(self.workspace.corpus_path) as store:
            remembered = store.own_names()
            masking = masking_of(self.workspace, store)
        for source in self.sources:
            with self._opened(source, options, told) as (opened, _):
                found = previews(
                    opened, lambda reader: options.read_options(reader, remembered), masking
                )
                yield source.shown_name, list(found)

    def add(
        self,
        names: Mapping[str, Sequence[str]],
        options: AddOptions,
        told: ImportTold,
        waiting: Callable[[], None],
    ) -> Iterator[tuple[str, AddResult]]:
        """As `ImportBatch.add`."""

        def read_options(reader: Importer) -> ReadOptions:
            chosen = names.get(reader.name, ()) if options.me else ()
            said = replace(options, me=(*options.me, *chosen))
            return said.read_options(reader, remembered)

        with CorpusStore(self.workspace.corpus_path) as store:
            remembered = remember(store, names, waiting)
            for source in self.sources:
                with self._opened(source, options, told) as (opened, meter):
                    named = NamedSource(source.shown_name, source.kind, opened)
                    result = add_source(store, named, options.me, read_options, meter, waiting)
                yield source.shown_name, result

    @contextlib.contextmanager
    def _opened(
        self, source: SentSource, options: AddOptions, told: ImportTold
    ) -> Iterator[tuple[OpenSource, ImportMeter]]:
        meter = ImportMeter(source.shown_name, told)
        with open_held_source(source.name, source.files, options.importer, meter.read) as opened:
            meter.begin(opened.size)
            yield opened, meter


class AddressBatch:
    """An address of the web. What the preview fetched is what is added."""

    def __init__(self, workspace: Workspace, address: str) -> None:
        """`address` is in the form that names it (`web_address`)."""
        self.sizes: Mapping[str, int] = {address: 1}
        self._workspace, self._address = workspace, address
        self._crawls = Crawls(workspace)
        self._fetched: FetchedAddress | None = None

    @property
    def takes(self) -> Sequence[Told]:
        """As `ImportBatch.takes`: what an address is, its answers tell."""
        return ("me",)

    def preview(
        self, options: AddOptions, told: ImportTold
    ) -> Iterator[tuple[str, list[SourcePreview]]]:
        """As `ImportBatch.preview`. Raises CorpusError where the address answers nothing."""
        with CorpusStore(self._workspace.corpus_path) as store:
            said = options.crawl_options(store.own_names())
            masking = masking_of(self._workspace, store)
        meter = ImportMeter(self._address, told)
        self._fetched = self._crawls.fetch(self._address, said, meter.pages)
        importer, records = self._fetched.importer, self._fetched.records
        yield self._address, [fetched_preview(importer, self._address, records, masking)]

    def add(
        self,
        names: Mapping[str, Sequence[str]],
        options: AddOptions,
        told: ImportTold,
        waiting: Callable[[], None],
    ) -> Iterator[tuple[str, AddResult]]:
        """As `ImportBatch.add`, of what was previewed. Nobody speaks there, and what was never
        published is not to be found."""
        assert self._fetched is not None
        with CorpusStore(self._workspace.corpus_path) as store:
            result = add_fetched(store, self._address, self._fetched, options.me, waiting)
        self._crawls.stored(self._address, self._fetched)
        yield self._address, result


def remember(
    store: CorpusStore, names: Mapping[str, Sequence[str]], waiting: Callable[[], None]
) -> OwnNames:
    """Keep names beside those that are known for the same importer; all there are now."""
    held = store.own_names()
    for importer, chosen in names.items():
        known = held.by_importer.get(importer, ())
        store.remember_names(importer, dict.fromkeys([*known, *chosen]), waiting)
    return store.own_names()
