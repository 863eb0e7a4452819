"""The exported folder in transformers: its tokens, its template, its logits, its text."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling.exports.chat_template import jinja_template
from inkling.inference.prompts import reply_prompt
from tests.interop.conftest import CHATS, HARD, LOOK_ALIKES, QUESTIONS, TOKENS, Exported

pytestmark = [pytest.mark.interop, pytest.mark.filterwarnings("default")]


@pytest.fixture(scope="module")
def tokenizer(exported: Exported) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(exported.hf)


@pytest.fixture(scope="module")
def model(exported: Exported) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(exported.hf)


def ids_of(tokenizer: Any, text: str) -> list[int]:
    return tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]


@pytest.mark.parametrize("text", HARD)
def test_hard_texts_have_the_same_ids(exported: Exported, tokenizer: Any, text: str) -> None:
    """All bytes, contractions, white space, and what looks like a special token."""
    ids = ids_of(tokenizer, text)
    assert ids == exported.tokenizer.encode(text)
    assert not set(ids) & set(exported.tokenizer.special_ids)
    assert tokenizer.decode(ids) == text


def test_any_text_has_the_same_ids(exported: Exported, tokenizer: Any) -> None:
    @settings(deadline=None, derandomize=True, max_examples=300)
    @given(st.text())
    def check(text: str) -> None:
        assert ids_of(tokenizer, text) == exported.tokenizer.encode(text)

    check()


def test_a_prompt_begins_with_end(exported: Exported, tokenizer: Any) -> None:
    """As in Inkling, where a text begins behind <|end|>; and all four special tokens are known."""
    assert tokenizer("hello")["input_ids"] == [
        exported.tokenizer.end_id, *exported.tokenizer.encode("hello"),
    ]  # fmt: skip
    known = tokenizer("<|end|><|them|><|me|><|pad|>", add_special_tokens=False)["input_ids"]
    assert known == list(exported.tokenizer.special_ids)


def as_messages(history: Any, message: str) -> list[dict[str, str]]:
    roles = {"them": "user", "me": "assistant"}
    turns = [*history, ("them", message)]
    return [{"role": roles[role], "content": text} for role, text in turns]


def template_ids(tokenizer: Any, messages: Any) -> list[int]:
    return tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)


@pytest.mark.parametrize(("history", "message"), CHATS)
def test_the_template_gives_inklings_own_ids(
    exported: Exported, tokenizer: Any, history: Any, message: str
) -> None:
    """Lower case, marks, spaces before turns, and the last eight turns."""
    ids = template_ids(tokenizer, as_messages(history, message))
    assert ids == exported.prompt(message, history)


def test_the_template_reads_any_message_as_inkling_does(exported: Exported, tokenizer: Any) -> None:
    texts = st.text(min_size=1).filter(lambda text: text.strip() and "<|" not in text)

    @settings(deadline=None, derandomize=True, max_examples=60)
    @given(texts, texts)
    def check(reply: str, message: str) -> None:
        history = (("them", message[::-1]), ("me", reply))
        ids = template_ids(tokenizer, as_messages(history, message))
        assert ids == exported.prompt(message, history)

    check()


@pytest.mark.slow
def test_every_capital_and_mark_is_read_as_inkling_does(exported: Exported, tokenizer: Any) -> None:
    """All of Unicode's in one message."""
    every = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    changed = "".join(f"a{c}" for c in every if not c.isalnum() or c.lower() != c)[:400_000]
    assert template_ids(tokenizer, as_messages((), changed)) == exported.prompt(changed)


@pytest.mark.parametrize("text", LOOK_ALIKES)
def test_no_message_can_forge_a_turn(exported: Exported, tokenizer: Any, text: str) -> None:
    """What looks like a special token is broken up, so that only the template's own are there."""
    ids = template_ids(tokenizer, as_messages((("them", text), ("me", text)), text))
    special = [index for index in ids if index in exported.tokenizer.special_ids]
    end, them, me, _ = exported.tokenizer.special_ids
    assert special == [end, them, me, end, them, me]


def test_neighbouring_and_unknown_roles_are_read_as_by_the_server(tokenizer: Any) -> None:
    """What a system says is left out, and two messages in a row are one turn."""
    messages = [
        {"role": "system", "content": "be nice"},
        {"role": "user", "content": "one"},
        {"role": "user", "content": [{"type": "text", "text": "two"}]},
        {"role": "assistant", "content": "  "},
    ]
    text = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    assert text == "<|end|><|them|> one two<|me|>"


def test_a_run_without_dialogs_continues_what_was_said(exported: Exported, tokenizer: Any) -> None:
    """Of a run that was never fine-tuned a chat is a text, as in Inkling."""
    template = jinja_template(False, exported.tokenizer.characters)
    ids = tokenizer.apply_chat_template(
        as_messages((("them", "Hi THERE!"), ("me", "yo <|end|>")), "and now"),
        chat_template=template, add_generation_prompt=True, return_dict=False,
    )  # fmt: skip
    history = (("them", "Hi THERE!"), ("me", "yo < |end|>"))
    assert ids == reply_prompt(exported.tokenizer, "and now", history, 10**7, tuned=False).ids


def test_logits_are_inklings(exported: Exported, model: Any) -> None:
    ids = torch.tensor([exported.prompt(QUESTIONS[0])])
    with torch.no_grad():
        theirs, ours = model(ids).logits, exported.chat.engine.model(ids)
    assert model.dtype == torch.float32
    torch.testing.assert_close(theirs, ours, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("question", QUESTIONS)
def test_greedy_text_is_inklings(exported: Exported, model: Any, question: str) -> None:
    """64 tokens with the folder's own generation settings, but for the drawing."""
    prompt = exported.prompt(question)
    out = model.generate(
        torch.tensor([prompt]), do_sample=False, temperature=None, top_k=None, top_p=None,
        min_p=None, repetition_penalty=1.0, max_new_tokens=TOKENS, min_new_tokens=TOKENS,
    )  # fmt: skip
    exported.assert_same(prompt, out[0, len(prompt) :].tolist())


def test_sampling_begins_as_in_inkling(exported: Exported, model: Any) -> None:
    """The workspace's own settings, and no token that was never learned."""
    found, sampling = model.generation_config, exported.model.sampling
    assert (found.temperature, found.top_k) == (sampling.temperature, sampling.top_k)
    assert found.suppress_tokens == exported.model.silent_ids
    assert set(exported.tokenizer.special_ids) - {exported.tokenizer.end_id} & set(
        exported.model.silent_ids
    )
