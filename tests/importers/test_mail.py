"""Sent mail: only what the person sent, only the words that are theirs."""

from __future__ import annotations

import base64
import quopri
import time

import pytest
from hypothesis import given, settings

from inkling.corpus.importers.mail import IMPORTER, UNKNOWN_SENDER
from inkling.corpus.importing.importer import ReadOptions
from inkling.corpus.importing.mail_html import mail_html_to_text
from inkling.corpus.importing.mail_text import own_words, without_prefixes
from tests.importers.checks import ONE_CHARACTER, Read, mutated, read_all

WILMA = ReadOptions.of(["wilma@example.org"])


def mail(body: str | bytes, *headers: str, sender: str = "Wilma Reed <wilma@example.org>") -> bytes:
    data = body.encode() if isinstance(body, str) else body
    given = {header.partition(":")[0].lower() for header in headers}
    lines = [*headers]
    for line in (
        f"From: {sender}",
        "To: Cleo <cleo@example.org>",
        "Subject: Re: AW: The boat",
        "Date: Mon, 5 Jul 2021 16:03:54 +0200",
        "MIME-Version: 1.0",
    ):
        if line.partition(":")[0].lower() not in given:
            lines.append(line)
    return "\n".join(lines).encode("utf-8", "surrogateescape") + b"\n\n" + data


def mbox(*mails: bytes) -> bytes:
    quoted = (m.replace(b"\nFrom ", b"\n>From ") for m in mails)
    return b"".join(b"From 17@xxx Mon Jul 05 14:03:54 +0000 2021\n" + m + b"\n\n" for m in quoted)


def read_one(body: str | bytes, *headers: str) -> Read:
    return read_all(IMPORTER, {"a.eml": mail(body, *headers)}, WILMA)


def test_a_takeout_mailbox() -> None:
    """Labels tell what was sent; the rest is counted, never read."""
    box = mbox(
        mail("I painted the boat.\nBlue! 🚤\n", "X-GM-THRID: 17", "X-Gmail-Labels: Sent,Important"),
        mail("Well done!", "X-Gmail-Labels: Inbox", sender="Cleo <cleo@example.org>"),
        mail("unfinished", "X-Gmail-Labels: Drafts"),
        mail("hi / hello", "X-Gmail-Labels: Chat,Sent"),
        mail("Am See.\n", "X-Gmail-Labels: =?UTF-8?Q?Gesendet,Ge=C3=B6ffnet?="),
    )
    read = read_all(IMPORTER, {"Takeout/Mail/All mail Including Spam and Trash.mbox": box})
    assert [d.text for d in read.documents] == ["I painted the boat.\nBlue! 🚤", "Am See."]
    assert read.documents[0].title == "The boat"
    assert read.documents[0].timestamp == "2021-07-05T14:03:54Z"
    assert read.dropped == {"written by someone else": 2, "chat, not mail": 1}
    assert read.found == 5


def test_by_address_by_folder_or_not_at_all() -> None:
    """Without labels a person says who they are, or the folder does; else nothing is taken."""
    box = mbox(mail("Mine."), mail("Hers.", sender="Cleo <cleo@example.org>"))
    by_address = read_all(IMPORTER, {"all.mbox": box}, ReadOptions.of(["WILMA@example.org"]))
    assert [d.text for d in by_address.documents] == ["Mine."]
    by_folder = read_all(IMPORTER, {"Mail/[Gmail].mbox/Envoyés.mbox/mbox": mbox(mail("Mine."))})
    assert [d.text for d in by_folder.documents] == ["Mine."]
    nobody = read_all(IMPORTER, {"all.mbox": box})
    assert nobody.dropped == {UNKNOWN_SENDER: 2}


def test_received_mail_that_lies_in_the_folder_of_sent_mail() -> None:
    """Of another's mail it shows that it was delivered to somebody else; one's own note to oneself
    stays one's own."""
    box = mbox(
        mail("Mine."),
        mail("Hers.", "Delivered-To: wilma@example.org", sender="Cleo <cleo@example.org>"),
        mail("To myself.", "Delivered-To: <Wilma@example.org>", "Message-ID: <2@example.org>"),
        mail("Hers too.", "X-Original-To: wilma@example.org", sender="Cleo <cleo@example.org>"),
    )
    read = read_all(IMPORTER, {"Mail/Sent": box})
    assert [d.text for d in read.documents] == ["Mine.", "To myself."]
    assert read.dropped == {"written by someone else": 2}


