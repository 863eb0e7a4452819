"""What `inkling doctor` finds out about a workspace.

Knows: what can be wrong in a workspace and what to do about each. Does not know how the report
looks. Data: workspace -> `WorkspaceFacts`, sentences -> `CheckFindings`. Nothing here writes: the
databases are opened so that SQLite makes no file beside them.
"""

from __future__ import annotations

import shlex
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from inkling.chats import ChatStore
from inkling.config import RunConfig
from inkling.corpus.store import CorpusStore
from inkling.doctor.findings import CheckFindings
from inkling.errors import ChatsError, CorpusError, InklingError, RunError
from inkling.preparation import MIN_CHARACTERS
from inkling.runs import Run
from inkling.server.training_process import Status, TrainingProcess, run_state
from inkling.settings import corpus_settings, sampling_settings, train_request
from inkling.tokens.dataset import PackedIds
from inkling.tokens.tokenizer import Tokenizer
from inkling.unfinished import leftovers
from inkling.wording import plural
from inkling.workspace import Workspace

VERIFIED_BYTES = 300_000_000
"""Of checkpoints that are read and compared with their checksums, the newest runs' first."""

Soundness = Literal["sound", "damaged", "missing"]


@dataclass(frozen=True)
class CorpusFacts:
    """What corpus.db holds; `content` names it by its hash."""

    state: Soundness
    documents: int = 0
    dialogs: int = 0
    characters: int = 0
    content: str = ""


@dataclass(frozen=True)
class ChatsFacts:
    """What chats.db holds."""

    state: Soundness
    conversations: int = 0


@dataclass(frozen=True)
class RunFacts:
    """One run. `state` is that of the runs API, or "damaged"."""

    name: str
    state: str
    older_text: bool
    """Whether the corpus has changed since the run was begun."""
    verified: bool
    """Whether the checkpoints that it speaks with and is continued from were compared with their
    checksums."""


@dataclass(frozen=True)
class WorkspaceFacts:
    """The state of a workspace."""

    path: str
    name: str
    writable: bool
    corpus: CorpusFacts
    chats: ChatsFacts
    runs: list[RunFacts]
    training: int | None
    """The process that trains here now."""
    leftovers: list[str]


def look_at_workspace(workspace: Workspace, findings: CheckFindings) -> WorkspaceFacts:
    """Everything in a workspace that could be wrong."""
    name = _settings(workspace, findings)
    writable = workspace.is_writable()
    if not writable:
        findings.problems.append(
            f"{workspace.path} cannot be written to, so nothing can be added or trained there. "
            "Check who owns it, or choose another folder with --workspace."
        )
    if workspace.is_open_to_others():
        findings.problems.append(
            f"Other accounts of this machine can read {workspace.path}. Any other command puts "
            "that right, e.g. inkling corpus."
        )
    corpus = _corpus(workspace, findings)
    chats = _chats(workspace, findings)
    status = TrainingProcess(workspace).status()
    if status.pid is not None:
        what = f"Run {status.run}" if status.run else "A run"
        findings.notes.append(f"{what} is being trained now (process {status.pid}).")
    runs = _runs(workspace, status, corpus, findings)
    # While a training writes, what it is just writing looks the same.
    left = leftovers(workspace) if status.pid is None else []
    if left:
        size = sum(map(_size, left)) / 1e6
        findings.problems.append(
            f"Writing was cut off here {plural(len(left), 'time')}; what it left takes "
            f"{size:.1f} MB and is never read. Delete it: rm -r {shlex.join(map(str, left))}"
        )
    return WorkspaceFacts(
        path=str(workspace.path),
        name=name,
        writable=writable,
        corpus=corpus,
        chats=chats,
        runs=runs,
        training=status.pid,
        leftovers=[str(path) for path in left],
    )


def _settings(workspace: Workspace, findings: CheckFindings) -> str:
    """The workspace's name; its inkling.toml is read as every command reads it."""
    try:
        name = workspace.name
        train_request(workspace, {})
        corpus_settings(workspace)
        sampling_settings(workspace)
    except InklingError as error:
        findings.problems.append(str(error))
        return workspace.path.name
    return name


