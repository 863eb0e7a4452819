"""`inkling serve` for development: started again whenever a Python file of the package changes.

Usage: serve_dev.py WORKSPACE PORT
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "src" / "inkling"
LOOK_SECONDS = 0.5


def newest() -> float:
    """When a source was changed last. One that is being replaced is looked at the next time."""
    times = [0.0]
    for path in PACKAGE.rglob("*.py"):
        with contextlib.suppress(OSError):
            times.append(path.stat().st_mtime)
    return max(times)


def stop(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGINT)
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()


def main() -> None:
    """Serve until the script that called this ends it."""
    workspace, port = sys.argv[1:]
    command = [sys.executable, "-m", "inkling", "serve", "--no-open"]
    command += ["--workspace", workspace, "--port", port]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    while True:
        seen = newest()
        server = subprocess.Popen(command)
        try:
            # One that ended by itself, of an error, is started again with the next change too.
            while newest() == seen:
                time.sleep(LOOK_SECONDS)
        except KeyboardInterrupt:
            return
        finally:
            stop(server)


if __name__ == "__main__":
    main()
