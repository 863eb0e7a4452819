"""Damaged, replaced and copied files of runs: the run is listed as damaged, with the reason, and
everything else goes on."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import pickle
import resource
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save

from inkling.checkpoint_files import seal
from inkling.checkpoints import Checkpoints
from inkling.doctor.findings import CheckFindings
from inkling.doctor.workspace import look_at_workspace
from inkling.errors import InklingError
from inkling.memory.files import _FILES, VERSION, _crc32, open_index
from inkling.run_files import (
    BEST_FILE,
    CONFIG_FILE,
    METRICS_FILE,
    MODEL_FILE,
    PROGRESS_FILE,
    SAMPLES_FILE,
    STALE_FILE,
    STATE_FILE,
    TOKENIZER_FILE,
    TRAIN_LOSS_FILE,
)
from inkling.runs import Run
from inkling.workflows.chat import load_model
from inkling.workspace import Workspace
from tests.conftest import Result
from tests.server.conftest import PATIENCE, server_inside
from tests.voices import random_run

DEEP = "[" * 100_000 + "]" * 100_000
DIGITS = "9" * 4_301


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Two runs, the second of which answers."""
    workspace = Workspace.create(tmp_path_factory.mktemp("two") / "mine")
    random_run(workspace, name="first")
    random_run(workspace, name="second")
    return workspace


@pytest.fixture
def two(made: Workspace, tmp_path: Path) -> Workspace:
    copy = Workspace(tmp_path / "mine")
    shutil.copytree(made.path, copy.path)
    return copy


def problems(workspace: Workspace) -> str:
    """What `inkling doctor` finds, without the machine's part, which takes its time."""
    findings = CheckFindings()
    look_at_workspace(workspace, findings)
    return "\n".join(findings.problems)


def checkpoint_of(run: Run) -> Path:
    step = run.checkpoints.best_step()
    assert step is not None
    return run.checkpoints.path(step)


def seal_again(checkpoint: Path, **changes: Any) -> None:
    """As whoever damages on purpose does it: all checksums are right."""
    state = json.loads((checkpoint / STATE_FILE).read_text())
    state.pop("seal")
    state |= changes
    for name in state["sha256"]:
        if (checkpoint / name).exists():
            content = (checkpoint / name).read_bytes()
            state["sha256"][name] = hashlib.sha256(content).hexdigest()
    state["seal"] = seal(state)
    (checkpoint / STATE_FILE).write_text(json.dumps(state))


