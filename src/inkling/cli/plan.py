"""The plan of a training in words a beginner understands, before the first step.

Knows: how what was derived is said. Does not know how it was derived.
Data: `RunConfig` -> lines on standard output.
"""

from __future__ import annotations

from inkling.cli.console import echo
from inkling.config import LadderSettings, ModelSettings, RunConfig
from inkling.evaluation.units import bits
from inkling.model.build import count_parameters
from inkling.training.assembly import learned_by_heart
from inkling.training.forecast import estimate, memory_bytes
from inkling.training.loss_words import looks_like, readings_words
from inkling.training.progress import characters_per_token
from inkling.wording import duration, plural

LITTLE_TEXT = 100_000
"""Characters below which the plan says that there is little text."""


def print_plan(config: RunConfig, machine: str) -> None:
    """What was derived, in words a beginner understands, before the first step."""
    facts, model, tuning = config.data, config.model, config.finetune
    size = count_parameters(model)
    characters = characters_per_token(facts)
    expected = estimate(config.train, facts, size)
    echo(f"Run {config.name} on {machine}:")
    text = f"  text      {facts.train_characters:,} characters to learn from"
    if facts.val_characters:
        text += f", {facts.val_characters:,} kept aside to test on"
    echo(text)
    if chosen := config.selection.sentences():
        echo(f"  chosen    {'; '.join(chosen)}")
    for sentence in facts.findings:
        echo(f"  found     {sentence}")
    if facts.train_characters < LITTLE_TEXT:
        pages = max(1, round(facts.train_characters / 1_800))
        echo(
            f"            (that is little: about {plural(pages, 'page')}; from about "
            f"{LITTLE_TEXT:,} characters the wait is worth it)"
        )
    if facts.dialogs:
        echo(f"  dialogs   {facts.dialogs:,} to learn from, {facts.held_out_dialogs:,} kept aside")
        if config.finetune is None:
            echo("            (too few to keep one aside, so no fine-tuning)")
    echo(f"  pieces    {model.vocab_size:,} different tokens of about {characters:.1f} characters")
    echo(
        f"  model     {size:,} weights{_shape(model)}; "
        f"it looks back about {round(model.context_length * characters):,} characters"
    )
    echo(
        f"  training  {plural(config.train.schedule.steps, 'step')}, "
        + readings_words(expected.readings)
        + (f"; then {plural(tuning.schedule.steps, 'step')} on the dialogs" if tuning else "")
    )
    if config.train.evaluation.eval_tokens:
        echo(f"  testing   {_tested_on(config)}")
    if config.minutes is not None:
        echo(f"  time      {duration(60 * config.minutes)} in all")
    if learned_by_heart(config):
        echo(
            "            (it ends sooner: more steps would only learn this text by heart; add "
            "more text to use the time)"
        )
    echo(f"  memory    about {memory_bytes(size) / 1e6:,.0f} MB")
    if config.recipe == "modern":  # the only one whose course was measured
        line = f"  expect    about {bits(expected.expected_nats):.1f} bits a character"
        words = looks_like(expected.expected_nats, facts)
        echo(line if words is None else f"{line}: {words}")


def _tested_on(config: RunConfig) -> str:
    """How much of the held-out text is read, where all would take too long again and again."""
    settings, all_tokens = config.train.evaluation, config.data.val_tokens
    line = (
        f"on {settings.eval_tokens:,} of the {all_tokens:,} tokens kept aside, spread evenly; at "
        "the end on "
    )
    if settings.final_tokens == settings.eval_tokens:
        return line + "the same: all of it would take too long"
    if settings.final_tokens:
        return line + f"{settings.final_tokens:,}: all of it would take too long"
    return line + "all of it"


def _shape(model: ModelSettings | LadderSettings) -> str:
    if isinstance(model, LadderSettings) and model.rung not in ("blocks", "classic"):
        return f" ({model.rung})"
    blocks = "1 block" if model.n_layer == 1 else f"{model.n_layer} blocks"
    return f" in {blocks} of width {model.n_embd}"
