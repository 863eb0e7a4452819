"""The worker thread and its queue, with real models of random weights."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from inkling.config import REPLY, SamplingSettings
from inkling.errors import InklingError
from inkling.inference.chat import ChatModel, GenerationSpec
from inkling.inference.decoder import SmallModelDecoder
from inkling.inference.model_provider import ModelProvider, NoModelError
from inkling.inference.requests import Finished, GenerationRequest
from inkling.inference.scheduler import QueueFullError, Scheduler
from inkling.workspace import Workspace
from tests.voices import random_run

RequestBuilder = Callable[[ChatModel], GenerationSpec]


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
        scheduler = Scheduler(
            workspace, provider=ModelProvider(workspace, look_seconds=0), **options
        )
        scheduler.start()
        running.append(scheduler)
        return scheduler

    yield begin
    for scheduler in running:
        scheduler.stop()
        scheduler._thread.join(20)
        assert not scheduler._thread.is_alive()


def asking(text: str, seed: int = 0, max_tokens: int = 30, **settings: object) -> RequestBuilder:
    chosen = SamplingSettings.model_validate(
        {"seed": seed, "max_tokens": max_tokens, "temperature": 1.0, "top_k": 0} | settings
    )
    return lambda model: model.reply_spec(text, [], chosen)


def text_of(request: GenerationRequest) -> tuple[str, Finished]:
    """Everything a request says."""
    text = ""
    while True:
        item = request.items.get(timeout=60)
        if isinstance(item, Exception):
            raise item
        if isinstance(item, Finished):
            return text, item
        text += item.text


def first_chunk(request: GenerationRequest) -> str:
    item = request.items.get(timeout=60)
    assert not isinstance(item, Exception | Finished)
    return item.text


# Many minutes of text: only cancelling ends it in time.
ENDLESS = asking("go on", max_tokens=100_000)


def test_many_replies_are_those_of_one_at_a_time(start: Callable[..., Scheduler]) -> None:
    """More than there are slots, all at once: nobody is lost, every text is its seed's own."""
    scheduler = start(slots=4)
    builders = [asking(f"question {n}?", seed=n, stop=("e",) * (n % 2)) for n in range(15)]
    requests = [scheduler.submit(builder) for builder in builders]
    found = [text_of(request) for request in requests]
    model = scheduler.model()
    for n, (text, end) in enumerate(found):
        settings = builders[n](model).settings
        assert text == "".join(model.reply(f"question {n}?", [], settings))
        assert end.prompt_tokens == len(builders[n](model).ids)
        assert end.finish == ("stop" if end.written_tokens < 30 else "length")
        assert n % 2 or end.written_tokens == 30


def test_the_queue_is_first_come_first_served_and_tells_places(
    start: Callable[..., Scheduler],
) -> None:
    """Places count down; who gives up frees a place; a full queue refuses and says when."""
    scheduler = start(slots=1, max_waiting=3)
    running = scheduler.submit(ENDLESS)
    assert first_chunk(running)
    waiting = [scheduler.submit(asking(f"{n}", seed=n)) for n in range(3)]
    assert [scheduler.position(request) for request in (running, *waiting)] == [0, 1, 2, 3]
    with pytest.raises(QueueFullError, match="3 replies are waiting") as refused:
        scheduler.submit(asking("too much"))
    assert refused.value.retry_after >= 1
    waiting[0].cancel()
    assert [scheduler.position(request) for request in waiting[1:]] == [1, 2]
    order: list[int] = []
    late = scheduler.submit(asking("z", seed=9), notify=lambda: order.append(9))
    running.cancel()
    for request in (*waiting[1:], late):
        text_of(request)
    assert waiting[0].items.empty()
    assert scheduler.position(late) == 0


def test_cancelling_frees_the_slot_at_once(start: Callable[..., Scheduler]) -> None:
    """An endless reply is left in the middle; the next gets its slot, and the counter of tokens
    stands still afterwards."""
    scheduler = start(slots=1)
    endless = scheduler.submit(ENDLESS)
    first_chunk(endless)
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
    builder = asking("which are you?", seed=3, max_tokens=600)
    old = scheduler.model()
    running = scheduler.submit(builder)
    first = first_chunk(running)
    random_run(workspace, seed=1)
    swapped = scheduler.submit(builder)
    new = scheduler.model()
    assert (old.step, new.step) == (1, 2)
    text, _ = text_of(running)
    assert first + text == "".join(old.reply("which are you?", [], builder(old).settings))
    text, _ = text_of(swapped)
    assert text == "".join(new.reply("which are you?", [], builder(new).settings))
    assert [batch.model for batch in scheduler._batches.values()] == [new]


def test_whoever_waited_gets_the_newer_model(
    start: Callable[..., Scheduler], workspace: Workspace
) -> None:
    """A reply that had not begun when the checkpoint came is written by the new one."""
    scheduler = start(slots=1)
    running = scheduler.submit(ENDLESS)
    first_chunk(running)
    builder = asking("who?", seed=5)
    waiting = scheduler.submit(builder)
    random_run(workspace, seed=1)
    new = scheduler.model()
    running.cancel()
    assert text_of(waiting)[0] == "".join(new.reply("who?", [], builder(new).settings))


def test_one_bad_reply_ends_no_other(
    start: Callable[..., Scheduler], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A builder that fails is refused to its caller; a step that fails is reported to those in it,
    and the worker continues."""
    scheduler = start(slots=2)
    with pytest.raises(InklingError, match="surrogate"):
        scheduler.submit(asking("\ud800"))
    model = scheduler.model()
    running = scheduler.submit(ENDLESS)
    first_chunk(running)

    def broken(decoder: object, ids: object, positions: object) -> None:
        raise MemoryError("none left")

    with monkeypatch.context() as patch:
        patch.setattr(SmallModelDecoder, "decode", broken)
        with pytest.raises(MemoryError):
            text_of(running)
    builder = asking("still there?")
    text = text_of(scheduler.submit(builder))[0]
    assert text == "".join(model.reply("still there?", [], builder(model).settings))


def test_without_a_model_there_is_an_explanation(tmp_path: Path) -> None:
    """Asking raises what to type, and a model that comes later is found."""
    workspace = Workspace.create(tmp_path / "empty")
    provider = ModelProvider(workspace)
    with pytest.raises(NoModelError, match="inkling train"):
        provider.model()
    random_run(workspace)
    assert provider.model().step == 1


def test_others_continue_with_the_model_there_is_while_one_loads(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A caller that finds another one loading does not wait for it."""
    provider = ModelProvider(workspace, look_seconds=0)
    old = provider.model()
    random_run(workspace, seed=1)
    loading, proceed = threading.Event(), threading.Event()
    load = ChatModel.load

    def slow(*arguments: object) -> ChatModel:
        loading.set()
        assert proceed.wait(60)
        return load(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(ChatModel, "load", slow)
    thread = threading.Thread(target=provider.model)
    thread.start()
    assert loading.wait(60)
    assert provider.model() is old
    proceed.set()
    thread.join(60)
    assert provider.model().step == 2


def test_a_reply_to_a_person_does_not_wait_for_a_long_text(
    start: Callable[..., Scheduler],
) -> None:
    """All drafts of the chat's reply fit in beside a text in one draft that never ends."""
    scheduler = start()
    endless = scheduler.submit(ENDLESS)
    assert first_chunk(endless)
    text, finished = text_of(scheduler.submit(asking("soup?", best_of=REPLY.best_of)))
    assert text
    assert finished.finish in ("stop", "length")
    while not endless.items.empty():
        assert not isinstance(endless.items.get(), Finished)
    endless.cancel()
