"""Word files, books, notebooks and PDFs: made here in the shape that programs write."""

# Fixtures are as long as platforms write them.
# ruff: noqa: E501

from __future__ import annotations

import io
import json
import sys
import time
import zipfile
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling.corpus.importers import docx, epub, ipynb, pdf
from tests.importers.reading import claimed, documents, dropped, records

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
CORE = (
    '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/'
    'core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/'
    'dc/terms/"><dc:title>On tea</dc:title><dc:creator>Wilma</dc:creator><dcterms:created>'
    "2024-05-01T08:00:00Z</dcterms:created></cp:coreProperties>"
)


def zipped(parts: Mapping[str, str | bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return stream.getvalue()


def word(body: str, **parts: str) -> bytes:
    document = f'<?xml version="1.0"?><w:document {W}><w:body>{body}</w:body></w:document>'
    return zipped({"word/document.xml": document, "docProps/core.xml": CORE, **parts})


def p(text: str, style: str = "") -> str:
    properties = (
        f'<w:pPr><w:pStyle w:val="{style}"/><w:tabs><w:tab/></w:tabs></w:pPr>' if style else ""
    )
    return f'<w:p>{properties}<w:r><w:t xml:space="preserve">{text}</w:t></w:r></w:p>'


def test_word_files_give_paragraphs_cells_and_notes() -> None:
    """Deleted text, field codes and quotes are not the document's words; nothing stands twice."""
    body = (
        p("Tea", "Heading1") + p("") + p("To be or not", "Quote")
        + '<w:p><w:r><w:t>Grüße </w:t></w:r><w:ins><w:r><w:t>👩\u200d🌾</w:t></w:r></w:ins>'
        "<w:del><w:r><w:delText>gone</w:delText></w:r></w:del><w:r><w:br/><w:t>and</w:t><w:tab/>"
        "<w:t>cake</w:t></w:r><w:r><w:instrText> PAGE </w:instrText></w:r></w:p>"
        f"<w:tbl><w:tr><w:tc>{p('a')}{p('b')}</w:tc><w:tc>{p('c')}</w:tc></w:tr></w:tbl>"
        '<w:p><w:r><mc:AlternateContent xmlns:mc="http://x"><mc:Choice><w:t>box</w:t></mc:Choice>'
        "<mc:Fallback><w:t>box</w:t></mc:Fallback></mc:AlternateContent></w:r></w:p>"
    )  # fmt: skip
    notes = f"<w:footnotes {W}><w:footnote>{p(' With milk.')}</w:footnote></w:footnotes>"
    files = {"a/letter.docx": word(body, **{"word/footnotes.xml": notes}), "~$letter.docx": b"x"}
    assert claimed(docx.IMPORTER, files) == {"a/letter.docx"}
    found = records(docx.IMPORTER, files)
    (document,) = documents(found)
    assert document.text == "Tea\n\nGrüße 👩\u200d🌾\nand\tcake\n\na\nb\tc\n\nbox\n\nWith milk."
    assert (document.title, document.timestamp) == ("On tea", "2024-05-01T08:00:00Z")
    assert dropped(found) == {"quoted from someone else": 1}


ENTITIES = "declares entities, which no such file needs"
BOMB = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"not a zip", "damaged, cannot be opened"),
        (zipped({"x": "y"}), "damaged, a part is missing"),
        (zipped({"word/document.xml": "<w:document>"}), "damaged, malformed XML"),
        (zipped({"word/document.xml": f"{BOMB}<x>&b;</x>"}), ENTITIES),
        (word(p(""))[:200], "damaged, cannot be opened"),
        (word(""), "no words in it"),
    ],
)  # fmt: skip
def test_damaged_word_files_are_told(data: bytes, reason: str) -> None:
    """One reason each, no exception."""
    assert dropped(records(docx.IMPORTER, {"a.docx": data})) == {reason: 1}


