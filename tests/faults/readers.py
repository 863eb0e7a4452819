"""Every reader of a file that lies in a workspace, is imported or comes from somewhere else, by
name: what takes any bytes and gives a value or a sentence. Tests and `scripts/bench fuzz` go
through them.

A reader has a folder of its own, which it fills once with what belongs beside the file. What it
once failed on lies in tests/faults/corpus, a file a case, in a folder of the reader's name.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import inspect
import json
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from inkling.chats import ChatStore
from inkling.checkpoints import Checkpoints
from inkling.corpus.crawling.state import CrawlState
from inkling.corpus.document import Document, Message
from inkling.corpus.importing.importer import ImportedChat, Importer, ReadOptions
from inkling.corpus.importing.open_tree import open_tree
from inkling.corpus.importing.registry import detect, importers
from inkling.corpus.store import CorpusStore
from inkling.errors import InklingError
from inkling.evaluation.schema import read_guesses
from inkling.exports.folder import read_mark
from inkling.exports.huggingface import CONFIG, TOKENIZER, WEIGHTS
from inkling.exports.imported_model import INDEX, read_model
from inkling.memory.files import open_index, stored_fingerprint
from inkling.run_files import (
    BEST_FILE,
    CONFIG_FILE,
    EXPORT_MARK,
    METRICS_FILE,
    MODEL_FILE,
    OPTIMIZER_FILE,
    PROGRESS_FILE,
    REPORT_FILE,
    STALE_FILE,
    STATE_FILE,
    TEMPLATE_FILE,
    TITLE_FILE,
    TOKENIZER_FILE,
)
from inkling.runs import Run
from inkling.server.inside_runs import list_ladders
from inkling.server.run_events import RunTail, read_metrics
from inkling.settings import sampling_settings, train_request
from inkling.tensor_files import read_shapes
from inkling.tokens.dataset import INDEX_NAME, PackedIds
from inkling.tokens.own_template import OwnTemplate
from inkling.tokens.tokenizer import Tokenizer
from inkling.tracing.span_index import SpanIndex
from inkling.training.progress import read_progress
from inkling.workflows.add import add
from inkling.workflows.export import plan_export
from inkling.workflows.status import read_status
from inkling.workspace import Workspace
from tests.faults.healthy import IMPORTED
from tests.voices import random_run

CASES = Path(__file__).parent / "corpus"


@dataclass(frozen=True)
class Reader:
    """What reads a file, and what a healthy file holds."""

    file: str
    """Below the reader's folder."""
    read: Callable[[Path], object]
    """Gets the folder."""
    prepare: Callable[[Path], object] = lambda folder: None
    """Puts there what belongs beside the file, once."""
    healthy: Callable[[], bytes] = lambda: b"{}"

    def place(self, folder: Path, content: bytes) -> None:
        """Put a content there, in place of the last one."""
        if not folder.exists():
            folder.mkdir(parents=True)
            self.prepare(folder)
        path = folder / self.file
        path.parent.mkdir(parents=True, exist_ok=True)
        for left in path.parent.glob(f"{path.name}-*"):
            left.unlink()  # the log of a database that was here
        path.write_bytes(content)

    def attempt(self, folder: Path, content: bytes) -> None:
        """Read one content. Raises whatever is neither a value nor a sentence."""
        self.place(folder, content)
        try:
            self.read(folder)
        except InklingError as error:
            if not str(error) or "\0" in str(error):
                raise AssertionError(f"no sentence: {error!r}") from error


# -- a run's files --------------------------------------------------------------------------


def _no_weights(folder: Path) -> None:
    checkpoint = folder / "checkpoints" / "step-000001"
    checkpoint.mkdir(parents=True)
    (checkpoint / MODEL_FILE).write_bytes(b"")


def _checkpoint(folder: Path) -> None:
    checkpoints = Checkpoints(folder)
    checkpoints.phase(1)
    (checkpoints.path(1) / OPTIMIZER_FILE).unlink(missing_ok=True)
    checkpoints.load(1, None)


def _shapes(folder: Path) -> None:
    with contextlib.suppress(OSError, ValueError):  # which its callers turn into a sentence
        read_shapes(folder / MODEL_FILE)


