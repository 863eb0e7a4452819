"""Files as they are found on a disk: read so that nothing hangs, and nothing grows without end.

Knows: that a name may lead to a pipe, a device or a folder instead of a file, that a file may hold
anything, and which sizes are plausible. Does not know what the files mean.
Data: path -> `read_regular` -> bytes; bytes -> `parse_json` -> values.

A workspace is copied, synchronised, restored and edited by hand: whatever it holds is a file that
may be damaged, never a program's own memory.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import Any

MOST_BYTES = 64_000_000
"""Of a file that is read whole, where nothing else is said."""


def open_regular(path: Path) -> BufferedReader:
    """Open a file for reading. Raises OSError, also for a pipe, a device or a folder, none of which
    is waited for."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def read_regular(path: Path, most: int = MOST_BYTES) -> bytes:
    """All of a file. Raises OSError, also for one of more than `most` bytes."""
    with open_regular(path) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"it holds more than {most:,} bytes", str(path))
    return content


def parse_json(content: bytes | str) -> Any:
    """The value of a JSON text. Raises ValueError for anything else, also for one that is nested
    too deeply to be anybody's."""
    try:
        return json.loads(content)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read_json(path: Path, most: int = MOST_BYTES) -> Any:
    """The value in a JSON file. Raises OSError and ValueError."""
    return parse_json(read_regular(path, most))


def json_objects(content: bytes) -> Iterator[dict[str, Any]]:
    """The objects of JSON lines; a line that is none, e.g. cut by a crash, is left out."""
    for line in content.splitlines():
        try:
            record = parse_json(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            yield record
