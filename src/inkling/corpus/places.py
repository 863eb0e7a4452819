"""Where on the machine something was read: a source's path and a place in it as one path."""

from __future__ import annotations

import re
from pathlib import PurePath

_ADDRESS = re.compile("https?://")


def file_of(raw_ref: str) -> str:
    """The file of a place in it: `dms.txt` of `dms.txt:12`."""
    return re.sub(r":\d+$", "", raw_ref)


def path_in(source: str, raw_ref: str) -> str:
    """The absolute path of the file that something of a source was read from.

    A source that is one file names that file, and so do the places in it. What stands at an
    address is there, whether it was fetched or read from an export that names it.
    """
    if _ADDRESS.match(raw_ref):
        return raw_ref
    file = file_of(raw_ref)
    path = PurePath(source)
    return source if path.suffix and file == path.name else str(path / file)