def test_the_address_that_mails_were_delivered_to_is_the_owners() -> None:
    """A whole mailbox tells whose it is."""
    arrived = mail("Hers.", "Delivered-To: wilma@example.org", sender="cleo@example.org")
    read = read_all(IMPORTER, {"all.mbox": mbox(arrived, arrived, mail("Mine."))})
    assert [d.text for d in read.documents] == ["Mine."]
    assert read.dropped == {"written by someone else": 2}


def test_lines_that_begin_with_from() -> None:
    """A separator has a date and a blank line above it; quoting is taken back."""
    box = mbox(mail("One.\n\nFrom here on it rains.\n>From old quoting\n"), mail("Two."))
    read = read_all(IMPORTER, {"Sent": box}, WILMA)
    assert [d.text for d in read.documents] == [
        "One.\n\nFrom here on it rains.\nFrom old quoting",
        "Two.",
    ]


def test_charsets_and_transfer_encodings() -> None:
    """As declared; where the declaration is wrong, as the bytes are."""
    text = "Ein schöner Gruß aus Köln, „bald“ wieder"
    latin = read_one(text.encode("cp1252"), "Content-Type: text/plain; charset=windows-1252")
    assert latin.documents[0].text == text
    packed = read_one(
        base64.encodebytes(text.encode()),
        'Content-Type: text/plain; charset="utf-8"',
        "Content-Transfer-Encoding: base64",
    )
    assert packed.documents[0].text == text
    printable = read_one(
        quopri.encodestring(text.encode("utf-8")),
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: quoted-printable",
        "Subject: =?iso-8859-1?Q?Gr=FC=DFe?= =?utf-8?B?8J+MiA==?=",
    )
    assert printable.documents[0].text == text
    assert printable.documents[0].title == "Grüße🌈"
    wrong = read_one(text.encode(), "Content-Type: text/plain; charset=us-ascii")
    assert wrong.documents[0].text == text
    unknown = read_one(text.encode(), "Content-Type: text/plain; charset=x-nonsense")
    assert unknown.documents[0].text == text


def test_byte_order_marks_go_wherever_they_stand() -> None:
    """Programs leave one at the start, and where they joined texts; a quote is one behind it."""
    body = "\ufeffI painted\ufeff the boat.\n\ufeff> What have you done?\n\ufeffBlue!\n"
    read = read_one(body, "Content-Type: text/plain; charset=utf-8")
    assert [d.text for d in read.documents] == ["I painted the boat.\nBlue!"]


def test_flowed_lines_become_whole() -> None:
    """The program broke them, the person did not."""
    body = "It rained all day and \nwe stayed in.\n\n> her words \n> go on\nYes.\n-- \nWilma\n"
    read = read_one(body, "Content-Type: text/plain; format=flowed")
    assert read.documents[0].text == "It rained all day and we stayed in.\n\nYes."


def test_plain_text_is_preferred_and_attachments_are_counted() -> None:
    """An alternative says the same twice; a file is none of the words."""
    body = """--b
Content-Type: multipart/alternative; boundary=c

--c
Content-Type: text/plain; charset=utf-8

Look at the heron.
--c
Content-Type: text/html; charset=utf-8

<p>Look at the <b>heron</b>.</p>
--c--
--b
Content-Type: image/jpeg; name=heron.jpg
Content-Disposition: attachment; filename=heron.jpg
Content-Transfer-Encoding: base64

/9j/4AAQ
--b
Content-Type: message/rfc822

From: cleo@example.org
Subject: what she wrote

Her words.
--b--
"""
    read = read_one(body, "Content-Type: multipart/mixed; boundary=b")
    assert [d.text for d in read.documents] == ["Look at the heron."]
    assert read.dropped == {"attachment": 2}


