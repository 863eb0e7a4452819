"""A run as the folder that transformers, vLLM and MLX load.

Knows: which files such a folder has and what is in them. Does not know: how the folder comes
about whole (exports.folder). Data: `ExportableRun` -> config.json, model.safetensors,
tokenizer.json, tokenizer_config.json, generation_config.json.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from inkling.exports.chat_template import jinja_template
from inkling.exports.exportable_run import ExportableRun
from inkling.exports.qwen3 import qwen3_config, to_qwen3
from inkling.tokens.vocabulary import END, PAD, SPECIAL_TOKENS

CONFIG, WEIGHTS = "config.json", "model.safetensors"
TOKENIZER, TOKENIZER_CONFIG = "tokenizer.json", "tokenizer_config.json"
GENERATION_CONFIG = "generation_config.json"


def write_huggingface(folder: Path, model: ExportableRun) -> None:
    """Write the folder's files. Raises OSError where they cannot be written."""
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    end, pad = (model.tokenizer.special_id(token) for token in (END, PAD))
    _write(folder / CONFIG, qwen3_config(model.settings, end, pad))
    # transformers asks for the format's name, and loads nothing without it.
    weights = to_qwen3(model.weights, model.settings)
    try:
        save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
    except SafetensorError as error:  # a full disk is not an OSError to it
        raise OSError(str(error).rpartition("I/O error: ")[2]) from error
    (folder / TOKENIZER).write_text(_tokenizer_json(model), encoding="utf-8")
    _write(folder / TOKENIZER_CONFIG, _tokenizer_config(model))
    _write(folder / GENERATION_CONFIG, _generation_config(model))


def _tokenizer_json(model: ExportableRun) -> str:
    """The run's own tokenizer, which puts <|end|> before a text as Inkling does."""
    from tokenizers import Tokenizer as FastTokenizer
    from tokenizers import processors

    fast = FastTokenizer.from_str(model.tokenizer.to_json())
    fast.post_processor = processors.TemplateProcessing(
        single=f"{END} $A",
        pair=f"{END} $A $B",
        special_tokens=[(END, model.tokenizer.end_id)],
    )
    return fast.to_str(pretty=True)


def _tokenizer_config(model: ExportableRun) -> dict[str, Any]:
    return {
        # Named, since the class of Qwen's own tokenizer would normalise the text (NFC).
        "tokenizer_class": "PreTrainedTokenizerFast",
        "added_tokens_decoder": {
            str(model.tokenizer.special_id(token)): {
                "content": token, "lstrip": False, "normalized": False, "rstrip": False,
                "single_word": False, "special": True,
            }
            for token in SPECIAL_TOKENS
        },
        "bos_token": END,
        "eos_token": END,
        "pad_token": PAD,
        "model_max_length": model.settings.context_length,
        "clean_up_tokenization_spaces": False,
        "chat_template": jinja_template(model.tuned, model.tokenizer.characters),
    }  # fmt: skip


def _generation_config(model: ExportableRun) -> dict[str, Any]:
    sampling = model.sampling
    config: dict[str, Any] = {
        "bos_token_id": model.tokenizer.end_id,
        "eos_token_id": model.tokenizer.end_id,
        "pad_token_id": model.tokenizer.special_id(PAD),
        "do_sample": sampling.temperature > 0,
        "repetition_penalty": sampling.repetition_penalty,
        "max_new_tokens": min(sampling.max_tokens, model.settings.context_length // 3),
    }
    if sampling.temperature > 0:
        config |= {
            "temperature": sampling.temperature,
            "top_k": sampling.top_k,
            "top_p": sampling.top_p,
            "min_p": sampling.min_p,
        }
    if model.silent_ids:
        config["suppress_tokens"] = model.silent_ids
    return config


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
