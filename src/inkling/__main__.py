"""`python -m inkling` and the `inkling` command."""

from __future__ import annotations

import sys

from inkling.cli.main import main


def run() -> None:
    """Entry point of the installed command."""
    sys.exit(main())


if __name__ == "__main__":
    run()
