"""`inkling eval`: one honest report on a run, as a page here, as JSON and as HTML beside it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from inkling.cli.defaults import reply_settings
from inkling.cli.options import JsonOption, RunOption, WorkspaceOption, find_workspace
from inkling.errors import UsageError

if TYPE_CHECKING:
    from inkling.config import Phase
    from inkling.inference.chat import ChatModel
    from inkling.runs import Run

MAX_REPLIES = 100_000


def eval(
    run: RunOption = None,
    replies: Annotated[
        int | None,
        typer.Option(
            help="Replies to write. Default 100, or 20 for a model that decodes without a cache.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same report.")] = 0,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure a run: held-out loss, baselines, leaks, calibration, loops, and your voice.

    Writes report.json and report.html into the run's folder.
    """
    if replies is not None and not 1 <= replies <= MAX_REPLIES:
        raise UsageError(f"--replies must be between 1 and {MAX_REPLIES:,}; you gave {replies}.")
    if not 0 <= seed < 2**62:
        raise UsageError(f"--seed must be between 0 and 2^62 - 1; you gave {seed}.")
    found = find_workspace(workspace)
    sampling = reply_settings(found, {"seed": seed})
    from inkling.runs import Run

    chosen = Run.choose(found, run)
    from inkling.cli.report_text import page
    from inkling.evaluation.page import write_page
    from inkling.evaluation.report import Checkpointed, Subject, make_report
    from inkling.evaluation.schema import read_guesses, write_report
    from inkling.inference.replies import default_count, replier

    read_guesses(chosen)  # a damaged report is noticed before a minute of measuring
    voice, base = _load(chosen)
    phase: Phase = "finetune" if voice.tuned else "train"
    speaking = Checkpointed(phase, voice.step, voice.engine.model)
    subject = Subject(
        run=chosen,
        workspace=found,
        config=voice.config,
        tokenizer=voice.tokenizer,
        base=speaking if base is voice else Checkpointed("train", base.step, base.engine.model),
        speaking=speaking,
        device=voice.engine.device,
    )
    count = replies or default_count(voice)
    generate = replier(voice, sampling)
    report = make_report(subject, generate, sampling, count, seed, _show_step)
    _show_step("")
    # Read again: a game may have been played meanwhile.
    report = report.model_copy(update={"guess": read_guesses(chosen)})
    write_report(chosen, report)
    write_page(chosen, report)
    if as_json:
        typer.echo(report.model_dump_json(indent=1))
        return
    typer.echo(page(report))
    typer.echo(f"The same as a page: {chosen.report_page_path}")


def _load(run: Run) -> tuple[ChatModel, ChatModel]:
    """The voice of a run, and the best checkpoint of its base phase (the same object where
    the run was not fine-tuned)."""
    from inkling.inference.chat import ChatModel
    from inkling.runtime import Runtime

    runtime = Runtime.detect()
    voice = ChatModel.load(run, runtime)
    step = run.best_step("train")
    if step is None or step == voice.step:
        return voice, voice
    return voice, ChatModel.load(run, runtime, step)


def _show_step(what: str) -> None:
    """One line on a terminal that the next replaces; nothing elsewhere."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{f'measuring: {what} …' if what else ''}")
        sys.stderr.flush()
