"""Runs side by side, figures, settings by hand, a workspace's defaults, repeating a run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from inkling.runs import Run
from inkling.workspace import Workspace
from tests.conftest import DEMO, Result

Inkling = Callable[..., Result]


@pytest.fixture
def small(inkling: Inkling) -> Workspace:
    """A workspace with two posts and some messages, nothing trained."""
    source = Path("writing")
    source.mkdir()
    for post in sorted((DEMO / "posts").glob("*.md"))[:2]:
        (source / post.name).write_bytes(post.read_bytes())
    blocks = (DEMO / "dms.txt").read_text().split("\n\n")[:24]
    (source / "dms.txt").write_text("\n\n".join(blocks))
    assert inkling("init", "w").status == 0
    assert inkling("add", source, "-w", "w").status == 0
    return Workspace(Path("w").resolve())


def weights(workspace: Workspace, name: str) -> dict[str, torch.Tensor]:
    """The last checkpoint's model."""
    run = Run(workspace.run_path(name))
    step = run.checkpoints.last_step()
    assert step is not None
    return run.checkpoints.load(step).model


def test_runs_are_listed_compared_and_deleted(inkling: Inkling, small: Workspace) -> None:
    """One line a run; a comparison shows only what differs; deleting asks first."""
    assert "no run yet" in inkling("runs", "-w", "w").out
    for name, seed in (("one", 1), ("two", 2)):
        inkling("train", "--steps", 3, "--seed", seed, "--name", name, "--no-plots", "-w", "w")
    listed = inkling("runs", "-w", "w").out
    assert [line.split()[0] for line in listed.splitlines()[1:-1]] == ["one", "two"]
    rows = json.loads(inkling("runs", "--json", "-w", "w").out)
    assert [row["seed"] for row in rows] == [1, 2]
    assert all(row["complete"] and row["writing"] > 0 and row["replies"] > 0 for row in rows)
    compared = inkling("runs", "one", "two", "-w", "w").out
    assert "seed" in compared
    assert "model.n_layer" not in compared
    refused = inkling("runs", "one", "--delete", "-w", "w")
    assert refused.status == 2
    assert "--yes" in refused.err
    assert inkling("runs", "one", "--delete", "--yes", "-w", "w").status == 0
    assert small.run_names() == ["two"]
    assert inkling("runs", "one", "-w", "w").status == 1


def test_figures_are_drawn_after_training_and_on_request(
    inkling: Inkling, small: Workspace
) -> None:
    """Four PNGs of a decent size; none with --no-plots; one sentence where nothing was trained."""
    assert "no run to draw" in inkling("plot", "-w", "w").err
    inkling("train", "--steps", 4, "--eval-every", 1, "--name", "r", "--no-plots", "-w", "w")
    figures = small.run_path("r") / "figures"
    assert not figures.exists()
    drawn = inkling("plot", "-w", "w")
    assert drawn.status == 0
    names = {"loss_journey.png", "loss_decrease.png", "perplexity.png", "training_dashboard.png"}
    assert {path.name for path in figures.iterdir()} == names
    for path in figures.iterdir():
        header = path.read_bytes()[:24]
        assert header.startswith(b"\x89PNG")
        assert int.from_bytes(header[16:20], "big") >= 1_000
    inkling("train", "--steps", 2, "--name", "s", "-w", "w")
    assert (small.run_path("s") / "figures" / "loss_journey.png").is_file()


def test_a_run_is_repeated_from_its_config_to_the_bit(inkling: Inkling, small: Workspace) -> None:
    """Same weights; another text is refused."""
    inkling("train", "--steps", 6, "--seed", 5, "--name", "r", "--no-plots", "-w", "w",
            "--set", "model.n_embd=64", "--set", "train.matrix_lr=0.05")  # fmt: skip
    again = inkling("train", "--repeat", "r", "--name", "again", "--no-plots", "-w", "w")
    assert again.status == 0, again.err
    one, two = weights(small, "r"), weights(small, "again")
    assert all(torch.equal(one[key], two[key]) for key in one)
    Path("more.txt").write_text("A new piece of writing, with new words in it. " * 30)
    inkling("add", "more.txt", "-w", "w")
    refused = inkling("train", "--repeat", "r", "-w", "w")
    assert refused.status == 1
    assert "not the one" in refused.err
    assert small.run_names() == ["r", "again"]


