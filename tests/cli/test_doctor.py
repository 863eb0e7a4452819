"""`inkling doctor`: what is wrong in one sentence each, what a training would cost, and no
trace of having looked."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from inkling.chats import ChatStore
from inkling.cli import doctor as doctor_command
from inkling.cli.plan import print_plan
from inkling.config import ModelSettings, TrainingSettings, TrainRequest
from inkling.corpus.document import Document
from inkling.corpus.store import CorpusStore
from inkling.doctor import report as doctor_report
from inkling.doctor.machine import LIBRARIES
from inkling.inference.kernel_decoder import kernel_kind
from inkling.preparation import estimate_facts, prepare_run
from inkling.runs import Run
from inkling.runtime import Runtime
from inkling.training import configure, planner
from inkling.training.cadence import Costs
from inkling.training.forecast import forecast, usable_seconds
from inkling.workspace import Workspace
from tests.conftest import DEMO, Result, made_read_only

Inkling = Callable[..., Result]


@pytest.fixture(autouse=True)
def free_port(monkeypatch: pytest.MonkeyPatch) -> int:
    """A port that nobody uses stands for 5050, which somebody may."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    monkeypatch.setattr(doctor_command, "PORT", port)
    return port


@pytest.fixture
def copy(trained: Workspace) -> Workspace:
    """The trained workspace, to be damaged; it has a chat."""
    shutil.copytree(trained.path, "copy")
    workspace = Workspace(Path("copy").resolve())
    with ChatStore(workspace.chats_path) as chats:
        chats.append(chats.create("terminal"), "them", "hello")
    return workspace


def tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file and folder with its time and content."""
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in [folder, *folder.rglob("*")]
    }


def look(inkling: Inkling, *arguments: object) -> dict[str, Any]:
    """The report as JSON; the exit status says whether there are problems."""
    result = inkling("doctor", "--json", *arguments)
    assert "Traceback" not in result.err
    report: dict[str, Any] = json.loads(result.out)
    assert result.status == (1 if report["problems"] else 0)
    assert report["ok"] is not bool(report["problems"])
    return report


def test_too_little_text_is_said_and_is_no_fault(inkling: Inkling) -> None:
    """Of a hundred characters nothing can be trained: how many it takes, and what to do."""
    Path("a.txt").write_text("A hundred characters, about. " * 4)
    assert inkling("init", "w").status == 0
    assert inkling("add", "a.txt", "-w", "w").status == 0
    text = inkling("doctor", "-w", "w")
    assert text.status == 0
    assert "116 characters of text here, too few to train on" in text.out.replace("115", "116")
    assert "at least 2,000" in text.out
    assert text.out.endswith("All is well, but there is too little text to train on.\n")


def test_a_healthy_workspace_is_left_as_it_was(inkling: Inkling, copy: Workspace) -> None:
    """All facts are there, nothing is wrong, and not one file or folder has changed."""
    before = tree(copy.path)
    report = look(inkling, "-w", copy.path)
    text = inkling("doctor", "-w", copy.path)
    assert tree(copy.path) == before
    assert report["problems"] == []
    assert text.status == 0
    assert text.out.endswith("\nAll is well.\n")
    assert set(report) == {
        "inkling", "ok", "problems", "notes", "machine", "disk_path", "disk_free", "workspace",
        "text", "estimates",
    }  # fmt: skip
    machine, workspace = report["machine"], report["workspace"]
    assert machine["torch"]["version"] == torch.__version__
    assert machine["torch"]["gflops"] > 0
    assert machine["full_text_search"]
    assert machine["decoder"] == kernel_kind()
    assert machine["port_free"]
    assert 0 < machine["memory_available"] <= machine["memory_total"]
    assert machine["libraries"]["tokenizers"]
    assert workspace["corpus"] | {"content": ""} == {
        "state": "sound", "documents": 12, "dialogs": 60, "content": "",
        "characters": workspace["corpus"]["characters"],
    }  # fmt: skip
    with ChatStore(copy.chats_path) as chats:
        assert workspace["chats"] == {"state": "sound", "conversations": len(chats.list())}
    assert workspace["runs"] == [
        {"name": "tiny", "state": "done", "older_text": False, "verified": True}
    ]
    assert workspace["training"] is None
    assert report["text"] == "this workspace's text"
    assert [estimate["minutes"] for estimate in report["estimates"]] == [1.0, 3.0, 10.0]
    nats = [estimate["nats_per_char"] for estimate in report["estimates"]]
    assert nats == sorted(nats, reverse=True)
    assert f"{report['estimates'][0]['weights']:,}" in text.out


def test_where_there_is_no_workspace_the_demo_stands_for_it(inkling: Inkling) -> None:
    """The machine is looked at all the same."""
    report = look(inkling)
    assert report["problems"] == []
    assert report["workspace"] is None
    assert report["text"] == "the demo's text"
    assert report["estimates"][2]["steps"] > 0


def test_a_folder_that_is_no_workspace_is_wrong_usage_of_w(inkling: Inkling) -> None:
    """As for every other command."""
    result = inkling("doctor", "-w", "nowhere")
    assert result.status == 1
    assert result.err.count("\n") == 1


def test_a_damaged_corpus_is_found_and_the_rest_is_looked_at(
    inkling: Inkling, copy: Workspace
) -> None:
    """A page in the middle is overwritten: SQLite opens the file, and only a check tells."""
    data = bytearray(copy.corpus_path.read_bytes())
    middle = len(data) // 2 // 4096 * 4096
    data[middle : middle + 4096] = os.urandom(4096)
    copy.corpus_path.write_bytes(data)
    copy.chats_path.write_bytes(b"this is no database, it is a text of some length" * 40)
    report = look(inkling, "-w", copy.path)
    corpus, chats = report["problems"]
    assert f"{copy.corpus_path} is damaged" in corpus
    assert "run inkling add again" in corpus
    assert f"{copy.chats_path} is damaged" in chats
    assert report["workspace"]["corpus"]["state"] == "damaged"
    assert report["workspace"]["runs"][0]["state"] == "done"


def test_damaged_and_unfinished_runs_are_told_apart(inkling: Inkling, copy: Workspace) -> None:
    """No config, a cut checkpoint, a killed training, a stopped one, and what crashes leave."""
    for name in ("cut", "killed", "stopped", "unreadable"):
        shutil.copytree(copy.runs_path / "tiny", copy.runs_path / name)
        if name in ("killed", "stopped"):
            run = Run(copy.runs_path / name)
            run.write_config(run.config().model_copy(update={"complete": False}))
    for path in copy.runs_path.glob("cut/checkpoints/*/model.safetensors"):
        path.write_bytes(path.read_bytes()[:-1])
    (copy.runs_path / "unreadable/config.json").write_text('{"name": 3}')
    for name, state in (("killed", "training"), ("stopped", "stopped")):
        progress = copy.runs_path / name / "progress.json"
        content = json.loads(progress.read_text()) | {"state": state}
        progress.write_text(json.dumps(content))
    (copy.runs_path / "tiny/checkpoints/.step-000020.abcd1234").mkdir()
    (copy.runs_path / "half").mkdir()
    report = look(inkling, "-w", copy.path)
    states = {run["name"]: run["state"] for run in report["workspace"]["runs"]}
    assert states == {
        "tiny": "done", "cut": "damaged", "killed": "failed", "stopped": "stopped",
        "unreadable": "damaged",
    }  # fmt: skip
    problems = "\n".join(report["problems"])
    assert len(report["problems"]) == 4
    assert "unreadable/config.json cannot be used" in problems
    assert "inkling runs unreadable --delete" in problems
    assert "cut/checkpoints" in problems
    assert "inkling train --resume --run killed" in problems
    assert "checkpoints/.step-000020.abcd1234" in problems
    assert f"{copy.runs_path}/half" in problems
    assert any("train --resume --run stopped" in note for note in report["notes"])
    shown = inkling("doctor", "-w", copy.path)
    assert shown.out.count("\n! ") == 4
    assert shown.out.endswith("4 things need attention.\n")


def test_settings_and_older_text_are_noticed(inkling: Inkling, copy: Workspace) -> None:
    """A setting that no command would take; text that the answering run has not read."""
    copy.config_path.write_text('name = "W"\n[train]\nminuts = 3\n')
    with CorpusStore(copy.corpus_path) as store:
        store.add("more", "txt", [Document("A thing that was written since. " * 90, "more.txt")])
    report = look(inkling, "-w", copy.path)
    (problem,) = report["problems"]
    assert "did you mean minutes?" in problem
    assert report["workspace"]["runs"][0]["older_text"]
    assert any("changed since run tiny" in note for note in report["notes"])


def test_a_corpus_that_is_being_written_is_read_as_saved(inkling: Inkling, copy: Workspace) -> None:
    """Another process has it open: what that committed counts, and stays."""
    with CorpusStore(copy.corpus_path) as store:
        store.add("more", "txt", [Document("Words that came in just now. " * 9, "more.txt")])
        report = look(inkling, "-w", copy.path)
    assert report["problems"] == []
    assert report["workspace"]["corpus"]["documents"] == 13
    with CorpusStore(copy.corpus_path) as store:
        assert sum(source.documents for source in store.sources()) == 13


def test_a_read_only_workspace_is_looked_at(inkling: Inkling, copy: Workspace) -> None:
    """One sentence about it; everything in it is read all the same."""
    with made_read_only(copy.path):
        report = look(inkling, "-w", copy.path)
    (problem,) = report["problems"]
    assert "cannot be written to" in problem
    assert not report["workspace"]["writable"]
    assert report["workspace"]["corpus"]["documents"] == 12
    assert report["text"] == "this workspace's text"


def test_a_training_that_runs_is_named_and_not_disturbed(inkling: Inkling, copy: Workspace) -> None:
    """What a training is just writing is no leftover."""
    (copy.runs_path / "tiny/checkpoints/.step-000020.abcd1234").mkdir()
    with copy.training_lock():
        report = look(inkling, "-w", copy.path)
    assert report["workspace"]["training"] == os.getpid()
    assert report["problems"] == []
    assert any(f"process {os.getpid()}" in note for note in report["notes"])


def test_a_port_that_another_program_uses(inkling: Inkling, free_port: int) -> None:
    """Said, with the way out."""
    with socket.create_server(("127.0.0.1", free_port)):
        report = look(inkling)
    (problem,) = report["problems"]
    assert f"--port {free_port + 1}" in problem
    assert not report["machine"]["port_free"]


def test_a_torch_that_cannot_be_loaded_is_one_problem(trained: Workspace) -> None:
    """A broken installation is what a doctor is called for: no traceback, all else is shown."""
    Path("broken").mkdir()
    Path("broken/torch.py").write_text("raise ImportError('libtorch.so: no such file')\n")
    paths = os.pathsep.join(["broken", *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-m", "inkling", "doctor", "--json", "-w", str(trained.path)],
        capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": paths},
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == ""
    report = json.loads(done.stdout)
    assert "Torch cannot be loaded (libtorch.so: no such file)" in report["problems"][0]
    assert report["workspace"]["runs"][0]["state"] == "done"
    assert report["estimates"] == []


def test_the_libraries_are_those_that_the_package_asks_for() -> None:
    """None is forgotten, none is left over."""
    asked = tomllib.loads((DEMO.parent / "pyproject.toml").read_text())["project"]["dependencies"]
    assert [line.split(">")[0] for line in asked] == list(LIBRARIES)


@pytest.mark.parametrize("minutes", [1.0, 3.0, 10.0])
def test_doctor_promises_what_train_prints(
    trained: Workspace, minutes: float, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """The same text, speed and seconds: the same model, steps and expected loss."""
    gflops, spent = 150.0, 2.0

    def timed(session: Any, seconds: float, model: Any, settings: TrainingSettings) -> Costs:
        step = planner.estimated_step_seconds(model, settings, gflops)
        return Costs.of_step(step, settings.batch.total_batch_size)

    monkeypatch.setattr(configure, "timed_costs", timed)
    monkeypatch.setattr(planner, "measure_gflops", lambda runtime: gflops)
    prepared = prepare_run(trained, f"asked-{minutes:g}", planner.merges_for)
    now = time.time()
    runtime = Runtime(torch.device("cpu"), torch.float32, 1, started=now - spent)
    with monkeypatch.context() as frozen:
        frozen.setattr(time, "time", lambda: now)
        config = configure.start_run(prepared, TrainRequest(minutes=minutes), runtime).config()
    shutil.rmtree(prepared.path)
    facts = config.data
    seconds = usable_seconds(minutes, figures=True) - spent
    made = forecast(minutes, seconds, facts, config.model.vocab_size, gflops)
    assert isinstance(config.model, ModelSettings)
    assert (made.plan.model, made.plan.train) == (config.model, config.train)
    assert made.plan.finetune == config.finetune
    print_plan(config, "a machine")
    printed = capsys.readouterr().out
    estimate = doctor_report._estimate(made, facts, 10**12, 10**12)
    assert f"{estimate.weights:,} weights in {estimate.n_layer} blocks of width" in printed
    assert f"{estimate.steps:,} steps, reading the text {estimate.readings:.1f} times" in printed
    assert f"then {estimate.finetune_steps:,} steps on the dialogs" in printed
    assert f"about {estimate.memory_bytes / 1e6:,.0f} MB" in printed
    assert f"about {estimate.bits_per_char:.1f} bits a character: {estimate.looks_like}" in printed


def test_text_that_no_run_has_read_is_estimated_closely(trained: Workspace) -> None:
    """What doctor reckons with is within a few percent of what a training counts."""
    counted = Run(trained.runs_path / "tiny").config()
    with CorpusStore(trained.corpus_path, read_only=True) as store:
        documents = store.documents()
        characters = documents.characters()
        talks = [conversation.messages for conversation in store.conversations()]
        spoken = sum(len(message.text) for talk in talks for message in talk)
        facts, vocab_size = estimate_facts(
            (document.text for document in documents), characters, talks, spoken,
            planner.merges_for,
        )  # fmt: skip
    assert vocab_size == pytest.approx(counted.model.vocab_size, rel=0.03)
    for name in (
        "train_characters", "train_tokens", "writing_tokens", "dialog_tokens", "dialogs",
        "held_out_dialogs", "bzip2_nats",
    ):  # fmt: skip
        exact = getattr(counted.data, name)
        assert getattr(facts, name) == pytest.approx(exact, rel=0.1), name
