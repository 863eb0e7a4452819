"""Compiling the decoding kernel, once, when the package is built.

Knows: compilers, and which kinds of processor a kernel is compiled for. Does not know: models, and
imports nothing of the package, for the build runs it by its path.
Data: decode_kernel.c and draw_kernel.c -> `build` -> one library for each kind of processor, beside
them.

In a checkout without a build: python -m inkling.inference.kernel_build
"""

from __future__ import annotations

import hashlib
import importlib.util
import platform
import shutil
import subprocess
import sys
from pathlib import Path

COMPILERS = ("cc", "gcc", "clang")
FOLDER = Path(__file__).parent
SOURCES = [FOLDER / "decode_kernel.c", FOLDER / "draw_kernel.c"]
HEADER = FOLDER / "kernel_vectors.h"

# Best first: name, compiler's -march, NumPy's names of what the processor must have.
KINDS: dict[str, list[tuple[str, str | None, tuple[str, ...]]]] = {
    "x86_64": [
        ("avx512", "x86-64-v4", ("AVX512F", "AVX512CD", "AVX512_SKX", "AVX2", "FMA3")),
        ("avx2", "x86-64-v3", ("AVX2", "FMA3")),
        ("sse", "x86-64", ()),
    ],
    "arm64": [("neon", None, ())],
}


def kinds() -> list[tuple[str, str | None, tuple[str, ...]]]:
    """The kinds of processor that this machine's family has; none where it is not known."""
    machine = platform.machine().lower()
    return KINDS.get({"amd64": "x86_64", "aarch64": "arm64"}.get(machine, machine), [])


def library(kind: str, folder: Path = FOLDER) -> Path:
    """Where a kind's library stands. Its name tells which sources it is of: one of others, left by
    an earlier build, is never loaded."""
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in (*SOURCES, HEADER)))
    return folder / f"decode_kernel-{kind}-{digest.hexdigest()[:12]}.so"


def has_compiler() -> bool:
    """Whether the machine has a C compiler of its own."""
    return any(map(shutil.which, COMPILERS))


def compiler() -> list[str] | None:
    """The machine's C compiler, else the one of the package `ziglang`, else None."""
    for name in COMPILERS:
        if found := shutil.which(name):
            return [found]
    if importlib.util.find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang", "cc"]
    return None


def build(folder: Path = FOLDER) -> list[Path]:
    """Compile for all kinds; the libraries, none where there is no compiler.

    Raises RuntimeError with the compiler's words where it fails.
    """
    command = compiler()
    if command is None:
        return []
    for old in folder.glob("decode_kernel-*.so"):
        old.unlink()
    built = []
    for kind, march, _ in kinds():
        out = library(kind, folder)
        arguments = ["-std=gnu11", "-O3", "-ffp-contract=fast", "-fPIC", "-shared", "-lm"]
        if march:
            # Zig writes the names of processors with underscores.
            arguments.append(
                "-march=" + (march.replace("-", "_") if "ziglang" in command else march)
            )
        done = subprocess.run(
            [*command, *map(str, SOURCES), "-o", str(out), *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{command[0]} cannot compile the decoding kernel:\n{done.stderr}")
        built.append(out)
    return built


if __name__ == "__main__":
    for path in build():
        print(path)
