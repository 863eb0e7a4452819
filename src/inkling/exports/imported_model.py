"""A folder in Hugging Face's form, read as a run: weights, tokenizer and what is known of it.

Knows: which files make a folder complete, and what is wrong with one that is not. Does not know:
runs on disk, how a stranger's model is fitted (exports.foreign).
Data: folder -> `read_model` -> `ImportedModel`.

A folder that Inkling exported is held to its mark; one whose mark was taken away, or that another
program wrote from it, comes in as far as its files tell; any other Qwen3 as the start of a
fine-tuning.
"""

from __future__ import annotations

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
from inkling.exports.foreign import FOREIGN_TRAINING, fit_to_marks, live_ranges
from inkling.exports.huggingface import CONFIG, TOKENIZER, WEIGHTS
from inkling.exports.qwen3 import from_qwen3, key_value_heads_of, settings_of
from inkling.regular_files import open_regular, read_json
from inkling.tensor_files import read_shapes
from inkling.tokens.adopted import adopt
from inkling.tokens.own_template import OwnTemplate
from inkling.tokens.tokenizer import Tokenizer
from inkling.tokens.vocabulary import SPECIAL_TOKENS

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
    template: OwnTemplate | None = None
    """How a stranger's model reads a chat."""

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

    Raises ExportError where it holds no Qwen3, or where its parts are damaged or do not fit each
    other.
    """
    _check_is_there(folder)
    mark = read_mark(folder)
    config = _json(folder / CONFIG)
    try:
        settings = settings_of(config)
        key_value_heads = key_value_heads_of(config, settings)
        tokenizer, foreign = _tokenizer(folder / TOKENIZER, settings)
        weights = from_qwen3(_weights(folder), settings, key_value_heads)
        check_shapes(weights, settings)
        if foreign:
            settings, weights = fit_to_marks(settings, weights, tokenizer, config)
    except ExportError as error:
        raise ExportError(f"{folder} cannot be imported: {error}") from None
    if mark is None:
        made = _new_config(name, settings, tokenizer)
        template = OwnTemplate.of_folder(folder) if foreign else None
        return ImportedModel(made, tokenizer, weights, 1, not foreign, {}, template)
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
        raise ExportError(f"{folder} {what}. Name a folder with a model in Hugging Face's form.")
    if not (folder / CONFIG).is_file():
        why = f"it has no {CONFIG}"
        if any(folder.glob("*.gguf")):
            why = "GGUF files do not come back, since most of them are rounded"
        elif any(folder.glob("*.html")):
            why = "pages do not come back, since their weights are rounded"
        raise ExportError(
            f"{folder} cannot be imported: {why}. Name a folder with a model in Hugging Face's "
            "form, such as inkling export hf writes."
        )


def _json(path: Path) -> dict[str, Any]:
    try:
        content = read_json(path)
    except (OSError, ValueError) as error:
        raise ExportError(f"{path} cannot be read ({error}).") from None
    if not isinstance(content, dict):
        raise ExportError(f"{path} is not a JSON object, so it describes no model.")
    return content


def _tokenizer(path: Path, settings: ModelSettings) -> tuple[Tokenizer, bool]:
    """The folder's tokenizer, and whether it is another program's: of such a one the model may
    know more ids than it uses, as a padding."""
    if not path.is_file():
        raise ExportError(f"it has no {path.name}.")
    own = _own_tokenizer(path)
    try:
        tokenizer = own or adopt(path.read_text(encoding="utf-8"))
    except (TokenizerError, OSError, UnicodeDecodeError) as error:
        raise ExportError(f"its {path.name} {error}") from None
    found = tokenizer.vocab_size - (0 if own else len(SPECIAL_TOKENS))
    if found > settings.vocab_size or (own and found != settings.vocab_size):
        raise ExportError(
            f"its tokenizer has {found:,} tokens and its model {settings.vocab_size:,}."
        )
    return tokenizer.without_post_processor(), own is None


def _own_tokenizer(path: Path) -> Tokenizer | None:
    try:
        return Tokenizer.load(path)
    except (TokenizerError, AssertionError, KeyError, UnicodeDecodeError):
        return None


def _weights(folder: Path) -> dict[str, Any]:
    """Every weight in fp32, by Qwen3's names."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    names = [WEIGHTS]
    if (folder / INDEX).is_file():
        placed = _json(folder / INDEX).get("weight_map")
        names = sorted({str(name) for name in placed.values()}) if isinstance(placed, dict) else []
    found: dict[str, Any] = {}
    for name in names:
        path = folder / Path(name).name
        try:
            read_shapes(path)  # as large as it says, before it is in memory
            with open_regular(path) as file:
                tensors = load(file.read())
            if not all(value.is_floating_point() for value in tensors.values()):
                raise ExportError(
                    f"its {path.name} holds whole numbers, as rounded weights are, and weights as "
                    "they were learned are needed. Take the folder that it was made from."
                )
            found |= {key: value.float().numpy() for key, value in tensors.items()}
        except FileNotFoundError:
            raise ExportError(f"it has no {path.name}.") from None
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
        train=FOREIGN_TRAINING if tokenizer.adopted else TrainingSettings(),
        data=DataFacts(live_ranges=live_ranges(tokenizer)),
        imported=True,
        complete=True,
    )


def _now() -> str:
    return datetime.now(UTC).isoformat()
