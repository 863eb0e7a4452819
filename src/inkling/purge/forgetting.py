"""Forgetting, from the question to the proof: look, mark, purge, cut from the corpus, look again.

Knows: the order of the steps and why a kill between any two of them loses nothing. Does not know
terminals. Data: workspace + `Selector` -> `look_for` -> `Outlook` -> `forget` -> `Report`.

Order. The files go first and the corpus last: as long as anything is left to purge, the corpus
still knows the text, so the same command finds it again. Runs are marked stale before anything is
deleted. Of the files, runs go last, since exports are known by the runs they came from. What may
be left after the corpus forgot (free pages of its file) needs no text to be finished: an empty
file `.forgetting` says that it was begun. No list of what was forgotten is ever written.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from inkling.corpus.forget import Plan, Selector, plan_forgetting
from inkling.corpus.removal import apply_plan
from inkling.corpus.select import path_of
from inkling.corpus.store import CorpusStore
from inkling.errors import CorpusError
from inkling.purge.databases import purge_rows
from inkling.purge.holdings import Findings, Holding, corpus_files, databases, look, originals
from inkling.purge.needles import Needles, Search
from inkling.purge.scan import scan
from inkling.runs import Run
from inkling.workspace import Workspace, atomic_write


@dataclass(frozen=True)
class Outlook:
    """What would go, and what else holds it. Nothing is changed yet."""

    plan: Plan
    needles: Needles
    findings: Findings
    own: frozenset[Path]
    """Files and folders inside the workspace that are the person's originals."""
    sources: tuple[Path, ...]
    """Originals that what goes was read from, and that are still there."""
    unfinished: bool
    """Whether an earlier forgetting was killed."""


@dataclass(frozen=True)
class Report:
    """What was done, and what a last look through the files found."""

    stale: tuple[str, ...]
    purged: tuple[Holding, ...]
    left: Findings
    """Everything in the workspace that holds it now, the corpus excepted."""
    corpus_clean: bool
    """Whether nothing of it is in any byte of corpus.db and its logs."""


def look_for(workspace: Workspace, selector: Selector) -> Outlook:
    """What forgetting would do.

    The caller holds the training lock. Raises CorpusError where neither the corpus nor any file
    holds it.
    """
    unfinished = workspace.forgetting_path.exists()
    with CorpusStore(workspace.corpus_path) as store:
        try:
            plan = plan_forgetting(store, selector)
        except CorpusError:
            if not unfinished:
                raise
            plan = Plan(selector)  # the corpus forgot already; the rest was not finished
        asked = selector.value if selector.kind == "match" else ""
        needles = Needles.cut(plan.texts(), plan.hashes(), asked).less(plan.remaining(store))
        own = originals(workspace, store)
    findings = look(workspace, needles, own)
    residue = scan(workspace.path, needles, only=corpus_files(workspace)).hits if plan.empty else ()
    if plan.empty and not (findings.holdings or residue or unfinished):
        raise CorpusError(
            "Nothing in the corpus and no file of this workspace contains that text. Upper and "
            "lower case and line breaks do not matter; every other character does."
        )
    sources = {Path(path_of(change.before)) for change in plan.documents}
    sources |= {Path(path_of(change.before)) for change in plan.conversations}
    there = tuple(sorted(path for path in sources if path.exists()))
    return Outlook(plan, needles, findings, own, there, unfinished)


def forget(workspace: Workspace, outlook: Outlook, purge: bool) -> Report:
    """Do it. The caller holds the training lock.

    Raises WorkspaceError or CorpusError where another program holds a database open; what was
    done until then stays done, and the same command goes on from there.
    """
    atomic_write(workspace.forgetting_path, "")
    plan, findings = outlook.plan, outlook.findings
    for name in findings.runs:
        run = Run(workspace.run_path(name))
        run.mark_stale(plan.selector.kind, len(plan.documents), len(plan.conversations))
    search = Search(outlook.needles)
    purged: list[Holding] = []
    if purge:
        purged = _purge(workspace, findings, search, outlook.unfinished)
    _sweep(workspace)
    with CorpusStore(workspace.corpus_path) as store:
        if not plan.empty:
            apply_plan(store, plan)
        store.compact()
    left = look(workspace, outlook.needles, outlook.own)
    corpus = scan(workspace.path, outlook.needles, only=corpus_files(workspace))
    workspace.forgetting_path.unlink()
    stale = tuple(name for name in findings.runs if workspace.run_path(name).exists())
    return Report(stale, tuple(purged), left, not corpus.hits)


def _purge(
    workspace: Workspace, findings: Findings, search: Search, unfinished: bool
) -> list[Holding]:
    purged = []
    for holding in findings.of("database"):
        rows = purge_rows(workspace.path / holding.path, search)
        purged.append(replace(holding, rows=rows))
    if unfinished:
        # Rows may be gone from the tables, not yet from the free pages.
        for path in databases(workspace):
            purge_rows(workspace.path / path, search)
    for holding in findings.of("file", "debris", "export", "run"):
        _remove(workspace.path / holding.path)
        purged.append(holding)
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
    """Remove what a killed deletion left: folders renamed to go."""
    for parent in (workspace.runs_path, workspace.exports_path):
        for path in parent.glob(".*.old"):
            shutil.rmtree(path)
