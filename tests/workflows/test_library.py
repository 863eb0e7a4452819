"""`import inkling` as a program uses it: the README's example, callbacks, results, errors."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import inkling
from inkling.cli.main import main
from inkling.config import Phase
from inkling.errors import RunError, UsageError
from inkling.runs import Run
from inkling.training.loop import EvalReport
from inkling.training.progress import StepProgress
from inkling.workflows.callbacks import TrainingCallbacks, TrainingSample
from inkling.workflows.status import read_status
from inkling.workspace import Workspace
from tests.conftest import DEMO

README = DEMO.parent / "README.md"
QUICK = {"recipe": "bigram", "figures": False}


@pytest.fixture
def small() -> Workspace:
    """Two posts and some messages, nothing trained."""
    writing(Path("writing"), posts=2, dialogs=24)
    workspace = Workspace.create(Path("w"))
    inkling.add(workspace, [Path("writing")])
    return workspace


def writing(folder: Path, posts: int, dialogs: int) -> None:
    """A folder of the demo author's writing."""
    folder.mkdir()
    for post in sorted((DEMO / "posts").glob("*.md"))[:posts]:
        (folder / post.name).write_bytes(post.read_bytes())
    blocks = (DEMO / "dms.txt").read_text().split("\n\n")[:dialogs]
    (folder / "dms.txt").write_text("\n\n".join(blocks))


