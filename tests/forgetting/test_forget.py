"""Forgetting in the corpus: what goes, what stays, and that nothing comes back."""

from __future__ import annotations

import io
import json
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling.corpus.clean import fold
from inkling.corpus.exclusion import passages, without
from inkling.corpus.store import CorpusStore
from inkling.forgetting.rules import containing
from inkling.workspace import Workspace
from tests.conftest import Result

Inkling = Callable[..., Result]

LETTER = """\
---
title: A letter
---
The first paragraph says a thing about herring that nobody else says.

Come to 14 Gannet Steps, the green door,
and ring twice. Mind the cat.

The last paragraph is about the weather, which was rain, and then more rain.
"""
OTHER = "Another text altogether, with words of its own in it, about a pier and a bell.\n"
CHAT = """\
Ada: shall we say the lighthouse at nine
Wil: nine it is, bring the flask
Bo: i will come as well, if nobody minds

Ada: did the parcel from grimsby come
Wil: it came, it was herring

Bo: is the harbour frozen yet
Wil: ask ada, she can see it from her window
"""


@pytest.fixture
def workspace(inkling: Inkling) -> Workspace:
    """Two texts and a chat of three people, in a folder `mine` beside the workspace `w`."""
    Path("mine").mkdir()
    Path("mine/letter.md").write_text(LETTER)
    Path("mine/other.md").write_text(OTHER)
    Path("mine/chat.txt").write_text(CHAT)
    assert inkling("init", "w").status == 0
    assert inkling("add", "mine", "--me", "Wil", "-w", "w").status == 0
    return Workspace(Path("w").resolve())


def everything(workspace: Workspace) -> str:
    """All text of the corpus, titles and names included."""
    with CorpusStore(workspace.corpus_path) as store:
        found = [part for d in store.documents(True) for part in (d.title or "", d.text)]
        found += [m.text for c in store.conversations() for m in c.messages]
        found += [m.author_id for c in store.conversations() for m in c.messages]
    return "\n".join(found)


def forget(inkling: Inkling, *options: str) -> Result:
    result = inkling("corpus", "forget", *options, "--yes", "-w", "w")
    assert result.status == 0, result.err
    return result


def add(inkling: Inkling, path: str) -> dict[str, object]:
    """What one import of a path did."""
    result = inkling("add", path, "--me", "Wil", "--json", "-w", "w")
    assert result.status == 0, result.err
    (counts,) = json.loads(result.out).values()
    return dict(counts)


def test_a_text_takes_its_paragraph_and_leaves_the_rest(
    inkling: Inkling, workspace: Workspace
) -> None:
    """Upper and lower case and line breaks do not matter; the neighbours stay."""
    told = forget(inkling, "--match", "the GREEN  door, and ring")
    assert "1 paragraph of 1 document" in told.out
    assert "letter.md" in told.out
    left = everything(workspace)
    assert "Gannet" not in left
    assert "herring that nobody" in left
    assert "more rain" in left


def test_quotes_and_dashes_as_the_keyboard_has_them(inkling: Inkling, workspace: Workspace) -> None:
    """What was set with curly quotes and long dashes is found as it is typed."""
    Path("set.txt").write_text("Keep this.\n\nIt is O’Brien’s – “the” co\u00adlour.\n")
    add(inkling, "set.txt")
    forget(inkling, "--match", "o'brien's - \"the\" colour")
    assert "Brien" not in everything(workspace)
    assert "Keep this." in everything(workspace)


def test_a_text_over_two_paragraphs_takes_both(inkling: Inkling, workspace: Workspace) -> None:
    """A text that runs over a blank line is found there as well."""
    forget(inkling, "--match", "Mind the cat. The last paragraph")
    left = everything(workspace)
    assert "Gannet" not in left
    assert "weather" not in left
    assert "herring that nobody" in left


