"""Tries to make a reader of files fail, for as long as one likes.

    scripts/bench fuzz [READER …] [--minutes 1]

Readers are those of tests/faults/readers.py, by default all of them, each for so many minutes. With
atheris (`pip install '.[fuzz]'`, where it has wheels) new contents are those that reach code which
none before has reached; else Hypothesis draws them. What a reader fails on is written to
tests/faults/corpus/READER, where the tests try it from then on, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _common import ROOT

sys.path.insert(0, str(ROOT))


def with_atheris(name: str, seconds: float) -> None:
    """Never returns: libFuzzer ends the process."""
    import atheris

    with atheris.instrument_imports(include=["inkling"]):
        from tests.faults.readers import CASES, READERS, cases
    reader = READERS[name]
    with tempfile.TemporaryDirectory() as place:
        seeds = Path(place, "seeds")
        seeds.mkdir()
        contents = [reader.healthy(), *cases(name)]
        for number, content in enumerate(contents):
            (seeds / str(number)).write_bytes(content)
        found = CASES / name
        found.mkdir(exist_ok=True)
        options = [f"-max_total_time={seconds:.0f}", f"-artifact_prefix={found}/",
                   f"-max_len={max(map(len, contents)) + 4_096}", "-rss_limit_mb=4096",
                   "-timeout=60", "-verbosity=0", "-print_final_stats=1", str(seeds)]  # fmt: skip
        atheris.Setup(
            [sys.argv[0], *options],
            lambda content: reader.attempt(Path(place, "files"), content),
        )
        atheris.Fuzz()


def with_hypothesis(name: str, seconds: float) -> bool:
    """Whether nothing was found."""
    from hypothesis import HealthCheck, given, seed, settings
    from tests.faults.contents import contents
    from tests.faults.readers import CASES, READERS

    reader, ends, number = READERS[name], time.monotonic() + seconds, 0
    last = b""
    with tempfile.TemporaryDirectory() as place:
        while time.monotonic() < ends:
            number += 1

            @seed(time.time_ns())
            @given(content=contents(reader))
            @settings(
                max_examples=200, deadline=None, database=None,
                suppress_health_check=list(HealthCheck),
            )  # fmt: skip
            def holds(content: bytes) -> None:
                nonlocal last
                last = content
                reader.attempt(Path(place, "files"), content)

            try:
                holds()
            except Exception as error:  # whatever it is: that is the find
                found = CASES / name / hashlib.sha256(last).hexdigest()[:12]
                found.parent.mkdir(exist_ok=True)
                found.write_bytes(last)
                print(f"{name}: {type(error).__name__}: {error}\n  {found.relative_to(ROOT)}")
                return False
    print(f"{name}: {200 * number:,} contents, nothing found", flush=True)
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("reader", nargs="*", help="by default all", metavar="READER")
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    seconds = 60 * options.minutes
    if options.alone:  # before anything of Inkling is imported, which atheris changes
        with_atheris(options.reader[0], seconds)
    from tests.faults.readers import CASES, READERS

    if unknown := set(options.reader) - READERS.keys():
        parser.error(f"there is no reader {min(unknown)}; there are: {', '.join(READERS)}")
    failed = False
    for name in options.reader or READERS:
        if importlib.util.find_spec("atheris") is None:
            failed |= not with_hypothesis(name, seconds)
            continue
        command = [sys.executable, __file__, name, "--minutes", str(options.minutes), "--alone"]
        ended = subprocess.run(command, check=False, cwd=ROOT).returncode
        print(f"{name}: {'nothing found' if ended == 0 else f'see {CASES / name}'}", flush=True)
        failed |= ended != 0
    sys.exit(failed)


if __name__ == "__main__":
    main()
