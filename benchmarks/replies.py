"""Loops and babble: 500 replies of the demo's model for each way of drawing, and right answers.

    scripts/demo --no-serve --workspace FOLDER
    scripts/bench replies --workspace FOLDER [--replies 500]

The questions are all held-out exchanges, again with other seeds until there are enough. A reply
loops where a string of 20 characters stands in it three times; it is cut off where max_tokens
ended it. `right` is the share of the questions of tuning_questions.txt, one seed, whose reply
holds the right key word: what does not loop should not know less for it. The same model is also
let run on from the openings of held-out writing for 300 tokens, where small models loop most.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

from _common import ROOT, machine

from inkling.config import SamplingSettings
from inkling.evaluation.loops import GeneratedReply, count_loops
from inkling.evaluation.passages import HeldOutExchange, dialogs, exchanges
from inkling.inference.chat import ChatModel
from inkling.inference.measured_replies import replier
from inkling.runs import Run
from inkling.runtime import Runtime
from inkling.tokens.dataset import PackedIds
from inkling.workspace import Workspace

QUESTIONS = Path(__file__).with_name("tuning_questions.txt")
RUN_ON_TOKENS = 300
OPENING_TOKENS = 12

SEED_SETTINGS = {"min_p": 0.0, "repetition_penalty": 1.0}
WAYS: dict[str, dict[str, Any]] = {
    "temperature 0.5, top-k 25 alone": SEED_SETTINGS,
    "penalty 1.1": {**SEED_SETTINGS, "repetition_penalty": 1.1},
    "penalty 1.1, 16 drafts": {**SEED_SETTINGS, "repetition_penalty": 1.1, "best_of": 16},
    "min-p 0.1": {**SEED_SETTINGS, "min_p": 0.1},
    "min-p 0.1, penalty 1.1": {"min_p": 0.1, "repetition_penalty": 1.1},
    "greedy": {**SEED_SETTINGS, "temperature": 0.0},
    "greedy, penalty 1.1": {"temperature": 0.0, "min_p": 0.0, "repetition_penalty": 1.1},
}


def tuning_questions() -> list[tuple[str, re.Pattern[str]]]:
    """(question, pattern that a reply with the right fact matches)."""
    lines = QUESTIONS.read_text(encoding="utf-8").splitlines()
    pairs = (line.split("|", 1) for line in lines if line.strip())
    return [(question, re.compile(pattern)) for question, pattern in pairs]


def right_share(voice: ChatModel, settings: SamplingSettings, seed: int) -> float:
    """Share of the tuning questions answered with the right key word."""
    write = replier(voice, settings.model_copy(update={"max_tokens": 60}))
    asked = tuning_questions()
    hits = sum(
        bool(pattern.search(write(HeldOutExchange((), question, ""), seed).text.lower()))
        for question, pattern in asked
    )
    return hits / len(asked)


def openings(voice: ChatModel, val: PackedIds, count: int) -> list[str]:
    """Beginnings of held-out sections, spread evenly."""
    starts = [i * (len(val) - OPENING_TOKENS) // count for i in range(count)]
    ids = [[int(t) for t in val.ids[start : start + OPENING_TOKENS]] for start in starts]
    return [voice.tokenizer.decode(each) for each in ids]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workspace", type=Path, default=ROOT / "demo-workspace")
    parser.add_argument("--replies", type=int, default=500)
    parser.add_argument("--run-on", type=int, default=60)
    options = parser.parse_args()
    run = Run.choose(Workspace.find(options.workspace), None)
    voice = ChatModel.load(run, Runtime.detect())
    held_out = exchanges(dialogs(PackedIds.open(run.data_path, "dialog_val"), voice.tokenizer))
    starts = openings(voice, PackedIds.open(run.data_path, "val"), options.run_on)
    print(f"{machine()}; {run.name}, {len(held_out)} held-out exchanges")
    print("\n| way of drawing | loop | empty | cut off | characters | run on: loop | right |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, changes in WAYS.items():
        settings = SamplingSettings(**changes)
        write = replier(voice, settings)
        written = [
            write(held_out[i % len(held_out)], i // len(held_out)) for i in range(options.replies)
        ]
        found = count_loops(written)
        length = sum(len(reply.text) for reply in written) / len(written)
        on = settings.model_copy(update={"seed": 0, "max_tokens": RUN_ON_TOKENS})
        texts = [GeneratedReply("".join(voice.complete(start, on)), False) for start in starts]
        print(
            f"| {name} | {found.looping / found.replies:.1%} | {found.empty / found.replies:.1%} "
            f"| {found.cut_off / found.replies:.1%} | {length:.0f} "
            f"| {count_loops(texts).looping / len(texts):.0%} "
            f"| {right_share(voice, settings, 0):.3f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
