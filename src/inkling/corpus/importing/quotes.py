"""What somebody quotes at the beginning of a line, as chats write it: another's words.

Knows: a mark before a line, three of them before all that follows. Does not know: messages,
sources. Data: text -> `without_quotes` -> the words of the person who quotes.
"""

from __future__ import annotations

PARTLY_QUOTED = "quoted lines of a message are left out: they are another's words"
"""What a person is told of a message whose other words are kept."""


def without_quotes(text: str, mark: str = "> ") -> str:
    """A text without its quoted lines, else as it is. What stands as code quotes nothing."""
    if mark not in text or "```" in text:
        return text
    lines = text.split("\n")
    own = []
    for line in lines:
        if line.startswith(f">>{mark}"):
            break
        if not line.startswith(mark):
            own.append(line)
    return text if len(own) == len(lines) else "\n".join(own).strip("\n")
