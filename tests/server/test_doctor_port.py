"""`inkling doctor` beside a running `inkling serve`."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest

from inkling.cli import doctor as doctor_command
from tests.conftest import Result
from tests.server.conftest import PATIENCE, Server


def test_a_port_that_inkling_itself_uses_is_no_problem(
    server: Server, inkling: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page is there already: worth a note."""
    # Loaded first: doctor waits no longer than two seconds for whoever has the port.
    assert httpx.get(server.url + "api/health", timeout=PATIENCE).is_success
    monkeypatch.setattr(doctor_command, "PORT", server.port)
    result = inkling("doctor", "--json")
    report = json.loads(result.out)
    assert result.status == 0
    assert any(f"being served by Inkling at {server.url}" in note for note in report["notes"])
    assert not report["machine"]["port_free"]
