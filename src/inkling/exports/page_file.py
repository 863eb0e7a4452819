"""A run as one HTML file that chats by itself, in any browser and without a network.

Knows: what the page carries and how it is put together. Does not know: the folder around it, or
how a reply is made: `page/engine` does that in the browser, as `inference` and `memory` do here,
with their constants. Data: `ExportableRun` (+ `PageMemory`) -> HTML.

The scripts are plain JavaScript, joined in the order of their names: the engine as a text that the
page starts as a worker, and `chat.js`, which is all that runs in the page. The policy in its head
allows that script by its hash, that style, that worker, and no connection of any kind.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from types import ModuleType
from typing import Any

from inkling.config import SamplingSettings
from inkling.evaluation.schema import EvaluationReport
from inkling.exports.exportable_run import ExportableRun
from inkling.exports.page_memory import PageMemory
from inkling.exports.quantised import quantise
from inkling.exports.safety import copying_sentence
from inkling.tokens.vocabulary import END, ME, THEM

_PAGE = files("inkling.exports").joinpath("page")


AFFORDABLE = 64_000_000
"""Weights times drafts that a page computes at once unless told otherwise. The demo's 22 million
took a second a reply in Chromium, on one core of a busy machine."""


@dataclass(frozen=True)
class Slider:
    """A setting that the reader may change; `off` is the value at which it does nothing."""

    name: str
    label: str
    low: float
    high: float
    step: float
    digits: int
    off: float | None = None

    @property
    def hint(self) -> str:
        return SamplingSettings.model_fields[self.name].description or ""


_SLIDERS = (
    Slider("temperature", "Temperature", 0, 2, 0.05, 2),
    Slider("top_k", "Top-k", 0, 200, 1, 0, off=0),
    Slider("top_p", "Top-p", 0.05, 1, 0.05, 2, off=1),
    Slider("memory", "Memory", 0, 1, 0.05, 2, off=0),
    Slider("max_tokens", "Max tokens", 20, 1000, 20, 0),
    Slider("best_of", "Drafts", 1, 32, 1, 0),
)


def page_name(model: ExportableRun) -> str:
    """The file's name: whose model it is, in letters that every system takes."""
    letters = unicodedata.normalize("NFKD", model.name.lower()).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^a-z0-9]+", "-", letters).strip("-")
    return f"small-model-of-{plain or model.config.name}.html"


def page_html(
    model: ExportableRun, report: EvaluationReport | None, memory: PageMemory | None
) -> str:
    """The whole file."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    style, chat = _source("page.css"), f"'use strict';\n{_source('chat.js')}"
    name = " ".join(model.name.split())
    sampling = model.sampling.model_dump(mode="json", exclude={"seed"})
    most = max(1, AFFORDABLE // model.settings.parameter_count())
    sampling["best_of"] = min(sampling["best_of"], most)
    if memory is None:
        sampling["memory"] = 0
    environment = Environment(undefined=StrictUndefined, autoescape=True)
    return environment.from_string(_source("page.html.jinja")).render(
        policy=_policy(style, chat),
        name=name,
        style=Markup(style),
        chat=Markup(chat),
        engine=Markup(engine_source()),
        weights=Markup(encoded_weights(model)),
        model=Markup(_json(carried_model(model, memory))),
        page=Markup(_json({"name": name, "sampling": sampling})),
        starters=model.config.starters if memory is not None else (),
        sliders=[
            {
                **vars(slider),
                "hint": slider.hint,
                "value": value,
                "low": min(slider.low, value),
                "high": max(slider.high, value),
            }
            for slider in _SLIDERS
            for value in [sampling[slider.name]]
            if memory is not None or slider.name != "memory"
        ],
        about=_about(model, report, memory),
        facts=_facts(model, memory),
    )


def engine_source() -> str:
    """What computes a reply, as one script."""
    folder = _PAGE.joinpath("engine")
    names = sorted(path.name for path in folder.iterdir() if path.name.endswith(".js"))
    scripts = "\n".join(_source(f"engine/{name}") for name in names)
    return f"'use strict';\n{_constants(scripts)}\n{scripts}"


def _constants(scripts: str) -> str:
    """The constants of Inkling's own modules that the scripts name."""
    found: dict[str, Any] = {}
    for name, value in _named_values():
        if re.search(rf"\b{name}\b", scripts):
            assert found.setdefault(name, value) == value, f"{name} has two values"
    return "".join(f"const {name} = {_json(value)};\n" for name, value in sorted(found.items()))


