"""Files and folders that appear whole or not at all: a crash leaves the old version or the new one.

Knows: the names of what is not yet whole. Does not know what is written.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from inkling.permissions import FILE_MODE, make_private_folder

# Of what is not yet whole, or about to be deleted.
_UNFINISHED = re.compile(r"\..+\.([a-z0-9_]{8}|old|[a-z0-9_]{8}\.old)")


def is_unfinished(name: str) -> bool:
    """Whether something is called as `atomic_folder` and `atomic_write` call what they write."""
    return _UNFINISHED.fullmatch(name) is not None


@contextlib.contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """Yield a temporary folder that becomes `target` when the block succeeds.

    Every file in it is fsynced first; a reader sees all of it or nothing, and other accounts
    nothing at all. An existing `target` is replaced. On failure the temporary folder is removed.
    """
    make_private_folder(target.parent)
    temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        yield temporary
        for path in temporary.rglob("*"):
            if path.is_file():
                path.chmod(FILE_MODE)
                _fsync(path)
        _fsync(temporary)
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


def atomic_write(path: Path, content: str | bytes | Iterator[bytes], durable: bool = True) -> None:
    """Write a file so that it holds either its old content or all of the new; pieces may come out
    of the old one. Only its owner may read it.

    Without `durable` it does not wait for the disk: readers never see half a file, but a power
    cut may leave any of its versions, or an empty one.
    """
    whole = content.encode() if isinstance(content, str) else content
    make_private_folder(path.parent)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines((whole,) if isinstance(whole, bytes) else whole)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(name, path)
        if durable:
            _fsync(path.parent)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
