"""One import, from what was announced to what was stored: its state and the work of each.

Knows: the order sending, reading, asking, adding, done; how far each is; that it can be cancelled
at any time. Does not know HTTP, or that there is only one (imports.py).
Data: an `ImportBatch` -> `read` -> previews -> `add` -> results, all shown by `now`. What was sent
stays where nothing of it could be read, so that a person can say what it is.

The reading runs in a thread, which is cancelled where it tells how far it is: what was being
stored is then undone as a whole.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from inkling.corpus.store import CorpusStore
from inkling.errors import InklingError, explain_os_error
from inkling.server.import_schemas import AddedSource, FoundSource, ImportNow, ImportState, Said
from inkling.server.refusals import UNEXPECTED
from inkling.server.sent_files import SentFiles
from inkling.workflows.add import AddOptions
from inkling.workflows.import_batch import ImportBatch, Told
from inkling.workflows.import_progress import ImportProgress
from inkling.workspace import Workspace

PATIENCE_SECONDS = 3.0
"""In which a reading that was cancelled has ended, unless it waits for a site."""

log = logging.getLogger("inkling.server")


class _CancelledError(BaseException):
    """Ends the reading. No Exception, so that no reader takes it for a damaged file."""


class ImportJob:
    """One import. Its fields change in its thread, and are only looked at in others."""

    def __init__(self, workspace: Workspace, files: SentFiles, batch: ImportBatch) -> None:
        self.id = secrets.token_hex(8)
        self.files = files
        self.touched = time.monotonic()
        """When something was sent last."""
        self.receiving = False
        self._workspace, self._batch = workspace, batch
        first, *more = batch.sizes
        self._name = f"{first} and {len(more):,} more" if more else first
        self._state: ImportState = "sending"
        self._found: list[FoundSource] = []
        self._added: list[AddedSource] = []
        self._error: str | None = None
        self._options = AddOptions()
        """What a person said about it."""
        self._readable_again = False
        self._readings = 0
        self._began = time.monotonic()
        self._share: float | None = None
        self._messages = 0
        self._total = sum(batch.sizes.values())
        self._done = 0.0
        self._told: dict[str, tuple[float, int]] = {}
        """The share and the messages of each source so far."""
        self._waiting = False
        self._cancelled = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def state(self) -> ImportState:
        return self._state

    @property
    def found(self) -> Sequence[FoundSource]:
        return self._found

    @property
    def readable_again(self) -> bool:
        """Whether what was sent is still there, to be read as a person says."""
        return self._state == "asking" or (self._state == "failed" and self._readable_again)

    @property
    def takes(self) -> Sequence[Told]:
        """What a person can say to read it again."""
        return self._batch.takes if self.readable_again else ()

    def now(self) -> ImportNow:
        """How it is, for a page."""
        share = self._share
        if self._state == "sending":
            share = self.files.received / self.files.size if self.files.size else None
        left = None
        if share is not None and share > 0.01:
            left = (time.monotonic() - self._began) / share * (1 - share)
        asking = self._state in ("asking", "failed")
        return ImportNow(
            id=self.id,
            state=self._state,
            name=self._name,
            share=share,
            seconds_left=left,
            messages=self._messages,
            waiting=self._waiting,
            found=list(self._found) if asking else [],
            added=list(self._added),
            error=self._error,
            takes=list(self.takes),
            said=Said.of(self._options),
            readings=self._readings,
        )

    # -- what it does -----------------------------------------------------------------------

    def read(self, options: AddOptions | None = None) -> None:
        """All was sent: find out what it is, in a thread; or read it again as a person said."""
        self._options = options or self._options
        self._found, self._error, self._readable_again = [], None, False
        self._readings += 1
        self._work("reading", self._read)

    def add(self, names: Mapping[str, Sequence[str]], drafts: bool) -> None:
        """Store it, in a thread; then the files go."""
        self._work("adding", lambda: self._add(names, drafts))

    def cancel(self) -> bool:
        """End it and remove the files; whether that came before it was done."""
        self._cancelled.set()
        if self._thread is not None:
            self._thread.join(PATIENCE_SECONDS)
        # A site that lets one wait is waited for by nobody but the thread, which holds no file.
        if self._thread is None or not self._thread.is_alive() or not self.files.size:
            self.files.close()
        return self._state != "done"

    def fail(self, sentence: str) -> None:
        """It cannot go on."""
        self._error = sentence
        self._state = "failed"
        self.files.close()

    def _read(self) -> None:
        there = _source_names(self._workspace)
        found: list[FoundSource] = []
        for name, previews in self._batch.preview(self._options, self._tell):
            found += [FoundSource.of(name, each, name in there) for each in previews]
        self._found = found
        if any(each.documents or each.dialogs or each.messages for each in found):
            self._state = "asking"
        else:
            self._error = f"Nothing in {self._name} can be read."
            self._readable_again = True
            self._state = "failed"

    def _add(self, names: Mapping[str, Sequence[str]], drafts: bool) -> None:
        options = replace(self._options, drafts=drafts)
        for name, result in self._batch.add(names, options, self._tell, self._wait):
            self._waiting = False
            self._added.append(AddedSource.of(name, result))
        self._state = "done"
        self.files.close()

    # -- its thread ---------------------------------------------------------------------------

    def _work(self, state: ImportState, work: Callable[[], None]) -> None:
        self._began, self._share, self._messages = time.monotonic(), None, 0
        self._told, self._done = {}, 0.0
        self._state = state
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
        except _CancelledError:
            self.files.close()
        except InklingError as error:
            self.fail(str(error))
        except OSError as error:
            self.fail(explain_os_error(error, self._workspace.path, "write to"))
        except Exception:
            log.exception("an import failed")
            self.fail(UNEXPECTED)

    def _tell(self, progress: ImportProgress) -> None:
        """Takes how far the source at hand is, and makes it how far all of them are."""
        if self._cancelled.is_set():
            raise _CancelledError
        self._waiting = False
        before, messages = self._told.get(progress.source, (0.0, 0))
        self._told[progress.source] = progress.share, progress.messages
        self._done += (progress.share - before) * self._batch.sizes[progress.source]
        self._share = min(1.0, self._done / self._total)
        self._messages += progress.messages - messages

    def _wait(self) -> None:
        """Called every second while another process writes to the corpus."""
        if self._cancelled.is_set():
            raise _CancelledError
        self._waiting = True


def _source_names(workspace: Workspace) -> frozenset[str]:
    if not workspace.corpus_path.exists():
        return frozenset()
    with CorpusStore(workspace.corpus_path, read_only=True) as store:
        return frozenset(store.source_names())
