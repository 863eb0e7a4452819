"""A small model of each recipe, and texts in both kinds of pieces."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch

from inkling.config import LadderSettings, ModelSettings, Rung
from inkling.model.build import build_model
from inkling.model.language_model import LanguageModel
from inkling.tokens.tokenizer import Tokenizer

RECIPES = (*get_args(Rung), "modern")
TEXT = "The harbour was quiet, and the harbour master was quieter: « é 🐖 » the end.\n" * 3
CONTEXT = 96


def made(recipe: str, vocab_size: int) -> LanguageModel:
    """A small model whose every weight is random, so that every part of it counts."""
    if recipe == "modern":
        settings: ModelSettings | LadderSettings = ModelSettings(
            n_layer=2, n_head=3, n_embd=48, head_dim=16, n_hidden=64, context_length=CONTEXT,
            vocab_size=vocab_size,
        )  # fmt: skip
    else:
        settings = LadderSettings(
            rung=recipe,  # type: ignore[arg-type]
            n_layer=2, n_head=3, n_embd=48, context_length=CONTEXT, vocab_size=vocab_size,
            dropout=0.1,
        )  # fmt: skip
    torch.manual_seed(11)
    model = build_model(settings).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn_like(weight) * 0.2)
    return model


@pytest.fixture(scope="session", params=[0, 40], ids=["characters", "pieces"])
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    return Tokenizer.train([TEXT], merges=request.param)


@pytest.fixture(params=RECIPES)
def model(request: pytest.FixtureRequest, tokenizer: Tokenizer) -> LanguageModel:
    return made(request.param, tokenizer.vocab_size)


@pytest.fixture
def ids(tokenizer: Tokenizer) -> list[int]:
    return [tokenizer.end_id, *tokenizer.encode(TEXT)][:CONTEXT]


@pytest.fixture
def live(tokenizer: Tokenizer) -> np.ndarray:
    live = np.zeros(tokenizer.vocab_size, np.bool_)
    live[tokenizer.encode(TEXT)] = True
    return live
