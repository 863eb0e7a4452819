"""Whatever the OpenAPI document allows, or does not: never a 5xx."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
import torch
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode

from inkling.workspace import Workspace
from tests.server.conftest import Server

EXAMPLES = 8


@pytest.fixture(autouse=True)
def denormals() -> Iterator[None]:
    """Hypothesis does not draw numbers where denormals are flushed, as trained models do."""
    torch.set_flush_denormal(False)
    yield
    torch.set_flush_denormal(True)


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_no_request_makes_the_server_fail(
    served: Server, nonsense: Workspace, mode: GenerationMode
) -> None:
    """Every route, with requests that fit its schema and requests that do not."""
    document = schemathesis.openapi.from_url(served.url + "openapi.json")
    routes = [found.ok() for found in document.get_all_operations()]
    assert {"/v1/chat/completions", "/api/chat/stream"} <= {route.path for route in routes}
    # Held, so that a request for a training or an import is answered that one is under way.
    with nonsense.training_lock(), nonsense.importing_lock():
        for route in routes:
            bytes_only = all(body.media_type == "application/octet-stream" for body in route.body)
            if mode is GenerationMode.NEGATIVE and bytes_only and not route.query:
                continue  # nothing in it could be wrong

            @given(case=route.as_strategy(mode))
            @settings(
                max_examples=EXAMPLES, deadline=None, derandomize=True, database=None,
                suppress_health_check=list(HealthCheck),
            )  # fmt: skip
            def holds(case: Any) -> None:
                if isinstance(case.body, dict):
                    # Others would be refused before the rest is read, or write for long.
                    if isinstance(case.body.get("model"), str):
                        case.body["model"] = "wilma"
                    for name, most in (("n", 1), ("max_tokens", 20), ("max_completion_tokens", 20)):
                        if isinstance(case.body.get(name), int) and case.body[name] > most:
                            case.body[name] = most
                response = case.call(timeout=300)
                assert response.status_code < 500, (case.as_curl_command(), response.text)

            holds()
