"""Lists that may stand newest first, turned round whatever their length.

Knows: nothing of what is in them but its time. Data: decoded JSON -> `oldest_first` -> the
same, numbered, in the order of time.
"""

from __future__ import annotations

import array
import marshal
import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from msgspec import UNSET, structs

from inkling.corpus.importing.json_shape import Shape

# As many are held; of a longer list the rest goes through a file, eight bytes of memory an item.
HELD_ITEMS = 20_000


class Cut:
    """Stands behind the last item of a file that ends too early."""


CUT: Final = Cut()


def oldest_first(
    items: Iterable[Any], moment: Callable[[Any], int | None]
) -> Iterator[tuple[int, Any]]:
    """(place in the list from 1, item), oldest first; `CUT` stays last.

    Whether the list stands newest first is told by the first and the last item with a moment. All
    shapes in a list are of one kind, without others in them. An item whose brackets are too deep
    to be put into a file comes as None.
    """
    shape: type[Shape] | None = None
    first: int | None = None
    last: int | None = None
    cut = False
    held: list[Any] = []
    # No file is made before there is something to put into it.
    with tempfile.SpooledTemporaryFile(max_size=1 << 20) as spool:
        ends = array.array("Q", [0])
        for item in items:
            if item is CUT:
                cut = True
                continue
            when = moment(item)
            if when is not None:
                first = when if first is None else first
                last = when
            if len(held) < HELD_ITEMS:
                held.append(item)
            else:
                shape = type(item) if isinstance(item, Shape) else shape
                ends.append(ends[-1] + spool.write(_packed(item)))
        newest_first = first is not None and last is not None and first > last
        numbers = range(1, len(held) + len(ends))
        for number in reversed(numbers) if newest_first else numbers:
            if number <= len(held):
                yield number, held[number - 1]
                continue
            start, end = ends[number - 1 - len(held)], ends[number - len(held)]
            spool.seek(start)
            has_shape, value = marshal.loads(spool.read(end - start))
            yield number, shape(**value) if has_shape and shape is not None else value
    if cut:
        yield 0, CUT


def _packed(item: Any) -> bytes:
    """Whether it is a shape, and the fields that it has, or what else it is. Not pickled, which
    fails at half the depth that JSON is read to."""
    has_shape = isinstance(item, Shape)
    if has_shape:
        item = {name: value for name, value in structs.asdict(item).items() if value is not UNSET}
    try:
        return marshal.dumps((has_shape, item))
    except ValueError:
        return marshal.dumps((False, None))
