"""Mixed use of one workspace for a long time, with everything that can go wrong; then the accounts.

    scripts/bench soak [--minutes 60] [--seed 1] [--pause 0]

Chats, imports, trainings, forgetting and exports, while the trainer is killed at random, the clock
jumps and the disk fills and empties. For a third of the time servers are killed too; the last one
then lives for the other two thirds, and its memory, file descriptors and threads are looked at all
along. What was acknowledged is written down meanwhile; at the end all of it must be there, what was
forgotten must not, both databases must be whole, and the server must not have grown. A shorter form
runs with the tests.

The disk is a tmpfs of its own where mounting is allowed (as root), else it does not fill. The clock
that jumps is that of the server's Python (`time.time`), through a module that it loads first.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from benchmarks._footprint import Footprint, Growth
from tests.voices import random_run

from inkling.chats import ChatStore
from inkling.corpus.store import CorpusStore
from inkling.run_files import CONFIG_FILE
from inkling.workspace import Workspace

PATIENCE = 300.0
DISK_MEGABYTES = 400
MOST_RUNS = 4
RESTLESS = 1 / 3
"""The share of the time in which servers are killed."""
VOICE = "random"
"""A run that is there from the beginning, so that something answers."""
CLOCK = """\
import os, time
_time = time.time
def _jumped():
    try:
        with open(os.environ["SOAK_CLOCK"]) as file:
            return _time() + float(file.read() or 0)
    except (OSError, ValueError):
        return _time()
