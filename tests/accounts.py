"""Sockets of another account of this machine."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
from collections.abc import Iterator

import pytest

NOBODY = 65_534


@contextlib.contextmanager
def as_nobody() -> Iterator[None]:
    """What is made meanwhile belongs to the account `nobody`. Only root can do that."""
    if os.geteuid() != 0:
        pytest.skip("only root can act for another account")
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def connected_by_nobody(port: int, host: str = "127.0.0.1") -> socket.socket:
    """A connection that belongs to `nobody`."""
    with as_nobody():
        made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    made.settimeout(60)
    made.connect((host, port))
    return made


def asked_by_nobody(port: int, method: str, path: str, **headers: str) -> tuple[int, bytes]:
    """Status and body of an answer to `nobody`."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.sock = connected_by_nobody(port)
    connection.request(method, path, headers=headers)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, body
