"""What a training does on a GPU, done on the CPU: the smaller number type, the compiler, losses
that are read now and then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from inkling.evaluation.likelihood import Likelihood
from inkling.model.gpt import GPT
from inkling.runs import Run
from inkling.training import forward
from inkling.training.batches import Batches
from inkling.training.callbacks import Callbacks, StepReport
from inkling.training.loop import run_phase
from inkling.training.optim import Muon
from inkling.training.phase import PhaseSetup
from inkling.training.progress import Throughput
from tests.training.test_loop import MODEL, SETTINGS, assert_same, setup_of


def changed(setup: PhaseSetup, **runtime: Any) -> PhaseSetup:
    """The same phase as another device would compute it."""
    return replace(setup, runtime=replace(setup.runtime, **runtime))


def losses(folder: Path, steps: int = 20, **runtime: Any) -> list[float]:
    """Of a phase without dropout, which draws other numbers in another type."""
    found: list[float] = []
    settings = SETTINGS.replace(steps=steps, eval_every=steps)
    setup = setup_of(folder, settings, Callbacks(on_step=lambda report: found.append(report.loss)))
    torch.manual_seed(5)
    setup.model = GPT(MODEL.model_copy(update={"dropout": 0.0}))
    run_phase(changed(setup, **runtime))
    return found


def test_bf16_learns_what_fp32_learns(tmp_path: Path) -> None:
    """Losses within 2e-2 over twenty steps, and not the very same; weights stay fp32."""
    exact = losses(tmp_path / "fp32")
    rounded = losses(tmp_path / "bf16", dtype=torch.bfloat16)
    assert rounded == pytest.approx(exact, abs=2e-2)
    assert rounded != exact
    run = Run(tmp_path / "bf16")
    checkpoint = run.checkpoints.load(run.checkpoints.last_step() or 0)
    assert {weight.dtype for weight in checkpoint.model.values()} == {torch.float32}


def test_a_compiled_step_learns_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through torch.compile without a code generator; only where a phase is long enough."""
    exact = losses(tmp_path / "plain", 4)
    assert losses(tmp_path / "short", 4, compiler="not a backend") == exact
    monkeypatch.setattr(forward, "COMPILED_FROM", 4)
    compiled = losses(tmp_path / "compiled", 4, compiler="eager")
    assert compiled == pytest.approx(exact, abs=1e-5)


def test_what_cannot_be_compiled_is_computed_as_it_is(tmp_path: Path) -> None:
    """A machine without a C compiler: one note, the same losses."""

    def no_compiler(graph: Any, inputs: Any) -> Any:
        raise RuntimeError("no C compiler found")

    notes: list[str] = []
    compiled = forward._Compiled(forward.forward_loss, no_compiler, notes.append)  # type: ignore[arg-type]
    model, ids = setup_of(tmp_path / "run").model.eval(), torch.randint(0, 30, (2, 17))
    for _ in range(2):
        found = compiled(model, ids[:, :-1], ids[:, 1:])
        assert found == forward.forward_loss(model, ids[:, :-1], ids[:, 1:])
    (note,) = notes
    assert "cannot be compiled here" in note
    assert "no C compiler found" in note


