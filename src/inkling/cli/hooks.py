"""What a training calls while it runs: the live line, the files that pages read, the samples.

Knows: how the parts that watch a training are put together. Does not know the loop, nor how
its reports look on a terminal. Imports torch: only imported once a training begins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Literal, NamedTuple

from torch import nn

from inkling.cli.progress import LiveLine
from inkling.config import Phase, RunConfig, SamplingSettings
from inkling.inference.chat import ChatModel, live_mask
from inkling.inference.engine import Engine
from inkling.model.build import AnyModel, count_parameters
from inkling.runs import Run
from inkling.runtime import Runtime
from inkling.training.loop import EvalReport, Hooks, StepReport
from inkling.training.progress import Pace, ProgressWriter
from inkling.training.session import Session, deadline

SAMPLE_TOKENS = 40
SAMPLE_PROMPTS = 2
QUESTIONS_LOOKED_AT = 50
TELLING_CHARACTERS = 12


def progress_writer(run: Run, runtime: Runtime, resume: bool = False) -> ProgressWriter:
    """What tells pages how far a run is. A resumed run keeps its steps, whatever the clock says."""
    config = run.config()
    timed = config.minutes is not None and not resume
    return ProgressWriter(
        run,
        count_parameters(config.model),
        deadline(config.minutes or 0.0, runtime, config.figures) if timed else None,
    )


def characters_per_token(config: RunConfig) -> float:
    """Of the training text."""
    return config.data.train_characters / max(1, config.data.train_tokens)


def quiet_hooks(
    stopped: Callable[[], int | None], progress: ProgressWriter, session: Session, phase: Phase
) -> Hooks:
    """Show progress to pages, and nothing here."""
    pace = Pace(characters_per_token(session.run.config()))

    def on_step(report: StepReport) -> None:
        pace.take(report)
        progress.step(report, pace)

    return Hooks(on_step=on_step, stop_requested=lambda: stopped() is not None)


def hooks(
    stopped: Callable[[], int | None], progress: ProgressWriter, session: Session, phase: Phase
) -> Hooks:
    """Show progress, here and to pages, and draw the fixed samples at each evaluation."""
    pace = Pace(characters_per_token(session.run.config()))
    line = LiveLine(phase, pace)
    prompts = _sample_prompts(session, phase)

    def on_eval(report: EvalReport, model: nn.Module) -> None:
        line.evaluation(report)
        for prompt, text in _draw_samples(session, phase, model, prompts):
            session.run.append(
                "samples.jsonl",
                {
                    "step": report.step,
                    "phase": phase,
                    "prompt": prompt.text,
                    "asked": prompt.asked,
                    "seed": 0,
                    "text": text,
                },
            )
            shown = " ".join(text.split())
            line.note(f"  {prompt.text!r} → {shown[:150]}")

    def on_step(report: StepReport) -> None:
        pace.take(report)
        progress.step(report, pace)
        line.step(report, progress.seconds_left(report, pace))

    return Hooks(
        on_step=on_step,
        on_eval=on_eval,
        on_note=line.note,
        stop_requested=lambda: stopped() is not None,
    )


class _Prompt(NamedTuple):
    text: str
    asked: bool
    """A question to answer, not an opening to go on from."""


def _sample_prompts(session: Session, phase: Phase) -> list[_Prompt]:
    """The same at every evaluation: held-out questions, and before there are answers the first of
    them with the opening of a held-out piece, so that one question goes through all checkpoints."""
    tunes = session.run.config().finetune is not None
    questions = _questions(session) if tunes else []
    openings = _openings(session) if phase == "train" else []
    if phase == "train" and questions:
        return [*questions[:1], *openings[: SAMPLE_PROMPTS - 1]]
    return openings or questions


def _openings(session: Session) -> list[_Prompt]:
    found = (" ".join(session.tokenizer.decode(ids).split()[:4]) for ids in _starts(session, "val"))
    return _first_whole(found, asked=False)


def _questions(session: Session) -> list[_Prompt]:
    me = session.tokenizer.special_ids[2]
    asked = [
        session.tokenizer.decode(ids[: ids.index(me)])
        for ids in islice(_starts(session, "dialog_val"), QUESTIONS_LOOKED_AT)
        if me in ids
    ]
    # Two words or three ask little: where there are others, those.
    return _first_whole(sorted(asked, key=lambda text: len(text) < TELLING_CHARACTERS), asked=True)


def _starts(session: Session, part_name: Literal["val", "dialog_val"]) -> Iterator[list[int]]:
    part = session.part(part_name)
    for start, length, _, _ in part.segments:
        yield [int(i) for i in part.ids[start : start + min(length, 64)]]


def _first_whole(texts: Iterable[str], asked: bool) -> list[_Prompt]:
    whole = (text.strip() for text in texts if text.strip() and "\ufffd" not in text)
    return [_Prompt(text, asked) for text in islice(whole, SAMPLE_PROMPTS)]


def _draw_samples(
    session: Session, phase: Phase, model: nn.Module, prompts: list[_Prompt]
) -> Iterator[tuple[_Prompt, str]]:
    assert isinstance(model, AnyModel)
    config = session.run.config()
    engine = Engine(model, live_mask(config), session.tokenizer.end_id)
    voice = ChatModel(config, session.tokenizer, engine, 0, phase == "finetune")
    settings = SamplingSettings(seed=0, max_tokens=SAMPLE_TOKENS)
    for prompt in prompts:
        pieces = (
            voice.reply(prompt.text, [], settings)
            if prompt.asked
            else voice.complete(prompt.text, settings)
        )
        yield prompt, "".join(pieces)
