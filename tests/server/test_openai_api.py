"""OpenAI's API, asked by OpenAI's own package and by the `llm` command over real HTTP."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from inkling.inference.chat import ChatModel
from inkling.runs import Run
from inkling.runtime import Runtime
from inkling.workspace import Workspace
from tests.server.conftest import PATIENCE, Server, start_server, stop_server
from tests.voices import CONTEXT, TEXT

ASK: dict[str, Any] = {"model": "random", "seed": 7, "max_tokens": 24, "temperature": 1.0}
MESSAGES: Any = [
    {"role": "system", "content": "You are a pirate."},
    {"role": "user", "content": "hello"},
    {"role": "assistant", "content": "hi"},
    {"role": "user", "content": [{"type": "text", "text": "soup?"}]},
]


@pytest.fixture(scope="module")
def voice(nonsense: Workspace) -> ChatModel:
    return ChatModel.load(Run.choose(nonsense, None), Runtime.detect(threads=1))


@pytest.fixture(scope="module")
def client(served: Server) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(
        base_url=served.url + "v1", api_key="none", max_retries=0, timeout=300
    ) as made:
        yield made


def post(served: Server, path: str, body: Any) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body)
    return httpx.post(served.url + path, content=content, timeout=300)


def test_models_are_the_workspace_and_its_run(client: openai.OpenAI) -> None:
    """Both names are listed, either answers, another is a 404 that says which there are."""
    assert [model.id for model in client.models.list()] == ["wilma", "random"]
    assert client.models.retrieve("wilma").owned_by == "inkling"
    one, two = (
        client.chat.completions.create(**ASK | {"model": name}, messages=MESSAGES)
        for name in ("wilma", "random")
    )
    assert one.choices[0].message.content == two.choices[0].message.content
    with pytest.raises(openai.NotFoundError, match="'wilma' and 'random'") as refused:
        client.chat.completions.create(**ASK | {"model": "gpt-4"}, messages=MESSAGES)
    assert (refused.value.code, refused.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.NotFoundError, match="v1/chat/completions"):
        client.embeddings.create(model="wilma", input="x")


def test_a_chat_is_the_reply_of_the_voice(client: openai.OpenAI, voice: ChatModel) -> None:
    """Whole and streamed: what the chat would say, without the system message; usage counts."""
    from inkling.config import SamplingSettings

    settings = SamplingSettings(temperature=1.0, seed=7, max_tokens=24)
    history = [("them", "hello"), ("me", "hi")]
    expected = "".join(voice.reply("soup?", history, settings))
    whole = client.chat.completions.create(**ASK, messages=MESSAGES)
    assert whole.choices[0].message.content == expected
    assert whole.choices[0].finish_reason == "length"
    assert whole.usage is not None
    assert whole.usage.prompt_tokens == len(voice.prompt("soup?", history).ids)
    assert whole.usage.completion_tokens == 24
    stream = client.chat.completions.create(
        **ASK, messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    assert chunks[0].choices[0].delta.role == "assistant"
    texts = [chunk.choices[0].delta.content or "" for chunk in chunks[:-1]]
    assert "".join(texts) == expected
    assert [c.choices[0].finish_reason for c in chunks[:-1]][-1] == "length"
    assert chunks[-1].choices == []
    assert chunks[-1].usage == whole.usage


def test_a_completion_goes_on_from_the_text(client: openai.OpenAI, voice: ChatModel) -> None:
    """Prompts in order, n choices each, every choice with a seed of its own; streamed the same."""
    from inkling.config import SamplingSettings

    expected = [
        "".join(
            voice.complete(p, SamplingSettings(temperature=1.0, seed=7 + choice, max_tokens=24))
        )
        for p in ("abc", "top\n")
        for choice in (0, 1)
    ]
    assert expected[0] not in expected[1:3]
    whole = client.completions.create(**ASK, prompt=["abc", "top\n"], n=2)
    assert [choice.text for choice in whole.choices] == expected
    assert whole.usage is not None
    assert whole.usage.prompt_tokens == 4 + 5
    texts = dict.fromkeys(range(4), "")
    for chunk in client.completions.create(**ASK, prompt=["abc", "top\n"], n=2, stream=True):
        for choice in chunk.choices:
            texts[choice.index] += choice.text
    assert list(texts.values()) == expected


def test_stop_ends_the_text_before_it(client: openai.OpenAI) -> None:
    """finish_reason stop, nothing of the stop text, also where it spans tokens."""
    free = client.completions.create(**ASK, prompt="abc").choices[0].text
    stop = free[8:11]
    cut = client.completions.create(**ASK, prompt="abc", stop=[stop, "never"]).choices[0]
    assert cut.text == free[: free.index(stop)]
    assert cut.finish_reason == "stop"
    streamed = client.completions.create(**ASK, prompt="abc", stop=stop, stream=True)
    assert "".join(chunk.choices[0].text for chunk in streamed) == cut.text


def test_log_probabilities_belong_to_the_text(client: openai.OpenAI) -> None:
    """One entry a token, spelling the text; natural logarithms; alternatives likeliest first;
    the same in a stream; none unless asked."""
    chat = client.chat.completions.create(
        **ASK, messages=MESSAGES, logprobs=True, top_logprobs=3
    ).choices[0]
    assert chat.logprobs is not None
    assert chat.logprobs.content is not None
    assert len(chat.logprobs.content) == 24
    spelled = b"".join(bytes(entry.bytes or []) for entry in chat.logprobs.content)
    assert spelled.decode(errors="replace").strip() == chat.message.content
    for entry in chat.logprobs.content:
        top = [alternative.logprob for alternative in entry.top_logprobs]
        assert len(top) == 3
        assert top == sorted(top, reverse=True)
        assert sum(map(math.exp, top)) <= 1.0 + 1e-6
        assert entry.logprob <= top[0]
    stream = client.chat.completions.create(
        **ASK, messages=MESSAGES, logprobs=True, top_logprobs=3, stream=True
    )
    entries = [
        entry
        for chunk in stream
        if chunk.choices[0].logprobs
        for entry in chunk.choices[0].logprobs.content or []
    ]
    assert [entry.token for entry in entries] == [e.token for e in chat.logprobs.content]

    completion = client.completions.create(**ASK, prompt="abc", logprobs=2).choices[0]
    told = completion.logprobs
    assert told is not None
    assert told.text_offset is not None
    assert told.tokens is not None
    assert len(told.tokens) == len(told.top_logprobs or []) == 24
    for token, at in zip(told.tokens, told.text_offset, strict=True):
        assert token.startswith("bytes:") or completion.text[at:].startswith(token)
    assert client.completions.create(**ASK, prompt="abc").choices[0].logprobs is None


def test_penalties_change_what_is_written(client: openai.OpenAI) -> None:
    """With the largest frequency penalty and temperature 0 a loop is left, and letters spread."""
    greedy = {**ASK, "temperature": 0, "max_tokens": 30, "prompt": "abc"}
    plain = client.completions.create(**greedy).choices[0].text
    spread = client.completions.create(**greedy, frequency_penalty=2.0).choices[0].text
    assert len(set(spread)) > len(set(plain))


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"messages": []}, "messages"), ({"messages": None}, "messages"),
        ({"messages": [{"role": "user", "content": ""}]}, "messages"),
        ({"messages": [{"role": "assistant", "content": "hi"}]}, "messages"),
        ({"messages": [{"role": "tool", "content": "hi"}]}, "messages"),
        ({"messages": [{"role": "nobody", "content": "hi"}]}, "messages"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages"),
        ({"messages": [{"role": "user", "content": "x"}] * 100_000}, None),
        ({"model": None}, "model"), ({"model": 7}, "model"),
        ({"max_tokens": 0}, "max_tokens"), ({"max_tokens": -5}, "max_tokens"),
        ({"temperature": float("nan")}, "temperature"), ({"temperature": "hot"}, "temperature"),
        ({"top_p": 0}, "top_p"), ({"n": 0}, "n"), ({"n": 1000}, "n"),
        ({"seed": 2**64}, "seed"), ({"stop": [""]}, "stop"), ({"stop": ["x"] * 99}, "stop"),
        ({"top_logprobs": 21}, "top_logprobs"), ({"presence_penalty": 3}, "presence_penalty"),
        ({"tools": [{"type": "function"}]}, "tools"), ({"logit_bias": {"5": 1}}, "logit_bias"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"messages": [{"role": "user", "content": "\ud800"}]}, None),
        ({"model": "\udfff"}, None),
    ],
)  # fmt: skip
def test_bad_requests_get_a_sentence_in_openais_shape(
    served: Server, change: dict[str, Any], param: str | None
) -> None:
    """4xx, with message, type and the field; never a 500."""
    response = post(served, "v1/chat/completions", ASK | {"messages": MESSAGES} | change)
    assert 400 <= response.status_code < 500
    error = response.json()["error"]
    assert error["message"]
    assert error["type"] == "invalid_request_error"
    if param is not None:
        assert error["param"] == param


@pytest.mark.parametrize("path", ["v1/completions", "v1/chat/completions"])
@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"7", b"not json", b"\xff\xfe", b"[" * 50_000, b'{"model":',
             b'{"model": "random", "prompt": [1, 2], "messages": 5}', b"9" * 5_000]
)  # fmt: skip
def test_malformed_bodies_are_400(served: Server, path: str, body: bytes) -> None:
    """Whatever the bytes, a sentence."""
    response = post(served, path, body)
    assert response.status_code == 400
    assert response.json()["error"]["message"]


def test_ten_megabytes_are_413(served: Server) -> None:
    """In OpenAI's shape as well, and the server goes on."""
    response = post(served, "v1/chat/completions", b"x" * 10_000_000)
    assert response.status_code == 413
    assert "larger than" in response.json()["error"]["message"]
    assert httpx.get(served.url + "v1/models", timeout=PATIENCE).status_code == 200


