"""What forgetting would do, before anything is changed.

Knows: what leaves the corpus (a `RemovalPlan`) and which files hold it as well (`Findings`). Does
not know: how anything is deleted, terminals.
Data: workspace + `Selector` -> `make_preview` -> `Preview`, which `forget` carries out.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from inkling.corpus.select import path_of
from inkling.corpus.store import CorpusStore
from inkling.errors import CorpusError
from inkling.forgetting.findings import Findings, corpus_files, originals, search_workspace
from inkling.forgetting.plan import RemovalPlan, Selector
from inkling.forgetting.rules import plan_removal
from inkling.forgetting.scan import scan
from inkling.forgetting.search_patterns import SearchPatterns
from inkling.workspace import Workspace


@dataclass(frozen=True)
class Preview:
    """What would be removed, and what else holds it. Nothing is changed yet."""

    plan: RemovalPlan
    patterns: SearchPatterns
    findings: Findings
    own: frozenset[Path]
    """Files and folders inside the workspace that are the person's originals."""
    sources: tuple[Path, ...]
    """Existing files outside Inkling from which the removed items were read."""
    unfinished: bool
    """Whether an earlier forgetting was killed before its end."""


def make_preview(workspace: Workspace, selector: Selector) -> Preview:
    """Find out what forgetting would do.

    The caller holds the training lock. Raises CorpusError where neither the corpus nor any file
    holds it.
    """
    unfinished = workspace.forgetting_path.exists()
    with CorpusStore(workspace.corpus_path) as store:
        try:
            plan = plan_removal(store, selector)
        except CorpusError:
            if not unfinished:
                raise
            plan = RemovalPlan(selector)  # the corpus forgot already; the rest was not finished
        asked = selector.value if selector.kind == "match" else ""
        patterns = SearchPatterns.of(plan.texts(), plan.hashes(), asked).without(
            plan.remaining(store)
        )
        own = originals(workspace, store)
    findings = search_workspace(workspace, patterns, own)
    residue = (
        scan(workspace.path, patterns, only=corpus_files(workspace)).matches if plan.empty else ()
    )
    if plan.empty and not (findings.all or residue or unfinished):
        raise CorpusError(
            "Nothing in the corpus and no file of this workspace contains that text. Upper and "
            "lower case and line breaks do not matter; every other character does."
        )
    sources = {Path(path_of(change.before)) for change in plan.documents}
    sources |= {Path(path_of(change.before)) for change in plan.conversations}
    there = tuple(sorted(path for path in sources if path.exists()))
    return Preview(plan, patterns, findings, own, there, unfinished)
