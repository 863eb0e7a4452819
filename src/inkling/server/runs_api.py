"""The runs API: what was trained, what trains now, and the training's start and stop.

Knows: the routes under `/api/runs`. Does not know how a process is started (trainings.py) or
how a run's files are read (run_events.py).
Data: request -> Trainings or the run's files -> JSON, or events `metrics`, `live`, `sample`,
`rewind`, `progress` and `state`, whose id is the step; a comment now and then shows that the
line is alive.
"""

from __future__ import annotations

import asyncio
import math
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from functools import lru_cache
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.requests import ClientDisconnect

from inkling.config import LadderSettings, ModelSettings
from inkling.errors import InklingError, RunError
from inkling.runs import STALE, Run
from inkling.server.run_events import Event, RunTail, read_metrics
from inkling.server.runs_schemas import (
    Best,
    Metrics,
    ProgressNow,
    RunList,
    RunRow,
    Started,
    TrainingNow,
    TrainingRequest,
    parse_since,
    parse_training,
)
from inkling.server.schemas import MAX_BODY_BYTES, BadRequestError, body_of
from inkling.server.trainings import BusyError, Status, Trainings, run_state
from inkling.training.progress import read_progress

POLL_SECONDS, IDLE_POLL_SECONDS = 0.4, 1.0
HEARTBEAT_SECONDS = 10.0
RECONNECT_MILLISECONDS = 1_000
MAX_WATCHERS = 64

_STREAM_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


def runs_router(trainings: Trainings, name: str, closing: threading.Event) -> APIRouter:
    """The routes. Streams end soon after `closing` is set."""
    router = APIRouter()
    watchers: set[object] = set()

    @router.get("/api/runs")
    async def runs() -> RunList:
        return await asyncio.to_thread(_list, trainings, name, len(watchers))

    @router.post("/api/runs", status_code=202, openapi_extra=body_of(TrainingRequest))
    async def start(request: Request) -> Any:
        async def begin() -> Started:
            wanted = parse_training(await request.body())
            return Started(run=await asyncio.to_thread(trainings.start, wanted))

        return await _explained(begin)

    @router.get("/api/runs/{run_name}/metrics")
    async def metrics(run_name: str, since: str | None = None) -> Any:
        async def read() -> Metrics:
            run = Run.open(trainings.workspace, run_name)
            return await asyncio.to_thread(read_metrics, run, parse_since(since))

        return await _explained(read)

    @router.post("/api/runs/{run_name}/stop", status_code=202)
    async def stop(run_name: str) -> Any:
        async def ask() -> Started:
            await asyncio.to_thread(trainings.stop, run_name)
            return Started(run=run_name)

        return await _explained(ask)

    @router.post("/api/runs/{run_name}/resume", status_code=202)
    async def resume(run_name: str) -> Any:
        async def go_on() -> Started:
            await asyncio.to_thread(trainings.resume, run_name)
            return Started(run=run_name)

        return await _explained(go_on)

    @router.get("/api/runs/{run_name}/events")
    async def events(request: Request, run_name: str, since: str | None = None) -> Any:
        async def ready() -> tuple[Run, int]:
            run = Run.open(trainings.workspace, run_name)
            return run, parse_since(request.headers.get("last-event-id") or since)

        found = await _explained(ready)
        if isinstance(found, JSONResponse):
            return found
        run, first = found
        if len(watchers) >= MAX_WATCHERS:
            return JSONResponse(
                {"error": f"{MAX_WATCHERS} pages watch already. Close some."},
                status_code=429,
                headers={"Retry-After": "10"},
            )

        async def frames() -> AsyncIterator[str]:
            # Whoever goes away cancels this generator, and with it the reading of files.
            me = object()
            watchers.add(me)
            try:
                yield f"retry: {RECONNECT_MILLISECONDS}\n\n"
                async for frame in _watch(trainings, run, first, closing):
                    yield frame
            finally:
                watchers.discard(me)

        return StreamingResponse(frames(), media_type="text/event-stream", headers=_STREAM_HEADERS)

    return router


