"""From settings to a model: the one place that knows both families."""

from __future__ import annotations

from inkling.config import LadderSettings, ModelSettings
from inkling.model.gpt import GPT
from inkling.model.ladder import LadderModel

AnyModel = GPT | LadderModel


def build_model(settings: ModelSettings | LadderSettings) -> AnyModel:
    """A fresh model. Its weights are drawn from torch's global generator; seed it first."""
    return LadderModel(settings) if isinstance(settings, LadderSettings) else GPT(settings)


def count_parameters(settings: ModelSettings | LadderSettings) -> int:
    """Weights of a model of these settings, without making them."""
    import torch

    with torch.device("meta"):
        return build_model(settings).parameter_count()
