"""A workspace folder: the only place that knows its file and folder names.

Knows: where things are, which runs there are, who may read it all and who holds its locks. Does not
know what the files mean, what lies in a run (inkling.run_files), or what a process that was killed
left (inkling.unfinished).
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from inkling.atomic_files import atomic_write
from inkling.errors import RunError, WorkspaceError, explain_os_error
from inkling.locks import LockFile, LockHeldError
from inkling.permissions import (
    FOLDER_MODE,
    close_to_others,
    close_tree_to_others,
    is_open_to_others,
    is_shared_folder,
)
from inkling.regular_files import read_json, read_regular
from inkling.run_files import CONFIG_FILE

CONFIG_NAME = "inkling.toml"

_RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

_NEW_CONFIG = """\
# An Inkling workspace. Settings here are this workspace's defaults.
version = 1
name = {name}
"""


def is_run_name(name: str) -> bool:
    """Whether a run can be called so."""
    return _RUN_NAME.fullmatch(name) is not None


def _created(run_path: Path) -> str:
    """When a run was begun. Not its file's time: a copy or a restore changes those."""
    try:
        return str(read_json(run_path / CONFIG_FILE).get("created", ""))
    except (OSError, ValueError, AttributeError):
        return ""


@dataclass(frozen=True)
class Workspace:
    """A folder with `inkling.toml`, `corpus.db`, `runs/` and `chats.db`."""

    path: Path

    @classmethod
    def create(cls, path: Path, name: str | None = None) -> Workspace:
        """Make `path` a workspace; one that is there already is kept as it is.

        `name` is what a new workspace's model is called; by default the folder's name.
        """
        path = path.resolve()
        workspace = cls(path)
        try:
            path.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
            if not workspace.config_path.exists():
                # A JSON string is a TOML string.
                import json

                # A folder's name may hold bytes that are no text.
                known = os.fsencode(name or path.name or "inkling").decode("utf-8", "replace")
                quoted = json.dumps(known, ensure_ascii=False)
                atomic_write(workspace.config_path, _NEW_CONFIG.format(name=quoted))
        except (FileExistsError, NotADirectoryError):
            raise WorkspaceError(
                f"{path} is a file, so it cannot be a workspace. Choose another folder name."
            ) from None
        except OSError as error:
            raise WorkspaceError(explain_os_error(error, path, "make a workspace at")) from error
        workspace.close_to_others()
        return workspace

    @classmethod
    def find(cls, start: Path) -> Workspace:
        """The nearest workspace from `start` upward.

        Raises WorkspaceError where there is none.
        """
        start = start.resolve()
        for folder in (start, *start.parents):
            if (folder / CONFIG_NAME).is_file():
                return cls(folder)
        raise WorkspaceError(
            f"There is no workspace in {start} or above it. "
            "Make one with: inkling init FOLDER (then cd FOLDER), or name one with --workspace."
        )

    def is_writable(self) -> bool:
        """Whether anything can be written here: a backup, or a mounted image, is only read."""
        return os.access(self.path, os.W_OK)

    def is_open_to_others(self) -> bool:
        """Whether other accounts of this machine can read it, as they can those of older
        versions."""
        if is_shared_folder(self.path):
            return any(map(is_open_to_others, self._own_paths()))
        return is_open_to_others(self.path)

    def close_to_others(self) -> bool:
        """Take it away from other accounts; whether they could read it. Files in it that are not
        Inkling's stay as they are."""
        was_open = self.is_open_to_others()
        for path in self._own_paths():
            close_tree_to_others(path)
        if not is_shared_folder(self.path):
            close_to_others(self.path)  # last: until then a kill leaves it to the next command
        return was_open and not self.is_open_to_others()

    def _own_paths(self) -> list[Path]:
        databases = [
            path.with_name(f"{path.name}{suffix}")
            for path in (self.corpus_path, self.chats_path)
            for suffix in ("", "-wal", "-shm")
        ]
        return [
            *databases,
            self.config_path,
            self.prompts_path,
            self.runs_path,
            self.ladders_path,
            self.crawls_path,
            self.importing_path,
            self.training_log_path,
            self.training_status_path,
            self.deleted_names_path,
            self._lock.path,
            self._importing.path,
        ]

    @property
    def config_path(self) -> Path:
        return self.path / CONFIG_NAME

    @property
    def corpus_path(self) -> Path:
        return self.path / "corpus.db"

    @property
    def chats_path(self) -> Path:
        return self.path / "chats.db"

    @property
    def prompts_path(self) -> Path:
        return self.path / "prompts.txt"

    @property
    def runs_path(self) -> Path:
        return self.path / "runs"

    @property
    def deleted_names_path(self) -> Path:
        """Names of runs that were deleted: they are not given again."""
        return self.path / ".deleted-runs"

    @property
    def ladders_path(self) -> Path:
        return self.path / "ladders"

    @property
    def exports_path(self) -> Path:
        """Runs in the formats of other engines, unless they were written elsewhere."""
        return self.path / "exports"

    @property
    def forgetting_path(self) -> Path:
        """There while something is being forgotten: what a kill left is finished next time."""
        return self.path / ".forgetting"

    @property
    def crawls_path(self) -> Path:
        """What was fetched from addresses, so that it is not fetched again; may be deleted."""
        return self.path / ".crawls"

    def crawl_path(self, address: str) -> Path:
        """The file that remembers what was fetched from an address."""
        import hashlib

        return self.crawls_path / f"{hashlib.sha256(address.encode()).hexdigest()[:16]}.jsonl"

    def read_config(self) -> dict[str, object]:
        """The content of `inkling.toml`. Raises WorkspaceError with the line that is wrong."""
        import tomllib

        try:
            return tomllib.loads(read_regular(self.config_path).decode("utf-8-sig"))
        except RecursionError:
            reason = "it is nested too deeply"
        except ValueError as error:  # of TOML, of UTF-8, of a number too long
            reason = str(error)
        except OSError as error:
            raise WorkspaceError(explain_os_error(error, self.config_path, "read")) from error
        raise WorkspaceError(
            f"{self.config_path} is not valid TOML: {reason}. Correct that line, or delete the "
            "file and run inkling init here to get a fresh one."
        )

    @property
    def name(self) -> str:
        """The name the model goes by: `name` of inkling.toml, else the folder's."""
        return str(self.read_config().get("name") or self.path.name)

    @property
    def training_log_path(self) -> Path:
        """What the last training that was not begun by hand printed."""
        return self.path / ".training.log"

    @property
    def training_status_path(self) -> Path:
        """How the one training is getting on, or how the last one ended, as JSON."""
        return self.path / ".training.json"

    @property
    def importing_path(self) -> Path:
        """What was sent to be imported, until that has ended."""
        return self.path / ".importing"

    @contextlib.contextmanager
    def importing_lock(self) -> Iterator[None]:
        """Hold the workspace's only lock on `importing_path`; the system frees it if the process
        dies. Whatever lies there at the beginning was left by a process that was killed, and goes,
        and so does what lies there at the end.

        Raises LockHeldError where another import holds it, OSError where nothing can be written.
        """
        with self._importing.hold():
            shutil.rmtree(self.importing_path, ignore_errors=True)
            try:
                yield
            finally:
                shutil.rmtree(self.importing_path, ignore_errors=True)

    @property
    def _importing(self) -> LockFile:
        return LockFile(self.path / ".importing.lock")

    def importing_process(self) -> int | None:
        """The process that holds the importing lock; None where none does."""
        return self._importing.process()

    def sweep_importing(self) -> None:
        """Remove what an import left that was killed."""
        if self.importing_path.exists():
            with contextlib.suppress(LockHeldError, OSError), self.importing_lock():
                pass

    @property
    def _lock(self) -> LockFile:
        return LockFile(self.path / ".training.lock")

    def run_path(self, name: str) -> Path:
        """The folder of a run. Raises RunError where the name could leave `runs/`."""
        if not is_run_name(name):
            raise RunError(
                f"{name!r} is not a run name. Use letters, digits, '.', '_' and '-', at most 64."
            )
        return self.runs_path / name

    def run_names(self) -> list[str]:
        """Names of the runs, oldest first, by when they were begun (a damaged one is oldest).
        What is called otherwise than a run can be ("modern-1 copy", ".DS_Store") is none."""
        try:
            folders = [p for p in self.runs_path.iterdir() if is_run_name(p.name)]
        except OSError:
            return []
        runs = [p for p in folders if os.path.lexists(p / CONFIG_FILE)]
        return [p.name for p in sorted(runs, key=lambda p: (_created(p), p.name))]

    @contextlib.contextmanager
    def training_lock(self) -> Iterator[None]:
        """Hold the workspace's only training lock; the system frees it if the process dies.

        Raises WorkspaceError naming the process that holds it.
        """
        with contextlib.ExitStack() as held:
            try:
                held.enter_context(self._lock.hold())
            except LockHeldError as error:
                raise WorkspaceError(
                    f"Another training (process {error.process}) is using {self.path}. Wait for it "
                    "to end, or stop it with Ctrl-C in its window; it saves before it exits."
                ) from None
            except OSError as error:
                raise WorkspaceError(explain_os_error(error, self._lock.path, "write")) from error
            yield

    def training_process(self) -> int | None:
        """The process that holds the training lock; None where none does."""
        return self._lock.process()

    def training_changed(self) -> float:
        """When the training lock was last taken or given back, as `time.time()`; 0 for never."""
        return self._lock.changed()