def _events(folder: Path) -> None:
    run = Run(folder)
    read_metrics(run, 0)
    RunTail(run, 0).poll()
    run.truncate_after(5)


def _memory(folder: Path) -> None:
    stored_fingerprint(folder)
    open_index(folder)


# -- a workspace's files --------------------------------------------------------------------


def _settings(folder: Path) -> None:
    workspace = Workspace(folder)
    assert workspace.name
    train_request(workspace, {})
    sampling_settings(workspace, {})


def _lock(folder: Path) -> None:
    workspace = Workspace(folder)
    workspace.training_process()
    with workspace.training_lock():
        pass


def _crawl(folder: Path) -> None:
    state = CrawlState(folder / "state.jsonl")
    assert state.visit
    state.get("step", "name")
    state.put("key", "print", 1)
    state.finished()
    assert state.get("key", "print") == 1


def _healthy(name: str, fill: Callable[[Path], object]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        fill(path)
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA journal_mode = DELETE")
        return path.read_bytes()


@functools.cache
def healthy_chats() -> bytes:
    """A chats.db of two chats, one of them with a correction."""

    def fill(path: Path) -> None:
        with (
            ChatStore(path) as chats,
            CorpusStore(path.with_name("corpus.db")) as corpus,
        ):
            for text in ("hello there", "how was the pier?"):
                chat = chats.begin("page", text, "random")
                chats.append(chat, "me", "it was windy")
            chats.edit(chat, 1, "it was calm", corpus)

    return _healthy("chats.db", fill)


@functools.cache
def healthy_corpus() -> bytes:
    """A corpus.db of two documents and a chat."""

    def fill(path: Path) -> None:
        with CorpusStore(path) as corpus:
            messages = [Message("Ada", False, "hi"), Message("me", True, "hello")]
            corpus.add("/in", "files", [
                Document("A text about pianos.", "a.md"), Document("Another one.", "b.md"),
                ImportedChat("w:1", "c.txt", iter(messages)),
            ])  # fmt: skip

    return _healthy("corpus.db", fill)


def _chats(folder: Path) -> None:
    with ChatStore(folder / "chats.db") as chats:
        chats.search("pier")
        for summary in chats.list():
            chats.open(summary.id)
        for _ in chats.export():
            pass
        chats.check()


def _corpus(folder: Path) -> None:
    with CorpusStore(folder / "corpus.db") as corpus:
        corpus.sources()
        corpus.people()
        corpus.names()
        corpus.decisions()
        corpus.own_names()
        for _ in corpus.conversations():
            pass
        for _ in corpus.documents():
            pass
        corpus.corpus_hash()
        corpus.check()


# -- what comes from elsewhere --------------------------------------------------------------


def _exported(folder: Path) -> None:
    shutil.copytree(_export(), folder / "export")


@functools.cache
def _export() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="inkling-readers-"))
    atexit.register(shutil.rmtree, folder)
    workspace = Workspace.create(folder / "w")
    random_run(workspace)
    export = plan_export(workspace, "hf", to=folder / "export").write()
    placed = dict.fromkeys(read_shapes(export / WEIGHTS), WEIGHTS)
    (export / INDEX).write_text(json.dumps({"weight_map": placed}))
    return export


def _unmarked(folder: Path) -> None:
    _exported(folder)
    (folder / "export" / EXPORT_MARK).unlink()


def _export_reader(name: str, marked: bool = False) -> Reader:
    def healthy() -> bytes:
        return (_export() / name).read_bytes()

    return Reader(
        f"export/{name}",
        lambda folder: (read_mark(folder / "export"), read_model(folder / "export", "n")),
        _exported if marked else _unmarked,
        healthy,
    )


def _any_import(name: str) -> Reader:
    def read(folder: Path) -> None:
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(folder / "w")
        add(Workspace.create(folder / "w"), [folder / name], me=["Ada", "ada@mail.example"])

    ending = name.rpartition(".")[2]
    return Reader(name, read, healthy=lambda: IMPORTED.get(ending, b"{}"))


