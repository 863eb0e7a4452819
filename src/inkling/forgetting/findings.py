"""What the files that hold a forgotten text are: runs, databases, a person's originals.

Knows: which file means that a run was trained on the text, and what would have to be deleted. Does
not know: how anything is deleted.
Data: workspace + `SearchPatterns` -> `search_workspace` -> `Findings`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from inkling.corpus.select import all_items, path_of
from inkling.corpus.store import CorpusStore
from inkling.forgetting.databases import LOGS, count_rows, is_database
from inkling.forgetting.scan import TOKENS, FileMatch, scan
from inkling.forgetting.search_patterns import PatternSearch, SearchPatterns
from inkling.regular_files import read_json
from inkling.run_files import (
    CHECKPOINTS_FOLDER,
    CONFIG_FILE,
    DATA_FOLDER,
    EXPORT_MARK,
    SPANS_FOLDER,
    TOKENIZER_FILE,
)
from inkling.runs import Run
from inkling.workspace import Workspace

FindingKind = Literal["run", "export", "debris", "database", "file", "original", "settings"]

_TRAINED = (DATA_FOLDER, TOKENIZER_FILE, CONFIG_FILE, SPANS_FOLDER, CHECKPOINTS_FOLDER)
"""Parts of a run that hold a text only if the run was trained on it, or keeps it to compare."""


@dataclass(frozen=True)
class Finding:
    """One thing that holds the text and would be deleted as a whole.

    `path` is relative to the workspace; `parts` say in plain words where in it; `rows` counts the
    rows of a database.
    """

    kind: FindingKind
    path: Path
    parts: tuple[str, ...]
    rows: int = 0


@dataclass(frozen=True)
class Findings:
    """All that holds the text outside corpus.db, and how much was searched.

    `size` is in bytes; `unread` are the files that could not be read.
    """

    all: tuple[Finding, ...]
    files: int
    size: int
    unread: tuple[Path, ...]

    @property
    def runs(self) -> tuple[str, ...]:
        """Names of the runs that were trained on it, or that began with the weights of one that
        was."""
        return tuple(finding.path.name for finding in self.of("run"))

    def of(self, *kinds: FindingKind) -> list[Finding]:
        """Those of some kinds, in order."""
        return [finding for finding in self.all if finding.kind in kinds]


def corpus_files(workspace: Workspace) -> frozenset[str]:
    """Names of corpus.db and its logs."""
    name = workspace.corpus_path.name
    return frozenset(name + ending for ending in ("", *LOGS))


def originals(workspace: Workspace, store: CorpusStore) -> frozenset[Path]:
    """The person's own files and folders that were imported from inside the workspace."""
    sources = {Path(summary.source) for summary in store.sources()}
    inside = {source for source in sources if workspace.path in source.parents}
    if workspace.path in sources or any(source in workspace.path.parents for source in sources):
        paths = (Path(path_of(item)) for item in all_items(store))
        inside |= {path for path in paths if workspace.path in path.parents}
    return frozenset(inside)


def search_workspace(
    workspace: Workspace, patterns: SearchPatterns, own: frozenset[Path]
) -> Findings:
    """PatternSearch every file of the workspace but corpus.db. `own` are the person's originals."""
    found = scan(workspace.path, patterns, corpus_files(workspace))
    search = PatternSearch(patterns)
    by_target: dict[tuple[FindingKind, Path], list[FileMatch]] = defaultdict(list)
    for match in found.matches:
        by_target[_target(workspace, match, own)].append(match)
    findings = [
        Finding(kind, path, tuple(dict.fromkeys(_part(match, path) for match in matches)))
        for (kind, path), matches in by_target.items()
        if kind != "database"
    ]
    matched = {path for kind, path in by_target if kind == "database"}
    for path in databases(workspace):
        # A short text is searched for in cells alone, so every database is asked.
        rows = count_rows(workspace.path / path, search)
        if rows or path in matched:
            findings.append(Finding("database", path, (), rows))
    findings += _offspring(workspace, findings)
    findings = _with_exports(workspace, _with_all_of_runs(workspace, findings))
    order: list[FindingKind] = [
        "run",
        "export",
        "debris",
        "database",
        "file",
        "settings",
        "original",
    ]
    findings.sort(key=lambda finding: (order.index(finding.kind), finding.path))
    return Findings(tuple(findings), found.files, found.size, found.unread)


