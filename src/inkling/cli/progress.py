"""What a person sees while a model trains: the plan, a live line, the evaluations.

Knows: how to say numbers in words. Does not know: how training works; it is handed reports.
On a terminal one line is redrawn; elsewhere plain lines are printed now and then.
"""

from __future__ import annotations

import sys
import time

import typer

from inkling.config import LadderSettings, ModelSettings, Phase, RunConfig
from inkling.model.build import count_parameters
from inkling.training.forecast import memory_bytes, promise
from inkling.training.loop import EvalReport, StepReport
from inkling.training.metrics import bits, looks_like
from inkling.training.progress import Pace

REDRAW_SECONDS = 0.1
PLAIN_SECONDS = 5.0
LITTLE_TEXT = 100_000
"""Characters below which the plan says that there is little text."""

_PHASE_WORDS = {"train": "learning to write", "finetune": "learning to answer"}


def print_plan(config: RunConfig, machine: str) -> None:
    """What was derived, in words a beginner understands, before the first step."""
    facts, model = config.data, config.model
    size = count_parameters(model)
    characters_per_token = facts.train_characters / max(1, facts.train_tokens)
    promised = promise(config.train, facts, size)
    typer.echo(f"Run {config.name} on {machine}:")
    text = f"  text      {facts.train_characters:,} characters to learn from"
    if facts.val_characters:
        text += f", {facts.val_characters:,} kept aside to test on"
    typer.echo(text)
    for sentence in facts.findings:
        typer.echo(f"  found     {sentence}")
    if facts.train_characters < LITTLE_TEXT:
        typer.echo(
            f"            (that is little: about {max(1, round(facts.train_characters / 1_800))} "
            f"pages; from about {LITTLE_TEXT:,} characters the wait is worth it)"
        )
    if facts.dialogs:
        typer.echo(
            f"  dialogs   {facts.dialogs:,} to learn from, {facts.held_out_dialogs:,} kept aside"
        )
        if config.finetune is None:
            typer.echo("            (too few to keep one aside, so no fine-tuning)")
    typer.echo(
        f"  pieces    {model.vocab_size:,} different tokens of about "
        f"{characters_per_token:.1f} characters"
    )
    typer.echo(
        f"  model     {size:,} weights{_shape(model)}; "
        f"it looks back about {round(model.context_length * characters_per_token):,} characters"
    )
    typer.echo(
        f"  training  {config.train.steps:,} steps, reading the text "
        f"{promised.readings:.1f} times"
        + (f"; then {config.finetune.steps:,} steps on the dialogs" if config.finetune else "")
    )
    if config.train.eval_tokens:
        typer.echo(f"  testing   {_tested_on(config)}")
    if config.minutes is not None:
        typer.echo(f"  time      {_duration(60 * config.minutes)} in all")
    typer.echo(f"  memory    about {memory_bytes(size) / 1e6:,.0f} MB")
    if config.recipe == "modern":  # the only one whose course was measured
        words = looks_like(promised.expected_nats, facts.bzip2_nats)
        typer.echo(
            f"  expect    about {bits(promised.expected_nats):.1f} bits a character: {words}"
        )


def _tested_on(config: RunConfig) -> str:
    """How much of the held-out text is read, where all would take too long again and again."""
    settings, all_tokens = config.train, config.data.val_tokens
    line = (
        f"on {settings.eval_tokens / all_tokens:.0%} of the text kept aside, spread evenly; at "
        "the end on "
    )
    if settings.final_tokens == settings.eval_tokens:
        return line + "the same: all of it would take too long"
    if settings.final_tokens:
        return line + f"{settings.final_tokens / all_tokens:.0%}: all of it would take too long"
    return line + "all of it"


def _shape(model: ModelSettings | LadderSettings) -> str:
    if isinstance(model, LadderSettings) and model.rung not in ("blocks", "classic"):
        return f" ({model.rung})"
    blocks = "1 block" if model.n_layer == 1 else f"{model.n_layer} blocks"
    return f" in {blocks} of width {model.n_embd}"


def _duration(seconds: float) -> str:
    seconds = max(0, round(seconds))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02d} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60:02d} min"


class LiveLine:
    """Progress of a phase: redrawn in place on a terminal, a plain line every 5 s elsewhere."""

    def __init__(self, phase: Phase, pace: Pace) -> None:
        """`pace` has taken in a step before the line is told of it."""
        self._pace = pace
        self._terminal = sys.stdout.isatty()
        self._shown = 0.0
        self._drawn = False
        typer.echo(f"{_PHASE_WORDS[phase].capitalize()}:")

    def step(self, report: StepReport, left: float | None) -> None:
        """Draw when it is time. `left` are the seconds to the end of the training."""
        now = time.monotonic()
        if now - self._shown >= (REDRAW_SECONDS if self._terminal else PLAIN_SECONDS):
            self._shown = now
            self._draw(report, left)

    def _draw(self, report: StepReport, left: float | None) -> None:
        line = f"  step {report.step:,} of {report.steps:,} · loss {self._pace.loss:.2f}"
        if speed := self._pace.characters_per_second():
            line += f" · {speed:,.0f} characters/s"
        if left is not None:
            line += f" · {_duration(left)} left"
        if self._terminal:
            sys.stdout.write(f"\r\x1b[K{line}")
            sys.stdout.flush()
            self._drawn = True
        else:
            typer.echo(line)

    def clear(self) -> None:
        """Remove the redrawn line, so that something else can be printed."""
        if self._drawn:
            sys.stdout.write("\r\x1b[K")
            sys.stdout.flush()
            self._drawn = False

    def evaluation(self, report: EvalReport) -> None:
        """One evaluation, as a line that stays."""
        self.clear()
        best = " · best so far" if report.best else ""
        learned = f", learned {report.train_loss:.2f}" if report.train_loss is not None else ""
        typer.echo(
            f"  step {report.step:,}: held-out {report.per_char:.3f} nats/char "
            f"({bits(report.per_char):.2f} bits){learned}{best}"
        )

    def note(self, text: str) -> None:
        """Something that happened, as a line that stays."""
        self.clear()
        typer.echo(f"  {text}")
