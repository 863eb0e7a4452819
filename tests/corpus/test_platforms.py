"""One post from several platforms and exports: one copy is learned, the newest wording of it."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from inkling.corpus.crawling import crawl
from inkling.corpus.crawling.client import Client
from inkling.corpus.split import split_corpus
from inkling.corpus.store import CorpusStore
from inkling.workflows.add import add
from inkling.workspace import Workspace
from tests.importers.site import serving
from tests.importers.test_crawling import entry, publication

SENTENCES = [
    f"On day {number} the kettle sang before the rain came, and nobody at the pier minded it much."
    for number in range(12)
]
ESSAY = " ".join(SENTENCES)


@pytest.fixture
def workspace() -> Workspace:
    return Workspace.create(Path("w"))


def learned(workspace: Workspace) -> list[str]:
    with CorpusStore(workspace.corpus_path) as store:
        return [document.text for document in store.documents()]


def written(folder: str, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Path(folder)


def substack(folder: str, text: str, slug: str = "tea") -> Path:
    table = f"post_id,is_published,type,title\n7.{slug},true,newsletter,Tea\n"
    return written(folder, {"posts.csv": table, f"posts/7.{slug}.html": f"<p>{text}</p>"})


def ghost(folder: str, text: str) -> Path:
    post = {"uuid": "c6a0c9a1-5b0e-4c0a-9a8e-1d1d1d1d1d1d", "title": "Tea", "status": "published",
            "html": f"<p>{text}</p>"}  # fmt: skip
    return written(folder, {"x.ghost.json": json.dumps({"db": [{"data": {"posts": [post]}}]})})


def wordpress(folder: str, text: str, number: int = 7) -> Path:
    item = (
        f"<item><title>Tea {number}</title><guid>https://wilma.example.org/?p={number}</guid>"
        f"<content:encoded><![CDATA[<p>{text}</p>]]></content:encoded></item>"
    )
    return written(folder, {"a.xml": f"<rss><wp:wxr_version>1.2</wp:wxr_version>{item}</rss>"})


def medium(folder: str, text: str, title: str = "Tea") -> Path:
    page = f'<section data-field="body" class="e-content"><p>{text}</p></section>'
    return written(folder, {f"posts/2024-01-01_{title}-0123456789ab.html": page})


def notion(folder: str, text: str, title: str = "Tea") -> Path:
    return written(folder, {f"{title} {'0a' * 16}.md": f"# Tea\n\n{text}"})


def reddit(folder: str, text: str) -> Path:
    table = f'id,permalink,subreddit,title,body\nabc,,tea,Tea,"{text}"\n'
    return written(folder, {"posts.csv": table})


def linkedin(folder: str, text: str) -> Path:
    link = "https://www.linkedin.com/feed/update/urn%3Ali%3Ashare%3A7"
    return written(folder, {"Shares.csv": f'Date,ShareLink,ShareCommentary\n,{link},"{text}"\n'})


def mail(folder: str, text: str) -> Path:
    message = f"From a@x.org Mon Jan  1 00:00:00 2024\nFrom: a@x.org\nMessage-ID: <7@x>\n\n{text}\n"
    return written(folder, {"Sent.mbox": message})


def x(folder: str, text: str) -> Path:
    post = {"tweet": {"id_str": "7", "full_text": text}}
    return written(folder, {"data/tweets.js": f"window.YTD.tweets.part0 = {json.dumps([post])}"})


@pytest.mark.parametrize(
    "export", [substack, ghost, wordpress, medium, notion, reddit, linkedin, mail, x]
)
def test_an_edited_post_takes_the_place_of_the_older_one(
    workspace: Workspace, export: Callable[[str, str], Path]
) -> None:
    """In another export of the same platform, wherever that lies: told by the post's own id."""
    add(workspace, [export("january", ESSAY)])
    edited = ESSAY.replace("nobody", "no one")
    (result,) = add(workspace, [export("march", edited)]).values()
    assert (result.documents, result.replaced) == (1, 1)
    assert [text.strip() for text in learned(workspace)] == [edited]


