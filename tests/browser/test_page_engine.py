"""The engine of an exported page, in Chromium, held to Inkling's own step by step: words, ids,
prompts, what is looked up, what is mixed, what may be drawn, which draft is said, whole replies."""

from __future__ import annotations

import json
import random
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser, Page

from inkling.config import SamplingSettings
from inkling.exports.page_file import carried_model, encoded_weights, engine_source
from inkling.exports.quantised import quantise
from inkling.inference.chat import ChatModel, allowed_mask
from inkling.inference.engine import Engine
from inkling.inference.mixing import Memory, mix
from inkling.inference.prompts import reply_prompt
from inkling.inference.sampling import Sampler, candidates, penalised
from inkling.memory.corpus_index import run_memory
from inkling.memory.lookup import nearest
from inkling.memory.mixture import Continuations, Reading
from inkling.memory.ranking import Ranking
from inkling.memory.words import spelling, words
from inkling.model.build import build_model
from inkling.runs import Run
from inkling.runtime import Runtime
from inkling.tokens.chat_format import Turn
from inkling.workflows.export import PlannedExport, plan_export
from inkling.workspace import Workspace
from tests.interop.conftest import CHATS, HARD, QUESTIONS

pytestmark = pytest.mark.browser

HISTORY: tuple[Turn, ...] = (
    ("them", "are you at home?"), ("me", "On the ferry, with the van."), ("them", "And the cat?"),
    ("me", "Asleep in the van."),
)  # fmt: skip
SCRIPTS = (
    "我想喝茶", "ฉันชอบชา", "お茶が好きですか", "ტყე და მდინარე", "naïve café ＡＢＣ ﬁne",
    "don’t can't `x`",
    "🙂 ok 👍🏽", "a" * 95, "3.5 km / 12:30", "ΣΊΣΥΦΟΣ İstanbul ß ẞ", "x² ½ Ⅷ", "क्षत्रिय கொள்ளை",
)  # fmt: skip


@pytest.fixture(scope="module")
def planned(trained: Workspace) -> PlannedExport:
    return plan_export(trained, "page")


@pytest.fixture(scope="module")
def chat(trained: Workspace, planned: PlannedExport) -> ChatModel:
    """Inkling's engine on the weights that the page computes with, and with its memory."""
    run = Run.choose(trained, None)
    loaded = ChatModel.load(run, Runtime.detect())
    weights = quantise(planned.model.weights)
    model = build_model(loaded.config.model)
    model.load_state_dict(
        {
            name: torch.from_numpy(
                weight * weights[name.replace("weight", "scale")][:, None]
                if weight.dtype == np.int8
                else weight.copy()
            )
            for name, weight in weights.items()
            if name.endswith("weight")
        }
    )
    engine = Engine(model, allowed_mask(loaded.config), loaded.tokenizer.end_id)
    return replace(loaded, engine=engine).with_memory(run_memory(trained, run))


@pytest.fixture(scope="module")
def engine(chromium: Browser, planned: PlannedExport) -> Iterator[Page]:
    """The engine with the exported model, as globals of an empty page."""
    context = chromium.new_context()
    page = context.new_page()
    page.add_script_tag(content=engine_source())
    content = carried_model(planned.model, planned.memory)
    page.evaluate(
        "([content, weights]) => { globalThis.opened = openModel(content, weights); }",
        [json.loads(json.dumps(content)), encoded_weights(planned.model)],
    )
    yield page
    context.close()


def turns(history: tuple[Turn, ...]) -> list[dict[str, str]]:
    return [{"role": role, "text": text} for role, text in history]


@pytest.fixture(scope="module")
def texts(planned: PlannedExport) -> list[str]:
    """Real messages, hard ones, and ones that chance put together."""
    assert planned.memory is not None
    said = [text for dialog in planned.memory.dialogs for _, text in dialog]
    dice = random.Random(5)
    alphabet = "ab A.'’!?\n\t  0é日🐖İſK\u0345\u200b\x1c\x85\u00a0Ⅷ½"
    mixed = ["".join(dice.choices(alphabet, k=30)) for _ in range(200)]
    return [*said, *HARD, *SCRIPTS, *mixed]


