"""The command line as a person meets it: the main path, and one sentence for each mistake."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from inkling.cli.main import COMMANDS
from inkling.runs import Run
from inkling.workspace import Workspace
from tests.conftest import DEMO, Result

Inkling = Callable[..., Result]
POSTS = list((DEMO / "posts").glob("*.md"))


def one_sentence(result: Result, *words: str) -> None:
    """A failure that is explained: no traceback, one line, the words in it."""
    assert result.status in (1, 2), result
    assert "Traceback" not in result.err
    assert result.err.startswith("inkling: ")
    assert result.err.count("\n") == 1
    for word in words:
        assert word in result.err, result.err


def test_help_names_every_command_and_imports_nothing_heavy() -> None:
    """`inkling --help` lists the commands without torch, numpy, pydantic, fastapi or rich."""
    code = (
        "import sys\nfrom inkling.cli.main import main\nmain(['--help'])\n"
        "heavy = {'torch', 'numpy', 'pydantic', 'fastapi', 'tokenizers', 'rich'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for name in COMMANDS:
        assert f"  {name} " in out.stdout
    assert out.stdout.rstrip().endswith("[]")


@pytest.mark.parametrize(
    "module", ["inkling.cli.main", "inkling.config", "inkling.corpus.store", "inkling.corpus.split",
               "inkling.preparation", "inkling.cli.train", "inkling.cli.corpus",
               "inkling.cli.start", "inkling.cli.chat", "inkling.chats"]
)  # fmt: skip
def test_torch_is_not_imported_where_it_is_not_needed(module: str) -> None:
    """A proof by subprocess, for every module that must stay light."""
    code = f"import {module}, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("command", list(COMMANDS))
def test_every_command_has_help(inkling: Inkling, command: str) -> None:
    """Each command explains itself."""
    result = inkling(command, "--help")
    assert result.status == 0
    assert f"inkling {command}" in result.out


def test_version(inkling: Inkling) -> None:
    """`--version` prints the package's version."""
    from inkling import __version__

    assert inkling("--version").out == f"inkling {__version__}\n"


def test_init_of_a_workspace_says_that_it_is_one(inkling: Inkling) -> None:
    """It stays as it is, to the byte."""
    assert "Workspace ready" in inkling("init", "w").out
    config = Path("w/inkling.toml")
    config.write_text(f"{config.read_text()}[train]\nsteps = 3\n")
    before = {path: path.read_bytes() for path in Path("w").iterdir()}
    again = inkling("init", "w")
    assert again.status == 0
    assert "is a workspace already" in again.out
    assert "Workspace ready" not in again.out
    assert {path: path.read_bytes() for path in Path("w").iterdir()} == before


def test_init_add_corpus(inkling: Inkling) -> None:
    """A workspace, a folder of writing, what it holds and what was left out."""
    Path("notes").mkdir()
    Path("notes/a.md").write_text("---\ndate: 2025-01-01\n---\nWords. " * 40)
    Path("notes/dms.txt").write_text("them: soup?\nme: always\n\nthem: why\nme: because")
    Path("notes/photo.jpg").write_bytes(b"\xff\xd8")
    assert inkling("init", "w").status == 0
    added = inkling("add", "notes", "-w", "w")
    assert added.status == 0
    assert "1 document and 2 dialogs" in added.out
    assert "left out 1: not a format that Inkling reads (.jpg) (e.g. photo.jpg)" in added.out
    again = inkling("add", "notes", "-w", "w")
    assert "nothing new (3 already there)" in again.out
    listed = inkling("corpus", "-w", "w")
    assert "In all: 1 document, 2 dialogs" in listed.out
    (source,) = json.loads(inkling("corpus", "-w", "w", "--json").out)
    assert (source["documents"], source["conversations"], source["messages"]) == (1, 2, 4)
    assert source["dropped"] == {"not a format that Inkling reads (.jpg)": 1}


def test_a_name_for_dialogs_where_there_are_none_is_told(inkling: Inkling) -> None:
    """Prose is the author's own; another program's log is refused and leaves nothing."""
    inkling("init", "w")
    Path("prose.txt").write_text("It rained all day, and Ada mended the net.\n")
    Path("log.txt").write_text("[10:11] <Jan> hi\n[10:12] <Ada> hello\n")
    Path("dialog.txt").write_text("Jan: hi\nAda: hello\n")
    told = inkling("add", "prose.txt", "--me", "Ada", "-w", "w")
    assert told.status == 0
    assert "no dialog was found" in told.out
    assert "no dialog" not in inkling("add", "dialog.txt", "--me", "Ada", "-w", "w").out
    one_sentence(inkling("add", "log.txt", "--me", "Ada", "-w", "w"), "looks like a chat")
    assert "/log.txt" not in inkling("corpus", "-w", "w").out


