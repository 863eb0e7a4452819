"""Signal chats as two programs write them: signal-export's `chat.md`, sigtop's text.

Knows: headers of messages, quotes, reactions, attachments, edits of both. Does not know:
trees, claims.
Data: lines -> `markdown_messages` | `sigtop_messages` -> Message | Dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from inkling.corpus.document import Dropped, Message
from inkling.corpus.importing import times

# `[2021-07-05 14:03:54] Me: `, in old versions `[2021-07-05, 14:03] Me: `.
MARKDOWN_HEADER = re.compile(r"\[(\d{4}-\d\d-\d\d,? \d\d:\d\d(?::\d\d)?)\] (.{1,200}?): ?(.*)")

_REACTIONS = re.compile(r"\(- [^\n]{1,2000} -\)")
_STICKER = re.compile(r"\(\( [^\n]{0,100} \)\)")
_ATTACHMENT = re.compile(
    r"!?\[[^\[\]\n]{0,300}\]\(\.{1,2}/(?:[^()\[\n]++|\([^()\n]{0,100}+\)){1,60}+\) {0,2}"
)
# What stands for an attachment that was not exported with the chat.
_MISSING = re.compile(r"\((?:media|attachment) not exported\) {0,2}$")
_CALL = re.compile(
    r"(?:(?:Incoming|Outgoing|Missed) )(?:voice |video |group )?call(?: \([^()\n]{1,80}\))?"
)
_DELETED = "(This message was deleted)"

_SIGTOP_FIELD = re.compile(r"(From|Type|Sent|Received|Attachment|Reaction|Edited): (.*)")
_SIGTOP_TYPE = re.compile(r"Type: [a-z-]{1,40}")


def markdown_messages(lines: Iterable[str], path: str) -> Iterator[Message | Dropped]:
    """Messages of a `chat.md`; the person's own are by "Me"."""
    header: re.Match[str] | None = None
    body: list[str] = []
    start = 0
    for number, line in enumerate(lines, start=1):
        found = MARKDOWN_HEADER.match(line)
        if found is None:
            body.append(line)
            continue
        yield from _markdown_message(header, body, f"{path}:{start}")
        header, body, start = found, [found[3]], number
    yield from _markdown_message(header, body, f"{path}:{start}")


def _markdown_message(
    header: re.Match[str] | None, body: list[str], raw_ref: str
) -> Iterator[Message | Dropped]:
    if header is None:
        if any(line.strip() for line in body):
            yield Dropped("text before the first message", raw_ref)
        return
    author = header[2]
    if any(line.strip() == _DELETED for line in body[:1]):
        yield Dropped("deleted message", raw_ref)
        return
    text, decorated = _markdown_body(body)
    if not text.strip():
        yield Dropped("media without text" if decorated else "empty", raw_ref)
    elif _CALL.fullmatch(text):
        yield Dropped("call", raw_ref)
    elif author == "No-Sender":
        yield Dropped("message without an author", raw_ref)
    else:
        yield Message(
            author_id=author,
            is_me=author == "Me",
            text=text,
            timestamp=times.from_text(header[1]),
            raw_ref=raw_ref,
        )


def _markdown_body(body: list[str]) -> tuple[str, bool]:
    """The words of a message, and whether anything stood beside them."""
    lines = list(body)
    quoted = False
    # A quote comes first, between blank lines: `\n\n> …\n\n`.
    if not lines[0].strip() and len(lines) > 2 and lines[2].startswith("> "):
        end = next((n for n in range(2, len(lines)) if not lines[n].startswith("> ")), len(lines))
        lines, quoted = lines[end:], True
        if lines and not lines[0].strip():
            lines = lines[1:]
    while lines and not lines[-1].strip():
        lines.pop()
    removed = quoted
    while lines and (
        _REACTIONS.fullmatch(lines[-1].strip()) or _STICKER.fullmatch(lines[-1].strip())
    ):
        lines.pop()
        removed = True
    if lines:
        # Attachments follow the words on their last line.
        line = lines[-1]
        bare = _MISSING.sub("", line)
        bare = _ATTACHMENT.sub("", bare) if "](" in bare else bare
        removed = removed or bare != line
        lines[-1] = bare
    while lines and not lines[-1].strip():
        lines.pop()
    if lines:
        # Two spaces end every body: a line break in Markdown.
        lines[-1] = lines[-1].removesuffix("  ")
    return "\n".join(lines), removed


def sigtop_messages(lines: Iterable[str], path: str) -> Iterator[Message | Dropped]:
    """Messages of a sigtop text; the person's own are by "You"."""
    held: list[tuple[int, str]] = []
    for number, line in enumerate(lines, start=1):
        if number <= 2 and (line.startswith("Conversation: ") or not line):
            continue
        held.append((number, line))
        # Fields stand in this order; the lines after the first are needed to tell.
        begun = _fields_begin([text for _, text in held[-4:]])
        if begun and len(held) > begun:
            yield from _sigtop_message(held[:-begun], path)
            held = held[-begun:]
    yield from _sigtop_message(held, path)


def _fields_begin(last: list[str]) -> int:
    """How many of the last lines are the first fields of a message; 0 where they are not."""
    if len(last) < 3 or not _SIGTOP_TYPE.fullmatch(last[-2]):
        return 0
    if not last[-1].startswith(("Sent: ", "Received: ")):
        return 0
    if not last[-3]:
        return 2
    return 3 if len(last) == 4 and not last[0] and last[1].startswith("From: ") else 0


def _sigtop_message(held: list[tuple[int, str]], path: str) -> Iterator[Message | Dropped]:
    if not any(line.strip() for _, line in held):
        return
    raw_ref = f"{path}:{held[0][0]}"
    lines = [line for _, line in held]
    fields: dict[str, str] = {}
    index = 0
    while index < len(lines) and (field := _SIGTOP_FIELD.fullmatch(lines[index])):
        fields.setdefault(field[1], field[2])
        index += 1
    if "Type" not in fields:
        yield Dropped("text before the first message", raw_ref)
        return
    text = _sigtop_body(lines[index:], "Edited" in fields)
    author = fields.get("From")
    if fields["Type"] not in ("incoming", "outgoing"):
        yield Dropped("call" if "call" in fields["Type"] else "system notice", raw_ref)
    elif not text.strip():
        yield Dropped("media without text" if "Attachment" in fields else "empty", raw_ref)
    elif author is None:
        yield Dropped("message without an author", raw_ref)
    else:
        sent = fields.get("Sent") or fields.get("Received") or ""
        yield Message(
            author_id=author,
            is_me=author == "You" and fields["Type"] == "outgoing",
            text=text,
            timestamp=times.from_mail(sent),
            raw_ref=raw_ref,
        )


def _sigtop_body(lines: list[str], edited: bool) -> str:
    """Words without the quote above them; of an edited message the last version."""
    if edited:
        versions = [line[2:] if line.startswith("| ") else line[1:] for line in lines if line]
        ends = [n for n, line in enumerate(versions) if line.startswith("Version: ")][1:2]
        # The newest version stands first, its fields above a blank line.
        lines = versions[: ends[0]] if ends else versions
        fields = next((n for n, line in enumerate(lines) if not line), len(lines))
        lines = lines[fields:]
    if lines[1:2] and lines[0] == "" and lines[1].startswith("> From: "):
        end = next((n for n in range(1, len(lines)) if not lines[n].startswith(">")), len(lines))
        lines = lines[end:]
    if lines and not lines[0]:
        lines = lines[1:]
    end = len(lines)
    while end and not lines[end - 1]:
        end -= 1
    return "\n".join(lines[:end])
