"""Memory does not grow with the corpus: the same commands for any size."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from torch import nn

from inkling.model.build import build_model
from inkling.runs import Run
from inkling.runtime import Runtime
from inkling.training import cadence
from inkling.training.session import Session
from inkling.workspace import Workspace
from tests.conftest import Result

MEASURED = """
import resource, sys
from pathlib import Path
from inkling import preparation
import inkling.corpus.leak as leak, inkling.corpus.split as split
from inkling.corpus.importers import read_path
from inkling.corpus.store import CorpusStore
from inkling.preparation import prepare_run
from inkling.workspace import Workspace

# What is remembered of a text stops growing at sizes that a test has no time for.
split.SAMPLED_ABOVE, leak.LOOKED_UP, preparation._MERGE_CHARACTERS = 300_000, 30_000, 300_000
workspace = Workspace.create(Path(sys.argv[1]))
with CorpusStore(workspace.corpus_path) as store:
    store.add("text", "folder", read_path(Path(sys.argv[2])))
prepare_run(workspace, "run", lambda characters: 100)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(peak * (1 if sys.platform == "darwin" else 1024))
"""


def write_text(folder: Path, files: int) -> None:
    """Files of a megabyte in which nothing repeats."""
    folder.mkdir()
    dealt = random.Random(files)
    words = ["".join(dealt.choices("etaoinshrd", k=dealt.randint(2, 9))) for _ in range(5_000)]
    for number in range(files):
        paragraphs = (" ".join(dealt.choices(words, k=90)) for _ in range(1_700))
        (folder / f"{number}.txt").write_text("\n\n".join(paragraphs))


def peak_bytes(name: str, text: Path) -> int:
    """Peak memory of a process that imports and prepares a text."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, name, str(text)],
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


def test_memory_grows_far_less_than_the_text() -> None:
    """Six times the text: a further character costs less than three bytes of memory. Text that is
    merely held costs more, as Python keeps several copies while it is cut and compared."""
    sizes, peaks = [], []
    for files in (1, 6):
        folder = Path(f"text{files}")
        write_text(folder, files)
        sizes.append(sum(file.stat().st_size for file in folder.iterdir()))
        peaks.append(peak_bytes(f"workspace{files}", folder))
    growth = (peaks[1] - peaks[0]) / (sizes[1] - sizes[0])
    assert growth < 3, f"{growth:.1f} bytes a character"


def test_much_held_out_text_is_sampled_and_measured_once_at_the_end(
    inkling: Callable[..., Result], posts: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan says so, evaluations read the sample, and the run's number is that of its best
    weights on everything."""
    monkeypatch.setattr(cadence, "EVALUATED_TOKENS", 512)
    Path("text.txt").write_text("\n\n".join(post.read_text() for post in posts[:6]))
    assert inkling("init", "w").status == 0
    assert inkling("add", "text.txt", "-w", "w").status == 0
    # A twelfth of 150 steps pays for measuring all of it; a twelfth of 6 does not.
    for steps, said, note in ((150, "all of it", False), (6, "too long", True)):
        done = inkling("train", "--steps", steps, "--no-plots", "-w", "w")
        assert done.status == 0
        assert f"at the end on {said}" in done.out or "would take too long" in done.out
        assert ("of its tokens, spread evenly" in done.out) == note
    workspace = Workspace.find(Path("w"))
    run = Run.open(workspace, "modern-1")
    config = run.config()
    session = Session.open(run, Runtime.detect())
    model = session_model(session)
    context = config.model.context_length
    best = run.checkpoints.best()["train"]
    assert best["val_nats_per_char"] == session.evaluator("train", context, 0)(model).nats_per_char
    (last,) = (each for each in run.records("metrics.jsonl") if each["step"] == best["step"])
    sample = session.evaluator("train", context, 512)(model)
    assert sample.tokens < 520 < config.data.val_tokens
    assert last["val_nats_per_char"] == sample.nats_per_char != best["val_nats_per_char"]


def session_model(session: Session) -> nn.Module:
    """The best weights of a session's run."""
    model = build_model(session.run.config().model)
    checkpoint = session.run.checkpoints.load(int(session.run.checkpoints.best()["train"]["step"]))
    model.load_state_dict(checkpoint.model)
    return model
