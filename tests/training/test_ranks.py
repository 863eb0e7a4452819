"""Several processes at one run: they learn what one learns, and end together."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from torch import nn

from inkling.cli.main import main
from inkling.config import BatchSettings, ModelSettings, TrainingSettings
from inkling.errors import TrainingError, UsageError
from inkling.ranks import Ranks
from inkling.runs import Run
from inkling.runtime import Runtime
from inkling.tokens.dataset import PackedIds
from inkling.tokens.loader import DialogLoader, Loader, MixedLoader, RowShare, WindowLoader
from inkling.training.divided import divide
from inkling.training.parallel import check_rows
from inkling.training.probe import timed_costs
from inkling.workspace import Workspace
from tests.conftest import DEMO

SECONDS = 500
"""Until something that takes ten must have ended."""
TINY = (
    "model.n_layer=1", "model.n_embd=64", "model.n_hidden=96", "model.head_dim=32",
    "train.sequence_length=32", "train.total_batch_size=320", "train.device_batch_size=4",
    "finetune.sequence_length=32", "finetune.total_batch_size=320",
)  # fmt: skip
TRAIN = ("-m", "--", "inkling", "train")
"""Behind `--` torchrun leaves alone what looks like one of its own options, as `--run` does."""
SETS = [part for setting in TINY for part in ("--set", setting)]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The first four posts and a fixed handful of messages."""
    folder = tmp_path_factory.mktemp("ranks")
    source = folder / "writing"
    source.mkdir()
    for post in sorted((DEMO / "posts").glob("*.md"))[:4]:
        (source / post.name).write_bytes(post.read_bytes())
    blocks = (DEMO / "dms.txt").read_text().split("\n\n")[:40]
    (source / "dms.txt").write_text("\n\n".join(blocks))
    assert main(["init", str(folder / "w")]) == 0
    assert main(["add", str(source), "-w", str(folder / "w")]) == 0
    return Workspace(folder / "w")