def test_a_post_that_was_renamed_is_the_same(workspace: Workspace) -> None:
    """A new slug, a new file name."""
    for first, second in (
        (substack("a", ESSAY), substack("b", ESSAY + " More.", "on-tea")),
        (medium("c", SENTENCES[0]), medium("d", SENTENCES[1], "On-tea")),
        (notion("e", SENTENCES[2]), notion("f", SENTENCES[3], "On tea")),
    ):
        add(workspace, [first])
        (result,) = add(workspace, [second]).values()
        assert result.replaced == 1


def test_two_blogs_number_their_posts_alike(workspace: Workspace) -> None:
    """Another site's seventh post replaces nothing."""
    add(workspace, [wordpress("a", ESSAY)])
    other = wordpress("b", SENTENCES[0])
    (other / "a.xml").write_text((other / "a.xml").read_text().replace("wilma", "amos"))
    (result,) = add(workspace, [other]).values()
    assert (result.documents, result.replaced) == (1, 0)


def test_one_essay_on_two_platforms_is_learned_once(workspace: Workspace) -> None:
    """To the letter it is there already; with a word changed the split keeps one copy."""
    add(workspace, [substack("substack", ESSAY)])
    (same,) = add(workspace, [medium("medium", ESSAY)]).values()
    assert (same.documents, same.already_there) == (0, 1)
    (near,) = add(workspace, [ghost("ghost", ESSAY.replace("nobody", "no one", 1))]).values()
    assert (near.documents, near.replaced) == (1, 0)
    others = {f"{number}.txt": f"Of {number}: {text}" for number, text in enumerate(SENTENCES)}
    add(workspace, [written("other", others)])
    with CorpusStore(workspace.corpus_path) as store:
        split = split_corpus(store.documents(), [])
    kept = [section.text for part in (split.train, split.held_out) for section in part]
    assert len([text for text in kept if SENTENCES[0] in text and SENTENCES[5] in text]) == 1
    assert "one copy of each is kept" in " ".join(split.sentences())


def test_a_live_post_and_its_export_are_one(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the number of the post; what the site cut never takes the place of the whole."""
    monkeypatch.setattr(crawl, "Client", functools.partial(Client, pause=0.0))
    edited = ESSAY.replace("nobody", "no one")
    add(workspace, [substack("substack", ESSAY)])
    cut = entry(7, body=f"<p>{SENTENCES[0]}</p>", audience="only_paid", wordcount=200)
    with serving(publication([cut])) as site:
        add(workspace, [site.address])
        assert learned(workspace) == [ESSAY, SENTENCES[0]]
    with serving(publication([entry(7, body=f"<p>{edited}</p>", wordcount=200)])) as site:
        (result,) = add(workspace, [site.address]).values()
    assert result.replaced == 1
    assert learned(workspace) == [SENTENCES[0], edited]


def test_the_beginning_of_a_post_replaces_nothing(workspace: Workspace) -> None:
    """A feed shows less than the export of the same page held."""
    link = "https://wilma.example.org/tea"
    whole = wordpress("a", ESSAY)
    file = whole / "a.xml"
    file.write_text(file.read_text().replace("<guid>", f"<link>{link}</link><guid>"))
    add(workspace, [whole])

    def feed(text: str) -> Path:
        content = f"<content:encoded>{text}</content:encoded>"
        return written("feed", {"feed.xml": (
            '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>'
            f"<item><title>Tea</title><link>{link}</link>{content}</item></channel></rss>"
        )})  # fmt: skip

    (result,) = add(workspace, [feed(" ".join(SENTENCES[:3]))]).values()
    assert (result.documents, result.replaced) == (1, 0)
    (result,) = add(workspace, [feed(ESSAY + " The end.")]).values()
    assert result.replaced == 2
    assert learned(workspace) == [ESSAY + " The end."]
