"""Forgetting for good: mark runs stale, purge files, cut from the corpus, prove that it is gone.

Knows: the order of the steps and why a kill between any two of them loses nothing. Does not know
terminals. Data: workspace + `Preview` -> `forget` -> `PurgeReport`.

Order. The files go first and the corpus last: as long as anything is left to purge, the corpus
still holds the text, so the same command finds it again. Runs are marked stale before anything is
deleted. What may be left after the corpus forgot (free pages of its file) needs no text to be
finished: an empty file `.forgetting` says that it was begun. No list of what was forgotten is ever
written.

The proof is a second search: every file of the workspace, corpus.db and its logs included, is
searched again for the same patterns, and what still holds one is listed.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from inkling.atomic_files import atomic_write
from inkling.corpus.store import CorpusStore
from inkling.forgetting.databases import purge_rows
from inkling.forgetting.findings import (
    Finding,
    Findings,
    corpus_files,
    databases,
    search_workspace,
)
from inkling.forgetting.preview import Preview
from inkling.forgetting.removal import apply_removal
from inkling.forgetting.scan import scan
from inkling.forgetting.search_patterns import PatternSearch
from inkling.run_names import note_deleted
from inkling.runs import Run
from inkling.workspace import Workspace


@dataclass(frozen=True)
class PurgeReport:
    """What was done, and what a last search of the workspace found."""

    stale: tuple[str, ...]
    purged: tuple[Finding, ...]
    left: Findings
    """Everything in the workspace that holds it now, the corpus excepted."""
    corpus_clean: bool
    """Whether nothing of it is in any byte of corpus.db and its logs."""

    @property
    def removable(self) -> list[Finding]:
        """What still holds it and is not the person's own: --purge deletes it."""
        return [f for f in self.left.all if f.kind not in ("original", "settings")]


def forget(workspace: Workspace, preview: Preview, purge: bool) -> PurgeReport:
    """Carry out a preview; with `purge`, also delete the files and rows that hold the text.

    The caller holds the training lock.

    Raises WorkspaceError or CorpusError where another program holds a database open; what was
    done until then stays done, and the same command continues from there.
    """
    atomic_write(workspace.forgetting_path, "")
    plan, findings = preview.plan, preview.findings
    for name in findings.runs:
        run = Run(workspace.run_path(name))
        run.mark_stale(plan.selector.kind, len(plan.documents), len(plan.conversations))
    search = PatternSearch(preview.patterns)
    purged: list[Finding] = []
    if purge:
        purged = _purge(workspace, findings, search, preview.unfinished)
    _sweep(workspace)
    with CorpusStore(workspace.corpus_path) as store:
        if not plan.empty:
            apply_removal(store, plan)
        store.compact()
    if not plan.empty:
        _drop_memories(workspace)
        _drop_crawls(workspace)
    left = search_workspace(workspace, preview.patterns, preview.own)
    corpus = scan(workspace.path, preview.patterns, only=corpus_files(workspace))
    workspace.forgetting_path.unlink()
    stale = tuple(name for name in findings.runs if workspace.run_path(name).exists())
    return PurgeReport(stale, tuple(purged), left, not corpus.matches)


def _drop_memories(workspace: Workspace) -> None:
    """Replies lean on the corpus as it is now: what they look up is made again without the text."""
    for name in workspace.run_names():
        path = Run(workspace.run_path(name)).memory_path
        if path.exists():
            _remove(path)


def _drop_crawls(workspace: Workspace) -> None:
    """Fetched pages may hold it with tags between its words, where no search finds it. They are
    fetched again when their address is added again."""
    if workspace.crawls_path.exists():
        _remove(workspace.crawls_path)


def _purge(
    workspace: Workspace, findings: Findings, search: PatternSearch, unfinished: bool
) -> list[Finding]:
    purged = []
    for finding in findings.of("database"):
        rows = purge_rows(workspace.path / finding.path, search)
        purged.append(replace(finding, rows=rows))
    if unfinished:
        # Rows may be gone from the tables, not yet from the free pages.
        for path in databases(workspace):
            purge_rows(workspace.path / path, search)
    gone = [Path(finding.path).name for finding in findings.of("run")]
    # A run may be called after a person, who is to be forgotten.
    note_deleted(workspace, [name for name in gone if not search.holds(name.encode())])
    for finding in findings.of("file", "debris", "export", "run"):
        _remove(workspace.path / finding.path)
        purged.append(finding)
    return purged


def _remove(path: Path) -> None:
    if not path.is_dir():
        path.unlink(missing_ok=True)
        return
    # Renamed first: half a run must not look like a run.
    hidden = path.with_name(f".{path.name}.old")
    if path.name.startswith("."):
        hidden = path
    path.rename(hidden)
    shutil.rmtree(hidden)


def _sweep(workspace: Workspace) -> None:
    """Remove what a killed deletion left: folders renamed to go; and what a killed import left."""
    workspace.sweep_importing()
    for folder in (workspace.runs_path, workspace.exports_path):
        for path in folder.glob(".*.old"):
            shutil.rmtree(path)
