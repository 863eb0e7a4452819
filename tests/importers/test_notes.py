"""Folders of notes and sites: Notion, Obsidian, Jekyll, Hugo."""

from __future__ import annotations

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from inkling.corpus.document import Conversation
from inkling.corpus.importers import notion, obsidian, static_site
from inkling.corpus.importing.importer import ReadOptions
from tests.importers.reading import claimed, documents, dropped, records

ID = "0123456789abcdef" * 2
NOTION = {
    f"export.zip/part-1.zip/Diary {ID}.md": (
        "# Diary 🐖\n\nCreated: January 5, 2021 3:04 PM\nTags: pigs, tea\nStatus: Done\n\n"
        f"See [The pier](Diary%20{ID}/The%20pier%20{ID}.md).\n\n> quoted\n\n"
        "<aside>\n💡 Mine.\n\n</aside>\n"
    ),
    f"export.zip/part-1.zip/Diary {ID}/The pier {ID}.md": (
        "# The pier\n\nNote: this is how it begins.\nAnd goes on.\n\nEnd.\n"
    ),
    f"export.zip/part-1.zip/Table {ID}_all.csv": "Name,Tags\nDiary,pigs\n",
    f"export.zip/part-1.zip/Page {ID}.html": (
        "<html><head><title>Page</title></head><body><article><header><h1>Page</h1>"
        "<table class=properties><tr><th>Created</th><td>x</td></tr></table></header>"
        '<div class="page-body"><p>Words.</p><figure class="callout"><div>💡</div><div>Mine.</div>'
        "</figure></div></article></body></html>"
    ),
    "export.zip/part-1.zip/index.html": "<ul><li>Diary</li></ul>",
    "export.zip/notes.md": "# other",
}


def test_notion_pages_know_title_and_date() -> None:
    """Names with ids, properties under the title, callouts; tables repeat their pages."""
    assert claimed(notion.IMPORTER, NOTION) == set(NOTION) - {"export.zip/notes.md"}
    found = records(notion.IMPORTER, NOTION)
    assert [(d.title, d.timestamp, d.text) for d in documents(found)] == [
        ("Diary 🐖", "2021-01-05T15:04:00", "See The pier.\n\n\n💡 Mine."),
        ("The pier", None, "Note: this is how it begins.\nAnd goes on.\n\nEnd."),
        ("Page", None, "Words.\n\n💡\n\nMine."),
    ]
    assert dropped(found) == {
        "quoted from someone else": 1, "a table of a database": 1, "a table of contents": 1,
    }  # fmt: skip
    assert not claimed(notion.IMPORTER, {"a.md": "# a", f"t {ID}.csv": "a"})


def test_obsidian_vaults() -> None:
    """Links keep their words; templates, drawings and drafts are told."""
    files = {
        "vault/2021-02-03.md": (
            "---\ncreated: {{date}}\nrating: *****\n---\nWalk with [[Ada|her]]. ^a1b2c3\n"
        ),
        "vault/Tea.md": (
            "---\ntags:\n\t- tea\n---\n> [!note] Mine\n> words\n\n%%hidden%% ![[x.png]]End"
        ),
        "vault/Draft.md": "---\ndraft: true\n---\nunfinished",
        "vault/Templates/Day.md": "# {{date}}",
        "vault/Map.canvas": "{}",
        "vault/photo.png": b"\x89PNG",
    }
    assert claimed(obsidian.IMPORTER, files) == set(files) - {"vault/photo.png"}
    found = records(obsidian.IMPORTER, files)
    assert [(d.title, d.timestamp, d.text) for d in documents(found)] == [
        ("2021-02-03", "2021-02-03", "Walk with her."),
        ("Tea", None, "Mine\nwords\n\nEnd"),
    ]
    assert dropped(found) == {
        "a line of the header that cannot be read": 1, "a draft": 1, "a template": 1,
        "a drawing or a board": 1,
    }  # fmt: skip
    assert len(documents(records(obsidian.IMPORTER, files, ReadOptions(drafts=True)))) == 3
    assert not claimed(obsidian.IMPORTER, {"a.md": "plain words"})


def test_a_dialog_in_a_vault_is_a_dialog() -> None:
    """As it is in any other Markdown file; with names only where one of them is the author's."""
    named = "Cleo: tea at four?\nAda: at the pier\nCleo: bring cake\nAda: two\n"
    files = {"A.md": "[[B]] words", "Talk.md": "them: tea?\nme: at four\n", "Named.md": named}
    talks = [r for r in records(obsidian.IMPORTER, files) if isinstance(r, Conversation)]
    assert [[(m.is_me, m.text) for m in talk.messages] for talk in talks] == [
        [(False, "tea?"), (True, "at four")]
    ]
    told = records(obsidian.IMPORTER, files, ReadOptions.of(("Ada",)))
    talks = [r for r in told if isinstance(r, Conversation)]
    assert [[m.is_me for m in talk.messages] for talk in talks] == [
        [False, True, False, True], [False, True]
    ]  # fmt: skip


