"""Exports of Medium, WordPress and Ghost, and feeds saved as files."""

# Fixtures are as long as platforms write them.
# ruff: noqa: E501

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling.corpus.importers import feed_file, ghost, medium, wordpress
from inkling.corpus.importing.importer import Importer, Note, ReadOptions
from tests.importers.reading import claimed, documents, dropped, records


def story(title: str, body: str, heading: bool = True) -> str:
    first = f'<h3 class="graf graf--h3 graf--leading graf--title">{title}</h3>' if heading else ""
    return (
        f"<!DOCTYPE html><html><head><title>{title}</title><style>p {{}}</style></head><body>"
        f'<article class="h-entry"><header><h1 class="p-name">{title}</h1></header>'
        '<section data-field="subtitle" class="p-summary">Sub</section>'
        '<section data-field="body" class="e-content"><section class="section section--body">'
        f'<div class="section-divider"><hr></div><div class="section-content">{first}{body}</div>'
        '</section></section><footer><p>By <a class="p-author h-card">Wilma</a> on '
        '<time class="dt-published" datetime="2021-02-03T04:05:06.789Z">x</time></p>'
        '<p>Exported from <a href="https://medium.com">Medium</a>.</p></footer></article></body></html>'
    )


MEDIUM = {
    "m.zip/posts/2021-02-03_On-tea-0123456789ab.html": story(
        "On tea",
        '<p class="graf graf--p">Tea.</p><blockquote class="graf graf--pullquote">q</blockquote>'
        '<div class="graf graf--mixtapeEmbed"><a>Card</a></div><pre class="graf--pre">a<br>b</pre>'
        "<figure class='graf--figure'><img><figcaption>c</figcaption></figure><h3>Part</h3><p>End.</p>",
    ),
    "m.zip/posts/draft_Soon-0123456789ac.html": story("Soon", "<p>Unfinished.</p>"),
    "m.zip/posts/2021-02-04_I-agree-with-you-0123456789ad.html": story(
        "I agree with you…", '<p class="graf graf--p">I agree with you, Ada.</p>', heading=False
    ),
    "m.zip/claps/claps-0001.html": "<ul><li>Story</li></ul>",
    "m.zip/profile/about.html": "<p>me</p>",
    "m.zip/other/page.html": "<p>mine</p>",
}


def test_medium_stories() -> None:
    """Responses and drafts are told apart from stories, pages about the account are not read."""
    assert claimed(medium.IMPORTER, MEDIUM) == set(MEDIUM) - {"m.zip/other/page.html"}
    found = records(medium.IMPORTER, MEDIUM)
    assert [(d.title, d.timestamp, d.text) for d in documents(found)] == [
        ("On tea", "2021-02-03T04:05:06.789Z", "Tea.\n\na\nb\n\nPart\n\nEnd.")
    ]
    assert dropped(found) == {
        "quoted from someone else": 2, "a draft": 1, medium.RESPONSE: 1, "a page about the account": 2,
    }  # fmt: skip
    asked = documents(records(medium.IMPORTER, MEDIUM, ReadOptions(drafts=True)))
    assert [d.title for d in asked] == ["On tea", "Soon"]


def item(content: str, kind: str = "post", status: str = "publish", by: str = "wilma") -> str:
    return (
        f"<item>\n<title><![CDATA[Tea & cake]]></title>\n<link>https://w.example.org/?p=1</link>\n"
        f"<dc:creator><![CDATA[{by}]]></dc:creator>\n<description></description>\n"
        f"<content:encoded><![CDATA[{content}]]></content:encoded>\n"
        "<wp:post_date><![CDATA[2020-05-06 10:00:00]]></wp:post_date>\n"
        "<wp:post_date_gmt><![CDATA[2020-05-06 08:00:00]]></wp:post_date_gmt>\n"
        f"<wp:status><![CDATA[{status}]]></wp:status>\n<wp:post_type><![CDATA[{kind}]]></wp:post_type>\n"
        "<wp:comment><wp:comment_content><![CDATA[not mine]]></wp:comment_content></wp:comment></item>\n"
    )


def author(login: str, name: str) -> str:
    return (
        f"<wp:author><wp:author_login><![CDATA[{login}]]></wp:author_login>"
        f"<wp:author_display_name><![CDATA[{name}]]></wp:author_display_name></wp:author>"
    )