def databases(workspace: Workspace) -> list[Path]:
    """Every SQLite file but the corpus, relative to the workspace."""
    paths = [
        workspace.chats_path,
        *workspace.path.rglob("*.db"),
        *workspace.path.rglob("*.sqlite*"),
    ]
    return sorted(
        {
            path.relative_to(workspace.path)
            for path in paths
            if path != workspace.corpus_path and not path.is_symlink() and is_database(path)
        }
    )


def _target(
    workspace: Workspace, match: FileMatch, own: frozenset[Path]
) -> tuple[FindingKind, Path]:
    """What kind of thing a file belongs to, and what of it would be deleted."""
    path = workspace.path / match.path
    if any(path == source or source in path.parents for source in own):
        return "original", match.path
    if path == workspace.config_path:
        return "settings", match.path
    if workspace.runs_path in path.parents:
        parts = path.relative_to(workspace.runs_path).parts
        folder = workspace.runs_path / parts[0]
        if len(parts) > 1:
            target = folder.relative_to(workspace.path)
            if not (folder / CONFIG_FILE).is_file() or parts[0].startswith("."):
                return "debris", target  # what a killed training or deletion left
            if parts[1] in _TRAINED or parts[1].startswith(".data"):
                return "run", target
    for ending in LOGS:
        if match.path.name.endswith(ending):
            base = path.with_name(path.name.removesuffix(ending))
            if is_database(base):
                return "database", base.relative_to(workspace.path)
    return ("database" if is_database(path) else "file"), match.path


def _part(match: FileMatch, target: Path) -> str:
    """Where in a run or another folder, in plain words."""
    if match.path == target:
        return match.how
    inner = match.path.relative_to(target)
    if inner.parts[0] == DATA_FOLDER:
        return "packed data"
    if inner.as_posix() == CONFIG_FILE:
        return "starter questions in config.json"
    return inner.as_posix() + (f" ({match.how})" if match.how == TOKENS else "")


def _with_all_of_runs(workspace: Workspace, findings: list[Finding]) -> list[Finding]:
    """Files of a run that is deleted as a whole are listed with it, and so are its checkpoints."""
    runs = {finding.path: finding for finding in findings if finding.kind == "run"}
    others = []
    for finding in findings:
        owner = next((path for path in runs if path in finding.path.parents), None)
        if owner is None:
            if finding.kind != "run":
                others.append(finding)
        else:
            part = finding.path.relative_to(owner).as_posix()
            runs[owner] = replace(runs[owner], parts=(*runs[owner].parts, part))
    for path, run in runs.items():
        steps = len(Run(workspace.path / path).checkpoints.steps())
        listed = [
            *dict.fromkeys(run.parts),
            *([f"{steps} checkpoint{'s' * (steps > 1)}"] if steps else []),
        ]
        others.append(replace(run, parts=tuple(listed)))
    return others


def _with_exports(workspace: Workspace, findings: list[Finding]) -> list[Finding]:
    """Exports in the workspace that hold it, or the weights of a run that was trained on it, each
    as a whole."""
    runs = {finding.path.name for finding in findings if finding.kind == "run"}
    for mark in sorted(workspace.exports_path.glob(f"*/{EXPORT_MARK}")):
        path = mark.parent.relative_to(workspace.path)
        inside = [finding for finding in findings if path in finding.path.parents]
        run = _exported_run(mark)
        if inside or run in runs:
            findings = [finding for finding in findings if finding not in inside]
            findings.append(Finding("export", path, (f"the weights of {run}",)))
    return findings


def _exported_run(mark: Path) -> str:
    try:
        return str(read_json(mark)["run"]["name"])
    except (OSError, ValueError, KeyError, TypeError):
        return "an unknown run"


def _offspring(workspace: Workspace, findings: Iterable[Finding]) -> list[Finding]:
    """Runs fine-tuned from one that was trained on it: their weights began as its weights."""
    stale = {finding.path.name for finding in findings if finding.kind == "run"}
    found: list[Finding] = []
    while True:
        new = [
            (run.name, run.config().parent)
            for run in Run.readable(workspace)
            if run.config().parent in stale and run.name not in stale
        ]
        if not new:
            return found
        for name, parent in new:
            stale.add(name)
            path = workspace.run_path(name).relative_to(workspace.path)
            found.append(Finding("run", path, (f"weights that began as those of {parent}",)))
