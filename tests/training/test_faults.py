"""Training under faults: whatever happens, a run resumes to the bit or says in one sentence
why it cannot."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from inkling.cli.main import main
from inkling.config import Recipe
from inkling.runs import Run
from inkling.training.recipes import RECIPES, is_rung
from inkling.workspace import Workspace
from tests.conftest import DEMO, Result, made_read_only

STEPS = ("--steps", "12", "--save-every", "2", "--eval-every", "4", "--no-plots")
SMALL = ("--set", "model.n_embd=96", "--set", "train.total_batch_size=256",
         "--set", "finetune.total_batch_size=512")  # fmt: skip


@pytest.fixture
def workspace() -> Workspace:
    """Two posts and some messages."""
    source = Path("writing")
    source.mkdir()
    for post in sorted((DEMO / "posts").glob("*.md"))[:2]:
        (source / post.name).write_bytes(post.read_bytes())
    blocks = (DEMO / "dms.txt").read_text().split("\n\n")[:24]
    (source / "dms.txt").write_text("\n\n".join(blocks))
    assert main(["init", "w"]) == 0
    assert main(["add", str(source), "-w", "w"]) == 0
    return Workspace(Path("w").resolve())


def command(*arguments: object) -> list[str]:
    """`inkling` as a process of its own."""
    return [sys.executable, "-m", "inkling", *map(str, arguments)]


def run_inkling(*arguments: object, **options: object) -> Result:
    """A whole process, and what it said."""
    done = subprocess.run(
        command(*arguments), capture_output=True, text=True, check=False, **options
    )  # type: ignore[call-overload]
    return Result(done.returncode, done.stdout, done.stderr)


def run_here(*arguments: object) -> int:
    """The same in this process, which has everything imported."""
    return main([str(argument) for argument in arguments])


def one_sentence(result: Result) -> None:
    """Explained: one line, no traceback."""
    assert result.status in (1, 2), result
    assert "Traceback" not in result.err
    assert result.err.startswith("inkling: ")
    assert result.err.count("\n") == 1


def final_weights(workspace: Workspace, name: str) -> dict[str, torch.Tensor]:
    """The last checkpoint, model and optimizer."""
    run = Run(workspace.run_path(name))
    step = run.checkpoints.last_step()
    assert step is not None
    checkpoint = run.checkpoints.load(step)
    assert checkpoint.optimizer is not None
    return checkpoint.model | checkpoint.optimizer


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    """Equal to the bit."""
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_resumes_to_the_bit(workspace: Workspace, recipe: Recipe) -> None:
    """Stopped by a signal in the middle of a phase, resumed: the same weights and optimizer
    state as never stopped."""
    # Sizes that make ten steps of the largest take seconds, the batch at least one row.
    options = ("train", "--recipe", recipe, "-w", workspace.path, *STEPS)
    rung = is_rung(recipe)
    small = SMALL[:4] if rung else SMALL
    if recipe == "bigram":
        small = SMALL[2:4]
    assert run_here(*options, *small, "--name", "whole") == 0
    process = subprocess.Popen(
        command(*options, *small, "--name", "stopped"), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    stop_in = "Learning to write" if rung else "Learning to answer"
    for line in process.stdout:
        if line.startswith(stop_in):
            process.send_signal(signal.SIGTERM)
            break
    process.stdout.read()
    process.stdout.close()
    assert process.wait(120) in (143, 0)
    resume = ("train", "--resume", "--run", "stopped", "--no-plots", "-w", workspace.path)
    assert run_here(*resume) == 0
    assert same(final_weights(workspace, "whole"), final_weights(workspace, "stopped"))


def test_fine_tuning_alone_equals_fine_tuning_at_once(workspace: Workspace) -> None:
    """A classic run in one go, and its base trained alone and fine-tuned afterwards: the second
    phase takes over the optimizer's state either way, and ends at the same bits."""
    base = ("train", "--recipe", "classic-fast", "--steps", 6, "--no-plots", *SMALL[:4],
            "-w", workspace.path)  # fmt: skip
    tuned = ("--set", "finetune.total_batch_size=256")
    assert run_here(*base, *tuned, "--name", "whole") == 0
    assert run_here(*base, "--no-finetune", "--name", "base") == 0
    assert run_here("finetune", "base", "--steps", 2, "--no-plots", "-w", workspace.path) == 0
    config = Run(workspace.run_path("base-tuned-1")).config()
    assert config.finetune is not None
    assert config.finetune.optimizer.learning_rate == pytest.approx(8e-5)
    assert same(final_weights(workspace, "whole"), final_weights(workspace, "base-tuned-1"))


