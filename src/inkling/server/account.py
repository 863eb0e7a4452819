"""Which account of this machine is at the other end of a loopback connection.

Knows: Linux's tables of open connections. Does not know HTTP, or who may do what.
Data: both addresses of a connection -> /proc/net/tcp and tcp6 -> the owner of the other end.

An end whose program has let go of it stands in the table as root's, without an inode: such a line
says nothing about anyone. The kernel writes owner and inode one after the other, so that of a line
that says root a second look must say the same.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import sys
from pathlib import Path

TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
ROOT = 0
_LOOKS = 3
"""A line can be missed while others of the table come and go."""
_UID, _INODE = 7, 9

Address = tuple[str, int]


def connection_owner(peer: Address, ours: Address) -> int | None:
    """User id of who holds the end `peer` of a connection to `ours`; None where that cannot be
    known, e.g. because it was let go of."""
    for _ in range(_LOOKS):
        found = _look(peer, ours)
        if found is not None and (found != ROOT or _look(peer, ours) == ROOT):
            return found
    return None


def owners_are_known() -> bool:
    """Whether this system tells the owners of connections: tried out with one of our own."""
    if not sys.platform.startswith("linux"):
        return False
    with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", 0)) as listener:
        ours = listener.getsockname()
        with socket.create_connection(ours, timeout=10) as client:
            return connection_owner(client.getsockname(), ours) == os.geteuid()
    return False


def _look(peer: Address, ours: Address) -> int | None:
    wanted = [
        f" {_in_hex(peer, family)} {_in_hex(ours, family)} ".encode()
        for family in (socket.AF_INET, socket.AF_INET6)
    ]
    for table in TABLES:
        try:
            content = table.read_bytes()
        except OSError:
            continue
        for line in wanted:
            at = content.find(line)
            if at < 0:
                continue
            fields = content[content.rfind(b"\n", 0, at) + 1 : content.find(b"\n", at)].split()
            if int(fields[_INODE]):
                return int(fields[_UID])
    return None


def _in_hex(address: Address, family: socket.AddressFamily) -> str:
    """An address as the tables write it: words of 32 bits in the machine's byte order. One of IPv4
    may stand in the table of IPv6, too."""
    host, port = address[0].partition("%")[0], address[1]
    if ":" in host:
        packed = socket.inet_pton(socket.AF_INET6, host)
        if packed.startswith(_MAPPED) and family == socket.AF_INET:
            packed = packed[len(_MAPPED) :]
    else:
        packed = socket.inet_pton(socket.AF_INET, host)
        if family == socket.AF_INET6:
            packed = _MAPPED + packed
    words = struct.unpack(f"={len(packed) // 4}I", packed)
    return "".join(f"{word:08X}" for word in words) + f":{port:04X}"


_MAPPED = bytes(10) + b"\xff\xff"
