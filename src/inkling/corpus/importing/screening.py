"""Text that is not one person's writing: chats, mail and logs that no importer could read.

Knows: what other people's words look like when a program wrote them down. Does not know: how such
a text is read (the importers).
Data: text -> `refusal` -> why it cannot be taken for the author's own words, with what to do.

It errs towards refusing: an essay that was refused can be saved in another form, but a model that
was trained on somebody else's words as the author's is wrong, and nobody sees it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

from inkling.corpus.importers.dialog_text import Spoken, speaker
from inkling.corpus.importing.chat_shapes import chat_shape

LINES = 3_000
"""Lines that are looked at: a log is one from the beginning."""
WIDTH = 300
"""Characters of a line that are looked at, so that every pattern is bounded."""

_HEADER = re.compile(
    r"(From|To|Cc|Bcc|Subject|Date|Sent|Reply-To|Message-ID|Received|Return-Path|Delivered-To|"
    r"Von|An|Betreff|Gesendet|Datum|De|À|Objet|Envoyé|Para|Asunto|Enviado|Da|Oggetto|"
    r"Van|Aan|Onderwerp)[ \t]?:[ \t]",
    re.IGNORECASE,
)
_MBOX = re.compile(r"From \S{1,200} .{0,40}\d\d:\d\d")
_ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}\.")

CHAT = "looks like a chat that Inkling cannot read, so nobody's words are taken for yours"
ANY_PROGRAM = "export it again, as docs/importers.md says for its program"
CONVERSATION = (
    "looks like a conversation, because most lines begin with a name: say under which "
    "name you speak in it, and it is read as a dialog"
)
SILENT = "looks like a conversation in which nobody has the name that you gave"
MAIL = (
    "looks like mail, where other people's words stand among yours: export the folder of sent mail "
    "as mbox"
)
PAGE = "looks like messages exported as HTML: export them again as JSON instead"

_PAGES = (
    ("telegram", ('class="message default clearfix', 'class="page_wrap"')),
    ("messenger", ('class="pam _3-95 _2', 'class="_a6-g"', "uiBoxWhite noborder")),
    ("discord-exporter", ('class="chatlog__message', 'class="chatlog"', "chatlog__message-group")),
    ("google-chat", ('class="mdl-typography--title">Hangouts',)),
)


def refusal(text: str, names_known: bool = False) -> str | None:
    """Why a text is not one author's writing, and what to do; None for one that may be."""
    lines = [line[:WIDTH] for line in islice(_lines(text), LINES)]
    if _is_mail(lines):
        return MAIL
    if (shape := chat_shape(lines)) is not None:
        return f"{CHAT}: {ANY_PROGRAM if shape.program is None else _again(shape.program)}"
    if _is_conversation(lines):
        return SILENT if names_known else CONVERSATION
    return None


def page_refusal(source: str) -> str | None:
    """The same for an HTML page, by the marks of the programs that write messages as pages."""
    head = source[:200_000]
    for program, marks in _PAGES:
        if any(mark in head for mark in marks):
            if program == "messenger" and "instagram" in head.casefold():
                program = "instagram"  # the two write the same pages
            return f"{PAGE}. {_how(program)}"
    return None


def _again(program: str) -> str:
    return f"export it again. {_how(program)}"


def _how(program: str) -> str:
    # Importers are modules of their own, of which one reads text files with this one.
    from inkling.corpus.importing.registry import importer_called

    importer = importer_called(program)
    told, title = importer.how_to_export, importer.title
    return told if told.casefold().startswith(title.casefold()) else f"{title}: {told}"


def _lines(text: str) -> Iterator[str]:
    """Lines that are not blank, one after the other: the text may be long."""
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end == -1 else end
        line = text[start : min(end, start + WIDTH)].strip()
        if line:
            yield line
        start = end + 1


def _is_mail(lines: Sequence[str]) -> bool:
    """Whether a text begins with the headers of a message, or holds them several times."""
    if lines and _MBOX.match(lines[0]):
        return True
    for start in range(min(len(lines), 400)):
        if not (start == 0 or _HEADER.match(lines[start])):
            continue
        block = lines[start : start + 12]
        found = {match[1].lower() for line in block if (match := _HEADER.match(line))}
        addressed = any(_HEADER.match(line) and _ADDRESS.search(line) for line in block)
        if len(found) >= 3 and (start == 0 or addressed):
            return True
    return False


def _is_conversation(lines: Sequence[str]) -> bool:
    """Whether most lines begin with a name and a colon, from the first or, below a title, the
    second on, and the names come again and again. An essay may have labels, but not only those."""
    if not any(speaker(line) for line in lines[:2]):
        return False
    spoken = [found for line in lines if (found := speaker(line)) is not None]
    names = Counter(found.name.casefold() for found in spoken)
    if len(spoken) < 4 or len(names) < 2 or len(spoken) < 0.6 * len(lines):
        return False
    return len(names) <= 0.75 * len(spoken) or any(map(_is_number, spoken))


def _is_number(spoken: Spoken) -> bool:
    return spoken.name.startswith("+")
