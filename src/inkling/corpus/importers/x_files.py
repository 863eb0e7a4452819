"""The `.js` files of an X archive as JSON.

Knows: the assignment in front of the JSON. Does not know: what is in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from inkling.corpus.importing.json_stream import JsonStream
from inkling.corpus.importing.oldest_first import CUT
from inkling.corpus.importing.tree import TreeFile


@contextmanager
def opened(file: TreeFile) -> Iterator[JsonStream]:
    """The JSON behind `window.YTD.… = `. Raises OSError."""
    head = file.read(512)
    with file.open() as stream:
        yield JsonStream(stream, head.find(b"=") + 1)


def objects(file: TreeFile) -> Iterator[Any]:
    """Each item of the file's array; `CUT` where the file ends too early."""
    try:
        with opened(file) as pulled:
            yield from pulled.items()
            if pulled.damaged:
                yield CUT
    except (OSError, EOFError):
        yield CUT
