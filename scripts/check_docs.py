"""Hold the documents to the code: commands, links and defaults that are named must be there."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from inkling.cli.chat_commands import listing
from inkling.cli.main import COMMANDS
from inkling.config import SamplingSettings

ROOT = Path(__file__).resolve().parent.parent


def problems() -> list[str]:
    """One sentence for each thing that does not agree."""
    found = []
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"<!-- commands -->\n```\n(.*?)```", readme, re.DOTALL)
    listed = block[1].splitlines() if block else []
    width = max(len(name) for name in COMMANDS) + 2
    wanted = [f"inkling {name:<{width}} {line}" for name, (_, line) in COMMANDS.items()]
    if listed != wanted:
        found.append(
            "README.md lists other commands than inkling --help. It should say:\n"
            + "\n".join(wanted)
        )
    in_chat = "\n".join(["<!-- chat commands -->", "```", *listing(), "```"])
    if in_chat not in readme:
        found.append(f"README.md lists other chat commands than /help. It should say:\n{in_chat}")
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        text = page.read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", text):
            if not (page.parent / target).exists():
                found.append(f"{page.relative_to(ROOT)} links to {target}, which is not there.")
        for command in re.findall(r"^(?:\.venv/bin/)?inkling ([a-z-]+)", text, re.MULTILINE):
            if command not in COMMANDS:
                found.append(f"{page.relative_to(ROOT)} names inkling {command}: no such command.")
    defaults = SamplingSettings()
    formats = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    example = (
        f'"temperature": {defaults.temperature:g}, "top_k": {defaults.top_k}, '
        f'"max_tokens": {defaults.max_tokens}'
    )
    if example not in formats:
        found.append(f"docs/formats.md should show the defaults: {example}.")
    return found


if __name__ == "__main__":
    sentences = problems()
    print("\n".join(sentences) or "docs: fine")
    sys.exit(bool(sentences))
