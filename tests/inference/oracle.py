"""Text generation at its plainest, which the decoder and the batch are held to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from inkling.config import SamplingSettings
from inkling.inference.engine import Engine
from inkling.inference.sampling import Floats
from inkling.inference.sequence import Constraint, TokenSequence, sample_tokens


def next_logits(engine: Engine, context: Sequence[int]) -> Floats:
    """Logits (V,) of one whole forward pass, -inf for ids that are never sampled."""
    with torch.inference_mode():
        ids_BT = torch.tensor([list(context)[-engine.context_length :]], device=engine.device)
        logits_V = engine.model(ids_BT)[0, -1].float().cpu().numpy()
    return np.where(engine._forbidden_V, -np.inf, logits_V).astype(np.float32)


def drop_when_full(engine: Engine, sequence: TokenSequence) -> None:
    """What a model with a cache does once the next id would not fit."""
    if engine.model.supports_cache and len(sequence.context) > engine.context_length:
        sequence.drop_older_half()


def generate(
    engine: Engine,
    prompt: Sequence[int],
    settings: SamplingSettings,
    constraint: Constraint | None = None,
) -> list[int]:
    """Output ids of one sequence: no cache, no batch, a whole forward pass for each token."""
    sequence = engine.new_sequence(prompt, settings, constraint)
    while sequence.finish is None:
        (sampled,) = sample_tokens([sequence], next_logits(engine, sequence.context)[None])
        sequence.append_token(sampled.token)
        drop_when_full(engine, sequence)
    return sequence.output_ids
