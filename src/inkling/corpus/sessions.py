"""A chat in sessions: cut where there was a long silence, and joined with what is stored of it.

Knows: times and which two messages are the same one. Does not know: the database, formats.
Data: messages in order -> `cut` -> `MessageSession`; stored messages + those of a newer export ->
`join` -> `Joined`.

Two messages are the same if the platform gave them one id, else if the same person said the same
at the same time; said twice, it is two messages.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from inkling.corpus.dialog import SESSION_GAP
from inkling.corpus.document import Message

GAP = SESSION_GAP.total_seconds()
MAX_MESSAGES = 5_000
"""In a session: a chat without times, or one that never sleeps, is cut all the same, so that memory
does not grow with it."""


def seconds(timestamp: str | None) -> float | None:
    """ISO 8601 as seconds since 1970, naive ones taken for UTC; None where it is no time."""
    if timestamp is None:
        return None
    try:
        # Most times are to the second or the millisecond, in UTC or naive, and many of one day.
        minute = _day(timestamp[:11]) + _MINUTES[timestamp[11:16]]
        if len(timestamp) < 21:
            return minute + _SECONDS[timestamp[16:]]
        return (1000 * (minute + _SECONDS[timestamp[16:19]]) + _THOUSANDTHS[timestamp[19:]]) / 1000
    except (ValueError, KeyError):
        pass
    try:
        moment = datetime.fromisoformat(timestamp)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


_MINUTES = {
    f"{hour:02}:{minute:02}": 3600.0 * hour + 60.0 * minute
    for hour in range(24)
    for minute in range(60)
}
_SECONDS = {f":{second:02}{zone}": float(second) for second in range(60) for zone in ("", "Z")}
_THOUSANDTHS = {f".{part:03}{zone}": part for part in range(1000) for zone in ("", "Z")}


@lru_cache(maxsize=1024)
def _day(text: str) -> float:
    """When the day of `2024-05-02T` began. Raises ValueError for anything else."""
    if text[10:] not in ("T", " "):
        raise ValueError
    return datetime.fromisoformat(text[:10]).replace(tzinfo=UTC).timestamp()


class MessageSession(NamedTuple):
    """Messages without a long silence between them; first and last time in seconds."""

    messages: list[Message]
    starts: float | None
    ends: float | None


def cut(messages: Iterable[Message]) -> Iterator[MessageSession]:
    """Sessions of messages that come in order. A step of more than three hours, in either
    direction, begins another one."""
    waiting: list[Message] = []
    starts = ends = last = None
    for message in messages:
        now = seconds(message.timestamp)
        apart = now is not None and last is not None and abs(now - last) > GAP
        if waiting and (apart or len(waiting) >= MAX_MESSAGES):
            yield MessageSession(waiting, starts, ends)
            waiting, starts, ends = [], None, None
        waiting.append(message)
        if now is not None:
            last = now
            starts = now if starts is None or now < starts else starts
            ends = now if ends is None or now > ends else ends
    if waiting:
        yield MessageSession(waiting, starts, ends)


@dataclass(frozen=True)
class Joined:
    """Stored messages and those of a newer export as one, in time order."""

    messages: list[Message]
    added: list[Message]
    there: int
    """Messages of the newer export that were stored already."""
    changed: int
    """Of those, edited ones, or such of which is known better now whose they are."""


def join(stored: Sequence[Message], newer: Sequence[Message]) -> Joined:
    """The union. What is in both is taken from the newer export."""
    pool: dict[str | tuple[str | None, str, str], deque[int]] = {}
    for index, message in enumerate(stored):
        pool.setdefault(_key(message), deque()).append(index)
    matched: set[int] = set()
    added: list[Message] = []
    changed = 0
    for message in newer:
        same = pool.get(_key(message))
        if not same:
            added.append(message)
            continue
        index = same.popleft()
        matched.add(index)
        before = stored[index]
        changed += (before.text, before.is_me, before.kind) != (
            message.text, message.is_me, message.kind,
        )  # fmt: skip
    older = [message for index, message in enumerate(stored) if index not in matched]
    # Sorted by time where messages have one; those without stay behind the one before them.
    ordered = sorted([*_timed(older), *_timed(newer)], key=lambda pair: pair[0])
    return Joined([message for _, message in ordered], added, len(newer) - len(added), changed)


def _key(message: Message) -> str | tuple[str | None, str, str]:
    if message.message_id is not None:
        return message.message_id
    return (message.timestamp, message.author_id, message.text)


def _timed(messages: Iterable[Message]) -> Iterator[tuple[float, Message]]:
    last = float("-inf")
    for message in messages:
        now = seconds(message.timestamp)
        last = last if now is None else now
        yield last, message
