"""Commands in a network of their own, in which there is nothing but loopback: a process by itself.

    python -m tests.faults.network ACTION …

Each action is a command line as JSON. Prints as JSON what the commands returned, to which addresses
Python connected or sent, which names it looked up, and what the system counted in that network:
packets that found no way out, from whatever library.
"""

from __future__ import annotations

import ctypes
import fcntl
import ipaddress
import json
import os
import socket
import struct
import sys
import time
from pathlib import Path

NEW_USERS, NEW_NETWORK = 0x10000000, 0x40000000
SET_FLAGS, UP = 0x8914, 0x1


def leave_the_network() -> None:
    """Raises OSError where the system does not allow it."""
    system = ctypes.CDLL(None, use_errno=True)
    wanted = NEW_NETWORK if os.geteuid() == 0 else NEW_NETWORK | NEW_USERS
    if system.unshare(wanted):
        raise OSError(ctypes.get_errno(), "unshare")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SET_FLAGS, struct.pack("16sh14x", b"lo", UP))


def is_here(host: object) -> bool:
    """Whether an address, or a name, is of this machine alone."""
    if host in (None, "", "localhost", b"localhost"):
        return True
    try:
        return ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return False


def no_way_out() -> int:
    """Packets of this network for which there was no route."""
    lines = [line.split() for line in Path("/proc/net/snmp").read_text().splitlines()]
    names, values = (line for line in lines if line[0] == "Ip:")
    six = dict(line.split() for line in Path("/proc/net/snmp6").read_text().splitlines())
    return int(values[names.index("OutNoRoutes")]) + int(six["Ip6OutNoRoutes"])


def main() -> None:
    try:
        leave_the_network()
    except OSError as error:
        print(json.dumps({"refused": str(error)}))
        return
    asked: list[str] = []

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        host: object = None
        if event == "socket.getaddrinfo":
            host = arguments[0]
        elif event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
            address = arguments[1]
            host = address[0] if isinstance(address, tuple) else None
        if not is_here(host):
            asked.append(f"{event} {host}")

    sys.addaudithook(watch)
    pause, time.sleep = time.sleep, lambda seconds: None
    import inkling.corpus.crawling.client  # tries an address that does not answer again at once

    time.sleep = pause
    from inkling.cli.main import main as inkling

    output, sys.stdout = sys.stdout, sys.stderr
    statuses = [inkling(json.loads(action)) for action in sys.argv[1:]]
    print(json.dumps({"statuses": statuses, "asked": asked, "no_way_out": no_way_out()}),
          file=output)  # fmt: skip


if __name__ == "__main__":
    main()
