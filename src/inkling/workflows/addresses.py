"""Addresses of the web as sources: what was typed, and what is published there, fetched once.

Knows: when something typed is an address, where a workspace remembers what was fetched. Does not
know: how a site is read (corpus.crawling), what is stored (workflows.add).
Data: address -> `Crawls.fetch` -> records, which a preview and the import after it share.

All of an address is fetched before any of it is stored: at a page a second a crawl takes minutes,
in which nobody else could write to the corpus.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from inkling.corpus.crawling.crawl import publication, web_address
from inkling.corpus.crawling.fetching import NOT_YET
from inkling.corpus.crawling.state import CrawlState
from inkling.corpus.document import Document, Dropped
from inkling.corpus.importers.pieces import OTHERS
from inkling.corpus.importing.archive import shown
from inkling.corpus.importing.importer import Importer, ReadOptions
from inkling.corpus.importing.registry import importer_called
from inkling.corpus.own_names import OwnNames
from inkling.corpus.records import AddResult
from inkling.corpus.store import CorpusStore
from inkling.errors import UsageError
from inkling.workspace import Workspace

Target = Path | str
"""What is added: a path of the machine, or an address in the form that names it."""

LIVE = ("substack", "feed", "github")
"""Importers of what an address may turn out to be."""


@dataclass(frozen=True)
class FetchedAddress:
    """What is published at an address."""

    importer: Importer
    records: tuple[Document | Dropped, ...]

    @property
    def whole(self) -> bool:
        """Whether nothing was left for another time."""
        return not any(isinstance(r, Dropped) and r.reason == NOT_YET for r in self.records)


def target_of(written: str | Path) -> Target:
    """A path where there is something at it, else an address where it can be one, else a path."""
    path = Path(written)
    address = web_address(written) if isinstance(written, str) else None
    if address is None or ("://" not in str(written) and path.exists()):
        return path
    return address


def source_name(target: Target) -> str:
    """What a source is called: its address, or its absolute path as valid Unicode."""
    return target if isinstance(target, str) else shown(str(target.resolve()))


def short_name(target: Target) -> str:
    """The same in a word: the name of a file or folder, of a profile or a publication."""
    if isinstance(target, Path):
        return shown(target.resolve().stem)
    parts = urlsplit(target)
    host = (parts.hostname or "").removeprefix("www.")
    return parts.path.strip("/") if host == "github.com" else host.partition(".")[0]


def check_targets(targets: Iterable[Target], importer: Importer | None = None) -> None:
    """Raises UsageError naming the first path that is not there, or where `importer` was said for
    an address."""
    for target in targets:
        if isinstance(target, str):
            if importer is not None:
                raise UsageError(f"--as is for files: what {target} is, its answers tell.")
        elif not target.exists() and not target.is_symlink():
            raise UsageError(
                f"There is nothing at {shown(str(target))}. Check the spelling of the path."
            )


class Crawls:
    """What addresses gave; each is fetched once, however often it is asked for."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._fetched: dict[tuple[str, ReadOptions], FetchedAddress] = {}

    def fetch(
        self, address: str, options: ReadOptions, on_page: Callable[[int, int], None]
    ) -> FetchedAddress:
        """Everything at an address; what was fetched in an earlier crawl is not fetched again.

        Raises CorpusError where nothing can be fetched at all, OSError where it cannot be kept.
        """
        key = (address, options)
        if key not in self._fetched:
            state = CrawlState(self._workspace.crawl_path(address))
            found = publication(address, options, state, on_page=on_page)
            importer = importer_called(found.importer)
            self._fetched[key] = FetchedAddress(importer, tuple(found.records))
        return self._fetched[key]

    def stored(self, address: str, fetched: FetchedAddress) -> None:
        """What an address gave is in the corpus: the next crawl asks again for what may change."""
        if fetched.whole:
            CrawlState(self._workspace.crawl_path(address)).finished()


def names_in(remembered: OwnNames) -> tuple[str, ...]:
    """The author's names as they may stand beside what an address publishes."""
    return tuple(dict.fromkeys(name for importer in LIVE for name in remembered.of(importer)))


def add_fetched(
    store: CorpusStore,
    address: str,
    fetched: FetchedAddress,
    me: Sequence[str],
    waiting: Callable[[], None] | None,
) -> AddResult:
    """Store what an address gave; `me` are the names that were told, remembered if they fit."""
    result = store.add(address, fetched.importer.name, fetched.records, waiting)
    if me and result.dropped[OTHERS]:
        store.remember_names(fetched.importer.name, me, waiting)
    return result
