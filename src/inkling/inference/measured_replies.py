"""Replies to measure: a model as a function of an exchange and a seed.

Knows: a loaded model. Does not know: what is measured. Data: `HeldOutExchange` + seed ->
`ChatModel.answer` -> `GeneratedReply`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from inkling.config import SamplingSettings
from inkling.evaluation.loops import GeneratedReply
from inkling.evaluation.passages import HeldOutExchange
from inkling.inference.chat import ChatModel

REPLIES, REPLIES_WITHOUT_CACHE = 100, 20


def default_count(model: ChatModel) -> int:
    """How many replies are worth their time: a model without a cache reads its whole context
    again for every token."""
    return REPLIES if model.engine.model.supports_cache else REPLIES_WITHOUT_CACHE


def replier(
    model: ChatModel, settings: SamplingSettings
) -> Callable[[HeldOutExchange, int], GeneratedReply]:
    """A function that answers an exchange's question, given what was really said before it."""

    def reply(exchange: HeldOutExchange, seed: int) -> GeneratedReply:
        # One token more than the limit: so a reply that was cut off is told from one that ended
        # by itself on its last token.
        asked = settings.model_copy(update={"seed": seed, "max_tokens": settings.max_tokens + 1})
        with _one_thread():
            answer = model.answer(exchange.question, exchange.history, asked)
        return GeneratedReply(answer.text, answer.finish == "length")

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