class Syncs(TorchDispatchMode):
    """Counts what a GPU would have to be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        self.count += function in (
            torch.ops.aten._local_scalar_dense.default, torch.ops.aten.nonzero.default,
            torch.ops.aten.equal.default,
        )  # fmt: skip
        return function(*args, **(kwargs or {}))


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Syncs]:
    with Syncs() as syncs, monkeypatch.context() as patch:
        for name in ("tolist", "numpy", "cpu"):
            method = getattr(torch.Tensor, name)

            def counting(*args: Any, method: Any = method, **kwargs: Any) -> Any:
                syncs.count += 1
                return method(*args, **kwargs)

            patch.setattr(torch.Tensor, name, counting)
        yield syncs


@pytest.mark.parametrize(("every", "waits"), [(1, 20), (5, 4), (50, 1)])
def test_losses_are_all_that_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, every: int, waits: int
) -> None:
    """Of twenty steps once for each so many, and once before the first evaluation."""
    at_step: list[int] = []
    settings = SETTINGS.replace(steps=20, eval_every=20, save_every=1_000, device_batch_size=2)
    with counted(monkeypatch) as syncs:
        callbacks = Callbacks(on_step=lambda report: at_step.append(syncs.count))
        setup = setup_of(tmp_path / "run", settings, callbacks)
        setup.evaluate = lambda model: Likelihood(1.0, 10, 10)
        begun: list[int] = []
        # The checkpoint before the first step is no part of it.
        next_batch = Batches.next

        def noted(batches: Batches) -> Any:
            begun.append(syncs.count)
            return next_batch(batches)

        monkeypatch.setattr(Batches, "next", noted)
        run_phase(changed(setup, losses_read_every=every, holds_ids=True))
    assert len(at_step) == 20
    assert at_step[-1] - begun[0] == waits


def test_reading_losses_later_changes_nothing(tmp_path: Path) -> None:
    """The same weights and metrics to the bit, with steps that no evaluation divides."""
    settings = SETTINGS.replace(steps=23, eval_every=7, save_every=4)
    for every in (1, 5):
        setup = setup_of(tmp_path / str(every), settings)
        run_phase(changed(setup, losses_read_every=every))
    assert_same(Run(tmp_path / "1"), Run(tmp_path / "5"))


def test_ids_that_lie_on_the_device_change_nothing(tmp_path: Path) -> None:
    """The same weights and metrics to the bit, over more than an epoch."""
    for held in (False, True):
        setup = setup_of(tmp_path / str(held), SETTINGS.replace(steps=23, eval_every=23))
        run_phase(changed(setup, holds_ids=held))
    assert_same(Run(tmp_path / "False"), Run(tmp_path / "True"))


def test_speed_is_that_of_the_steps_not_of_their_reports() -> None:
    """Ten steps in ten seconds, told all at once."""
    speed = Throughput()
    for step in range(1, 11):
        speed.add(StepReport("train", step, 100, 2.0, 0.1, 500, step / 60))
    assert speed.steps_per_second() == pytest.approx(1.0)
    assert speed.tokens_per_second() == pytest.approx(500.0)


class Bursting(nn.Module):
    """A model whose loss is infinite in one of its passes."""

    def __init__(self, model: nn.Module, at: int) -> None:
        super().__init__()
        self.model, self.left = model, at

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        self.left -= 1
        logits: torch.Tensor = self.model(ids)
        return logits * (float("inf") if self.left == 0 else 1.0)


@pytest.mark.parametrize("every", [1, 4])
def test_a_non_finite_loss_read_late_goes_back_as_far(tmp_path: Path, every: int) -> None:
    """Steps behind it are forgotten with it: the phase goes on from the last checkpoint."""
    notes: list[str] = []
    steps: list[int] = []
    callbacks = Callbacks(on_note=notes.append, on_step=lambda report: steps.append(report.step))
    settings = SETTINGS.replace(steps=8, eval_every=8, save_every=3)
    setup = setup_of(tmp_path / "run", settings, callbacks)
    setup.model = Bursting(setup.model, 5)
    run_phase(changed(setup, losses_read_every=every))
    (note,) = notes
    assert note.startswith("Non-finite loss at step 4; back to step 3 at half")
    assert steps == [1, 2, 3, 4, 4, 5, 6, 7, 8]


def test_matrices_of_one_shape_move_as_if_each_were_alone() -> None:
    """Ten weights in one batched product, and one optimizer for each: the same to 1e-6."""
    torch.manual_seed(3)
    shapes = [(24, 16), (16, 24), (48, 16), (16, 16), (24, 16), (16, 16)]
    parts = [1, 1, 3, 1, 1, 1]
    start = [torch.randn(shape) for shape in shapes]
    together = {f"w{n}": nn.Parameter(each.clone()) for n, each in enumerate(start)}
    counts = {f"w{n}": count for n, count in enumerate(parts)}
    apart = {name: nn.Parameter(weight.detach().clone()) for name, weight in together.items()}
    whole = Muon(together, counts, momentum=0.9, weight_decay=0.1, iterations=3)
    single = [Muon({n: w}, {n: counts[n]}, 0.9, 0.1, 3) for n, w in apart.items()]
    for _ in range(3):
        for name, weight in together.items():
            weight.grad = torch.randn_like(weight)
            apart[name].grad = weight.grad.clone()
        for optimizer in (whole, *single):
            optimizer.step(0.1)
    for name, weight in together.items():
        torch.testing.assert_close(weight, apart[name], rtol=1e-6, atol=1e-6)
