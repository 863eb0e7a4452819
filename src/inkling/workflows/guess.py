"""The game "me or the model?": its cards dealt, its score kept with the run.

Knows: which exchanges are played with, and that a damaged report is noticed before the game, not
after it. Does not know how the game is played: on a terminal, through a pipe.
Data: run + seed -> held-out and generated replies -> `Game`; answers -> report.json and its page.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from inkling.errors import RunError, UsageError
from inkling.settings import reply_settings
from inkling.workspace import Workspace

if TYPE_CHECKING:
    from inkling.evaluation.guessing import Card, Who
    from inkling.evaluation.passages import HeldOutExchange
    from inkling.evaluation.schema import Guess
    from inkling.inference.chat import ChatModel
    from inkling.runs import Run


@dataclass(frozen=True)
class Game:
    """Cards in the order in which they are shown; half of the replies are real."""

    run: Run
    seed: int
    cards: list[Card]
    short: bool
    """Whether there are fewer held-out replies than a whole game has."""

    def save(self, answers: Sequence[Who]) -> Guess:
        """The score of the answers so far, which is added to the run's report."""
        from inkling.evaluation.guessing import score
        from inkling.evaluation.schema import add_guess

        when = datetime.now(UTC).isoformat(timespec="seconds")
        result = score(self.cards, list(answers), when, self.seed)
        add_guess(self.run, result)
        _refresh_page(self.run)
        return result


def deal_game(workspace: Workspace, run: str | None = None, seed: int | None = None) -> Game:
    """A game with the named run, else with the newest. Without a seed it is a new one.

    Raises UsageError for a seed out of range, RunError where there is nothing to play with.
    """
    if seed is not None and not 0 <= seed < 2**62:
        raise UsageError(f"--seed must be between 0 and 2^62 - 1; you gave {seed}.")
    sampling = reply_settings(workspace, {"memory": 0.0})
    from inkling.evaluation.guessing import PROMPTS, choose, deal
    from inkling.evaluation.schema import read_guesses
    from inkling.inference.measured_replies import replier
    from inkling.runs import Run

    chosen = Run.choose(workspace, run)
    read_guesses(chosen)
    game = secrets.randbelow(1_000_000) if seed is None else seed
    model, exchanges = _held_out(chosen)
    asked = choose(exchanges, game)
    generate = replier(model, sampling)
    replies = [generate(exchange, game + number) for number, exchange in enumerate(asked)]
    return Game(chosen, game, deal(asked, replies, game), short=len(asked) < PROMPTS)


def _held_out(run: Run) -> tuple[ChatModel, list[HeldOutExchange]]:
    """The model and the exchanges it never saw. Raises RunError where there is no game in it."""
    from inkling.evaluation.passages import dialogs, exchanges
    from inkling.inference.chat import ChatModel
    from inkling.runtime import Runtime
    from inkling.tokens.dataset import PackedIds

    run.require_text("played with")
    model = ChatModel.load(run, Runtime.detect())
    if not model.tuned:
        raise RunError(
            f"The run {run.name!r} was not fine-tuned on dialogs, so it does not reply. "
            f"With dialogs in the corpus: inkling finetune {run.name}."
        )
    found = exchanges(dialogs(PackedIds.open(run.data_path, "dialog_val"), model.tokenizer))
    if not found:
        raise RunError(
            f"The run {run.name!r} has no held-out replies to play with. Add more dialogs "
            "(inkling add PATH) and train a new run: inkling train."
        )
    return model, found


def _refresh_page(run: Run) -> None:
    """The page shows the new score, where there is a page."""
    from inkling.evaluation.page import write_page
    from inkling.evaluation.schema import read_report

    report = read_report(run)
    if report is not None:
        write_page(run, report)
