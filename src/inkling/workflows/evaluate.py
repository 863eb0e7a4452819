"""One honest report on a run, measured and written into its folder.

Knows: which checkpoints are compared and which model writes the replies that are measured. Does
not know how anything is measured (inkling.evaluation), nor how a report looks.
Data: run -> its models -> `EvaluationReport` -> runs/NAME/report.json and report.html.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from inkling.config import Phase
from inkling.errors import UsageError
from inkling.settings import reply_settings
from inkling.workspace import Workspace

if TYPE_CHECKING:
    from inkling.evaluation.schema import EvaluationReport
    from inkling.inference.chat import ChatModel
    from inkling.runs import Run

MAX_REPLIES = 100_000


def evaluate(
    workspace: Workspace,
    run: str | None = None,
    *,
    replies: int | None = None,
    seed: int = 0,
    on_part: Callable[[str], None] = lambda what: None,
) -> EvaluationReport:
    """Measure the named run, else the newest: losses, baselines, leaks, calibration, voice.

    `replies` are written to measure them, by default as many as are worth their time; the same
    seed gives the same report. `on_part` gets a phrase for what is measured next. Raises
    UsageError for a number that is out of range, RunError where there is nothing to measure. In a
    workspace that can only be read the report is not kept.
    """
    if replies is not None and not 1 <= replies <= MAX_REPLIES:
        raise UsageError(f"--replies must be between 1 and {MAX_REPLIES:,}; you gave {replies}.")
    if not 0 <= seed < 2**62:
        raise UsageError(f"--seed must be between 0 and 2^62 - 1; you gave {seed}.")
    sampling = reply_settings(workspace, {"seed": seed, "memory": 0.0})
    from inkling.runs import Run

    chosen = Run.choose(workspace, run)
    chosen.require_text("evaluated")
    from inkling.evaluation.evaluated_run import EvaluatedRun, LoadedCheckpoint
    from inkling.evaluation.page import write_page
    from inkling.evaluation.report import make_report
    from inkling.evaluation.schema import read_guesses, write_report
    from inkling.inference.measured_replies import default_count, replier

    read_guesses(chosen)  # a damaged report is noticed before a minute of measuring
    model, base = _load(chosen)
    phase: Phase = "finetune" if model.tuned else "train"
    chat = LoadedCheckpoint(phase, model.step, model.engine.model)
    subject = EvaluatedRun(
        run=chosen,
        workspace=workspace,
        config=model.config,
        tokenizer=model.tokenizer,
        base=chat if base is model else LoadedCheckpoint("train", base.step, base.engine.model),
        chat=chat,
        device=model.engine.device,
    )
    count = replies or default_count(model)
    report = make_report(subject, replier(model, sampling), sampling, count, seed, on_part)
    # Read again: a game may have been played meanwhile.
    report = report.model_copy(update={"guess": read_guesses(chosen)})
    if workspace.is_writable():
        write_report(chosen, report)
        write_page(chosen, report)
    return report


def _load(run: Run) -> tuple[ChatModel, ChatModel]:
    """The model that chat uses, and that of the best checkpoint of the base phase (the same
    object where the run was not fine-tuned)."""
    from inkling.inference.chat import ChatModel
    from inkling.runtime import Runtime

    runtime = Runtime.detect()
    model = ChatModel.load(run, runtime)
    step = run.checkpoints.best_step("train")
    if step is None or step == model.step:
        return model, model
    return model, ChatModel.load(run, runtime, step)
