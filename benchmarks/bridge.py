"""From base to dialog: settings side by side on the demo's text, several seeds each.

    scripts/bench bridge [--seeds 3] [--scale 1] [--only NAME ...] [--threads 2]

Each setting trains both phases of the demo's 3 × 128 model in about as much arithmetic (steps
are scaled by what a step costs; the two that change nothing but the epochs of fine-tuning say
that they cost less or more), so the table does not depend on how busy the machine is. Told are
the held-out loss of the writing (best base checkpoint) and of the replies (lowest, and of the
last checkpoint, which speaks), and the share of tuning_questions.txt answered with the right key
word, drawn as a chat draws. None of those questions is among the thirty of docs/answers.md; they
compare settings.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from statistics import mean, stdev

import torch
from _common import ROOT, inkling, machine
from _common import run as run_command
from replies import right_share

from inkling import __version__
from inkling.config import REPLY, RunConfig, TrainingPlan
from inkling.inference.chat import ChatModel
from inkling.preparation import prepare_run
from inkling.runs import Run
from inkling.runtime import Runtime
from inkling.tokens.tokenizer import Tokenizer
from inkling.training import planner
from inkling.training.assembly import with_dialogs
from inkling.training.cadence import with_cadence
from inkling.training.callbacks import Callbacks
from inkling.training.overrides import apply_overrides
from inkling.training.session import train_run
from inkling.workspace import Workspace

MERGES = 902
PLAIN = {f"{phase}.question_{what}": "0" for phase in ("train", "finetune")
         for what in ("dropout", "noise")}  # fmt: skip

# name: (base steps, fine-tuning steps, merges, settings that differ from the defaults)
SETTINGS: dict[str, tuple[int, int, int, dict[str, str]]] = {
    "the defaults": (800, 1150, MERGES, {}),
    "questions not reworded": (800, 1150, MERGES, PLAIN),
    "words left out, none put in": (800, 1150, MERGES, {
        "train.question_noise": "0", "finetune.question_noise": "0"}),
    "words put in, none left out": (800, 1150, MERGES, {
        "train.question_dropout": "0", "finetune.question_dropout": "0"}),
    "base 1,500, fine-tuning 450": (1500, 450, MERGES, {"train.dialog_ratio": "0.35"}),
    "half the epochs, cheaper": (800, 575, MERGES, {}),
    "twice the epochs, dearer": (800, 2300, MERGES, {}),
    "no dialogs in the base": (800, 1150, MERGES, {"train.dialog_ratio": "0.02"}),
    "base 0.8 dialogs": (800, 1150, MERGES, {"train.dialog_ratio": "0.8"}),
    "no replay": (800, 1150, MERGES, {"finetune.replay_ratio": "0"}),
    "replay 0.3": (800, 1150, MERGES, {"finetune.replay_ratio": "0.3"}),
    "fine-tuning at the full rate": (800, 1150, MERGES, {
        "finetune.learning_rate": "0.01", "finetune.matrix_lr": "0.02"}),
    "MLP dropout 0.15": (800, 1150, MERGES, {"model.dropout": "0.15"}),
    "weight decay 2 in fine-tuning": (800, 1150, MERGES, {"finetune.weight_decay": "2"}),
    "1,800 merges": (690, 990, 1800, {}),
    "450 merges": (870, 1250, 450, {}),
    "3 × 192": (480, 690, MERGES, {
        "model.n_embd": "192", "model.n_head": "3", "model.n_hidden": "512"}),
}  # fmt: skip


def trained(
    workspace: Workspace, name: str, number: int, seed: int, scale: float, threads: int
) -> Run:
    """A run of a setting, with `scale` times its steps."""
    base, tuning, merges, overrides = SETTINGS[name]
    base, tuning = round(scale * base), round(scale * tuning)
    prepared = prepare_run(workspace, f"setting-{number}-{seed}", lambda _: merges)
    run = Run(prepared.path)
    vocab_size = Tokenizer.load(run.tokenizer_path).vocab_size
    plan = planner.make_plan(vocab_size, 150, planner.REFERENCE_GFLOPS, dialogs=True)
    assert plan.finetune is not None
    plan = with_dialogs(
        TrainingPlan(
            model=plan.model,
            train=with_cadence(plan.train, base, 4),
            finetune=with_cadence(plan.finetune, tuning, 4),
        ),
        prepared.facts,
    )
    plan = apply_overrides(plan, overrides.items())
    run.write_config(
        RunConfig(
            inkling_version=__version__, torch_version=torch.__version__, name=run.name, seed=seed,
            merges=merges, created=run.name, figures=False, model=plan.model, train=plan.train,
            finetune=plan.finetune, data=prepared.facts,
        )
    )  # fmt: skip
    train_run(run, Runtime.detect(threads=threads), lambda session, phase: Callbacks())
    return run


def measured(run: Run) -> tuple[float, float, float, float]:
    """Writing, replies at their lowest and at the end, share of right answers."""
    voice = ChatModel.load(run, Runtime.detect(threads=1))
    curve = [
        record["val_nats_per_char"]
        for record in run.records("metrics.jsonl")
        if record["phase"] == "finetune"
    ]
    right = right_share(voice, REPLY, 0)
    return run.checkpoints.best()["train"]["val_nats_per_char"], min(curve), curve[-1], right


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the demo's steps")
    parser.add_argument("--only", nargs="*", default=list(SETTINGS))
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    print(f"{machine()}, {options.threads} threads")
    print(f"{options.seeds} seeds, {options.scale:g} of the steps")
    print("\n| setting | right | writing | replies, lowest | replies, last |")
    print("| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace.create(Path(folder) / "w")
        demo = [ROOT / "demo" / "posts", ROOT / "demo" / "dms.txt"]
        run_command([*inkling(), "add", *demo, "-w", workspace.path], Path(folder))
        for number, name in enumerate(SETTINGS):
            if name not in options.only:
                continue
            rows = [
                measured(trained(workspace, name, number, seed, options.scale, options.threads))
                for seed in range(1, options.seeds + 1)
            ]
            cells = [
                f"{mean(column):.3f}" + (f" ± {stdev(column):.3f}" if len(column) > 1 else "")
                for column in zip(*rows, strict=True)
            ]
            writing, lowest, last, right = cells
            print(f"| {name} | {right} | {writing} | {lowest} | {last} |", flush=True)


if __name__ == "__main__":
    main()
