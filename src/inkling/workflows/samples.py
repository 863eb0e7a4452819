"""The fixed prompts of a run, and what its model writes for them at each evaluation.

Knows: which prompts are chosen from the held-out text, and how a model that is still being trained
writes. Does not know the loop, nor who looks at the samples.
Data: held-out ids -> prompts; prompts + model -> `TrainingSample`s, with the same seed each time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Literal, NamedTuple

from torch import nn

from inkling.config import Phase, SamplingSettings
from inkling.inference.chat import ChatModel, allowed_mask
from inkling.inference.engine import Engine
from inkling.model.language_model import LanguageModel
from inkling.training.session import Session
from inkling.workflows.callbacks import TrainingSample

SAMPLE_TOKENS = 40
SAMPLE_PROMPTS = 2
SAMPLE_SEED = 0
QUESTIONS_LOOKED_AT = 50
TELLING_CHARACTERS = 12
"""Questions with fewer characters ask little: where there are others, those are chosen."""


class SamplePrompt(NamedTuple):
    """A fixed prompt; `asked` where it is a question to answer, not an opening to continue."""

    text: str
    asked: bool


def sample_prompts(session: Session, phase: Phase) -> list[SamplePrompt]:
    """The same at every evaluation: held-out questions, and before there are answers the first of
    them with the opening of a held-out piece, so that one question goes through all checkpoints."""
    tunes = session.run.config().finetune is not None
    questions = _questions(session) if tunes else []
    openings = _openings(session) if phase == "train" else []
    if phase == "train" and questions:
        return [*questions[:1], *openings[: SAMPLE_PROMPTS - 1]]
    return openings or questions


def draw_samples(
    session: Session, phase: Phase, step: int, model: nn.Module, prompts: list[SamplePrompt]
) -> Iterator[TrainingSample]:
    """What a model writes for the prompts, one after the other."""
    if not prompts:
        return
    assert isinstance(model, LanguageModel)
    config = session.run.config()
    engine = Engine(model, allowed_mask(config), session.tokenizer.end_id)
    writer = ChatModel(config, session.tokenizer, engine, 0, phase == "finetune")
    settings = SamplingSettings(seed=SAMPLE_SEED, max_tokens=SAMPLE_TOKENS)
    for prompt in prompts:
        chunks = (
            writer.reply(prompt.text, [], settings)
            if prompt.asked
            else writer.complete(prompt.text, settings)
        )
        yield TrainingSample(step, phase, prompt.text, prompt.asked, SAMPLE_SEED, "".join(chunks))


def _openings(session: Session) -> list[SamplePrompt]:
    found = (" ".join(session.tokenizer.decode(ids).split()[:4]) for ids in _starts(session, "val"))
    return _first_whole(found, asked=False)


def _questions(session: Session) -> list[SamplePrompt]:
    me = session.tokenizer.special_ids[2]
    asked = [
        session.tokenizer.decode(ids[: ids.index(me)])
        for ids in islice(_starts(session, "dialog_val"), QUESTIONS_LOOKED_AT)
        if me in ids
    ]
    return _first_whole(sorted(asked, key=lambda text: len(text) < TELLING_CHARACTERS), asked=True)


def _starts(session: Session, part_name: Literal["val", "dialog_val"]) -> Iterator[list[int]]:
    part = session.part(part_name)
    for start, length, _, _ in part.segments:
        yield [int(i) for i in part.ids[start : start + min(length, 64)]]


def _first_whole(texts: Iterable[str], asked: bool) -> list[SamplePrompt]:
    whole = (text.strip() for text in texts if text.strip() and "\ufffd" not in text)
    return [SamplePrompt(text, asked) for text in islice(whole, SAMPLE_PROMPTS)]
