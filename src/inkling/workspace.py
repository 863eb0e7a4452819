"""A workspace folder: the only place that knows its file and folder names.

Knows: where things are, how to write them so that a crash leaves the old or the new version
(never half of one), and who holds the training lock. Does not know what the files mean.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from inkling.errors import RunError, UsageError, WorkspaceError

CONFIG_NAME = "inkling.toml"

# Names of what is not yet whole (atomic_folder, atomic_write) or about to be deleted.
_UNFINISHED = re.compile(r"\..+\.([a-z0-9_]{8}|old|[a-z0-9_]{8}\.old)")
_RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

_NEW_CONFIG = """\
# An Inkling workspace. Settings here are this workspace's defaults.
version = 1
name = {name}
"""


def explain_os_error(error: OSError, path: Path, doing: str) -> str:
    """One sentence for a failed file operation, e.g. `doing="write"`."""
    reason = (error.strerror or str(error)).lower()
    advice = {
        "no space left on device": "free some disk space, then run the same command again",
        "permission denied": "check who owns it, or choose another folder with --workspace",
        "read-only file system": "choose a folder you can write to with --workspace",
        "file too large": "raise the file size limit (ulimit -f), then run the same command again",
    }.get(reason, "fix that, then run the same command again")
    return f"Could not {doing} {path}: {reason}. Nothing saved before was lost; {advice}."


@contextlib.contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """Yield a temporary folder that becomes `target` when the block succeeds.

    Every file in it is fsynced first; a reader sees all of it or nothing. An existing
    `target` is replaced. On failure the temporary folder is removed.
    """
    import shutil

    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        yield temporary
        for path in temporary.rglob("*"):
            if path.is_file():
                _fsync(path)
        _fsync(temporary)
        os.chmod(temporary, 0o777 & ~_umask())
        if target.exists():
            doomed = temporary.with_name(f"{temporary.name}.old")
            target.rename(doomed)
            temporary.rename(target)
            shutil.rmtree(doomed)
        else:
            temporary.rename(target)
        _fsync(target.parent)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def atomic_write(path: Path, content: str | bytes, durable: bool = True) -> None:
    """Write a file so that it holds either its old content or all of the new.

    Without `durable` it does not wait for the disk: readers never see half a file, but a power
    cut may leave any of its versions, or an empty one.
    """
    data = content.encode() if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
        if durable:
            _fsync(path.parent)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise


def _created(run_path: Path) -> str:
    """When a run was begun. Not its file's time: a copy or a restore changes those."""
    import json

    try:
        return str(json.loads((run_path / "config.json").read_bytes()).get("created", ""))
    except (OSError, ValueError, AttributeError):
        return ""


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True  # of another user
    return True


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@dataclass(frozen=True)
class Workspace:
    """A folder with `inkling.toml`, `corpus.db`, `runs/`, `chats.db` and `exports/`."""

    path: Path

    @classmethod
    def create(cls, path: Path, name: str | None = None) -> Workspace:
        """Make `path` a workspace; one that is there already is kept as it is.

        `name` is what a new workspace's model is called; by default the folder's name.
        """
        path = path.resolve()
        workspace = cls(path)
        try:
            path.mkdir(parents=True, exist_ok=True)
            if not workspace.config_path.exists():
                # A JSON string is a TOML string.
                import json

                quoted = json.dumps(name or path.name or "inkling", ensure_ascii=False)
                atomic_write(workspace.config_path, _NEW_CONFIG.format(name=quoted))
        except (FileExistsError, NotADirectoryError):
            raise WorkspaceError(
                f"{path} is a file, so it cannot be a workspace. Choose another folder name."
            ) from None
        except OSError as error:
            raise WorkspaceError(explain_os_error(error, path, "make a workspace at")) from error
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
    def ladders_path(self) -> Path:
        return self.path / "ladders"

    @property
    def exports_path(self) -> Path:
        return self.path / "exports"

    @property
    def forgetting_path(self) -> Path:
        """There while something is being forgotten: what a kill left is finished next time."""
        return self.path / ".forgetting"

    def read_config(self) -> dict[str, object]:
        """The content of `inkling.toml`. Raises WorkspaceError with the line that is wrong."""
        import tomllib

        try:
            return tomllib.loads(self.config_path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise WorkspaceError(
                f"{self.config_path} is not valid TOML: {error}. Correct that line, or delete the "
                "file and run inkling init here to get a fresh one."
            ) from None
        except OSError as error:
            raise WorkspaceError(explain_os_error(error, self.config_path, "read")) from error

    @property
    def name(self) -> str:
        """The name the model goes by: `name` of inkling.toml, else the folder's."""
        return str(self.read_config().get("name") or self.path.name)

    @property
    def training_log_path(self) -> Path:
        """What the last training that was not begun by hand printed."""
        return self.path / ".training.log"

    @property
    def _lock_path(self) -> Path:
        return self.path / ".training.lock"

    def run_path(self, name: str) -> Path:
        """The folder of a run. Raises RunError where the name could leave `runs/`."""
        if not _RUN_NAME.fullmatch(name):
            raise RunError(
                f"{name!r} is not a run name. Use letters, digits, '.', '_' and '-', at most 64."
            )
        return self.runs_path / name

    def run_names(self) -> list[str]:
        """Names of the runs, oldest first, by when they were begun (a damaged one is oldest)."""
        if not self.runs_path.is_dir():
            return []
        folders = [p for p in self.runs_path.iterdir() if (p / "config.json").is_file()]
        return [p.name for p in sorted(folders, key=lambda p: (_created(p), p.name))]

    def leftovers(self) -> list[Path]:
        """What a process left behind that was killed while it wrote: nobody reads it again.

        While something else writes here, what it is just writing is among them.
        """
        found = [*self.path.glob(f".{CONFIG_NAME}.????????")]
        for top in (self.runs_path, self.ladders_path, self.exports_path):
            for folder, folders, files in os.walk(top):
                unfinished = {name for name in folders + files if _UNFINISHED.fullmatch(name)}
                found += [Path(folder, name) for name in unfinished]
                folders[:] = [name for name in folders if name not in unfinished]
        if self.runs_path.is_dir():
            found += [
                path
                for path in self.runs_path.iterdir()
                if _RUN_NAME.fullmatch(path.name)
                and path.is_dir()
                and not (path / "config.json").exists()
            ]
        return sorted(found)

    @contextlib.contextmanager
    def training_lock(self) -> Iterator[None]:
        """Hold the workspace's only training lock; the system frees it if the process dies.

        Raises WorkspaceError naming the process that holds it.
        """
        path = self._lock_path
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise WorkspaceError(explain_os_error(error, path, "write")) from error
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.read(handle, 64).decode("ascii", "replace").strip() or "unknown"
                raise WorkspaceError(
                    f"Another training (process {holder}) is using {self.path}. Wait for it to "
                    "end, or stop it with Ctrl-C in its window; it saves before it exits."
                ) from None
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
            try:
                yield
            finally:
                os.ftruncate(handle, 0)
        finally:
            os.close(handle)

    def training_process(self) -> int | None:
        """The process that holds the training lock; None where nobody does."""
        try:
            handle = os.open(self._lock_path, os.O_RDONLY)
        except OSError:
            return None
        try:
            holder = os.read(handle, 64).decode("ascii", "replace").strip()
            # One that ended well left the file empty: the lock is then not even tried, because
            # a trial could make a training that starts at this very moment fail.
            if not holder.isdecimal() or not _is_alive(int(holder)):
                return None
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(holder)
        finally:
            os.close(handle)
        return None  # another program has that number now

    def training_changed(self) -> float:
        """When the training lock was last taken or given back, as `time.time()`; 0 for never."""
        try:
            return self._lock_path.stat().st_mtime
        except OSError:
            return 0.0


def resolve_existing(path: Path) -> Path:
    """An absolute path that exists. Raises UsageError naming the one that does not."""
    if not path.exists():
        raise UsageError(f"There is nothing at {path}. Check the spelling of the path.")
    return path.resolve()
