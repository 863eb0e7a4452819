"""Substack's export in its real shape: widgets, embeds, drafts, and lists that nobody opens."""

# Fixtures are as long as platforms write them.
# ruff: noqa: E501

from __future__ import annotations

import io
import time

from hypothesis import given, settings
from hypothesis import strategies as st

from inkling.corpus.importers import substack
from inkling.corpus.importers.substack_html import post_words
from inkling.corpus.importing.importer import ReadOptions
from inkling.corpus.importing.tree import Tree, TreeFile
from tests.importers.reading import claimed, documents, dropped, records

HEAD = (
    "post_id,post_date,is_published,email_sent_at,inbox_sent_at,type,audience,title,subtitle,"
    "podcast_url\n"
)
TABLE = HEAD + (
    '101.tea,2024-03-01T10:00:00.500Z,true,,,newsletter,everyone,"Tea, a ""life""\nin two lines",Sub,\n'
    "102.pier,2024-04-01T10:00:00.000Z,TRUE,,,newsletter,only_paid,The pier 🐖,,\n"
    "103.soon,,false,,,newsletter,everyone,Soon,,\n"
    "104.talk,2024-05-01T10:00:00.000Z,true,,,thread,everyone,Talk,,\n"
    "105.about,2024-05-02T10:00:00.000Z,true,,,page,everyone,About,,\n"
    "106.radio,2024-05-03T10:00:00.000Z,true,,,podcast,everyone,Radio,,http://x\n"
    "107.lost,2024-05-04T10:00:00.000Z,true,,,newsletter,everyone,Lost,,\n"
    "108,2024-05-05T10:00:00.000Z,true,,,newsletter,everyone,Old name,,\n"
)
FILES = {
    "e.zip/posts.csv": "\ufeff" + TABLE.replace("\n", "\r\n"),
    "e.zip/posts/101.tea.html": "<p>Tea &amp; <em>cake</em> 👩\u200d🌾.</p>",
    "e.zip/posts/102.pier.html": "<p>The pier.</p><blockquote><p>quoted</p></blockquote>",
    "e.zip/posts/103.soon.html": "<p>Unfinished.</p>",
    "e.zip/posts/105.about.html": "<p>About.</p>",
    "e.zip/posts/106.radio.html": "<p>Radio.</p>",
    "e.zip/posts/108.html": "<p>Old.</p>",
    "e.zip/posts/999.stray.html": "<p>Stray.</p>",
    "e.zip/posts/101.tea.delivers.csv": "email\nada@example.org\n",
    "e.zip/posts/101.tea.opens.csv": "email\nada@example.org\n",
    "e.zip/email_list.wilma.csv": "email\nada@example.org\n",
    "e.zip/image.png": b"\x89PNG",
}


def test_posts_with_title_and_date() -> None:
    """Drafts and other types are told; every row and every page is accounted for."""
    assert claimed(substack.IMPORTER, FILES) == set(FILES) - {"e.zip/image.png"}
    found = records(substack.IMPORTER, FILES)
    assert [(d.title, d.timestamp, d.text, d.raw_ref) for d in documents(found)] == [
        ('Tea, a "life"\nin two lines', "2024-03-01T10:00:00.500Z", "Tea & cake 👩\u200d🌾.",
         "e.zip/posts/101.tea.html"),
        ("The pier 🐖", "2024-04-01T10:00:00Z", "The pier.", "e.zip/posts/102.pier.html"),
        ("Old name", "2024-05-05T10:00:00Z", "Old.", "e.zip/posts/108.html"),
    ]  # fmt: skip
    assert dropped(found) == {
        "quoted from someone else": 1, "a draft": 1, "a discussion thread": 1, "a podcast": 1,
        "a page about the publication": 1, "a post without its page": 1,
        "a page that posts.csv does not know": 1, substack.SUBSCRIBERS: 3,
    }  # fmt: skip
    asked = records(substack.IMPORTER, FILES, ReadOptions(drafts=True))
    assert [d.title for d in documents(asked)][2:5] == ["Soon", "About", "Radio"]


