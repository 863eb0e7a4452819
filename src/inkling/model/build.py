"""From settings to a model: the one place that knows both families."""

from __future__ import annotations

from inkling.config import LadderSettings, ModelSettings
from inkling.model.gpt import GPT
from inkling.model.ladder import LadderModel
from inkling.model.language_model import LanguageModel


def build_model(settings: ModelSettings | LadderSettings) -> LanguageModel:
    """A fresh model. Its weights are drawn from torch's global generator; seed it first."""
    return LadderModel(settings) if isinstance(settings, LadderSettings) else GPT(settings)


def parameter_shapes(settings: ModelSettings | LadderSettings) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the tensors of a model's state, without making them."""
    import torch

    with torch.device("meta"):
        state = build_model(settings).state_dict()
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


def count_parameters(settings: ModelSettings | LadderSettings) -> int:
    """Weights of a model of these settings, without making them."""
    if isinstance(settings, ModelSettings):
        return settings.parameter_count()
    # Torch draws on its meta device in Python, and imports its compiler for it: a second.
    import torch

    with torch.device("meta"):
        return build_model(settings).parameter_count()