def test_ids_and_their_text_are_the_tokenizers(
    engine: Page, chat: ChatModel, texts: list[str]
) -> None:
    found = engine.evaluate("(texts) => texts.map((text) => opened.tokenizer.encode(text))", texts)
    for text, wanted, ids in zip(texts, chat.tokenizer.encode_batch(texts), found, strict=True):
        assert ids == wanted, ascii(text)
    back = engine.evaluate("(all) => all.map((ids) => opened.tokenizer.decode(ids))", found)
    assert back == texts
    half = chat.tokenizer.encode("é🐖")[:-1]
    ours = chat.tokenizer.decode(half)
    assert engine.evaluate("(ids) => opened.tokenizer.decode(ids)", half) == ours


def test_words_and_spellings_are_the_memorys(engine: Page, texts: list[str]) -> None:
    """Of all characters that Python's tables know: a browser may know newer ones."""
    texts = ["".join(c for c in text if unicodedata.category(c) != "Cn") for text in texts]
    assert engine.evaluate("(texts) => texts.map(words)", texts) == [words(text) for text in texts]
    known = sorted({word for text in texts for word in words(text)})
    found = engine.evaluate("(known) => known.map((word) => [...spelling(word)].sort())", known)
    assert [set(grams) for grams in found] == [spelling(word) for word in known]


@pytest.mark.parametrize("context", [256, 24])
@pytest.mark.parametrize("tuned", [True, False])
def test_prompts_are_the_chats(engine: Page, chat: ChatModel, context: int, tuned: bool) -> None:
    """What is left out of a long history, and how much of a long message is not read, too."""
    long = "Is this the one where WE talk, on and on, about the Weather? " * 12
    for history, message in [*CHATS, (HISTORY * 4, long), (HISTORY[1:], "ok")]:
        wanted = reply_prompt(chat.tokenizer, message, history, context, tuned)
        found = engine.evaluate(
            "([message, history, context, tuned]) =>"
            " replyPrompt(opened.tokenizer, message, history, context, tuned)",
            [message, turns(history), context, tuned],
        )
        assert found == {"ids": wanted.ids, "unread": wanted.unread}, (message, history)


def looked_up(engine: Page, message: str, history: tuple[Turn, ...]) -> list[list[Any]]:
    found = engine.evaluate(
        "([message, history]) => nearest(opened.index, opened.waysOfAsking, message, history)",
        [message, turns(history)],
    )
    return [[each["number"], each["score"], each["weight"], each["record"]] for each in found]


@pytest.mark.parametrize("history", [(), HISTORY[:2], HISTORY])
def test_what_is_looked_up_is_the_memorys(
    engine: Page, chat: ChatModel, history: tuple[Turn, ...], texts: list[str]
) -> None:
    """The same exchanges with the same weights, for first questions, follow-ups, hard texts."""
    assert chat.memory is not None
    index = chat.memory.index
    for message in [
        *QUESTIONS,
        "why?",
        "hi",
        "who are you",
        "",
        *SCRIPTS,
        *HARD[2:4],
        *texts[::60],
    ]:
        wanted = nearest(index, message, history)
        found = looked_up(engine, message, history)
        assert [each[0] for each in found] == [each.number for each in wanted], ascii(message)
        for (_, score, weight, record), each in zip(found, wanted, strict=True):
            assert score == pytest.approx(each.score, rel=1e-5)
            assert weight == pytest.approx(each.weight, rel=1e-4)
            assert (record["question"], record["reply"]) == (
                each.record.question,
                each.record.reply,
            )


def test_words_tell_as_much(engine: Page, chat: ChatModel) -> None:
    assert chat.memory is not None
    index = chat.memory.index
    numbers, told = engine.evaluate("() => [[...opened.index.numbers], [...opened.index.telling]]")
    assert numbers == [[word, number] for number, word in enumerate(index.vocabulary)]
    assert told == pytest.approx(index.telling_V.tolist(), rel=1e-6)
    assert len(set(told)) > 20


