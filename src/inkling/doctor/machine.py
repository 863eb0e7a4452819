"""What `inkling doctor` finds out about the machine and the installation.

Knows: which facts decide whether Inkling works here, and what to do where one is wrong. Does not
know: workspaces, how the report looks. Data: machine -> `MachineFacts`, sentences ->
`CheckFindings`. Nothing here writes.
"""

from __future__ import annotations

import http.client
import os
import platform
import sqlite3
import sys
import warnings
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from inkling.doctor.findings import CheckFindings
from inkling.errors import ServerError
from inkling.inference.kernel_decoder import kernel_kind
from inkling.machine import affinity_cores, core_quota, memory
from inkling.regular_files import parse_json

LIBRARIES = (
    "torch", "numpy", "tokenizers", "safetensors", "pydantic", "typer", "fastapi", "starlette",
    "uvicorn", "typing-extensions", "selectolax", "PyYAML", "charset-normalizer", "matplotlib",
    "jinja2", "pydivsufsort", "rich", "feedparser", "msgspec", "phonenumbers",
)  # fmt: skip
REINSTALL = "pip install --force-reinstall inkling-gpt"

_BUSY = 1.5
"""Processes that want to run, a core, from which a training is slowed down noticeably."""


@dataclass(frozen=True)
class TorchFacts:
    """What computes. `gflops` is the speed of a matrix product now; `cuda` what torch was built
    for."""

    version: str
    cuda: str | None
    device: str
    threads: int
    gflops: float


@dataclass(frozen=True)
class MachineFacts:
    """The machine and the installation; bytes, and cores' worth of time."""

    system: str
    processor: str
    python: str
    executable: str
    cores: int
    cores_allowed: float
    load: float
    memory_total: int
    memory_available: int | None
    memory_limited: bool
    libraries: dict[str, str | None]
    sqlite: str
    full_text_search: bool
    decoder: str | None
    """The kind of processor that the compiled decoder is for; None where NumPy decodes."""
    page: bool
    port: int
    port_free: bool
    torch: TorchFacts | None


def look_at_machine(host: str, port: int, findings: CheckFindings) -> MachineFacts:
    """Everything about the machine that Inkling depends on."""
    libraries = _libraries(findings)
    torch = _torch(findings)
    room = memory()
    quota = core_quota()
    cores = os.cpu_count() or 1
    allowed = float(min(affinity_cores(), quota or cores))
    load = os.getloadavg()[0]
    if load > _BUSY * allowed:
        findings.notes.append(
            f"Other programs keep the cores busy (load {load:.1f} on {allowed:g}), so a training "
            "now gets less done in its minutes."
        )
    page, free = _server(host, port, findings)
    return MachineFacts(
        system=_system(),
        processor=_processor(),
        python=platform.python_version(),
        executable=sys.executable,
        cores=cores,
        cores_allowed=allowed,
        load=load,
        memory_total=room.total,
        memory_available=room.available,
        memory_limited=room.limited,
        libraries=libraries,
        sqlite=sqlite3.sqlite_version,
        full_text_search=_full_text_search(findings),
        decoder=kernel_kind(),
        page=page,
        port=port,
        port_free=free,
        torch=torch,
    )


def _system() -> str:
    kernel = f"{platform.system()} {platform.release()} {platform.machine()}"
    if platform.system() == "Darwin":
        return f"macOS {platform.mac_ver()[0]} {platform.machine()}"
    try:
        return f"{platform.freedesktop_os_release()['PRETTY_NAME']}, {kernel}"
    except OSError:
        return kernel


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine()


def _libraries(findings: CheckFindings) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    missing = [name for name, there in found.items() if there is None]
    if missing:
        findings.problems.append(
            f"Not installed: {', '.join(missing)}. Install what Inkling needs: {REINSTALL}."
        )
    return found


def _torch(findings: CheckFindings) -> TorchFacts | None:
    """Torch and the device that a training would use; None where torch cannot be loaded."""
    try:
        import torch
    except (ImportError, OSError) as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        findings.problems.append(
            f"Torch cannot be loaded ({reason[0]}), so nothing can be trained or asked. "
            "Reinstall it: pip install --force-reinstall torch."
        )
        return None
    from inkling.runtime import Runtime
    from inkling.training.planner import measure_gflops

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        runtime = Runtime.detect()
    cuda = torch.version.cuda
    if Path("/proc/driver/nvidia/version").exists() and runtime.device.type != "cuda":
        why = f"{said[0].message}".splitlines()[0] if said else "it does not see the card"
        findings.notes.append(
            f"There is an NVIDIA card here, but torch {torch.__version__} "
            + ("was built without CUDA" if cuda is None else f"cannot use it ({why})")
            + ", so a training takes the processor. "
            + ("Install a torch with CUDA." if cuda is None else "Update the card's driver.")
        )
    return TorchFacts(
        version=str(torch.__version__),
        cuda=cuda,
        device=runtime.describe(),
        threads=runtime.threads,
        gflops=measure_gflops(runtime),
    )


def _full_text_search(findings: CheckFindings) -> bool:
    db = sqlite3.connect(":memory:")
    try:
        db.execute("CREATE VIRTUAL TABLE trial USING fts5(text)")
    except sqlite3.OperationalError:
        findings.problems.append(
            f"This Python's SQLite ({sqlite3.sqlite_version}) has no full-text search (FTS5), "
            "which a corpus needs. Use another Python, e.g. one from python.org."
        )
        return False
    finally:
        db.close()
    return True


def _server(host: str, port: int, findings: CheckFindings) -> tuple[bool, bool]:
    """Whether the page is in the installation, and whether the port is free."""
    try:
        from inkling.server.app import STATIC, bind
    except ImportError as error:
        findings.problems.append(f"The server cannot be loaded ({error}). Reinstall: {REINSTALL}.")
        return False, False
    page = (STATIC / "index.html").is_file()
    if not page:
        findings.problems.append(
            "The page was not built into this installation. Run scripts/install, or reinstall: "
            f"{REINSTALL}."
        )
    try:
        bind(host, port).close()
    except ServerError as error:
        name = _served_by_inkling(host, port)
        if name is None:
            findings.problems.append(str(error))
        else:
            findings.notes.append(f"{name} is being served by Inkling at http://{host}:{port}/.")
        return page, False
    return page, True


def _served_by_inkling(host: str, port: int) -> str | None:
    """The name of the model that an Inkling serves there; None for any other program."""
    connection = http.client.HTTPConnection(host, port, timeout=10)
    try:
        connection.request("GET", "/api/health")
        answer = parse_json(connection.getresponse().read(10_000))
        return str(answer["name"]) if answer.get("stream") is True else None
    except (OSError, http.client.HTTPException, ValueError, KeyError, AttributeError):
        return None
    finally:
        connection.close()
