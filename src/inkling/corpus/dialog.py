"""From messages to the turns a model learns: sessions, merged bursts, them/me pairs.

Knows: the rules of pairing. Does not know: ids, files.
Data: messages -> `sessions` -> dialogs of (role, text) turns.

Rules: a gap over 3 hours starts a new session; messages of one speaker within 5 minutes (or
without times) are one turn, joined by a line break; `me` may open a session; a `them` turn
is never invented; a session in which `me` says nothing is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from inkling.corpus.document import Message, Role

SESSION_GAP = timedelta(hours=3)
BURST_GAP = timedelta(minutes=5)

DialogTurn = tuple[Role, str]


def _time(message: Message) -> datetime | None:
    if message.timestamp is None:
        return None
    try:
        moment = datetime.fromisoformat(message.timestamp)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def sessions(messages: Sequence[Message]) -> Iterator[tuple[DialogTurn, ...]]:
    """Dialogs of a conversation, in order. Only text messages take part."""
    turns: list[DialogTurn] = []
    last: datetime | None = None
    for message in messages:
        if message.kind != "text" or not message.text.strip():
            continue
        now = _time(message)
        gap = now - last if now is not None and last is not None else None
        if gap is not None and gap > SESSION_GAP:
            yield from _finished(turns)
            turns = []
        if turns and turns[-1][0] == message.role and (gap is None or gap <= BURST_GAP):
            turns[-1] = (message.role, f"{turns[-1][1]}\n{message.text}")
        else:
            turns.append((message.role, message.text))
        last = now if now is not None else last
    yield from _finished(turns)


def _finished(turns: list[DialogTurn]) -> Iterator[tuple[DialogTurn, ...]]:
    # What others say after my last words teaches nothing: no reply follows it.
    while turns and turns[-1][0] == "them":
        turns = turns[:-1]
    if turns:
        yield tuple(turns)