def test_what_memory_offers_is_the_mixtures(engine: Page, chat: ChatModel) -> None:
    """Along replies that follow a neighbour, leave it, and say it twice."""
    assert chat.memory is not None
    recalled = chat.memory.recall("How are you?", (), 0.6)
    assert recalled is not None
    replies = [chat.tokenizer.encode(" " + n.record.reply)[:9] for n in recalled.neighbours]
    shares = [n.weight for n in recalled.neighbours]
    continuations = Continuations.of(replies, shares)
    for path in (replies[0] + replies[0], replies[1][:3] + replies[0][2:] + [0, 1], replies[-1]):
        reading = Reading(continuations, 1)
        found = engine.evaluate(
            """([replies, shares, path]) => {
              const reading = new Reading(continuations(replies, shares));
              return path.map((token) => {
                const offered = [...reading.probabilities()];
                reading.take(token);
                return offered;
              });
            }""",
            [replies, shares, path],
        )
        for token, offered in zip(path, found, strict=True):
            p_U = reading.probabilities()[0]
            wanted = {int(i): p for i, p in zip(continuations.ids, p_U.tolist(), strict=True) if p}
            assert {i: p for i, p in offered if p} == pytest.approx(wanted, rel=1e-5)
            reading.take(np.array([token]))


def test_the_draft_that_is_said_is_the_rankings(engine: Page, chat: ChatModel) -> None:
    assert chat.memory is not None
    index = chat.memory.index
    for message in QUESTIONS[:4]:
        ranking = Ranking(index, nearest(index, message))
        said = [n.record.reply for n in nearest(index, message)] + ["no no no no no", "", "Yes."]
        found = engine.evaluate(
            """([message, said]) => {
              const near = nearest(opened.index, opened.waysOfAsking, message, []);
              const ranking = new Ranking(opened.index, near);
              return said.map((text) => ranking.rank(text, -1.5));
            }""",
            [message, said],
        )
        assert found == pytest.approx([ranking.rank(text, -1.5) for text in said], rel=1e-5)


SETTINGS = (
    {"temperature": 1.0, "top_k": 0, "repetition_penalty": 1.0},
    {"temperature": 0.5, "top_k": 25, "repetition_penalty": 1.1},
    {"temperature": 1.7, "top_k": 9, "top_p": 0.8, "repetition_penalty": 1.5},
    {"temperature": 0.8, "top_k": 0, "top_p": 0.3, "min_p": 0.1, "repetition_penalty": 1.0},
    {"temperature": 0.7, "top_k": 12, "presence_penalty": 0.4, "frequency_penalty": -0.3},
    {"temperature": 0.5, "top_k": 25, "memory": 0.6},
    {"temperature": 0.9, "top_k": 6, "top_p": 0.9, "memory": 1.0, "repetition_penalty": 1.2},
)


@pytest.mark.parametrize("values", SETTINGS)
def test_what_may_be_drawn_is_the_samplers(engine: Page, values: dict[str, Any]) -> None:
    """The same candidates with the same chances, after every stage."""
    settings = SamplingSettings(**({"memory": 0.0} | values))
    dice = np.random.default_rng(len(repr(values)))
    logits_V = dice.normal(size=60).astype(np.float32) * 2
    logits_V[[3, 30]] = -np.inf
    output = dice.integers(0, 60, 70).tolist()
    forbidden = [5, 6, 7]
    offered = {3: 0.1, 5: 0.2, 11: 0.4, 40: 0.3} if settings.memory else {}
    sampler = Sampler(settings, 60)
    for token in output:
        sampler.append_token(token)
    sampler.forbidden_V = np.isin(np.arange(60), forbidden)
    x_SV = penalised(logits_V[None], [sampler])
    if offered:
        p_M = np.array(list(offered.values()), np.float32)
        memory = Memory(np.array(list(offered)), p_M, min(settings.memory, 0.999))
        x_SV = mix(x_SV, [0], [memory])
    ids, weights, _ = candidates(x_SV, [sampler], [settings.temperature])
    wanted = {int(i): float(w) for i, w in zip(ids, weights / weights.sum(), strict=True) if w > 0}
    found = engine.evaluate(
        """([logits, settings, output, forbidden, memory]) => {
          const own = Float64Array.from(logits, (logit) => logit ?? -Infinity);
          const changed = penalised(own, settings, output, forbidden);
          return candidates(mixed(changed, new Map(memory), settings.memory), settings);
        }""",
        [
            [float(x) if np.isfinite(x) else None for x in logits_V],
            settings.model_dump(mode="json"), output, forbidden, list(offered.items()),
        ],
    )  # fmt: skip
    total = sum(weight for _, weight in found)
    assert {i: weight / total for i, weight in found} == pytest.approx(wanted, rel=1e-4)


