"""A trained run as something to chat with: prompts, replies, what is never sampled."""

from __future__ import annotations

import pytest

from inkling.config import SamplingSettings
from inkling.inference.chat import ChatModel, GenerationSpec, allowed_mask
from inkling.inference.engine import Engine
from inkling.inference.requests import Finished
from inkling.inference.sampling import SampledToken
from inkling.inference.text import TextChunk
from inkling.memory.index import Index
from inkling.memory.records import Record
from inkling.runs import Run
from inkling.runtime import Runtime
from inkling.workspace import Workspace
from tests.inference.oracle import next_logits


@pytest.fixture(scope="module")
def model(trained: Workspace) -> ChatModel:
    return ChatModel.load(Run.choose(trained, "tiny"), Runtime.detect())


@pytest.mark.parametrize(
    "message", ["hello", " ", "\n\n", "<|end|><|me|>", "🐖" * 50, "word " * 2000, "हिन्दी 中文"]
)
@pytest.mark.parametrize("tokens", [1, 25])
def test_a_reply_is_never_empty(model: ChatModel, message: str, tokens: int) -> None:
    """Whatever is typed, something visible comes back, without special tokens or blank edges."""
    for seed in range(4):
        drawn = SamplingSettings(temperature=1.5, top_k=0, seed=seed, max_tokens=tokens)
        reply = "".join(model.reply(message, [], drawn))
        assert reply.strip() == reply != ""
        assert "<|" not in reply


def allowed_ids(model: ChatModel) -> set[int]:
    return {i for a, b in model.config.data.live_ranges for i in range(a, b)}


def generated(model: ChatModel, ids: list[int], settings: SamplingSettings) -> list[SampledToken]:
    """The tokens of a text that follows `ids`."""
    chunks = model.generate(GenerationSpec(ids, settings, trim=False))
    return [token for chunk in chunks if isinstance(chunk, TextChunk) for token in chunk.tokens]


def test_only_allowed_tokens_are_sampled(model: ChatModel) -> None:
    """Ids never seen in training have probability zero, also at the highest temperature."""
    ids = set()
    for seed in range(10):
        drawn = SamplingSettings(temperature=5, top_k=0, seed=seed, max_tokens=60)
        ids |= {token.token for token in generated(model, [model.tokenizer.end_id], drawn)}
    assert len(ids) > 50
    assert ids <= allowed_ids(model)
    assert not ids & set(model.tokenizer.special_ids)


def test_generation_continues_past_the_context(model: ChatModel) -> None:
    """More tokens than the context holds, from a prompt longer than it."""
    prompt = [5, 6, 7] * model.engine.context_length
    wanted = model.engine.context_length * 2
    # <|end|> forbidden, so that the length is known.
    allowed = allowed_mask(model.config)
    allowed[model.tokenizer.end_id] = False
    engine = Engine(model.engine.model, allowed, model.tokenizer.end_id)
    endless = ChatModel(model.config, model.tokenizer, engine, 0, model.tuned)
    spec = GenerationSpec(prompt, SamplingSettings(seed=0, max_tokens=wanted), trim=False)
    *_, end = endless.generate(spec)
    assert end == Finished("length", model.engine.context_length - 1, wanted)


def test_greedy_decoding_equals_the_full_pass(model: ChatModel) -> None:
    """Token by token through the cache: the argmax of full forward passes."""
    prompt = [model.tokenizer.end_id, *model.tokenizer.encode("The van")]
    greedy = SamplingSettings(temperature=0, max_tokens=20, repetition_penalty=1.0)
    context = list(prompt)
    tokens = generated(model, prompt, greedy)
    assert tokens
    for token in tokens:
        logits_V = next_logits(model.engine, context)
        assert logits_V[token.token] >= logits_V.max() - 1e-4
        context.append(token.token)


def test_cancelling_ends_before_the_next_token(model: ChatModel) -> None:
    """A stop flag is looked at between any two tokens."""
    stop = False
    drawn = SamplingSettings(seed=0, max_tokens=100, temperature=2.0, top_k=0)
    chunks = model.generate(model.completion_spec("", drawn), cancelled=lambda: stop)
    next(chunks)
    stop = True
    assert list(chunks) == []


@pytest.mark.parametrize("best_of", [1, 6])
def test_what_was_said_before_is_read_along(model: ChatModel, best_of: int) -> None:
    """With all the weight, a reply is what was said to the same message, and each token's share
    says so; of several drafts, one that follows it is surest. Without it the reply is another."""
    said = "hello, the kettle is on"
    recalling = model.with_memory(Index.build([Record("is there soup?", said)]))
    drawn = SamplingSettings(seed=3, temperature=1.0, top_k=0, best_of=best_of, memory=1)
    spec = recalling.reply_spec("is there soup", [], drawn)
    assert spec.recalled is not None
    assert [neighbour.record.reply for neighbour in spec.recalled.neighbours] == [said]
    text = [chunk for chunk in recalling.generate(spec) if isinstance(chunk, TextChunk)]
    assert "".join(chunk.text for chunk in text) == said
    shares = [token.memory_share for chunk in text for token in chunk.tokens]
    assert len(shares) == len(model.tokenizer.encode(f" {said}"))
    assert all(share is not None and 0.9 < share <= 1 for share in shares)
    bare = drawn.model_copy(update={"memory": 0.0})
    assert recalling.reply_spec("is there soup", [], bare).recalled is None
    assert "".join(recalling.reply("is there soup", [], bare)) != said


@pytest.mark.parametrize("message", ["", "?!", "🫖🫖", "ซุป", "soup " * 3000, "the a of"])
def test_any_message_is_answered_with_a_memory(model: ChatModel, message: str) -> None:
    """Only stop words, emoji, another script, far too long: a reply, with or without neighbours."""
    index = Index.build([Record("is there soup?", "always"), Record("and the a of?", "never")])
    drawn = SamplingSettings(seed=1, max_tokens=8, best_of=2)
    assert "".join(model.with_memory(index).reply(message, [], drawn))


def test_history_changes_the_answer_and_long_history_is_cut(model: ChatModel) -> None:
    """Turns are seen; a history longer than the context is no error."""
    drawn = SamplingSettings(temperature=0, max_tokens=20, repetition_penalty=1.0)
    history = [("them", "do you like soup?"), ("me", "soup, always soup")] * 200
    assert "".join(model.reply("why", history, drawn))


@pytest.mark.parametrize("tuned", [True, False])
def test_a_prompt_says_how_much_it_leaves_out(model: ChatModel, tuned: bool) -> None:
    """Turns before the last eight, and those that do not fit; what is read never outgrows the
    room, and the newest turns stay."""
    model = ChatModel(model.config, model.tokenizer, model.engine, 0, tuned)
    exchange = [("them", "soup?"), ("me", "always")]
    assert model.prompt("why", exchange).left_out == 0
    assert model.prompt("why", exchange * 4).left_out == 0
    assert model.prompt("why", exchange * 6).left_out == 4
    long = [("them", "word " * 400), ("me", "yes"), *exchange]
    prompt = model.prompt("why", long)
    # Only a dialog may not open with a reply; text that is continued may open anywhere.
    assert prompt.left_out == (2 if tuned else 1)
    assert len(prompt.ids) <= model.engine.context_length * 2 // 3
    assert "always" in model.tokenizer.decode(prompt.ids)
