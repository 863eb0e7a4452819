"""`inkling guess`: real and generated replies, blind, on the terminal or through a pipe."""

from __future__ import annotations

import sys
import textwrap
from typing import TYPE_CHECKING, Annotated

import typer

from inkling.cli.console import echo
from inkling.cli.options import RunOption, WorkspaceOption, find_workspace
from inkling.wording import plural
from inkling.workflows.guess import deal_game

if TYPE_CHECKING:
    from inkling.evaluation.guessing import Card, Who

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

    Answer m for me, r for the model. Ctrl-D or Ctrl-C ends the game with the score so far,
    which is saved in the run's report.
    """
    game = deal_game(find_workspace(workspace), run, seed)
    if game.short:
        asked = len(game.cards) // 2
        echo(f"Only {plural(asked, 'different held-out reply')} here, so the game is short.")
    echo(f"{len(game.cards)} replies, half of them real. Answer {_KEYS}; Ctrl-D ends.")
    echo("The generated ones were made without memory, by the weights alone.")
    answers, stopped = _play(game.cards)
    if not answers:
        echo("No answer, so there is no score to save.")
    else:
        from inkling.evaluation.sentences import guess_sentence

        result = game.save(answers)
        _reveal(game.cards, answers)
        for line in textwrap.wrap(guess_sentence(result), 80):
            echo(line)
        echo(f"Saved in {game.run.report_path} (seed {game.seed}).")
    if stopped:
        raise typer.Exit(130)


def _play(cards: list[Card]) -> tuple[list[Who], bool]:
    """The answers up to the end of the game or of the input, and whether Ctrl-C ended it."""
    answers: list[Who] = []
    asking = "me or the model? " if sys.stdin.isatty() else ""
    try:
        for number, card in enumerate(cards, 1):
            echo(f"\n{number} of {len(cards)}")
            _show("them", card.question)
            _show("reply", card.reply)
            while (answer := _ANSWERS.get(input(asking).strip().lower())) is None:
                echo(f"Answer {_KEYS}.")
            answers.append(answer)
    except EOFError:
        echo("")
    except KeyboardInterrupt:
        echo("")
        return answers, True
    return answers, False


def _show(label: str, text: str) -> None:
    """Text under 80 columns, its own line breaks kept."""
    for number, line in enumerate(text.strip().split("\n")):
        first = f"{label + ':':<8}" if number == 0 else " " * 8
        for wrapped in textwrap.wrap(line, 80, initial_indent=first, subsequent_indent=" " * 8) or [
            first
        ]:
            echo(wrapped)


def _reveal(cards: list[Card], answers: list[Who]) -> None:
    echo("\nWho it was:")
    for number, (card, answer) in enumerate(zip(cards, answers, strict=False), 1):
        mark = "right" if card.who == answer else "wrong"
        text = textwrap.shorten(card.reply, 54, placeholder=" …") or "…"
        echo(f"  {number:>2}  {card.who:<6} {mark:<6} {text}")