async def _watch(
    trainings: Trainings, run: Run, since: int, closing: threading.Event
) -> AsyncIterator[str]:
    tail = RunTail(run, since)
    told: dict[str, dict[str, Any]] = {}
    last = time.monotonic()
    while not closing.is_set():
        found, active = await asyncio.to_thread(_news, trainings, run, tail)
        fresh = [e for e in found if e.step is not None or told.get(e.kind) != e.data]
        told |= {event.kind: event.data for event in fresh if event.kind in ("progress", "state")}
        if fresh:
            last = time.monotonic()
            yield "".join(event.frame() for event in fresh)
        elif time.monotonic() - last >= HEARTBEAT_SECONDS:
            last = time.monotonic()
            yield ": alive\n\n"
        await asyncio.sleep(POLL_SECONDS if active else IDLE_POLL_SECONDS)


def _news(trainings: Trainings, run: Run, tail: RunTail) -> tuple[list[Event], bool]:
    """What a listener is told now, and whether more comes soon."""
    status = trainings.status()  # before the rows: what it ended with is then among them
    events = tail.poll()
    try:
        state, sentence = run_state(run, run.config().complete, status)
    except RunError as error:  # deleted or damaged while it was watched
        state, sentence = "failed", str(error)
    active = status.run == run.name
    if active and (now := _progress(status)) is not None:
        events.append(Event("progress", now.model_dump()))
    events.append(
        Event(
            "state",
            {
                "state": state,
                "sentence": sentence,
                "training": status.state if active else "idle",
                "best": run.best(),
            },
        )
    )
    return events, active


def _list(trainings: Trainings, name: str, watchers: int) -> RunList:
    status = trainings.status()
    rows = []
    for run in reversed(Run.readable(trainings.workspace)):
        config = run.config()
        state, sentence = run_state(run, config.complete, status)
        progress = read_progress(run)
        live = sum(stop - start for start, stop in config.data.live_ranges)
        rows.append(
            RunRow(
                name=run.name,
                recipe=config.recipe,
                created=config.created,
                state=state,
                complete=config.complete,
                sentence=sentence,
                phases=["train"] if config.finetune is None else ["train", "finetune"],
                step=max(run.last_step() or 0, progress.step if progress else 0),
                best={phase: Best.model_validate(kept) for phase, kept in run.best().items()},
                parameters=_size(run, config.model),
                minutes=config.minutes,
                group=config.group,
                parent=config.parent,
                ln_v=math.log(max(1, live or config.model.vocab_size)),
                characters_per_token=config.data.train_characters
                / max(1, config.data.train_tokens),
                stale=f"{run.name} was {STALE}" if run.stale() else None,
            )
        )
    training = TrainingNow(
        state=status.state,
        run=status.run,
        error=status.error,
        progress=_progress(status),
        watchers=watchers,
    )
    return RunList(name=name, runs=rows, training=training)


def _size(run: Run, settings: ModelSettings | LadderSettings) -> int | None:
    """Weights of a run: it tells them when it trains. Those of one that did not are counted,
    which needs torch: not before a model was loaded, because a list must not wait for that."""
    progress = read_progress(run)
    if progress is not None and progress.parameters is not None:
        return progress.parameters
    return _count(settings) if "torch" in sys.modules else None


@lru_cache(maxsize=64)
def _count(settings: ModelSettings | LadderSettings) -> int:
    from inkling.model.build import count_parameters

    return count_parameters(settings)


def _progress(status: Status) -> ProgressNow | None:
    if status.run is None or status.progress is None or status.state == "preparing":
        return None
    return ProgressNow(run=status.run, **status.progress.model_dump(include=_PROGRESS_FIELDS))


_PROGRESS_FIELDS = set(ProgressNow.model_fields) - {"run"}


async def _explained(action: Callable[[], Any]) -> Any:
    """The result, or the refusal as `{"error": sentence}`."""
    try:
        return await action()
    except BadRequestError as error:
        return _refused(400, str(error))
    except ClientDisconnect:
        return _refused(413, f"The request is larger than {MAX_BODY_BYTES:,} bytes.")
    except BusyError as error:
        return _refused(409, str(error))
    except RunError as error:
        return _refused(404, str(error))
    except InklingError as error:
        return _refused(409, str(error))


def _refused(status: int, sentence: str) -> JSONResponse:
    return JSONResponse({"error": sentence}, status_code=status)
