"""How one piece of text comes about: every tensor on the way from the context to the draw.

Knows: a forward pass and the sampler's stages. Does not know: how it is shown.
Data: `ForwardStates` + settings -> `writing_steps` -> a list of `WritingStep`, in order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from inkling.config import SamplingSettings
from inkling.inference.sampling import Mask
from inkling.inspection.forward import ForwardStates
from inkling.inspection.next_piece import NextPieces, draws, next_pieces

LARGEST = 5


@dataclass(frozen=True)
class WritingStep:
    """One tensor: its shape, its norm, and the largest entries by size, each with its index.

    `kind` says what the indices are: channels, positions or ids.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    norm: float
    largest: tuple[tuple[tuple[int, ...], float], ...]


def writing_steps(
    states: ForwardStates, live_V: Mask, settings: SamplingSettings
) -> tuple[list[WritingStep], int]:
    """The steps to the next piece after a text, and the id that is drawn."""
    steps = [_summary("embeddings", "channel", states.embedded_TC)]
    for number, layer in enumerate(states.layers):
        if layer.attention is not None:
            last_HT = layer.attention.weights_HTT[:, -1]
            steps.append(_summary(f"attention {number}", "head and position", last_HT))
        if layer.neurons is not None:
            steps.append(_summary(f"neurons {number}", "channel", layer.neurons.activations_TF))
        steps.append(_summary(f"layer {number}", "channel", layer.output_TC))
    logits_V = states.logits_TV[-1].float().cpu().numpy()
    heated = settings.model_copy(update={"top_k": 0, "top_p": 1.0})
    cut = settings.model_copy(update={"top_p": 1.0})
    found = [next_pieces(logits_V, live_V, one) for one in (heated, cut, settings)]
    steps.append(_over_ids("logits", found[0], found[0].logits))
    names = ("temperature", "top-k", "top-p")
    steps += [_over_ids(n, f, f.after) for n, f in zip(names, found, strict=True)]
    return steps, draws(logits_V, live_V, settings, 1)[0]


def _summary(name: str, kind: str, x: Tensor) -> WritingStep:
    """Of a tensor whose first axis is time, what is said is of its last position; shapes and
    norms are of all of it."""
    row = x if kind.startswith("head") else x[-1]
    flat = row.flatten().float()
    best = torch.topk(flat.abs(), min(LARGEST, len(flat))).indices.tolist()
    largest = tuple(
        (tuple(int(i) for i in np.unravel_index(at, tuple(row.shape))), float(flat[at]))
        for at in best
    )
    return WritingStep(name, kind, tuple(x.shape), float(x.float().norm()), largest)


def _over_ids(name: str, pieces: NextPieces, values: np.ndarray) -> WritingStep:
    best = np.argsort(-values, kind="stable")[:LARGEST]
    largest = tuple(((int(pieces.ids[at]),), float(values[at])) for at in best if values[at])
    norm = math.sqrt(float((values.astype(np.float64) ** 2).sum()))
    return WritingStep(name, "piece", values.shape, norm, largest)
