"""Replies of kept chats while they are generated: one a chat, stored when it ends or is stopped.

Knows: which chat is being answered, and who listens to it. Does not know routes.
Data: `begin` -> a task that reads parts from the scheduler -> `ReplyInProgress.frames`, and
chats.db.

The task is one of its own, not the request's: a page that is reloaded finds its reply again. Where
nobody listens any more and nobody comes back, the generation ends, and what was generated until
then is stored.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterator

from inkling.chats import PendingReply, Provenance
from inkling.config import SamplingSettings
from inkling.inference.requests import ModelChoice
from inkling.inference.scheduler import Scheduler
from inkling.server.chat_service import ChatService
from inkling.server.refusals import ReplyInProgressError, explain
from inkling.server.reply_stream import ReplyPart, reply_builder, submit
from inkling.server.schemas import ReplyFrame

COME_BACK_SECONDS = 5.0
"""How long a reply that nobody listens to is still generated: a page takes no longer to load."""

HISTORY_SENT = 32
"""More turns than any prompt looks back on; a chat may be longer."""


class ReplyInProgress:
    """A reply under way, and the frames that each of its listeners has not read yet."""

    def __init__(self, chat: int) -> None:
        self.chat = chat
        self.text = ""
        self.again = False
        """Whether it is another reply to a message that has one."""
        self.task: asyncio.Task[None] | None = None
        self.is_open = True
        """Whether it is still generated; afterwards it is being stored, which nothing stops."""
        self._ended = False
        self._listeners: list[asyncio.Queue[ReplyFrame | None]] = []

    def send(self, frame: ReplyFrame) -> None:
        for frames in self._listeners:
            frames.put_nowait(frame)

    def end(self) -> None:
        self._ended = True
        for frames in self._listeners:
            frames.put_nowait(None)

    def cancel(self) -> None:
        """Stop generating; what is there is stored."""
        if self.task is not None and self.is_open:
            self.is_open = False
            self.task.cancel()

    def listen(self) -> Listening:
        """Begin to listen: from the first character on, whatever was generated already."""
        frames: asyncio.Queue[ReplyFrame | None] = asyncio.Queue()
        self._listeners.append(frames)
        if self.text:
            frames.put_nowait({"text": self.text})
        if self._ended:
            frames.put_nowait(None)
        return Listening(self, frames)

    def forget(self, frames: asyncio.Queue[ReplyFrame | None]) -> None:
        """A listener is gone; with the last one the reply ends, unless somebody comes back."""
        if frames in self._listeners:
            self._listeners.remove(frames)
        if self.is_open and not self._listeners:
            loop = asyncio.get_running_loop()
            loop.call_later(COME_BACK_SECONDS, self._cancel_if_alone)

    def _cancel_if_alone(self) -> None:
        if not self._listeners:
            self.cancel()


class Listening:
    """One who listens to a reply; `close` when it hangs up."""

    def __init__(self, reply: ReplyInProgress, frames: asyncio.Queue[ReplyFrame | None]) -> None:
        self._reply, self._frames = reply, frames

    async def frames(self) -> AsyncGenerator[ReplyFrame]:
        """Text as it comes, then how it ended."""
        while (frame := await self._frames.get()) is not None:
            yield frame

    def close(self) -> None:
        self._reply.forget(self._frames)


class ChatReplies:
    """All replies that are being generated for kept chats."""

    def __init__(self, scheduler: Scheduler, service: ChatService) -> None:
        self._scheduler, self._service = scheduler, service
        self._in_progress: dict[int, ReplyInProgress] = {}

    @contextlib.contextmanager
    def reserve(self, chat: int) -> Iterator[ReplyInProgress]:
        """A new `ReplyInProgress` of a chat, given back if it does not begin.

        Raises ReplyInProgressError.
        """
        if chat in self._in_progress:
            raise ReplyInProgressError(
                "A reply to this chat is being generated. Stop it, or wait for it to end."
            )
        reply = self._in_progress[chat] = ReplyInProgress(chat)
        try:
            yield reply
        finally:
            if reply.task is None:
                del self._in_progress[chat]

    def begin(
        self,
        reply: ReplyInProgress,
        pending: PendingReply,
        settings: SamplingSettings,
        choice: ModelChoice,
    ) -> None:
        """Have the chosen model generate a reply to what is pending."""
        reply.again = pending.reply is not None
        generating = self._generate(reply, pending, pending.seeded(settings), choice)
        reply.task = task = asyncio.create_task(generating)
        task.add_done_callback(lambda _: self._end(reply))

    def _end(self, reply: ReplyInProgress) -> None:
        del self._in_progress[reply.chat]
        reply.end()

    def under_way(self, chat: int) -> ReplyInProgress | None:
        """The reply to a chat that is being generated."""
        reply = self._in_progress.get(chat)
        return None if reply is None or reply.task is None else reply

    async def stop(self, chat: int) -> None:
        """End a chat's reply, if one is being generated, and wait until it is stored."""
        reply = self.under_way(chat)
        if reply is not None and reply.task is not None:
            reply.cancel()
            await asyncio.wait([reply.task])

    async def finish(self) -> None:
        """End all replies and wait until they are stored."""
        for chat in list(self._in_progress):
            await self.stop(chat)

    async def _generate(
        self,
        reply: ReplyInProgress,
        pending: PendingReply,
        settings: SamplingSettings,
        choice: ModelChoice,
    ) -> None:
        unread = 0
        origin: Provenance | None = None
        turns = [turn for turn in pending.history[-HISTORY_SENT:] if turn[1].strip()]
        ended: ReplyFrame = {"done": True}
        try:
            builder = reply_builder(pending.question, turns, settings)
            stream = await submit(self._scheduler, builder, choice)
            try:
                async for part in stream.parts():
                    if isinstance(part, ReplyPart) and part.text:
                        model = stream.request.model
                        origin = Provenance(model.config.name, model.step, settings)
                        unread = stream.request.spec.unread
                        reply.text += part.text
                        reply.send({"text": part.text})
            finally:
                stream.cancel()
            reply.is_open = False
        except asyncio.CancelledError:
            ended["stopped"] = True
        except Exception as error:  # whoever listens reads it; what was generated is stored
            reply.is_open = False
            ended = {"error": explain(error)}
        if reply.text and origin is not None:
            try:
                position, variant = await asyncio.to_thread(
                    self._service.keep, reply.chat, pending, reply.text, origin
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
                if unread:
                    ended["unread"] = unread
        reply.send(ended)
