"""Write sbom.cdx.json: what an installation of Inkling consists of, with versions and licences.

    scripts/sbom [--check]

Libraries are those that the package asks for, with what these ask for, at the versions of
constraints.txt; their licences are as the installed ones name them. Of the page's packages those
that become part of it. The format is CycloneDX 1.6 (https://cyclonedx.org), without a time, so that
the same versions give the same file. A licence that is not on the list below ends it.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "sbom.cdx.json"
IN_THE_PAGE = ("clsx", "esm-env", "svelte", "uplot")
"""Of what the page is built with, and of what that asks for: the rest are tools."""

# Of metadata that names no SPDX expression; by a part of what it says instead.
_SPDX = {
    "mit": "MIT", "bsd": "BSD-3-Clause", "apache": "Apache-2.0", "isc": "ISC",
    "python software foundation": "PSF-2.0",
}  # fmt: skip
_ALLOWED = {
    "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause",
    "BSL-1.0", "CC0-1.0", "ISC", "MIT", "MIT-CMU", "MPL-2.0", "PSF-2.0", "Zlib",
}  # fmt: skip


def licence(found: metadata.PackageMetadata) -> str:
    """A library's licence as an SPDX expression. Raises ValueError where it cannot be told."""
    named = found.get("License-Expression") or found.get("License") or ""
    if named and all(part in _ALLOWED for part in re.split(r" AND | OR ", named)):
        return str(named)
    said = [line for line in found.get_all("Classifier") or [] if line.startswith("License ::")]
    for text in (*said, named[:60]):
        for word, expression in _SPDX.items():
            if word in text.lower():
                return expression
    raise ValueError(f"{found['Name']}: the licence {named[:60]!r} is not one that is known")


def libraries() -> dict[str, tuple[str, str]]:
    """Name -> (pinned version, licence) of all that the package needs."""
    pins = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if "==" in line:
            name, version = line.split("==")
            pins[canonicalize_name(name)] = version
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    waiting = [Requirement(text).name for text in project["dependencies"]]
    found: dict[str, tuple[str, str]] = {}
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in found:
            continue
        installed = metadata.distribution(name)
        found[name] = (pins.get(name, installed.version), licence(installed.metadata))
        for text in installed.requires or []:
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                waiting.append(needed.name)
    return found


def imported_by_the_page() -> set[str]:
    """Packages that its sources name."""
    found = set()
    for path in (ROOT / "ui" / "src").rglob("*"):
        if path.suffix in (".ts", ".svelte") and not path.name.endswith(".test.ts"):
            named = re.findall(r"(?:from|import) '([^./'][^']*)'", path.read_text(encoding="utf-8"))
            found |= {"/".join(name.split("/")[: 2 if name[0] == "@" else 1]) for name in named}
    return found


def document() -> dict[str, Any]:
    """The whole file."""
    components = [
        _component(name, version, f"pkg:pypi/{name}@{version}", expression)
        for name, (version, expression) in sorted(libraries().items())
    ]
    if unknown := imported_by_the_page() - set(IN_THE_PAGE):
        raise ValueError(f"the page imports {min(unknown)}, which is not in IN_THE_PAGE")
    lock = json.loads((ROOT / "ui" / "package-lock.json").read_text())["packages"]
    for name in IN_THE_PAGE:
        entry = lock[f"node_modules/{name}"]
        address = f"pkg:npm/{name}@{entry['version']}"
        components.append(_component(name, entry["version"], address, entry["license"]))
    project = {"type": "application", "name": "inkling-gpt", "licenses": [{"expression": "MIT"}]}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": project},
        "components": components,
    }


def _component(name: str, version: str, address: str, expression: str) -> dict[str, Any]:
    return {
        "type": "library",
        "name": name,
        "version": version,
        "purl": address,
        "licenses": [{"expression": expression}],
    }


def main() -> int:
    written = json.dumps(document(), indent=1) + "\n"
    if "--check" not in sys.argv[1:]:
        FILE.write_text(written)
    elif not FILE.is_file() or FILE.read_text() != written:
        print(f"{FILE.name} is not what is installed. Run scripts/sbom.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
