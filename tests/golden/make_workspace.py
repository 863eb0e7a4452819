"""Make workspace-0.1.tar.xz and workspace-0.1.json: what Inkling 0.1.0 left on disk and answered.

Run once, with 0.1.0's sources on PYTHONPATH, in a folder whose path may be read by everybody:
the databases keep it. Not run by the tests, which hold later versions to these two files.

    PYTHONPATH=inkling-0.1.0/src python make_workspace.py inkling-0.1.0/demo /home/wilma
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

MESSAGES = ["Do you like rain?", "And the sea?"]
COPIED = "dolores's on the harbour wall, me, and a wooden fork"
LETTER = """Dear Quentin,

the boat is sold, and the man who bought it asked whether it leaks. I said that it is a boat.

The phone number of the harbour office has not changed since the war, which nobody calls progress.
"""
TABLES = """
[train]
steps = 60
eval_every = 20
save_every = 20

[train.set]
"train.sequence_length" = 64
"model.n_layer" = 1
"model.n_head" = 1
"model.n_embd" = 8
"train.total_batch_size" = 256

[sampling]
temperature = 0.8
top_k = 40
max_tokens = 60
"""
SMALL = (
    "finetune.sequence_length=64", "model.context_length=64", "finetune.total_batch_size=256",
    "model.head_dim=8", "model.n_hidden=16",
)  # fmt: skip
LETTERS = (
    "train.sequence_length=256", "finetune.sequence_length=256", "finetune.total_batch_size=256",
)  # fmt: skip


def inkling(folder: Path, *arguments: str, typed: str = "") -> str:
    """Run a command in a workspace; what it printed."""
    command = [sys.executable, "-m", "inkling", *arguments, "-w", str(folder)]
    done = subprocess.run(command, input=typed, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


def settings(names: tuple[str, ...]) -> list[str]:
    """Options that change settings."""
    return [word for name in names for word in ("--set", name)]


def write_texts(demo: Path, folder: Path) -> None:
    """Three posts cut short, a letter and some dialogs."""
    folder.mkdir(parents=True)
    for post in sorted((demo / "posts").glob("*.md"))[:3]:
        (folder / post.name).write_bytes(post.read_bytes()[:2500])
    blocks = (demo / "dms.txt").read_bytes()[:18_000].decode("utf-8", "ignore").split("\n\n")
    (folder / "dms.txt").write_text("\n\n".join(blocks[:-1]), encoding="utf-8")
    (folder / "letter.txt").write_text(LETTER, encoding="utf-8")


def kill_after_a_checkpoint(workspace: Path) -> None:
    """A training killed once it had saved its 40th step."""
    arguments = ["train", "--name", "stopped", "--no-plots", *settings(SMALL), "-w", workspace]
    process = subprocess.Popen([sys.executable, "-m", "inkling", *arguments])
    saved = workspace / "runs" / "stopped" / "checkpoints" / "step-000040" / "state.json"
    while not saved.exists():
        assert process.poll() is None
    process.kill()
    process.wait()


def keep_little(workspace: Path) -> None:
    """Leave out what retention also leaves out in the end, so that the files are small."""
    (workspace / ".training.lock").unlink()
    for run in (workspace / "runs").iterdir():
        best = json.loads((run / "best.json").read_text())
        steps = {entry["step"] for entry in best.values()}
        if run.name in ("letters", "voice-tuned-1"):
            steps = {max(steps)}
        for checkpoint in (run / "checkpoints").iterdir():
            step = int(checkpoint.name.removeprefix("step-"))
            last = run.name == "stopped" and step == 40
            if step not in steps and not last:
                shutil.rmtree(checkpoint)
            elif not last:
                (checkpoint / "optimizer.safetensors").unlink(missing_ok=True)


def answers(workspace: Path, scratch: Path) -> dict[str, object]:
    """What the version that made it says about it. The scratch copy is changed by that."""
    shutil.copytree(workspace, scratch)
    runs = ("letters", "voice", "voice-tuned-1")
    cold = ("--temperature", "0")
    typed = "".join(f"{message}\n" for message in MESSAGES)
    reply = ("chat", "--private", *cold, "--best-of", "1", "--run")
    write = ("generate", "--prompt", "The sea", *cold, "--max-tokens", "40", "--run")
    found = {
        "corpus": json.loads(inkling(scratch, "corpus", "--json")),
        "runs": json.loads(inkling(scratch, "runs", "--json")),
        "messages": MESSAGES,
        "replies": {run: inkling(scratch, *reply, run, typed=typed).splitlines() for run in runs},
        "prompt": "The sea",
        "texts": {run: inkling(scratch, *write, run) for run in runs},
        "trace": json.loads(inkling(scratch, "trace", COPIED, "--run", "voice", "--json")),
    }
    inkling(scratch, "train", "--resume", "--run", "stopped", "--no-plots")
    lines = (scratch / "runs" / "stopped" / "metrics.jsonl").read_text().splitlines()
    found["resumed"] = [
        {key: value for key, value in json.loads(line).items() if key != "elapsed_min"}
        for line in lines
    ]
    return found


def make(demo: Path, home: Path) -> None:
    """Both files, beside this one."""
    here = Path(__file__).resolve().parent
    workspace = home / "diary"
    write_texts(demo, home / "writing")
    os.chdir(home)
    subprocess.run([sys.executable, "-m", "inkling", "init", "diary"], check=True)
    with (workspace / "inkling.toml").open("a") as file:
        file.write(TABLES)
    inkling(workspace, "add", "writing")
    plain = ("--no-plots",)
    letters = ("train", "--recipe", "classic-full", "--name", "letters", "--steps", "4")
    inkling(workspace, *letters, *plain, *settings(LETTERS))
    inkling(workspace, "corpus", "forget", "--match", "the gulls", "--yes")
    inkling(workspace, "add", "writing")
    inkling(workspace, "train", "--name", "voice", *plain, *settings(SMALL))
    inkling(
        workspace, "chat", "--run", "voice", "--temperature", "0", "--best-of", "1",
        typed=f"{MESSAGES[0]}\n/edit Only sideways.\n{MESSAGES[1]}\n",
    )  # fmt: skip
    inkling(workspace, "finetune", "voice", "--steps", "4", *plain)
    inkling(workspace, "eval", "--run", "voice")
    kill_after_a_checkpoint(workspace)
    shutil.rmtree(workspace / "runs" / "voice" / "spans")
    keep_little(workspace)
    expected = answers(workspace, home / "scratch")
    (here / "workspace-0.1.json").write_text(
        json.dumps(expected, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )
    with tarfile.open(here / "workspace-0.1.tar.xz", "w:xz") as archive:
        for path in sorted(path for path in workspace.rglob("*") if path.is_file()):
            info = archive.gettarinfo(path, path.relative_to(workspace).as_posix())
            info.uid = info.gid = info.mtime = 0
            info.uname = info.gname = ""
            with path.open("rb") as content:
                archive.addfile(info, content)


if __name__ == "__main__":
    make(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
