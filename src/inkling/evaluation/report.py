"""One honest report on a run: measures everything and puts it together.

Knows: which measure is taken of which checkpoint on which text. Does not know: how a reply is
generated (it takes `generate`), the terminal, HTML. Data: `EvaluatedRun` -> measures ->
`EvaluationReport`.

The run is measured on its own packed data. Held-out writing is read by the best checkpoint of
the base phase (the number that a training shows), held-out replies by the one that
chat uses; each by the other as well, since a reader may ask what fine-tuning did to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import numpy as np

from inkling import __version__
from inkling.config import SamplingSettings
from inkling.corpus.split_dialogs import Dialog, reply_leak
from inkling.evaluation.baselines import Baseline, compressed, counted, xz_ratio
from inkling.evaluation.calibration import measure_calibration
from inkling.evaluation.compressors import ppm_installed
from inkling.evaluation.evaluated_run import EvaluatedRun, LoadedCheckpoint
from inkling.evaluation.likelihood import measure
from inkling.evaluation.passages import (
    Symbols,
    dialogs,
    exchanges,
    passages,
    reply_symbols,
    writing_symbols,
)
from inkling.evaluation.reply_measures import Generate, measure_replies
from inkling.evaluation.schema import (
    EvaluationReport,
    HeldOut,
    Leak,
    Loss,
    Missing,
)
from inkling.evaluation.verdict import verdict
from inkling.tokens.chat_format import Turn
from inkling.tokens.dataset import PackedIds

BASELINE_CHARACTERS = 5_000_000
"""Training text that the baselines read at most, the last of it: xz needs seconds a megabyte."""

KEEPS_LAST = (
    "The checkpoint that chat uses has a higher loss on replies than the one before fine-tuning: "
    "it has memorized its training replies and is overconfident where it is wrong. Fine-tuning "
    "keeps its last checkpoint all the same, because on the demo's text that one answered twice "
    "as many questions with the right fact (docs/decisions.md)."
)


def make_report(
    evaluated: EvaluatedRun,
    generate: Generate,
    sampling: SamplingSettings,
    count: int,
    seed: int = 0,
    on_step: Callable[[str], None] = lambda what: None,
) -> EvaluationReport:
    """Measure everything that can be measured of a run.

    `generate` draws with `sampling`; `count` replies are generated, with seeds seed, seed+1, …
    """
    tokenizer, config = evaluated.tokenizer, evaluated.config
    on_step("held-out text")
    train_ids = evaluated.part("train").ids
    train = writing_symbols(passages(np.asarray(train_ids[-BASELINE_CHARACTERS:]), tokenizer))
    notes = []
    if len(train.codes) > BASELINE_CHARACTERS or len(train_ids) > BASELINE_CHARACTERS:
        train = train.last(BASELINE_CHARACTERS)
        notes.append(f"The baselines read the last {BASELINE_CHARACTERS:,} characters of training.")
    val, dialog_val = evaluated.part("val"), evaluated.part("dialog_val")
    written = writing_symbols(passages(np.asarray(val.ids), tokenizer))
    replied = reply_symbols(list(passages(np.asarray(dialog_val.ids), tokenizer)))
    own_dialogs = dialogs(evaluated.part("dialog_train"), tokenizer)
    held_out_dialogs = dialogs(dialog_val, tokenizer)

    writing: HeldOut | Missing = Missing(
        why="No writing was held out: the corpus is all dialogs, or very short."
    )
    if written.characters:
        on_step("baselines on the writing")
        notes_here = [
            *notes,
            "Counts and the model are fixed while they are measured; compressors keep learning "
            "from the held-out text as they read it, which helps them a little.",
        ]
        if not ppm_installed():
            notes_here.append(
                "PPM, the strongest compressor here, is not installed: "
                'pip install "inkling-gpt[bench]".'
            )
        found = counted(train, written, len(tokenizer.characters)) + compressed(train, written)
        on_step("the model on the writing")
        writing = _held_out(evaluated, val, written, found, notes_here, evaluated.base)
    replies: HeldOut | Missing = Missing(why="No replies were held out: too few dialogs, or none.")
    if replied.characters:
        on_step("replies")
        notes_here = [
            *notes,
            "For replies compressors are left out: they could not be given the questions without "
            "paying for them.",
        ]
        found = counted(train, replied, len(tokenizer.characters))
        replies = _held_out(evaluated, dialog_val, replied, found, notes_here, evaluated.chat)
        keeps_last = config.finetune is not None and config.finetune.evaluation.keep == "last"
        if keeps_last and replies.losses[0].nats_per_char > replies.losses[-1].nats_per_char:
            replies = replies.model_copy(update={"notes": (*replies.notes, KEEPS_LAST)})

    main = written if written.characters else replied
    leak = Leak(
        writing=config.data.leak,
        replies=reply_leak(_as_split(own_dialogs), _as_split(held_out_dialogs))
        if replied.characters
        else None,
        xz_ratio=xz_ratio(train, main) if main.characters else None,
        findings=config.data.findings,
    )

    own_replies = [text for turns in own_dialogs for role, text in turns if role == "me"]
    generated = measure_replies(
        evaluated, generate, exchanges(held_out_dialogs), own_replies, count, seed, on_step
    )
    return EvaluationReport(
        run=evaluated.run.name,
        recipe=config.recipe,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        inkling_version=__version__,
        seed=seed,
        parameters=sum(p.numel() for p in evaluated.chat.model.parameters()),
        train_characters=config.data.train_characters,
        verdict=verdict(writing, replies, leak),
        leak=leak,
        writing=writing,
        replies=replies,
        loops=generated.loops,
        copied=generated.copied,
        voice=generated.voice,
        sampling=sampling,
        examples=generated.examples,
    )


def _held_out(
    evaluated: EvaluatedRun,
    part: PackedIds,
    text: Symbols,
    baselines: list[Baseline],
    notes: Sequence[str],
    main: LoadedCheckpoint,
) -> HeldOut:
    """Losses of both checkpoints on a part, `main` first, and the calibration of `main`."""
    context, end = evaluated.config.model.context_length, evaluated.tokenizer.end_id
    order = dict.fromkeys((main, evaluated.base, evaluated.chat))
    losses = []
    for checkpoint in order:
        found = measure(
            checkpoint.model, part, evaluated.tokenizer.characters_started, end, context,
            evaluated.device,
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
    sure = measure_calibration(main.model, part, end, context, evaluated.device)
    return HeldOut(
        characters=text.characters,
        losses=tuple(losses),
        baselines=tuple(baselines),
        notes=tuple(notes),
        calibration=sure or Missing(why="No token was held out."),
    )


def _as_split(found: Sequence[Sequence[Turn]]) -> list[Dialog]:
    return [
        Dialog("", tuple(("me" if role == "me" else "them", text) for role, text in turns))
        for turns in found
    ]
