"""What the memory adds: right answers, small talk and follow-ups, with and without it.

    scripts/demo --no-serve --workspace FOLDER
    scripts/bench memory_answers --workspace FOLDER [--seeds 3] [--strength 0 0.6] [--after hi]

Asked are, of the demo, the 240 questions of tuning_questions.txt, first questions that anybody asks
(first_questions.txt), small talk (small_talk.txt) and follow-ups to a short exchange
(follow_ups.txt); with `--corpus renzo` the questions that lie beside that corpus. `right` is the
share of replies that hold a right key word, `verbatim` the share that is an earlier reply word for
word, `loops` as in `replies`. Replies are the product's own: `ChatModel.answer` with the settings
of the chat, and a memory of all dialogs of the workspace, held-out ones too, as in use. The
look-up alone is told as well: how often the first neighbour and one of all neighbours holds a key
word, the time to make the index and to look up.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, stdev

from _common import ROOT, gflops, machine

from inkling.config import REPLY
from inkling.corpus.dataset import Dataset
from inkling.corpus.store import CorpusStore
from inkling.evaluation.loops import has_loop
from inkling.inference.chat import ChatModel
from inkling.memory.corpus_index import corpus_records
from inkling.memory.index import Index
from inkling.runs import Run
from inkling.runtime import Runtime
from inkling.tokens.chat_format import Turn
from inkling.workspace import Workspace

SETS = {
    "demo": (
        ROOT / "benchmarks",
        ("tuning_questions", "first_questions", "small_talk", "follow_ups"),
    ),
    "renzo": (ROOT / "tests" / "corpora" / "renzo", ("questions", "small_talk", "follow_ups")),
}


@dataclass(frozen=True)
class Asked:
    """A message after what was said before it, and what a right reply holds."""

    message: str
    history: tuple[Turn, ...]
    right: re.Pattern[str]


def asked(path: Path) -> list[Asked]:
    """The questions of a file, a line each: `question|pattern`, or `them: … / me: … / them: …`
    before the bar. Comments and lines that only a reader can judge (`|?`) are left out."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        said, pattern = line.split("|", 1)
        if pattern.strip() == "?":
            continue
        *before, last = said.split(" / ") if said.startswith(("them: ", "me: ")) else [said]
        turns = [turn.split(": ", 1) for turn in before]
        history = tuple((who, text) for who, text in turns)
        found.append(Asked(last.removeprefix("them: "), history, re.compile(pattern)))  # type: ignore[arg-type]
    return found


def shown(values: Sequence[float]) -> str:
    return f"{mean(values):.3f}" + (f" ± {stdev(values):.3f}" if len(values) > 1 else "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workspace", type=Path, default=ROOT / "demo-workspace")
    parser.add_argument("--corpus", choices=SETS, default="demo")
    parser.add_argument("--run")
    parser.add_argument("--step", type=int, help="another checkpoint than the best")
    parser.add_argument("--seeds", type=int, default=1, help="of sampling")
    parser.add_argument("--strength", type=float, nargs="*", default=[0.0, REPLY.memory])
    parser.add_argument("--best-of", type=int, default=REPLY.best_of)
    parser.add_argument("--temperature", type=float, default=REPLY.temperature)
    parser.add_argument("--only", nargs="*", help="some of the sets")
    parser.add_argument(
        "--after",
        metavar="MESSAGE",
        help="ask each question that stands alone after this message and the model's reply to it",
    )
    parser.add_argument("--json", type=Path, help="also write all replies there")
    options = parser.parse_args()
    workspace = Workspace.find(options.workspace)
    run = Run.choose(workspace, options.run)
    begun = time.perf_counter()
    with CorpusStore(workspace.corpus_path) as store:
        index = Index.build(corpus_records(Dataset.of(store)))
    made = time.perf_counter() - begun
    model = ChatModel.load(run, Runtime.detect(), options.step).with_memory(index)
    print(
        f"{machine()}, {gflops():.0f} GFLOP/s; {run.name}, step {model.step}; "
        f"{len(index):,} exchanges, indexed in {made:.2f} s"
    )
    print("\n| questions | λ | right | verbatim | loops | first neighbour | any | look-up, ms |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    kept = []
    folder, names = SETS[options.corpus]
    for name in options.only or names:
        questions = asked(folder / f"{name}.txt")
        if options.after is not None:
            said = model.answer(options.after, (), REPLY.model_copy(update={"seed": 0})).text
            before: tuple[Turn, ...] = (("them", options.after), ("me", said))
            questions = [replace(each, history=each.history or before) for each in questions]
        begun = time.perf_counter()
        specs = [model.reply_spec(q.message, q.history, REPLY) for q in questions]
        took = (time.perf_counter() - begun) / len(questions)
        found = [spec.recalled.neighbours if spec.recalled else () for spec in specs]
        held = [
            [bool(q.right.search(n.record.reply.lower())) for n in near]
            for q, near in zip(questions, found, strict=True)
        ]
        first = mean(bool(each and each[0]) for each in held)
        some = mean(any(each) for each in held)
        for strength in options.strength:
            rows = []
            for seed in range(options.seeds):
                settings = REPLY.model_copy(
                    update={
                        "memory": strength,
                        "seed": seed,
                        "best_of": options.best_of,
                        "temperature": options.temperature,
                    }
                )
                texts = [model.answer(q.message, q.history, settings).text for q in questions]
                right = [
                    bool(q.right.search(text.lower()))
                    for q, text in zip(questions, texts, strict=True)
                ]
                rows.append(
                    (mean(right), mean(map(index.holds_reply, texts)), mean(map(has_loop, texts)))
                )
                kept += [
                    {"set": name, "strength": strength, "seed": seed, "message": q.message,
                     "history": q.history, "reply": text, "right": hit}
                    for q, text, hit in zip(questions, texts, right, strict=True)
                ]  # fmt: skip
            cells = " | ".join(shown(column) for column in zip(*rows, strict=True))
            print(
                f"| {name} ({len(questions)}) | {strength:g} | {cells} | {first:.3f} | {some:.3f} "
                f"| {1000 * took:.1f} |",
                flush=True,
            )
    if options.json:
        options.json.write_text(json.dumps(kept, ensure_ascii=False, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
