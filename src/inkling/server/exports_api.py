"""The exports API: what a run can become, writing it, and taking it away as one file.

Knows: the routes under `/api/exports`. Does not know any engine's format (inkling.exports), nor
what is refused (workflows/export.py).
Data: run + kind -> a folder in the workspace's `exports/` -> a zip, of a page the page itself.

A run of ten million weights is written in about a second, so the answer waits for it; of two
requests for one folder the second waits for the first.
"""

from __future__ import annotations

import tempfile
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, get_args

from fastapi import APIRouter
from fastapi.responses import Response, StreamingResponse

from inkling.errors import InklingError
from inkling.exports.folder import read_mark
from inkling.exports.kinds import ExportKind, GgufType
from inkling.run_files import EXPORT_MARK
from inkling.runs import Run
from inkling.server.exports_schemas import (
    ExportChoice,
    ExportOffer,
    ExportRequest,
    WrittenExport,
)
from inkling.server.json_route import JsonRoute
from inkling.server.refusals import ErrorAnswer, ExportNotFoundError, UnheededWarningsError
from inkling.server.services import Served
from inkling.workflows.export import PlannedExport, plan_export
from inkling.workspace import Workspace

exports_router = APIRouter(
    prefix="/api/exports", route_class=JsonRoute, responses={"default": {"model": ErrorAnswer}}
)

_CHOICES: tuple[tuple[ExportKind, GgufType, str], ...] = (
    ("page", "f32", "one page that chats by itself, in any browser"),
    ("gguf", "f16", "GGUF f16: llama.cpp, Ollama and LM Studio"),
    ("gguf", "q8_0", "GGUF q8_0, half the size, a little less exact: the same programs"),
    ("gguf", "f32", "GGUF f32, exact: llama.cpp"),
    ("hf", "f32", "transformers and vLLM"),
    ("mlx", "f32", "mlx-lm, on a Mac"),
)
_CHUNK = 1 << 16
_DOWNLOAD: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            kind: {"schema": {"type": "string", "format": "binary"}}
            for kind in ("application/zip", "text/html")
        }
    }
}
_writing = threading.Lock()


@exports_router.get("")
def read_exports(services: Served, run: str | None = None) -> ExportOffer:
    """What the named run, else the newest, can be exported to."""
    workspace = services.training.workspace
    chosen: str | None = None
    try:
        chosen = Run.choose(workspace, run).name
        planned = plan_export(workspace, "page", chosen, force=True)
    except InklingError as error:
        if run is not None and chosen is None:
            raise
        return ExportOffer(
            run=chosen, refused=str(error), warnings=[], choices=[],
            written=_written(workspace, chosen),
        )  # fmt: skip
    bare = replace(planned, memory=None)
    choices = []
    for kind, width, words in _CHOICES:
        plain = replace(bare, kind=kind, gguf_type=width)
        if kind != "page" or planned.memory is None:
            choices.append(_choice(plain, words))
        else:
            choices.append(_choice(planned, f"With memory: {words}"))
            choices.append(_choice(plain, f"Without memory: {words}"))
    return ExportOffer(
        run=chosen,
        refused=None,
        warnings=bare.warnings,
        choices=choices,
        written=_written(workspace, chosen),
    )


def _choice(planned: PlannedExport, words: str) -> ExportChoice:
    return ExportChoice(
        kind=planned.kind,
        gguf_type=planned.gguf_type,
        memory=planned.memory is not None,
        opens_in=words,
        size=planned.size,
        warnings=planned.memory_warnings,
    )


@exports_router.post("", status_code=201)
def write_export(body: ExportRequest, services: Served) -> WrittenExport:
    """Write an export, in place of the one of that kind that is there. Where there are warnings it
    is refused with them, until the request says that they were read."""
    with _writing:
        planned = plan_export(
            services.training.workspace,
            body.kind,
            body.run,
            gguf_type=body.gguf_type,
            force=True,
            memory=body.memory,
        )
        if planned.warnings and not body.despite_warnings:
            raise UnheededWarningsError(planned.warnings)
        return _as_written(planned, planned.write())


@exports_router.get("/{run_name}/{kind}", response_class=Response, responses=_DOWNLOAD)
def download_export(run_name: str, kind: ExportKind, services: Served) -> StreamingResponse:
    """A written export as one zip; a page as itself."""
    workspace = services.training.workspace
    folder = workspace.exports_path / f"{workspace.run_path(run_name).name}-{kind}"
    if not (folder / EXPORT_MARK).is_file():
        raise ExportNotFoundError(f"There is no export of {run_name!r} for {kind} here.")
    if kind == "page":
        with _writing:
            page = next(folder.glob("*.html"))
            mark = read_mark(folder)
            # Of two downloads, nobody should have to open one to see which may be given away.
            name = f"{page.stem}-with-memory.html" if mark and mark.memory else page.name
            return _download(page.open("rb"), name, "text/html; charset=utf-8")
    archive = tempfile.TemporaryFile()  # noqa: SIM115  (closed by what reads it)
    with _writing, zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as packed:
        for path in sorted(folder.iterdir()):
            packed.write(path, f"{folder.name}/{path.name}")
    return _download(archive, f"{folder.name}.zip", "application/zip")


def _download(content: IO[bytes], name: str, media_type: str) -> StreamingResponse:
    """A file that is saved and never shown: a page that was written is no part of this one."""
    return StreamingResponse(
        _chunks(content),
        media_type=media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Length": str(content.seek(0, 2)),
            "Cache-Control": "no-store",
        },
    )


def _chunks(content: IO[bytes]) -> Iterator[bytes]:
    with content:
        content.seek(0)
        while chunk := content.read(_CHUNK):
            yield chunk


def _written(workspace: Workspace, run: str | None) -> list[WrittenExport]:
    """The exports of a run that lie in the workspace, undamaged."""
    kinds: tuple[ExportKind, ...] = get_args(ExportKind)
    found = []
    for kind in kinds if run is not None else ():
        folder = workspace.exports_path / f"{run}-{kind}"
        try:
            mark = read_mark(folder)
        except InklingError:
            continue
        if mark is not None:
            found.append(
                WrittenExport(
                    run=run or "", kind=kind, memory=mark.memory, folder=str(folder),
                    size=_size(folder),
                )
            )  # fmt: skip
    return found


def _as_written(planned: PlannedExport, folder: Path) -> WrittenExport:
    return WrittenExport(
        run=planned.model.config.name,
        kind=planned.kind,
        memory=planned.memory is not None,
        folder=str(folder),
        size=_size(folder),
    )


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())
