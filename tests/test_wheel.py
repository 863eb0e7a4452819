"""What is given to others: the list of libraries, and the wheel that carries it."""

from __future__ import annotations

import importlib.util
import json
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent


def test_every_library_is_listed_with_its_licence() -> None:
    """At the pinned version, what it asks for too, and what of the page is not ours; the wheel
    takes the file along."""
    spec = importlib.util.spec_from_file_location("sbom", ROOT / "scripts" / "sbom.py")
    assert spec is not None
    assert spec.loader is not None
    sbom = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sbom)
    listed = json.loads((ROOT / "sbom.cdx.json").read_text(encoding="utf-8"))
    assert listed == sbom.document()
    versions = {part["name"]: part["version"] for part in listed["components"]}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = dict(line.split("==") for line in lines if "==" in line)
    pins = {canonicalize_name(name): version for name, version in pinned.items()}
    for text in project["project"]["dependencies"]:
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        assert versions[name] in requirement.specifier
        assert pins[name] == versions[name]
    assert all(part["licenses"][0]["expression"] for part in listed["components"])
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["sbom-files"] == ["sbom.cdx.json"]
