"""Replies of kept chats while they are written: one a chat, stored when it ends or is stopped.

Knows: which chat is being answered, and by whom it is listened to. Does not know routes.
Data: `begin` -> a task that reads pieces from the scheduler -> `Writing.frames`, and chats.db.

The task is one of its own, not the request's: a listener that goes away stops the writing, and
what was written until then is still stored.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterator
from typing import TYPE_CHECKING, Any

from inkling.chats import Exchange, Origin
from inkling.config import SamplingSettings
from inkling.inference.scheduler import Scheduler
from inkling.server.conversations import Conversations
from inkling.server.replies import Written, ask, explain
from inkling.server.schemas import ChatRequest, HistoryTurn, SamplingRequest

if TYPE_CHECKING:
    from inkling.inference.chat import ChatModel, Draft

HISTORY_SENT = 32
"""More turns than any prompt looks back on; a chat may be longer than a request may be."""


class WritingError(Exception):
    """A reply to this chat is being written already; the text is for the one who asked."""


class Writing:
    """A reply under way."""

    def __init__(self, chat: int) -> None:
        self.chat = chat
        self.text = ""
        self.task: asyncio.Task[None] | None = None
        self.is_open = True
        """Whether it is still written; afterwards it is being stored, which nothing stops."""
        self._frames: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()

    def say(self, frame: dict[str, Any]) -> None:
        self._frames.put_nowait(frame)

    def end(self) -> None:
        self._frames.put_nowait(None)

    def cancel(self) -> None:
        """Stop writing; what is there is stored."""
        if self.task is not None and self.is_open:
            self.is_open = False
            self.task.cancel()

    async def frames(self) -> AsyncGenerator[dict[str, Any], None]:
        """Pieces as they come, then how it ended. Leaving early stops the writing."""
        try:
            while (frame := await self._frames.get()) is not None:
                yield frame
        finally:
            self.cancel()


class Replies:
    """All replies that are being written to kept chats."""

    def __init__(self, scheduler: Scheduler, conversations: Conversations) -> None:
        self._scheduler, self._conversations = scheduler, conversations
        self._writings: dict[int, Writing] = {}

    @contextlib.contextmanager
    def reserve(self, chat: int) -> Iterator[Writing]:
        """A new `Writing` of a chat, given back if it does not begin. Raises WritingError."""
        if chat in self._writings:
            raise WritingError("A reply to this chat is being written. Stop it, or wait for it.")
        writing = self._writings[chat] = Writing(chat)
        try:
            yield writing
        finally:
            if writing.task is None:
                del self._writings[chat]

    def begin(self, writing: Writing, exchange: Exchange, wanted: SamplingRequest) -> None:
        """Write a reply to an exchange."""
        settings = exchange.seeded(wanted.sampling())
        writing.task = asyncio.create_task(self._write(writing, exchange, settings))
        writing.task.add_done_callback(lambda _: self._end(writing))

    def _end(self, writing: Writing) -> None:
        del self._writings[writing.chat]
        writing.end()

    async def stop(self, chat: int) -> None:
        """End a chat's reply, if one is being written, and wait until it is stored."""
        writing = self._writings.get(chat)
        if writing is not None and writing.task is not None:
            writing.cancel()
            await asyncio.wait([writing.task])

    async def finish(self) -> None:
        """End all replies and wait until they are stored."""
        for chat in list(self._writings):
            await self.stop(chat)

    async def _write(
        self, writing: Writing, exchange: Exchange, settings: SamplingSettings
    ) -> None:
        origin: Origin | None = None
        wanted = _request(exchange, settings)

        def job(model: ChatModel) -> Draft:
            return model.reply_draft(wanted.message, wanted.turns(), wanted.sampling())

        ended: dict[str, Any] = {"done": True}
        try:
            reply = await ask(self._scheduler, job)
            try:
                async for part in reply.parts():
                    if isinstance(part, Written) and part.text:
                        model = reply.ticket.model
                        origin = Origin(model.config.name, model.step, settings)
                        writing.text += part.text
                        writing.say({"text": part.text})
            finally:
                reply.ticket.cancel()
            writing.is_open = False
        except asyncio.CancelledError:
            ended["stopped"] = True
        except Exception as error:  # whoever listens is told; what was written is stored
            writing.is_open = False
            ended = {"error": explain(error)}
        if writing.text and origin is not None:
            try:
                position, variant = await asyncio.to_thread(
                    self._conversations.keep, writing.chat, exchange, writing.text, origin
                )
            except Exception as error:
                ended = {"error": explain(error)}
            else:
                ended |= {
                    "position": position,
                    "variant": variant,
                    "seed": str(settings.seed),
                    "run": origin.run,
                    "step": origin.step,
                }
        writing.say(ended)


def _request(exchange: Exchange, settings: SamplingSettings) -> ChatRequest:
    """The exchange as a request; what is stored was checked when it came."""
    roles = {"them": "user", "me": "assistant"}
    return ChatRequest.model_construct(
        message=exchange.question,
        history=[
            HistoryTurn.model_construct(role=roles[role], content=text)
            for role, text in exchange.history[-HISTORY_SENT:]
        ],
        **settings.model_dump(include=set(SamplingRequest.model_fields)),
    )
