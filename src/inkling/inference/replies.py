"""Replies for measuring: the voice of a run as a function of an exchange and a seed.

Knows: a loaded voice. Does not know: what is measured. Data: Exchange + seed -> ChatModel ->
`Written`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from inkling.config import SamplingSettings
from inkling.evaluation.loops import Written
from inkling.evaluation.passages import Exchange
from inkling.inference.chat import ChatModel
from inkling.model.gpt import GPT

REPLIES, REPLIES_WITHOUT_CACHE = 100, 20


def default_count(voice: ChatModel) -> int:
    """How many replies are worth their time: a model without a cache reads its whole context
    again for every token."""
    return REPLIES if isinstance(voice.engine.model, GPT) else REPLIES_WITHOUT_CACHE


def replier(voice: ChatModel, settings: SamplingSettings) -> Callable[[Exchange, int], Written]:
    """Answers an exchange's question, after what was really said before it."""

    def reply(exchange: Exchange, seed: int) -> Written:
        # One token more than the limit: so a reply that was cut off is told from one that ended
        # by itself on its last token.
        asked = settings.model_copy(update={"seed": seed, "max_tokens": settings.max_tokens + 1})
        with _one_thread():
            answer = voice.answer(exchange.question, exchange.history, asked)
        return Written(answer.text, answer.finish == "length")

    return reply


@contextmanager
def _one_thread() -> Iterator[None]:
    """One token at a time is too little work to share: on a busy machine two threads that
    wait for each other took 16 times as long as one. And one thread rounds alike everywhere."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