def _named_values() -> Iterator[tuple[str, Any]]:
    from inkling.inference import prompts, sampling, sequence
    from inkling.memory import (
        index,
        lookup,
        mixture,
        ranking,
        records,
        related_words,
        telling,
        ways_of_asking,
        words,
    )
    from inkling.tokens import chat_format

    modules: Sequence[ModuleType] = (
        chat_format, index, lookup, mixture, prompts, ranking, records, related_words, sampling,
        sequence, telling, ways_of_asking, words,
    )  # fmt: skip
    for module in modules:
        for name, value in vars(module).items():
            if name.isupper() and isinstance(value, int | float | str | tuple):
                yield name, value


def carried_model(model: ExportableRun, memory: PageMemory | None) -> dict[str, Any]:
    """All that the engine needs beside the weights."""
    from inkling.memory import related_words, ways_of_asking

    tokenizer = model.tokenizer
    content = json.loads(tokenizer.to_json())["model"]
    ids: dict[str, int] = content["vocab"]
    specials = {"end": END, "them": THEM, "me": ME}
    return {
        "settings": model.settings.model_dump(mode="json"),
        "tuned": model.tuned,
        "silent": model.silent_ids,
        "vocabulary": {
            "tokens": sorted(ids, key=ids.__getitem__),
            "merges": [[ids[left], ids[right]] for left, right in content["merges"]],
            "specials": {
                **{role: tokenizer.special_id(token) for role, token in specials.items()},
                "all": list(tokenizer.special_ids),
            },
        },
        "dialogs": None if memory is None else memory.dialogs,
        "waysOfAsking": () if memory is None else ways_of_asking.groups(),
        "relatedWords": () if memory is None else related_words.groups(),
    }


def encoded_weights(model: ExportableRun) -> str:
    from safetensors.numpy import save

    weights = dict(model.weights)
    if model.settings.tie_embeddings:
        del weights["head.weight"]
    return base64.b64encode(save(quantise(weights))).decode("ascii")


def _about(
    model: ExportableRun, report: EvaluationReport | None, memory: PageMemory | None
) -> list[str]:
    name = " ".join(model.name.split())
    sentences = [
        f"A language model that Inkling trained from scratch on what {name} wrote, and on nothing "
        "else. What it says may never have been said by anyone. Do not pass it off as "
        f"{name}'s words.",
        "Its weights may contain private text: it remembers parts of what it was trained on. "
        f"{copying_sentence(report)}",
    ]
    if memory is not None:
        sentences.append(memory.sentence(name))
    if not model.tuned:
        sentences.append(
            "It was never fine-tuned on dialogs: it continues a text, and does not answer."
        )
    sentences.append(
        "It computes here, in this page, and opens no connection. The conversation is gone when "
        "the page is closed."
    )
    return sentences


def _facts(model: ExportableRun, memory: PageMemory | None) -> list[tuple[str, str]]:
    settings, data = model.settings, model.config.data
    facts = [
        ("parameters", f"{settings.parameter_count():,}, a byte each"),
        ("layers", f"{settings.n_layer}, width {settings.n_embd}"),
        ("context", f"{settings.context_length:,} tokens"),
        ("vocabulary", f"{settings.vocab_size:,} tokens"),
        ("trained on", f"{data.train_characters:,} characters"),
    ]
    if memory is not None:
        facts.append(("memory", f"{memory.exchanges:,} exchanges"))
    if made := model.config.created[:10]:
        facts.append(("made", made))
    return facts


def _policy(style: str, script: str) -> str:
    def sha256(text: str) -> str:
        return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")

    return (
        f"default-src 'none'; script-src 'sha256-{sha256(script)}'; "
        f"style-src 'sha256-{sha256(style)}'; worker-src blob:; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _source(name: str) -> str:
    return _PAGE.joinpath(name).read_text(encoding="utf-8").rstrip("\n")


def _json(content: Any) -> str:
    """JSON that ends no script element and needs no escape within one."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).replace("<", r"\u003c")