def test_a_forgotten_text_does_not_come_back(inkling: Inkling, workspace: Workspace) -> None:
    """Not by the same file, a changed one, one with the paragraph itself changed, or a copy
    elsewhere; and each time the import says so."""
    forget(inkling, "--match", "14 gannet steps")
    same = add(inkling, "mine")
    assert same["dropped"] == {"removed earlier with corpus forget": 1}
    assert same["documents"] == 0
    Path("mine/letter.md").write_text(LETTER + "\nA new paragraph at the end of it all.\n")
    changed = add(inkling, "mine")
    assert changed["cut"] == 1
    assert changed["documents"] == 1
    Path("mine/letter.md").write_text(LETTER.replace("Mind the cat.", "Mind the goose."))
    add(inkling, "mine")
    Path("elsewhere").mkdir()
    Path("elsewhere/copy.txt").write_text(f"{OTHER}\n{LETTER.split('---')[2].upper()}")
    add(inkling, "elsewhere/copy.txt")
    left = everything(workspace)
    assert "new paragraph" in left
    assert "WEATHER" in left
    assert "gannet" not in left.lower()
    Path("mine/letter.md").write_text(LETTER)
    printed = inkling("add", "mine", "--me", "Wil", "-w", "w")
    assert "removed earlier with corpus forget (e.g. letter.md)" in printed.out


def test_a_title_goes_too(inkling: Inkling, workspace: Workspace) -> None:
    """The text under it stays."""
    forget(inkling, "--match", "a letter")
    left = everything(workspace)
    assert "A letter" not in left
    assert "herring that nobody" in left


def test_of_long_paragraphs_a_part_goes(inkling: Inkling, workspace: Workspace) -> None:
    """Of one over 1,000 characters the line, of a line over 1,000 the sentence."""
    short, long = "It rained on the pier again. " * 20, "It rained on the pier again. " * 40
    Path("long.txt").write_text(
        f"{short}\nThe gull stole a sandwich. A second sentence.\n{short}\n\n"
        f"{long}The cormorant dived. {long}\n"
    )
    add(inkling, "long.txt")
    forget(inkling, "--match", "gull stole")
    forget(inkling, "--match", "cormorant dived")
    left = everything(workspace)
    assert "gull" not in left
    assert "second sentence" not in left
    assert "cormorant" not in left
    assert left.count("It rained on the pier again.") == 120