class Watching(TrainingCallbacks):
    """Notes everything that it is told."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.runs: list[Run] = []
        self.phases: list[Phase] = []
        self.steps: list[StepProgress] = []
        self.evaluations: list[EvalReport] = []
        self.samples: list[TrainingSample] = []
        self._stop_at = stop_at

    def on_run(self, run: Run, machine: str) -> None:
        assert machine
        self.runs.append(run)

    def on_phase(self, phase: Phase) -> None:
        self.phases.append(phase)

    def on_step(self, progress: StepProgress) -> None:
        self.steps.append(progress)

    def on_evaluation(self, report: EvalReport) -> None:
        self.evaluations.append(report)

    def on_sample(self, sample: TrainingSample) -> None:
        self.samples.append(sample)

    def stop_requested(self) -> bool:
        return self._stop_at is not None and len(self.steps) >= self._stop_at


def test_the_readmes_example_runs() -> None:
    """The block under "As a library", letter for letter: it trains, chats and evaluates."""
    block = re.search(
        r"As a library:\n\n```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL
    )
    assert block is not None
    writing(Path("writing"), posts=12, dialogs=80)
    done = subprocess.run(
        [sys.executable, "-c", block[1]], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    loss, reply, *verdict = done.stdout.splitlines()
    assert 0 < float(loss.split()[0]) < 8
    assert reply.strip()
    assert verdict
    (run,) = Run.readable(Workspace(Path("mine").resolve()))
    assert run.config().complete
    assert run.report_path.exists()


def test_a_training_calls_back_and_prints_nothing(
    small: Workspace, capfd: pytest.CaptureFixture[str]
) -> None:
    """Each moment once, in order; samples are those of the file; the result is that of the run."""
    watching = Watching()
    result = inkling.train(small, steps=6, figures=False, callbacks=watching)
    assert capfd.readouterr() == ("", "")
    (run,) = watching.runs
    assert run.name == result.run.name == "modern-1"
    assert watching.phases == ["train", "finetune"]
    config = run.config()
    assert config.finetune is not None
    steps = config.train.schedule.steps + config.finetune.schedule.steps
    assert [progress.step for progress in watching.steps] == list(range(1, steps + 1))
    assert (result.step, result.interrupted, result.figures) == (steps, False, None)
    records = list(run.records("metrics.jsonl"))
    assert [report.step for report in watching.evaluations] == [r["step"] for r in records]
    assert [vars(sample) for sample in watching.samples] == list(run.records("samples.jsonl"))
    assert result.nats_per_char == {
        phase: best["val_nats_per_char"] for phase, best in run.checkpoints.best().items()
    }
    status = read_status(small)
    assert status is not None
    assert (status.state, status.run) == ("done", "modern-1")


def test_a_training_that_a_callback_stops_is_resumed(small: Workspace) -> None:
    """`stop_requested` saves and ends; `resume` goes to the end, and then has nothing to do."""
    stopped = inkling.train(small, steps=20, callbacks=Watching(stop_at=5), **QUICK)
    assert (stopped.interrupted, stopped.signal, stopped.step) == (True, None, 5)
    assert not stopped.run.config().complete
    status = read_status(small)
    assert status is not None
    assert status.state == "stopped"
    watching = Watching()
    resumed = inkling.resume(small, stopped.run.name, figures=False, callbacks=watching)
    assert (resumed.run.name, resumed.step, resumed.interrupted) == (stopped.run.name, 20, False)
    assert watching.steps[0].step == 6
    again = inkling.resume(small, stopped.run.name)
    assert again.already_complete


def test_a_training_that_ended_while_it_prepared_leaves_nothing_to_resume(small: Workspace) -> None:
    """That is said, each time, and not that the whole run before it is complete. One that was
    begun is what is resumed."""
    short = {"overrides": ["model.n_layer=1"], "finetune": False, "figures": False}
    inkling.train(small, steps=2, **short)

    class Hasty(TrainingCallbacks):
        def on_preparing(self, name: str) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        inkling.train(small, steps=2, callbacks=Hasty(), **short)
    said = "ended before its run modern-2 was begun.* inkling train"
    for _ in range(2):
        with pytest.raises(RunError, match=said):
            inkling.resume(small)
    assert inkling.resume(small, "modern-1").already_complete
    inkling.train(small, steps=20, callbacks=Watching(stop_at=5), **short)
    resumed = inkling.resume(small, figures=False)
    assert (resumed.run.name, resumed.step) == ("modern-2", 20)
    assert inkling.resume(small).already_complete


def test_a_callback_that_fails_before_a_checkpoint_leaves_no_run(small: Workspace) -> None:
    """The error comes through, the folder is gone, and the status says why."""

    class Failing(TrainingCallbacks):
        def on_phase(self, phase: Phase) -> None:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        inkling.train(small, steps=20, callbacks=Failing(), **QUICK)
    assert small.run_names() == []
    assert not list(small.runs_path.glob("*"))
    status = read_status(small)
    assert status is not None
    assert status.state == "failed"
    assert status.sentence is not None
    assert "no space left on device" in status.sentence


def test_what_is_not_given_is_as_inkling_toml_says(small: Workspace) -> None:
    """[train] for `train`, [sampling] for `chat`; what is given wins."""
    small.config_path.write_text(
        small.config_path.read_text()
        + '[train]\nsteps = 4\nseed = 9\nrecipe = "bigram"\n'
        + "[sampling]\ntemperature = 0.75\nbest_of = 3\n"
    )
    run = inkling.train(small, seed=4, figures=False).run
    config = run.config()
    assert (config.recipe, config.seed, config.train.schedule.steps) == ("bigram", 4, 4)
    chat = inkling.chat(small, run.name, max_tokens=5)
    assert (chat.settings.temperature, chat.settings.best_of) == (0.75, 3)
    assert chat.settings.max_tokens == 5
    with pytest.raises(UsageError, match="--temperature"):
        inkling.chat(small, run.name, temperature=9)


def test_a_chat_keeps_its_history(trained: Workspace) -> None:
    """A reply is that of the model after the turns before it; chunks join to the reply."""
    chat = inkling.chat(trained, seed=1, max_tokens=12)
    first = chat.reply("hello")
    assert first
    second = "".join(chat.stream("soup?"))
    assert chat.history == [("them", "hello"), ("me", first), ("them", "soup?"), ("me", second)]
    expected = chat.model.reply("soup?", [("them", "hello"), ("me", first)], chat.settings)
    assert second == "".join(expected)


def test_nothing_to_chat_with_is_said(small: Workspace) -> None:
    """The same sentence as on the command line."""
    with pytest.raises(RunError, match="no trained model here yet"):
        inkling.chat(small)
    with pytest.raises(RunError, match="Nothing was begun yet"):
        inkling.resume(small)


def test_public_names_are_there_and_cost_nothing() -> None:
    """Each name of __all__ is found; importing the package imports none of them."""
    for name in inkling.__all__:
        assert getattr(inkling, name) is not None
    code = (
        "import inkling, sys, json; print(json.dumps([m for m in sys.modules if 'inkling' in m]))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(out.stdout) == ["inkling"]
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        _ = inkling.trian


def test_what_is_forgotten_meanwhile_is_in_no_later_reply(trained: Workspace) -> None:
    """A chat that is under way looks up what the corpus holds now."""
    shutil.copytree(trained.path, "kept")
    workspace = Workspace(Path("kept").resolve())
    Path("odd.txt").write_text("them: where is the zylophant?\nme: in the scullery, polished\n")
    chat = inkling.chat(workspace, memory=1, seed=1)
    inkling.add(workspace, [Path("odd.txt")], me=["me"])
    assert "scullery" in chat.reply("where is the zylophant?")
    assert main(["corpus", "forget", "--match", "zylophant", "--yes", "-w", "kept"]) == 0
    chat.history.clear()
    assert "scullery" not in chat.reply("where is the zylophant?")
