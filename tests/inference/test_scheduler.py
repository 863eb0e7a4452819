"""The worker thread and its queue, with real models of random weights."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from inkling.config import SamplingSettings
from inkling.errors import InklingError
from inkling.inference.chat import ChatModel, Draft
from inkling.inference.newest import NewestModel, NoModelError
from inkling.inference.scheduler import QueueFullError, Scheduler
from inkling.inference.tickets import End, Ticket
from inkling.workspace import Workspace
from tests.voices import random_run

Job = Callable[[ChatModel], Draft]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace.create(tmp_path / "voices")
    random_run(made)
    return made


@pytest.fixture
def start(workspace: Workspace) -> Iterator[Callable[..., Scheduler]]:
    """Start schedulers; all are stopped at the end."""
    running: list[Scheduler] = []

    def begin(**options: int) -> Scheduler:
        scheduler = Scheduler(workspace, newest=NewestModel(workspace, look_seconds=0), **options)
        scheduler.start()
        running.append(scheduler)
        return scheduler

    yield begin
    for scheduler in running:
        scheduler.stop()
        scheduler._thread.join(20)
        assert not scheduler._thread.is_alive()


def asking(text: str, seed: int = 0, max_tokens: int = 30, **settings: object) -> Job:
    chosen = SamplingSettings.model_validate(
        {"seed": seed, "max_tokens": max_tokens, "temperature": 1.0, "top_k": 0} | settings
    )
    return lambda model: model.reply_draft(text, [], chosen)


def text_of(ticket: Ticket) -> tuple[str, End]:
    """Everything a ticket says."""
    text = ""
    while True:
        item = ticket.items.get(timeout=60)
        if isinstance(item, Exception):
            raise item
        if isinstance(item, End):
            return text, item
        text += item.text


def first_piece(ticket: Ticket) -> str:
    item = ticket.items.get(timeout=60)
    assert not isinstance(item, Exception | End)
    return item.text


# Many minutes of writing: only cancelling ends it in time.
ENDLESS = asking("go on", max_tokens=100_000)


def test_many_replies_are_those_of_one_at_a_time(start: Callable[..., Scheduler]) -> None:
    """More than there are slots, all at once: nobody is lost, every text is its seed's own."""
    scheduler = start(slots=4)
    jobs = [asking(f"question {n}?", seed=n, stop=("e",) * (n % 2)) for n in range(15)]
    tickets = [scheduler.submit(job) for job in jobs]
    found = [text_of(ticket) for ticket in tickets]
    voice = scheduler.model()
    for n, (text, end) in enumerate(found):
        settings = jobs[n](voice).settings
        assert text == "".join(voice.reply(f"question {n}?", [], settings))
        assert end.prompt_tokens == len(jobs[n](voice).ids)
        assert end.finish == ("stop" if end.written_tokens < 30 else "length")
        assert n % 2 or end.written_tokens == 30


def test_the_queue_is_first_come_first_served_and_tells_places(
    start: Callable[..., Scheduler],
) -> None:
    """Places count down; who gives up frees a place; a full queue refuses and says when."""
    scheduler = start(slots=1, max_waiting=3)
    writing = scheduler.submit(ENDLESS)
    assert first_piece(writing)
    waiting = [scheduler.submit(asking(f"{n}", seed=n)) for n in range(3)]
    assert [scheduler.position(ticket) for ticket in (writing, *waiting)] == [0, 1, 2, 3]
    with pytest.raises(QueueFullError, match="3 replies are waiting") as refused:
        scheduler.submit(asking("too much"))
    assert refused.value.retry_after >= 1
    waiting[0].cancel()
    assert [scheduler.position(ticket) for ticket in waiting[1:]] == [1, 2]
    order: list[int] = []
    late = scheduler.submit(asking("z", seed=9), notify=lambda: order.append(9))
    writing.cancel()
    for ticket in (*waiting[1:], late):
        text_of(ticket)
    assert waiting[0].items.empty()
    assert scheduler.position(late) == 0