def test_a_text_can_come_from_standard_input(
    inkling: Inkling, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that it stands in no history of a shell."""
    monkeypatch.setattr("sys.stdin", io.StringIO("14 gannet steps\n"))
    forget(inkling, "--match", "-")
    assert "Gannet" not in everything(workspace)


def test_another_workspace_knows_nothing_of_it(inkling: Inkling, workspace: Workspace) -> None:
    """What was forgotten in one can be imported in the next."""
    forget(inkling, "--document", "letter.md")
    inkling("init", "v")
    inkling("add", "mine", "--me", "Wil", "-w", "v")
    assert "Gannet" in everything(Workspace(Path("v").resolve()))


@pytest.mark.parametrize("name", ["A letter", "a LETTER", "letter.md", "mine/letter.md", "hash"])
def test_a_document_by_title_path_or_hash(
    inkling: Inkling, workspace: Workspace, name: str
) -> None:
    """All name the same; it goes whole, and a changed copy is known again and stays away."""
    if name == "hash":
        shown = json.loads(inkling("corpus", "show", "letter", "--json", "-w", "w").out)
        name = shown["documents"][0]["content_hash"][:8]
    assert "1 document" in forget(inkling, "--document", name).out
    Path("mine/letter.md").write_text(LETTER.replace("ring twice", "ring three times"))
    assert add(inkling, "mine")["dropped"] == {"removed earlier with corpus forget": 1}
    left = everything(workspace)
    for word in ("herring that", "Gannet", "weather", "A letter"):
        assert word not in left
    assert "pier and a bell" in left


def test_a_dialog_file_goes_as_one_document(inkling: Inkling, workspace: Workspace) -> None:
    """A changed export brings back neither the dialogs nor parts of them, only what is new."""
    forget(inkling, "--document", "chat.txt")
    changed = (
        CHAT.replace("herring", "herring, two kilos") + "\nBo: a new question entirely\nWil: yes\n"
    )
    Path("mine/chat.txt").write_text(changed)
    add(inkling, "mine")
    left = everything(workspace)
    assert "new question" in left
    for word in ("lighthouse", "parcel", "frozen", "flask"):
        assert word not in left


def test_short_messages_are_known_by_their_neighbours(
    inkling: Inkling, workspace: Workspace
) -> None:
    """ "yes" is anybody's; "yes" behind the forgotten question is not."""
    talk = "Bo: are you in today\nWil: yes\nBo: at the shop then\nWil: i am\n"
    Path("short.txt").write_text(talk)
    add(inkling, "short.txt")
    forget(inkling, "--document", "short.txt")
    Path("short.txt").write_text(talk + "Bo: ok\n\nBo: is it open\nWil: yes\n")
    assert add(inkling, "short.txt")["dropped"] == {"removed earlier with corpus forget": 1}
    left = everything(workspace)
    assert "is it open\nyes" in left
    assert "today" not in left


def test_a_source_goes_with_all_that_came_from_it(inkling: Inkling, workspace: Workspace) -> None:
    """Also its line in `inkling corpus`; what another source says stays."""
    Path("more.txt").write_text("Something else, from somewhere else, about a lighthouse keeper.\n")
    add(inkling, "more.txt")
    forget(inkling, "--source", "mine")
    (left,) = json.loads(inkling("corpus", "--json", "-w", "w").out)
    assert left["source"] == str(Path("more.txt").resolve())
    assert add(inkling, "mine")["kept"] == 0
    assert "lighthouse keeper" in everything(workspace)
    assert "lighthouse at nine" not in everything(workspace)


def test_a_person_goes_and_my_words_stay(inkling: Inkling, workspace: Workspace) -> None:
    """Her messages go; a dialog with nobody left but me goes; what I said of her stays."""
    told = forget(inkling, "--person", "ADA")
    assert "--match NAME" in told.out
    # It says what of mine goes with her.
    assert "1 message of them is yours: a dialog in which only you would be left goes" in told.out
    left = everything(workspace)
    assert "lighthouse" not in left
    assert "parcel" not in left
    assert "it was herring" not in left  # with her alone, so it answers nothing any more
    assert "nine it is" in left
    assert "i will come as well" in left
    assert "ask ada" in left
    Path("mine/chat.txt").write_text(CHAT + "\nAda: it is me again\nWil: hello\nBo: and me\n")
    assert add(inkling, "mine")["cut"] == 1
    assert "me again" not in everything(workspace)
    assert "Ada" not in everything(workspace)
    Path("jsonl").mkdir()
    turn = [{"from": n, "value": v} for n, v in (("aDa", "psst"), ("Wil", "what"), ("Bo", "who"))]
    Path("jsonl/x.jsonl").write_text(json.dumps({"conversations": turn}))
    add(inkling, "jsonl")
    assert "psst" not in everything(workspace)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--person", "Adda"), "Did you mean: Ada?"),
        (("--person", "them"), "nobody in particular"),
        (("--document", "A lettre"), "Did you mean: A letter"),
        (("--source", "min"), "mine"),
        (("--match", "no such words anywhere"), "contains that text"),
        (("--match", " "), "Name one thing"),
        (("--match", "x"), "at least 2"),
        (("--match", "rain", "--person", "Ada"), "Name one thing"),
        ((), "Name one thing"),
    ],
)
def test_what_means_nothing_is_answered_in_one_sentence(
    inkling: Inkling, workspace: Workspace, options: tuple[str, ...], words: str
) -> None:
    """With the nearest names; nothing is changed."""
    before = everything(workspace)
    refused = inkling("corpus", "forget", *options, "--yes", "-w", "w")
    assert refused.status in (1, 2)
    assert words in refused.err
    assert len(refused.err.splitlines()) == 1
    assert everything(workspace) == before