def _corpus(workspace: Workspace, findings: CheckFindings) -> CorpusFacts:
    try:
        if not workspace.corpus_path.exists():
            findings.notes.append("There is no text here yet. Add your writing: inkling add PATH.")
            return CorpusFacts("missing")
        with CorpusStore(workspace.corpus_path, read_only=True) as store:
            store.check()
            sources = store.sources()
            content = store.corpus_hash()
    except (CorpusError, OSError) as error:
        findings.problems.append(str(error))
        return CorpusFacts("damaged")
    if not sources:
        findings.notes.append("There is no text here yet. Add your writing: inkling add PATH.")
    characters = sum(source.characters for source in sources)
    if sources and characters < MIN_CHARACTERS:
        findings.notes.append(
            f"There are {characters:,} characters of text here, too few to train on: it takes at "
            f"least {MIN_CHARACTERS:,}, and is worth the wait from about 100,000. Add more of your "
            "writing: inkling add PATH."
        )
    return CorpusFacts(
        "sound",
        documents=sum(source.documents for source in sources),
        dialogs=sum(source.conversations for source in sources),
        characters=characters,
        content=content,
    )


def _chats(workspace: Workspace, findings: CheckFindings) -> ChatsFacts:
    try:
        if not workspace.chats_path.exists():
            return ChatsFacts("missing")
        with ChatStore(workspace.chats_path, read_only=True) as store:
            store.check()
            return ChatsFacts("sound", conversations=len(store.list()))
    except (ChatsError, OSError) as error:
        findings.problems.append(str(error))
        return ChatsFacts("damaged")


def _runs(
    workspace: Workspace, status: Status, corpus: CorpusFacts, findings: CheckFindings
) -> list[RunFacts]:
    found = []
    budget = VERIFIED_BYTES
    for name in reversed(workspace.run_names()):
        run = Run(workspace.runs_path / name)
        try:
            run.check()
            config = run.config()
        except RunError as error:
            findings.problems.append(f"{error} Or delete it: inkling runs {name} --delete.")
            found.append(RunFacts(name, "damaged", older_text=False, verified=False))
            continue
        state, sentence = run_state(run, config.complete, status)
        older = bool(corpus.content) and config.data.corpus_hash != corpus.content
        older = older and not config.imported
        read = 0
        try:
            if state != "training":  # its checkpoints come and go
                read = _verify(run, config, budget)
        except (ImportError, OSError):
            pass  # torch cannot be loaded, which is said of the machine
        except InklingError as error:
            findings.problems.append(f"Run {name}: {error}")
            found.append(RunFacts(name, "damaged", older, verified=False))
            continue
        budget -= read
        found.append(RunFacts(name, state, older, verified=read > 0))
        resume = f"inkling train --resume --run {name}"
        if state == "failed":
            findings.problems.append(
                f"Run {name}: {sentence} Continue it: {resume}, or delete it: "
                f"inkling runs {name} --delete."
            )
        elif state == "stopped":
            findings.notes.append(f"Run {name} is not finished. Continue it: {resume}.")
    _say_older_text(workspace, found, findings)
    return found


def _verify(run: Run, config: RunConfig, budget: int) -> int:
    """Bytes of the checkpoints that a run speaks with and is continued from, which were compared
    with their checksums; 0 where there are none, or more than `budget`. Raises where the
    tokenizer, the packed data or a checkpoint cannot be used."""
    Tokenizer.load(run.tokenizer_path)
    if not run.config().imported:
        for part in ("train", "val", "dialog_train", "dialog_val"):
            PackedIds.open(run.data_path, part)
    steps = {
        step
        for step in (run.checkpoints.best_step(), run.checkpoints.last_step())
        if step is not None
    }
    run.refuse_gone_checkpoints()
    size = sum(_size(run.checkpoints.path(step)) for step in steps)
    if size > budget:
        return 0
    for step in steps:
        run.checkpoints.load(step, config.model)
    return size


def _say_older_text(workspace: Workspace, found: list[RunFacts], findings: CheckFindings) -> None:
    """Only of the run that would answer: that an old one knows less is no news."""
    try:
        newest = Run.newest(workspace)
    except RunError:
        return
    if newest is not None and any(run.older_text for run in found if run.name == newest.name):
        findings.notes.append(
            f"The text has changed since run {newest.name}, which answers in chats, was begun. "
            "Learn what is new: inkling train."
        )


def _size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def summary(runs: list[RunFacts]) -> str:
    """The runs in one line: how many in which state."""
    words = {"done": "done", "stopped": "not finished", "training": "training"}
    counts = Counter(words.get(run.state, run.state) for run in runs)
    line = ", ".join(f"{count} {state}" for state, count in counts.most_common())
    unread = sum(not run.verified and run.state != "damaged" for run in runs)
    return line + (f" (checksums of {unread} not read: large, or none yet)" if unread else "")
