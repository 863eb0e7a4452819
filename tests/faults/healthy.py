"""Healthy files of each kind that is imported, so that damage begins at something that is read."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile

WORDS = "A text about pianos and the people who own them. " * 8


def _zipped(parts: dict[str, str]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return packed.getvalue()


def _tarred(parts: dict[str, str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in parts.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content.encode())
            archive.addfile(entry, io.BytesIO(content.encode()))
    return packed.getvalue()


_MAIL = (
    "From: Ada <ada@mail.example>\nTo: cleo@mail.example\nSubject: =?utf-8?q?Pi=C3=A4nos?=\n"
    "Date: Mon, 5 Jan 2026 10:00:00 +0100\nMIME-Version: 1.0\n"
    'Content-Type: multipart/mixed; boundary="b"\n\n'
    "--b\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n"
    f"{WORDS}=C3=A9\n\n--b\nContent-Type: text/html\n\n<p>{WORDS}</p>\n--b--\n"
)
_PAGE = (
    '<html><head><title>Pianos</title><meta name="date" content="2026-01-05"></head><body>'
    f'<article><h1>Pianos</h1><p class="a">{WORDS}</p><blockquote>said</blockquote></article>'
)
_PARTS = {"a/b.md": f"---\ntitle: Pianos\n---\n\n{WORDS}", "c.txt": f"them: hi\nme: {WORDS}\n"}
_WORD = (
    '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>'
    f"<w:p><w:r><w:t>{WORDS}</w:t></w:r></w:p></w:body></w:document>"
)
_FEED = (
    '<?xml version="1.0"?><rss version="2.0" '
    'xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>Pianos</title>'
    "<item><title>One</title>"
    f"<content:encoded>&lt;p&gt;{WORDS}&lt;/p&gt;</content:encoded></item></channel></rss>"
)

IMPORTED: dict[str, bytes] = {
    ending: content if isinstance(content, bytes) else content.encode()
    for ending, content in {
        "txt": f"[05/01/2026, 10:00:00] Ada: {WORDS}\n[05/01/2026, 10:01:00] Cleo: yes\n",
        "jsonl": json.dumps({"messages": [{"role": "user", "content": "hi"},
                                          {"role": "assistant", "content": WORDS}]}) + "\n",
        "json": json.dumps({"name": "Ada", "type": "personal_chat", "id": 1, "messages": [
            {"id": 1, "type": "message", "date": "2026-01-05T10:00:00", "from": "Ada",
             "from_id": "user1", "text": ["so ", {"type": "bold", "text": WORDS}]}]}),
        "html": _PAGE,
        "md": f"---\ntitle: Pianos\ndate: 2026-01-05\ntags: [a, b]\n---\n\n# One\n\n{WORDS}\n",
        "zip": _zipped(_PARTS),
        "tar": _tarred(_PARTS),
        "mbox": f"From ada@mail.example Mon Jan  5 10:00:00 2026\n{_MAIL}\n",
        "eml": _MAIL,
        "ipynb": json.dumps({"cells": [{"cell_type": "markdown", "source": [WORDS]}],
                             "metadata": {}, "nbformat": 4, "nbformat_minor": 5}),
        "xml": _FEED,
        "docx": _zipped({"word/document.xml": _WORD}),
    }.items()
}  # fmt: skip
"""By the ending of their names."""