@contextlib.contextmanager
def little_memory(megabytes: int) -> Iterator[None]:
    """No more address space than so much above what this process has now."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limits = resource.getrlimit(resource.RLIMIT_AS)
    most = pages * resource.getpagesize() + megabytes * 1_000_000
    resource.setrlimit(resource.RLIMIT_AS, (most, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)


def test_copies_and_files_of_others_are_ignored(
    two: Workspace, inkling: Callable[..., Result]
) -> None:
    """What Finder, backups, Dropbox and Syncthing leave, in runs, checkpoints and data."""
    run = Run.open(two, "second")
    step = checkpoint_of(run)
    names = (
        ".DS_Store", "._second", "desktop.ini", "Thumbs.db", "x.tmp", "step-000001.tmp",
        "best (conflicted copy).json", "best.sync-conflict-20260101-101010-ABC.json",
    )  # fmt: skip
    for folder in (two.path, two.runs_path, run.path, step.parent, step, run.data_path):
        for name in names:
            folder.mkdir(exist_ok=True)
            (folder / name).write_bytes(b"\0\1\2")
    for copied, copy in ((step, f"{step.name} copy"), (step, f"{step.name} (1)"),
                         (run.path, "second copy"), (run.path, "second 2")):  # fmt: skip
        shutil.copytree(copied, copied.with_name(copy))
    assert two.run_names() == ["first", "second"]
    assert run.checkpoints.steps() == [int(step.name.removeprefix("step-"))]
    listed = inkling("runs", "-w", two.path)
    assert (listed.status, listed.err) == (0, "")
    assert "copy" not in listed.out
    assert "copy" not in problems(two)
    assert load_model(two).config.name == "second"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (CONFIG_FILE, DEEP), (CONFIG_FILE, "{}"), (CONFIG_FILE, '"' + "x"), (CONFIG_FILE, DIGITS),
        (BEST_FILE, DEEP), (BEST_FILE, '{"finetune": {"loss": 1.0}}'), (BEST_FILE, DIGITS),
        (BEST_FILE, '{"finetune": {"step": 2240.0, "val_nats_per_char": 1}}'), (BEST_FILE, "[]"),
        (BEST_FILE, '{"train": {"step": 1, "val_nats_per_char": "low"}}'), (BEST_FILE, "\0"),
        (BEST_FILE, '{"train": {"step": 1, "val_nats_per_char": NaN}}'),
    ],
)  # fmt: skip
def test_a_damaged_run_hides_no_other(
    two: Workspace, inkling: Callable[..., Result], name: str, content: str
) -> None:
    """It is listed with the reason, on the command line and in the API; the other one answers."""
    (two.runs_path / "second" / name).write_text(content)
    listed = inkling("runs", "-w", two.path)
    assert listed.status == 0
    assert "first" in listed.out
    assert "second is damaged: " in listed.err
    assert str(two.runs_path / "second" / name) in listed.err
    assert "second" in problems(two)
    assert load_model(two).config.name == "first"
    with pytest.raises(InklingError):
        load_model(two, "second")
    with (
        server_inside(two) as served,
        httpx.Client(base_url=served.url, timeout=PATIENCE) as client,
    ):
        runs = client.get("api/runs").json()
        assert [run["name"] for run in runs["runs"]] == ["first"]
        assert [run["name"] for run in runs["damaged"]] == ["second"]
        assert client.get("api/health").json()["ok"] is True
        assert client.get("api/runs/second/metrics").status_code == 200


@pytest.mark.parametrize("name", [METRICS_FILE, SAMPLES_FILE, TRAIN_LOSS_FILE, STALE_FILE,
                                  PROGRESS_FILE])  # fmt: skip
def test_a_line_that_cannot_be_read_is_left_out(two: Workspace, name: str) -> None:
    """Nested too deeply, of too many digits, of other types: the lines around it count."""
    lines = [
        '{"step": 1, "phase": "train", "loss": "x", "val_loss": [], "prompt": "a", "text": ""}',
        DEEP, '{"step": 1.0, "phase": "train"}', '{"step": true, "phase": 7}', DIGITS, "\0",
        f'{{"step": {DIGITS}, "phase": "train"}}', '{"step": 2, "phase": "train"}',
    ]  # fmt: skip
    (two.runs_path / "second" / name).write_text("\n".join([*lines, ""]))
    run = Run.open(two, "second")
    # A damaged note that text was forgotten is still a note.
    assert bool(run.stale()) == (name == STALE_FILE)
    found = list(run.records(name))
    assert [record["step"] for record in found] == [1, 2]
    with (
        server_inside(two) as served,
        httpx.Client(base_url=served.url, timeout=PATIENCE) as client,
    ):
        for path in ("api/runs", "api/runs/second/metrics", "api/health"):
            assert client.get(path).status_code == 200, path


def _nan(run: Run) -> None:
    checkpoint = checkpoint_of(run)
    tensors = load_file(checkpoint / MODEL_FILE)
    next(iter(tensors.values())).view(-1)[0] = torch.nan
    (checkpoint / MODEL_FILE).write_bytes(save(tensors))
    seal_again(checkpoint)


def _deep_state(run: Run) -> None:
    (checkpoint_of(run) / STATE_FILE).write_text(DEEP)


def _version(run: Run) -> None:
    seal_again(checkpoint_of(run), version="x")


def _phase(run: Run) -> None:
    seal_again(checkpoint_of(run), phase=["finetune"])


def _shifted_tokens(run: Run) -> None:
    content = json.loads(run.tokenizer_path.read_text())
    vocabulary = content["model"]["vocab"]
    first, second = list(vocabulary)[:2]
    vocabulary[first], vocabulary[second] = vocabulary[second], vocabulary[first]
    run.tokenizer_path.write_text(json.dumps(content))


def _more_tokens(run: Run) -> None:
    content = json.loads(run.tokenizer_path.read_text())
    vocabulary = content["model"]["vocab"]
    vocabulary |= {f"more{n}": len(vocabulary) + n for n in range(50_000)}
    run.tokenizer_path.write_text(json.dumps(content))


def _deep_tokenizer(run: Run) -> None:
    run.tokenizer_path.write_text(DEEP)


def _huge_model(run: Run) -> None:
    _change_model(run, n_embd=16_384, n_layer=256, n_head=256)


def _huge_context(run: Run) -> None:
    _change_model(run, context_length=10**9)


def _huge_vocabulary(run: Run) -> None:
    _change_model(run, vocab_size=2**24)


def _change_model(run: Run, **changes: int) -> None:
    config = json.loads((run.path / CONFIG_FILE).read_text())
    config["model"] |= changes
    (run.path / CONFIG_FILE).write_text(json.dumps(config))


def _endless(run: Run) -> None:
    model = checkpoint_of(run) / MODEL_FILE
    model.unlink()
    model.symlink_to("/dev/zero")


def _a_hole(run: Run) -> None:
    with open(checkpoint_of(run) / MODEL_FILE, "r+b") as file:
        file.truncate(10**12)


def _pipes(run: Run) -> None:
    for name in (CONFIG_FILE, METRICS_FILE, TOKENIZER_FILE, SAMPLES_FILE, PROGRESS_FILE):
        (run.path / name).unlink(missing_ok=True)
        os.mkfifo(run.path / name)


@pytest.mark.parametrize(
    "damage",
    [
        _nan, _deep_state, _version, _phase, _shifted_tokens, _more_tokens, _deep_tokenizer,
        _huge_model, _huge_context, _huge_vocabulary, _endless, _a_hole, _pipes,
    ],
)  # fmt: skip
def test_a_model_that_cannot_be_used_is_one_sentence(
    two: Workspace, inkling: Callable[..., Result], damage: Callable[[Run], None]
) -> None:
    """Soon, and without the memory that the file claims to need; health says that nothing answers,
    `doctor` says why, and the other run is still there."""
    damage(Run.open(two, "second"))
    with little_memory(1_500):
        with pytest.raises(InklingError) as refused:
            load_model(two, "second")
        assert "\n" not in str(refused.value)
        assert "second" in problems(two)
        assert inkling("plot", "--run", "second", "-w", two.path).status == 1
        for name in ("first", "second"):
            assert inkling("runs", name, "-w", two.path).status in (0, 1)
        assert load_model(two, "first").config.name == "first"
    with (
        server_inside(two) as served,
        httpx.Client(base_url=served.url, timeout=PATIENCE) as client,
    ):
        health = client.get("api/health")
        assert health.status_code == 200
        if health.json()["ok"]:  # what cannot even be listed is not asked
            assert health.json()["model"]["run"] == "first"
        else:
            assert health.json()["error"]
            assert client.post("api/chat", json={"message": "hi"}).status_code == 503
            assert client.get("v1/models").status_code == 503
        for path in ("api/runs", "api/runs/second/metrics", "api/chats"):
            assert client.get(path).status_code < 500, path


class Marks:
    """Makes a file where a pickle of it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("kind", ["pickle", "torch", "numpy"])
