"""The neurons of a model: what they say of a text, and which training text each answers to most.

Knows: forward passes. Does not know: how text is shown.
Data: `NeuronStates` -> `measure_neurons`; model + training ids -> `FiringPlaces.find` -> places.

A neuron is a channel that the feed-forward network's second matrix reads (Geva et al. 2021,
arXiv:2012.14913, read them as keys of a memory: each answers to some pattern of text).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from inkling.inspection.forward import ForwardStates, NeuronKind, NeuronStates, read
from inkling.model.language_model import LanguageModel

WINDOWS, WINDOW = 32, 128
"""Stretches of the training text that are read, evenly spread, and the ids of each."""
PLACES = 5


@dataclass(frozen=True)
class NeuronMeasure:
    """A layer's neurons on a text."""

    kind: NeuronKind
    neurons: int
    share_at_zero: float | None
    """Of ReLU, which is exactly 0 for half of what it reads or more."""
    share_gated: float | None
    """Of SwiGLU: how many gates are closed, |silu(gate)| < 0.1."""


CLOSED = 0.1


def measure_neurons(states: NeuronStates) -> NeuronMeasure:
    """How many neurons of a layer are silent."""
    values, gate = states.activations_TF, states.gate_TF
    return NeuronMeasure(
        states.kind,
        values.shape[-1],
        None if gate is not None else float((values == 0).double().mean()),
        None if gate is None else float((gate.abs() < CLOSED).double().mean()),
    )


@dataclass(frozen=True)
class FiringPlaces:
    """For each layer and neuron the places of the training text with the largest activation."""

    values_LFN: tuple[np.ndarray, ...]
    """Falling along N, at most PLACES. One array (F, N) a layer; of no columns where a layer has
    no neurons."""
    positions_LFN: tuple[np.ndarray, ...]
    """Positions in the training ids."""
    tokens: int
    """How much was read."""

    @classmethod
    def find(cls, model: LanguageModel, ids: np.ndarray) -> FiringPlaces:
        """Read stretches of a training text, (N,). Of a neuron's places within one stretch only
        the strongest counts, so that five places are five stretches."""
        strongest: list[list[tuple[np.ndarray, np.ndarray]]] = []
        tokens = 0
        for start, states in _stretches(model, ids):
            tokens += len(states.ids)
            strongest.append([_strongest(layer.neurons, start) for layer in states.layers])
        values, positions = [], []
        for found in zip(*strongest, strict=True):
            value_FW = np.stack([value for value, _ in found], -1)
            place_FW = np.stack([place for _, place in found], -1)
            order = np.argsort(-value_FW, axis=-1, kind="stable")[:, :PLACES]
            values.append(np.take_along_axis(value_FW, order, -1))
            positions.append(np.take_along_axis(place_FW, order, -1))
        return cls(tuple(values), tuple(positions), tokens)


def _stretches(model: LanguageModel, ids: np.ndarray) -> Iterator[tuple[int, ForwardStates]]:
    length = min(WINDOW, model.settings.context_length, len(ids))
    starts = np.linspace(0, len(ids) - length, min(WINDOWS, len(ids) // length))
    for start in sorted({round(at) for at in starts}):
        yield start, read(model, ids[start : start + length].tolist())


def _strongest(neurons: NeuronStates | None, start: int) -> tuple[np.ndarray, np.ndarray]:
    if neurons is None:
        return np.zeros(0), np.zeros(0, np.int64)
    value, position = torch.max(neurons.activations_TF, dim=0)
    return value.float().cpu().numpy(), position.cpu().numpy() + start