def wxr(*items: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8" ?>\n<!-- generator="WordPress/6.4" -->\n<rss version="2.0" '
        'xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/" xmlns:wp="http://wordpress.org/export/'
        f'1.2/"><channel><title>Blog</title><wp:wxr_version>1.2</wp:wxr_version>'
        f"{author('wilma', 'Wilma Example')}{author('amos', 'Amos')}{''.join(items)}</channel></rss>"
    )


def test_wordpress_posts() -> None:
    """Old and new editors, shortcodes, kinds that are no posts; text as it was written."""
    files = {
        "w.xml": wxr(
            item("First line\nsecond & <b>bold</b>\n\nNext [sic] [1] para.[gallery ids=\"1,2\"]\n\n"
                 "[caption id=\"a\"]<img src='x'> Cap[/caption]\n\n[su_box title=\"x\"]Box[/su_box]"
                 "[embed]https://x.org[/embed]<!--more-->\n\n<blockquote>q</blockquote>End ]]]]><![CDATA[>."),
            item("<!-- wp:paragraph -->\n<p>Block.</p>\n<!-- /wp:paragraph -->\n\n<!-- wp:code -->\n"
                 "<pre class=\"wp-block-code\"><code>a\n  b</code></pre>\n<!-- /wp:code -->"),
            item("about", "page"), item("", "attachment"), item("x", status="draft"),
            item("x", status="trash"), item("By Amos.", by="amos"), item("x", "product"),
        )
    }  # fmt: skip
    found = records(wordpress.IMPORTER, files, ReadOptions.of(["Wilma Example"]))
    assert [(d.title, d.timestamp, d.text) for d in documents(found)] == [
        ("Tea & cake", "2020-05-06T08:00:00Z",
         "First line\nsecond & bold\n\nNext [sic] [1] para.\n\nBox\n\nEnd ]]>."),
        ("Tea & cake", "2020-05-06T08:00:00Z", "Block.\n\na\n  b"),
    ]  # fmt: skip
    assert dropped(found) == {
        "quoted from someone else": 1, "a page of the site": 1, "an attachment": 1, "a draft": 1,
        "in the bin": 1, "written by someone else": 1, "not a post": 1,
    }  # fmt: skip
    # Without a name, or with one that the export does not know, nobody is left out.
    for me in ([], ["Somebody"]):
        told = records(wordpress.IMPORTER, files, ReadOptions.of(me))
        assert len(documents(told)) == 3
        assert [r.text for r in told if isinstance(r, Note)] == [
            "posts of 2 authors are taken for yours: wilma (2), amos (1); --me NAME keeps only "
            "your own"
        ]
    assert not any(isinstance(record, Note) for record in found)


def test_malformed_wordpress_exports() -> None:
    """Control characters, bare ampersands, a file that ends in the middle."""
    text = wxr(item("<p>One & two \x08three &nbsp;</p>"), item("<p>The last one"))
    cut = text[: text.index("The last one") + 8]
    found = documents(records(wordpress.IMPORTER, {"w.xml": cut}))
    assert [d.text for d in found] == ["One & two three", "The last"]
    # Indented by a program: the comments behind the post are still nobody's text.
    file = '<div class="wp-block-file"><a href="x">Plan</a><a class="wp-block-file__button">Save</a></div>'
    indented = (
        wxr(item(f"<p>Mine</p>{file}"))
        .replace("]]></", "]]>\n\t</")
        .replace("><![CDATA[", ">\n<![CDATA[")
    )
    (found,) = documents(records(wordpress.IMPORTER, {"w.xml": indented}))
    assert (found.text, found.title, found.timestamp) == (
        "Mine\n\nPlan", "Tea & cake", "2020-05-06T08:00:00Z",
    )  # fmt: skip
    latin = wxr(item("<p>Grüße</p>")).replace("UTF-8", "ISO-8859-1").encode("latin-1")
    assert [d.text for d in documents(records(wordpress.IMPORTER, {"w.xml": latin}))] == ["Grüße"]
    assert dropped(records(wordpress.IMPORTER, {"w.xml": wxr()})) == {"no posts in it": 1}
    assert not claimed(wordpress.IMPORTER, {"a.xml": "<rss><item></item></rss>"})


