"""`inkling eval` and `inkling guess` on runs that are good, that leak, that lack parts."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from inkling.config import RunConfig, SamplingSettings
from inkling.evaluation.guessing import choose, deal
from inkling.evaluation.loops import Loops
from inkling.evaluation.passages import dialogs, exchanges
from inkling.evaluation.schema import EvaluationReport, HeldOut, Missing
from inkling.evaluation.stylometry import Voice
from inkling.inference.chat import ChatModel
from inkling.inference.measured_replies import replier
from inkling.runs import Run
from inkling.runtime import Runtime
from inkling.tokens.dataset import PackedIds
from inkling.workspace import Workspace
from tests.conftest import DEMO, Result

Inkling = Callable[..., Result]
SMALL = ("--set", "model.n_embd=96", "--set", "train.total_batch_size=256", "--no-plots")


@pytest.fixture
def copy(trained: Workspace) -> Workspace:
    """The trained workspace, to write into. Replies are short: the model is a babbler."""
    workspace = Workspace(Path("copy").resolve())
    shutil.copytree(trained.path, workspace.path)
    with open(workspace.config_path, "a", encoding="utf-8") as file:
        file.write("[sampling]\nmax_tokens = 12\n")
    return workspace


def report_of(workspace: Workspace, name: str) -> EvaluationReport:
    """The report as it lies on disk."""
    return EvaluationReport.model_validate_json(
        (workspace.run_path(name) / "report.json").read_text()
    )


def test_a_report_on_a_fine_tuned_run(inkling: Inkling, copy: Workspace) -> None:
    """Every section is filled, the loss is the run's own, the page in the terminal fits 80
    columns, and the same seed gives the same report."""
    done = inkling("eval", "--replies", 10, "-w", copy.path)
    assert done.status == 0, done.err
    assert max(map(len, done.out.splitlines()[:-1])) <= 80
    for words in ("HELD-OUT LOSS", "Kneser-Ney 5-gram", "LEAKS", "CALIBRATION", "SOUNDS LIKE YOU"):
        assert words in done.out
    report = report_of(copy, "tiny")
    best = Run(copy.run_path("tiny")).checkpoints.best()
    for text, phase in ((report.writing, "train"), (report.replies, "finetune")):
        assert isinstance(text, HeldOut)
        assert text.losses[0].phase == phase
        assert text.losses[0].step == best[phase]["step"]
        expected = best[phase]["val_nats_per_char"]
        assert text.losses[0].nats_per_char == pytest.approx(expected, rel=1e-5)
    assert isinstance(report.loops, Loops)
    assert report.loops.replies == 10
    assert isinstance(report.voice, Voice | Missing)
    assert not report.verdict.warning
    printed = inkling("eval", "--replies", 10, "--json", "-w", copy.path).out
    again = EvaluationReport.model_validate_json(printed)
    assert again.model_copy(update={"made": ""}) == report.model_copy(update={"made": ""})


def test_the_model_is_measured_without_memory(
    inkling: Inkling, copy: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the report nor the game opens or makes an index, whatever [sampling] says; both say
    so."""
    with open(copy.config_path, "a", encoding="utf-8") as file:
        file.write("memory = 1.0\n")
    run = Run(copy.run_path("tiny"))
    shutil.rmtree(run.memory_path, ignore_errors=True)
    done = inkling("eval", "--replies", 2, "-w", copy.path)
    assert done.status == 0, done.err
    assert "Measured without memory" in done.out
    assert "Measured without memory" in run.report_page_path.read_text()
    assert report_of(copy, "tiny").sampling.memory == 0
    monkeypatch.setattr(sys, "stdin", io.StringIO("m\n"))
    assert "made without memory" in inkling("guess", "--seed", 1, "-w", copy.path).out
    assert not run.memory_path.exists()


