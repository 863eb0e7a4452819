"""Files as they are found: nothing hangs, nothing grows without end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from inkling.regular_files import open_regular, read_regular


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    """No folder, no device, and no pipe, whether or not somebody holds its other end."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (tmp_path, Path("/dev/zero"), pipe):
        with pytest.raises(OSError, match="not a regular file"):
            open_regular(path)
    other_end = os.open(pipe, os.O_RDWR)
    with pytest.raises(OSError, match="not a regular file"):
        open_regular(pipe)
    os.close(other_end)


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    """And one that holds more is not read whole."""
    path = tmp_path / "text"
    path.write_bytes(b"12345")
    assert read_regular(path, most=5) == b"12345"
    with pytest.raises(OSError, match="more than 4 bytes"):
        read_regular(path, most=4)
