"""The exported folder in mlx-lm, on MLX's CPU backend."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from tests.interop.conftest import CHATS, QUESTIONS, TOKENS, Exported
from tests.interop.test_transformers import as_messages

pytestmark = [pytest.mark.interop, pytest.mark.filterwarnings("default")]


@pytest.fixture(scope="module")
def loaded(exported: Exported) -> tuple[Any, Any]:
    """mlx-lm's model and tokenizer."""
    import mlx_lm

    return mlx_lm.load(str(exported.mlx))[:2]


def test_logits_are_inklings(exported: Exported, loaded: tuple[Any, Any]) -> None:
    import mlx.core as mx

    ids = exported.prompt(QUESTIONS[0])
    theirs = np.array(loaded[0](mx.array([ids])))
    with torch.no_grad():
        ours = exported.chat.engine.model(torch.tensor([ids])).numpy()
    np.testing.assert_allclose(theirs, ours, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("history", "message"), CHATS)
def test_the_template_gives_inklings_own_ids(
    exported: Exported, loaded: tuple[Any, Any], history: Any, message: str
) -> None:
    ids = loaded[1].apply_chat_template(as_messages(history, message), add_generation_prompt=True)
    assert ids == exported.prompt(message, history)


@pytest.mark.parametrize("question", QUESTIONS)
def test_greedy_text_is_inklings(
    exported: Exported, loaded: tuple[Any, Any], question: str
) -> None:
    import mlx.core as mx
    from mlx_lm.generate import generate_step

    end = exported.tokenizer.end_id

    def never_end(tokens: Any, logits: Any) -> Any:
        logits[:, end] = -float("inf")
        return logits

    prompt = exported.prompt(question)
    steps = generate_step(
        mx.array(prompt), loaded[0], max_tokens=TOKENS, logits_processors=[never_end],
        sampler=lambda logits: mx.argmax(logits, axis=-1),
    )  # fmt: skip
    exported.assert_same(prompt, [int(token) for token, _ in steps])
