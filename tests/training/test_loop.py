"""The training loop: exact resume, signals, faults, golden losses."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from inkling.checkpoints import log_spaced
from inkling.cli.main import main
from inkling.config import ModelSettings, TrainingSettings
from inkling.errors import CheckpointError, TrainingError
from inkling.evaluation.likelihood import Likelihood
from inkling.model.gpt import GPT
from inkling.runs import Run
from inkling.runtime import Runtime
from inkling.tokens.dataset import PackedIds
from inkling.tokens.loader import WindowLoader
from inkling.training.callbacks import Callbacks
from inkling.training.loop import run_phase
from inkling.training.phase import PhaseSetup
from inkling.workspace import Workspace
from tests.conftest import DEMO

MODEL = ModelSettings(
    n_layer=1, n_head=1, n_embd=32, head_dim=32, n_hidden=48, vocab_size=30, context_length=16,
    dropout=0.1,
)  # fmt: skip
SETTINGS = TrainingSettings(
    total_batch_size=64, sequence_length=16, device_batch_size=4, steps=12, eval_every=4,
    save_every=3, warmup_steps=2,
)  # fmt: skip


def setup_of(
    folder: Path, settings: TrainingSettings = SETTINGS, callbacks: Callbacks | None = None
) -> PhaseSetup:
    torch.manual_seed(5)
    ids = np.random.default_rng(0).integers(0, 30, 400).astype(np.uint16)
    return PhaseSetup(
        run=Run(folder),
        phase="train",
        model=GPT(MODEL),
        loader=WindowLoader(PackedIds("train", ids, None, ()), 16, 1),
        settings=settings,
        evaluate=lambda model: Likelihood(
            float(sum(p.detach().double().pow(2).sum() for p in model.parameters())), 10, 10
        ),
        runtime=Runtime.detect(),
        callbacks=callbacks or Callbacks(),
    )


def weights_of(run: Run) -> dict[str, torch.Tensor]:
    step = run.checkpoints.last_step()
    assert step is not None
    checkpoint = run.checkpoints.load(step)
    assert checkpoint.optimizer is not None
    return checkpoint.model | checkpoint.optimizer


def assert_same(one: Run, two: Run) -> None:
    a, b = weights_of(one), weights_of(two)
    assert a.keys() == b.keys()
    for name in a:
        assert torch.equal(a[name], b[name]), name
    for file in ("metrics.jsonl", "best.json"):
        strip = [
            {k: v for k, v in record.items() if k != "elapsed_min"}
            for record in map(json.loads, (one.path / file).read_text().splitlines())
        ]
        other = [
            {k: v for k, v in record.items() if k != "elapsed_min"}
            for record in map(json.loads, (two.path / file).read_text().splitlines())
        ]
        assert strip == other


@pytest.mark.parametrize("stop_at", [1, 3, 4, 7, 11])
def test_a_resumed_phase_equals_one_that_never_stopped(tmp_path: Path, stop_at: int) -> None:
    """Weights, optimizer state, RNG and metrics: equal to the bit, dropout included."""
    run_phase(setup_of(tmp_path / "steady"))
    steps = 0

    def count(report: object) -> None:
        nonlocal steps
        steps += 1

    callbacks = Callbacks(on_step=count, stop_requested=lambda: steps >= stop_at)
    outcome = run_phase(setup_of(tmp_path / "stopped", callbacks=callbacks))
    assert outcome.interrupted
    assert outcome.step == stop_at
    stopped = Run(tmp_path / "stopped")
    torch.manual_seed(99)  # a new process starts with another state
    resumed = setup_of(tmp_path / "stopped")
    run_phase(resumed, stopped.checkpoints.load(stop_at))
    assert_same(Run(tmp_path / "steady"), stopped)


def test_a_phase_killed_in_its_first_evaluation_measures_it_once(tmp_path: Path) -> None:
    """Fine-tuning begins at the step at which the base ended; dying between its first evaluation
    and the checkpoint leaves records of that step, which the resume writes again."""

    class KilledError(Exception):
        pass

    def die(report: object, model: object) -> None:
        raise KilledError

    def tuning(folder: str, callbacks: Callbacks | None = None) -> PhaseSetup:
        setup = setup_of(tmp_path / folder, callbacks=callbacks)
        return replace(setup, phase="finetune", base_step=12, evaluate_first=True)

    for folder in ("steady", "killed"):
        run_phase(setup_of(tmp_path / folder))
    run_phase(tuning("steady"))
    with pytest.raises(KilledError):
        run_phase(tuning("killed", Callbacks(on_eval=die)))
    killed = Run(tmp_path / "killed")
    # As `train --resume`: the base's last checkpoint, then the phase from its beginning.
    run_phase(setup_of(tmp_path / "killed"), killed.checkpoints.load(12))
    run_phase(tuning("killed"))
    assert_same(Run(tmp_path / "steady"), killed)


def test_best_and_last_are_kept_and_snapshots_thinned(tmp_path: Path) -> None:
    """Best and the latest two stay whole; the others lose their optimizer state."""
    settings = SETTINGS.replace(steps=60, save_every=2, eval_every=10)
    run_phase(setup_of(tmp_path / "run", settings))
    run = Run(tmp_path / "run")
    whole = run.checkpoints.steps(resumable=True)
    assert whole[-2:] == [58, 60]
    assert run.checkpoints.best_step() in whole
    assert len(whole) <= 3
    assert len(run.checkpoints.steps()) <= 3 + 12
    losses = {r["step"]: r["val_nats_per_char"] for r in run.records("metrics.jsonl")}
    assert run.checkpoints.best()["train"]["step"] == min(losses, key=lambda step: losses[step])
    lines = (run.path / "loss_history.csv").read_text().splitlines()
    assert lines[0] == "step,train_loss,val_loss,lr,elapsed_min,phase,val_bits_per_char"
    assert [line.split(",")[0] for line in lines[1:]] == [str(step) for step in losses]


def test_log_spaced_keeps_the_ends() -> None:
    """Twelve of many, the first and the last among them."""
    kept = log_spaced(list(range(1, 1000)), 12)
    assert len(kept) == 12
    assert kept[0] == 1
    assert kept[-1] == 999
    assert log_spaced([5, 6], 12) == [5, 6]


def test_training_stops_early_when_it_gets_worse(tmp_path: Path) -> None:
    """With patience 2 the third evaluation without a best ends the phase."""
    settings = SETTINGS.replace(steps=100, patience=2)
    losses = iter([3.0, 2.0, 2.5, 2.5, 1.0])
    work = setup_of(tmp_path / "run", settings)
    work.evaluate = lambda model: Likelihood(next(losses), 1, 1)
    outcome = run_phase(work)
    assert outcome.stopped_early
    assert outcome.step == 16
    assert Run(tmp_path / "run").checkpoints.best_step() == 8


def test_a_non_finite_loss_rolls_back_at_half_the_rate(tmp_path: Path) -> None:
    """Back to the last checkpoint, half the learning rate, and the run still ends."""
    work = setup_of(tmp_path / "run")
    notes: list[str] = []
    rates: dict[int, list[float]] = {}
    work.callbacks = Callbacks(
        on_note=notes.append,
        on_step=lambda report: rates.setdefault(report.step, []).append(report.lr),
    )
    original, calls = work.model.forward, 0

    def sometimes_nan(ids: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        calls += 1
        logits = original(ids)
        return logits * float("nan") if calls == 8 else logits

    work.model.forward = sometimes_nan  # type: ignore[method-assign]
    assert run_phase(work).step == 12
    assert notes == ["Non-finite loss at step 7; back to step 6 at half the learning rate."]
    before, after = rates[7]
    assert after == pytest.approx(before / 2)


def test_a_loss_that_stays_non_finite_ends_with_a_sentence(tmp_path: Path) -> None:
    """After six times there is no luck left; the last checkpoint stays."""
    work = setup_of(tmp_path / "run")
    original, calls = work.model.forward, 0

    def nan_later(ids: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        calls += 1
        return original(ids) * (float("nan") if calls > 7 else 1.0)

    work.model.forward = nan_later  # type: ignore[method-assign]
    with pytest.raises(TrainingError, match="lower rate"):
        run_phase(work)
    assert Run(tmp_path / "run").checkpoints.last_step() == 6


def test_short_memory_halves_the_rows_and_changes_no_batch(tmp_path: Path) -> None:
    """The same rows are tried again in smaller passes, with the same gradients to rounding."""
    run_phase(setup_of(tmp_path / "roomy", SETTINGS.replace(steps=3)))
    work = setup_of(tmp_path / "tight", SETTINGS.replace(steps=3))
    notes: list[str] = []
    work.callbacks = Callbacks(on_note=notes.append)
    torch_forward = work.model.forward

    def only_one_row(ids: torch.Tensor) -> torch.Tensor:
        if ids.shape[0] > 1:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate")
        return torch_forward(ids)

    work.model.forward = only_one_row  # type: ignore[method-assign]
    work.model.settings = work.model.settings.model_copy(update={"dropout": 0.0})
    run_phase(work)
    assert len(notes) == 2
    assert notes[-1] == "Memory is short: continuing with 1 rows at a time."


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def cut_in_half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("damage", [flip_a_bit, cut_in_half, Path.unlink])
@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.safetensors", "state.json"])
def test_a_damaged_checkpoint_is_noticed(
    tmp_path: Path, damage: Callable[[Path], object], name: str
) -> None:
    """Truncated, bit-flipped or gone: one sentence, and the earlier checkpoint still works."""
    run_phase(setup_of(tmp_path / "run"))
    run = Run(tmp_path / "run")
    damage(run.checkpoints.path(12) / name)
    if damage is Path.unlink and name == "optimizer.safetensors":
        assert run.checkpoints.last_step() != 12  # a weights-only snapshot cannot be resumed
        return
    with pytest.raises(CheckpointError, match=r"damaged.*Delete that folder.*of step 9"):
        run.checkpoints.load(12)


def test_a_checkpoint_of_a_newer_version_says_so(tmp_path: Path) -> None:
    """Not "damaged": upgrade."""
    run_phase(setup_of(tmp_path / "run"))
    run = Run(tmp_path / "run")
    path = run.checkpoints.path(12) / "state.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": 99}))
    with pytest.raises(CheckpointError, match="newer version"):
        run.checkpoints.load(12)


def make_workspace(folder: Path) -> Workspace:
    source = folder / "writing"
    source.mkdir(parents=True)
    for post in sorted((DEMO / "posts").glob("*.md"))[:3]:
        (source / post.name).write_bytes(post.read_bytes())
    blocks = (DEMO / "dms.txt").read_text().split("\n\n")[:24]
    (source / "dms.txt").write_text("\n\n".join(blocks))
    assert main(["init", str(folder / "w")]) == 0
    assert main(["add", str(source), "-w", str(folder / "w")]) == 0
    return Workspace(folder / "w")


def command(workspace: Workspace, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "inkling", *arguments, "-w", str(workspace.path)]


TRAIN = ("train", "--steps", "24", "--eval-every", "8", "--save-every", "4", "--name", "r")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_and_exits(tmp_path: Path, number: int, status: int) -> None:
    """Ctrl-C and SIGTERM: the step in hand is saved, the exit status says which it was."""
    workspace = make_workspace(tmp_path)
    process = subprocess.Popen(
        command(workspace, "train", "--steps", "100000", "--set", "model.n_embd=96",
                "--set", "train.total_batch_size=256", "--name", "r"),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if " step " in line:
            break
    process.send_signal(number)
    rest = process.stdout.read()
    process.stdout.close()
    assert process.wait(60) == status, rest
    assert "everything is saved" in rest
    assert "Traceback" not in rest
    run = Run(workspace.runs_path / "r")
    step = run.checkpoints.last_step()
    assert step is not None
    assert step > 0
    assert f"Stopped at step {step:,};" in rest
    run.checkpoints.load(step)


def test_a_second_training_is_told_who_is_training(tmp_path: Path) -> None:
    """The workspace is locked while a training runs, and free when it has died."""
    workspace = make_workspace(tmp_path)
    with workspace.training_lock():
        second = subprocess.run(
            command(workspace, *TRAIN), capture_output=True, text=True, check=False
        )
    assert second.returncode == 1
    assert f"process {os.getpid()}" in second.stderr
    with workspace.training_lock():
        pass


def test_steps_are_exact_and_seeds_decide(tmp_path: Path) -> None:
    """--steps N does N base steps; the same seed gives the same model, another another."""
    workspace = make_workspace(tmp_path)
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        arguments = ["train", "--steps", "10", "--no-finetune", "--name", name, "--seed", seed]
        assert main([*arguments, "-w", str(workspace.path)]) == 0
    a, b, c = (Run(workspace.runs_path / name) for name in "abc")
    assert a.checkpoints.last_step() == 10
    assert_same(a, b)
    assert not torch.equal(weights_of(a)["head.weight"], weights_of(c)["head.weight"])
    assert a.config().finetune is None