def test_the_page_escapes_and_asks_nothing_of_anyone(inkling: Inkling, copy: Workspace) -> None:
    """Text of the corpus is text; no script, no address, both colour schemes."""
    run = Run(copy.run_path("tiny"))
    # A question with markup in it, by the way a text goes: through the run's own data.
    bad = "<script>alert(1)</script>"
    voice = ChatModel.load(run, Runtime.detect())
    entry = json.loads((run.data_path / "index.json").read_text())
    part = PackedIds.open(run.data_path, "dialog_val")
    tokenizer = voice.tokenizer
    them, me, end = (
        tokenizer.special_ids.start + 1,
        tokenizer.special_ids.start + 2,
        tokenizer.end_id,
    )
    asked, said = tokenizer.encode(f" {bad}"), tokenizer.encode(" & <b>")
    ids = [them, *asked, me, *said, end]
    mask = [0] * (len(asked) + 2) + [1] * (len(said) + 1)
    dtype = np.dtype(entry["parts"]["dialog_val"]["dtype"])
    (run.data_path / "dialog_val.bin").write_bytes(np.array(ids, dtype=dtype).tobytes())
    (run.data_path / "dialog_val_mask.bin").write_bytes(bytes(mask))
    entry["parts"]["dialog_val"] |= {"length": len(ids), "segments": [[0, len(ids), "d", 0]]}
    (run.data_path / "index.json").write_text(json.dumps(entry))
    assert len(part) != len(ids)
    done = inkling("eval", "--replies", 2, "-w", copy.path)
    assert done.status == 0, done.err
    page = run.report_page_path.read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "&amp; &lt;b&gt;" in page
    assert "<script" not in page
    assert not re.search(r"(src|href)=|url\(|@import|https?:", page)
    assert "light dark" in page
    assert "@media print" in page
    voice_section = report_of(copy, "tiny").voice
    assert isinstance(voice_section, Missing)
    assert "Only 1 held-out exchange" in voice_section.why


def test_a_split_that_leaks_gets_the_warning(inkling: Inkling, copy: Workspace) -> None:
    """Held-out writing that is a piece of the training text, which the run's own meter does not
    know of: the headline warns, and says why."""
    run = Run(copy.run_path("tiny"))
    entry = json.loads((run.data_path / "index.json").read_text())
    train = PackedIds.open(run.data_path, "train")
    stolen = np.concatenate([train.ids[:1], train.ids[500:3500]])
    (run.data_path / "val.bin").write_bytes(stolen.tobytes())
    entry["parts"]["val"] |= {"length": len(stolen), "segments": [[0, len(stolen), "d", 0]]}
    (run.data_path / "index.json").write_text(json.dumps(entry))
    done = inkling("eval", "--replies", 1, "-w", copy.path)
    assert done.status == 0, done.err
    assert "WARNING: The loss of this run does not mean what it seems" in done.out
    assert report_of(copy, "tiny").verdict.reasons[0].startswith("Once it has read the training")
    assert "Careful." in run.report_page_path.read_text(encoding="utf-8")


def test_a_leak_that_the_meter_saw_gets_the_warning(inkling: Inkling, copy: Workspace) -> None:
    """What the split wrote into the run's config decides."""
    run = Run(copy.run_path("tiny"))
    config = run.config()
    facts = config.data.model_copy(update={"leak": 0.31})
    run.write_config(RunConfig.model_validate(config.model_copy(update={"data": facts})))
    done = inkling("eval", "--replies", 1, "-w", copy.path)
    assert "31% of the held-out writing also stands in the training text." in done.out
    assert report_of(copy, "tiny").verdict.warning


def test_a_padded_corpus_gets_the_true_loss(inkling: Inkling) -> None:
    """Ten essays thirty times over: one copy is kept, so after one step the loss is that of a
    model that knows nothing, and no section invents anything."""
    essays = [p.read_text().split("---", 2)[2] for p in sorted((DEMO / "posts").glob("*.md"))[:10]]
    copies = [f"# Letter {n}, copy {k}\n\n{e}" for k in range(30) for n, e in enumerate(essays)]
    Path("padded.txt").write_text("\n\n".join(copies))
    inkling("init", "w")
    inkling("add", "padded.txt", "-w", "w")
    inkling("train", "--steps", 1, "--no-plots", "--name", "r", "-w", "w")
    done = inkling("eval", "-w", "w")
    assert done.status == 0, done.err
    assert "97% of the writing repeats itself" in done.out
    report = report_of(Workspace(Path("w")), "r")
    assert isinstance(report.writing, HeldOut)
    assert report.writing.losses[0].nats_per_char > report.writing.best_baseline.nats_per_char
    assert report.leak.xz_ratio is not None
    assert report.leak.xz_ratio > 0.5
    assert not report.verdict.warning
    assert isinstance(report.replies, Missing)
    assert isinstance(report.voice, Missing)
    assert "not fine-tuned" in done.out
    refused = inkling("guess", "-w", "w")
    assert refused.status == 1
    assert "not fine-tuned" in refused.err