def test_html_only() -> None:
    """Lines and paragraphs as they were seen, quotes and signatures gone."""
    page = """<html><head><style>p {}</style></head><body>
<div>Dear Cleo,</div><div><br></div><div>the boat is <b>blue</b>&nbsp;now.<br>Really!</div>
<p>Come and see.</p><div class="gmail_signature">Wilma Reed, Harbour Lane</div>
<div class="gmail_quote"><div class="gmail_attr">On Mon, Cleo wrote:<br></div>
<blockquote><div>Which colour?</div></blockquote></div></body></html>"""
    read = read_one(page, "Content-Type: text/html; charset=utf-8")
    assert read.documents[0].text == (
        "Dear Cleo,\n\nthe boat is blue\u00a0now.\nReally!\n\nCome and see."
    )
    outlook = "<div>Yes.</div><div id='divRplyFwdMsg'>From: Cleo</div><div>Her words</div>"
    assert mail_html_to_text(outlook) == "Yes."


INTRODUCTIONS = (
    "On Mon, Jul 5, 2021 at 2:03 PM Cleo Park <cleo@example.org> wrote:",
    "On Jul 5, 2021, at 2:03\u202fPM, Cleo Park <cleo@example.org> wrote:",
    "On Mon, Jul 5, 2021 at 2:03 PM Cleo Park <\ncleo@example.org> wrote:",
    "On Monday, July 5th, 2021 at 14:03, Cleo Park <cleo@example.org> wrote:",
    "Am Mo., 5. Juli 2021 um 14:03 Uhr schrieb Cleo Park <cleo@example.org>:",
    "Am 05.07.21 um 14:03 schrieb Cleo Park:",
    "Le lun. 5 juil. 2021 à 14:03, Cleo Park <cleo@example.org> a écrit :",
    "El lun, 5 jul 2021 a las 14:03, Cleo Park (<cleo@example.org>) escribió:",
    "Il giorno lun 5 lug 2021 alle ore 14:03 Cleo Park <cleo@example.org> ha\nscritto:",
    "Em seg., 5 de jul. de 2021 às 14:03, Cleo Park <cleo@example.org> escreveu:",
    "Op ma 5 jul. 2021 om 14:03 schreef Cleo Park <cleo@example.org>:",
    "Den mån 5 juli 2021 kl 14:03 skrev Cleo Park <cleo@example.org>:",
    "pon., 5 lip 2021 o 14:03 Cleo Park <cleo@example.org> napisał(a):",
    "пн, 5 июл. 2021 г. в 14:03, Cleo Park <cleo@example.org>:",
    "2021年7月5日(月) 14:03 Cleo Park <cleo@example.org>:",
    "Cleo Park <cleo@example.org> 于2021年7月5日周一 14:03写道：",
    "-----Original Message-----\nFrom: Cleo Park",
    "---------- Forwarded message ---------\nFrom: Cleo",
    "-------- Weitergeleitete Nachricht --------\nBetreff: Boot",
    "Begin forwarded message:\n\nFrom: Cleo",
    "________________________________\nFrom: Cleo Park\nSent: Monday\nTo: Wilma\nSubject: Boat",
    "Von: Cleo Park\nGesendet: Montag, 5. Juli 2021 14:03\nAn: Wilma\nBetreff: Boot",
    "*From:* Cleo Park\n*Sent:* Monday, July 5\n*To:* Wilma\n*Subject:* Boat",
    "De : Cleo Park\nEnvoyé : lundi 5 juillet\nÀ : Wilma\nObjet : Bateau",
)


@pytest.mark.parametrize("introduction", INTRODUCTIONS)
def test_what_is_quoted_goes_in_every_language(introduction: str) -> None:
    """With and without `>` before the lines."""
    mine = "Yes, blue.\n\nI said: wait for the 2nd coat."
    assert own_words(f"{mine}\n\n{introduction}\n\nWhich colour?\nAnd when?\n") == mine
    quoted = "\n".join(f"> {line}" for line in ("Which colour?", "", "And when?"))
    assert own_words(f"{mine}\n\n{introduction}\n{quoted}\n") == mine


def test_answers_between_the_quotes_stay() -> None:
    """Who answers below and between is still heard."""
    text = """Hello,

On Mon, Jul 5, 2021 at 2:03 PM Cleo <cleo@example.org> wrote:
> Which colour?

Blue.

>> older
> And when?

At 10:30: be there.
--\u0020
Wilma
"""
    assert own_words(text) == "Hello,\n\n\nBlue.\n\n\nAt 10:30: be there."


def test_what_is_no_quote_stays() -> None:
    """Colons, dates and dashes in one's own words."""
    for text in (
        "She wrote:\n\nnothing at all.",
        "On Monday at noon I wrote:\nthe plan.",
        "A list:\n\n- From: home\n- To: sea",
        "-- that is what I said",
        "------",
        "The original message:\nwas lost.",
    )[:5]:
        assert own_words(text) == text


