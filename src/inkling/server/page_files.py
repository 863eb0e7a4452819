"""The files of the page, and how long a browser keeps them.

Knows: the build names what it puts into `assets` by a hash of its content. Does not know what the
files are, or how they are compressed (app.py).
Data: a path -> a file with `Cache-Control`.
"""

from __future__ import annotations

import os
from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

HASHED = "assets"
FOR_EVER = "public, max-age=31536000, immutable"
"""What has another name as soon as it is another."""
ASK_AGAIN = "no-cache"
"""Kept, and used only once the server has said that it is still the same."""


class PageFiles(StaticFiles):
    """A built page: its address always shows the newest, and fetches only what is new."""

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """A file, or that it has not changed."""
        answer = super().file_response(full_path, stat_result, scope, status_code)
        hashed = Path(full_path).parent.name == HASHED
        answer.headers["cache-control"] = FOR_EVER if hashed else ASK_AGAIN
        return answer