time.time = _jumped
"""


@dataclass
class Books:
    """What was acknowledged, and what was only tried."""

    messages: dict[int, list[str]] = field(default_factory=dict)
    """Of each chat, what was said and stored."""
    documents: set[str] = field(default_factory=set)
    tried: set[str] = field(default_factory=set)
    """Documents whose import, or forgetting, was not acknowledged: they may be there or not."""
    forgotten: set[str] = field(default_factory=set)
    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)


class Soak:
    """One workspace, its server, and the books about both. Use `run`, then `problems`."""

    def __init__(self, folder: Path, seed: int, mounted: bool) -> None:
        self.random = random.Random(seed)
        self.folder, self.mounted = folder, mounted
        self.workspace = Workspace.create(folder / "mine", "soak")
        self.books = Books()
        self.looks: list[Footprint] = []
        """At the server that lives to the end."""
        self._clock, modules = folder / "clock", folder / "modules"
        modules.mkdir()
        (modules / "sitecustomize.py").write_text(CLOCK)
        path = os.pathsep.join(filter(None, [str(modules), os.environ.get("PYTHONPATH")]))
        self._environment = os.environ | {"SOAK_CLOCK": str(self._clock), "PYTHONPATH": path}
        self._server: subprocess.Popen[str] | None = None
        self._client = httpx.Client(timeout=PATIENCE)
        self._number = 0

    # -- the server -------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to serve on a free port."""
        command = [sys.executable, "-m", "inkling", "serve", "--port", "0", "--no-open"]
        self._server = subprocess.Popen(
            [*command, "-w", str(self.workspace.path)],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=self._environment,
        )  # fmt: skip
        assert self._server.stdout is not None
        line = self._server.stdout.readline()
        address = next(word for word in line.split() if word.startswith("http"))
        self._client.base_url = httpx.URL(address + "api/")

    def kill_server(self) -> None:
        """Without a word, and begin another."""
        self.end_server(signal.SIGKILL)
        self.start()

    def end_server(self, number: int = signal.SIGTERM) -> None:
        """End the server."""
        assert self._server is not None
        self._server.send_signal(number)
        self._server.wait(PATIENCE)
        assert self._server.stdout is not None
        self._server.stdout.close()

    # -- what is done -----------------------------------------------------------------------

    def chat(self) -> None:
        """Say something in a new chat or an old one."""
        chats = list(self.books.messages)
        if not chats or self.random.random() < 0.3:
            chats.append(int(self._asked("POST", "chats").json()["id"]))
            self.books.messages[chats[-1]] = []
        chat, text = self.random.choice(chats), f"message {self._next()}"
        answer = self._asked("POST", f"chats/{chat}/messages", json={
            "message": text, "max_tokens": 12, "seed": 1,
        })  # fmt: skip
        # The first frame comes once the message is stored.
        if answer.text:
            self.books.messages[chat].append(text)

    def hang_up(self) -> None:
        """In the middle of a reply, of whatever run."""
        body = {"message": "hi", "max_tokens": 500, "run": self.random.choice(self._runs())}
        with self._client.stream("POST", "chat/stream", json=body) as answer:
            if answer.is_error:
                answer.read()
                answer.raise_for_status()
            next(answer.iter_bytes(), None)

    def look(self) -> None:
        """Read what the pages of the web app read, of whatever run."""
        body = {"run": self.random.choice(self._runs()), "text": f"look {self._next()}"}
        for path in ("health", "chats?query=message", "corpus", "imports", "exports"):
            self._asked("GET", path)
        for path in ("pieces", "heads", "next", "surprise"):
            self._asked("POST", f"inside/{path}", json=body)

    def add(self) -> None:
        """Import a file of text that stands nowhere else."""
        name = f"word{self._next()}"
        path = self.folder / f"{name}.md"
        lines = (f"{name} {n} {self.random.getrandbits(64):x} is a line." for n in range(30))
        path.write_text("\n\n".join(lines))
        self.books.tried.add(name)
        if self._inkling("add", str(path)):
            self.books.documents.add(name)
            self.books.tried.discard(name)

    def forget(self) -> None:
        """Have a text forgotten that was imported."""
        if not self.books.documents:
            return
        name = self.random.choice(sorted(self.books.documents))
        self.books.documents.discard(name)
        self.books.tried.add(name)
        if self._inkling("corpus", "forget", "--document", f"{name}.md", "--yes"):
            self.books.tried.discard(name)
            self.books.forgotten.add(name)

    def train(self) -> None:
        """Begin a training of a few steps, unless one is under way."""
        self._asked("POST", "runs", json={"steps": 2})

    def delete_run(self) -> None:
        """The oldest that was trained, so that the disk is not full of them for good."""
        runs = self._runs()
        if len(runs) > MOST_RUNS:
            self._asked("DELETE", f"runs/{[name for name in runs if name != VOICE][-1]}")

    def kill_trainer(self) -> None:
        """Without a word."""
        process = self.workspace.training_process()
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def export(self) -> None:
        """All that was said must be in it."""
        lines = self._asked("GET", "chats/export").text
        missing = [text for said in self.books.messages.values() for text in said
                   if f'"{text}"' not in lines]  # fmt: skip
        assert not missing, f"an export lacks {missing[:3]}"

    def jump(self) -> None:
        """The clock goes back or ahead by up to a day."""
        self._clock.write_text(str(self.random.uniform(-86_400, 86_400)))

    def fill_disk(self) -> None:
        """No byte is free for a few of the others; what fails then says so."""
        if not self.mounted:
            return
        full = self.folder / "full"
        with contextlib.suppress(OSError), open(full, "wb", buffering=0) as file:
            while True:
                file.write(bytes(1 << 16))
        try:
            for action in self.random.sample([self.chat, self.train, self.kill_trainer], 2):
                self._attempt(action)
        finally:
            full.unlink()

    # -- from first to last -----------------------------------------------------------------

    def run(self, seconds: float, fewest_chats: int = 1, pause: float = 0.0) -> None:
        """Do all of it in a random order for so long, and on a slow machine until so many messages
        were answered, PATIENCE seconds longer at most; after each it rests for so many seconds."""
        actions = [(self.chat, 12), (self.add, 3), (self.export, 2), (self.train, 2),
                   (self.forget, 1), (self.jump, 1), (self.fill_disk, 1), (self.kill_trainer, 1),
                   (self.delete_run, 2), (self.hang_up, 4), (self.look, 2)]  # fmt: skip
        begun = time.monotonic()
        ends, calm = begun + seconds, begun + RESTLESS * seconds
        self.start()
        try:
            self.add()
            while (now := time.monotonic()) < ends or (
                now < ends + PATIENCE and self.books.done["chat"] < fewest_chats
            ):
                restless = [(self.kill_server, 1)] if now < calm else []
                self._attempt(self.random.choices(*zip(*actions, *restless, strict=True))[0])
                if not restless:
                    assert self._server is not None
                    self.looks.append(Footprint.of(self._server.pid))
                time.sleep(pause)
        finally:
            self.kill_trainer()
            self.end_server()

    def problems(self) -> Iterator[str]:
        """What of the books does not agree with what is there."""
        for path in (self.workspace.corpus_path, self.workspace.chats_path):
            if path.exists():
                with contextlib.closing(sqlite3.connect(path)) as db:
                    found = db.execute("PRAGMA integrity_check").fetchone()[0]
                if found != "ok":
                    yield f"{path.name}: {found}"
        with ChatStore(self.workspace.chats_path) as chats:
            for chat, said in self.books.messages.items():
                kept = {message.text for message in chats.open(chat) if message.role == "them"}
                if missing := set(said) - kept:
                    yield f"chat {chat} lost {len(missing)} messages, e.g. {min(missing)}"
        with CorpusStore(self.workspace.corpus_path) as corpus:
            there = {document.text.split()[0] for document in corpus.documents()}
            counted = sum(source.documents for source in corpus.sources())
        if counted != len(there):
            yield f"the sources count {counted} documents, and there are {len(there)}"
        for name in self.books.documents - there:
            yield f"the document {name} was added and is gone"
        for name in self.books.forgotten & there:
            yield f"the document {name} was forgotten and is there"
        for name in there - self.books.documents - self.books.tried:
            yield f"nobody added {name}"
        if (left := self.workspace.training_process()) is not None:
            yield f"process {left} holds the training lock"
        runs = self.workspace.runs_path
        if runs.is_dir() and len(self.workspace.run_names()) != len(
            [run for run in runs.iterdir() if (run / CONFIG_FILE).exists()]
        ):
            yield "runs are not listed"
        if grown := Growth.of(self.looks):
            yield from grown.problems()

    def _attempt(self, action: Any) -> None:
        name = action.__name__
        try:
            action()
            self.books.done[name] += 1
        except httpx.HTTPError:
            self.books.refused[name] += 1

    def _runs(self) -> list[str]:
        """The newest first."""
        return [run["name"] for run in self._asked("GET", "runs").json()["runs"]]

    def _asked(self, method: str, path: str, **body: Any) -> httpx.Response:
        answer = self._client.request(method, path, **body)
        if answer.status_code >= 400:
            assert "error" in answer.json(), answer.text
            answer.raise_for_status()
        return answer

    def _inkling(self, *arguments: str) -> bool:
        command = [sys.executable, "-m", "inkling", *arguments, "-w", str(self.workspace.path)]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE, check=False,
            env=self._environment, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode == 0

    def _next(self) -> int:
        self._number += 1
        return self._number