LEXICAL = json.dumps({"root": {"type": "root", "children": [
    {"type": "paragraph", "children": [
        {"type": "extended-text", "text": "Tea "}, {"type": "link", "children": [
            {"type": "extended-text", "text": "and cake"}]},
        {"type": "linebreak"}, {"type": "extended-text", "text": "👩\u200d🌾."}]},
    {"type": "extended-quote", "children": [{"type": "extended-text", "text": "theirs"}]},
    {"type": "list", "children": [{"type": "listitem", "children": [
        {"type": "extended-text", "text": word}]} for word in ("one", "two")]},
    {"type": "callout", "calloutText": "<b>Mine</b>"}, {"type": "image", "caption": "c"},
    {"type": "toggle", "heading": "Q", "content": "<p>A</p>"},
    {"type": "bookmark", "metadata": {"title": "theirs"}}, {"type": "markdown", "markdown": "*m*"},
    {"type": "codeblock", "code": "x = 1"}]}})  # fmt: skip


def posts(**more: object) -> list[dict[str, object]]:
    base = {"type": "post", "status": "published", "published_at": "2023-01-02T03:04:05.000Z"}
    return [
        {**base, "id": "1", "title": "One", "html": "<p>One &amp; 1.</p><blockquote>q</blockquote>"
         "<figure class='kg-card kg-bookmark-card'>card</figure>"
         "<div class='kg-card kg-callout-card'><div class='kg-callout-emoji'>x</div></div>",
         "lexical": None, **more},
        {**base, "id": "2", "title": "Two", "html": None, "lexical": LEXICAL, "plaintext": "p"},
        {**base, "id": "3", "title": "Three", "html": None, "plaintext": "Plain\n\ntext"},
        {**base, "id": "4", "title": "Soon", "status": "draft", "html": "<p>x</p>"},
        {**base, "id": "5", "title": "About", "type": "page", "html": "<p>x</p>"},
        {**base, "id": "6", "title": "Old about", "type": "post", "page": 1, "html": "<p>x</p>"},
        {**base, "id": "7", "title": "Mail", "status": "sent", "html": "<p>Sent.</p>"},
    ]  # fmt: skip


AUTHORS = {
    "users": [{"id": "u1", "name": "Wilma", "email": "w@example.org"}, {"id": "u2", "name": "Amos"}],
    "posts_authors": [{"post_id": "1", "author_id": "u1"}, {"post_id": "1", "author_id": "u2"},
                      {"post_id": "7", "author_id": "u2"}],
}  # fmt: skip


@pytest.mark.parametrize(
    "wrap",
    [
        lambda data: {"db": [{"meta": {"version": "5.80.1"}, "data": data}]},
        lambda data: {"meta": {"exported_on": 1}, "data": {**data, "mobiledoc": "x"}},
        lambda data: {"comment_id": 1, **data},
    ],
)
def test_ghost_posts(wrap: object) -> None:
    """HTML, else the editor's tree, else plain text; nested and flat."""
    assert callable(wrap)
    content = json.dumps(wrap({"posts": posts(comment_id=1, mobiledoc=None), **AUTHORS}))
    if '"db"' not in content[:10]:
        content = content.replace('"posts": [{', '"posts": [{"lexical": null, ', 1)
    files = {"blog.ghost.2024-01-01.json": content}
    found = records(ghost.IMPORTER, files)
    assert [(d.title, d.text) for d in documents(found)] == [
        ("One", "One & 1."),
        ("Two", "Tea and cake\n👩\u200d🌾.\n\none\ntwo\n\nMine\n\nQ\n\nA\n\n*m*\n\nx = 1"),
        ("Three", "Plain\n\ntext"),
        ("Mail", "Sent."),
    ]
    assert {d.timestamp for d in documents(found)} == {"2023-01-02T03:04:05Z"}
    assert dropped(found) == {
        "a draft": 1, "a page of the site": 2, "quoted from someone else": 3,
    }  # fmt: skip
    mine = records(ghost.IMPORTER, files, ReadOptions.of(["wilma"]))
    assert [d.title for d in documents(mine)] == ["One", "Two", "Three"]
    assert dropped(mine)["written by someone else"] == 1
    assert len(documents(records(ghost.IMPORTER, files, ReadOptions.of(["nobody"])))) == 4


def test_damaged_ghost_exports() -> None:
    """What stands before the damage is read."""
    content = json.dumps({"db": [{"data": {"posts": posts()}}]})
    found = records(ghost.IMPORTER, {"g.json": content[: content.index("Three")]})
    assert [d.title for d in documents(found)] == ["One", "Two"]
    assert dropped(found)[ghost.DAMAGED] == 1
    assert dropped(records(ghost.IMPORTER, {"g.json": '{"db":[{"meta":{},"data":{}}]}'})) == {
        "no posts in it": 1
    }
    assert not claimed(ghost.IMPORTER, {"a.json": '{"posts": [1]}'})