WRITE = """async ([message, history, settings]) => {
  const done = await writeReply(opened, { message, history, settings }, async () => true);
  return [done.text, done.finish];
}"""


@pytest.mark.parametrize("memory", [0.0, 0.6])
@pytest.mark.parametrize("history", [(), HISTORY])
def test_greedy_replies_are_the_engines(
    engine: Page, chat: ChatModel, memory: float, history: tuple[Turn, ...]
) -> None:
    """Character for character on the same weights, longer than the context holds."""
    settings = SamplingSettings(temperature=0.0, memory=memory, max_tokens=200)
    said = set()
    for question in QUESTIONS[:5]:
        wanted = chat.answer(question, history, settings)
        dump = settings.model_dump(mode="json")
        found = engine.evaluate(WRITE, [question, turns(history), dump])
        assert found == [wanted.text, wanted.finish]
        said.add(wanted.text)
    assert len(said) > 1


def test_a_reply_ends_at_a_stop_text_and_at_its_limit(engine: Page, chat: ChatModel) -> None:
    greedy = SamplingSettings(temperature=0.0, memory=0.6, max_tokens=60)
    whole = chat.answer(QUESTIONS[0], (), greedy).text
    stop = whole[4:7]
    for settings in (
        greedy.model_copy(update={"stop": (stop, "never said")}),
        greedy.model_copy(update={"max_tokens": 3}),
    ):
        wanted = chat.answer(QUESTIONS[0], (), settings)
        dump = settings.model_dump(mode="json")
        assert engine.evaluate(WRITE, [QUESTIONS[0], [], dump]) == [wanted.text, wanted.finish]
        assert len(wanted.text) < len(whole)


def test_drafts_differ_and_the_fittest_is_said(engine: Page) -> None:
    """Drawn with other random numbers each; the one of the highest rank comes."""
    settings = SamplingSettings(best_of=6, temperature=1.0, max_tokens=12).model_dump(mode="json")
    texts, said, best = engine.evaluate(
        """async ([message, settings]) => {
          let drafts;
          const pause = async (all) => ((drafts = all), true);
          const done = await writeReply(opened, { message, history: [], settings }, pause);
          const { ranking } = recall(opened, message, [], settings);
          const ranks = drafts.map((draft) => [
            draft.finish === 'stop',
            ranking.rank(draft.said, draft.logprob / draft.tokens),
            draft.said,
          ]);
          ranks.sort(([a, x], [b, y]) => b - a || y - x);
          return [drafts.map((draft) => draft.said), done.text, ranks[0][2]];
        }""",
        [QUESTIONS[3], settings],
    )
    assert len(set(texts)) > 1
    assert said == best


def test_a_stopped_reply_is_none(engine: Page) -> None:
    settings = SamplingSettings(max_tokens=50).model_dump(mode="json")
    steps, done = engine.evaluate(
        """async (settings) => {
          let steps = 0;
          const request = { message: 'go on', history: [], settings };
          const done = await writeReply(opened, request, async () => ++steps < 5);
          return [steps, done];
        }""",
        settings,
    )
    assert (steps, done) == (5, None)
