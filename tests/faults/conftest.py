"""The servers of tests/server, for attacks on them."""

from tests.server.conftest import nonsense, served

__all__ = ["nonsense", "served"]