def test_settings_by_hand(inkling: Inkling, small: Workspace) -> None:
    """They land in the config; wrong ones are answered with the nearest name."""
    done = inkling(
        "train", "--steps", 2, "--name", "r", "--no-plots", "-w", "w",
        "--set", "model.n_layer=1", "--set", "train.weight_decay=0.25",
        "--set", "finetune.replay_ratio=0.5",
    )  # fmt: skip
    assert done.status == 0, done.err
    config = Run(small.run_path("r")).config()
    assert config.model.n_layer == 1
    assert config.train.optimizer.weight_decay == 0.25
    assert config.finetune is not None
    assert config.finetune.data.replay_ratio == 0.5
    for text, words in (
        ("model.n_layers=3", "Did you mean model.n_layer?"),
        ("learning_rat=3", "Did you mean train.learning_rate?"),
        ("train.zzz=3", "There are: model.n_layer"),
        ("model.n_layer", "KEY=VALUE"),
        ("model.n_layer=none", "model.n_layer must be a whole number, not 'none'."),
        ("model.n_layer=0", "model.n_layer must be at least 1, not '0'."),
        ("model.vocab_size=5", "the tokenizer decides"),
        ("train.steps=5", "--steps"),
        ("train.sequence_length=4096", "longer than the model's context_length"),
    ):
        wrong = inkling("train", "--steps", 2, "--set", text, "-w", "w")
        assert wrong.status == 2, text
        assert words in wrong.err, wrong.err
        assert wrong.err.count("\n") == 1
    assert small.run_names() == ["r"]


def test_a_workspace_has_defaults(inkling: Inkling, small: Workspace) -> None:
    """[train] and [sampling] of inkling.toml; what is typed wins; mistakes are named."""
    config = small.config_path
    original = config.read_text()
    config.write_text(
        original + '[train]\nsteps = 3\nseed = 9\nrecipe = "bigram"\n'
        'set = { "train.learning_rate" = 0.02 }\n[sampling]\nmax_tokens = 4\nseed = 1\n'
    )
    assert inkling("train", "--name", "r", "--no-plots", "-w", "w").status == 0
    made = Run(small.run_path("r")).config()
    assert (made.recipe, made.seed, made.train.schedule.steps) == ("bigram", 9, 3)
    assert made.train.optimizer.learning_rate == 0.02
    typed = inkling("train", "--name", "s", "--seed", 4, "--no-plots", "-w", "w")
    assert typed.status == 0
    assert Run(small.run_path("s")).config().seed == 4
    one = inkling("generate", "--run", "r", "--prompt", "The", "-w", "w")
    two = inkling("generate", "--run", "r", "--prompt", "The", "-w", "w")
    longer = inkling("generate", "--run", "r", "--prompt", "The", "--max-tokens", 30, "-w", "w")
    assert one.out == two.out
    assert len(longer.out) > len(one.out)
    for text, words in (
        ("[train]\nstep = 3\n", "did you mean steps?"),
        ("train = 3\n", "[train]"),
        ("[trian]\nsteps = 3\n", "there is no [trian]; did you mean [train]?"),
        ("[sampling]\n[smapling]\n", "there is no [smapling]; did you mean [sampling]?"),
        ('nmae = "x"\n', "there is no nmae; did you mean name?"),
        ("[sampling]\ntemperature = 9\n", "sampling.temperature"),
        ('[train]\nrecipe = "llama"\n', "no recipe called 'llama'"),
        ("version = 1\n", "not valid TOML"),
    ):
        config.write_text(original + text)
        command = "generate" if "sampling" in text else "train"
        wrong = inkling(command, "-w", "w")
        assert wrong.status in (1, 2)
        assert words in wrong.err
    config.write_text(original + '[colours]\ninset = "blue"\n')
    assert inkling("generate", "--run", "r", "-w", "w").status == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[train]\nminutes = "abc"', "train.minutes must be a number, not 'abc'."),
        ("[train]\nminutes = true", "train.minutes must be a number, not True."),
        ("[train]\nsteps = 1.5", "train.steps must be a whole number, not 1.5."),
        ('[train]\nseed = "x"', "train.seed must be a whole number, not 'x'."),
        ('[train]\nfinetune = "x"', "train.finetune must be true or false, not 'x'."),
        ('[train]\nmin_length = "x"', "train.min_length must be a whole number, not 'x'."),
        ("[train]\nonly_source = 3", "train.only_source must be a text, not 3."),
        ("[train]\nweight = 3", "needs SOURCE=NUMBER"),
        ('[train.weight]\nblog = "x"', "train.weight must be a number, not 'x'."),
        ("[train]\nset = 3", "train.set should be a table"),
        ('[train]\nfrom = "soon"', "train.from: a date is a year"),
        ('[train]\nin = "20x4"', "train.in: a date is a year"),
        ('[sampling]\ntemperature = "warm"', "sampling.temperature must be a number, not 'warm'."),
        ("[sampling]\ntemperature = 9", "sampling.temperature must be at most 5, not 9."),
        ("[sampling]\ntop_k = 1.5", "sampling.top_k must be a whole number, not 1.5."),
    ],
)
def test_a_wrong_value_in_the_file_is_a_sentence(inkling: Inkling, text: str, words: str) -> None:
    """What it must be and what it is, in a person's words."""
    inkling("init", "w")
    config = Path("w/inkling.toml")
    config.write_text(f"{config.read_text()}{text}\n")
    wrong = inkling("serve" if "sampling" in text else "train", "-w", "w")
    assert wrong.status in (1, 2)
    assert words in wrong.err
    assert wrong.err.count("\n") == 1


