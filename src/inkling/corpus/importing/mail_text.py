"""A person's own words out of the text of a mail.

Knows: quoted lines, the lines above them, repeated mails, signatures, what phones add.
Does not know: MIME, who wrote the mail.
Data: text -> `own_words` -> text. Lines are looked at once each; runs of any character are
never searched twice.
"""

from __future__ import annotations

from inkling.corpus.importing.mail_phrases import (
    FOOTERS,
    FORWARD_PREFIXES,
    FROM_FIELDS,
    OTHER_FIELDS,
    REPEATED,
    REPLY_PREFIXES,
    WROTE,
)

# No line above a quote is longer, and none is broken over more lines.
_LONGEST_INTRODUCTION = 400
_INTRODUCTION_LINES = 3
_FIELDS_WITHIN = 6


def own_words(text: str) -> str:
    """What the sender wrote: without quotes, repeated mails, signature and footers.

    Answers between quoted lines stay; what stands below a signature does not.
    """
    lines = text.split("\n")
    kept: list[str] = []
    index = 0
    while index < len(lines):
        line = lines[index]
        if _is_quoted(line):
            index += 1
        elif _is_signature(line) or _repeats_a_mail(lines, index):
            break
        elif length := _introduction(lines, index):
            index += length
            if not _is_quoted(_next_words(lines, index)):
                # Programs that quote without `>` put everything that they quote below.
                break
        else:
            kept.append(line)
            index += 1
    return _without_footer(kept)


def without_prefixes(subject: str) -> tuple[str, bool]:
    """The subject without `Re:`, `AW:`, `Fwd:` …, and whether it was forwarded."""
    forwarded = False
    while True:
        prefix, colon, rest = subject.replace("：", ":", 1).partition(":")
        # `Re[2]:`, `RE (3):`
        word = prefix.split("[")[0].split("(")[0].strip().casefold()
        if not colon or len(prefix) > 12:
            return subject.strip(), forwarded
        if word in FORWARD_PREFIXES and word not in REPLY_PREFIXES:
            forwarded = True
        elif word not in REPLY_PREFIXES:
            return subject.strip(), forwarded
        subject = rest.strip()


def _is_quoted(line: str) -> bool:
    return line.lstrip(" \t\u00a0")[:1] == ">"


def _is_signature(line: str) -> bool:
    """RFC 3676: two dashes and a space, which some programs take away."""
    return len(line) < 10 and line.rstrip(" \t\u00a0") == "--"


def _next_words(lines: list[str], index: int) -> str:
    """The next line that is not blank, among few."""
    return next((line for line in lines[index : index + 4] if line.strip()), "")


def _introduction(lines: list[str], index: int) -> int:
    """How many lines from here say `On …, … wrote:`; 0 where they do not."""
    pieces: list[str] = []
    length = 0
    for line in lines[index : index + _INTRODUCTION_LINES]:
        piece = line.strip(" \t\u00a0\u202f-*")
        length += len(piece)
        if not piece or length > _LONGEST_INTRODUCTION:
            return 0
        pieces.append(piece)
        if piece.endswith((":", "：")):
            below = _next_words(lines, index + len(pieces))
            found = _introduces(" ".join(pieces), _is_quoted(below))
            return len(pieces) if found else 0
    return 0


def _introduces(text: str, quote_follows: bool) -> bool:
    folded = " ".join(text.casefold().split())
    dated = any(character.isdigit() for character in folded)
    addressed = "@" in folded
    # The verb ends the line in most languages; in German and Japanese an address may follow it.
    wrote = any(word in folded for word in WROTE)
    if quote_follows:
        return wrote or (dated and addressed)
    clock = dated and any(
        mark == ":" and folded[i - 1 : i].isdigit() and folded[i + 1 : i + 2].isdigit()
        for i, mark in enumerate(folded)
    )
    return (wrote and dated and (addressed or clock)) or (addressed and clock)


def _repeats_a_mail(lines: list[str], index: int) -> bool:
    """Whether a mail that is answered or forwarded is repeated from this line on."""
    line = lines[index]
    if len(line) > 200:
        return False
    bare = line.strip(" \t\u00a0*_-‐‑–—=>").casefold()
    if not bare:
        # Outlook's rule: only with the block of fields below it.
        ruled = len(line.strip()) >= 8 and set(line.strip()) <= set("_-")
        return ruled and _fields(lines, index + 1)
    dashed = line.lstrip()[:2] in ("--", "- ", "‐‐", "––", "——", "==")
    if bare.rstrip(": ").startswith(REPEATED) and (dashed or bare.endswith(":")):
        return True
    return _fields(lines, index)


def _field(line: str) -> str:
    """The name of the field that a line is, in lower case; "" where it is none."""
    name, colon, _ = line[:80].replace("：", ":", 1).partition(":")
    return name.strip(" \t\u00a0*").casefold().replace(" ", "") if colon else ""


def _fields(lines: list[str], index: int) -> bool:
    """`From:` and at least two of `Sent:`, `To:`, `Subject:` … right below, in any language."""
    if _field(_next_words(lines, index)) not in FROM_FIELDS:
        return False
    names = {_field(line) for line in lines[index : index + _FIELDS_WITHIN + 2]}
    return len(names & OTHER_FIELDS) >= 2


def _without_footer(lines: list[str]) -> str:
    while lines and not lines[-1].strip():
        lines.pop()
    if lines:
        last = lines[-1].strip(" \t\u00a0*_<[").casefold()
        # `Sent from my iPhone`, also as `[Sent from my iPhone](…)`; never a paragraph.
        if len(last) < 120 and last.startswith(FOOTERS):
            lines.pop()
    while lines and not lines[-1].strip():
        lines.pop()
    start = next((n for n, line in enumerate(lines) if line.strip()), len(lines))
    return "\n".join(line.rstrip() for line in lines[start:])