@contextlib.contextmanager
def disk(folder: Path) -> Iterator[bool]:
    """A file system of its own at a folder, where that is allowed; whether it is."""
    size = f"size={DISK_MEGABYTES}m,mode=0700"
    mount = ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)]
    mounted = os.geteuid() == 0
    if mounted:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pause", type=float, default=0.0, help="seconds of rest after each")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, disk(Path(name)) as mounted:
        soak = Soak(Path(name), options.seed, mounted)
        random_run(soak.workspace, VOICE)
        soak.run(60 * options.minutes, pause=options.pause)
        found = list(soak.problems())
        said = sum(map(len, soak.books.messages.values()))
        print(f"{options.minutes:g} minutes, seed {options.seed}, "
              f"{'a disk of its own' if mounted else 'the disk was not filled'}")  # fmt: skip
        print(f"done: {dict(soak.books.done)}; refused: {dict(soak.books.refused)}")
        print(
            f"{said} messages in {len(soak.books.messages)} chats, "
            f"{len(soak.books.documents)} documents, {len(soak.books.forgotten)} forgotten"
        )
        if grown := Growth.of(soak.looks):
            print(f"the last server, looked at {grown.looks} times; first and last third:")
            print("\n".join(f"  {line}" for line in grown.lines()))
        print("\n".join(found) or "Everything acknowledged is there.")
        sys.exit(bool(found))


if __name__ == "__main__":
    main()
