"""A loaded model, ready to decode: where decoders and sequences that belong to it are made.

Knows: a model, which ids may be sampled, which one ends a text. Does not know: text, messages,
what is being decoded.
Data: model + allowed ids -> `new_decoder` and `new_sequence`, which a `Batch` puts together.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from inkling.config import SamplingSettings
from inkling.inference.decoder import (
    Decoder,
    SmallModelDecoder,
    new_decoder,
    prepared_weights,
)
from inkling.inference.sampling import NEVER, Floats, Mask
from inkling.inference.sequence import Constraint, Mixture, TokenSequence
from inkling.model.language_model import LanguageModel


class Engine:
    """A model and what its tokens mean to a sampler."""

    def __init__(self, model: LanguageModel, allowed_V: Mask, end_id: int) -> None:
        """`allowed_V` is True for ids that may be sampled; `end_id` ends a sequence."""
        self.model = model.eval()
        self.end_id = end_id
        self._forbidden_V = ~allowed_V
        self._weights = prepared_weights(self.model)

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    @property
    def context_length(self) -> int:
        return self.model.settings.context_length

    def new_decoder(self, slots: int) -> Decoder:
        """A decoder of its own, of at most `slots` slots: what one `Batch` needs."""
        if self._weights is not None:
            return SmallModelDecoder(self._weights, self._forbidden_V, slots)
        return new_decoder(self.model, self._forbidden_V, slots)

    @torch.inference_mode()
    def next_logits(self, prompt: Sequence[int], ids: Sequence[int]) -> Floats:
        """Logits before each of `ids` after a prompt, (T, V), by one forward pass; what may never
        be sampled is -inf, unless it is among `ids`. Both together fit the context and one id
        more."""
        read_BT = torch.tensor([[*prompt, *ids[:-1]]], device=self.device)
        logits_TV: Floats = self.model(read_BT)[0, len(prompt) - 1 :].float().cpu().numpy()
        forbidden_V = self._forbidden_V.copy()
        forbidden_V[list(ids)] = False
        logits_TV[:, forbidden_V] = NEVER
        return logits_TV

    def new_sequence(
        self,
        prompt: Sequence[int],
        settings: SamplingSettings,
        constraint: Constraint | None = None,
        top_logprobs: int | None = None,
        mixture: Mixture | None = None,
        draft: int = 0,
    ) -> TokenSequence:
        """A sequence that continues `prompt`; `draft` is its number among those of a mixture."""
        return TokenSequence(
            prompt, settings, self.context_length, self.end_id, len(self._forbidden_V),
            constraint, top_logprobs, mixture, draft,
        )  # fmt: skip
