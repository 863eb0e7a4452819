"""Takes away one mend after the other and looks whether a test notices.

    scripts/bench mutations [WORD …] [--list]

benchmarks/mutations.toml names edits of one line each and the test that must fail with it. Each is
made in a copy of the tree, never in the tree itself. First all tests run without any edit, and must
pass; then each with its edit, and must fail. With words, only edits that have one of them in their
kind, file or test. The exit status is 1 where an edit survives, or fits no line any more.
"""

from __future__ import annotations

import argparse
import importlib
import math
import os
import re
import shutil
import signal
import sys
import tempfile
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest
from _common import ROOT

DATA = Path(__file__).with_suffix(".toml")
LEFT_BEHIND = (".git", ".venv", "node_modules", "__pycache__", ".mypy_cache", ".ruff_cache",
               ".pytest_cache", "*-workspace")  # fmt: skip
PATIENCE = 180.0
"""Seconds that a test may take beyond those that all took together without any edit. One that hangs
has noticed, too; one that only waits for a busy machine has not."""
PASSED, FAILED = 0, 1
IMPORTED = ("torch", "fastapi", "uvicorn", "httpx", "hypothesis", "typer", "tokenizers",
            "safetensors", "filelock", "selectolax.lexbor", "yaml", "openai")  # fmt: skip


@dataclass(frozen=True)
class Mutation:
    """One edit, and who must notice it."""

    kind: str
    file: str
    old: str
    new: str
    test: str

    @property
    def words(self) -> str:
        return f"{self.kind} {self.file} {self.test}"


@dataclass(frozen=True)
class Outcome:
    """What pytest said of some tests; `status` is None where they were ended for taking long."""

    status: int | None
    output: str
    seconds: float

    @property
    def reason(self) -> str:
        """The first line that says what failed."""
        found = re.search(r"^E\s+(\S.*)$", self.output, re.MULTILINE)
        return found[1][:90] if found else self.output.strip().rpartition("\n")[2][:90]


def run_tests(tree: Path, tests: list[str], patience: float = math.inf) -> Outcome:
    """Run tests of a tree with the tree's own package, in a process of their own that has imported
    everything else already: importing takes longer than most of these tests."""
    for name in IMPORTED:
        importlib.import_module(name)
    begun = time.monotonic()
    with tempfile.TemporaryFile("w+") as output:
        process = os.fork()
        if not process:
            os.setsid()
            for descriptor in (1, 2):
                os.dup2(output.fileno(), descriptor)
            os.chdir(tree)
            os.environ["PYTHONPATH"] = str(tree / "src")
            sys.path[:0] = [str(tree), str(tree / "src")]
            known = "ignore::pytest.PytestAssertRewriteWarning"  # plugins that are imported
            ended_with = pytest.main(["-x", "-p", "no:cacheprovider", "-W", known, *tests])
            sys.stdout.flush()
            os._exit(ended_with)
        status: int | None = None
        while not (ended := os.waitpid(process, os.WNOHANG))[0]:
            if time.monotonic() > begun + patience:
                os.killpg(process, signal.SIGKILL)
            time.sleep(0.1)
        if os.WIFEXITED(ended[1]):
            status = os.WEXITSTATUS(ended[1])
        output.seek(0)
        return Outcome(status, output.read(), time.monotonic() - begun)


def tried(tree: Path, mutation: Mutation, number: int, patience: float) -> tuple[bool, str]:
    """Whether the test noticed, and what is to be said of it."""
    path = tree / mutation.file
    whole = path.read_text(encoding="utf-8")
    if whole.count(mutation.old) != 1:
        return False, f"stands {whole.count(mutation.old)} times in the file, not once"
    path.write_text(whole.replace(mutation.old, mutation.new), encoding="utf-8")
    # Compiled files are known by time and size: each edit has a time of its own.
    os.utime(path, (number, number))
    try:
        outcome = run_tests(tree, [mutation.test], patience)
    finally:
        path.write_text(whole, encoding="utf-8")
    if outcome.status is None:
        return True, f"hangs ({outcome.seconds:.0f} s)"
    if outcome.status == FAILED:
        return True, f"{outcome.reason} ({outcome.seconds:.0f} s)"
    if outcome.status == PASSED:
        return False, f"SURVIVES: {outcome.reason}"
    return False, f"pytest ended with {outcome.status}: {outcome.reason}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("word", nargs="*", help="of a kind, a file or a test")
    parser.add_argument("--list", action="store_true", help="only say which there are")
    options = parser.parse_args()
    with DATA.open("rb") as file:
        everything = [Mutation(**each) for each in tomllib.load(file)["mutation"]]
    chosen = [m for m in everything if any(word in m.words for word in options.word or [""])]
    if options.list or not chosen:
        print("\n".join(m.words for m in chosen or everything))
        return
    missed = 0
    with tempfile.TemporaryDirectory() as name:
        tree = Path(name, "tree")
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(*LEFT_BEHIND), symlinks=True)
        whole = run_tests(tree, sorted({m.test for m in chosen}))
        if whole.status != PASSED:
            sys.exit(f"Without any edit tests fail already:\n{whole.output[-3_000:]}")
        print(f"{len(chosen)} edits; their tests pass without ({whole.seconds:.0f} s)", flush=True)
        for number, mutation in enumerate(chosen, start=1_000_000_000):
            noticed, said = tried(tree, mutation, number, whole.seconds + PATIENCE)
            missed += not noticed
            print(f"{'noticed' if noticed else 'MISSED '}  {mutation.kind}: {mutation.old.strip()}"
                  f"  {mutation.test.partition('::')[2]}  {said}", flush=True)  # fmt: skip
    print(f"{len(chosen) - missed} of {len(chosen)} noticed")
    sys.exit(missed > 0)


if __name__ == "__main__":
    main()