RSS = """<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"
 xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel><title>Blog</title>
<item><title>Tea &amp; cake</title><link>https://b.example.org/tea</link><dc:creator>Wilma</dc:creator>
<pubDate>Sun, 05 Jan 2025 10:00:00 GMT</pubDate><description>Short.</description>
<content:encoded><![CDATA[<p>All of <b>it</b>.</p><blockquote>q</blockquote><p>The post <a>Tea</a>
 appeared first on <a>Blog</a>.</p>]]></content:encoded></item>
<item><title>Pier</title><link>javascript:x</link><dc:creator>Wilma</dc:creator>
<description>Only the beginning…</description></item>
<item><title>Guest</title><link>https://b.example.org/guest</link><dc:creator>Amos</dc:creator>
<content:encoded>&lt;p&gt;By Amos.&lt;/p&gt;</content:encoded></item></channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>B</title><entry><title>A</title>
<link href="https://b.example.org/a"/><updated>2024-02-03T10:00:00+02:00</updated>
<content type="html">&lt;p&gt;Atom &amp;amp; more.&lt;/p&gt;</content></entry></feed>"""


def test_saved_feeds() -> None:
    """The full text first; teasers and guests are told."""
    files = {"a.xml": RSS, "b.atom": ATOM, "c.xml": "<html></html>"}
    assert claimed(feed_file.IMPORTER, files) == {"a.xml", "b.atom"}
    found = records(feed_file.IMPORTER, files, ReadOptions.of(["Wilma"]))
    assert [(d.title, d.timestamp, d.text, d.raw_ref) for d in documents(found)] == [
        ("Tea & cake", "2025-01-05T10:00:00Z", "All of it.", "https://b.example.org/tea"),
        ("A", "2024-02-03T08:00:00Z", "Atom & more.", "https://b.example.org/a"),
    ]
    assert dropped(found) == {
        "quoted from someone else": 1, feed_file.TEASER: 1, "written by someone else": 1,
    }  # fmt: skip
    bomb = RSS.replace("?>", '?><!DOCTYPE x [<!ENTITY a "ha">]>', 1)
    assert dropped(records(feed_file.IMPORTER, {"a.xml": bomb})) == {
        "not a feed, or without entries": 1
    }


SHAPES: list[tuple[Importer, str, str]] = [
    (medium.IMPORTER, "posts/a.html", MEDIUM["m.zip/posts/2021-02-03_On-tea-0123456789ab.html"]),
    (wordpress.IMPORTER, "w.xml", wxr(item("<p>x</p>"))),
    (ghost.IMPORTER, "g.json", json.dumps({"db": [{"data": {"posts": posts()}}]})),
    (feed_file.IMPORTER, "a.xml", RSS),
]


@given(st.sampled_from(SHAPES), st.data())
@settings(max_examples=60, deadline=None)
def test_any_content_gives_a_result(shape: tuple[Importer, str, str], data: st.DataObject) -> None:
    """Real exports, cut and with bytes changed: never an exception."""
    importer, path, text = shape
    changed = bytearray(text.encode())
    for _ in range(data.draw(st.integers(0, 5))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(changed[: data.draw(st.integers(0, len(changed)))])
    for content in (bytes(changed), cut, data.draw(st.binary(max_size=40))):
        found = records(importer, {path: content})
        assert found or not claimed(importer, {path: content})


@pytest.mark.parametrize(
    "run", [" ", "a", "[", "<", "-", "&", "]", "<item>", '{"a":', "\n", "[a b=c"]
)
def test_a_megabyte_of_one_character(run: str) -> None:
    """Linear in a post, and in a whole file of it."""
    text = run * (1_000_000 // len(run))
    # The last cleaning of all sources is not this test's.
    inner = text if run != " " else ""
    start = time.process_time()
    records(medium.IMPORTER, {"posts/a.html": story("T", f"<p>{inner}</p>")})
    records(wordpress.IMPORTER, {"w.xml": wxr(item(text)), "v.xml": wxr() + text})
    records(ghost.IMPORTER, {"g.json": '{"db":[{"data":{"posts":[' + text})
    records(feed_file.IMPORTER, {"a.xml": RSS.replace("All of", inner), "b.xml": "<rss>" + text})
    assert time.process_time() - start < 30