def test_a_name_for_several_documents_lists_them(inkling: Inkling, workspace: Workspace) -> None:
    """With the hash that tells them apart."""
    Path("mine/two.md").write_text(LETTER.replace("herring", "mackerel"))
    add(inkling, "mine")
    refused = inkling("corpus", "forget", "--document", "A letter", "--yes", "-w", "w")
    assert refused.status == 2
    assert "letter.md" in refused.err
    assert "two.md" in refused.err


def test_it_asks_first(inkling: Inkling, workspace: Workspace) -> None:
    """Where nobody can be asked nothing happens, and what would go was shown."""
    refused = inkling("corpus", "forget", "--match", "gannet", "-w", "w")
    assert refused.status == 2
    assert "--yes" in refused.err
    assert "1 paragraph" in refused.out
    assert "Gannet" in everything(workspace)


def test_a_short_text_says_what_words_it_stands_in(inkling: Inkling, workspace: Workspace) -> None:
    """ "ring" is in "herring": better seen before than after."""
    shown = inkling("corpus", "forget", "--match", "ring", "-w", "w").out
    assert "herring" in shown


def test_only_hashes_are_kept(inkling: Inkling, workspace: Workspace) -> None:
    """No table, no index and no page of the file holds the text; the full-text index still
    finds what stays; another workspace that forgets the same keeps other hashes."""
    forget(inkling, "--match", "gannet steps")
    forget(inkling, "--person", "Ada")
    data = b"".join(path.read_bytes() for path in Path("w").glob("corpus.db*")).lower()
    for word in (b"gannet", b"lighthouse", b"grimsby"):
        assert word not in data
    with sqlite3.connect(workspace.corpus_path) as db:
        found = "SELECT count(*) FROM document_text WHERE document_text MATCH ?"
        assert db.execute(found, ("herring",)).fetchone() == (1,)
        assert db.execute(found, ("gannet",)).fetchone() == (0,)
        hashes = {row[0] for row in db.execute("SELECT content_hash FROM exclusion")}
    db.close()
    inkling("init", "v")
    inkling("add", "mine", "--me", "Wil", "-w", "v")
    assert inkling("corpus", "forget", "--match", "gannet steps", "--yes", "-w", "v").status == 0
    with sqlite3.connect("v/corpus.db") as other:
        theirs = {row[0] for row in other.execute("SELECT content_hash FROM exclusion")}
    other.close()
    assert theirs
    assert not hashes & theirs


def test_show_names_what_forget_understands(inkling: Inkling, workspace: Workspace) -> None:
    """Hash, title, path, people."""
    shown = inkling("corpus", "-w", "w", "show").out
    assert "A letter (letter.md)" in shown
    assert "3 dialogs  chat.txt" in shown
    assert "2 messages by Ada" in shown


words = st.sampled_from(["a", "bell", "Ünder", "sea", "the", "gull.", "stone!", "x" * 300, "rain?"])
texts = st.lists(st.tuples(words, st.sampled_from([" ", "\n", "\n\n", "\n \n", "  "])), max_size=60)


@settings(deadline=None)
@given(texts, st.lists(words, min_size=1, max_size=3))
def test_no_text_keeps_what_was_forgotten(
    parts: list[tuple[str, str]], pattern_words: list[str]
) -> None:
    """Passages joined are the text; without those that hold a text, it stands nowhere, not even
    where two that were apart meet."""
    text = "".join(word + gap for word, gap in parts)
    pattern = fold(" ".join(pattern_words))
    assert "".join(passages(text)) == text
    left, gone = without(text, lambda found: containing(found, pattern))
    assert pattern not in fold(left)
    assert bool(gone) == (pattern in fold(text))


@pytest.mark.parametrize("character", [".", ")", " ", "a", "\n", ". ", ".) ", "\x0c\n"])
def test_cutting_into_passages_takes_linear_time(character: str) -> None:
    """A megabyte of one character; joined, the passages are the text."""
    text = "x" + character * (1_000_000 // len(character))
    began = time.process_time()
    assert "".join(passages(text)) == text
    assert time.process_time() - began < 10
