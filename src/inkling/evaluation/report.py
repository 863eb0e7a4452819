"""One honest report on a run: measures everything and puts it together.

Knows: which measure is taken of which checkpoint on which text. Does not know: how a reply is
written (it takes `generate`), the terminal, HTML. Data: `Subject` -> measures -> `Report`.

The run is measured on its own packed data. Held-out writing is read by the best checkpoint of
the base phase (the number that a training shows), held-out replies by the checkpoint that
speaks; each by the other as well, since a reader may ask what fine-tuning did to it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch

from inkling import __version__
from inkling.config import Phase, RunConfig, SamplingSettings
from inkling.corpus.split import Dialog, reply_leak
from inkling.corpus.store import CorpusStore
from inkling.evaluation.baselines import Baseline, compressed, counted, xz_ratio
from inkling.evaluation.calibration import measure_calibration
from inkling.evaluation.compressors import ppm_installed
from inkling.evaluation.copying import measure_copying
from inkling.evaluation.likelihood import measure
from inkling.evaluation.loops import Loops, Written, count_loops
from inkling.evaluation.passages import (
    Exchange,
    Symbols,
    dialogs,
    exchanges,
    passages,
    reply_symbols,
    writing_symbols,
)
from inkling.evaluation.schema import (
    Copied,
    Example,
    HeldOut,
    Leak,
    Loss,
    Missing,
    Report,
)
from inkling.evaluation.stylometry import (
    LEAST_EXCHANGES,
    Voice,
    compare_voices,
    generic_replies,
)
from inkling.evaluation.verdict import verdict
from inkling.runs import Run
from inkling.tokens.chat_format import Turn
from inkling.tokens.dataset import PackedIds
from inkling.tokens.tokenizer import Tokenizer
from inkling.trained_text import TrainedText
from inkling.workspace import Workspace

Generate = Callable[[Exchange, int], Written]
"""(a question and what was said before it, seed) -> what the model writes"""

BASELINE_CHARACTERS = 5_000_000
"""Training text that the baselines read at most, the last of it: xz needs seconds a megabyte."""
EXAMPLES = 5

SPEAKS_LAST = (
    "The checkpoint that speaks has a higher loss on replies than the one before fine-tuning: it "
    "knows its training replies by heart and is sure of itself where it is wrong. Fine-tuning "
    "keeps its last checkpoint all the same, because on the demo's text that one answered twice "
    "as many questions with the right fact (docs/decisions.md)."
)


@dataclass(frozen=True)
class Checkpointed:
    """A model with the weights of one checkpoint."""

    phase: Phase
    step: int
    model: torch.nn.Module


@dataclass(frozen=True)
class Subject:
    """A run with its models and its data."""

    run: Run
    workspace: Workspace
    config: RunConfig
    tokenizer: Tokenizer
    base: Checkpointed
    """The best checkpoint of the base phase."""
    speaking: Checkpointed
    """The one that chat uses; the same where the run was not fine-tuned."""
    device: torch.device

    @property
    def tuned(self) -> bool:
        return self.speaking.phase == "finetune"

    def part(self, name: str) -> PackedIds:
        return PackedIds.open(self.run.data_path, name)


def make_report(
    subject: Subject,
    generate: Generate,
    sampling: SamplingSettings,
    count: int,
    seed: int = 0,
    on_step: Callable[[str], None] = lambda what: None,
) -> Report:
    """Measure everything that can be measured of a run.

    `generate` draws with `sampling`; `count` replies are written, with seeds seed, seed+1, …
    """
    tokenizer, config = subject.tokenizer, subject.config
    on_step("held-out text")
    train_ids = subject.part("train").ids
    train = writing_symbols(passages(np.asarray(train_ids[-BASELINE_CHARACTERS:]), tokenizer))
    notes = []
    if len(train.codes) > BASELINE_CHARACTERS or len(train_ids) > BASELINE_CHARACTERS:
        train = train.last(BASELINE_CHARACTERS)
        notes.append(f"The baselines read the last {BASELINE_CHARACTERS:,} characters of training.")
    val, dialog_val = subject.part("val"), subject.part("dialog_val")
    written = writing_symbols(passages(np.asarray(val.ids), tokenizer))
    replied = reply_symbols(list(passages(np.asarray(dialog_val.ids), tokenizer)))
    own_dialogs = dialogs(subject.part("dialog_train"), tokenizer)
    held_out_dialogs = dialogs(dialog_val, tokenizer)

    writing: HeldOut | Missing = Missing(
        why="No writing was held out: the corpus is all dialogs, or very short."
    )
    if written.characters:
        on_step("baselines on the writing")
        notes_here = [
            *notes,
            "Counts and the model stand still while they are measured; compressors go on learning "
            "from the held-out text as they read it, which helps them a little.",
        ]
        if not ppm_installed():
            notes_here.append(
                "PPM, the strongest compressor here, is not installed: "
                'pip install "inkling-gpt[bench]".'
            )
        found = counted(train, written, len(tokenizer.characters)) + compressed(train, written)
        on_step("the model on the writing")
        writing = _held_out(subject, val, written, found, notes_here, subject.base)
    replies: HeldOut | Missing = Missing(why="No replies were held out: too few dialogs, or none.")
    if replied.characters:
        on_step("replies")
        notes_here = [
            *notes,
            "For replies compressors are left out: they could not be given the questions without "
            "paying for them.",
        ]
        found = counted(train, replied, len(tokenizer.characters))
        replies = _held_out(subject, dialog_val, replied, found, notes_here, subject.speaking)
        keeps_last = config.finetune is not None and config.finetune.keep == "last"
        if keeps_last and replies.losses[0].nats_per_char > replies.losses[-1].nats_per_char:
            replies = replies.model_copy(update={"notes": (*replies.notes, SPEAKS_LAST)})

    main = written if written.characters else replied
    leak = Leak(
        writing=config.data.leak,
        replies=reply_leak(_as_split(own_dialogs), _as_split(held_out_dialogs))
        if replied.characters
        else None,
        xz_ratio=xz_ratio(train, main) if main.characters else None,
        findings=config.data.findings,
    )

    asked = _choose(exchanges(held_out_dialogs), count, seed)
    why = _no_replies(subject, asked)
    loops: Loops | Missing = Missing(why=why)
    copied: Copied | Missing = Missing(why=why)
    voice: Voice | Missing = Missing(why=why)
    examples: tuple[Example, ...] = ()
    if not why:
        on_step(f"{count} replies")
        drawn = [generate(asked[i % len(asked)], seed + i) for i in range(count)]
        loops = count_loops(drawn)
        copied = _copied(subject, [reply.text for reply in drawn])
        on_step("voice")
        mine = [text for turns in own_dialogs for role, text in turns if role == "me"]
        voice = _voice(mine, asked, drawn, seed)
        examples = tuple(
            Example(question=exchange.question, you=exchange.reply, model=reply.text)
            for exchange, reply in list(zip(asked, drawn, strict=False))[:EXAMPLES]
        )
    return Report(
        run=subject.run.name,
        recipe=config.recipe,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        inkling_version=__version__,
        seed=seed,
        parameters=sum(p.numel() for p in subject.speaking.model.parameters()),
        train_characters=config.data.train_characters,
        verdict=verdict(writing, replies, leak),
        leak=leak,
        writing=writing,
        replies=replies,
        loops=loops,
        copied=copied,
        voice=voice,
        sampling=sampling,
        examples=examples,
    )


def _held_out(
    subject: Subject,
    part: PackedIds,
    text: Symbols,
    baselines: list[Baseline],
    notes: Sequence[str],
    main: Checkpointed,
) -> HeldOut:
    """Losses of both checkpoints on a part, `main` first, and the calibration of `main`."""
    context, end = subject.config.model.context_length, subject.tokenizer.end_id
    order = dict.fromkeys((main, subject.base, subject.speaking))
    losses = []
    for checkpoint in order:
        found = measure(
            checkpoint.model, part, subject.tokenizer.characters_started, end, context,
            subject.device,
        )  # fmt: skip
        assert found.characters == text.characters
        losses.append(
            Loss(
                phase=checkpoint.phase,
                step=checkpoint.step,
                nats_per_char=found.nats_per_char,
                nats_per_token=found.val_loss,
            )
        )
    sure = measure_calibration(main.model, part, end, context, subject.device)
    return HeldOut(
        characters=text.characters,
        losses=tuple(losses),
        baselines=tuple(baselines),
        notes=tuple(notes),
        calibration=sure or Missing(why="No token was held out."),
    )


def _no_replies(subject: Subject, asked: Sequence[Exchange]) -> str:
    """Why there is nothing to say about replies; empty where there is."""
    if subject.run.is_rung():
        return "This run is a rung of the ladder: a lesson in models, not fine-tuned to reply."
    if not subject.tuned:
        return (
            "This run was not fine-tuned on dialogs: it goes on from a text and does not reply. "
            f"With dialogs in the corpus: inkling finetune {subject.run.name}."
        )
    if not asked:
        return "No exchange was held out: there is no question to ask."
    return ""


def _copied(subject: Subject, replies: Sequence[str]) -> Copied:
    trained = TrainedText.of(subject.run)
    found = measure_copying(trained.index, replies)
    source = ""
    if found.longest_source is not None:
        origin = trained.origin(found.longest_source[0])
        known = None
        if subject.workspace.corpus_path.exists():
            with CorpusStore(subject.workspace.corpus_path) as store:
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


def _voice(
    mine: Sequence[str], asked: Sequence[Exchange], drawn: Sequence[Written], seed: int
) -> Voice | Missing:
    pairs = list(zip(asked, drawn, strict=False))
    if len(pairs) < LEAST_EXCHANGES:
        return Missing(
            why=f"Only {len(pairs)} held-out exchanges were answered; a comparison of voices needs "
            f"{LEAST_EXCHANGES}."
        )
    real = [exchange.reply for exchange, _ in pairs]
    return compare_voices(mine, real, [reply.text for _, reply in pairs], generic_replies(), seed)


def _choose(found: Sequence[Exchange], count: int, seed: int) -> list[Exchange]:
    """So many exchanges at random, all of them where there are fewer."""
    return random.Random(seed).sample(list(found), min(count, len(found)))


def _as_split(found: Sequence[Sequence[Turn]]) -> list[Dialog]:
    return [
        Dialog("", tuple(("me" if role == "me" else "them", text) for role, text in turns))
        for turns in found
    ]
