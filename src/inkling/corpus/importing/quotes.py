"""What somebody quotes at the beginning of a line, as chats write it: another's words.

Knows: `> ` before a line, `>>> ` before all that follows. Does not know: messages, sources.
Data: text -> `without_quotes` -> the words of the person who quotes.
"""

from __future__ import annotations

_ALL_THAT_FOLLOWS = ">>> "


def without_quotes(text: str) -> str:
    """A text without its quoted lines, else as it is. What stands as code quotes nothing."""
    if "> " not in text or "```" in text:
        return text
    lines = text.split("\n")
    own = []
    for line in lines:
        if line.startswith(_ALL_THAT_FOLLOWS):
            break
        if not line.startswith("> "):
            own.append(line)
    return text if len(own) == len(lines) else "\n".join(own).strip("\n")
