"""The runs API: what was trained, what trains now, and the training's start and stop.

Knows: the routes under `/api/runs`. Does not know how a process is started
(training_process.py), how a run's files are read (run_events.py) or what of a run is shown
(run_list.py).
Data: request -> `TrainingProcess` or the run's files -> JSON, or events `metrics`, `live`,
`sample`, `rewind`, `progress` and `state`, whose id is the step; a comment now and then shows
that the connection is alive.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header

from inkling.errors import RunError
from inkling.runs import Run
from inkling.server.json_route import JsonRoute
from inkling.server.parameters import WholeNumber
from inkling.server.refusals import ErrorAnswer, TooManyWatchersError
from inkling.server.run_events import Event, RunTail, read_metrics
from inkling.server.run_list import best_checkpoints, list_runs, progress_now
from inkling.server.runs_schemas import (
    EventData,
    Metrics,
    RunList,
    RunTitleRequest,
    Started,
    StateNow,
    TrainingRequest,
)
from inkling.server.services import Served, Services
from inkling.server.sse import HEARTBEAT, EventStream, described, reconnect_after
from inkling.server.training_process import run_state

POLL_SECONDS, IDLE_POLL_SECONDS = 0.4, 1.0
HEARTBEAT_SECONDS = 10.0
RECONNECT_MILLISECONDS = 1_000
MAX_WATCHERS = 64
FULL_RETRY_SECONDS = 10

runs_router = APIRouter(
    prefix="/api/runs", route_class=JsonRoute, responses={"default": {"model": ErrorAnswer}}
)


async def _open_run(run_name: str, services: Served) -> Run:
    return Run.open(services.training.workspace, run_name)


async def _first_step(
    since: WholeNumber = None, last_event_id: Annotated[WholeNumber, Header()] = None
) -> int:
    """Where a stream begins: at the last event that was seen, else where the address says."""
    return (since or 0) if last_event_id is None else last_event_id


OpenRun = Annotated[Run, Depends(_open_run)]


@runs_router.get("")
def read_runs(services: Served) -> RunList:
    """Every run, newest first, and what is being trained now."""
    watchers, served_run = len(services.watchers), services.scheduler.run_name
    return list_runs(services.training, services.speaker(), watchers, served_run)


@runs_router.post("", status_code=202)
def start_training(
    services: Served,
    body: TrainingRequest = TrainingRequest(),  # noqa: B008
) -> Started:
    """Begin a training, as a process of its own."""
    return Started(run=services.training.start(body))


@runs_router.patch("/{run_name}", status_code=204)
def rename_run(run: OpenRun, body: RunTitleRequest) -> None:
    """Say what a run is called. Its name in addresses and in chats stays."""
    run.rename(body.title)


@runs_router.delete("/{run_name}", status_code=204)
def delete_run(run_name: str, services: Served) -> None:
    """Delete a run for good: not while one is trained."""
    services.training.delete(run_name)


@runs_router.get("/{run_name}/metrics")
def read_run_metrics(run: OpenRun, since: WholeNumber = None) -> Metrics:
    """Everything a run has written from a step on, as columns."""
    return read_metrics(run, since or 0)


@runs_router.post("/{run_name}/stop", status_code=202)
def stop_training(run_name: str, services: Served) -> Started:
    """Let a training save and end."""
    services.training.stop(run_name)
    return Started(run=run_name)


@runs_router.post("/{run_name}/resume", status_code=202)
def resume_training(run_name: str, services: Served) -> Started:
    """Continue a stopped run."""
    services.training.resume(run_name)
    return Started(run=run_name)


@runs_router.get("/{run_name}/events", response_class=EventStream, responses=described(EventData))
async def watch_run(
    run: OpenRun, since: Annotated[int, Depends(_first_step)], services: Served
) -> EventStream:
    """What a run writes from a step on, as it happens."""
    if len(services.watchers) >= MAX_WATCHERS:
        raise TooManyWatchersError(MAX_WATCHERS, FULL_RETRY_SECONDS)
    watcher = object()
    services.watchers.add(watcher)
    return EventStream(_frames(services, run, since), lambda: services.watchers.discard(watcher))


async def _frames(services: Services, run: Run, since: int) -> AsyncGenerator[str]:
    yield reconnect_after(RECONNECT_MILLISECONDS)
    tail = RunTail(run, since)
    sent: dict[str, dict[str, Any]] = {}
    last = time.monotonic()
    while not services.closing.is_set():
        found, active = await asyncio.to_thread(_news, services, run, tail)
        fresh = [e for e in found if e.step is not None or sent.get(e.kind) != e.data]
        sent |= {event.kind: event.data for event in fresh if event.kind in ("progress", "state")}
        if fresh:
            last = time.monotonic()
            yield "".join(event.frame() for event in fresh)
        elif time.monotonic() - last >= HEARTBEAT_SECONDS:
            last = time.monotonic()
            yield HEARTBEAT
        await asyncio.sleep(POLL_SECONDS if active else IDLE_POLL_SECONDS)


def _news(services: Services, run: Run, tail: RunTail) -> tuple[list[Event], bool]:
    """The events since the last call, and whether more will come soon."""
    status = services.training.status()  # before the rows: what it ended with is then among them
    events = tail.poll()
    try:
        state, sentence = run_state(run, run.config().complete, status)
    except RunError as error:  # deleted or damaged while it was watched
        state, sentence = "failed", str(error)
    active = status.run == run.name
    if active and (progress := progress_now(status)) is not None:
        events.append(Event("progress", progress.model_dump()))
    now = StateNow(
        state=state,
        sentence=sentence,
        training=status.state if active else "idle",
        best=best_checkpoints(run),
    )
    events.append(Event("state", now.model_dump()))
    return events, active