def test_signatures_and_footers_go() -> None:
    """Also what phones write for everyone."""
    assert own_words("Yes.\n\n-- \nWilma\n555-0101") == "Yes."
    assert own_words("Yes.\n\nSent from my iPhone\n\n> her words") == "Yes."
    assert own_words("Ja.\n\nVon meinem iPhone gesendet") == "Ja."


def test_what_nobody_wrote() -> None:
    """Automatic replies, calendar replies, mails that only pass something on."""
    assert read_one("I am away.", "Auto-Submitted: auto-replied").dropped == {"automatic reply": 1}
    away = read_one("Bin im Urlaub.", "Subject: Automatische Antwort: Boot")
    assert away.dropped == {"automatic reply": 1}
    forward = "---------- Forwarded message ---------\nFrom: Cleo\nDate: Mon\n\nHer words."
    assert read_one(forward, "Subject: Fwd: Boat").dropped == {"forwarded message": 1}
    assert read_one("> her words\n> all of them").dropped == {"only quoted text": 1}
    assert read_one("\n \n").dropped == {"no text": 1}


def test_a_subject_loses_its_prefixes() -> None:
    """In any order and language."""
    assert without_prefixes("Re: AW: RE[2]: Fwd: The boat: blue") == ("The boat: blue", True)
    assert without_prefixes("回复：船") == ("船", False)
    assert without_prefixes("WG: Boot") == ("Boot", True)
    assert without_prefixes("Question: when?") == ("Question: when?", False)
    assert without_prefixes(":") == (":", False)


def test_apple_mails_own_files() -> None:
    """A length, the mail, a property list."""
    letter = mail("Mine.\n")
    data = f"{len(letter)}\n".encode() + letter + b"<?xml version='1.0'?><plist></plist>"
    assert read_all(IMPORTER, {"1.emlx": data}, WILMA).documents[0].text == "Mine."


def test_the_same_mail_has_the_same_reference_everywhere() -> None:
    """Its Message-ID, whichever mailbox it lies in."""
    letter = mail("Mine.", "Message-ID: <a.b@example.org>")
    read = read_all(IMPORTER, {"Sent": mbox(letter), "Work.mbox": mbox(letter)}, WILMA)
    assert {d.raw_ref for d in read.documents} == {"mid:a.b@example.org"}


def test_other_files_are_not_claimed() -> None:
    """A diary that begins with From is no mailbox."""
    assert read_all(IMPORTER, {"a.txt": "From here to the sea\nit is far"}).found == 0
    assert read_all(IMPORTER, {"notes": "words"}).found == 0


SHAPE = mail(
    "--b\nContent-Type: text/plain; charset=utf-8; format=flowed\n\nYes.\n> no\n--b\n"
    "Content-Type: text/html\nContent-Transfer-Encoding: base64\n\nPGI+eDwvYj4=\n--b--\n",
    "Content-Type: multipart/alternative; boundary=b",
    "Subject: =?utf-8?Q?Fwd=3A_caf=C3=A9?=",
    "X-Gmail-Labels: Sent",
)


@settings(max_examples=60, deadline=None)
@given(mutated([mbox(SHAPE, mail("On Mon 1:2 a@b wrote:\n> x"))]))
def test_any_bytes_give_a_result(data: bytes) -> None:
    """Never an exception."""
    read_all(IMPORTER, {"Sent": data, "a.eml": data, "b.emlx": data}, WILMA)
    own_words(data.decode("latin-1"))
    mail_html_to_text(data.decode("latin-1"))


@pytest.mark.parametrize("character", ONE_CHARACTER)
def test_a_megabyte_of_one_character_is_quick(character: str) -> None:
    """Time is linear in the input: as a body, as HTML, as a header, as lines."""
    started = time.process_time()
    run = character * 1_000_000
    read_one(run)
    read_one(run, "Content-Type: text/html")
    read_one(run, f"Subject: {run.strip()}", f"From: {run.strip()}")
    own_words((character * 3 + ":\n") * 30_000)
    read_all(IMPORTER, {"Sent": mbox(mail("a")) + run.encode()}, WILMA)
    assert time.process_time() - started < 15
