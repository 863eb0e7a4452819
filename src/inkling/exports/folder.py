"""The folder of an export: whole or not at all, readable by its owner alone, never over a stranger.

Knows: which folders may be written to, and what marks one as an export. Does not know: the files
that an engine reads. Data: `export_folder(target)` yields a temporary folder, which becomes the
target with `inkling-export.json` in it; `read_mark` reads that again.

The mark says what the run was made with, so that it can come back as a run, but nothing that was
in its text: no starter questions, no names of people, no findings about the corpus. It holds a
SHA-256 of each other file, so that a folder that was cut short or changed is noticed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, ValidationError

from inkling import __version__
from inkling.atomic_files import atomic_folder
from inkling.config import Phase, RunConfig, Selection, Settings
from inkling.errors import ExportError
from inkling.exports.kinds import ExportKind
from inkling.permissions import make_private_folder
from inkling.regular_files import open_regular, read_json
from inkling.run_files import EXPORT_MARK

if TYPE_CHECKING:
    from inkling.exports.exportable_run import ExportableRun

FORMAT_VERSION = 1


class ExportMark(Settings):
    """What is known about an exported run, in the folder itself."""

    version: int = FORMAT_VERSION
    inkling_version: str = __version__
    kind: ExportKind
    name: str
    """Whose voice it is."""
    run: RunConfig
    step: int
    tuned: bool
    memory: bool = False
    """Whether what was said before is in it, word for word."""
    losses: dict[Phase, float] = Field(default_factory=dict)
    sha256: dict[str, str] = Field(default_factory=dict)
    """Of each other file of the folder."""


def new_mark(kind: ExportKind, model: ExportableRun, memory: bool = False) -> ExportMark:
    """The mark of an export that is not written yet."""
    config = model.config
    data = config.data.model_copy(update={"findings": (), "corpus_hash": "", "masked_hash": ""})
    bare = config.model_copy(
        update={
            "data": data,
            "selection": Selection(),
            "starters": (),
            "replans": (),
            "imported": False,
        }
    )
    return ExportMark(
        kind=kind,
        name=model.name,
        run=bare,
        step=model.step,
        tuned=model.tuned,
        memory=memory,
        losses=dict(model.losses),
    )


@contextlib.contextmanager
def export_folder(target: Path, mark: ExportMark, needed: int, force: bool) -> Iterator[Path]:
    """A temporary folder that becomes `target`, with its mark, when the block succeeds.

    `needed` is about how many bytes will be written. Raises ExportError where the target is
    something else than an export or a new folder, where it is one and `force` was not given, and
    where there is no room.
    """
    check_target(target, force)
    try:
        make_private_folder(target.parent)
        free = shutil.disk_usage(target.parent).free
        if free < needed:
            raise ExportError(
                f"The export needs about {needed / 1e6:,.0f} MB and {target.parent} has "
                f"{free / 1e6:,.0f} MB left. Free some space, or name another folder with --to."
            )
        with atomic_folder(target) as folder:
            yield folder
            sums = {path.name: _sum(path) for path in sorted(folder.iterdir())}
            complete = mark.model_copy(update={"sha256": sums})
            (folder / EXPORT_MARK).write_text(
                complete.model_dump_json(indent=1) + "\n", encoding="utf-8"
            )
            for path in folder.iterdir():
                path.chmod(0o600)
        target.chmod(0o700)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ExportError(
            f"The export could not be written to {target}: {reason}. Nothing was left behind; fix "
            "that, or name another folder with --to."
        ) from error


def check_target(target: Path, force: bool) -> None:
    """Raises ExportError where nothing may be written there."""
    if not os.path.lexists(target):
        return
    if target.is_symlink() or not target.is_dir():
        raise ExportError(
            f"{target} is no folder, so nothing is exported over it. Name another with --to."
        )
    if (target / EXPORT_MARK).is_file():
        if not force:
            raise ExportError(
                f"There is an export in {target} already. Replace it with --force, or name another "
                "folder with --to."
            )
    elif any(target.iterdir()):
        raise ExportError(
            f"{target} holds other files, so nothing is exported over it. Name a new folder with "
            "--to."
        )


def read_mark(folder: Path) -> ExportMark | None:
    """The mark of an export; None where there is none.

    Raises ExportError where it is damaged, of a newer Inkling, or the files are not those that
    were written.
    """
    path = folder / EXPORT_MARK
    try:
        content = read_json(path)
        version = content.get("version") if isinstance(content, dict) else None
        if type(version) is int and version > FORMAT_VERSION:
            raise ExportError(
                f"{folder} was exported by a newer version of Inkling. Upgrade: pip install "
                "--upgrade inkling-gpt."
            )
        mark = ExportMark.model_validate(content)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise ExportError(f"{path} is damaged ({reason}). Export the run again.") from None
    for name, wanted in mark.sha256.items():
        part = folder / name
        try:
            same = Path(name).name == name and _sum(part) == wanted
        except (OSError, ValueError):
            same = False
        if not same:
            raise ExportError(
                f"{part} is not the file that was exported: it is missing, cut short or changed. "
                f"Export the run again, or delete {path} to have it read as anyone's folder."
            )
    return mark


def _sum(path: Path) -> str:
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