def _importer(importer: Importer) -> Reader:
    """A file that a person says is of this source, under a name that such a one may have."""
    source = Path(inspect.getfile(inspect.unwrap(importer.read)))
    names = re.findall(r"\.(json|html|csv|txt|xml|db|md|eml|mbox|zip|js)\b", source.read_text())
    name = f"a.{names[0] if names else 'txt'}"

    def read(folder: Path) -> None:
        with open_tree(folder / "in") as opened:
            for found, claim in detect(opened.tree, importer):
                for record in found.read(opened.tree, claim, ReadOptions.of(["me"])):
                    for _ in record.messages if isinstance(record, ImportedChat) else ():
                        pass

    return Reader(f"in/{name}", read, healthy=lambda: words_of(source))


def words_of(source: Path) -> bytes:
    """The names that an importer asks for, as one JSON object: some of them reach its inside."""
    names = re.findall(r'"([A-Za-z_]{2,24})"', source.read_text())
    return ("{" + ", ".join(f'"{name}": "{name}"' for name in dict.fromkeys(names)) + "}").encode()


ENDINGS = ("txt", "jsonl", "json", "html", "md", "zip", "mbox", "eml", "csv", "ipynb", "xml",
           "vtt", "tar", "docx", "epub", "pdf", "db", "txt.gz", "jsonl.xz", "parquet")  # fmt: skip

READERS: dict[str, Reader] = {
    "config": Reader(CONFIG_FILE, lambda folder: Run(folder).config()),
    "best": Reader(BEST_FILE, lambda folder: (Checkpoints(folder).best(), Run(folder).check())),
    "stale": Reader(STALE_FILE, lambda folder: Run(folder).stale()),
    "title": Reader(TITLE_FILE, lambda folder: Run(folder).title),
    "metrics": Reader(METRICS_FILE, _events),
    "progress": Reader(PROGRESS_FILE, lambda folder: read_progress(Run(folder))),
    "report": Reader(REPORT_FILE, lambda folder: read_guesses(Run(folder))),
    "tokenizer": Reader(TOKENIZER_FILE, lambda folder: Tokenizer.load(folder / TOKENIZER_FILE)),
    "template": Reader(TEMPLATE_FILE, lambda folder: OwnTemplate.load(folder / TEMPLATE_FILE)),
    "index": Reader(f"data/{INDEX_NAME}", lambda folder: PackedIds.open(folder / "data", "train")),
    "state": Reader(f"checkpoints/step-000001/{STATE_FILE}", _checkpoint, _no_weights),
    "tensors": Reader(MODEL_FILE, _shapes),
    "memory": Reader("index.json", _memory),
    "spans": Reader("index.json", SpanIndex.open),
    "status": Reader(".training.json", lambda folder: read_status(Workspace(folder))),
    "lock": Reader(".training.lock", _lock),
    "settings": Reader("inkling.toml", _settings),
    "ladder": Reader("ladders/g/ladder.json", lambda folder: list_ladders(Workspace(folder))),
    "crawl": Reader("state.jsonl", _crawl),
    "chats": Reader("chats.db", _chats, healthy=healthy_chats),
    "corpus": Reader("corpus.db", _corpus, healthy=healthy_corpus),
    "export-mark": _export_reader(EXPORT_MARK, marked=True),
    "export-config": _export_reader(CONFIG),
    "export-tokenizer": _export_reader(TOKENIZER),
    "export-weights": _export_reader(WEIGHTS),
    "export-index": _export_reader(INDEX),
    **{f"import-{ending}": _any_import(f"x.{ending}") for ending in ENDINGS},
    **{f"importer-{importer.name}": _importer(importer) for importer in importers()},
}


def cases(reader: str) -> Iterator[bytes]:
    """What a reader once failed on: files, or SQL that makes one of a healthy database."""
    for path in sorted((CASES / reader).glob("*")):
        if path.suffix != ".sql":
            yield path.read_bytes()
            continue
        with tempfile.TemporaryDirectory() as folder:
            damaged = Path(folder, "damaged.db")
            damaged.write_bytes(READERS[reader].healthy())
            with contextlib.closing(sqlite3.connect(damaged)) as db:
                db.executescript(path.read_text())
            yield damaged.read_bytes()
