"""`inkling guess`: real and generated replies, blind, on the terminal or through a pipe."""

from __future__ import annotations

import secrets
import sys
import textwrap
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from inkling.cli.defaults import reply_settings
from inkling.cli.options import RunOption, WorkspaceOption, find_workspace, plural
from inkling.errors import RunError, UsageError

if TYPE_CHECKING:
    from inkling.evaluation.guessing import Card, Who
    from inkling.evaluation.passages import Exchange
    from inkling.inference.chat import ChatModel
    from inkling.runs import Run

_ANSWERS: dict[str, Who] = {"m": "me", "me": "me", "r": "model", "robot": "model", "model": "model"}
_KEYS = "m (me) or r (the model, a robot)"


def guess(
    run: RunOption = None,
    seed: Annotated[
        int | None,
        typer.Option(help="Same seed, same game. By default a new one.", show_default=False),
    ] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Ten real and ten generated replies to the same questions, shuffled. Who wrote which?

    Answer m for me, r for the model. Ctrl-D or Ctrl-C ends with the score so far, which is
    kept in the run's report.
    """
    if seed is not None and not 0 <= seed < 2**62:
        raise UsageError(f"--seed must be between 0 and 2^62 - 1; you gave {seed}.")
    found = find_workspace(workspace)
    sampling = reply_settings(found, {})
    from inkling.evaluation.guessing import PROMPTS, choose, deal, score
    from inkling.evaluation.schema import add_guess, read_guesses
    from inkling.evaluation.wording import guess_sentence
    from inkling.inference.replies import replier
    from inkling.runs import Run

    chosen_run = Run.choose(found, run)
    read_guesses(chosen_run)  # a damaged report is noticed before the game, not after it
    game = secrets.randbelow(1_000_000) if seed is None else seed
    voice, exchanges = _held_out(chosen_run)
    asked = choose(exchanges, game)
    generate = replier(voice, sampling)
    written = [generate(exchange, game + number) for number, exchange in enumerate(asked)]
    cards = deal(asked, written, game)
    if len(asked) < PROMPTS:
        typer.echo(
            f"Only {plural(len(asked), 'different held-out reply')} here, so the game is short."
        )
    typer.echo(f"{len(cards)} replies, half of them real. Answer {_KEYS}; Ctrl-D ends.")
    answers, stopped = _play(cards)
    if not answers:
        typer.echo("No answer, so there is no score to keep.")
    else:
        result = score(cards, answers, datetime.now(UTC).isoformat(timespec="seconds"), game)
        add_guess(chosen_run, result)
        _refresh_page(chosen_run)
        _reveal(cards, answers)
        for line in textwrap.wrap(guess_sentence(result), 80):
            typer.echo(line)
        typer.echo(f"Kept in {chosen_run.report_path} (seed {game}).")
    if stopped:
        raise typer.Exit(130)


def _held_out(run: Run) -> tuple[ChatModel, list[Exchange]]:
    """The voice and the exchanges it never saw. Raises RunError where there is no game in it."""
    from inkling.evaluation.passages import dialogs, exchanges
    from inkling.inference.chat import ChatModel
    from inkling.runtime import Runtime
    from inkling.tokens.dataset import PackedIds

    voice = ChatModel.load(run, Runtime.detect())
    if not voice.tuned:
        raise RunError(
            f"The run {run.name!r} was not fine-tuned on dialogs, so it does not reply. "
            f"With dialogs in the corpus: inkling finetune {run.name}."
        )
    found = exchanges(dialogs(PackedIds.open(run.data_path, "dialog_val"), voice.tokenizer))
    if not found:
        raise RunError(
            f"The run {run.name!r} has no held-out replies to play with. Add more dialogs "
            "(inkling add PATH) and train a new run: inkling train."
        )
    return voice, found


def _play(cards: list[Card]) -> tuple[list[Who], bool]:
    """The answers up to the end of the game or of the input, and whether Ctrl-C ended it."""
    answers: list[Who] = []
    asking = "me or the model? " if sys.stdin.isatty() else ""
    try:
        for number, card in enumerate(cards, 1):
            typer.echo(f"\n{number} of {len(cards)}")
            _show("them", card.question)
            _show("reply", card.reply)
            while (answer := _ANSWERS.get(input(asking).strip().lower())) is None:
                typer.echo(f"Answer {_KEYS}.")
            answers.append(answer)
    except EOFError:
        typer.echo("")
    except KeyboardInterrupt:
        typer.echo("")
        return answers, True
    return answers, False


def _show(label: str, text: str) -> None:
    """Text under 80 columns, its own line breaks kept."""
    for number, line in enumerate(text.strip().split("\n")):
        first = f"{label + ':':<8}" if number == 0 else " " * 8
        for wrapped in textwrap.wrap(line, 80, initial_indent=first, subsequent_indent=" " * 8) or [
            first
        ]:
            typer.echo(wrapped)


def _reveal(cards: list[Card], answers: list[Who]) -> None:
    typer.echo("\nWho it was:")
    for number, (card, answer) in enumerate(zip(cards, answers, strict=False), 1):
        mark = "right" if card.who == answer else "wrong"
        text = textwrap.shorten(card.reply, 54, placeholder=" …") or "…"
        typer.echo(f"  {number:>2}  {card.who:<6} {mark:<6} {text}")


def _refresh_page(run: Run) -> None:
    """The page shows the new score, where there is a page."""
    from inkling.evaluation.page import write_page
    from inkling.evaluation.schema import read_report

    report = read_report(run)
    if report is not None:
        write_page(run, report)
