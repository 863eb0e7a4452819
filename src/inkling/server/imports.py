"""The one import of a server: begun, sent, asked about, confirmed, cancelled.

Knows: that there is one at a time, which of them a request means, what may be done in which state.
Does not know HTTP, or how anything is read (import_job.py).
Data: `ImportRequest` -> `Imports.begin` -> an `ImportJob`, whose `ImportNow` every page shows.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence

from inkling.corpus.crawling.crawl import web_address
from inkling.corpus.importing.importer import same_name
from inkling.errors import UsageError
from inkling.server.import_job import ImportJob
from inkling.server.import_requests import ConfirmRequest, ImportRequest, ReadAgainRequest
from inkling.server.import_schemas import FoundSource, ImportNow
from inkling.server.refusals import ImportNotFoundError
from inkling.server.sent_files import ImportBusyError, SentFiles
from inkling.workflows.add import AddOptions
from inkling.workflows.import_batch import AddressBatch, ImportBatch
from inkling.workspace import Workspace

MAX_SOURCES = 200
SENDING_SECONDS = 60.0
"""After which one of which nothing more comes gives way to another."""


class Imports:
    """The import of a workspace; safe to use from several threads. Every method may wait for the
    disk, and is called off the event loop."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = threading.Lock()
        self._job: ImportJob | None = None

    def sweep(self) -> None:
        """Remove what a server left that was killed."""
        self._workspace.sweep_importing()

    def begin(self, request: ImportRequest) -> ImportNow:
        """Announce files that will be sent, or read an address. Raises ImportBusyError where an
        import is under way, UsageError for what cannot be imported."""
        address = None
        if request.address is not None and (address := web_address(request.address)) is None:
            raise UsageError(
                f"{request.address.strip()[:100]} is no address of the web. Write it in full, as "
                "in https://example.org."
            )
        with self._lock:
            self._give_way()
            files = SentFiles(self._workspace, request.files)
            try:
                batch = self._batch(files, address)
            except BaseException:
                files.close()
                raise
            job = self._job = ImportJob(self._workspace, files, batch)
            if address is not None:
                job.read()
            return job.now()

    def _batch(self, files: SentFiles, address: str | None) -> ImportBatch:
        if address is not None:
            return AddressBatch(self._workspace, address)
        batch = files.batch(self._workspace)
        if len(batch.sources) > MAX_SOURCES:
            raise UsageError(
                f"These are {len(batch.sources):,} files that lie in no folder. Choose their "
                "folder instead: it becomes one source."
            )
        return batch

    def _give_way(self) -> None:
        """Drop an import that is over, or of which nothing more comes. Raises ImportBusyError for
        one that is under way."""
        job = self._job
        if job is None:
            return
        silent = time.monotonic() - job.touched > SENDING_SECONDS and not job.receiving
        if job.state in ("done", "failed") or (job.state == "sending" and silent):
            job.cancel()
            self._job = None
            return
        what = {
            "sending": "is being sent",
            "reading": "is being read",
            "asking": "waits for your answer",
            "adding": "is being added",
        }[job.state]
        raise ImportBusyError(f"{job.now().name} {what}. One import at a time: end that one first.")

    def current(self) -> ImportNow | None:
        """The import there is, over or not."""
        job = self._job
        return job.now() if job is not None else None

    def now(self, name: str) -> ImportNow:
        """How an import is. Raises ImportNotFoundError."""
        return self._called(name).now()

    def receive(self, name: str) -> ImportJob:
        """Begin to take what is sent. Raises ImportNotFoundError, or ImportBusyError where it was
        sent already."""
        with self._lock:
            job = self._called(name)
            if job.state != "sending" or job.receiving:
                raise ImportBusyError("The files of this import were sent already.")
            job.receiving = True
            return job

    def received(self, job: ImportJob) -> ImportNow:
        """All was sent: read it. Raises ImportBusyError where something is missing."""
        job.files.finish()
        with self._lock:
            self._called(job.id)  # it may have been cancelled meanwhile
            job.read()
            return job.now()

    def read_again(self, name: str, request: ReadAgainRequest) -> ImportNow:
        """Read what was sent once more, as a person says. Nothing of it is stored yet.

        Raises ImportNotFoundError, ImportBusyError where there is nothing to read again, UsageError
        for a source or an encoding that there is not.
        """
        with self._lock:
            job = self._called(name)
            if not job.readable_again:
                raise ImportBusyError(f"{job.now().name} cannot be read again. Choose it again.")
            names = [name for name in request.me if name.strip()]
            options = AddOptions.of(names, request.source, request.encoding)
            if "source" not in job.takes and (request.source or request.encoding):
                raise UsageError("What an address is, its answers tell: only your name is of use.")
            job.read(options)
            return job.now()

    def confirm(self, name: str, answer: ConfirmRequest) -> ImportNow:
        """Add what was found. Asked twice, it is added once.

        Raises ImportNotFoundError, ImportBusyError where there is nothing to confirm, UsageError
        where it is not said, or wrongly, who the author is.
        """
        with self._lock:
            job = self._called(name)
            if job.state == "asking":
                check_names(job.found, answer.me)
                job.add({key: chosen for key, chosen in answer.me.items() if chosen}, answer.drafts)
            elif job.state not in ("adding", "done"):
                raise ImportBusyError(f"{job.now().name} is not read yet.")
            return job.now()

    def cancel(self, name: str) -> None:
        """End an import, or take one away that is over. What it was sent is removed.

        Raises ImportNotFoundError, ImportBusyError where it was done before it could be ended.
        """
        with self._lock:
            job = self._called(name)
            over = job.state == "done"
            if not job.cancel() and not over:
                raise ImportBusyError(f"{job.now().name} was added before it could be cancelled.")
            self._job = None

    def close(self) -> None:
        """The server ends: nothing is left of an import but what was stored as a whole."""
        job, self._job = self._job, None
        if job is not None:
            job.cancel()

    def _called(self, name: str) -> ImportJob:
        job = self._job
        if job is None or job.id != name:
            raise ImportNotFoundError(
                "This import is over: it was cancelled, or the server was started again. Choose "
                "the files once more."
            )
        return job


def check_names(found: Sequence[FoundSource], me: Mapping[str, Sequence[str]]) -> None:
    """Raises UsageError where somebody who was chosen was not found, or nobody was where it has to
    be known."""
    for importer, chosen in me.items():
        known = {
            same_name(person.name)
            for each in found
            if each.importer == importer
            for person in each.people
        }
        for name in chosen:
            if same_name(name) not in known:
                raise UsageError(f"Nobody called {name[:100]!r} was found. Choose from the list.")
    for each in found:
        people = {same_name(person.name) for person in each.people}
        if each.ask == "must" and not people & set(map(same_name, me.get(each.importer, ()))):
            raise UsageError(f"Say which of the people in {each.source} you are.")