def test_rungs_classic_models_and_dialogs_alone(inkling: Inkling) -> None:
    """A report on each, with a sentence where a section is empty."""
    blocks = (DEMO / "dms.txt").read_text().split("\n\n")[:40]
    Path("dms.txt").write_text("\n\n".join(blocks))
    inkling("init", "w")
    inkling("add", "dms.txt", "-w", "w")
    workspace = Workspace(Path("w"))
    with open(workspace.config_path, "a", encoding="utf-8") as file:
        file.write("[sampling]\nmax_tokens = 8\n")
    for name, recipe in (("rung", "bigram"), ("old", "classic-fast")):
        done = inkling("train", "--recipe", recipe, "--steps", 2, "--name", name, *SMALL, "-w", "w")
        assert done.status == 0, done.err
        done = inkling("eval", "--run", name, "--replies", 2, "-w", "w")
        assert done.status == 0, done.err
        report = report_of(workspace, name)
        assert isinstance(report.writing, Missing)
        assert isinstance(report.replies, HeldOut)
        assert "No writing was held out" in done.out
        assert report.verdict.text.startswith("On replies it never saw")
    assert isinstance(report.loops, Loops)
    assert "rung of the ladder" in inkling("eval", "--run", "rung", "-w", "w").out


def test_the_game_through_a_pipe(
    inkling: Inkling, copy: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who knows the cards scores full marks; the score is kept, shown by eval, and survives
    it; the end of the input ends a game early."""
    run = Run(copy.run_path("tiny"))
    voice = ChatModel.load(run, Runtime.detect())
    found = exchanges(dialogs(PackedIds.open(run.data_path, "dialog_val"), voice.tokenizer))
    asked = choose(found, 5)
    generate = replier(voice, SamplingSettings(max_tokens=12))
    cards = deal(asked, [generate(e, 5 + n) for n, e in enumerate(asked)], 5)
    keys = [{"me": "m", "model": "r"}[card.who] for card in cards]

    out = subprocess.run(
        [sys.executable, "-m", "inkling", "guess", "--seed", "5", "-w", str(copy.path)],
        input="what?\n" + "\n".join(keys), encoding="utf-8", capture_output=True, check=False,
    )  # fmt: skip
    assert out.returncode == 0, out.stderr
    assert "Answer m (me) or r" in out.stdout
    assert f"{len(cards)} of {len(cards)} right (100%" in out.stdout
    if len(asked) < 10:
        assert f"Only {len(asked)} different held-out replies" in out.stdout

    def play(answers: str, seed: int) -> str:
        monkeypatch.setattr(sys, "stdin", io.StringIO(answers))
        return inkling("guess", "--seed", seed, "-w", copy.path).out

    early = play(f"{keys[0]}\n", 5)
    assert "1 of 1 right" in early
    assert "could also give" in early
    assert "no score to save" in play("", 5)

    done = inkling("eval", "--replies", 1, "-w", copy.path)
    assert "ME OR THE MODEL?" in done.out
    games = report_of(copy, "tiny").guess
    assert [(game.right, game.answers) for game in games] == [(len(cards), len(cards)), (1, 1)]
    play("m\n", 6)
    assert len(report_of(copy, "tiny").guess) == 3
    assert run.report_page_path.read_text(encoding="utf-8").count("95% interval") == 3


def test_replies_know_whether_they_were_cut_off(copy: Workspace) -> None:
    """A reply is cut off where the same seed with room for one token more says more."""
    run = Run(copy.run_path("tiny"))
    voice = ChatModel.load(run, Runtime.detect())
    found = exchanges(dialogs(PackedIds.open(run.data_path, "dialog_val"), voice.tokenizer))
    seen = set()
    for limit in (1, 4, 40):
        short = replier(voice, SamplingSettings(max_tokens=limit, temperature=1.0))
        for seed, exchange in enumerate(found[:6]):
            settings = SamplingSettings(max_tokens=limit, temperature=1.0, seed=seed)
            plain = "".join(voice.reply(exchange.question, exchange.history, settings))
            written = short(exchange, seed)
            more = settings.model_copy(update={"max_tokens": limit + 1})
            longer = "".join(voice.reply(exchange.question, exchange.history, more))
            assert written.text == longer
            if longer != plain:
                assert written.cut_off
            seen.add(written.cut_off)
    assert True in seen


def test_mistakes_get_a_sentence(inkling: Inkling, copy: Workspace) -> None:
    """Wrong numbers, no such run, and a damaged report, which holds games and is not replaced."""
    assert inkling("eval", "--replies", 0, "-w", copy.path).status == 2
    assert inkling("eval", "--seed", -1, "-w", copy.path).status == 2
    assert inkling("guess", "--seed", -1, "-w", copy.path).status == 2
    assert "no run called" in inkling("eval", "--run", "nope", "-w", copy.path).err
    report = copy.run_path("tiny") / "report.json"
    for content in ("{", "[]", '{"guess": [{"date": 3}]}'):
        report.write_text(content)
        for command in ("eval", "guess"):
            refused = inkling(command, "-w", copy.path)
            assert refused.status == 1
            assert refused.err.count("\n") == 1
            assert "report.json is damaged" in refused.err
        assert report.read_text() == content
