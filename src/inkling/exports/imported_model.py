"""An exported folder, read back: weights, tokenizer and what is known of the run.

Knows: which files make a folder complete, and what is wrong with one that is not. Does not know:
runs on disk. Data: folder -> `read_model` -> `ImportedModel`.

A folder that Inkling exported is held to its mark; one whose mark was taken away, or that another
program wrote from it, comes in as far as its files tell.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inkling import __version__
from inkling.config import DataFacts, ModelSettings, Phase, RunConfig, TrainingSettings
from inkling.errors import ExportError, TokenizerError
from inkling.exports.exportable_run import Weights, check_shapes
from inkling.exports.folder import ExportMark, read_mark
from inkling.exports.huggingface import CONFIG, TOKENIZER, WEIGHTS
from inkling.exports.qwen3 import from_qwen3, settings_of
from inkling.tokens.tokenizer import Tokenizer

if TYPE_CHECKING:
    from torch import Tensor

INDEX = "model.safetensors.index.json"
"""Which file of several holds which weight, as Hugging Face writes it."""


@dataclass(frozen=True)
class ImportedModel:
    """All that a run needs, with nothing of anyone's text."""

    config: RunConfig
    tokenizer: Tokenizer
    weights: Weights
    step: int
    tuned: bool
    losses: Mapping[Phase, float]

    def tensors(self) -> dict[str, Tensor]:
        """The weights as a checkpoint holds them."""
        import torch

        return {name: torch.from_numpy(weight) for name, weight in self.weights.items()}

    def best(self) -> dict[Phase, dict[str, float]]:
        """The one checkpoint as the best of its phases: more training can begin from it, too."""
        phases: tuple[Phase, ...] = ("train", "finetune") if self.tuned else ("train",)
        known = {phase: {"val_nats_per_char": nats} for phase, nats in self.losses.items()}
        return {phase: {"step": self.step} | known.get(phase, {}) for phase in phases}


def read_model(folder: Path, name: str) -> ImportedModel:
    """Read a folder as the run that is to be called `name`.

    Raises ExportError where it is none that Inkling exported for Hugging Face or MLX, or where its
    parts are damaged or do not fit each other.
    """
    _check_is_there(folder)
    mark = read_mark(folder)
    config = _json(folder / CONFIG)
    try:
        settings = settings_of(config)
        tokenizer = _tokenizer(folder / TOKENIZER, settings)
        weights = from_qwen3(_weights(folder), settings)
        check_shapes(weights, settings)
    except ExportError as error:
        raise ExportError(f"{folder} cannot be imported: {error}") from None
    if mark is None:
        return ImportedModel(
            _new_config(name, settings, tokenizer), tokenizer, weights, 1, tuned=True, losses={}
        )
    if not _same_shape(mark, settings):
        raise ExportError(
            f"{folder} cannot be imported: its config.json describes another model than the one "
            "that was exported. Export the run again."
        )
    run = mark.run.model_copy(
        update={
            "name": name,
            "created": _now(),
            "parent": None,
            "group": None,
            "imported": True,
            "complete": True,
        }
    )
    return ImportedModel(run, tokenizer, weights, mark.step, mark.tuned, mark.losses)


def _same_shape(mark: ExportMark, settings: ModelSettings) -> bool:
    """Whether two settings are one model to another engine: what only training knows may differ."""
    known = mark.run.model
    if not isinstance(known, ModelSettings):
        return False
    only_training = {"embedding_std": settings.embedding_std, "dropout": settings.dropout}
    return known.model_copy(update=only_training) == settings


def _check_is_there(folder: Path) -> None:
    if not folder.is_dir():
        what = "is a file, not a folder" if folder.exists() else "is not there"
        raise ExportError(f"{folder} {what}. Name a folder that inkling export hf has written.")
    if not (folder / CONFIG).is_file():
        why = f"it has no {CONFIG}"
        if any(folder.glob("*.gguf")):
            why = "GGUF files do not come back, since most of them are rounded"
        elif any(folder.glob("*.html")):
            why = "pages do not come back, since their weights are rounded"
        raise ExportError(
            f"{folder} cannot be imported: {why}. Name a folder that inkling export hf has written."
        )


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ExportError(f"{path} cannot be read ({error}).") from None
    if not isinstance(content, dict):
        raise ExportError(f"{path} is not a JSON object, so it describes no model.")
    return content


def _tokenizer(path: Path, settings: ModelSettings) -> Tokenizer:
    if not path.is_file():
        raise ExportError(f"it has no {path.name}.")
    try:
        tokenizer = Tokenizer.load(path)
    except (TokenizerError, AssertionError, KeyError, UnicodeDecodeError):
        raise ExportError(
            f"its {path.name} is damaged or another program's: Inkling reads its own tokenizers "
            "alone."
        ) from None
    if tokenizer.vocab_size != settings.vocab_size:
        raise ExportError(
            f"its tokenizer has {tokenizer.vocab_size:,} tokens and its model "
            f"{settings.vocab_size:,}."
        )
    return tokenizer.without_post_processor()


def _weights(folder: Path) -> dict[str, Any]:
    """Every weight in fp32, by Qwen3's names."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    names = [WEIGHTS]
    if (folder / INDEX).is_file():
        placed = _json(folder / INDEX).get("weight_map")
        names = sorted(set(placed.values())) if isinstance(placed, dict) else []
    found: dict[str, Any] = {}
    for name in names:
        path = folder / Path(str(name)).name
        if not path.is_file():
            raise ExportError(f"it has no {path.name}.")
        try:
            found |= {key: value.float().numpy() for key, value in load_file(path).items()}
        except (SafetensorError, OSError, ValueError) as error:
            raise ExportError(f"its {path.name} is damaged ({error}).") from None
    return found


def _new_config(name: str, settings: ModelSettings, tokenizer: Tokenizer) -> RunConfig:
    import torch

    return RunConfig(
        inkling_version=__version__,
        torch_version=torch.__version__,
        name=name,
        merges=tokenizer.merges,
        created=_now(),
        model=settings,
        train=TrainingSettings(),
        # What it has seen nobody knows: every id may be drawn.
        data=DataFacts(live_ranges=((0, settings.vocab_size),)),
        imported=True,
        complete=True,
    )


def _now() -> str:
    return datetime.now(UTC).isoformat()
