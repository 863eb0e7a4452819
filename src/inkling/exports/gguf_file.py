"""A run as one GGUF file, which llama.cpp and all that is built on it load.

Knows: GGUF's names for Qwen3, its metadata, how a tokenizer is written in it. Does not know: the
folder around it. Data: `ExportableRun` -> MODEL.gguf.

The tokenizer is llama.cpp's `gpt2` (byte-level BPE by a list of merges) behind the `qwen2` split.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from inkling.errors import ExportError
from inkling.exports.chat_template import jinja_template
from inkling.exports.exportable_run import ExportableRun
from inkling.exports.kinds import GgufType
from inkling.exports.qwen3 import to_qwen3
from inkling.inference.sampling import REPETITION_WINDOW
from inkling.tokens.pre_tokenizer import SPLIT_PATTERN
from inkling.tokens.tokenizer import Tokenizer
from inkling.tokens.vocabulary import PAD

if TYPE_CHECKING:
    from gguf import GGUFWriter

_PLACES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
}
_IN_LAYER = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def write_gguf(path: Path, model: ExportableRun, kind: GgufType) -> None:
    """Write the model. Raises ExportError where the package `gguf` is missing or GGUF has no name
    for how the tokenizer cuts a text, and OSError where the file cannot be written.

    Norms stay in float32, and in Q8_0, whose blocks have 32 numbers, so do matrices whose rows
    are no multiple of that, in float16.
    """
    try:
        import gguf
    except ImportError:
        raise ExportError("Writing GGUF needs the package gguf: pip install gguf") from None
    if SPLIT_PATTERN not in _split_patterns(model.tokenizer):
        raise ExportError(
            f"The run {model.config.name!r} has a tokenizer that cuts text in another way than "
            "GGUF's qwen2, so it is not written as GGUF. Export it with: inkling export hf."
        )
    writer = gguf.GGUFWriter(path, "qwen3")
    _add_metadata(writer, model)
    _add_tokenizer(writer, model)
    file_type = {
        "f32": gguf.LlamaFileType.ALL_F32,
        "f16": gguf.LlamaFileType.MOSTLY_F16,
        "q8_0": gguf.LlamaFileType.MOSTLY_Q8_0,
    }[kind]
    writer.add_file_type(file_type)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    for name, weight in to_qwen3(model.weights, model.settings).items():
        if weight.ndim == 1 or kind == "f32":
            writer.add_tensor(gguf_name(name), weight)
        elif kind == "q8_0" and weight.shape[1] % 32 == 0:
            q8_0 = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(gguf_name(name), gguf.quantize(weight, q8_0), raw_dtype=q8_0)
        else:
            writer.add_tensor(gguf_name(name), weight.astype(np.float16))
    try:
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    except OSError as error:
        if error.errno is None:  # NumPy says how much it wrote, not why no more
            raise OSError("part of it could not be written, as on a full disk") from error
        raise
    finally:
        writer.close()


def _split_patterns(tokenizer: Tokenizer) -> list[str]:
    """The regular expressions that cut a text before merges apply."""
    steps = json.loads(tokenizer.to_json())["pre_tokenizer"] or {}
    return [
        step["pattern"].get("Regex", "")
        for step in steps.get("pretokenizers", [steps])
        if step.get("type") == "Split"
    ]


def gguf_name(name: str) -> str:
    """The name of one of Qwen3's weights in GGUF."""
    stem, dot, ending = name.rpartition(".")
    if stem in _PLACES:
        return _PLACES[stem] + dot + ending
    layer, _, part = stem.removeprefix("model.layers.").partition(".")
    return f"blk.{layer}.{_IN_LAYER[part]}{dot}{ending}"


def _add_metadata(writer: GGUFWriter, model: ExportableRun) -> None:
    settings, sampling = model.settings, model.sampling
    writer.add_type("model")
    writer.add_name(model.name)
    writer.add_description(f"A small model that speaks as {model.name}, and is not {model.name}.")
    writer.add_context_length(settings.context_length)
    writer.add_embedding_length(settings.n_embd)
    writer.add_block_count(settings.n_layer)
    writer.add_feed_forward_length(settings.n_hidden)
    writer.add_head_count(settings.n_head)
    writer.add_head_count_kv(settings.n_head)
    writer.add_key_length(settings.head_dim)
    writer.add_value_length(settings.head_dim)
    writer.add_rope_freq_base(settings.rope_theta)
    writer.add_layer_norm_rms_eps(settings.norm_eps)
    writer.add_vocab_size(settings.vocab_size)
    # What llama.cpp samples with where nothing else is asked for.
    writer.add_sampling_temp(sampling.temperature)
    writer.add_sampling_top_k(sampling.top_k)
    writer.add_sampling_top_p(sampling.top_p)
    writer.add_sampling_min_p(sampling.min_p)
    writer.add_sampling_penalty_repeat(sampling.repetition_penalty)
    writer.add_sampling_penalty_last_n(REPETITION_WINDOW)


def _add_tokenizer(writer: GGUFWriter, model: ExportableRun) -> None:
    import gguf

    content: dict[str, Any] = json.loads(model.tokenizer.to_json())
    tokens = [""] * model.settings.vocab_size
    kinds = [int(gguf.TokenType.NORMAL)] * len(tokens)
    for token, index in content["model"]["vocab"].items():
        tokens[index] = token
    for added in content["added_tokens"]:
        kind = gguf.TokenType.CONTROL if added["special"] else gguf.TokenType.USER_DEFINED
        tokens[added["id"]], kinds[added["id"]] = added["content"], int(kind)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges([" ".join(pair) for pair in content["model"]["merges"]])
    end = model.tokenizer.end_id
    writer.add_bos_token_id(end)
    writer.add_eos_token_id(end)
    writer.add_pad_token_id(model.tokenizer.special_id(PAD))
    # A prompt begins with <|end|>, as Inkling's do; a template that begins with it gets no second.
    writer.add_add_bos_token(True)
    writer.add_chat_template(jinja_template(model.tuned, model.tokenizer.characters))
