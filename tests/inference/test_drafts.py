"""Several drafts of a reply, of which the surest is said, with a real model of random weights."""

from __future__ import annotations

import time

import pytest
import torch

from inkling.config import SamplingSettings
from inkling.inference.batch import Batch
from inkling.inference.chat import ChatModel
from inkling.inference.drafts import seed_of
from inkling.inference.newest import NewestModel
from inkling.inference.scheduler import Scheduler
from inkling.runtime import Runtime
from inkling.workspace import Workspace
from tests.inference.test_scheduler import first_piece, text_of
from tests.voices import random_run

COUNT = 6
SETTINGS = SamplingSettings(
    temperature=1.0, top_k=0, repetition_penalty=1.0, max_tokens=30, seed=3, best_of=COUNT
)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    made = Workspace.create(tmp_path_factory.mktemp("drafts") / "voices")
    random_run(made)
    return made


@pytest.fixture(scope="module")
def voice(workspace: Workspace) -> ChatModel:
    return ChatModel.load(random_run(workspace, "again"), Runtime.detect())


def alone(voice: ChatModel, message: str, seed: int, draft: int) -> tuple[list[int], bool]:
    """The ids of one draft, written by itself, and whether the model ended it."""
    own = SETTINGS.model_copy(update={"best_of": 1, "seed": seed_of(seed, draft)})
    writing = voice.begin(voice.reply_draft(message, [], own)).writings[0]
    batch = Batch(voice.engine, 1)
    batch.add(writing)
    while writing.finish is None:
        batch.step()
    return writing.written, writing.finish == "stop"


def sureness(voice: ChatModel, message: str, written: list[int], ended: bool) -> float:
    """The mean logarithm of the tokens' probabilities, read anew in one piece."""
    prompt = voice.prompt(message, []).ids
    told = [*written, voice.tokenizer.end_id] if ended else written
    with torch.inference_mode():
        hidden = voice.engine.model.hidden(torch.tensor([[*prompt, *told]]))[0]  # type: ignore[operator, union-attr]
        logprobs = voice.engine.logits(hidden).log_softmax(-1)
    at = torch.arange(len(prompt) - 1, len(prompt) + len(told) - 1)
    return float(logprobs[at, torch.tensor(told)].mean())


@pytest.mark.parametrize("seed", range(5))
def test_the_surest_draft_is_said(voice: ChatModel, seed: int) -> None:
    """Of the same drafts written one by one it is the one with the highest mean log-probability
    among those that ended; where none ended, among all."""
    drafts = [alone(voice, "soup?", seed, number) for number in range(COUNT)]
    assert len({tuple(written) for written, _ in drafts}) > 1
    surest, _ = max(drafts, key=lambda draft: (draft[1], sureness(voice, "soup?", *draft)))
    settings = SETTINGS.model_copy(update={"seed": seed})
    answer = voice.answer("soup?", [], settings)
    assert answer.text == voice.tokenizer.decode(surest).strip()
    assert "".join(voice.reply("soup?", [], settings)) == answer.text


def test_one_draft_is_the_first_of_several(voice: ChatModel) -> None:
    """`best_of=1` draws what the seed alone draws, and says why it ended."""
    written, ended = alone(voice, "tea?", 8, 0)
    answer = voice.answer("tea?", [], SETTINGS.model_copy(update={"seed": 8, "best_of": 1}))
    assert answer.text == voice.tokenizer.decode(written).strip()
    assert answer.finish == ("stop" if ended else "length")


def test_seeds_of_drafts_are_apart() -> None:
    """Neighbouring seeds share no draft; without a seed each draft draws its own dice."""
    seeds = {seed_of(seed, draft) for seed in range(50) for draft in range(32)}
    assert len(seeds) == 50 * 32
    assert all(seed is not None and 0 <= seed < 2**63 for seed in seeds)
    assert seed_of(7, 0) == 7
    assert seed_of(None, 3) is None


def test_a_prompt_is_read_once_for_all_drafts(
    voice: ChatModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one slot has read is copied to the others."""
    read: list[int] = []
    inner = voice.engine.last_hidden
    monkeypatch.setattr(
        voice.engine,
        "last_hidden",
        lambda ids, cache: (read.append(len(ids)), inner(ids, cache))[1],
    )
    voice.answer("who taught you to tune pianos?", [], SETTINGS)
    assert read == [len(voice.prompt("who taught you to tune pianos?", []).ids)]


@pytest.mark.parametrize("slots", [32, 8, COUNT])
def test_the_server_says_the_same(workspace: Workspace, voice: ChatModel, slots: int) -> None:
    """Replies of several drafts and of one, side by side, each as alone; all at once at the end;
    what was written and not said is not counted."""
    scheduler = Scheduler(workspace, "again", slots=slots, newest=NewestModel(workspace, "again"))
    scheduler.start()
    try:
        chosen = [
            SETTINGS.model_copy(update={"seed": seed, "best_of": (COUNT, 1)[seed % 2]})
            for seed in range(8)
        ]
        tickets = [
            scheduler.submit(lambda model, s=settings: model.reply_draft("soup?", [], s))  # type: ignore[misc]
            for settings in chosen
        ]
        for settings, ticket in zip(chosen, tickets, strict=True):
            text, end = text_of(ticket)
            answer = voice.answer("soup?", [], settings)
            assert (text, end.finish) == (answer.text, answer.finish)
            assert end.written_tokens <= settings.max_tokens
    finally:
        scheduler.stop()


def test_giving_up_frees_every_draft(workspace: Workspace) -> None:
    """A reply that is cancelled leaves no draft behind: the next one has room at once."""
    scheduler = Scheduler(workspace, slots=COUNT, newest=NewestModel(workspace))
    scheduler.start()
    endless = SETTINGS.model_copy(update={"max_tokens": 100_000, "temperature": 5.0})
    try:
        first = scheduler.submit(lambda model: model.reply_draft("soup?", [], endless))
        until = time.monotonic() + 20
        while scheduler.position(first) and time.monotonic() < until:
            pass
        second = scheduler.submit(
            lambda model: model.reply_draft("tea?", [], SETTINGS.model_copy(update={"best_of": 1}))
        )
        assert scheduler.position(second) == 1
        first.cancel()
        assert first_piece(second)
    finally:
        scheduler.stop()


def test_more_drafts_than_slots_are_as_many_as_fit(workspace: Workspace) -> None:
    """A small server answers nonetheless."""
    scheduler = Scheduler(workspace, slots=2, newest=NewestModel(workspace))
    scheduler.start()
    try:
        text, _ = text_of(scheduler.submit(lambda model: model.reply_draft("hm?", [], SETTINGS)))
        assert text
    finally:
        scheduler.stop()
