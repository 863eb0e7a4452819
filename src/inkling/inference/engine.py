"""Token by token: read a prompt into the cache, then decode one position a step.

Knows: a model, its cache, and when the context is full. Does not know: text, messages.
Data: prompt ids -> prefill -> logits -> `pick` -> id -> decode -> ...

`Engine` writes one text; `Batch` (batch.py) writes many with the same model, and is held to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from inkling.config import SamplingSettings
from inkling.inference.sampling import NEVER
from inkling.inference.writing import Constraint, Writing, pick
from inkling.model.build import AnyModel
from inkling.model.cache import Cache, KVCache
from inkling.model.gpt import GPT


class Engine:
    """Decodes with one model."""

    def __init__(self, model: AnyModel, live_V: Tensor, end_id: int) -> None:
        """`live_V` is True for ids that may be sampled; `end_id` ends a sequence."""
        self.model = model.eval()
        self.end_id = end_id
        self.device = next(model.parameters()).device
        self._dead_V = ~live_V.to(self.device)

    @property
    def context_length(self) -> int:
        return self.model.settings.context_length

    def begin(
        self,
        prompt: Sequence[int],
        settings: SamplingSettings,
        constraint: Constraint = lambda written: None,
        top_logprobs: int | None = None,
    ) -> Writing:
        """A text that begins after `prompt`."""
        return Writing(prompt, settings, self.context_length, self.end_id, constraint, top_logprobs)

    def generate(
        self,
        prompt: Sequence[int],
        settings: SamplingSettings,
        constraint: Constraint = lambda written: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Iterator[int]:
        """Ids after the prompt, up to `max_tokens`, not including the <|end|> that ends them.

        A prompt longer than the context keeps its end. When the context fills up, the older
        half is forgotten and the rest read again.
        """
        writing = self.begin(prompt, settings, constraint)
        cache = self._new_cache()
        unread = writing.context
        while not cancelled():
            logits_SV = self.logits(self.last_hidden(unread, cache)[None])
            token = pick([writing], logits_SV)[0].token
            writing.take(token)
            if writing.finish == "stop":
                return
            yield token
            if writing.finish:
                return
            unread = [token]
            if cache is not None and cache.length == cache.capacity:
                writing.forget()
                cache.truncate(0)
                unread = writing.context
            elif cache is None:
                unread = writing.context

    @torch.inference_mode()
    def last_hidden(self, ids: Sequence[int], cache: Cache | None) -> Tensor:
        """What the head reads after `ids`: the last hidden state, (C,). A model without a cache
        reads as much of the context as it sees and answers with its logits, (V,)."""
        if not isinstance(self.model, GPT):
            ids_BT = torch.tensor([list(ids)[-self.context_length :]], device=self.device)
            return self.model(ids_BT)[0, -1]
        return self.model.hidden(torch.tensor([list(ids)], device=self.device), cache)[0, -1]

    @torch.inference_mode()
    def next_hidden(self, ids: Sequence[int], cache: Cache) -> Tensor:
        """What the head reads after one more id in each row of the cache, (S, C)."""
        assert isinstance(self.model, GPT)
        return self.model.hidden(torch.tensor(ids, device=self.device)[:, None], cache)[:, -1]

    @torch.inference_mode()
    def logits(self, hidden_SC: Tensor) -> Tensor:
        """Logits (S, V), with ids that are never sampled forbidden.

        Only last positions come here: the head is the widest matrix.
        """
        logits_SV = self.model.head(hidden_SC) if isinstance(self.model, GPT) else hidden_SC
        return logits_SV.masked_fill(self._dead_V, NEVER)

    def _new_cache(self) -> KVCache | None:
        """A cache; a rung of the ladder has none and reads its whole context at every step."""
        if isinstance(self.model, GPT):
            return KVCache(self.model.settings, device=self.device)
        return None