def test_cancelling_frees_the_slot_at_once(start: Callable[..., Scheduler]) -> None:
    """An endless reply is left in the middle; the next gets its slot, and the counter of tokens
    stands still afterwards."""
    scheduler = start(slots=1)
    endless = scheduler.submit(ENDLESS)
    first_piece(endless)
    endless.cancel()
    _, end = text_of(scheduler.submit(asking("next", max_tokens=5)))
    assert end.written_tokens <= 5
    written = endless.items.qsize()
    assert written < 50_000
    text_of(scheduler.submit(asking("again", max_tokens=1)))
    assert endless.items.qsize() == written


def test_a_newer_checkpoint_drops_no_stream(
    start: Callable[..., Scheduler], workspace: Workspace
) -> None:
    """What is under way ends with the old model, what begins then uses the new one; the old one
    is let go of."""
    scheduler = start(slots=4)
    job = asking("which are you?", seed=3, max_tokens=600)
    old = scheduler.model()
    running = scheduler.submit(job)
    first = first_piece(running)
    random_run(workspace, seed=1)
    swapped = scheduler.submit(job)
    new = scheduler.model()
    assert (old.step, new.step) == (1, 2)
    text, _ = text_of(running)
    assert first + text == "".join(old.reply("which are you?", [], job(old).settings))
    text, _ = text_of(swapped)
    assert text == "".join(new.reply("which are you?", [], job(new).settings))
    assert [group.model for group in scheduler._groups.values()] == [new]


def test_whoever_waited_gets_the_newer_model(
    start: Callable[..., Scheduler], workspace: Workspace
) -> None:
    """A reply that had not begun when the checkpoint came is written by the new one."""
    scheduler = start(slots=1)
    running = scheduler.submit(ENDLESS)
    first_piece(running)
    job = asking("who?", seed=5)
    waiting = scheduler.submit(job)
    random_run(workspace, seed=1)
    new = scheduler.model()
    running.cancel()
    assert text_of(waiting)[0] == "".join(new.reply("who?", [], job(new).settings))


def test_one_bad_reply_ends_no_other(
    start: Callable[..., Scheduler], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job that cannot be drafted is refused to its caller; a step that fails is told to those
    in it, and the worker goes on."""
    scheduler = start(slots=2)
    with pytest.raises(InklingError, match="surrogate"):
        scheduler.submit(asking("\ud800"))
    voice = scheduler.model()
    running = scheduler.submit(ENDLESS)
    first_piece(running)

    def broken(ids: object, cache: object) -> None:
        raise MemoryError("none left")

    with monkeypatch.context() as patch:
        patch.setattr(voice.engine, "next_hidden", broken)
        with pytest.raises(MemoryError):
            text_of(running)
    job = asking("still there?")
    text = text_of(scheduler.submit(job))[0]
    assert text == "".join(voice.reply("still there?", [], job(voice).settings))


def test_without_a_model_there_is_an_explanation(tmp_path: Path) -> None:
    """Asking raises what to type, and a model that comes later is found."""
    workspace = Workspace.create(tmp_path / "empty")
    newest = NewestModel(workspace)
    with pytest.raises(NoModelError, match="inkling train"):
        newest.model()
    random_run(workspace)
    assert newest.model().step == 1


def test_others_go_on_with_the_model_there_is_while_one_loads(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A caller that finds another one loading does not wait for it."""
    newest = NewestModel(workspace, look_seconds=0)
    old = newest.model()
    random_run(workspace, seed=1)
    loading, go_on = threading.Event(), threading.Event()
    load = ChatModel.load

    def slow(*arguments: object) -> ChatModel:
        loading.set()
        assert go_on.wait(60)
        return load(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(ChatModel, "load", slow)
    thread = threading.Thread(target=newest.model)
    thread.start()
    assert loading.wait(60)
    assert newest.model() is old
    go_on.set()
    thread.join(60)
    assert newest.model().step == 2