def test_a_complete_run_without_checkpoints_is_to_be_deleted(
    inkling: Inkling, lab: Workspace
) -> None:
    """Every command that needs one says the same, and nobody is sent to continue it."""
    shutil.rmtree(lab.run_path("tiny") / "checkpoints")
    said = (
        "The run 'tiny' is complete, but its checkpoints are gone. Delete it: "
        "inkling runs tiny --delete."
    )
    for command in (
        ("eval", "--run", "tiny"),
        ("export", "gguf", "--run", "tiny"),
        ("chat", "--run", "tiny"),
        ("train", "--resume", "--run", "tiny"),
    ):
        told = inkling(*command, "-w", lab.path)
        assert (told.status, told.err) == (1, f"inkling: {said}\n"), told
    assert said in inkling("doctor", "-w", lab.path).out


def test_a_copied_workspace_speaks_with_the_same_run(
    inkling: Inkling, small: Workspace, tmp_path: Path
) -> None:
    """The newest run is the one begun last, whatever the files' times say."""
    for name in ("a", "b"):
        inkling("train", "--steps", 2, "--name", name, "--no-plots", "-w", "w")
    for name, moment in (("a", 2_000_000_000), ("b", 1_000_000_000)):
        os.utime(small.run_path(name) / "config.json", (moment, moment))
    assert small.run_names() == ["a", "b"]
    newest = Run.newest(small)
    assert newest is not None
    assert newest.name == "b"


def test_a_damaged_run_hides_no_other(inkling: Inkling, small: Workspace) -> None:
    """The others are listed and speak; the damaged one is explained when it is named."""
    for name in ("a", "b"):
        inkling("train", "--steps", 2, "--name", name, "--no-plots", "-w", "w")
    (small.run_path("b") / "config.json").write_text("garbage")
    listed = inkling("runs", "-w", "w")
    assert "a " in listed.out
    assert "b is damaged" in listed.err
    assert inkling("generate", "--max-tokens", 3, "-w", "w").status == 0
    assert inkling("generate", "--run", "b", "-w", "w").status == 1


def test_a_training_that_cannot_begin_leaves_no_run(inkling: Inkling, small: Workspace) -> None:
    """A model that no memory holds is refused before anything is made."""
    huge = inkling("train", "--steps", 2, "--set", "model.n_embd=16000", "--set",
                   "model.n_layer=200", "-w", "w")  # fmt: skip
    assert huge.status == 1
    assert "GB to train" in huge.err
    assert small.run_names() == []
    assert not list(small.runs_path.glob("*"))


