"""The exports API over real HTTP."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import httpx
import pytest

from inkling.run_files import EXPORT_MARK
from inkling.runs import Run
from inkling.workspace import Workspace
from tests.server.conftest import PATIENCE, server_inside
from tests.voices import random_run


def test_a_run_is_offered_written_and_downloaded(tmp_path: Path) -> None:
    """What it becomes, what speaks against it, that it is written only once that was read, and the
    same files in the zip as in the folder."""
    workspace = Workspace.create(tmp_path / "w")
    random_run(workspace)
    with server_inside(workspace) as served, httpx.Client(timeout=PATIENCE) as client:
        address = f"{served.url}api/exports"
        offer = client.get(address).json()
        run = Run.choose(workspace, None).name
        assert (offer["run"], offer["refused"], offer["written"]) == (run, None, [])
        assert any("was not measured" in warning for warning in offer["warnings"])
        assert {choice["kind"] for choice in offer["choices"]} == {"gguf", "hf", "mlx", "page"}

        refused = client.post(address, json={"kind": "hf"})
        assert refused.status_code == 409
        assert "was not measured" in refused.json()["error"]
        assert not workspace.exports_path.exists()

        body = {"kind": "gguf", "gguf_type": "q8_0", "despite_warnings": True}
        for _ in range(2):  # the second replaces the first
            made = client.post(address, json=body)
            assert made.status_code == 201, made.text
        folder = Path(made.json()["folder"])
        assert folder == workspace.exports_path / f"{run}-gguf"
        written = client.get(address).json()["written"]
        assert [(each["kind"], each["size"]) for each in written] == [("gguf", made.json()["size"])]

        answer = client.get(f"{address}/{run}/gguf")
        assert f'filename="{run}-gguf.zip"' in answer.headers["content-disposition"]
        assert int(answer.headers["content-length"]) == len(answer.content)
        with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
            found = {name: packed.read(name) for name in packed.namelist()}
        assert found == {
            f"{folder.name}/{path.name}": path.read_bytes() for path in folder.iterdir()
        }


@pytest.mark.parametrize("name", ["..", "nobody", ".hidden", "%2e%2e%2fw"])
def test_only_exports_of_runs_are_downloaded(tmp_path: Path, name: str) -> None:
    workspace = Workspace.create(tmp_path / "w")
    (tmp_path / "w" / "exports" / "..-hf").mkdir(parents=True)
    (tmp_path / "w" / "exports" / "..-hf" / EXPORT_MARK).write_text("{}")
    with server_inside(workspace) as served:
        answer = httpx.get(f"{served.url}api/exports/{name}/hf", timeout=PATIENCE)
        assert answer.status_code == 404, answer.text


def test_what_cannot_be_exported_says_why(tmp_path: Path) -> None:
    """No run, a run that is not there, one whose text was forgotten, an unknown field."""
    workspace = Workspace.create(tmp_path / "w")
    with server_inside(workspace) as served, httpx.Client(timeout=PATIENCE) as client:
        address = f"{served.url}api/exports"
        assert "no trained model" in client.get(address).json()["refused"]
        assert client.get(address, params={"run": "nobody"}).status_code == 404
        random_run(workspace)
        run = Run.choose(workspace, None)
        run.mark_stale("a person", 1, 0)
        offer = client.get(address).json()
        assert (offer["run"], offer["choices"]) == (run.name, [])
        assert "has since been forgotten" in offer["refused"]
        body = {"kind": "hf", "despite_warnings": True}
        assert client.post(address, json=body).status_code == 409
        assert client.post(address, json=body | {"mode": "x"}).status_code == 400
        assert json.loads(client.post(address, content=b"x").text)["error"]
    assert not workspace.exports_path.exists()