@contextmanager
def torchrun(count: int, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """`torchrun` with so many processes of a command, killed at the end of the block."""
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count)]
    # The others have so long to say why they end, on a machine that does much else as well.
    launch += ["--shutdown-timeout", str(SECONDS)]
    process = subprocess.Popen(
        [sys.executable, *launch, *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            # torchrun's own children are in sessions of their own.
            workers = [process_of_rank(rank, process.pid) for rank in range(count)]
            for number in (process.pid, *filter(None, workers)):
                os.kill(number, signal.SIGKILL)
        process.communicate()


def train_together(count: int, *arguments: object) -> str:
    """What such a training printed, once it is done."""
    with torchrun(count, *TRAIN, "--no-plots", *arguments) as process:
        out, err = process.communicate(timeout=SECONDS)
        assert process.returncode == 0, err
    return out


def losses(run: Run) -> dict[tuple[str, int], tuple[float, float]]:
    """By phase and step: mean training loss since the last evaluation, and held-out loss."""
    return {
        (row["phase"], row["step"]): (row["train_loss"] or 0.0, row["val_loss"])
        for row in run.records("metrics.jsonl")
    }


def assert_alike(one: Run, other: Run) -> None:
    a, b = losses(one), losses(other)
    assert a.keys() == b.keys()
    for key in a:
        assert a[key] == pytest.approx(b[key], abs=1e-4), key


@pytest.fixture(scope="module")
def alone(workspace: Workspace) -> Run:
    """Fifty base steps and as many of fine-tuning as belong to them, in one process."""
    plan = ["--steps", "50", "--eval-every", "10", "--no-plots", "--name", "alone"]
    assert main(["train", "-w", str(workspace.path), *plan, *SETS]) == 0
    return Run.open(workspace, "alone")


@pytest.mark.parametrize("count", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_processes_learn_what_one_learns(workspace: Workspace, alone: Run, count: int) -> None:
    """The same losses to 1e-4 after fifty steps and more, of ten rows that divide by two and not
    by three; printed once, written once."""
    name = f"of-{count}"
    plan = ("--steps", 50, "--eval-every", 10, "--name", name)
    out = train_together(count, "-w", workspace.path, *plan, *SETS)
    together = Run.open(workspace, name)
    assert_alike(alone, together)
    assert ("train", 50) in losses(together)
    assert together.config().complete
    assert out.count(f"Run {name} is done") == 1
    assert f"{count} × " in out


@pytest.fixture(scope="module")
def divided(workspace: Workspace) -> Run:
    """The same in two processes, each of which holds a part of every weight."""
    plan = ("--steps", 50, "--eval-every", 10, "--name", "divided")
    train_together(2, "-w", workspace.path, *plan, *SETS, "--set", "train.divide_weights=true")
    return Run.open(workspace, "divided")


def test_divided_weights_learn_what_whole_ones_learn(alone: Run, divided: Run) -> None:
    """The same losses to 1e-4 in both phases; the checkpoints are those of whole weights."""
    assert_alike(alone, divided)
    assert divided.config().complete
    (one, other) = (
        run.checkpoints.load(run.checkpoints.last_step() or 0) for run in (alone, divided)
    )
    assert one.optimizer is not None
    assert other.optimizer is not None
    for ours, theirs in ((one.model, other.model), (one.optimizer, other.optimizer)):
        assert {n: t.shape for n, t in ours.items()} == {n: t.shape for n, t in theirs.items()}


@pytest.mark.slow
def test_divided_weights_are_resumed_by_any_number(workspace: Workspace, divided: Run) -> None:
    """Ten more steps of fine-tuning, by two that share the weights and by one that has them all."""
    for name in ("more-divided", "more-alone"):
        shutil.copytree(divided.path, workspace.run_path(name))
        run = Run(workspace.run_path(name))
        config = run.config()
        assert config.finetune is not None
        longer = config.finetune.replace(steps=config.finetune.schedule.steps + 10, eval_every=5)
        run.write_config(config.model_copy(update={"finetune": longer, "complete": False}))
    train_together(2, "-w", workspace.path, "--resume", "--run", "more-divided")
    more = ["train", "-w", str(workspace.path), "--resume", "--run", "more-alone", "--no-plots"]
    assert main(more) == 0
    one, other = (Run.open(workspace, name) for name in ("more-alone", "more-divided"))
    assert_alike(one, other)
    assert other.config().complete
    last = divided.checkpoints.last_step() or 0
    assert ("finetune", last + 10) in losses(other)


def process_of_rank(rank: int, launcher: int) -> int | None:
    """The number of a worker that a launcher started."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes().split(b"\0")
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        if parent == launcher and f"RANK={rank}".encode() in environment:
            return int(folder.name)
    return None


def wait_for_a_checkpoint(run: Run, process: subprocess.Popen[str]) -> None:
    give_up = time.monotonic() + SECONDS
    while run.checkpoints.last_step() is None:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < give_up
        time.sleep(0.05)


@pytest.mark.parametrize("rank", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_a_killed_process_ends_the_job_and_others_resume(workspace: Workspace, rank: int) -> None:
    """kill -9 on one of two: the other says one sentence, and what was saved is continued by three
    as by one."""
    name = f"killed-{rank}"
    run = Run(workspace.run_path(name))
    plan = ("--steps", 100_000, "--save-every", 10, "--name", name, "--no-plots")
    with torchrun(2, *TRAIN, "-w", workspace.path, *plan, *SETS) as process:
        wait_for_a_checkpoint(run, process)
        killed = process_of_rank(rank, process.pid)
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        _, err = process.communicate(timeout=SECONDS)
        assert process.returncode != 0
    assert "inkling: Another process of this training has ended" in err
    assert "--resume" in err
    assert "inkling/training" not in err  # no traceback
    assert workspace.training_process() is None
    if rank == 0:
        return
    config, last = run.config(), run.checkpoints.last_step() or 0
    short = config.train.replace(steps=last + 20, eval_every=10)
    run.write_config(config.model_copy(update={"train": short, "finetune": None}))
    shutil.copytree(run.path, workspace.run_path("resumed-alone"))
    train_together(3, "-w", workspace.path, "--resume", "--run", name)
    assert main(["train", "-w", str(workspace.path), "--resume", "--run", "resumed-alone"]) == 0
    assert run.config().complete
    assert_alike(Run.open(workspace, "resumed-alone"), run)
    assert ("train", last + 20) in losses(run)


def test_a_signal_to_one_stops_all_and_saves(workspace: Workspace) -> None:
    """SIGTERM to a process that is not the first: all end after the same step, which is saved."""
    run = Run(workspace.run_path("stopped"))
    plan = ("--steps", 100_000, "--save-every", 10, "--name", "stopped", "--no-plots")
    with torchrun(2, *TRAIN, "-w", workspace.path, *plan, *SETS) as process:
        wait_for_a_checkpoint(run, process)
        told = process_of_rank(1, process.pid)
        assert told is not None
        os.kill(told, signal.SIGTERM)
        out, err = process.communicate(timeout=SECONDS)
    assert "everything is saved" in out, err
    step = run.checkpoints.last_step()
    assert f"Stopped at step {step:,}" in out


DECISIONS = """
import json, sys, torch
from inkling.ranks import Ranks
from inkling.training.budget import Pace
from inkling.training.parallel import SharedBudget

class Clock:
    def replan(self, step, pace):
        return Pace(pace.steps + step, 7) if step % 2 else None
    def before_step(self, evaluated):
        pass

ranks = Ranks.of_environment()
torch.manual_seed(3)
with ranks.connected():
    budget = SharedBudget(ranks, Clock() if ranks.first else None)
    weight = torch.nn.Parameter(torch.full((2, 3), float(ranks.rank)))
    ranks.copy_from_first([weight.data])
    weight.grad = torch.arange(6.0).view(2, 3) * (ranks.rank + 1)
    ranks.add_gradients([weight])
    before = torch.get_rng_state()
    ranks.part_randomness()
    said = {
        "rank": ranks.rank, "asked": ranks.decided(lambda: ranks.rank),
        "paces": [budget.replan(step, Pace(10, 5)) for step in range(3)],
        "total": ranks.total(ranks.rank + 0.5), "any": ranks.any(ranks.rank == 2),
        "none": ranks.any(False), "weight": weight.sum().item(), "gradient": weight.grad.tolist(),
        "untouched": bool(torch.equal(before, torch.get_rng_state())),
        "draw": torch.rand(()).item(),
    }
with open(sys.argv[1] + str(ranks.rank), "w") as file:
    json.dump(said, file)
"""


def test_the_first_decides_for_all(tmp_path: Path) -> None:
    """Plans, sums and gradients are the same in each of three; random numbers are not."""
    (tmp_path / "decide.py").write_text(DECISIONS)
    with torchrun(3, tmp_path / "decide.py", tmp_path / "said-") as process:
        _, err = process.communicate(timeout=SECONDS)
        assert process.returncode == 0, err
    said = [json.loads((tmp_path / f"said-{rank}").read_text()) for rank in range(3)]
    assert [each.pop("rank") for each in said] == [0, 1, 2]
    assert [each.pop("untouched") for each in said] == [True, False, False]
    assert len({each.pop("draw") for each in said}) == 3
    assert said[0] == said[1] == said[2] == {
        "asked": 0, "paces": [None, [11, 7], None], "total": 4.5, "any": True, "none": False,
        "weight": 0.0, "gradient": [[0.0, 6.0, 12.0], [18.0, 24.0, 30.0]],
    }  # fmt: skip


def loaders() -> Sequence[Loader]:
    ids = np.random.default_rng(0).integers(5, 40, 900).astype(np.uint16)
    ids[::9] = 4  # <|end|>
    segments = tuple((start, 45, "d", 0) for start in range(0, 900, 45))
    part = PackedIds("dialog_train", ids, np.ones(900, np.uint8), segments)
    windows = WindowLoader(part, 30, 1)
    return windows, DialogLoader(part, 30, 1, 4), MixedLoader(
        DialogLoader(part, 30, 1, 4), WindowLoader(part, 30, 1), 0.4, 1
    )  # fmt: skip


@pytest.mark.parametrize("count", [2, 3, 7])
def test_shares_make_up_the_batch(count: int) -> None:
    """Each row is read by exactly one, over several epochs, and all are at the same place."""
    whole = loaders()
    parts = [loaders() for _ in range(count)]
    for kind, loader in enumerate(whole):
        for _ in range(12):
            x, y = loader.next_batch(8)
            shares = [
                each[kind].next_batch(8, RowShare(rank, count)) for rank, each in enumerate(parts)
            ]
            for rank, (x_own, y_own) in enumerate(shares):
                assert np.array_equal(x_own, x[rank::count])
                assert np.array_equal(y_own, y[rank::count])
            assert all(each[kind].state() == loader.state() for each in parts)


def test_the_environment_says_which_process_this_is() -> None:
    assert Ranks.of_environment({}) == Ranks()
    said = {"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "4"}
    assert Ranks.of_environment(said) == Ranks(5, 8, 1, 4)
    for wrong in ({"RANK": "8"}, {"RANK": "x"}, {"LOCAL_RANK": "4"}):
        with pytest.raises(UsageError, match="torchrun"):
            Ranks.of_environment(said | wrong)


def test_a_model_without_blocks_is_not_divided() -> None:
    runtime = replace(Runtime.detect(), ranks=Ranks(0, 2))
    with pytest.raises(TrainingError, match="divide_weights"):
        divide(nn.Linear(2, 2), runtime)


def test_one_process_times_no_model_that_it_shares() -> None:
    session = SimpleNamespace(runtime=replace(Runtime.detect(), ranks=Ranks(0, 2)))
    settings = TrainingSettings().replace(divide_weights=True)
    model = ModelSettings(n_layer=1, n_embd=64, n_hidden=96, head_dim=32, vocab_size=50)
    with pytest.raises(TrainingError, match="--steps 2000"):
        timed_costs(session, 1.0, model, settings)  # type: ignore[arg-type]


def test_more_processes_than_rows_are_told() -> None:
    batch = BatchSettings(total_batch_size=256, sequence_length=64)
    check_rows(Ranks(0, 4), batch)
    with pytest.raises(TrainingError, match=r"4 rows, too few for 5 .*total_batch_size=320"):
        check_rows(Ranks(0, 5), batch)
    check_rows(Ranks(0, 3), batch)
    with pytest.raises(TrainingError, match=r"4 rows.*evenly to 3 .*total_batch_size=384"):
        check_rows(Ranks(0, 3), batch, divided=True)
