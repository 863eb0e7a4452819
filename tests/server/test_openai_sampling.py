"""What each setting of OpenAI's API does to a text, by OpenAI's own package."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from inkling.config import SamplingSettings
from inkling.inference.chat import ChatModel
from inkling.workspace import Workspace
from tests.server.conftest import awaited, server_inside
from tests.voices import random_run

MESSAGES: Any = [{"role": "user", "content": "soup?"}]
WILD: dict[str, Any] = {"model": "wilma", "temperature": 2.0, "extra_body": {"top_k": 0}}


@pytest.fixture(scope="module")
def ending(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, ChatModel]]:
    """A server of a model that can end a text by itself: its base URL, and the model."""
    workspace = Workspace.create(tmp_path_factory.mktemp("ending") / "wilma")
    random_run(workspace, ends=True)
    with server_inside(workspace) as running:
        yield running.url + "v1", running.scheduler.model()


@pytest.fixture(scope="module")
def client(ending: tuple[str, ChatModel]) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=ending[0], api_key="none", max_retries=0) as made:
        yield made


def chat(client: openai.OpenAI, **settings: Any) -> str:
    made = client.chat.completions.create(messages=MESSAGES, **{"model": "wilma"} | settings)
    return str(made.choices[0].message.content)


def test_the_seed_is_the_text(client: openai.OpenAI) -> None:
    """The same seed writes the same, others and none at all write something else."""
    texts = [chat(client, **WILD, seed=seed) for seed in (1, 1, 2, None, None)]
    assert texts[0] == texts[1]
    assert len(set(texts)) == 4


def test_best_of_sends_the_surest_draft(
    client: openai.OpenAI, ending: tuple[str, ChatModel]
) -> None:
    """The same reply as the model's own choice among as many; streamed, in one go; not with n."""
    model = ending[1]
    drawn = SamplingSettings(temperature=2.0, top_k=0, seed=5, best_of=6, max_tokens=40)
    extra = {"top_k": 0, "best_of": 6}
    chosen = chat(client, **WILD | {"extra_body": extra}, seed=5, max_tokens=40)
    assert chosen == model.answer("soup?", [], drawn).text
    assert chosen != chat(client, **WILD, seed=5, max_tokens=40)
    completed = client.completions.create(
        model="wilma", prompt="soup", best_of=6, seed=5, max_tokens=40, temperature=2.0,
        extra_body={"top_k": 0},
    )  # fmt: skip
    assert completed.choices[0].text == "".join(model.complete("soup", drawn))
    with pytest.raises(openai.BadRequestError, match="best_of"):
        client.completions.create(model="wilma", prompt="soup", best_of=6, n=2)


def test_temperature_zero_and_a_tiny_top_p_take_the_likeliest(
    client: openai.OpenAI, ending: tuple[str, ChatModel]
) -> None:
    """Both are greedy decoding, whatever the seed."""
    greedy = "".join(ending[1].reply("soup?", [], SamplingSettings(temperature=0, max_tokens=20)))
    for settings in ({"temperature": 0}, {"temperature": 1, "top_p": 1e-9}):
        assert {chat(client, max_tokens=20, seed=seed, **settings) for seed in (1, 2)} == {greedy}
    hot = {chat(client, max_tokens=20, seed=seed, **WILD) for seed in (1, 2)}
    assert greedy not in hot


def test_a_text_is_as_long_as_it_may_be_or_ends_by_itself(
    client: openai.OpenAI, ending: tuple[str, ChatModel]
) -> None:
    """`length` at max_tokens, of which the newer name counts; `stop` where the model ends, and
    the mark that ends it is neither text nor counted."""
    short = client.chat.completions.create(
        messages=MESSAGES, max_completion_tokens=2, max_tokens=9, seed=1, **WILD
    )
    assert short.usage is not None
    assert (short.choices[0].finish_reason, short.usage.completion_tokens) == ("length", 2)
    long = client.chat.completions.create(
        messages=MESSAGES, max_tokens=2000, seed=1, logprobs=True, **WILD
    )
    (choice,) = long.choices
    assert long.usage is not None
    assert choice.finish_reason == "stop"
    assert 0 < long.usage.completion_tokens < 2000
    assert "<|" not in (choice.message.content or "")
    assert choice.logprobs is not None
    assert len(choice.logprobs.content or []) == long.usage.completion_tokens
    *_, last = client.chat.completions.create(
        messages=MESSAGES, max_tokens=2000, seed=1, stream=True, **WILD
    )
    assert last.choices[0].finish_reason == "stop"


def test_more_tokens_than_a_text_can_have_are_as_many_as_it_can(client: openai.OpenAI) -> None:
    """Clients that always ask for 4,096, by either name; a completion too."""
    settings = {"seed": 1, **WILD}
    most = chat(client, max_tokens=2000, **settings)
    assert chat(client, max_tokens=4096, **settings) == most
    assert chat(client, max_completion_tokens=10**12, **settings) == most
    completed = client.completions.create(
        model="wilma", prompt="soup", max_tokens=128_000, seed=1, temperature=2.0
    )
    assert completed.choices[0].text


def test_what_a_tool_said_is_nobodys_message(client: openai.OpenAI) -> None:
    """Histories of agents hold tools' answers, and turns that only call one."""
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    history: list[Any] = [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": "a pirate"}]},
    ]
    question = list(MESSAGES)
    settings = {"seed": 1, "max_tokens": 15, **WILD}
    plain = client.chat.completions.create(messages=question, **settings)
    tools = client.chat.completions.create(messages=[*history, *question, *history], **settings)
    assert tools.choices[0].message.content == plain.choices[0].message.content


def test_several_choices_are_those_of_neighbouring_seeds(client: openai.OpenAI) -> None:
    """Of a chat, whole and streamed; the prompt is counted once."""
    expected = [chat(client, **WILD, seed=seed, max_tokens=15) for seed in (5, 6, 7)]
    ask: Any = WILD | {"messages": MESSAGES, "seed": 5, "n": 3, "max_tokens": 15}
    whole = client.chat.completions.create(**ask)
    assert [choice.message.content for choice in whole.choices] == expected
    assert [choice.index for choice in whole.choices] == [0, 1, 2]
    one = client.chat.completions.create(**ask | {"n": 1})
    assert whole.usage is not None
    assert one.usage is not None
    assert whole.usage.prompt_tokens == one.usage.prompt_tokens
    texts = ["", "", ""]
    for chunk in client.chat.completions.create(**ask, stream=True):
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
    assert texts == expected


def test_the_asynchronous_client_is_answered_the_same(
    client: openai.OpenAI, ending: tuple[str, ChatModel]
) -> None:
    """A dozen at once, through one connection pool."""

    async def ask() -> list[str]:
        async with openai.AsyncOpenAI(base_url=ending[0], api_key="none") as other:
            made = await asyncio.gather(
                *(
                    other.chat.completions.create(
                        messages=MESSAGES, seed=seed, max_tokens=15, **WILD
                    )
                    for seed in range(12)
                )
            )
            return [str(each.choices[0].message.content) for each in made]

    assert awaited(ask()) == [chat(client, **WILD, seed=s, max_tokens=15) for s in range(12)]
