"""The run that is evaluated: its loaded checkpoints and its packed data.

Knows: which checkpoint is measured on what. Does not know: measures.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from inkling.config import Phase, RunConfig
from inkling.runs import Run
from inkling.tokens.dataset import PackedIds
from inkling.tokens.tokenizer import Tokenizer
from inkling.workspace import Workspace


@dataclass(frozen=True)
class LoadedCheckpoint:
    """A model with the weights of one checkpoint."""

    phase: Phase
    step: int
    model: torch.nn.Module


@dataclass(frozen=True)
class EvaluatedRun:
    """A run with its models and its data."""

    run: Run
    workspace: Workspace
    config: RunConfig
    tokenizer: Tokenizer
    base: LoadedCheckpoint
    """The best checkpoint of the base phase."""
    chat: LoadedCheckpoint
    """The one that chat uses; the same where the run was not fine-tuned."""
    device: torch.device

    @property
    def tuned(self) -> bool:
        """Whether the run was fine-tuned on dialogs."""
        return self.chat.phase == "finetune"

    def part(self, name: str) -> PackedIds:
        """A part of the packed data: train, val, dialog_train or dialog_val."""
        return PackedIds.open(self.run.data_path, name)