def test_the_workspace_is_found_upward(inkling: Inkling, monkeypatch: pytest.MonkeyPatch) -> None:
    """Like git: any folder inside a workspace will do."""
    inkling("init", "w")
    Path("w/deep/er").mkdir(parents=True)
    monkeypatch.chdir("w/deep/er")
    assert inkling("corpus").out.startswith("The corpus is empty")


def test_generate_streams_and_repeats_with_a_seed(inkling: Inkling, trained: Workspace) -> None:
    """The same seed, the same text; it begins with the prompt."""
    arguments = (
        "generate",
        "--prompt",
        "The van",
        "--seed",
        3,
        "--max-tokens",
        20,
        "-w",
        trained.path,
    )
    one, two = inkling(*arguments), inkling(*arguments)
    assert one.status == 0
    assert one.out.startswith("The van")
    assert one.out == two.out
    other = inkling(*arguments[:4], 4, *arguments[5:])
    assert other.out != one.out


def test_chat_answers_from_a_pipe(trained: Workspace) -> None:
    """Every line in, a reply out, never an empty one."""
    out = subprocess.run(
        [sys.executable, "-m", "inkling", "chat", "--seed", "1", "-w", str(trained.path)],
        input="hello\n<|end|> 🐖 हिन्दी 中文\n", encoding="utf-8",
        capture_output=True, check=True,
    )  # fmt: skip
    assert out.stderr == ""
    replies = out.stdout.split("\n")
    assert replies[0].strip()
    assert len([reply for reply in replies if reply.strip()]) >= 2


def test_train_leaves_the_files_it_promised(trained: Workspace) -> None:
    """config, tokenizer, data, metrics, loss history, samples, checkpoints, best and last."""
    run = trained.runs_path / "tiny"
    for name in (
        "config.json", "tokenizer.json", "data/train.bin", "data/val.bin", "data/index.json",
        "data/dialog_train_mask.bin", "metrics.jsonl", "loss_history.csv", "samples.jsonl",
        "best.json", "last.json",
    ):  # fmt: skip
        assert (run / name).is_file(), name
    assert not list(run.rglob("*.pt"))
    assert not list(run.rglob("*.pkl"))
    config = json.loads((run / "config.json").read_text())
    assert config["complete"]
    assert config["train"]["steps"] == 30
    samples = [json.loads(line) for line in (run / "samples.jsonl").read_text().splitlines()]
    assert {s["phase"] for s in samples} == {"train", "finetune"}
    assert all(s["seed"] == 0 for s in samples)
    prompts = {s["prompt"] for s in samples if s["phase"] == "train"}
    assert len(prompts) <= 2


def test_finetune_makes_a_new_run_from_an_old_base(inkling: Inkling, trained: Workspace) -> None:
    """The parent stays as it is; the child answers."""
    before = (trained.runs_path / "tiny" / "best.json").read_text()
    result = inkling("finetune", "tiny", "--minutes", "0.2", "-w", trained.path)
    assert result.status == 0, result.err
    assert "Fine-tuning tiny as run tiny-tuned-1." in result.out
    assert (trained.runs_path / "tiny" / "best.json").read_text() == before
    reply = inkling("generate", "--run", "tiny-tuned-1", "--max-tokens", 5, "-w", trained.path)
    assert reply.status == 0
    shutil.rmtree(trained.runs_path / "tiny-tuned-1")


# -- mistakes --------------------------------------------------------------------------------


def test_no_workspace(inkling: Inkling) -> None:
    """Says how to make one."""
    one_sentence(inkling("train"), "no workspace", "inkling init")


def test_a_missing_path(inkling: Inkling) -> None:
    """Says which, exit 2."""
    inkling("init", "w")
    result = inkling("add", "nowhere", "-w", "w")
    one_sentence(result, "nothing at nowhere")
    assert result.status == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "is empty"), (b"", "empty"), (b"\0\1\2" * 99, "binary, not text")],
)
def test_nothing_readable(inkling: Inkling, content: bytes | None, words: str) -> None:
    """An empty folder, an empty file, junk: what was found and what would work."""
    inkling("init", "w")
    Path("notes").mkdir()
    if content is not None:
        Path("notes/a.txt").write_bytes(content)
    one_sentence(inkling("add", "notes", "-w", "w"), words, ".md")


