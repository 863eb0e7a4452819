"""The ladder: every rung trained on the same corpus, characters and minutes, and what each bought.

Knows: how the time is shared out among the rungs, what stands beside them without a network, and
why a rung may be no better than the one below. Does not know how a table looks.
Data: Workspace -> a run a rung and seed -> `LadderReport` -> ladder.json and ladder.png.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING

from inkling.atomic_files import atomic_write
from inkling.config import DEFAULT_SEED, Recipe, SamplingSettings, Selection, TrainRequest
from inkling.errors import UsageError
from inkling.permissions import make_private_folder
from inkling.run_files import METRICS_FILE
from inkling.training.progress import characters_per_token
from inkling.training.recipes import LADDER
from inkling.workflows.callbacks import TrainingCallbacks
from inkling.workflows.signals import StopRequest
from inkling.workflows.status import StatusWriter
from inkling.workflows.train import training_session
from inkling.workspace import Workspace

if TYPE_CHECKING:
    from inkling.plots import Curve
    from inkling.preparation import Prepared
    from inkling.runs import Run

SAMPLE_TOKENS = 30
RUNG_SECONDS = 3
"""The least that a rung gets, though the climb then takes longer than it was given."""


@dataclass(frozen=True)
class RungReport:
    """One rung, over all its seeds. Losses are of held-out writing, nats a character."""

    rung: str
    runs: list[str]
    parameters: int
    nats: list[float]
    """One a seed."""
    characters_seen: float
    still_falling: bool
    """Whether the last quarter of the evaluations still took more than one per cent off."""
    sample: str

    @property
    def spread(self) -> float:
        """Between the best and the worst seed."""
        return max(self.nats) - min(self.nats)


@dataclass(frozen=True)
class LadderReport:
    """A whole climb. `baselines` are nats a character on the same text, without a network."""

    group: str
    rungs: list[RungReport]
    baselines: dict[str, float]
    surprises: list[str]
    """One on the rungs that are no better than guessing, then one for each other rung that is no
    better than the one below it."""
    folder: Path
    interrupted_in: str | None = None
    """The run in which the climb was stopped; what was trained before is kept."""
    signal: int | None = None

    @property
    def figure(self) -> Path:
        return self.folder / "ladder.png"


class LadderCallbacks(TrainingCallbacks):
    """What a climb tells besides what its trainings do."""

    def on_climb(self, rungs: int, seconds: float) -> None:
        """The climb begins."""

    def on_rung(self, recipe: Recipe, number: int, parameters: int, nats_per_char: float) -> None:
        """A rung was trained, with its `number`th seed."""


def climb(
    workspace: Workspace,
    minutes: float,
    *,
    seeds: int = 1,
    name: str | None = None,
    selection: Selection | None = None,
    callbacks: LadderCallbacks | None = None,
    started: float | None = None,
) -> LadderReport:
    """Train every rung in its share of the minutes, `seeds` times each, and compare them.
    `selection` says which of the text they learn.

    Raises UsageError where no writing is held out, or the minutes are too few.
    """
    from inkling.preparation import prepare_run, read_split

    began = time.time() if started is None else started
    count = len(LADDER) * seeds
    if 60 * minutes < RUNG_SECONDS * count:
        raise UsageError(
            f"{count} rungs need {RUNG_SECONDS * count} seconds at least: "
            f"--minutes {-(-RUNG_SECONDS * count // 6) / 10:g}."
        )
    watching = callbacks or LadderCallbacks()
    with training_session(workspace) as (status, stop):
        group = name or next_group(workspace)
        split, _ = read_split(workspace, selection=selection)
        if not split.held_out:
            raise UsageError(
                "The ladder is measured on held-out writing, and there are only dialogs in what it "
                "is to learn. Add some writing: inkling add PATH."
            )

        def prepared_as(rung: Recipe, number: int) -> Prepared:
            run = f"{group}-{rung}-{number}"
            return prepare_run(workspace, run, _characters, selection=selection)

        prepared = prepared_as(LADDER[0], 1)
        report = LadderReport(
            group=group, rungs=[], baselines=_baselines(prepared), surprises=[],
            folder=workspace.ladders_path / group,
        )  # fmt: skip
        watching.on_climb(len(LADDER), 60 * minutes)
        climbed: dict[Recipe, list[Run]] = {rung: [] for rung in LADDER}
        planned = [(rung, number) for rung in LADDER for number in range(1, seeds + 1)]
        for position, (rung, number) in enumerate(planned):
            if position:
                prepared = prepared_as(rung, number)
            share = (began + 60 * minutes - time.time()) / (count - position)
            request = TrainRequest(
                minutes=max(share, RUNG_SECONDS) / 60,
                recipe=rung,
                seed=DEFAULT_SEED + number - 1,
                finetune=False,
                selection=selection,
                group=group,
                figures=False,
            )
            run, interrupted = _train_rung(prepared, request, watching, status, stop)
            if interrupted:
                status.end("stopped")
                return replace(report, interrupted_in=run.name, signal=stop.signal)
            climbed[rung].append(run)
            watching.on_rung(rung, number, _size(run), _nats(run))
        rungs = [_rung_report(rung, runs) for rung, runs in climbed.items()]
        report = replace(
            report, rungs=rungs, surprises=_surprises(rungs, report.baselines["uniform"])
        )
        _save(report, {rung: runs[0] for rung, runs in climbed.items()})
        status.end("done")
    return report


def _train_rung(
    prepared: Prepared,
    request: TrainRequest,
    callbacks: LadderCallbacks,
    status: StatusWriter,
    stop: StopRequest,
) -> tuple[Run, bool]:
    from inkling.runtime import Runtime
    from inkling.training.configure import start_run
    from inkling.workflows.run_training import train_to_the_end

    runtime = Runtime.detect()
    run = start_run(prepared, request, runtime)
    status.training(run.name)
    callbacks.on_run(run, runtime.describe())
    result = train_to_the_end(run, runtime, callbacks, stop, figures=False, samples=False)
    return run, result.interrupted


def _characters(characters: int) -> int:
    """No merges: every rung reads characters, as in the lesson. Over learned tokens a table of
    pairs is so strong that minutes of attention do not beat it (docs/decisions.md)."""
    return 0


def next_group(workspace: Workspace) -> str:
    """`ladder-N` with the first number that neither a ladder nor a run has."""
    # Runs count too: a climb that was stopped has written nothing else yet.
    taken = [path.name for path in workspace.ladders_path.glob("*")] + workspace.run_names()
    names = (f"ladder-{n}" for n in range(1, 10_000))
    return next(
        name for name in names if not any(t == name or t.startswith(f"{name}-") for t in taken)
    )


def _baselines(prepared: Prepared) -> dict[str, float]:
    """What uniform guessing and a table of exact counts reach on the same tokens."""
    from inkling.evaluation.baselines import bigram, uniform
    from inkling.runs import Run
    from inkling.tokens.dataset import PackedIds
    from inkling.tokens.tokenizer import Tokenizer

    run = Run(prepared.path)
    tokenizer = Tokenizer.load(run.tokenizer_path)
    train, val = (PackedIds.open(run.data_path, name) for name in ("train", "val"))
    live = sum(stop - start for start, stop in prepared.facts.live_ranges)
    started, end = tokenizer.characters_started, tokenizer.end_id
    return {
        "uniform": uniform(val, live, started, end),
        "counted bigram": bigram(train, val, tokenizer.vocab_size, started, end),
    }


def _rung_report(rung: Recipe, runs: Sequence[Run]) -> RungReport:
    first = runs[0]
    return RungReport(
        rung=rung,
        runs=[run.name for run in runs],
        parameters=_size(first),
        nats=[_nats(run) for run in runs],
        characters_seen=_characters_seen(first),
        still_falling=_still_falling(first),
        sample=_sample(first),
    )


def _size(run: Run) -> int:
    from inkling.model.build import count_parameters

    return count_parameters(run.config().model)


def _nats(run: Run) -> float:
    return run.checkpoints.best()["train"]["val_nats_per_char"]


def _characters_seen(run: Run) -> float:
    config = run.config()
    tokens = (run.checkpoints.last_step() or 0) * config.train.batch.total_batch_size
    return tokens * characters_per_token(config.data)


def _still_falling(run: Run) -> bool:
    losses = [r["val_nats_per_char"] for r in run.records(METRICS_FILE)]
    before = losses[-1 - max(1, len(losses) // 4)] if len(losses) > 1 else losses[0]
    return bool(losses[-1] < 0.99 * before)


def _sample(run: Run) -> str:
    from inkling.inference.chat import ChatModel
    from inkling.runtime import Runtime

    model = ChatModel.load(run, Runtime.detect())
    settings = SamplingSettings(seed=0, temperature=0.8, max_tokens=SAMPLE_TOKENS)
    return " ".join("".join(model.complete("", settings)).split())


def _surprises(rungs: Sequence[RungReport], guessing: float) -> list[str]:
    learned_nothing = [rung.rung for rung in rungs if mean(rung.nats) >= guessing]
    sentences = []
    if learned_nothing:
        sentences.append(
            f"No better than guessing (uniform) in this time: {', '.join(learned_nothing)}. What "
            "these show says nothing of the idea: give more --minutes."
        )
    for below, rung in pairwise(rungs):
        if rung.rung in learned_nothing:
            continue
        gain = mean(below.nats) - mean(rung.nats)
        noise = max(below.spread, rung.spread)
        if gain > noise:
            continue
        if rung.characters_seen < 0.6 * below.characters_seen:
            why = (
                f"in the same minutes it read {rung.characters_seen / 1e6:.1f} million "
                f"characters and the rung below {below.characters_seen / 1e6:.1f}: "
                "it needs more minutes"
            )
        elif gain > 0:
            why = f"the gain of {gain:.3f} is within the spread of {noise:.3f} between seeds"
        elif rung.still_falling:
            why = "its loss was still falling when the time was up: it needs more minutes"
        else:
            why = "its loss had stopped falling: more minutes would not help, more text might"
        sentences.append(f"{rung.rung} does not beat {below.rung} here: {why}.")
    return sentences


def _save(report: LadderReport, first: Mapping[Recipe, Run]) -> None:
    """Write ladder.json and the figure."""
    from inkling.plots import curves, draw_ladder

    make_private_folder(report.folder)
    content = {
        "group": report.group,
        "rungs": [asdict(rung) for rung in report.rungs],
        "baselines": report.baselines,
        "surprises": report.surprises,
    }
    path = report.folder / "ladder.json"
    atomic_write(path, json.dumps(content, ensure_ascii=False, indent=1))
    losses: dict[str, Curve] = {
        rung: curves(run.records(METRICS_FILE), run.config())[0] for rung, run in first.items()
    }
    beside = {name: nats for name, nats in report.baselines.items() if name != "uniform"}
    draw_ladder(report.figure, losses, beside)
