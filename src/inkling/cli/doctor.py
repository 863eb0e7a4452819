"""`inkling doctor`: is everything in order here, and what would a training cost?

Knows: how the report is shown. What is in it is known to `inkling.doctor`.
Data: `DoctorReport` -> text or JSON, and the exit status.
"""

from __future__ import annotations

import textwrap
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from inkling.cli import COMMAND_STARTED
from inkling.cli.console import visible
from inkling.cli.options import JsonOption, WorkspaceOption, named_workspace, print_json
from inkling.cli.serve import HOST, PORT
from inkling.cli.tables import Column, format_table
from inkling.errors import WorkspaceError
from inkling.wording import plural, size
from inkling.workspace import Workspace

if TYPE_CHECKING:
    from inkling.doctor.report import DoctorReport
    from inkling.doctor.workspace import WorkspaceFacts


def doctor(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Check the machine, the installation and the workspace, and say what needs attention.

    Writes nothing. Exit status 0 when all is well, 1 when something needs attention.
    """

    found = _workspace(workspace)
    from inkling.doctor.report import examine

    report = examine(found, HOST, PORT, COMMAND_STARTED.get())
    if as_json:
        print_json(asdict(report))
    else:
        typer.echo(page(report))
    raise typer.Exit(0 if report.ok else 1)


def _workspace(path: Path | None) -> Workspace | None:
    if path is not None:
        return named_workspace(path)
    try:
        return Workspace.find(Path.cwd())
    except WorkspaceError:
        return None


def page(report: DoctorReport) -> str:
    """The report as text; each problem is marked with an exclamation mark."""
    lines = [f"Inkling {report.inkling}", *map(visible, _machine_lines(report))]
    if report.workspace is not None:
        lines += ["", *map(visible, _workspace_lines(report.workspace))]
    else:
        lines += ["", "No workspace here or above. Make one: inkling init FOLDER"]
    if report.estimates:
        lines += ["", *_estimate_lines(report)]
    if report.notes or report.problems:
        lines += ["", *(f"- {visible(note)}" for note in report.notes)]
        lines += [f"! {visible(problem)}" for problem in report.problems]
    count = len(report.problems)
    verb = "needs" if count == 1 else "need"
    but = ", but there is too little text to train on" if _has_too_little_text(report) else ""
    lines += [
        "",
        f"All is well{but}." if report.ok else f"{plural(count, 'thing')} {verb} attention.",
    ]
    return "\n".join(lines)


def _has_too_little_text(report: DoctorReport) -> bool:
    from inkling.preparation import MIN_CHARACTERS

    return report.workspace is not None and 0 < report.workspace.corpus.characters < MIN_CHARACTERS


def _machine_lines(report: DoctorReport) -> list[str]:
    machine = report.machine
    rows = {"system": f"{machine.system}; {machine.processor}"}
    rows["python"] = f"{machine.python} ({machine.executable})"
    torch = machine.torch
    if torch is None:
        rows["torch"] = "cannot be loaded"
    else:
        build = f"built for CUDA {torch.cuda}" if torch.cuda else "built without CUDA"
        rows["torch"] = f"{torch.version}, {build}; a training uses {torch.device}"
    rows["cores"] = f"{machine.cores_allowed:g} of {machine.cores}; load {machine.load:.1f}"
    total = size(machine.memory_total) + (" that this process may use" * machine.memory_limited)
    free = machine.memory_available
    rows["memory"] = total if free is None else f"{size(free)} free of {total}"
    rows["disk"] = f"{size(report.disk_free)} free at {report.disk_path}"
    search = "with" if machine.full_text_search else "without"
    rows["sqlite"] = f"{machine.sqlite} {search} full-text search"
    rows["libraries"] = ", ".join(
        f"{name} {there or 'missing'}"
        for name, there in machine.libraries.items()
        if name != "torch"
    )
    rows["decoder"] = (
        f"compiled for {machine.decoder}" if machine.decoder else "NumPy (nothing compiled fits)"
    )
    rows["page"] = "in this installation" if machine.page else "missing"
    rows["port"] = f"{machine.port} is {'free' if machine.port_free else 'in use'}"
    return _rows(rows)


def _rows(rows: dict[str, str]) -> list[str]:
    return [
        line
        for name, value in rows.items()
        for line in textwrap.wrap(
            value, 96, initial_indent=f"  {name:<11}", subsequent_indent=" " * 13,
            break_long_words=False, break_on_hyphens=False,
        )
    ]  # fmt: skip


def _workspace_lines(state: WorkspaceFacts) -> list[str]:
    from inkling.doctor.workspace import summary

    corpus, chats = state.corpus, state.chats
    held = (
        f"{plural(corpus.documents, 'document')}, {plural(corpus.dialogs, 'dialog')}, "
        f"{corpus.characters:,} characters; "
    )
    kept = f"{plural(chats.conversations, 'conversation')}; "
    rows = {
        "text": (held if corpus.state == "sound" else "") + corpus.state,
        "chats": "none kept yet" if chats.state == "missing" else
        (kept if chats.state == "sound" else "") + chats.state,
        "runs": summary(state.runs) or "none yet",
        "training": f"process {state.training}" if state.training else "none is running",
    }  # fmt: skip
    lines = [f"Workspace {state.name} at {state.path}" + ("" if state.writable else " (read-only)")]
    return lines + _rows(rows)


def _estimate_lines(report: DoctorReport) -> list[str]:
    torch = report.machine.torch
    assert torch is not None
    headings = ("minutes", "weights", "blocks", "steps", "reads it", "nats/char", "bits")
    columns = [*(Column(heading, number=True) for heading in headings), Column("")]
    rows = []
    for estimate in report.estimates:
        steps = f"{estimate.steps:,}"
        if estimate.finetune_steps:
            steps += f" + {estimate.finetune_steps:,}"
        rows.append(
            (
                f"{estimate.minutes:g}",
                f"{estimate.weights:,}",
                f"{estimate.n_layer} × {estimate.n_embd}",
                steps,
                f"{estimate.readings:.1f} ×",
                f"{estimate.nats_per_char:.2f}",
                f"{estimate.bits_per_char:.1f}",
                (estimate.looks_like or "")
                + ("" if estimate.fits else " (does not fit in what is free)"),
            )
        )
    lines = [
        f"A training of {report.text}, at the {torch.gflops:,.0f} GFLOP/s of this machine now:",
        *format_table(columns, rows, indent=2),
    ]
    if any(estimate.finetune_steps for estimate in report.estimates):
        lines.append("  (steps on all text + steps on the dialogs)")
    return lines
