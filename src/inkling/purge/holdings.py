"""What the files that hold a forgotten text are: runs, exports, databases, a person's originals.

Knows: which finding means that a run was trained on it, and what would have to go. Does not
know: how anything is deleted. Data: workspace + `Needles` -> `look` -> `Findings`.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from inkling.corpus.select import all_items, path_of
from inkling.corpus.store import CorpusStore
from inkling.purge.databases import LOGS, count_rows, is_database
from inkling.purge.needles import Needles, Search
from inkling.purge.scan import TOKENS, Hit, scan
from inkling.runs import Run
from inkling.workspace import Workspace

Kind = Literal["run", "debris", "export", "database", "file", "original", "settings"]

_TRAINED = ("data", "tokenizer.json", "config.json", "spans", "checkpoints")
"""Parts of a run that hold a text only if the run was trained on it, or keeps it to compare."""

_HEAD = 1 << 20


@dataclass(frozen=True)
class Holding:
    """One thing that holds it and would go as a whole. `path` is relative to the workspace;
    `parts` say in plain words where in it."""

    kind: Kind
    path: Path
    parts: tuple[str, ...]
    rows: int = 0


@dataclass(frozen=True)
class Findings:
    """All that holds it outside corpus.db, and how much was looked at."""

    holdings: tuple[Holding, ...]
    files: int
    size: int
    unread: tuple[Path, ...]

    @property
    def runs(self) -> tuple[str, ...]:
        """Names of the runs that were trained on it, or on the weights of one that was."""
        return tuple(holding.path.name for holding in self.of("run"))

    def of(self, *kinds: Kind) -> list[Holding]:
        return [holding for holding in self.holdings if holding.kind in kinds]


def corpus_files(workspace: Workspace) -> frozenset[str]:
    """Names of corpus.db and its logs."""
    name = workspace.corpus_path.name
    return frozenset(name + ending for ending in ("", *LOGS))


def originals(workspace: Workspace, store: CorpusStore) -> frozenset[Path]:
    """What of the person's own was imported from inside the workspace: files and folders."""
    sources = {Path(summary.source) for summary in store.sources()}
    inside = {source for source in sources if workspace.path in source.parents}
    if workspace.path in sources or any(source in workspace.path.parents for source in sources):
        paths = (Path(path_of(item)) for item in all_items(store))
        inside |= {path for path in paths if workspace.path in path.parents}
    return frozenset(inside)


def look(workspace: Workspace, needles: Needles, own: frozenset[Path]) -> Findings:
    """Look through the workspace, corpus.db excepted."""
    found = scan(workspace.path, needles, corpus_files(workspace))
    search = Search(needles)
    by_target: dict[tuple[Kind, Path], list[Hit]] = defaultdict(list)
    for hit in found.hits:
        by_target[_target(workspace, hit, own)].append(hit)
    holdings = [
        Holding(kind, path, tuple(dict.fromkeys(_part(hit, path) for hit in hits)))
        for (kind, path), hits in by_target.items()
        if kind != "database"
    ]
    held = {path for kind, path in by_target if kind == "database"}
    for path in databases(workspace):
        # A short text is looked for in cells alone, so every database is asked.
        rows = count_rows(workspace.path / path, search)
        if rows or path in held:
            holdings.append(Holding("database", path, (), rows))
    holdings += _offspring(workspace, holdings)
    holdings += _exports(workspace, [h.path.name for h in holdings if h.kind == "run"], holdings)
    holdings = _with_all_of_runs(workspace, holdings)
    order: list[Kind] = ["run", "debris", "export", "database", "file", "settings", "original"]
    holdings.sort(key=lambda holding: (order.index(holding.kind), holding.path))
    return Findings(tuple(holdings), found.files, found.size, found.unread)


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


