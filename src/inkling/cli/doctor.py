"""`inkling doctor`: is everything in order here, and what would a training cost?

Knows: how the report is shown. What is in it is known to `examination`. Data: `Report` -> text or
JSON, and the exit status.
"""

from __future__ import annotations

import textwrap
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from inkling.cli.options import JsonOption, WorkspaceOption, find_workspace, plural, print_json
from inkling.errors import WorkspaceError
from inkling.workspace import Workspace

if TYPE_CHECKING:
    from inkling.cli.examination import Report
    from inkling.cli.workspace_check import WorkspaceFacts


def doctor(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Look at the machine, the installation and the workspace, and say what needs attention.

    Writes nothing. Exit status 0 when all is well, 1 when something needs attention.
    """
    from inkling.cli.train import preload_torch

    found = _workspace(workspace)
    preload_torch()
    from inkling.cli.examination import examine

    report = examine(found)
    if as_json:
        print_json(asdict(report))
    else:
        typer.echo(page(report))
    raise typer.Exit(0 if report.ok else 1)


def _workspace(path: Path | None) -> Workspace | None:
    if path is not None:
        return find_workspace(path)
    try:
        return Workspace.find(Path.cwd())
    except WorkspaceError:
        return None


def page(report: Report) -> str:
    """The report as text; each problem is marked with an exclamation mark."""
    lines = [f"Inkling {report.inkling}", *_machine_lines(report)]
    if report.workspace is not None:
        lines += ["", *_workspace_lines(report.workspace)]
    else:
        lines += ["", "No workspace here or above. Make one: inkling init FOLDER"]
    if report.offers:
        lines += ["", *_offer_lines(report)]
    if report.notes or report.problems:
        lines += ["", *(f"- {note}" for note in report.notes)]
        lines += [f"! {problem}" for problem in report.problems]
    count = len(report.problems)
    verb = "needs" if count == 1 else "need"
    lines += ["", "All is well." if report.ok else f"{plural(count, 'thing')} {verb} attention."]
    return "\n".join(lines)


def _machine_lines(report: Report) -> list[str]:
    from inkling.cli.examination import gigabytes

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
    total = gigabytes(machine.memory_total) + (
        " that this process may use" * machine.memory_limited
    )
    free = machine.memory_available
    rows["memory"] = total if free is None else f"{gigabytes(free)} free of {total}"
    rows["disk"] = f"{gigabytes(report.disk_free)} free at {report.disk_path}"
    search = "with" if machine.full_text_search else "without"
    rows["sqlite"] = f"{machine.sqlite} {search} full-text search"
    rows["libraries"] = ", ".join(
        f"{name} {there or 'missing'}"
        for name, there in machine.libraries.items()
        if name != "torch"
    )
    rows["page"] = "in this installation" if machine.page else "missing"
    rows["port"] = f"{machine.port} is {'free' if machine.port_free else 'in use'}"
    return _table(rows)


def _table(rows: dict[str, str]) -> list[str]:
    return [
        line
        for name, value in rows.items()
        for line in textwrap.wrap(
            value, 96, initial_indent=f"  {name:<11}", subsequent_indent=" " * 13,
            break_long_words=False, break_on_hyphens=False,
        )
    ]  # fmt: skip


def _workspace_lines(state: WorkspaceFacts) -> list[str]:
    from inkling.cli.workspace_check import summary

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
    return lines + _table(rows)


def _offer_lines(report: Report) -> list[str]:
    torch = report.machine.torch
    assert torch is not None
    lines = [
        f"A training of {report.text}, at the {torch.gflops:,.0f} GFLOP/s of this machine now:",
        f"  {'minutes':>7}{'weights':>11}{'blocks':>12}{'steps':>15}{'reads it':>10}"
        f"{'nats/char':>11}{'bits':>6}",
    ]
    for offer in report.offers:
        steps = f"{offer.steps:,}"
        if offer.finetune_steps:
            steps += f" + {offer.finetune_steps:,}"
        lines.append(
            f"  {offer.minutes:>7g}{offer.weights:>11,}{f'{offer.n_layer} × {offer.n_embd}':>12}"
            f"{steps:>15}{f'{offer.readings:.1f} ×':>10}{offer.nats_per_char:>11.2f}"
            f"{offer.bits_per_char:>6.1f}  {offer.looks_like}"
            + ("" if offer.fits else "  (does not fit in what is free)")
        )
    if any(offer.finetune_steps for offer in report.offers):
        lines.append("  (steps on all text + steps on the dialogs)")
    return lines
