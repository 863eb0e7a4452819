"""The `modern` model against transformers' Qwen3, and its cache against the full pass."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from inkling.config import ModelSettings
from inkling.model.attention import rotary_tables, rotate
from inkling.model.gpt import GPT

SETTINGS = ModelSettings(
    n_layer=3, n_head=2, n_embd=96, head_dim=32, n_hidden=160, context_length=48, vocab_size=71
)


def random_model(settings: ModelSettings = SETTINGS) -> GPT:
    """A model whose every weight is random, the zero-initialised ones as well."""
    torch.manual_seed(0)
    model = GPT(settings)
    with torch.no_grad():
        for weight in model.parameters():
            weight.normal_(std=0.1)
            if weight.ndim == 1:
                weight.add_(1.0)
    return model.eval()


def as_qwen3(model: GPT) -> torch.nn.Module:
    """The same weights in transformers' Qwen3ForCausalLM."""
    from transformers import Qwen3Config, Qwen3ForCausalLM

    s = model.settings
    config = Qwen3Config(
        vocab_size=s.vocab_size, hidden_size=s.n_embd, intermediate_size=s.n_hidden,
        num_hidden_layers=s.n_layer, num_attention_heads=s.n_head, num_key_value_heads=s.n_head,
        head_dim=s.head_dim, rms_norm_eps=s.norm_eps, max_position_embeddings=s.context_length,
        rope_theta=s.rope_theta, tie_word_embeddings=s.tie_embeddings, attention_bias=False,
    )  # fmt: skip
    theirs = Qwen3ForCausalLM(config).eval()
    state: dict[str, Tensor] = {
        "model.embed_tokens.weight": model.embedding.weight,
        "model.norm.weight": model.norm.weight,
        "lm_head.weight": model.head.weight,
    }
    for n, block in enumerate(model.blocks):
        q, k, v = block.attention.qkv.weight.chunk(3)
        gate, up = block.mlp.gate_up.weight.chunk(2)
        for name, weight in {
            "self_attn.q_proj": q, "self_attn.k_proj": k, "self_attn.v_proj": v,
            "self_attn.o_proj": block.attention.out.weight,
            "self_attn.q_norm": block.attention.q_norm.weight,
            "self_attn.k_norm": block.attention.k_norm.weight,
            "mlp.gate_proj": gate, "mlp.up_proj": up, "mlp.down_proj": block.mlp.down.weight,
            "input_layernorm": block.attention_norm.weight,
            "post_attention_layernorm": block.mlp_norm.weight,
        }.items():  # fmt: skip
            state[f"model.layers.{n}.{name}.weight"] = weight
    theirs.load_state_dict(state)
    return theirs


@pytest.mark.interop
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("tied", [False, True])
def test_logits_equal_transformers_qwen3(tied: bool) -> None:
    """Same weights, same ids, same logits: rtol 1e-4 in fp32."""
    model = random_model(SETTINGS.model_copy(update={"tie_embeddings": tied}))
    ids = torch.randint(0, 71, (2, 48))
    with torch.no_grad():
        theirs = as_qwen3(model)(ids).logits
        torch.testing.assert_close(model(ids), theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("chunks", [[48], [1] * 48, [5, 1, 1, 20, 21], [47, 1]])
def test_the_cache_equals_the_full_pass(chunks: list[int]) -> None:
    """However the positions are fed in, logits are those of one full pass."""
    model = random_model()
    ids = torch.randint(0, 71, (1, 48))
    with torch.no_grad():
        whole = model(ids)
        cache = model.new_cache(2).slot(1, 0)
        parts = [model(piece, cache) for piece in ids.split(chunks, dim=1)]
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, rtol=1e-4, atol=1e-5)


def test_the_cache_refuses_more_than_fits_and_can_be_cut_back() -> None:
    """No position past the context; a slot that is taken to hold fewer forgets the others."""
    model = random_model()
    ids = torch.randint(0, 71, (1, 48))
    with torch.no_grad():
        slots = model.new_cache(1)
        cache = slots.slot(0, 0)
        model(ids, cache)
        with pytest.raises(ValueError, match="do not fit"):
            model(ids[:, :1], cache)
        again = model(ids[:, 10:20], slots.slot(0, 10))
        torch.testing.assert_close(again, model(ids)[:, 10:20], rtol=1e-4, atol=1e-5)


def test_no_position_sees_the_future() -> None:
    """Changing a later id changes no earlier logit."""
    model = random_model()
    ids = torch.randint(0, 71, (1, 48))
    other = ids.clone()
    other[0, 30] = (other[0, 30] + 1) % 71
    with torch.no_grad():
        a, b = model(ids), model(other)
    assert torch.equal(a[:, :30], b[:, :30])
    assert not torch.equal(a[:, 30:], b[:, 30:])


def test_a_new_model_predicts_every_token_alike() -> None:
    """The head starts at zero, so the first loss is exactly ln V."""
    torch.manual_seed(0)
    logits = GPT(SETTINGS)(torch.randint(0, 71, (1, 8)))
    assert torch.equal(logits, torch.zeros_like(logits))


def test_a_rotation_keeps_lengths_and_depends_on_distance_only() -> None:
    """What rotary positions promise: q·k depends on t_q - t_k."""
    cos, sin = rotary_tables(64, 32, 10_000.0)
    q, k = torch.randn(32), torch.randn(32)

    def dot(t_q: int, t_k: int) -> Tensor:
        return rotate(q, cos[t_q], sin[t_q]) @ rotate(k, cos[t_k], sin[t_k])

    torch.testing.assert_close(dot(9, 4), dot(59, 54), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(rotate(q, cos[33], sin[33]).norm(), q.norm())


def test_parameters_are_counted_without_building_the_model() -> None:
    """And exactly."""
    for settings in (SETTINGS, SETTINGS.model_copy(update={"tie_embeddings": True})):
        assert settings.parameter_count() == GPT(settings).parameter_count()