def _target(workspace: Workspace, hit: Hit, own: frozenset[Path]) -> tuple[Kind, Path]:
    """What kind of thing a file belongs to, and what of it would go."""
    path = workspace.path / hit.path
    if any(path == source or source in path.parents for source in own):
        return "original", hit.path
    if path == workspace.config_path:
        return "settings", hit.path
    if workspace.runs_path in path.parents:
        parts = path.relative_to(workspace.runs_path).parts
        folder = workspace.runs_path / parts[0]
        if len(parts) > 1:
            target = folder.relative_to(workspace.path)
            if not (folder / "config.json").is_file() or parts[0].startswith("."):
                return "debris", target  # what a killed training or deletion left
            if parts[1] in _TRAINED or parts[1].startswith(".data"):
                return "run", target
    for ending in LOGS:
        if hit.path.name.endswith(ending):
            base = path.with_name(path.name.removesuffix(ending))
            if is_database(base):
                return "database", base.relative_to(workspace.path)
    return ("database" if is_database(path) else "file"), hit.path


def _part(hit: Hit, target: Path) -> str:
    """Where in a run or another folder, in plain words."""
    if hit.path == target:
        return hit.how
    inner = hit.path.relative_to(target)
    if inner.parts[0] == "data":
        return "packed data"
    if inner.as_posix() == "config.json":
        return "starter questions in config.json"
    return inner.as_posix() + (f" ({hit.how})" if hit.how == TOKENS else "")


def _with_all_of_runs(workspace: Workspace, holdings: list[Holding]) -> list[Holding]:
    """Files of a run that goes as a whole are told with it, and so are its checkpoints."""
    runs = {holding.path: holding for holding in holdings if holding.kind == "run"}
    others = []
    for holding in holdings:
        owner = next((path for path in runs if path in holding.path.parents), None)
        if owner is None:
            if holding.kind != "run":
                others.append(holding)
        else:
            part = holding.path.relative_to(owner).as_posix()
            runs[owner] = replace(runs[owner], parts=(*runs[owner].parts, part))
    for path, run in runs.items():
        steps = len(Run(workspace.path / path).checkpoint_steps())
        told = [
            *dict.fromkeys(run.parts),
            *([f"{steps} checkpoint{'s' * (steps > 1)}"] if steps else []),
        ]
        others.append(replace(run, parts=tuple(told)))
    return others


def _offspring(workspace: Workspace, holdings: Iterable[Holding]) -> list[Holding]:
    """Runs fine-tuned from one that was trained on it: their weights began as its weights."""
    stale = {holding.path.name for holding in holdings if holding.kind == "run"}
    found: list[Holding] = []
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
            found.append(Holding("run", path, (f"weights that began as those of {parent}",)))


def _exports(workspace: Workspace, runs: list[str], holdings: list[Holding]) -> list[Holding]:
    """Exports of those runs: they hold the weights, even where no file of them holds the text."""
    if not runs or not workspace.exports_path.is_dir():
        return []
    in_path = re.compile("(?<![A-Za-z0-9.])(" + "|".join(map(re.escape, runs)) + ")(?![A-Za-z0-9])")
    # A name in quotes is a field of JSON, one behind its length a string of GGUF; a bare word
    # would be found in anybody's prose.
    marks = [f'"{run}"'.encode() for run in runs]
    marks += [len(run).to_bytes(8, "little") + run.encode() for run in runs]
    tokenizers = [Run(workspace.run_path(run)).tokenizer_path for run in runs]
    vocabularies = [
        vocabulary for path in tokenizers if (vocabulary := _vocabulary(path)) is not None
    ]
    found: list[Holding] = []
    for child in sorted(workspace.exports_path.iterdir()):
        path = child.relative_to(workspace.path)
        files = [child] if child.is_file() else [p for p in child.rglob("*") if p.is_file()]
        of_run = in_path.search(child.name) is not None or any(
            (file.name == "tokenizer.json" and _vocabulary(file) in vocabularies)
            or any(mark in _head(file) for mark in marks)
            for file in files
        )
        if of_run:
            # The export goes as a whole, so what was found inside it need not be told again.
            holdings[:] = [h for h in holdings if h.path != path and path not in h.path.parents]
            found.append(Holding("export", path, ("weights trained on it",)))
    return found


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD)


def _vocabulary(path: Path) -> object:
    try:
        return json.loads(path.read_bytes())["model"]["vocab"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
