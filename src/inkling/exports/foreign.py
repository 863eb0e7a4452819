"""A stranger's Qwen3 as the start of a fine-tuning: fitted to Inkling's tokens of a dialog.

Knows: where the four special tokens get their weights, which context and which rates such a model
begins with. Does not know: files. Data: its settings, weights and adopted tokenizer -> the same
with a vocabulary that is the tokenizer's.

The model keeps every weight of every token that its tokenizer knows; rows of its embedding beyond
those are padding and go. <|end|> begins as what the model itself ends a text with, so that it is
known from the first step; the others begin as the mean of all rows, as is usual for tokens that a
model has not met.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from inkling.config import ModelSettings, TrainingSettings
from inkling.exports.exportable_run import Weights
from inkling.tokens.adopted import silent_ids
from inkling.tokens.tokenizer import Tokenizer
from inkling.tokens.vocabulary import SPECIAL_TOKENS

FOREIGN_CONTEXT = 2_048
"""Tokens of its context that are used: a chat needs no more, and keys and values of 40,000 would
take gigabytes for each draft. Positions before that are computed as ever."""

FOREIGN_TRAINING = TrainingSettings().replace(learning_rate=4e-5, matrix_lr=1e-3)
"""Fine-tuning halves these. Rates of a model that begins from noise would undo what it knows: with
these a step moves a matrix by about as much as AdamW does at 2e-5."""

_ROWS = ("embedding.weight", "head.weight")


def fit_to_marks(
    settings: ModelSettings, weights: Weights, tokenizer: Tokenizer, config: Mapping[str, Any]
) -> tuple[ModelSettings, dict[str, np.ndarray]]:
    """Settings and weights with a row for each of the tokenizer's tokens. `config` is the model's
    config.json, which says what ends a text."""
    known = tokenizer.vocab_size - len(SPECIAL_TOKENS)
    end = config.get("eos_token_id")
    end = end[0] if isinstance(end, list) and end else end
    fitted = dict(weights)
    for name in _ROWS:
        rows_VC = weights[name][:known]
        added_4C = np.repeat(rows_VC.mean(0, keepdims=True), len(SPECIAL_TOKENS), axis=0)
        if type(end) is int and 0 <= end < known:
            added_4C[0] = rows_VC[end]
        fitted[name] = np.concatenate([rows_VC, added_4C], dtype=np.float32)
    context = min(settings.context_length, FOREIGN_CONTEXT)
    sizes = {"vocab_size": tokenizer.vocab_size, "context_length": context}
    return settings.model_copy(update=sizes), fitted


def live_ranges(tokenizer: Tokenizer) -> tuple[tuple[int, int], ...]:
    """The ids that a model of which nobody knows what it has seen may draw: those that stand for
    text, and <|end|>."""
    silent = silent_ids(tokenizer) - {tokenizer.end_id}
    edges = np.flatnonzero(
        np.diff([0, *(index not in silent for index in range(tokenizer.vocab_size)), 0])
    )
    return tuple((int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True))