def test_nothing_of_a_run_is_run(two: Workspace, tmp_path: Path, kind: str) -> None:
    """No file of it, whatever it holds: a checkpoint from a stranger runs no code."""
    mark, content = tmp_path / "it was run", io.BytesIO()
    if kind == "pickle":
        content.write(pickle.dumps(Marks(mark)))
    elif kind == "torch":
        torch.save({"head.weight": Marks(mark)}, content)
    else:
        np.save(content, np.array([Marks(mark)], dtype=object), allow_pickle=True)
    run = Run.open(two, "second")
    index = run.memory_path / "index.json"
    index.parent.mkdir()
    for name in _FILES:
        (run.memory_path / name).write_bytes(content.getvalue())
    sums = {name: _crc32(run.memory_path / name) for name in _FILES}
    index.write_text(json.dumps({"version": VERSION, "fingerprint": "", "crc32": sums}))
    assert open_index(run.memory_path) is None
    (checkpoint_of(run) / MODEL_FILE).write_bytes(content.getvalue())
    seal_again(checkpoint_of(run))
    with pytest.raises(InklingError):
        load_model(two, "second")
    for name in (TOKENIZER_FILE, CONFIG_FILE):
        (run.path / name).write_bytes(content.getvalue())
        with pytest.raises(InklingError):
            load_model(two, "second")
    assert not mark.exists()
    if kind == "pickle":  # else the above shows nothing
        pickle.loads(content.getvalue())
        assert mark.exists()


def test_a_database_that_is_a_pipe_hangs_nobody(
    two: Workspace, inkling: Callable[..., Result]
) -> None:
    """Nor does one that is a folder."""
    os.mkfifo(two.corpus_path)
    two.chats_path.unlink(missing_ok=True)
    two.chats_path.mkdir()
    assert str(two.corpus_path) in problems(two)
    for command in (("corpus",), ("chat",)):
        result = inkling(*command, "-w", two.path)
        assert result.status == 1
        assert "Traceback" not in result.err


def test_shapes_are_compared_before_a_model_is_built(two: Workspace) -> None:
    """The sentence names what differs."""
    run = Run.open(two, "second")
    settings = run.config().model
    step = run.checkpoints.best_step()
    assert step is not None
    assert Checkpoints(run.path).load(step, settings).step == step
    other = settings.model_copy(update={"n_layer": settings.n_layer + 1})
    with pytest.raises(InklingError, match=f"blocks.{settings.n_layer}.* is missing"):
        run.checkpoints.load(step, other)
    wider = settings.model_copy(update={"n_embd": settings.n_embd + 8})
    with pytest.raises(InklingError, match=rf"is \(\d+, {settings.n_embd}\), not"):
        run.checkpoints.load(step, wider)
