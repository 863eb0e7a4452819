"""Token by token: prefill a prompt into the cache, then decode one position a step.

Knows: a model, its cache, and when the context is full. Does not know: text, messages.
Data: prompt ids -> prefill -> logits -> sampling -> id -> decode -> ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from inkling.config import SamplingSettings
from inkling.inference.sampling import NEVER, sample
from inkling.model.build import AnyModel
from inkling.model.cache import KVCache
from inkling.model.gpt import GPT

REPETITION_WINDOW = 64
"""Tokens back that the repetition penalty looks at; a word said long ago may come again."""

Constraint = Callable[[list[int]], Tensor | None]
"""Ids written so far -> a mask (V,) of ids forbidden now, or None."""


class Engine:
    """Decodes with one model, one sequence at a time."""

    def __init__(self, model: AnyModel, live_V: Tensor, end_id: int) -> None:
        """`live_V` is True for ids that may be sampled; `end_id` ends a sequence."""
        self.model = model.eval()
        self.end_id = end_id
        self.device = next(model.parameters()).device
        self._dead_V = ~live_V.to(self.device)

    @property
    def context_length(self) -> int:
        return self.model.settings.context_length

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
        seed = settings.seed
        generator = torch.Generator()
        if seed is None:
            seed = generator.seed()
        generator.manual_seed(seed)
        written: list[int] = []
        context = list(prompt)[-(self.context_length - 1) :] or [self.end_id]
        cache = self._new_cache()
        logits_V = self._forward(context, cache)
        while len(written) < settings.max_tokens and not cancelled():
            allowed = logits_V.masked_fill(self._dead_V, NEVER)
            forbidden_V = constraint(written)
            if forbidden_V is not None:
                allowed = allowed.masked_fill(forbidden_V, NEVER)
            seen = torch.tensor(sorted(set(written[-REPETITION_WINDOW:])), dtype=torch.long)
            token = sample(allowed.cpu(), settings, seen, generator)
            if token == self.end_id:
                return
            written.append(token)
            context.append(token)
            yield token
            if cache is None:
                logits_V = self._forward(context[-self.context_length :], None)
            elif cache.length == cache.capacity:
                context = context[-(self.context_length // 2) :]
                cache.truncate(0)
                logits_V = self._forward(context, cache)
            else:
                logits_V = self._forward([token], cache)

    def _new_cache(self) -> KVCache | None:
        """A cache; a rung of the ladder has none and reads its whole context at every step."""
        if isinstance(self.model, GPT):
            return KVCache(self.model.settings, device=self.device)
        return None

    @torch.inference_mode()
    def _forward(self, ids: Sequence[int], cache: KVCache | None) -> Tensor:
        ids_BT = torch.tensor([list(ids)], device=self.device)
        if not isinstance(self.model, GPT):
            return self.model(ids_BT)[0, -1]
        hidden_BTC = self.model.hidden(ids_BT, cache)
        # Only the last position's logits are needed; the head is the widest matrix.
        return self.model.head(hidden_BTC[0, -1])