def test_too_little_text(inkling: Inkling) -> None:
    """Says how much is there and how much is needed."""
    inkling("init", "w")
    one_sentence(inkling("train", "-w", "w"), "0 characters", "2,000", "inkling add")
    Path("a.txt").write_text("A short note. " * 20)
    inkling("add", "a.txt", "-w", "w")
    one_sentence(inkling("train", "-w", "w"), "2,000", "100,000")
    # The same sentence again and again is not more text.
    Path("b.txt").write_text("\n\n".join(["A short note about nothing much at all. " * 15] * 50))
    inkling("add", "b.txt", "-w", "w")
    one_sentence(inkling("train", "-w", "w"), "repeat what is there")


def test_no_permission(tmp_path: Path) -> None:
    """A file that cannot be read is counted and the rest is read, as root (who becomes nobody
    for it) and as a normal user."""
    notes = tmp_path / "here" / "notes"
    notes.mkdir()
    (notes / "a.txt").write_text("words " * 50)
    (notes / "b.txt").write_text("more words " * 50)
    (notes / "a.txt").chmod(0o000)
    for folder in (notes, *notes.parents[:4]):
        if folder.stat().st_uid == os.geteuid():
            folder.chmod(0o755)
    code = (
        "import os\nfrom pathlib import Path\nfrom inkling.corpus.importers import read_path\n"
        "from inkling.corpus import store\nlist(read_path(Path('notes')))\n"
        "if os.geteuid() == 0: os.setgid(65534); os.setuid(65534)\n"
        "print([type(item).__name__ for item in read_path(Path('notes'))])\n"
        "print(next(read_path(Path('notes'))).reason)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert out.stdout == "['Dropped', 'Document']\nno permission to read\n", out.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("train", "--recipe", "llama"), "no recipe called 'llama'"),
        (("train", "--minutes", "0"), "--minutes must be a number above 0"),
        (("train", "--steps", "-3"), "--steps must be a number above 0"),
        (("train", "--minutes", "1", "--steps", "5"), "not both"),
        (("train", "--resume", "--steps", "5"), "leave out"),
        (("train", "--name", "../x"), "not a run name"),
        (("train", "--run", "x"), "--name x"),
        (("generate", "--run", "nope"), "no run called 'nope'"),
        (("generate", "--temperature", "-1"), "--temperature"),
        (("generate", "--top-p", "0"), "--top-p"),
        (("generate", "--max-tokens", "many"), "--max-tokens must be a whole number, not 'many'."),
        (("generate", "--temperature", "9"), "--temperature must be at most 5, not 9.0."),
        (("train", "--minutes", "abc"), "--minutes must be a number, not 'abc'."),
        (("train", "--steps", "1.5"), "--steps must be a whole number, not '1.5'."),
        (("train", "--min-length", "x"), "--min-length must be a whole number, not 'x'."),
        (("serve", "--port", "abc"), "--port must be a whole number, not 'abc'."),
        (("inspect", "pairs", "--step", "-1"), "--step must be at least 0, not '-1'."),
        (("train", "--from", "soon"), "--from: a date is a year"),
        (("train", "--in", "20x4"), "--in: a date is a year"),
        (("chat", "--seed", "-1"), "--seed"),
        (("serve", "--port", "99999"), "--port must be between"),
        (("serve", "--run", "nope", "--port", "0"), "no run called"),
        (("nonsense",), "nonsense"),
        (("train", "--nonsense"), "--nonsense"),
    ],
)
def test_wrong_usage_gets_one_sentence(
    inkling: Inkling, arguments: tuple[str, ...], words: str
) -> None:
    """What was wrong, on one line, without a traceback."""
    inkling("init", "w")
    rest = () if arguments[0] == "nonsense" else ("-w", "w")
    one_sentence(inkling(*arguments, *rest), words)


