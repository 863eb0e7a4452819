"""The exported GGUF in llama.cpp: its tokens, its template, its logits, its text, its server."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import openai
import pytest

from inkling.tokens.vocabulary import SPECIAL_TOKENS
from inkling.workflows.export import plan_export
from tests.interop.conftest import CHATS, HARD, LOOK_ALIKES, QUESTIONS, TOKENS, Exported
from tests.interop.test_transformers import as_messages

pytestmark = [pytest.mark.interop, pytest.mark.filterwarnings("default")]


class Llama:
    """llama.cpp's own server in this process, keys and values in float32, attention written out."""

    def __init__(self, path: Path, context: int) -> None:
        import xllamacpp

        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(path)
        parameters.n_ctx, parameters.n_parallel, parameters.n_gpu_layers = context, 1, 0
        parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
        parameters.verbosity, parameters.warmup = -1, False
        parameters.cache_type_k = parameters.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
        parameters.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
        self._server = xllamacpp.Server(parameters)
        self.address = self._server.listening_address

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        answer = httpx.post(f"{self.address}{path}", json=body, timeout=120)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ids(self, text: str, special: bool = False) -> list[int]:
        """As a prompt is read where `special`, else as plain text."""
        found = self.post("/tokenize", content=text, parse_special=special, add_special=special)
        return found["tokens"]

    def write(self, prompt: list[int], **settings: Any) -> dict[str, Any]:
        """The likeliest tokens after a prompt."""
        settings = {"n_predict": TOKENS, "ignore_eos": True} | settings
        return self.post(
            "/completion", prompt=prompt, temperature=0, repeat_penalty=1.0, samplers=["top_k"],
            top_k=1, cache_prompt=False, return_tokens=True, **settings,
        )  # fmt: skip


@pytest.fixture(scope="module")
def llama(exported: Exported) -> Llama:
    return Llama(exported.gguf, exported.model.settings.context_length)


@pytest.mark.parametrize("text", HARD)
def test_hard_texts_have_the_same_ids(exported: Exported, llama: Llama, text: str) -> None:
    """All bytes, contractions, white space, and what looks like a special token."""
    text = text.replace("\0", "")  # which ends a text in C
    ids = llama.ids(text)
    assert ids == exported.tokenizer.encode(text)
    assert not set(ids) & set(exported.tokenizer.special_ids)


def test_every_byte_is_a_token(exported: Exported, llama: Llama) -> None:
    """Each byte that a text can hold, as a token of its own, is that byte."""
    table = exported.tokenizer.token_bytes
    planes = [*range(0x1000, 0xD800, 0x800), 0xE000, 0xFFEE, *range(0x10000, 0x110000, 0x10000)]
    text = "".join(map(chr, [*range(1, 0x800), 0x800, *planes]))
    ids = [table.index(bytes([byte])) for byte in text.encode()]
    assert len(set(ids)) == 256 - len(b"\0\xc0\xc1") - len(range(0xF5, 0x100))
    assert llama.post("/detokenize", tokens=ids)["content"] == text


def test_all_characters_are_split_alike(exported: Exported, llama: Llama) -> None:
    """Each of them beside letters, digits, marks and itself: all that Unicode 3.2 knew. Of those
    that came with Unicode 16, some are split otherwise (docs/export.md)."""
    known = unicodedata.ucd_3_2_0.category
    characters = [
        c for code in range(1, 0x110000, 7) if known(c := chr(code)) not in ("Cn", "Cs", "Co")
    ]
    text = "".join(f"a{c}b {c} 1{c}'{c}s {c}\n{c}{c}" for c in characters)
    assert llama.ids(text) == exported.tokenizer.encode(text)


@pytest.mark.parametrize(("history", "message"), CHATS)
def test_the_template_gives_inklings_own_ids(
    exported: Exported, llama: Llama, history: Any, message: str
) -> None:
    """Read by llama.cpp's own Jinja; the one <|end|> in front is not doubled."""
    if "Σ" in message + "".join(text for _, text in history):
        # The one letter whose small form depends on its place: only Python knows the place.
        history = tuple((role, text.replace("Σ", "σ")) for role, text in history)
    messages = as_messages(history, message)
    prompt = llama.post("/apply-template", messages=messages)["prompt"]
    assert llama.ids(prompt, special=True) == exported.prompt(message, history)


