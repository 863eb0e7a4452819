"""Pages as sites really build them: the article's words, nobody else's, and no furniture."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling.corpus.html import fragment_to_text, html_to_text


def test_every_article_is_read() -> None:
    """Two articles are two texts; one inside another is read once; comments are not."""
    page = html_to_text(
        "<title>Site</title><nav>Menu</nav><article><h1>One</h1><p>first</p></article>"
        "<p>between</p><article><p>second</p><article>inner</article></article>"
        "<div id=comments><article class=comment>not mine</article></div>"
    )
    assert page.title == "One"
    assert page.text == "One\n\nfirst\n\nsecond\n\ninner"


def test_text_in_a_form() -> None:
    """A page that is one form as a whole is read; a form to sign up is not."""
    assert html_to_text(
        "<form><input><p>All the text there is.</p><button>Go</button></form>"
    ).text == ("All the text there is.")
    page = html_to_text(f"<p>{'words ' * 40}</p><form><label>E-mail</label><input></form>")
    assert page.text == ("words " * 40).strip()
    long = "<p>" + "A long text. " * 40 + "</p>"
    assert html_to_text(f"<form>{long}</form>{long}{long}").text.count("A long") == 120


def test_lines_cells_and_spaces() -> None:
    """`pre` keeps lines and spaces, cells stand apart, other runs of spaces are one."""
    assert html_to_text("<p>a\n  b <i>c</i>\xa0 d</p><pre>x = 1\n\n  y</pre>e<br><br>f").text == (
        "a b c d\n\nx = 1\n\n  y\n\ne\nf"
    )
    assert html_to_text("<table><tr><th>a<th>b</tr><tr><td>1</td><td>2</td></tr></table>").text == (
        "a\tb\n1\t2"
    )
    assert html_to_text("<pre>a<br><br>b</pre>").text == "a\n\nb"
    assert html_to_text("<p>\u3000日本\u3000語</p>").text == "\u3000日本\u3000語"
    assert html_to_text("a<b> </b><b> </b>b<p>&nbsp;</p>c").text == "a b\n\nc"


def test_marks_of_footnotes_go_and_notes_stay() -> None:
    """Numbers that link into the page are no words; links of words are."""
    page = fragment_to_text(
        '<p>Tea<sup><a href="#fn1">[1]</a></sup> and <a href="#more">more</a>'
        '<a class="footnote-anchor" href="x">12</a>.</p>'
        '<ol><li id=fn1>With milk. <a href="#r1">↩︎</a></li></ol>'
    )
    assert page.text == "Tea and more.\n\nWith milk."


def test_quotes_are_counted_not_kept() -> None:
    """Also nested ones, and what the caller calls someone else's."""
    page = fragment_to_text(
        "<p>I read:</p><blockquote>a<blockquote>b</blockquote></blockquote><p>Yes.</p>"
        "<div class=tweet>theirs</div><div class=x>noise<div class=y>more</div></div>",
        noise=".x, .y",
        others=".tweet",
    )
    assert (page.text, page.quotes) == ("I read:\n\nYes.", 2)
    assert html_to_text("<blockquote>a</blockquote>b").quotes == 1


def test_figures_hold_pictures_or_tables() -> None:
    """A caption goes with its picture, a table in a figure stays."""
    assert (
        fragment_to_text(
            "<figure><img><figcaption>c</figcaption></figure>a"
            "<figure><table><tr><td>b</td></tr></table><figcaption>d</figcaption></figure>"
        ).text
        == "a\n\nb"
    )


def test_what_a_page_says_of_itself() -> None:
    """Title, date and author."""
    page = html_to_text(
        '<head><title>T</title><meta name="author" content="Wilma Example">'
        '<meta property="article:published_time" content="2021-01-31T10:00:00+02:00"></head>'
        "<body><main>words</main><p>around</p></body>"
    )
    assert (page.title, page.date, page.author) == ("T", "2021-01-31T08:00:00Z", "Wilma Example")
    assert page.text == "words"
    assert html_to_text('<time datetime="soon">x</time>').date is None


@given(st.text(alphabet="<>/=\"'& abdivpretformqulsctyn!-#\n", max_size=300))
@settings(max_examples=60, deadline=None)
def test_any_text_is_a_page(source: str) -> None:
    """Never an exception."""
    html_to_text(source)
    fragment_to_text(source)


@pytest.mark.parametrize(
    "run",
    ["<", " ", "a", "-", "&", "<div>", "<b>", "<article>", "<blockquote>", "<figure>", "<table>",
     "<form>", "<a href=#>", "<pre>\n", "<b> </b>", "<nav>", "<p>", "<br>", "<ul><li>",
     "<x-y>", "<svg>", "<i><p>", "<td>"],
)  # fmt: skip
def test_a_megabyte_of_one_thing(run: str) -> None:
    """Linear, also in how deep a page nests."""
    start = time.process_time()
    page = html_to_text(run * (1_000_000 // len(run)) + "the end")
    assert time.process_time() - start < 30
    if "<" not in run:
        assert page.text.endswith("the end")
