"""What stands in one mail: its headers as text, its words, how many attachments.

Knows: MIME, charsets, transfer encodings, flowed text. Does not know: who wrote it, quotes.
Data: bytes of a message -> `parse` -> Mail.
"""

from __future__ import annotations

import binascii
import re
from contextlib import suppress
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses

from inkling.corpus.importing.charset import decode_anyway

HEADERS = (
    "from", "subject", "date", "message-id", "x-gmail-labels", "x-gm-thrid", "auto-submitted",
    "x-autoreply", "x-autorespond", "precedence", "delivered-to", "x-original-to",
)  # fmt: skip
"""The only ones that are read."""

_HEADER_LIMIT = 20_000
_UNICODE_ESCAPED = re.compile(r"[\udc80-\udcff]")


@dataclass(frozen=True)
class Mail:
    """One message, decoded."""

    headers: dict[str, str]
    """Those of `HEADERS` that it has, decoded."""
    sender_name: str
    sender_address: str
    """Lower case; "" where there is none."""
    plain: str | None
    html: str | None
    """The alternative, where there is no plain text."""
    attachments: int
    kinds: frozenset[str]
    """Content types of all parts."""
    notes: tuple[str, ...] = ()
    """Encodings that were guessed, where a part says none or a wrong one."""


def parse(data: bytes, encoding: str | None = None) -> Mail | None:
    """The mail in these bytes; None where they have no headers or nest without end. `encoding` is
    that of parts which say none, or a wrong one."""
    try:
        message = message_from_bytes(data)
        if not message.keys():
            return None
        plain: list[str] = []
        html: list[str] = []
        kinds: set[str] = set()
        bodies = _Bodies(encoding)
        attachments = _collect(message, plain, html, kinds, bodies)
    except (MessageError, RecursionError, ValueError, LookupError, TypeError, AttributeError):
        # The parser is old: some malformed headers and encodings surface as any of these.
        return None
    headers = {name: header_text(message[name]) for name in HEADERS if name in message}
    name, address = _first_address(headers.get("from", ""))
    words = "\n\n".join(part for part in plain if part.strip())
    return Mail(
        headers,
        name,
        address,
        words or None,
        "\n".join(html) if html and not words else None,
        attachments,
        frozenset(kinds),
        tuple(dict.fromkeys(bodies.notes)),
    )


def _collect(
    message: Message, plain: list[str], html: list[str], kinds: set[str], bodies: _Bodies
) -> int:
    """Words of all parts in order; returns the number of attachments. Iterative: parts nest."""
    attachments = 0
    stack = [message]
    while stack:
        part = stack.pop()
        kind = part.get_content_type()
        kinds.add(kind)
        payload = part.get_payload()
        if isinstance(payload, list) and kind.startswith("multipart/"):
            stack.extend(reversed([p for p in payload if isinstance(p, Message)]))
        elif kind not in ("text/plain", "text/html") or _is_attachment(part):
            # A calendar's reply and a forwarded message as a part are no words either.
            attachments += 1
        else:
            text = bodies.text(part)
            if kind == "text/html":
                html.append(text)
            else:
                plain.append(_unflowed(text, part))
    return attachments


def _is_attachment(part: Message) -> bool:
    disposition = str(part.get("content-disposition") or "").strip().lower()
    encoding = str(part.get("content-transfer-encoding") or "").strip().lower()
    return disposition.startswith("attachment") or encoding in ("x-uuencode", "uuencode", "uue")


class _Bodies:
    """Words of parts, and what was guessed to read them."""

    def __init__(self, told: str | None) -> None:
        self._told = told
        self.notes: list[str] = []

    def text(self, part: Message) -> str:
        payload = part.get_payload(decode=True)
        data = payload if isinstance(payload, bytes) else b""
        charset = str(part.get_content_charset() or "utf-8").strip("'\" ")
        try:
            text = data.decode(charset)
        except (LookupError, UnicodeError):
            # A wrong label is more common than a broken text.
            found = decode_anyway(data, self._told)
            text = found.text
            self.notes += found.notes
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        # Byte order marks also stand where a program joined texts.
        return text.replace("\0", "").replace("\ufeff", "")


def _unflowed(text: str, part: Message) -> str:
    """Lines that the sender's program broke are one again (RFC 3676): they end in a space."""
    if str(part.get_param("format") or "").lower() != "flowed":
        return text
    delete_space = str(part.get_param("delsp") or "").lower() == "yes"
    lines: list[str] = []
    pieces: list[str] = []
    depth = 0
    for line in text.split("\n"):
        body = line.lstrip(">")
        now = len(line) - len(body)
        if pieces and (now != depth or line == "-- "):
            lines.append(">" * depth + "".join(pieces))
            pieces = []
        depth = now
        body = body.removeprefix(" ")
        if body.endswith(" ") and body != "-- ":
            pieces.append(body[:-1] if delete_space else body)
        else:
            lines.append(">" * depth + "".join([*pieces, body]))
            pieces = []
    if pieces:
        lines.append(">" * depth + "".join(pieces))
    return "\n".join(lines)


def header_text(value: object) -> str:
    """A header, decoded (RFC 2047) and on one line."""
    raw = str(value)[:_HEADER_LIMIT]
    # Raw bytes in headers come as lone surrogates.
    if _UNICODE_ESCAPED.search(raw):
        data = raw.encode("ascii", "surrogateescape") if raw.isascii() else _raw_bytes(raw)
        raw = decode_anyway(data).text
    if "=?" in raw:
        # What is wrongly encoded stays as it stands.
        with suppress(MessageError, binascii.Error, ValueError, LookupError):
            raw = "".join(
                part if isinstance(part, str) else _decoded(part, charset)
                for part, charset in decode_header(raw)
            )
    return " ".join(raw.encode("utf-8", "replace").decode().split())


def _raw_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _decoded(part: bytes, charset: str | None) -> str:
    try:
        return part.decode(charset or "ascii")
    except (LookupError, UnicodeError):
        return decode_anyway(part).text


def _first_address(header: str) -> tuple[str, str]:
    try:
        name, address = getaddresses([header])[0]
    except (IndexError, ValueError, TypeError, RecursionError):
        return "", ""
    return name.strip(), address.strip().lower()
