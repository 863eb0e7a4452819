"""Writing and dialogs into a workspace, from paths and addresses of every known source.

Knows: the way from paths to results; who "me" is: what was given, else what was remembered, else
what the source tells. Does not know: formats, the terminal.
Data: paths and addresses -> `add` -> results by source; `preview` counts the
same without storing it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from inkling.corpus.exclusion import REMOVED
from inkling.corpus.importers.files import SUPPORTED
from inkling.corpus.importing.archive import shown
from inkling.corpus.importing.charset import known_encoding
from inkling.corpus.importing.importer import Importer, ReadOptions
from inkling.corpus.importing.preview import (
    SourcePreview,
    fetched_preview,
    previews,
)
from inkling.corpus.importing.registry import importer_called
from inkling.corpus.importing.source import Claims, open_source
from inkling.corpus.masking.masking import Masking
from inkling.corpus.own_names import OwnNames
from inkling.corpus.records import AddResult
from inkling.corpus.store import CorpusStore
from inkling.errors import CorpusError, UsageError
from inkling.settings import corpus_settings
from inkling.workflows.add_source import NamedSource, add_source
from inkling.workflows.addresses import (
    Crawls,
    Target,
    add_fetched,
    check_targets,
    names_in,
    source_name,
    target_of,
)
from inkling.workflows.import_progress import ImportMeter, ImportProgress
from inkling.workflows.names import refuse_unknown_me, with_option
from inkling.workspace import Workspace


@dataclass(frozen=True)
class AddOptions:
    """What a person says about what is added, checked."""

    me: tuple[str, ...] = ()
    importer: Importer | None = None
    encoding: str | None = None
    drafts: bool = False

    @classmethod
    def of(
        cls,
        me: str | Sequence[str] | None = None,
        importer: str | None = None,
        encoding: str | None = None,
        drafts: bool = False,
    ) -> AddOptions:
        """Raises UsageError for a blank name and for a source or an encoding that there is not."""
        names = (me,) if isinstance(me, str) else tuple(me or ())
        if any(not name.strip() for name in names):
            raise UsageError("--me needs a name, e.g. --me Wilma.")
        return cls(
            tuple(name.strip() for name in names),
            importer_called(importer) if importer is not None else None,
            known_encoding(encoding) if encoding is not None else None,
            drafts,
        )

    def read_options(self, importer: Importer, remembered: OwnNames) -> ReadOptions:
        """What an importer gets: the names given, else those remembered for it."""
        names = self.me or remembered.of(importer.name)
        return ReadOptions.of(names, self.encoding, self.drafts)

    def crawl_options(self, remembered: OwnNames) -> ReadOptions:
        """The same for an address, of which it is not known yet what it is."""
        return ReadOptions.of(self.me or names_in(remembered), self.encoding, self.drafts)


def add(
    workspace: Workspace,
    paths: Sequence[Path | str],
    *,
    me: str | Sequence[str] | None = None,
    importer: str | None = None,
    encoding: str | None = None,
    drafts: bool = False,
    progress: Callable[[ImportProgress], None] = lambda progress: None,
    waiting: Callable[[], None] | None = None,
    crawls: Crawls | None = None,
) -> dict[str, AddResult]:
    """Import each path and each address of the web as a source; what is there already is not added
    twice. The results, by absolute path or by address.

    `me` are the author's names in chats and dialogs; where they fit, they are remembered for the
    source. `importer` names the source instead of detecting it, `encoding` that of text files;
    with `drafts` also what was never published is read. Where another process writes to the
    corpus, `waiting` is called every second until that has ended; without it, this fails after
    ten. `crawls` holds what a `preview` fetched already.

    Raises UsageError for a path that does not exist and where it is not known who the author is,
    before anything is stored; CorpusError where nothing at all was readable, or an address
    answers nothing.
    """
    options = AddOptions.of(me, importer, encoding, drafts)
    targets = list(dict.fromkeys(map(target_of, paths)))
    check_targets(targets, options.importer)
    results: dict[str, AddResult] = {}
    crawls = crawls or Crawls(workspace)
    with CorpusStore(workspace.corpus_path) as store:
        remembered = store.own_names()
        claims = {
            target: refuse_unknown_me(
                target,
                options.importer,
                lambda reader: options.read_options(reader, remembered),
            )
            for target in targets
            if isinstance(target, Path)
        }
        fetched = {
            target: crawls.fetch(
                target, options.crawl_options(remembered), ImportMeter(target, progress).pages
            )
            for target in targets
            if isinstance(target, str)
        }
        for target in targets:
            if isinstance(target, str):
                result = add_fetched(store, target, fetched[target], options.me, waiting)
                crawls.stored(target, fetched[target])
            else:
                result = _add_one(
                    store, target, claims[target], options, remembered, progress, waiting
                )
            results[source_name(target)] = result
    if not any(_gave_something(result) for result in results.values()):
        raise CorpusError(_nothing(targets, results))
    return results


def preview(
    workspace: Workspace,
    paths: Sequence[Path | str],
    options: AddOptions,
    progress: Callable[[ImportProgress], None] = lambda progress: None,
    crawls: Crawls | None = None,
) -> dict[str, list[SourcePreview]]:
    """What `add` would find, by absolute path or address. What addresses give stays in `crawls`.

    Raises UsageError for a path that does not exist, CorpusError for an address that answers
    nothing.
    """
    targets = list(dict.fromkeys(map(target_of, paths)))
    check_targets(targets, options.importer)
    with CorpusStore(workspace.corpus_path) as store:
        remembered = store.own_names()
        masking = masking_of(workspace, store)
    found = {}
    crawls = crawls or Crawls(workspace)
    for target in targets:
        meter = ImportMeter(source_name(target), progress)
        if isinstance(target, str):
            fetched = crawls.fetch(target, options.crawl_options(remembered), meter.pages)
            found[target] = [fetched_preview(fetched.importer, target, fetched.records, masking)]
            continue
        with open_source(target.resolve(), options.importer, meter.read) as source:
            meter.begin(source.size)
            found[meter.source] = list(
                previews(source, lambda reader: options.read_options(reader, remembered), masking)
            )
    return found


def masking_of(workspace: Workspace, store: CorpusStore) -> Masking:
    """Finds what a training of this workspace would mask, but for names of others."""
    return Masking(store.decisions(), corpus_settings(workspace).region)


def _add_one(
    store: CorpusStore,
    path: Path,
    claims: Claims,
    options: AddOptions,
    remembered: OwnNames,
    progress: Callable[[ImportProgress], None],
    waiting: Callable[[], None] | None,
) -> AddResult:
    name = source_name(path)
    meter = ImportMeter(name, progress)
    absolute = path.resolve()
    with open_source(absolute, options.importer, meter.read, claims) as source:
        meter.begin(source.size)
        plain = "folder" if absolute.is_dir() else shown(absolute.suffix.lstrip(".")) or "file"
        return add_source(
            store,
            NamedSource(name, plain, source),
            options.me,
            lambda reader: options.read_options(reader, remembered),
            meter,
            waiting,
        )


def _gave_something(result: AddResult) -> bool:
    return bool(
        result.kept or result.already_there or result.messages_there or result.dropped[REMOVED]
    )


def _nothing(targets: Sequence[Target], results: Mapping[str, AddResult]) -> str:
    dropped: Counter[str] = Counter()
    for result in results.values():
        dropped += result.dropped
    listed = ", ".join(shown(str(target)) for target in targets)
    if not dropped:
        return f"{listed} is empty. Name a folder or files of {SUPPORTED}, or an export."
    reasons = "; ".join(
        f"{count:,} × {with_option(reason)}" for reason, count in dropped.most_common(4)
    )
    return (
        f"Nothing in {listed} could be read ({reasons}). Name a folder or files of {SUPPORTED}, "
        "or an export of a program that Inkling knows: docs/importers.md lists them."
    )
