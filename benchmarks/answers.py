"""Write docs/answers.md: the thirty questions of demo/questions.txt, answered by the demo's model.

    scripts/demo --no-serve --workspace FOLDER     (trains as a new user's demo does)
    scripts/bench answers --workspace FOLDER

Each question is asked alone, with seed 0 and the defaults of the chat, and every answer is
kept, beside that of the bare model (memory 0). A reader who sees only the fact sheet
(demo/README.md), the questions and the answers marks each, not knowing which is which, in
answers_marks.json: "right" (true to the sheet, or for a question the sheet does not decide a
sensible reply in her voice), "partly", or "wrong". A mark counts only for the exact answer that it
was given to.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from _common import ROOT, machine
from replies import right_share, tuning_questions

from inkling.config import REPLY
from inkling.inference.chat import ChatModel
from inkling.memory.corpus_index import run_memory
from inkling.runs import Run
from inkling.runtime import Runtime
from inkling.workspace import Workspace

QUESTIONS = ROOT / "demo" / "questions.txt"
MARKS = Path(__file__).with_name("answers_marks.json")
SEED = 0
FIRST_RIGHT, FIRST_SHARE = 15, 0.083
"""Of the first model that was asked: its right answers among the thirty, marked by another blind
reader, and its share of tuning_questions.txt, drawn as it drew then."""


@dataclass(frozen=True)
class Column:
    """The thirty answers with one setting."""

    name: str
    answers: list[str]
    marks: list[str]
    verbatim: int
    """Answers that are an earlier reply word for word."""
    share: float
    """Of the other questions, those whose answer holds the right key word."""


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9 ]", "", text.lower()).strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workspace", type=Path, default=ROOT / "demo-workspace")
    parser.add_argument("--run")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "answers.md")
    options = parser.parse_args()

    workspace = Workspace.find(options.workspace)
    run = Run.choose(workspace, options.run)
    index = run_memory(workspace, run)
    assert index is not None
    model = ChatModel.load(run, Runtime.detect()).with_memory(index)
    questions = QUESTIONS.read_text(encoding="utf-8").split("\n")[:-1]
    messages = (ROOT / "demo" / "dms.txt").read_text(encoding="utf-8").splitlines()
    asked = {_plain(line[6:]) for line in messages if line.startswith("them: ")}
    marks = json.loads(MARKS.read_text(encoding="utf-8")) if MARKS.exists() else []
    known = {(m["question"], m["answer"]): m["mark"] for m in marks}

    settings = REPLY.model_copy(update={"seed": SEED})
    columns = []
    for name, memory in (("with memory", settings.memory), ("the bare model", 0.0)):
        own = settings.model_copy(update={"memory": memory})
        answers = [model.answer(question, [], own).text for question in questions]
        given = [known.get((q, a), "not marked") for q, a in zip(questions, answers, strict=True)]
        verbatim = sum(map(index.holds_reply, answers))
        columns.append(Column(name, answers, given, verbatim, right_share(model, own, SEED)))
    config = run.config()
    best = run.checkpoints.best()
    asked_more = len(tuning_questions())
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
        "| | right | partly | wrong | word for word an earlier reply | of the "
        f"{asked_more} other questions |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for column in columns:
        counts = Counter(column.marks)
        lines.append(
            f"| {column.name} | **{counts['right']} of {len(questions)}** | {counts['partly']} "
            f"| {counts['wrong']} | {column.verbatim} | {column.share:.0%} |"
        )
        if counts["not marked"]:
            print(f"{column.name}: {counts['not marked']} not marked")
    lines += [
        "",
        f"The {asked_more} are in strangers' wordings, none of them in the messages; counted is "
        f"whether the answer holds the right key word. The first version's model had {FIRST_RIGHT} "
        f"of the thirty right, and {FIRST_SHARE:.0%} of the {asked_more}.",
        "",
        "| question | with memory | mark | the bare model | mark |",
        "| --- | --- | --- | --- | --- |",
    ]
    for place, question in enumerate(questions):
        cells = [
            cell
            for column in columns
            for cell in (
                " ".join(column.answers[place].split()).replace("|", "\\|"),
                column.marks[place],
            )
        ]
        lines.append(f"| {question} | " + " | ".join(cells) + " |")
    options.output.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