# Loads everything once, then forks a child for each attempt: 50 kills in a minute.
KILLER = """
import os, random, signal, sys, time
import torch, inkling.cli.train, inkling.training.session, inkling.inference.chat
from inkling.cli.main import main
from inkling.runs import Run
from inkling.workspace import Workspace
workspace, kills, arguments = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
moments = random.Random(int(kills))
run = Run(Workspace(__import__('pathlib').Path(workspace)).run_path('killed'))
done = 0
while done < kills:
    resumable = (run.path / 'config.json').exists()
    if resumable and run.config().complete:
        import shutil; shutil.rmtree(run.path); resumable = False
    command = ['train', '--resume', '--run', 'killed'] if resumable else arguments
    child = os.fork()
    if child == 0:
        sys.stdout = open(os.devnull, 'w')
        os._exit(main([*command, '--no-plots', '-w', workspace]))
    time.sleep(moments.random() * 1.2)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) not in (0,):
        sys.exit(f'attempt {done} ended with {os.WEXITSTATUS(status)}')
    done += 1
"""


@pytest.mark.slow
def test_fifty_kills_at_random_moments_lose_nothing(workspace: Workspace) -> None:
    """kill -9 anywhere in train and finetune: the run resumes, and ends with the very bits of
    one that was never killed."""
    options = ("train", *STEPS, *SMALL)
    assert run_here(*options, "--name", "whole", "-w", workspace.path) == 0
    killed = subprocess.run(
        [sys.executable, "-c", KILLER, str(workspace.path), "50", *options, "--name", "killed"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert killed.returncode == 0, killed.stderr
    way_on = (
        ("train", "--resume", "--run", "killed", "--no-plots")
        if (workspace.run_path("killed") / "config.json").exists()
        else (*options, "--name", "killed")
    )
    finished = run_inkling(*way_on, "-w", workspace.path)
    assert finished.status == 0, finished.err
    assert same(final_weights(workspace, "whole"), final_weights(workspace, "killed"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """A function that makes (or resizes) a real file system of so many kilobytes."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a small file system needs root; RLIMIT_FSIZE is tested elsewhere")
    point = tmp_path / "disk"
    point.mkdir()

    def of_size(kilobytes: int) -> Path:
        action = "remount," if os.path.ismount(point) else ""
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"{action}size={kilobytes}k", "tmpfs", str(point)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode and not action:
            pytest.skip(f"mounting a tmpfs is not allowed here: {done.stderr.strip()}")
        assert done.returncode == 0, done.stderr
        return point

    yield of_size
    if os.path.ismount(point):
        subprocess.run(["umount", "-l", str(point)], check=True)


def test_a_disk_that_fills_up_anywhere_is_explained(
    small_disk: Callable[[int], Path], workspace: Workspace, inkling: Callable[..., Result]
) -> None:
    """Wherever the disk fills (corpus, data, checkpoint, samples): one sentence, and with more
    room the same run goes on or begins again, to the same bits."""
    options = ("train", *STEPS, *SMALL, "--name", "r")
    assert run_here(*options, "-w", workspace.path) == 0
    wanted = final_weights(workspace, "r")
    disk = small_disk(64)
    ended = set()
    for kilobytes in (64, 200, 300, 450, 700, 1_000, 1_500, 2_200, 3_000):
        for path in disk.iterdir():
            shutil.rmtree(path)
        small_disk(kilobytes)  # only an empty one can shrink
        steps: list[tuple[object, ...]] = [
            ("init", disk / "w"),
            ("add", Path("writing").resolve(), "-w", disk / "w"),
            (*options, "-w", disk / "w"),
        ]
        for step in steps:
            result = inkling(*step)
            if result.status:
                one_sentence(result)
                assert "no space left" in result.err or "full" in result.err, result.err
                ended.add(step[0])
                break
        if result.status and step[0] == "train":
            small_disk(20_000)
            there = (disk / "w" / "runs" / "r" / "config.json").exists()
            again = ("train", "--resume", "--run", "r", "--no-plots") if there else options
            assert run_here(*again, "-w", disk / "w") == 0
            assert same(wanted, final_weights(Workspace(disk / "w"), "r"))
    assert "train" in ended


def test_a_file_size_limit_is_explained(workspace: Workspace) -> None:
    """RLIMIT_FSIZE stands for a full disk where nothing can be mounted."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    result = run_inkling("train", *STEPS, "--name", "r", "-w", workspace.path, preexec_fn=limit)
    one_sentence(result)
    assert "Nothing saved before was lost" in result.err


def test_short_memory_backs_off_or_explains(workspace: Workspace) -> None:
    """1 GB of address space: the training gets through in smaller pieces, or says why not."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))

    result = run_inkling("train", *STEPS, "--name", "r", "-w", workspace.path, preexec_fn=limit)
    if result.status:
        one_sentence(result)
        assert "memory" in result.err
    else:
        assert Run(workspace.run_path("r")).config().complete


@pytest.mark.parametrize(("number", "status"), [(signal.SIGHUP, 129), (signal.SIGTERM, 143)])
def test_a_closed_window_saves(workspace: Workspace, number: int, status: int) -> None:
    """SIGHUP and SIGTERM save and say how to go on."""
    process = subprocess.Popen(
        command("train", "--steps", 100_000, *SMALL, "--no-plots", "--name", "r",
                "-w", workspace.path),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if " step " in line:
            break
    process.send_signal(number)
    rest = process.stdout.read()
    process.stdout.close()
    assert process.wait(60) == status
    assert "inkling train --resume --run r" in rest
    assert Run(workspace.run_path("r")).checkpoints.last_step() is not None


def test_a_second_ctrl_c_ends_at_once_and_loses_no_checkpoint(workspace: Workspace) -> None:
    """130, quickly, and the run still resumes."""
    process = subprocess.Popen(
        command("train", "--steps", 100_000, *SMALL, "--save-every", 3, "--no-plots",
                "--name", "r", "-w", workspace.path),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    run = Run(workspace.run_path("r"))
    while run.checkpoints.last_step() is None:
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    rest = process.stdout.read()
    process.stdout.close()
    assert process.wait(60) == 130
    assert "Traceback" not in rest
    step = run.checkpoints.last_step()
    assert step is not None
    run.checkpoints.load(step)


def test_a_checkpoint_of_another_recipe_is_refused(workspace: Workspace) -> None:
    """Put in by hand where it does not belong: a sentence, for writing and for resuming."""
    for recipe in ("modern", "head"):
        arguments = ("train", "--recipe", recipe, "--steps", 4, *SMALL[:4], "--no-plots")
        assert run_here(*arguments, "--name", recipe, "-w", workspace.path) == 0
    ours, theirs = (Run(workspace.run_path(name)) for name in ("modern", "head"))
    step = ours.checkpoints.last_step()
    shutil.rmtree(ours.path / "checkpoints")
    shutil.copytree(theirs.path / "checkpoints", ours.path / "checkpoints")
    last = theirs.checkpoints.last_step()
    assert step is not None
    assert last is not None
    ours.checkpoints.write_best({"train": {"step": last, "val_nats_per_char": 1.0}})
    ours.write_config(ours.config().model_copy(update={"complete": False}))
    one_sentence(run_inkling("generate", "--run", "modern", "-w", workspace.path))
    one_sentence(run_inkling("train", "--resume", "--run", "modern", "-w", workspace.path))


def test_a_corpus_edited_meanwhile_changes_no_run(workspace: Workspace) -> None:
    """A run learns from what was packed when it began, also after a resume."""
    options = ("train", *STEPS, *SMALL)
    assert run_here(*options, "--name", "whole", "-w", workspace.path) == 0
    process = subprocess.Popen(
        command(*options, "--name", "r", "-w", workspace.path), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if " step " in line:
            break
    Path("more.txt").write_text("Something new that nobody had written before. " * 40)
    assert run_here("add", Path("more.txt").resolve(), "-w", workspace.path) == 0
    process.send_signal(signal.SIGTERM)
    process.stdout.read()
    process.stdout.close()
    process.wait(60)
    resume = ("train", "--resume", "--run", "r", "--no-plots", "-w", workspace.path)
    assert run_here(*resume) == 0
    assert same(final_weights(workspace, "whole"), final_weights(workspace, "r"))


@pytest.fixture
def read_only(workspace: Workspace) -> Iterator[Workspace]:
    """The workspace, not writable."""
    with made_read_only(workspace.path):
        yield workspace


def test_a_read_only_workspace_is_explained(read_only: Workspace) -> None:
    """Nothing can be written: one sentence naming the path; what is there can be read."""
    result = run_inkling("train", "--steps", 2, "-w", read_only.path)
    one_sentence(result)
    assert str(read_only.path) in result.err
    assert "read-only" in result.err or "permission denied" in result.err