def test_parts_that_unpack_to_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bomb is not unpacked."""
    monkeypatch.setattr("inkling.corpus.importers.office_zip.PART_BYTES", 1000)
    data = word(p("a" * 5000))
    assert dropped(records(docx.IMPORTER, {"a.docx": data})) == {"unpacks to more than is read": 1}


def book(chapters: Mapping[str, str | bytes], **more: str) -> bytes:
    items = "".join(
        f'<item id="i{n}" href="text/{name}" media-type="application/xhtml+xml"/>'
        for n, name in enumerate(chapters)
    )
    spine = "".join(f'<itemref idref="i{n}"/>' for n in range(len(chapters)))
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        "<metadata><dc:title>The Pier</dc:title><dc:creator>Wilma</dc:creator><dc:date>2020-03-01"
        f'</dc:date></metadata><manifest><item id="nav" href="nav.xhtml" properties="nav" '
        f'media-type="application/xhtml+xml"/>{items}</manifest><spine><itemref idref="nav"/>'
        f"{spine}</spine></package>"
    )
    container = (
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="OEBPS/content.opf"/></rootfiles></container>'
    )
    return zipped(
        {"mimetype": "application/epub+zip", "META-INF/container.xml": container,
         "OEBPS/content.opf": package, "OEBPS/nav.xhtml": "<html><body>One Two</body></html>",
         **{f"OEBPS/text/{name}": text for name, text in chapters.items()}, **more}
    )  # fmt: skip


def test_books_give_chapters_in_reading_order() -> None:
    """One document a chapter; contents and empty covers are told."""
    data = book(
        {"b.xhtml": "<html><body><h1>Two</h1><p>words &amp; more</p></body></html>",
         "a.xhtml": "<html><body><h1>One</h1><blockquote>q</blockquote><p>first</p></body></html>",
         "cover.xhtml": "<html><body><img src='c.png'/></body></html>"}
    )  # fmt: skip
    found = records(epub.IMPORTER, {"pier.epub": data})
    assert [(d.title, d.text, d.timestamp, d.raw_ref) for d in documents(found)] == [
        ("The Pier: Two", "Two\n\nwords & more", "2020-03-01", "pier.epub/OEBPS/text/b.xhtml"),
        ("The Pier: One", "One\n\nfirst", "2020-03-01", "pier.epub/OEBPS/text/a.xhtml"),
    ]
    assert dropped(found) == {
        "a table of contents": 1, "no words in it": 1, "quoted from someone else": 1,
    }  # fmt: skip
    locked = book({"a.xhtml": "<p>x</p>"}, **{"META-INF/rights.xml": "<r/>"})
    assert dropped(records(epub.IMPORTER, {"a.epub": locked})) == {
        "locked by the shop that sold it": 1
    }
    assert dropped(records(epub.IMPORTER, {"a.epub": b"PK"})) == {"damaged, cannot be opened": 1}


def test_notebooks_give_their_words() -> None:
    """Lines or strings, old and new formats; code is counted."""
    new = {"cells": [{"cell_type": "markdown", "source": ["# Tea\n", "\n", "[so](x.y) good"]},
                     {"cell_type": "code", "source": "import tea", "outputs": [{"text": "ok"}]},
                     {"cell_type": "markdown", "source": "More."}, 7]}  # fmt: skip
    old = {"worksheets": [{"cells": [{"cell_type": "heading", "source": "Old"}]}], "nbformat": 3}
    found = records(ipynb.IMPORTER, {"a.ipynb": json.dumps(new), "b.ipynb": json.dumps(old)})
    assert [d.text for d in documents(found)] == ["# Tea\n\nso good\n\nMore.", "Old"]
    assert dropped(found) == {"code": 2}
    for content in ("{}", "[1]", "no json", "[" * 100_000, '{"cells": 3}'):
        assert dropped(records(ipynb.IMPORTER, {"a.ipynb": content})) == {"not a notebook": 1}
    assert dropped(records(ipynb.IMPORTER, {"a.ipynb": b"\0" * 50})) == {"binary, not text": 1}
    lone = json.dumps({"cells": [{"cell_type": "markdown", "source": "\ud800 x"}]})
    assert [d.text for d in documents(records(ipynb.IMPORTER, {"a.ipynb": lone}))] == ["? x"]


def pdf_of(*pages: str) -> bytes:
    """A PDF whose pages hold these lines."""
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", ""]
    kids = []
    for page in pages:
        lines = "".join(f"({line}) Tj T* " for line in page.split("\n"))
        stream = f"BT /F1 12 Tf 14 TL 50 700 Td {lines}ET"
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {len(objects)} 0 R "
            "/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> "
            ">> >>"
        )
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>"
    out = "%PDF-1.4\n"
    places = []
    for number, content in enumerate(objects, start=1):
        places.append(len(out))
        out += f"{number} 0 obj\n{content}\nendobj\n"
    start = len(out)
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
    out += f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF"
    return out.encode()


def test_pdfs_give_paragraphs() -> None:
    """Lines are joined, hyphens undone, what repeats on every page goes; scans are told."""
    pages = [
        f"The Pier\nThis is a long line of text that goes on to be-\ncome a paragraph of page {n}, "
        f"and ends.\nShort end.\n{n}"
        for n in range(1, 5)
    ]
    found = records(pdf.IMPORTER, {"pier.pdf": pdf_of(*pages, "")})
    (document,) = documents(found)
    assert document.text.split("\n\n") == [
        paragraph
        for n in range(1, 5)
        for paragraph in (
            f"This is a long line of text that goes on to become a paragraph of page {n}, and ends.",
            "Short end.",
        )
    ]
    assert "The Pier" not in document.text
    assert dropped(found) == {"a page without text (a scan?)": 1}
    assert dropped(records(pdf.IMPORTER, {"a.pdf": b"%PDF-1.7"})) == {pdf.DAMAGED: 1}


def test_a_pdf_without_pypdf_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """An extra that is not there is no error."""
    monkeypatch.setitem(sys.modules, "pypdf", None)
    assert dropped(records(pdf.IMPORTER, {"a.pdf": b"%PDF-1.7"})) == {pdf.NEEDS_PYPDF: 1}


DOCX, EPUB, PDF = word(p("words")), book({"a.xhtml": "<p>x</p>"}), pdf_of("some words")


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_bytes_give_a_result(data: st.DataObject) -> None:
    """Real files with bytes changed or cut, and junk."""
    importer, suffix, real = data.draw(
        st.sampled_from(
            [(docx.IMPORTER, "docx", DOCX), (epub.IMPORTER, "epub", EPUB),
             (pdf.IMPORTER, "pdf", PDF),
             (ipynb.IMPORTER, "ipynb", b'{"cells": [{"cell_type": "markdown", "source": ["a"]}]}')]
        )
    )  # fmt: skip
    changed = bytearray(real)
    for _ in range(data.draw(st.integers(0, 4))):
        changed[data.draw(st.integers(0, len(real) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(real)))
    junk = data.draw(st.binary(max_size=60))
    for content in (bytes(changed), bytes(changed[:cut]), junk):
        assert records(importer, {f"a.{suffix}": content})


@pytest.mark.parametrize("character", [" ", "-", "1", "a", "["])
def test_a_megabyte_of_one_character(character: str) -> None:
    """Linear, whatever holds it."""
    run = character * 1_000_000
    start = time.process_time()
    records(docx.IMPORTER, {"a.docx": word(p(run)), "b.docx": run})
    records(epub.IMPORTER, {"a.epub": book({"a.xhtml": f"<p>{run}</p>"})})
    records(ipynb.IMPORTER, {"a.ipynb": run})
    records(pdf.IMPORTER, {"a.pdf": run})
    assert pdf.pages_to_text([run, run]) is not None
    assert time.process_time() - start < 20