def test_lists_of_subscribers_are_never_opened() -> None:
    """Not to detect, not to read."""
    opened: list[str] = []

    def file(path: str, data: bytes) -> TreeFile:
        def read() -> io.BytesIO:
            opened.append(path)
            return io.BytesIO(data)

        return TreeFile(path, len(data), read)

    tree = Tree(
        "e", tuple(file(p, c if isinstance(c, bytes) else c.encode()) for p, c in FILES.items())
    )
    for claim in substack.IMPORTER.claims(tree):
        assert list(substack.IMPORTER.read(tree, claim, ReadOptions()))
    assert opened
    assert not [path for path in opened if path.endswith(".csv") and "posts.csv" not in path]


def test_the_platforms_own_parts_go() -> None:
    """Nested widgets, cards, polls, tweets; footnotes keep their text, components their words."""
    words = post_words(
        '<p>Before<a class="footnote-anchor" data-component-name="FootnoteAnchorToDOM" '
        'id="footnote-anchor-1" href="#footnote-1">1</a> it.</p>'
        '<div class="subscription-widget-wrap-editor" data-attrs="{}"><div class="subscription-widget '
        'show-subscribe"><div class="preamble"><p class="cta-caption">Thanks for reading!</p></div>'
        '<form class="subscription-widget-subscribe"><input type="email"></form></div></div>'
        '<p class="button-wrapper" data-attrs="{}"><a class="button primary"><span>Share</span></a></p>'
        '<div class="captioned-image-container"><figure><img><figcaption>Cap</figcaption></figure></div>'
        '<div class="digest-post-embed" data-attrs="{&quot;title&quot;:&quot;Other&quot;}">Other post</div>'
        '<div class="embedded-post-wrap"><a class="embedded-post"><div>Card</div></a></div>'
        '<div class="tweet"><div class="tweet-text">theirs</div></div>'
        '<div class="poll-embed" data-attrs="{}"></div><div class="paywall-jump"></div>'
        '<p>By <span class="mention-wrap" data-attrs="{&quot;name&quot;:&quot;Cleo &amp; co&quot;}">'
        "</span>.</p>"
        '<div class="latex-rendered" data-attrs="{&quot;persistentExpression&quot;:&quot;x&lt;y&quot;}">'
        "</div><pre><code>a\n  b</code></pre>"
        '<div class="footnote" data-component-name="FootnoteToDOM"><a id="footnote-1" '
        'href="#footnote-anchor-1" class="footnote-number">1</a><div class="footnote-content">'
        "<p>With milk.</p></div></div>"
    )
    assert words.text == "Before it.\n\nBy Cleo & co.\n\nx<y\n\na\n  b\n\nWith milk."
    assert words.quotes == 3


def test_damaged_exports() -> None:
    """A table without columns is no export; a torn one gives what it can."""
    assert not claimed(substack.IMPORTER, {"posts.csv": "a,b\n1,2\n", "posts/1.a.html": "x"})
    torn = {"posts.csv": HEAD + '101.tea,2024,true,,,newsletter,everyone,"never closed',
            "posts/101.tea.html": "<p>Tea.</p>", "posts/102.x.html": b"\0\1" * 90}  # fmt: skip
    found = records(substack.IMPORTER, torn)
    assert [d.title for d in documents(found)] == ["never closed"]
    assert dropped(found) == {"a page that posts.csv does not know": 1}
    assert dropped(records(substack.IMPORTER, {**torn, "posts.csv": HEAD + "102.x,,true,,,,,,,"})) == {
        "binary, not text": 1, "a page that posts.csv does not know": 1,
    }  # fmt: skip


@given(st.text(max_size=100) | st.binary(max_size=100), st.integers(0, len(TABLE)))
@settings(max_examples=50, deadline=None)
def test_any_content_gives_a_result(content: str | bytes, cut: int) -> None:
    """Never an exception."""
    junk = content if isinstance(content, bytes) else content.encode("utf-8", "ignore")
    table = HEAD.encode() + TABLE.encode()[len(HEAD) :][:cut] + junk
    assert records(substack.IMPORTER, {"posts.csv": table, "posts/101.tea.html": junk + b"x"})


def test_a_megabyte_of_one_character() -> None:
    """Linear."""
    for run in ('"', ",", "<", "a", "<div ", '<div class="latex-rendered" data-attrs="', "\n"):
        text = run * (1_000_000 // len(run))
        start = time.process_time()
        records(substack.IMPORTER, {"posts.csv": HEAD + text, "posts/1.a.html": text})
        post_words(text)
        assert time.process_time() - start < 15