def test_jekyll_and_hugo_sites() -> None:
    """Dates from names, drafts left out unless asked for, other files left alone."""
    jekyll = {
        "blog/_config.yml": "title: x",
        "blog/_posts/2021-03-04-tea.md": (
            "---\ntitle: 'Tea: a life'\nlayout: post\n---\n{% include x %}Tea."
        ),
        "blog/_posts/2021-03-05-old.html": (
            "---\ntitle: Old\ndate: 2021-03-06 10:00:00 +0100\n---\n<p>Old.</p>"
        ),
        "blog/_drafts/soon.md": "soon",
        "blog/_posts/2021-02-31-off.md": "---\npublished: false\n---\nhidden",
        "blog/about.md": "about",
    }
    found = records(static_site.IMPORTER, jekyll)
    assert [(d.title, d.timestamp, d.text) for d in documents(found)] == [
        ("Tea: a life", "2021-03-04", "Tea."), ("Old", "2021-03-06T09:00:00Z", "Old."),
    ]  # fmt: skip
    assert dropped(found) == {"a draft": 2}
    hugo = {
        "hugo.toml": "baseURL = 'x'",
        "content/posts/2022-01-02-pier/index.md": (
            '+++\ntitle = "Pier"\n+++\nThe {{< figure src="a" >}}pier.'
        ),
        "content/posts/a.md": "+++\ntitle = 'A'\ndate = 2022-02-31\ndraft = true\n+++\nA.",
        "layouts/x.html": "{{ x }}",
        "README.md": "mine",
    }
    assert claimed(static_site.IMPORTER, hugo) == set(hugo) - {"hugo.toml", "README.md"}
    found = records(static_site.IMPORTER, hugo)
    assert [(d.title, d.timestamp, d.text) for d in documents(found)] == [
        ("Pier", "2022-01-02", "The pier.")
    ]
    with_drafts = records(static_site.IMPORTER, hugo, ReadOptions(drafts=True))
    assert len(documents(with_drafts)) == 2
    assert dropped(with_drafts) == {
        "a date in the header that does not exist": 1, "a part of the site that is no post": 1,
    }  # fmt: skip


def test_what_a_site_is_built_of_is_nobodys_post() -> None:
    """Themes come with a whole site of somebody else's, and built pages repeat the posts."""
    theme = "blog/themes/nice"
    hugo = {
        "blog/hugo.toml": "",
        "blog/content/public/a.md": "Mine.",
        "blog/content/resources/themes/b.md": "Mine too.",
        f"{theme}/README.md": "How to use this theme.",
        f"{theme}/exampleSite/hugo.toml": "",
        f"{theme}/exampleSite/content/post/x.md": "Lorem ipsum.",
        "blog/public/a/index.html": "<p>Mine.</p>",
    }
    found = records(static_site.IMPORTER, hugo)
    assert [d.text for d in documents(found)] == ["Mine.", "Mine too."]
    assert dropped(found) == {"a part of the site that is no post": 4}
    jekyll = {
        "_config.yml": "",
        "_posts/2021-03-04-a.md": "Mine.",
        "_includes/foot.html": "<p>Powered by</p>",
        "_site/a.html": "<p>Mine.</p>",
    }
    found = records(static_site.IMPORTER, jekyll)
    assert [d.text for d in documents(found)] == ["Mine."]
    assert dropped(found) == {"a part of the site that is no post": 2}


@given(st.text(max_size=80) | st.binary(max_size=80), st.sampled_from([".md", ".html", ".csv"]))
@settings(max_examples=40, deadline=None)
def test_any_content_gives_a_result(content: str | bytes, suffix: str) -> None:
    """Never an exception, always a record."""
    mutated = content if isinstance(content, bytes) else content.encode("utf-8", "ignore")
    page = {f"a {ID}.md": b"# a\n\nCreated: " + mutated, f"b {ID}{suffix}": mutated}
    assert len(records(notion.IMPORTER, page)) >= 2
    post = {
        "_config.yml": "",
        f"_posts/2021-01-01-a{suffix}": mutated,
        "_posts/b.md": b"---\n" + mutated,
    }
    assert records(static_site.IMPORTER, post)
    assert records(obsidian.IMPORTER, {"a.md": b"[[x]]" + mutated, "b.md": mutated})


def test_a_megabyte_of_one_character() -> None:
    """Linear."""
    for character in ("{", "[", "a", "\n", ":", "-"):
        run = character * 1_000_000
        start = time.process_time()
        records(notion.IMPORTER, {f"a {ID}.md": f"# a\n\n{run}"})
        records(static_site.IMPORTER, {"_config.yml": "", "_posts/a.md": run})
        records(obsidian.IMPORTER, {"a.md": f"[[x]]{run}"})
        assert time.process_time() - start < 15
