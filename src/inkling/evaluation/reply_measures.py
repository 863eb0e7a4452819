"""What is measured on generated replies: loops, copying, voice.

Knows: which questions are asked, and when there is nothing to measure. Does not know: how a reply
is generated (it takes `generate`).
Data: held-out exchanges + `generate` -> replies -> `ReplyMeasures`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from inkling.corpus.store import CorpusStore
from inkling.evaluation.copying import measure_copying
from inkling.evaluation.evaluated_run import EvaluatedRun
from inkling.evaluation.loops import GeneratedReply, Loops, count_loops
from inkling.evaluation.passages import HeldOutExchange
from inkling.evaluation.schema import Copied, Example, Missing
from inkling.evaluation.stylometry import (
    LEAST_EXCHANGES,
    Voice,
    compare_voices,
    generic_replies,
)
from inkling.tracing.training_text import TrainingTextIndex

Generate = Callable[[HeldOutExchange, int], GeneratedReply]
"""(a question and what was said before it, seed) -> what the model generates"""

EXAMPLES = 5


@dataclass(frozen=True)
class ReplyMeasures:
    """The parts of a report that need generated replies."""

    loops: Loops | Missing
    copied: Copied | Missing
    voice: Voice | Missing
    examples: tuple[Example, ...] = ()


def measure_replies(
    evaluated: EvaluatedRun,
    generate: Generate,
    held_out: Sequence[HeldOutExchange],
    own_replies: Sequence[str],
    count: int,
    seed: int,
    on_step: Callable[[str], None],
) -> ReplyMeasures:
    """Generate `count` replies to held-out questions, with seeds seed, seed+1, …, and measure them.

    `own_replies` are those of the training text.
    """
    asked = _choose(held_out, count, seed)
    if why := _no_replies(evaluated, asked):
        missing = Missing(why=why)
        return ReplyMeasures(missing, missing, missing)
    on_step(f"{count} replies")
    generated = [generate(asked[i % len(asked)], seed + i) for i in range(count)]
    copied = _copied(evaluated, [reply.text for reply in generated])
    on_step("voice")
    return ReplyMeasures(
        count_loops(generated),
        copied,
        _compare(own_replies, asked, generated, seed),
        tuple(
            Example(question=exchange.question, you=exchange.reply, model=reply.text)
            for exchange, reply in list(zip(asked, generated, strict=False))[:EXAMPLES]
        ),
    )


def _no_replies(evaluated: EvaluatedRun, asked: Sequence[HeldOutExchange]) -> str:
    """Why there is nothing to say about replies; empty where there is."""
    if evaluated.run.is_rung():
        return "This run is a rung of the ladder: a lesson in models, not fine-tuned to reply."
    if not evaluated.tuned:
        return (
            "This run was not fine-tuned on dialogs: it continues a text and does not reply. "
            f"With dialogs in the corpus: inkling finetune {evaluated.run.name}."
        )
    if not asked:
        return "No exchange was held out: there is no question to ask."
    return ""


def _copied(evaluated: EvaluatedRun, replies: Sequence[str]) -> Copied:
    trained = TrainingTextIndex.of(evaluated.run)
    found = measure_copying(trained.index, replies)
    source = ""
    if found.longest_source is not None:
        origin = trained.origin(found.longest_source[0])
        known = None
        if evaluated.workspace.corpus_path.exists():
            with CorpusStore(evaluated.workspace.corpus_path) as store:
                known = store.describe([origin.document]).get(origin.document)
        kind = "your writing" if origin.kind == "writing" else "a dialog"
        name = None if known is None else known.title or Path(known.raw_ref).name
        source = kind if name is None else f"{kind}, {name}"
    return Copied(
        replies=found.texts,
        min_characters=found.min_characters,
        share=found.share,
        longest=found.longest,
        text=found.longest_text,
        source=source,
    )


def _compare(
    own_replies: Sequence[str],
    asked: Sequence[HeldOutExchange],
    generated: Sequence[GeneratedReply],
    seed: int,
) -> Voice | Missing:
    pairs = list(zip(asked, generated, strict=False))
    if len(pairs) < LEAST_EXCHANGES:
        return Missing(
            why=f"Only {len(pairs)} held-out exchanges were answered; a comparison of voices needs "
            f"{LEAST_EXCHANGES}."
        )
    real = [exchange.reply for exchange, _ in pairs]
    return compare_voices(
        own_replies, real, [reply.text for _, reply in pairs], generic_replies(), seed
    )


def _choose(found: Sequence[HeldOutExchange], count: int, seed: int) -> list[HeldOutExchange]:
    """So many exchanges at random, all of them where there are fewer."""
    return random.Random(seed).sample(list(found), min(count, len(found)))
