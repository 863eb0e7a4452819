"""A ticket as a route reads it: a cancellation is never lost."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from inkling.config import SamplingSettings
from inkling.inference.chat import ChatModel, GenerationSpec
from inkling.inference.requests import GenerationRequest, ModelChoice, RequestBuilder
from inkling.inference.scheduler import Scheduler
from inkling.inference.text import TextChunk
from inkling.server.reply_stream import ReplyPart, ReplyStream, submit
from inkling.workspace import Workspace
from tests.server.conftest import awaited

SOON = 120


def draft(model: ChatModel) -> GenerationSpec:
    return model.reply_spec("hi", [], SamplingSettings(max_tokens=5))


@pytest.mark.parametrize("turns", range(5))
def test_a_cancellation_that_comes_with_a_piece_counts(nonsense: Workspace, turns: int) -> None:
    """However the two fall in the event loop: whoever reads ends."""
    scheduler = Scheduler(nonsense)  # not started: nothing is written
    ticket = scheduler.submit(draft)

    async def cancelled() -> None:
        reply = ReplyStream(ticket, scheduler, asyncio.Event())

        async def read() -> None:
            async for _ in reply.parts():
                pass

        reading = asyncio.create_task(read())
        for _ in range(5):
            await asyncio.sleep(0)
        reply.ready.set()
        for _ in range(turns):
            await asyncio.sleep(0)
        reading.cancel()
        done, _ = await asyncio.wait([reading], timeout=SOON)
        assert done
        assert reading.cancelled()

    awaited(cancelled())


def test_what_was_written_before_an_error_is_still_read(nonsense: Workspace) -> None:
    """Though the reader finds both at once."""
    scheduler = Scheduler(nonsense)
    ticket = scheduler.submit(draft)
    for item in (TextChunk("half"), TextChunk(" a"), MemoryError()):
        ticket.put(item)
    read: list[str] = []

    async def reads() -> None:
        reply = ReplyStream(ticket, scheduler, asyncio.Event())
        reply.ready.set()
        async for part in reply.parts():
            assert isinstance(part, ReplyPart)
            read.append(part.text)

    with pytest.raises(MemoryError):
        awaited(reads())
    assert read == ["half a"]


def test_who_gives_up_while_asking_leaves_nothing_behind(
    nonsense: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ticket that comes when nobody wants it any more is withdrawn."""
    scheduler = Scheduler(nonsense)
    begin = scheduler.submit
    asked, go_on = threading.Event(), threading.Event()
    made: list[GenerationRequest] = []

    def remembered(
        builder: RequestBuilder, notify: Callable[[], None], choice: ModelChoice
    ) -> GenerationRequest:
        made.append(begin(builder, notify, choice))
        return made[0]

    monkeypatch.setattr(scheduler, "submit", remembered)

    def slow(model: ChatModel) -> GenerationSpec:
        asked.set()
        assert go_on.wait(SOON)
        return draft(model)

    async def give_up() -> None:
        asking = asyncio.create_task(submit(scheduler, slow))
        assert await asyncio.to_thread(asked.wait, SOON)
        asking.cancel()
        await asyncio.wait([asking])
        assert asking.cancelled()
        go_on.set()
        while not (made and made[0].cancelled()):
            await asyncio.sleep(0.01)

    awaited(asyncio.wait_for(give_up(), SOON))
    assert not scheduler._waiting
