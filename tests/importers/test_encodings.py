"""Encodings in exports: guessed and told, or named by the person, whatever importer reads."""

from __future__ import annotations

import json

import pytest

from inkling.corpus.document import Document, Message
from inkling.corpus.importers import (
    epub,
    feed_file,
    github_profile,
    ipynb,
    linkedin,
    mail,
    medium,
    notion,
    obsidian,
    reddit,
    signal,
    static_site,
    substack,
    wordpress,
)
from inkling.corpus.importing.importer import (
    ImportedChat,
    ImportedRecord,
    Importer,
    Note,
    ReadOptions,
)
from tests.importers.reading import records
from tests.importers.test_documents import book

SAID = (
    "Съешь ещё этих мягких французских булок, да выпей чаю. Широкая электрификация южных губерний "
    "даст мощный толчок подъёму сельского хозяйства, и мы поедем к морю."
)

CASES: list[tuple[Importer, dict[str, str]]] = [
    (obsidian.IMPORTER, {"Note.md": f"[[x]]\n\n{SAID}"}),
    (notion.IMPORTER, {f"Page {'0' * 32}.md": f"# Page\n\n{SAID}"}),
    (static_site.IMPORTER, {"_config.yml": "", "_posts/2024-01-01-a.md": SAID}),
    (medium.IMPORTER, {
        "posts/2024_a.html": f'<section data-field="body" class="e-content"><p>{SAID}</p></section>'
    }),
    (substack.IMPORTER, {
        "posts.csv": "post_id,is_published,type,title\n1.a,true,newsletter,A\n",
        "posts/1.a.html": f"<p>{SAID}</p>",
    }),
    (ipynb.IMPORTER, {"a.ipynb": json.dumps(
        {"cells": [{"cell_type": "markdown", "source": SAID}]}, ensure_ascii=False)}),
    (github_profile.IMPORTER, {"a.json": json.dumps([
        {"full_name": "a/b", "html_url": "https://x", "name": "b", "readme": SAID}
    ], ensure_ascii=False)}),
    (wordpress.IMPORTER, {
        "a.xml": "<rss><wp:wxr_version>1.2</wp:wxr_version><item><wp:post_type>post</wp:post_type>"
        f"<content:encoded><![CDATA[<p>{SAID}</p>]]></content:encoded></item></rss>"
    }),
    (reddit.IMPORTER, {"posts.csv": f'id,permalink,subreddit,title,body\n1,,s,t,"{SAID}"\n'}),
    (linkedin.IMPORTER, {"Shares.csv": f'Date,ShareLink,ShareCommentary\n,,"{SAID}"\n'}),
    (signal.IMPORTER, {"Cleo/chat.md": f"[2021-07-05 14:03:54] Me: {SAID}\n"}),
    (mail.IMPORTER, {
        "Sent.mbox": f"From a@x.org Mon Jan  1 00:00:00 2024\nFrom: a@x.org\n\n{SAID}\n"
    }),
]  # fmt: skip


def said(found: list[ImportedRecord]) -> list[str]:
    texts = []
    for record in found:
        if isinstance(record, Document):
            texts.append(record.text)
        elif isinstance(record, ImportedChat):
            texts += [m.text for m in record.messages if isinstance(m, Message)]
    return texts


def noted(found: list[ImportedRecord]) -> list[str]:
    return [record.text for record in found if isinstance(record, Note)]


@pytest.mark.parametrize(("importer", "files"), CASES, ids=[case[0].name for case in CASES])
def test_an_old_encoding_is_guessed_and_told_or_named(
    importer: Importer, files: dict[str, str]
) -> None:
    """Windows-1251 is guessed; what the person says wins, without a note."""
    guessed = records(importer, {path: text.encode("cp1251") for path, text in files.items()})
    assert [SAID in text for text in said(guessed)] == [True]
    assert noted(guessed) == [
        "read as Windows-1251, which is a guess: say the encoding if it is wrong"
    ]
    told = records(
        importer,
        {path: text.encode("koi8-r") for path, text in files.items()},
        ReadOptions.of(encoding="koi8-r"),
    )
    assert [SAID in text for text in said(told)] == [True]
    assert noted(told) == []


@pytest.mark.parametrize(("importer", "files"), CASES, ids=[case[0].name for case in CASES])
def test_a_stray_byte_spoils_nothing_else(importer: Importer, files: dict[str, str]) -> None:
    """It is read as Windows-1252 and counted; the rest is UTF-8 as before."""
    found = records(
        importer,
        {path: text.encode().replace("чаю.".encode(), b"\x92") for path, text in files.items()},
    )
    assert [SAID.replace("чаю.", "’") in text for text in said(found)] == [True]
    assert noted(found) == ["1 byte that is not UTF-8 was read as Windows-1252"]


@pytest.mark.parametrize(
    ("importer", "files"), CASES[:-1], ids=[case[0].name for case in CASES[:-1]]
)
def test_files_that_were_joined(importer: Importer, files: dict[str, str]) -> None:
    """Each began with a byte order mark: none of them is text, and nothing is guessed."""
    joined = {
        path: f"\ufeff{text.replace('чаю.', chr(0xFEFF) + 'чаю.')}" for path, text in files.items()
    }
    found = records(importer, joined)
    assert [SAID in text for text in said(found)] == [True]
    assert noted(found) == []


def test_mailboxes_that_were_joined() -> None:
    """A mark in front of a mail is no part of the one before it."""
    ((importer, files),) = CASES[-1:]
    found = records(importer, {path: f"\ufeff{text}\n" * 2 for path, text in files.items()})
    assert [text.strip() for text in said(found)] == [SAID, SAID]
    assert len(found) == 2


def test_books_and_feeds() -> None:
    """Chapters are told each; a feed is read as the person says, whatever it declares."""
    data = book({"a.xhtml": f"<p>{SAID}</p>".encode("cp1251")})
    books = records(epub.IMPORTER, {"a.epub": data})
    assert (said(books), len(noted(books))) == ([SAID], 1)
    text = (
        '<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><item><title>t</title>'
        f"<content:encoded xmlns:content='http://purl.org/rss/1.0/modules/content/'>{SAID}"
        "</content:encoded></item></channel></rss>"
    )
    found = records(
        feed_file.IMPORTER, {"a.xml": text.encode("koi8-r")}, ReadOptions.of(encoding="koi8-r")
    )
    assert said(found) == [SAID]


def test_what_a_file_declares_is_no_guess() -> None:
    """WordPress in Latin-1, as the header says; a mail whose part says it."""
    text = (
        '<?xml version="1.0" encoding="ISO-8859-1"?><rss><wp:wxr_version>1.2</wp:wxr_version><item>'
        "<content:encoded>crème brûlée</content:encoded></item></rss>"
    )
    found = records(wordpress.IMPORTER, {"a.xml": text.encode("latin-1")})
    assert (said(found), noted(found)) == (["crème brûlée"], [])