def test_a_padded_corpus_is_called_by_its_name(inkling: Inkling) -> None:
    """Ten essays thirty times over with changed headers, in one file: training says so, learns
    from one copy, and holds out what is in no other."""
    essays = [post.read_text().split("---", 2)[2] for post in sorted(POSTS)[:10]]
    copies = [
        f"# Letter {n}, copy {k}\n\n{essay}" for k in range(30) for n, essay in enumerate(essays)
    ]
    Path("padded.txt").write_text("\n\n".join(copies))
    inkling("init", "w")
    inkling("add", "padded.txt", "-w", "w")
    done = inkling("train", "--steps", 1, "--no-plots", "--name", "r", "-w", "w")
    assert done.status == 0, done.err
    assert "97% of the writing repeats itself" in done.out
    data = json.loads(Path("w/runs/r/config.json").read_text())["data"]
    whole = sum(map(len, essays))
    assert 0.85 * whole < data["train_characters"] + data["val_characters"] < 1.1 * whole
    assert data["leak"] < 0.01


def test_a_taken_run_name(inkling: Inkling, trained: Workspace) -> None:
    """A run is never overwritten."""
    one_sentence(
        inkling("train", "--name", "tiny", "-w", trained.path), "already a run", "--resume"
    )


def test_a_damaged_checkpoint_and_config(inkling: Inkling, trained: Workspace) -> None:
    """Said in a sentence, with the way out."""
    copy = Workspace.create(Path("copy"))
    shutil.copytree(trained.runs_path, copy.runs_path)
    run = copy.runs_path / "tiny"
    for path in run.glob("checkpoints/*/model.safetensors"):
        path.write_bytes(path.read_bytes()[:-100])
    one_sentence(inkling("generate", "-w", "copy"), "damaged")
    (run / "config.json").write_text('{"name": 3}')
    one_sentence(inkling("generate", "--run", "tiny", "-w", "copy"), "config.json")
    Path("copy/inkling.toml").write_text("name = ")
    one_sentence(inkling("chat", "-w", "copy"), "not valid TOML")


def test_a_damaged_corpus(inkling: Inkling) -> None:
    """A database that is none says what to do."""
    inkling("init", "w")
    Path("w/corpus.db").write_bytes(b"this is no database, it is a text of some length" * 40)
    one_sentence(inkling("corpus", "-w", "w"), "damaged", "inkling add")


def test_a_full_disk_loses_nothing(trained: Workspace) -> None:
    """A real limit on file sizes while training: one sentence, what was there stays."""
    code = (
        "import resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))\n"
        "from inkling.cli.main import main\n"
        f"sys.exit(main(['train', '--steps', '20', '-w', {str(trained.path)!r}, '--name', 'full']))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert out.returncode == 1, out.stdout + out.stderr
    assert "Traceback" not in out.stderr
    assert "file too large" in out.stderr
    assert "Nothing saved before was lost" in out.stderr
    assert not list((trained.runs_path / "full").glob("checkpoints/step-*/model.safetensors"))
    shutil.rmtree(trained.runs_path / "full", ignore_errors=True)


def test_debug_shows_the_traceback() -> None:
    """Only with --debug."""
    out = subprocess.run(
        [sys.executable, "-m", "inkling", "corpus", "--debug"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert out.returncode == 1
    assert "Traceback" in out.stderr


@pytest.mark.alone
def test_minutes_bound_the_whole_command(trained: Workspace) -> None:
    """0.4 minutes from start to exit, within 10 %; of two tries one, for a machine that halts
    for a second has no say in how long that takes."""
    tries: list[float] = []
    while len(tries) < 2 and not any(0.9 * 24 <= took <= 1.1 * 24 for took in tries):
        begun = time.monotonic()
        out = subprocess.run(
            [sys.executable, "-m", "inkling", "train", "--minutes", "0.4", "--name", "timed",
             "-w", str(trained.path)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        tries.append(time.monotonic() - begun)
        assert out.returncode == 0, out.stderr
        shutil.rmtree(trained.runs_path / "timed")
    assert 0.9 * 24 <= tries[-1] <= 1.1 * 24, tries


def test_a_small_corpus_trains_and_is_told_how_little_it_is(
    inkling: Callable[..., Result], posts: list[Path]
) -> None:
    """50 KB: a run comes out, and before its first step stands how little that is."""
    text = "\n\n".join(post.read_text(encoding="utf-8") for post in posts)[:50_000]
    Path("small.txt").write_text(text, encoding="utf-8")
    assert inkling("init", "w").status == 0
    assert inkling("add", "small.txt", "-w", "w").status == 0
    done = inkling("train", "--steps", 2, "--no-plots", "-w", "w")
    assert done.status == 0, done.err
    assert "(that is little: about 25 pages;" in done.out
    assert Run.choose(Workspace(Path("w").resolve()), None).checkpoints.best_step() is not None