@pytest.mark.parametrize("text", LOOK_ALIKES)
def test_no_message_can_forge_a_turn(exported: Exported, llama: Llama, text: str) -> None:
    messages = as_messages((("them", text), ("me", text)), text)
    ids = llama.ids(llama.post("/apply-template", messages=messages)["prompt"], special=True)
    end, them, me, _ = exported.tokenizer.special_ids
    special = [index for index in ids if index in exported.tokenizer.special_ids]
    assert special == [end, them, me, end, them, me]


@pytest.mark.parametrize("content", ["be nice", [{"type": "text", "text": "be nice"}]])
def test_what_a_system_says_is_left_out(exported: Exported, llama: Llama, content: Any) -> None:
    """llama.cpp puts it in front of the question where it sees that a template never reads it."""
    messages = [{"role": "system", "content": content}, *as_messages((), QUESTIONS[0])]
    prompt = llama.post("/apply-template", messages=messages)["prompt"]
    assert llama.ids(prompt, special=True) == exported.prompt(QUESTIONS[0])


def test_logits_are_inklings(exported: Exported, llama: Llama) -> None:
    """Of the twenty likeliest tokens, to 1e-4. Inkling gives nothing to tokens that are no text,
    llama.cpp a little; so what all log-probabilities differ by alike is left out."""
    prompt = exported.prompt(QUESTIONS[0])
    answer = llama.write(prompt, n_predict=1, n_probs=20, ignore_eos=False)
    logits_V = exported.chat.engine.next_logits(prompt, [exported.tokenizer.end_id])[0]
    entries = answer["completion_probabilities"][0]["top_logprobs"]
    assert len(entries) == 20
    shown = [entry for entry in entries if np.isfinite(logits_V[entry["id"]])]
    assert len(shown) >= 15
    gaps = np.array([entry["logprob"] - logits_V[entry["id"]] for entry in shown])
    np.testing.assert_allclose(gaps, np.median(gaps), atol=1e-4)


@pytest.mark.parametrize("question", QUESTIONS)
def test_greedy_text_is_inklings(exported: Exported, llama: Llama, question: str) -> None:
    prompt = exported.prompt(question)
    exported.assert_same(prompt, llama.write(prompt)["tokens"])


@pytest.mark.slow
@pytest.mark.parametrize("gguf_type", ["f16", "q8_0"])
def test_rounded_files_load_and_nearly_agree(
    exported: Exported, tmp_path: Path, gguf_type: str
) -> None:
    """Rounded weights move the log-probability of the likeliest token by little."""
    planned = plan_export(exported.workspace, "gguf", to=tmp_path / gguf_type, gguf_type=gguf_type)
    planned.write()
    rounded = Llama(planned.target / planned.file_name, exported.model.settings.context_length)
    prompt = exported.prompt(QUESTIONS[0])
    found = rounded.write(prompt, n_predict=1, n_probs=1, ignore_eos=False)
    whole = exported.chat.engine.next_logits(prompt, [exported.tokenizer.end_id])[0]
    entry = found["completion_probabilities"][0]["top_logprobs"][0]
    expected = whole[entry["id"]] - np.log(np.exp(whole - whole.max()).sum()) - whole.max()
    assert entry["logprob"] == pytest.approx(expected, abs=0.1)


def test_its_server_answers_an_openai_client(exported: Exported, llama: Llama) -> None:
    """A chat through OpenAI's API is what the model says to Inkling's own prompt."""
    client = openai.OpenAI(base_url=f"{llama.address}/v1", api_key="none", max_retries=0)
    question = QUESTIONS[1]
    answer = client.chat.completions.create(
        model="mine", messages=[{"role": "user", "content": question}], temperature=0,
        max_tokens=12, extra_body={"repeat_penalty": 1.0, "cache_prompt": False},
    )  # fmt: skip
    prompt = exported.prompt(question)
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == len(prompt)
    direct = llama.write(prompt, n_predict=12, ignore_eos=False)["content"]
    assert (answer.choices[0].message.content or "").strip() == direct.strip()


def test_a_reply_holds_no_token_of_the_format(exported: Exported, llama: Llama) -> None:
    """Also where it ends by itself, which llama.cpp must not show."""
    ended = []
    for seed, question in enumerate(QUESTIONS):
        answer = llama.post(
            "/v1/chat/completions", messages=[{"role": "user", "content": question}], seed=seed,
            max_tokens=120,
        )  # fmt: skip
        choice = answer["choices"][0]
        assert not any(special in choice["message"]["content"] for special in SPECIAL_TOKENS)
        ended.append(choice["finish_reason"] == "stop")
    assert any(ended)
