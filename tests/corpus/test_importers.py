"""Files of every kind, good and bad: in = kept + dropped, always."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling.corpus.dialog import sessions
from inkling.corpus.document import Conversation, Document, Dropped, Item, Message
from inkling.corpus.front_matter import split_front_matter
from inkling.corpus.html import html_to_text
from inkling.corpus.importers import dialog_text, files, huge, read_path
from inkling.corpus.importing.charset import decode
from inkling.corpus.importing.importer import ReadOptions
from inkling.corpus.markdown import strip_markdown
from inkling.corpus.store import CorpusStore

WORDS = "Grüße aus Köln — naïve café, 日本語 🐖\nsecond line\n"


def read(name: str, content: str | bytes, me: str | None = None) -> list[Item]:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read_path(path, me))


def only(items: list[Item]) -> Item:
    assert len(items) == 1, items
    return items[0]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
def test_unicode_encodings_are_recognised(encoding: str) -> None:
    """With and without byte order marks."""
    text = WORDS if encoding not in {"utf-16-le", "utf-16-be"} else "plain words, no mark\n" * 20
    item = only(read("a.txt", text.encode(encoding)))
    assert isinstance(item, Document)
    assert item.text == text.strip("\n")


def test_latin_1_is_read_as_windows_1252() -> None:
    """Old files keep their umlauts and curly quotes."""
    text = "Grüße aus Köln, \u201cnaïve\u201d café, and some more words to be sure"
    item = only(read("a.txt", text.encode("cp1252")))
    assert isinstance(item, Document)
    assert item.text == text


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.txt", bytes(range(256)) * 20, "binary, not text"),
        ("a.md", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" * 9, "binary, not text"),
        ("a.txt", b"\xff\xfe\x00", "binary, not text"),
        ("a.txt", b"", "empty"),
        ("a.txt", b"\xef\xbb\xbf \n ", "empty"),
        ("a.xyz", b"words", "not a format that Inkling reads (.xyz)"),
        ("README", b"words", "not a format that Inkling reads (no extension)"),
        ("a.md", b"---\ntitle: x\n---\n", "no words in it"),
        ("a.html", b"<script>var x = 1</script>", "no words in it"),
        ("a.txt", b"them: hello?\nthem: anybody?\n\nme: yes", None),
    ],
)
def test_what_cannot_be_used_is_dropped_with_its_reason(
    name: str, content: bytes, reason: str | None
) -> None:
    """Never an exception, never silence."""
    items = read(name, content)
    if reason is None:
        assert [i.reason for i in items if isinstance(i, Dropped)] == [
            "a dialog in which you say nothing"
        ]
    else:
        item = only(items)
        assert isinstance(item, Dropped)
        assert item.reason == reason


@given(st.binary(max_size=400), st.sampled_from([".txt", ".md", ".html", ".jsonl"]))
@settings(max_examples=300, deadline=None)
def test_any_bytes_give_items_or_reasons(data: bytes, suffix: str) -> None:
    """Any bytes: items that can be stored, never anything else."""
    path = Path(f"any{suffix}")
    path.write_bytes(data)
    for item in read_path(path):
        assert isinstance(item, Document | Conversation | Dropped)
        if isinstance(item, Document):
            assert item.text.strip()
            item.text.encode()


def test_markdown_front_matter_gives_title_and_date() -> None:
    """YAML at the top is no text; links keep their words, images go."""
    item = only(
        read(
            "post.md",
            "---\ntitle: 'On: Soup'\ndate: 2025-01-05\n---\n# Soup\n\n"
            "A [green](http://x.y) pea ![p](p.png) *soup*.\n<!-- hidden -->\n",
        )
    )
    assert isinstance(item, Document)
    assert (item.title, item.timestamp) == ("On: Soup", "2025-01-05")
    assert item.text == "# Soup\n\nA green pea *soup*."


def test_broken_front_matter_is_no_text() -> None:
    """What can be read of it is."""
    matter = split_front_matter("---\ntitle: [unclosed\n---\nbody")
    assert (matter.title, matter.body) == ("[unclosed", "body")
    assert strip_markdown("a [[page|the words]] b [[page]]") == "a the words b page"


def test_html_keeps_the_article_and_drops_the_furniture() -> None:
    """Menus, scripts and buttons are not writing; blocks stay apart."""
    page = html_to_text(
        "<html><head><title>T</title><style>p{}</style></head><body><nav>Menu</nav><article>"
        "<h1>Soup</h1><p>One &amp; <b>two</b>.</p><p>Three<br>four</p><ul><li>a</li><li>b</li></ul>"
        "<script>x</script><div class='subscription-widget'>Subscribe</div></article>"
        "<footer>Foot</footer></body></html>"
    )
    assert page.title == "Soup"
    assert page.text == "Soup\n\nOne & two.\n\nThree\nfour\n\na\nb"
    assert html_to_text("<div>" * 3000 + "deep" + "</div>" * 3000).text == "deep"


def test_dialogs_in_text() -> None:
    """A blank line ends a conversation, a line without a speaker goes on, colons stay."""
    items = read(
        "dms.txt",
        "them: hi: there\nme: hello\nand a second line\n\nME: I began\nthem: ok\n\nthem: alone\n",
    )
    one, two, dropped = items
    assert isinstance(one, Conversation)
    assert [(m.role, m.text) for m in one.messages] == [
        ("them", "hi: there"),
        ("me", "hello\nand a second line"),
    ]
    assert isinstance(two, Conversation)
    assert two.messages[0].is_me
    assert isinstance(dropped, Dropped)


def test_plays_are_not_dialogs_and_named_speakers_need_me() -> None:
    """`ROMEO:` is writing; with --me WILMA, `Wilma:` is me and the others are them."""
    play = "ROMEO: But soft\nJULIET: Ay me\n"
    assert isinstance(only(read("play.txt", play)), Document)
    item = only(read("chat.txt", "Dolores: chips?\nWilma: always", me="WILMA"))
    assert isinstance(item, Conversation)
    assert [m.role for m in item.messages] == ["them", "me"]


def test_jsonl_shapes() -> None:
    """messages, prompt/completion, text, ShareGPT; what is none of them is counted."""
    lines = [
        {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "q\u2028"},
                      {"role": "assistant", "content": "a"}]},
        {"prompt": "p", "completion": "c"},
        {"text": "just writing"},
        {"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]},
        {"messages": [{"role": "user", "content": "unanswered"}]},
        {"text": "\ud800"},
        [1],
    ]  # fmt: skip
    content = "\n".join(json.dumps(line, ensure_ascii=True) for line in lines) + "\n{oops\n"
    items = read("data.jsonl", content)
    assert [type(item).__name__ for item in items] == [
        "Conversation", "Conversation", "Document", "Conversation", *["Dropped"] * 4,
    ]  # fmt: skip
    first = items[0]
    assert isinstance(first, Conversation)
    assert [(m.role, m.text) for m in first.messages] == [("them", "q"), ("me", "a")]


def test_folders_are_walked_in_order_without_hidden_files(tmp_path: Path) -> None:
    """Sorted, hidden folders and other workspaces left alone, unknown files listed."""
    for name in ("b.txt", "a.md", ".git/x.txt", "sub/c.txt", "w/inkling.toml", "w/d.txt", "e.xyz"):
        path = tmp_path / "notes" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"words of {name}")
    items = list(read_path(tmp_path / "notes"))
    assert [item.raw_ref for item in items] == ["a.md", "b.txt", "e.xyz", "sub/c.txt"]


def test_adding_twice_changes_nothing_and_counts_reconcile() -> None:
    """Content-hashed: a second import adds only what is new; found = kept + there + dropped."""
    folder = Path("notes")
    folder.mkdir()
    (folder / "a.txt").write_text("first piece of writing")
    (folder / "b.bin").write_bytes(b"\0")
    (folder / "dms.txt").write_text("them: q\nme: a\n\nthem: q2\nme: a2")
    with CorpusStore(Path("corpus.db")) as store:
        one = store.add("notes", "folder", read_path(folder))
        before = store.corpus_hash()
        assert (one.documents, one.conversations, one.dropped.total(), one.found) == (1, 2, 1, 4)
        again = store.add("notes", "folder", read_path(folder))
        assert (again.kept, again.already_there, again.found) == (0, 3, 4)
        assert store.corpus_hash() == before
        (folder / "c.txt").write_text("a new piece")
        third = store.add("notes", "folder", read_path(folder))
        assert (third.kept, third.already_there) == (1, 3)
        (source,) = store.sources()
        assert (source.documents, source.conversations, source.messages) == (2, 2, 4)
        assert source.dropped == {"not a format that Inkling reads (.bin)": 1}


def test_a_failing_import_leaves_the_corpus_as_it_was() -> None:
    """All of a source or nothing of it."""

    def broken() -> object:
        yield Document("fine", "a")
        raise OSError(28, "No space left on device")

    with CorpusStore(Path("corpus.db")) as store:
        with pytest.raises(OSError, match="No space"):
            store.add("x", "folder", broken())  # type: ignore[arg-type]
        assert store.sources() == []
        assert list(store.documents()) == []


def test_sessions_follow_the_clock() -> None:
    """Three hours part sessions, five minutes join a burst, a `them` tail is left out."""

    def at(time: str, me: bool, text: str) -> Message:
        return Message("x", me, text, timestamp=f"2025-01-01T{time}:00")

    found = list(
        sessions(
            [
                at("10:00", False, "one"),
                at("10:01", False, "two"),
                at("10:02", True, "three"),
                at("10:30", True, "four"),
                at("18:00", True, "five"),
                at("18:01", False, "six"),
            ]
        )
    )
    assert found == [
        (("them", "one\ntwo"), ("me", "three"), ("me", "four")),
        (("me", "five"),),
    ]


def test_decode_rejects_what_is_not_text() -> None:
    """Compressed data is not Latin-1."""
    import zlib

    assert decode(zlib.compress(b"some words to compress" * 50)) is None


def test_a_url_is_no_speaker() -> None:
    """With --me every name counts, but `http:` is none."""
    item = only(
        list(
            dialog_text.read(
                "Bob: see\nhttp://x.y/z\nAda: fine\n", "d.txt", ReadOptions.of(["Ada"])
            )
        )
    )
    assert isinstance(item, Conversation)
    assert [(m.author_id, m.text) for m in item.messages] == [
        ("Bob", "see\nhttp://x.y/z"),
        ("Ada", "fine"),
    ]


@given(
    st.text(alphabet="ab .\n\r\té🐖", max_size=400),
    st.integers(2, 60),
    st.integers(1, 50),
    st.sampled_from([("\n",), ("\n\n", "\n", ". ", " ")]),
)
@settings(max_examples=200, deadline=None)
def test_parts_join_to_the_text_however_it_is_read(
    text: str, size: int, block: int, breaks: tuple[str, ...]
) -> None:
    """Nothing is lost at a cut, the cuts do not depend on how the bytes arrive, and JSON is
    cut between lines only."""
    blocks = [text[at : at + block] for at in range(0, len(text), block)]
    found = list(huge.parts(blocks, breaks, size))
    unix = text.replace("\r\n", "\n").replace("\r", "\n")
    assert "".join(found) == unix
    assert found == list(huge.parts([text], breaks, size))
    if breaks == ("\n",):
        assert all(part.endswith("\n") for part in found[:-1])
    else:
        assert all(size // 2 <= len(part) <= size for part in found[:-1])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_huge_files_become_parts_with_the_encoding_of_the_whole(
    monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    """The only word that tells Windows-1252 from UTF-8 stands at the very end; a file that grew
    adds its new parts alone."""
    monkeypatch.setattr(files, "WHOLE_BYTES", 1_000)
    monkeypatch.setattr(huge, "PART_CHARACTERS", 5_000)
    monkeypatch.setattr(huge, "BLOCK_BYTES", 777)
    paragraphs = [f"Paragraph {n} of a very long letter, with some words." for n in range(400)]
    text = "\r\n\r\n".join(paragraphs) + " Grüße"
    path = Path("long.txt")
    path.write_bytes(text.encode(encoding))
    with CorpusStore(Path("corpus.db")) as store:
        assert store.add("long", "txt", read_path(path)).documents == 5
        documents = list(store.documents())
        assert [d.title for d in documents[:2]] == ["long.txt (part 1)", "long.txt (part 2)"]
        assert "\n\n".join(d.text for d in documents) == text.replace("\r", "")
        path.write_bytes((text + "\r\n\r\nOne more." * 900).encode(encoding))
        again = store.add("long", "txt", read_path(path))
        assert again.already_there == 4
        assert again.documents == 3


def test_huge_lines_of_json_are_read_line_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """No record is cut, whatever its length, and what is no text is still told."""
    monkeypatch.setattr(files, "WHOLE_BYTES", 100)
    monkeypatch.setattr(huge, "PART_CHARACTERS", 50)
    lines = [json.dumps({"text": f"record {n} " + "long " * n}) for n in range(40)]
    items = read("data.jsonl", "\n".join(lines))
    assert [i.text.split(" long")[0].strip() for i in items if isinstance(i, Document)] == [
        f"record {n}" for n in range(40)
    ]
    item = only(read("a.txt", bytes(range(256)) * 20))
    assert isinstance(item, Dropped)
    assert item.reason == "binary, not text"