def test_ctrl_c_between_the_data_and_the_run_leaves_no_folder(
    inkling: Inkling, small: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it falls while torch is still being imported: no command could find what is left."""

    def pressed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("inkling.training.configure.start_run", pressed)
    assert inkling("train", "--steps", 2, "-w", "w").status == 130
    assert not list(small.runs_path.glob("*"))


def test_closed_output_is_explained(small: Workspace) -> None:
    """`inkling train | head -1`: the training stops with a sentence, and can go on."""
    line = (
        f"{sys.executable} -m inkling train --steps 500 --name r --no-plots -w {small.path} "
        "2>err | head -1; echo ${PIPESTATUS[0]}"
    )
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "1"
    assert "inkling train --resume --run r" in Path("err").read_text()


def test_a_workspace_that_is_named_must_be_there(inkling: Inkling, small: Workspace) -> None:
    """A misspelt -w is not answered by a workspace further up."""
    wrong = inkling("runs", "-w", small.path / "no" / "such")
    assert wrong.status == 1
    assert "no workspace at" in wrong.err


@pytest.mark.parametrize("recipe", ["classic-fast", "head", "multihead", "feedforward", "blocks"])
def test_other_recipes_train_and_write(inkling: Inkling, small: Workspace, recipe: str) -> None:
    """A few steps of each; it writes when named, but is not what a chat takes by itself."""
    arguments = ["--steps", 2, "--name", "r", "--no-plots", "-w", "w"]
    arguments += ["--set", "model.n_embd=64", "--set", "train.total_batch_size=256"]
    done = inkling("train", "--recipe", recipe, *arguments)
    assert done.status == 0, done.err
    config = Run(small.run_path("r")).config()
    assert config.recipe == recipe
    assert (config.finetune is not None) == (recipe == "classic-fast")
    if recipe == "classic-fast":
        assert config.merges == 0
        assert config.train.optimizer.algorithm == "adamw"
        assert config.finetune is not None
        assert config.finetune.optimizer.learning_rate == pytest.approx(8e-5)
        assert config.finetune.optimizer.inherit_optimizer
    text = inkling("generate", "--run", "r", "--prompt", "The ", "--seed", 1, "-w", "w")
    assert text.status == 0
    assert len(text.out) > 5
    unnamed = inkling("generate", "--max-tokens", 3, "-w", "w")
    assert (unnamed.status == 0) == (recipe == "classic-fast")


def test_a_climb_in_no_time_is_refused(inkling: Inkling, small: Workspace) -> None:
    """Before anything is prepared, with the least that would do."""
    refused = inkling("ladder", "--minutes", "0.05", "--seeds", 2, "-w", "w")
    assert refused.status == 2
    assert "14 rungs need 42 seconds at least: --minutes 0.7" in refused.err
    assert not small.run_names()


@pytest.mark.alone
def test_the_ladder_tells_its_story(inkling: Inkling, small: Workspace) -> None:
    """Every rung in one table beside uniform and counts, samples, a figure, saved as a group."""
    done = inkling("ladder", "--minutes", "0.45", "-w", "w", "--name", "g")
    assert done.status == 0, done.err
    rungs = ("bigram", "head", "multihead", "feedforward", "blocks", "classic", "modern")
    for name in (*rungs, "uniform", "counted bigram"):
        assert any(line.startswith(name) for line in done.out.splitlines()), name
    folder = small.ladders_path / "g"
    report = json.loads((folder / "ladder.json").read_text())
    assert [row["rung"] for row in report["rungs"]] == list(rungs)
    assert all(row["nats"][0] < report["baselines"]["uniform"] for row in report["rungs"])
    assert (folder / "ladder.png").read_bytes().startswith(b"\x89PNG")
    unnamed = inkling("generate", "-w", "w")
    assert unnamed.status == 1
    assert "--run g-modern-1" in unnamed.err
    assert inkling("generate", "--run", "g-modern-1", "--max-tokens", 3, "-w", "w").status == 0