def test_a_prompt_longer_than_the_context_is_fine(client: openai.OpenAI) -> None:
    """The model reads its end; usage says how much it read."""
    found = client.completions.create(**ASK, prompt=TEXT * 20)
    assert found.usage is not None
    assert found.usage.prompt_tokens == CONTEXT - 1


def test_without_a_model_it_is_503(tmp_path: Path) -> None:
    """And the list of models is empty."""
    running = start_server(Workspace.create(tmp_path / "empty").path)
    try:
        with openai.OpenAI(base_url=running.url + "v1", api_key="x", max_retries=0) as client:
            assert list(client.models.list()) == []
            with pytest.raises(openai.InternalServerError, match="inkling train") as refused:
                client.chat.completions.create(**ASK, messages=MESSAGES)
            assert refused.value.status_code == 503
    finally:
        stop_server(running)


def test_the_token_is_the_api_key(nonsense: Workspace) -> None:
    """A server with a token of our choice takes it as the key, under any host name; no other."""
    token = "a-token-of-24-characters"
    running = start_server(nonsense.path, "--token", token)
    try:
        base = running.url.split("?")[0]
        headers = {"Host": "host.docker.internal:5050"}
        with openai.OpenAI(
            base_url=base + "v1", api_key=token, max_retries=0, default_headers=headers
        ) as client:
            assert client.completions.create(**ASK, prompt="abc").choices[0].text
            with pytest.raises(openai.AuthenticationError, match="token is needed") as refused:
                client.with_options(api_key="wrong").models.list()
            assert refused.value.code == "invalid_api_key"
    finally:
        stop_server(running)


def test_the_llm_command_talks_to_it(served: Server, client: openai.OpenAI, tmp_path: Path) -> None:
    """simonw's llm with the file that docs/openai.md shows."""
    folder = tmp_path / "llm"
    folder.mkdir()
    (folder / "extra-openai-models.yaml").write_text(
        f"- model_id: wilma\n  model_name: wilma\n  api_base: {served.url}v1\n"
    )
    expected = client.chat.completions.create(
        model="wilma", seed=7, messages=[{"role": "user", "content": "soup?"}]
    )
    done = subprocess.run(
        [sys.executable, "-m", "llm", "-m", "wilma", "soup?", "-o", "seed", "7", "--key", "none"],
        env={**os.environ, "LLM_USER_PATH": str(folder)},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == expected.choices[0].message.content
