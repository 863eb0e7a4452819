"""Write docs/answers.md: the thirty questions of demo/questions.txt, answered by the demo's model.

    scripts/demo --no-serve --workspace FOLDER     (trains as a new user's demo does)
    scripts/bench answers --workspace FOLDER

Each question is asked alone, with seed 0 and the defaults of the chat, and every answer is
kept. A reader who sees only the fact sheet (demo/README.md), the questions and the answers
marks each in answers_marks.json: "right" (true to the sheet, or for a question the sheet
does not decide a sensible reply in her voice), "partly", or "wrong". A mark counts only for
the exact answer that it was given to.
"""

from __future__ import annotations

import argparse
import json
import math
import re
from collections import Counter
from pathlib import Path

from _common import ROOT, machine
from replies import right_share, tuning_questions

from inkling.config import REPLY
from inkling.inference.chat import ChatModel
from inkling.runs import Run
from inkling.runtime import Runtime
from inkling.workspace import Workspace

QUESTIONS = ROOT / "demo" / "questions.txt"
MARKS = Path(__file__).with_name("answers_marks.json")
SEED = 0
FIRST_RIGHT, FIRST_SHARE = 15, 0.083
"""Of the first model that was asked: its right answers among the thirty, marked by another blind
reader, and its share of tuning_questions.txt, drawn as it drew then."""


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9 ]", "", text.lower()).strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workspace", type=Path, default=ROOT / "demo-workspace")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "answers.md")
    options = parser.parse_args()

    run = Run.choose(Workspace.find(options.workspace), None)
    model = ChatModel.load(run, Runtime.detect())
    settings = REPLY.model_copy(update={"seed": SEED})
    questions = QUESTIONS.read_text(encoding="utf-8").split("\n")[:-1]
    answers = {q: "".join(model.reply(q, [], settings)) for q in questions}

    messages = (ROOT / "demo" / "dms.txt").read_text(encoding="utf-8").splitlines()
    asked = {_plain(line[6:]) for line in messages if line.startswith("them: ")}

    marks = json.loads(MARKS.read_text(encoding="utf-8")) if MARKS.exists() else []
    known = {(m["question"], m["answer"]): m["mark"] for m in marks}
    given = [known.get((q, a), "not marked") for q, a in answers.items()]
    counts = Counter(given)
    config = run.config()
    best = run.best()
    asked_more = len(tuning_questions())
    share = right_share(model, settings, SEED)
    error = math.sqrt((share * (1 - share) + FIRST_SHARE * (1 - FIRST_SHARE)) / asked_more)
    lines = [
        "# Thirty questions to the demo's author",
        "",
        "Made by `scripts/bench answers`; nothing is left out or asked twice. The model is what "
        f"`scripts/demo` trained in {config.minutes:g} minutes on {machine()}: "
        f"{model.engine.model.parameter_count():,} weights, checkpoint of step {model.step}, "
        f"held-out writing {best['train']['val_nats_per_char']:.3f} and held-out replies "
        f"{best['finetune']['val_nats_per_char']:.3f} nats a character. Seed {SEED}, "
        f"temperature {settings.temperature:g}, top-k {settings.top_k}, the surest of "
        f"{settings.best_of} drafts. "
        "The marks are a reader's who saw only the fact sheet. "
        f"{sum(_plain(q) in asked for q in questions)} of the questions stand in the messages word "
        "for word, capitals and punctuation aside.",
        "",
        f"**{counts['right']} of {len(answers)} right ({counts['right'] / len(answers):.0%}), "
        f"{counts['partly']} partly, {counts['wrong']} wrong"
        + (f", {counts['not marked']} not marked" if counts["not marked"] else "")
        + ".** "
        f"The first version's model had {FIRST_RIGHT} right ({FIRST_RIGHT / len(answers):.0%}).",
        "",
        f"Of {asked_more} other questions in strangers' wordings, none of them in the messages, "
        f"{share:.0%} of the answers hold the right key word; of the first version's model "
        f"{FIRST_SHARE:.0%}. Thirty questions are few: the difference there could be luck; that of "
        f"the {asked_more} is {abs(share - FIRST_SHARE) / error:.1f} standard errors.",
        "",
        "| question | answer | mark |",
        "| --- | --- | --- |",
    ]
    for (question, answer), mark in zip(answers.items(), given, strict=True):
        shown = " ".join(answer.split()).replace("|", "\\|")
        lines.append(f"| {question} | {shown} | {mark} |")
    options.output.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(lines[4])


if __name__ == "__main__":
    main()
