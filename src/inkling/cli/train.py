"""`inkling train` and `finetune`: which training was asked for, and how it is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from inkling.cli import COMMAND_STARTED
from inkling.cli.console import echo
from inkling.cli.options import RunOption, WorkspaceOption, find_workspace
from inkling.cli.selection import (
    FromOption,
    GroupsOption,
    InOption,
    KindOption,
    MinLengthOption,
    OnlySourceOption,
    PersonOption,
    ToOption,
    WeightOption,
    WithoutSourceOption,
)
from inkling.cli.training_view import FinetuneView, ResumeView, TrainingView, finish
from inkling.config import DEFAULT_SEED
from inkling.errors import UsageError
from inkling.settings import train_request
from inkling.training.recipes import RECIPES
from inkling.workflows import train as workflow
from inkling.workflows.follow import follows

MinutesOption = Annotated[
    float | None,
    typer.Option(
        help="Minutes for the whole command; everything else is derived. Default 3.",
        show_default=False,
    ),
]


def _quiet(help_text: str, *names: str) -> Any:
    """An option whose default is the workspace's, or derived."""
    return typer.Option(*names, help=help_text, show_default=False)


def train(
    minutes: MinutesOption = None,
    steps: Annotated[int | None, _quiet("Exactly this many base steps instead of minutes.")] = None,
    recipe: Annotated[
        str | None, _quiet(f"What to train: {', '.join(RECIPES)}. Default modern.")
    ] = None,
    seed: Annotated[
        int | None, _quiet(f"Same seed, text and steps: same model. Default {DEFAULT_SEED}.")
    ] = None,
    name: Annotated[str | None, _quiet("Name of the new run.")] = None,
    eval_every: Annotated[int | None, _quiet("Steps between evaluations.")] = None,
    save_every: Annotated[int | None, _quiet("Steps between checkpoints.")] = None,
    settings: Annotated[
        list[str] | None,
        _quiet("Any setting, e.g. model.n_layer=3 or train.matrix_lr=0.01.", "--set"),
    ] = None,
    only_source: OnlySourceOption = None,
    without_source: WithoutSourceOption = None,
    person: PersonOption = None,
    since: FromOption = None,
    until: ToOption = None,
    within: InOption = None,
    kind: KindOption = None,
    min_length: MinLengthOption = None,
    groups: GroupsOption = False,
    weight: WeightOption = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue a run that was stopped.")
    ] = False,
    repeat: Annotated[
        str | None, _quiet("Train a run again from its own config.json, bit for bit.")
    ] = None,
    no_finetune: Annotated[
        bool, typer.Option("--no-finetune", help="Skip the phase on dialogs.")
    ] = False,
    no_plots: Annotated[bool, typer.Option("--no-plots", help="Draw no figures.")] = False,
    no_progress: Annotated[
        bool, typer.Option("--no-progress", help="Print evaluations but no steps, e.g. for a log.")
    ] = False,
    run: RunOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Train a model from scratch on the workspace's text, then on its dialogs."""
    found = find_workspace(workspace)
    if follows(found):
        return
    fresh = {
        "minutes": minutes, "steps": steps, "recipe": recipe, "seed": seed,
        "eval_every": eval_every, "save_every": save_every,
        "finetune": False if no_finetune else None,
        "only_source": only_source, "without_source": without_source, "person": person,
        "from": since, "to": until, "in": within, "kind": kind, "min_length": min_length,
        "groups": groups or None, "weight": weight,
    }  # fmt: skip
    if resume or repeat is not None:
        given = [key for key, value in fresh.items() if value is not None] + ["set"] * bool(
            settings
        )
        given += ["name"] * (resume and name is not None)
        if given:
            shown = ", ".join("--" + key.replace("_", "-") for key in given)
            raise UsageError(
                f"--{'resume' if resume else 'repeat'} goes by the plan that the run was started "
                f"with; leave out {shown}."
            )
    if run is not None and not resume:
        raise UsageError(
            f"--run names a run to --resume. To call a new run {run!r}, use --name {run}."
        )
    started, progress = COMMAND_STARTED.get(), not no_progress
    if resume:
        with ResumeView(progress) as view:
            result = workflow.resume(
                found, run, figures=not no_plots, callbacks=view, started=started
            )
    elif repeat is not None:
        with TrainingView(progress) as view:
            result = workflow.repeat(
                found, repeat, name=name, figures=not no_plots, callbacks=view, started=started
            )
    else:
        fresh |= {"name": name, "figures": not no_plots}
        request = train_request(found, fresh, settings or ())
        with TrainingView(progress) as view:
            result = workflow.train_as_requested(found, request, callbacks=view, started=started)
    finish(result)


def finetune(
    run: Annotated[
        str | None, typer.Argument(help="The run to fine-tune; by default the newest.")
    ] = None,
    minutes: MinutesOption = None,
    steps: Annotated[int | None, _quiet("Exactly this many steps instead of minutes.")] = None,
    source: Annotated[
        Path | None,
        _quiet(
            "Bring in this folder first (an export, or any Qwen3 from Hugging Face), and fine-tune "
            "its model.",
            "--from",
        ),
    ] = None,
    no_plots: Annotated[bool, typer.Option("--no-plots", help="Draw no figures.")] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Fine-tune a trained run on the dialogs that the workspace holds now, as a new run."""
    found = find_workspace(workspace)
    if follows(found):
        return
    if source is not None:
        if run is not None:
            raise UsageError("Name a run to fine-tune, or a folder with --from, not both.")
        from inkling.workflows.export import import_model

        run = import_model(found, source).name
        echo(f"Imported {source} as the run {run}.")
    with FinetuneView() as view:
        result = workflow.finetune(
            found, run, minutes=minutes, steps=steps, figures=not no_plots, callbacks=view,
            started=COMMAND_STARTED.get(),
        )  # fmt: skip
    finish(result)
