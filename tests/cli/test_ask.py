"""`inkling ask`: a fixed list of prompts, every answer kept with the run."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from inkling.config import REPLY
from inkling.inference.chat import ChatModel
from inkling.memory.corpus_index import run_memory
from inkling.runs import Run
from inkling.runtime import Runtime
from inkling.workflows.answers import cell
from inkling.workspace import Workspace
from tests.conftest import DEMO, Result

Command = Callable[..., Result]


@pytest.fixture
def workspace(trained: Workspace) -> Workspace:
    """A copy of the trained workspace that a test may write into."""
    return Workspace(Path(shutil.copytree(trained.path, Path("copy").resolve())))


def test_the_demo_s_questions_are_asked_where_the_workspace_has_none(
    workspace: Workspace, inkling: Command
) -> None:
    """Thirty rows, each the very reply that the chat gives alone with seed 0."""
    assert inkling("ask", "-w", workspace.path).status == 0
    run = Run.choose(workspace, None)
    text = run.answers_path.read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ")][2:]
    questions = (DEMO / "questions.txt").read_text(encoding="utf-8").splitlines()
    assert len(rows) == len(questions) == 30
    model = ChatModel.load(run, Runtime.detect()).with_memory(run_memory(workspace, run))
    reply = "".join(model.reply(questions[3], [], REPLY.model_copy(update={"seed": 0})))
    assert rows[3] == f"| {cell(questions[3])} | {cell(reply)} |"
    assert "Seed 0, temperature 0.5, top-k 25" in text
    assert f"step {model.step:,}" in text


def test_the_workspace_s_own_prompts_and_settings_count(
    workspace: Workspace, inkling: Command
) -> None:
    """prompts.txt wins over the demo's; comments and blank lines are no prompts; the settings
    of inkling.toml are used and written down."""
    workspace.prompts_path.write_text("# mine\nsoup?\n\n  tea | milk?  \n", encoding="utf-8")
    with workspace.config_path.open("a") as file:
        file.write("\n[sampling]\ntemperature = 0.25\nmin_p = 0.1\n")
    done = inkling("ask", "-w", workspace.path, "--seed", 7)
    assert done.status == 0
    assert "2 answers saved in" in done.out
    text = Run.choose(workspace, None).answers_path.read_text(encoding="utf-8")
    assert "2 prompts from prompts.txt" in text
    assert "Seed 7, temperature 0.25, top-k 25, min-p 0.1" in text
    assert "| tea \\| milk? |" in text


def test_the_same_run_and_seed_give_the_same_file(workspace: Workspace, inkling: Command) -> None:
    """answers.md can be compared with an earlier one byte by byte; another seed differs."""
    workspace.prompts_path.write_text("soup?\ntea or milk?\n", encoding="utf-8")
    path = Run.choose(workspace, None).answers_path
    contents = []
    for seed in (3, 3, 4):
        assert inkling("ask", "-w", workspace.path, "--seed", seed).status == 0
        contents.append(path.read_bytes())
    assert contents[0] == contents[1] != contents[2]


def test_two_runs_answer_side_by_side(workspace: Workspace, inkling: Command) -> None:
    """--compare adds a column; a run beside itself is refused."""
    trained = workspace.run_path("tiny")
    other = Path(shutil.copytree(trained, workspace.run_path("other")))
    config = (other / "config.json").read_text().replace('"name":"tiny"', '"name":"other"')
    (other / "config.json").write_text(config)
    done = inkling("ask", "-w", workspace.path, "--run", "tiny", "--compare", "other")
    assert done.status == 0
    lines = (trained / "answers.md").read_text(encoding="utf-8").splitlines()
    assert lines[4].startswith("| prompt | tiny, step ")
    assert " | other, step " in lines[4]
    assert all(line.count(" | ") == 2 for line in lines[6:])
    refused = inkling("ask", "-w", workspace.path, "--run", "tiny", "--compare", "tiny")
    assert refused.status == 2
    assert "another run" in refused.err


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "holds no prompts"), (b"# only\n\n", "holds no prompts"), (b"caf\xe9\n", "UTF-8")],
)
def test_a_file_without_prompts_is_refused_in_a_sentence(
    workspace: Workspace, inkling: Command, content: bytes, words: str
) -> None:
    """Nothing is asked and nothing written."""
    Path("list.txt").write_bytes(content)
    done = inkling("ask", "-w", workspace.path, "--prompts", "list.txt")
    assert done.status == 2
    assert words in done.err
    assert done.err.count("\n") == 1
    assert not Run.choose(workspace, None).answers_path.exists()


def test_a_cell_of_the_table_stays_one_cell() -> None:
    """Line breaks, bars, tags and backticks of a reply cannot break the table."""
    assert cell("a\n|b| <i>`c`") == "a \\|b\\| &lt;i>\\`c\\`"
