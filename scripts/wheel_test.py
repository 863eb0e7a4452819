"""A short test of an installed Inkling, with nothing of this repository: `scripts/wheel-test`.

What a new user does: a workspace, the demo's texts, a training of a few steps, a reply, the page.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import tempfile
import urllib.request
from importlib import metadata, resources
from pathlib import Path

INKLING = [str(Path(sys.executable).parent / "inkling")]


def inkling(*arguments: str) -> str:
    """What a command prints. Ends the test where it fails."""
    done = subprocess.run([*INKLING, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"inkling {' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def ask(address: str, path: str, body: dict[str, object] | None = None) -> bytes:
    """An answer of the server."""
    request = urllib.request.Request(
        address + path,
        None if body is None else json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=600) as answer:
        content: bytes = answer.read()
    return content


def served(workspace: str) -> None:
    """The page is there, and the model answers."""
    command = [*INKLING, "serve", "--port", "0", "--no-open", "-w", workspace]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        line = server.stdout.readline()
        address = next(word for word in line.split() if word.startswith("http"))
        page = ask(address, "").decode()
        assert '<div id="app">' in page, page[:500]
        reply = json.loads(ask(address, "api/chat", {"message": "hi", "max_tokens": 8}))["reply"]
        assert isinstance(reply, str)
    finally:
        server.terminate()
        server.wait(300)
        server.stdout.close()


def carried() -> list[str]:
    """What a wheel brings beside the code, and this one does not."""
    files = [str(path) for path in metadata.files("inkling-gpt") or ()]
    wanted = ("sboms/sbom.cdx.json", "licenses/LICENSE", "server/static/index.html",
              "demo/dms.txt", "py.typed")  # fmt: skip
    return [name for name in wanted if not any(file.endswith(name) for file in files)]


def main() -> None:
    assert "site-packages" in str(resources.files("inkling")), "another Inkling is in the way"
    assert carried() == []
    with tempfile.TemporaryDirectory() as folder:
        workspace = str(Path(folder, "w"))
        demo = resources.files("inkling") / "demo"
        texts = Path(folder, "texts")
        texts.mkdir()
        for post in sorted(Path(str(demo), "posts").glob("*.md"))[:4]:
            (texts / post.name).write_bytes(post.read_bytes())
        dialogs = Path(str(demo), "dms.txt").read_text(encoding="utf-8").split("\n\n")[:40]
        (texts / "dms.txt").write_text("\n\n".join(dialogs), encoding="utf-8")
        inkling("init", workspace)
        inkling("add", str(texts), "-w", workspace)
        inkling("train", "--steps", "4", "-w", workspace)
        assert "held-out" in inkling("runs", "modern-1", "-w", workspace)
        inkling("generate", "--prompt", "Last night", "--max-tokens", "5", "-w", workspace)
        served(workspace)
        inkling("doctor", "-w", workspace)
    version = metadata.version("inkling-gpt")
    print(f"inkling {version}: fine with Python {platform.python_version()}")


if __name__ == "__main__":
    main()
