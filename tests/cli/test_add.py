"""`inkling add` and `corpus who`: the preview, the questions, names remembered, odd paths."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import inkling as library
from inkling.cli import add as add_command
from inkling.corpus.document import Document, Dropped, Message
from inkling.corpus.importers import read_path
from inkling.corpus.importing import registry
from inkling.corpus.importing.importer import (
    Claim,
    ImportedChat,
    ImportedRecord,
    Importer,
    ReadOptions,
)
from inkling.corpus.importing.tree import Tree
from inkling.corpus.store import CorpusStore
from inkling.errors import CorpusError, UsageError
from inkling.workspace import Workspace
from tests.conftest import Result

Inkling = Callable[..., Result]

TALK = (
    "2024-01-01T10:00:00|Cleo|are you there\n2024-01-01T10:01:00|Ada|always, where else\n"
    "2024-01-01T10:02:00|system|Cleo left\n2024-01-01T10:03:00|Ada|well\n"
)


def _claims(tree: Tree) -> Iterable[Claim]:
    for file in tree.matching("*.talk"):
        yield Claim(frozenset([file.path]), 0.9, f"Talk in {file.name}")


def _read(tree: Tree, claim: Claim, options: ReadOptions) -> Iterator[ImportedRecord]:
    for file in tree.only(claim.files).files:
        people: dict[str, str] = {}

        def messages() -> Iterator[Message | Dropped]:
            for number, line in enumerate(file.read().decode().splitlines(), start=1):  # noqa: B023
                time, name, text = line.split("|")
                if name == "system":
                    yield Dropped("system notice", f"{file.path}:{number}")  # noqa: B023
                else:
                    people[name.lower()] = name  # noqa: B023
                    yield Message(name.lower(), options.is_me(name), text, timestamp=time)

        yield ImportedChat(
            file.path,
            file.path,
            messages(),
            file.name,
            group="group" in file.name,
            me_known=False,
            people=people,
        )


TALKS = Importer("talks", "Talks", "chats", "Press the button.", _claims, _read)


class OfAPackage:
    """An entry point as a package has it."""

    dist = None
    name, value = "talks", "tests"

    def load(self) -> Importer:
        return TALKS


@pytest.fixture
def talks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Another package's importer is installed."""
    monkeypatch.setattr(registry, "entry_points", lambda group: [OfAPackage()])
    registry.importers.cache_clear()
    yield
    registry.importers.cache_clear()


@pytest.fixture
def at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Somebody types these lines."""

    def typing(lines: str) -> None:
        monkeypatch.setattr(add_command, "is_terminal", lambda stream: True)
        monkeypatch.setattr("sys.stdin", io.StringIO(lines))

    return typing


def stored(workspace: str = "w") -> list[tuple[bool, str]]:
    with CorpusStore(Path(workspace) / "corpus.db") as store:
        return [(m.is_me, m.text) for c in store.conversations() for m in c.messages]


@pytest.mark.usefixtures("talks")
def test_a_name_is_needed_listed_and_remembered(inkling: Inkling) -> None:
    """One sentence with the names; then they hold for the next export as well."""
    inkling("init", "w")
    Path("a.talk").write_text(TALK)
    refused = inkling("add", "a.talk", "-w", "w")
    assert refused.status == 2
    assert refused.err == (
        "inkling: Which name in a.talk (Talks) is yours? Found: Ada (2), Cleo (1). "
        'Say it with --me "NAME".\n'
    )
    assert stored() == []
    added = inkling("add", "a.talk", "--me", " ada ", "-w", "w")
    assert "1 dialog of 3 messages" in added.out
    assert "left out 1: system notice (e.g. a.talk:3)" in added.out
    assert inkling("corpus", "who", "-w", "w").out == "talks: ada\n"
    Path("a.talk").write_text(f"{TALK}2024-01-01T10:04:00|Cleo|so\n")
    result = json.loads(inkling("add", "a.talk", "-w", "w", "--json").out)[
        str(Path("a.talk").resolve())
    ]
    assert (result["messages"], result["messages_there"], result["found"]) == (1, 3, 5)
    assert [me for me, _ in stored()] == [False, True, True, False]


def test_a_name_that_fits_is_remembered_of_every_source(inkling: Inkling) -> None:
    """Also of those that then say themselves who the author is: the next export is not asked of."""
    inkling("init", "w")
    chat = "[05.01.24, 09:12:01] Cleo: hi\n[05.01.24, 09:13:10] Ada: moin\n"
    thread = {
        "participants": [{"name": "Cleo"}, {"name": "Ada"}],
        "messages": [
            {"sender_name": name, "timestamp_ms": 1700000000000, "content": "hi"}
            for name in ("Cleo", "Ada")
        ],
        "thread_path": "inbox/cleo_1",
    }
    Path("_chat.txt").write_text(chat)
    Path("messages/inbox/cleo_1").mkdir(parents=True)
    Path("messages/inbox/cleo_1/message_1.json").write_text(json.dumps(thread))
    for source in ("_chat.txt", "messages"):
        assert inkling("add", source, "--me", "Ada", "-w", "w").status == 0
        again = inkling("add", source, "-w", "w")
        assert "2 messages already there" in again.out, again.err
    assert inkling("corpus", "who", "-w", "w").out == "messenger: Ada\nwhatsapp: Ada\n"


@pytest.mark.usefixtures("talks")
def test_a_wrong_name_is_told_and_put_right(inkling: Inkling) -> None:
    """Nobody's, which is not remembered; then the right one corrects what is stored."""
    inkling("init", "w")
    Path("a.talk").write_text(TALK)
    wrong = inkling("add", "a.talk", "--me", "Wilma", "-w", "w")
    assert "in 1 chat none of the messages is yours (a.talk)" in wrong.out
    assert "No names are kept" in inkling("corpus", "who", "-w", "w").out
    assert inkling("corpus", "-w", "w", "who", "Ada", "Ada L", "--for", "talks").out.startswith(
        "talks: Ada, Ada L\n"
    )
    corrected = inkling("add", "a.talk", "-w", "w").out
    assert "2 messages corrected" in corrected
    assert "extended by new messages" not in corrected
    assert sum(me for me, _ in stored()) == 2
    assert json.loads(inkling("corpus", "who", "-w", "w", "--json").out) == {
        "talks": ["Ada", "Ada L"]
    }
    inkling("corpus", "who", "--clear", "--for", "talks", "-w", "w")
    assert inkling("corpus", "who", "--for", "nothing", "-w", "w").status == 2


@pytest.mark.usefixtures("talks")
def test_a_person_sees_what_was_found_and_is_asked_once(
    inkling: Inkling, at_a_terminal: Callable[[str], None]
) -> None:
    """Counts, dates, people, samples, what is left out; who is me by number; no adds nothing."""
    inkling("init", "w")
    Path("mine").mkdir()
    Path("mine/a.talk").write_text(TALK)
    Path("mine/note.txt").write_text("A note about a pier. ada@example.org, bo@example.org")
    Path("mine/photo.jpg").write_bytes(b"\xff")
    at_a_terminal("nobody\n1\nn\n")
    no = inkling("add", "mine", "-w", "w")
    assert "Nobody is called nobody." in no.out
    assert "Nothing was added." in no.out
    assert (stored(), inkling("corpus", "who", "-w", "w").out[:8]) == ([], "No names")
    at_a_terminal("ADA\ny\n")
    yes = inkling("add", "mine", "-w", "w")
    for words in (
        "Talk in a.talk (Talks)", "3 messages in 1 chat, 35 characters, 2024-01-01",
        "people: Ada (you) 2, Cleo 1", "for example: are you there", "left out 1: system notice",
        "1 document, 52 characters", "masked when it is learned: 2 mail addresses",
        "left out 1: not a format that Inkling reads (.jpg)",
        "for example: A note about a pier. ada@", "1 document and 1 dialog of 3 messages",
    ):  # fmt: skip
        assert words in yes.out, (words, yes.out)
    assert sum(me for me, _ in stored()) == 2
    assert inkling("corpus", "who", "-w", "w").out == "talks: Ada\n"


@pytest.mark.usefixtures("talks")
def test_of_groups_it_is_said_that_they_are_not_learned(
    inkling: Inkling, at_a_terminal: Callable[[str], None]
) -> None:
    """Before they are added, with the option that learns them."""
    inkling("init", "w")
    Path("mine").mkdir()
    Path("mine/group.talk").write_text(TALK)
    Path("mine/two.talk").write_text(TALK)
    at_a_terminal("Ada\nn\n")
    shown = inkling("add", "mine", "-w", "w").out
    assert "1 chat of more than two: learned only with inkling train --groups" in shown


@pytest.mark.usefixtures("talks")
def test_nobody_is_asked_with_yes(inkling: Inkling, at_a_terminal: Callable[[str], None]) -> None:
    """Nor with --json."""
    inkling("init", "w")
    Path("note.txt").write_text("A note about a pier.")
    at_a_terminal("")
    assert "1 document" in inkling("add", "note.txt", "--yes", "-w", "w").out
    assert json.loads(inkling("add", "note.txt", "--json", "-w", "w").out)


@pytest.mark.usefixtures("talks")
def test_a_source_can_be_named(inkling: Inkling) -> None:
    """`--as`, whatever the file is called; a wrong name lists the right ones."""
    inkling("init", "w")
    Path("talk.txt").write_text(TALK)
    assert "1 dialog" in inkling("add", "talk.txt", "--as", "talks", "--me", "Ada", "-w", "w").out
    refused = inkling("add", "talk.txt", "--as", "klingon", "-w", "w")
    assert (refused.status, "talks" in refused.err) == (2, True)


def test_a_source_that_is_named_and_is_another(inkling: Inkling) -> None:
    """A file that the named source does not write is no empty file."""
    inkling("init", "w")
    Path("talk.txt").write_text("It rains.")
    refused = inkling("add", "talk.txt", "--as", "instagram", "-w", "w")
    assert (refused.status, "1 × not as Instagram writes it" in refused.err) == (1, True)
    with zipfile.ZipFile("wa.zip", "w") as packed:
        packed.writestr("_chat.txt", "[01/02/2024, 10:00:00] Cleo: hello\n")
    refused = inkling("add", "wa.zip", "--as", "telegram", "-w", "w")
    assert (refused.status, "(1 × not as Telegram writes it)" in refused.err) == (1, True)


def test_encodings_are_told_and_can_be_named(inkling: Inkling) -> None:
    """A guess stands in the result; a name that Python does not know is refused."""
    inkling("init", "w")
    text = "Мама мыла раму. Сегодня мы ходили на море."
    Path("a.txt").write_bytes(text.encode("koi8_r"))
    assert "read as KOI8-R, which is a guess" in inkling("add", "a.txt", "-w", "w").out
    told = inkling("add", "a.txt", "--encoding", "cp1251", "-w", "w")
    assert "guess" not in told.out
    assert "1 older version replaced" in told.out
    assert inkling("add", "a.txt", "--encoding", "klingon", "-w", "w").status == 2


def test_odd_names_end_nothing(inkling: Inkling) -> None:
    """Bytes that are no text, in a folder and as the path itself, listed and in JSON."""
    inkling("init", "w")
    made = inkling("init", os.fsdecode(b"w\xe9"))
    assert (made.status, made.err) == (0, "")
    os.mkdir(b"notes\xe9")
    Path(os.fsdecode(b"notes\xe9/caf\xe9.txt")).write_text("words one")
    Path(os.fsdecode(b"notes\xe9/-a\nb'\".txt")).write_text("words two")
    added = inkling("add", os.fsdecode(b"notes\xe9"), "-w", "w")
    assert added.status == 0, added.err
    assert "notes\\xe9: 2 documents" in added.out
    assert inkling("add", os.fsdecode(b"notes\xe9/caf\xe9.txt"), "-w", "w", "--json").status == 0
    for command in (
        ("corpus",),
        ("corpus", "show"),
        ("corpus", "--json"),
        ("corpus", "show", "--json"),
    ):
        listed = inkling(*command, "-w", "w")
        assert listed.status == 0, listed.err
    assert "caf\\xe9.txt" in inkling("corpus", "show", "-w", "w").out
    assert inkling("add", os.fsdecode(b"no\xe9"), "-w", "w").err.endswith("spelling of the path.\n")


def test_an_archive_is_added_as_it_is(inkling: Inkling) -> None:
    """Its files, not itself."""
    inkling("init", "w")
    with zipfile.ZipFile("export.zip", "w") as archive:
        archive.writestr("posts/a.md", "---\ntitle: Soup\n---\nGreen soup.")
        archive.writestr("__MACOSX/posts/._a.md", "x")
    assert "1 document, 11 characters" in inkling("add", "export.zip", "-w", "w").out
    assert "Soup (posts/a.md)" in inkling("corpus", "show", "-w", "w").out


def test_the_library_call_takes_one_name_or_several() -> None:
    """And refuses a blank one."""
    workspace = Workspace.create(Path("w"))
    Path("a.txt").write_text("Bo: hi\nAda: yes\n\nBo: ho\nWilma: so\n")
    (result,) = library.add(workspace, [Path("a.txt")], me=["Ada", "wilma"]).values()
    assert result.conversations == 2
    (result,) = library.add(workspace, [Path("a.txt")], me="Ada").values()
    assert result.already_there == 1
    with pytest.raises(UsageError, match="--me needs a name"):
        library.add(workspace, [Path("a.txt")], me=" ")


def test_a_broken_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """One whose importer cannot be loaded, and one with a name that is taken."""

    class _Again(OfAPackage):
        def load(self) -> Importer:
            return Importer("files", "x", "both", "", _claims, _read)

    for point in (EntryPoint("odd", "nowhere_at_all:IMPORTER", registry.GROUP), _Again()):
        monkeypatch.setattr(registry, "entry_points", lambda group, point=point: [point])
        registry.importers.cache_clear()
        with pytest.raises(CorpusError, match="uninstall"):
            registry.importers()
    registry.importers.cache_clear()


def test_notes_of_other_programs_are_screened(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chat pasted into one is not taken for writing; a post of one's own is what it is."""
    log = "[10:11] <Jan> hi\n[10:12] <Ada> hello\n"

    def read(tree: Tree, claim: Claim, options: ReadOptions) -> Iterator[ImportedRecord]:
        yield Document(log, "a.talk", document_id="1")

    Path("a.talk").write_text("x")
    for free_text, kind in ((True, Dropped), (False, Document)):
        notes = Importer("notes", "Notes", "writing", "", _claims, read, free_text)
        monkeypatch.setattr(registry, "importers", lambda notes=notes: (notes,))
        (record,) = read_path(Path("a.talk"))
        assert isinstance(record, kind)
    assert record.document_id == "notes:1"


def test_the_surest_claim_wins() -> None:
    """File by file, the first of two that are equally sure."""
    one, two = (Importer(name, name, "both", "", _claims, _read) for name in ("one", "two"))
    found = registry.surest([
        (one, Claim(frozenset("ab"), 0.5, "")), (two, Claim(frozenset("bc"), 0.9, "")),
        (two, Claim(frozenset("a"), 0.5, "")),
    ])  # fmt: skip
    assert [(importer.name, sorted(claim.files)) for importer, claim in found] == [
        ("one", ["a"]), ("two", ["b", "c"]),
    ]  # fmt: skip


def test_an_inkling_toml_with_a_mark_is_read(inkling: Inkling) -> None:
    """As Notepad saves it."""
    inkling("init", "w")
    Path("w/inkling.toml").write_bytes(b'\xef\xbb\xbfversion = 1\nname = "Bo"\n')
    assert Workspace(Path("w").resolve()).name == "Bo"


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "-c", code], capture_output=True, text=True, check=False)


def test_a_deleted_folder_and_a_closed_output_end_in_a_sentence(inkling: Inkling) -> None:
    """No traceback, whatever the shell did."""
    inkling("init", "w")
    Path("a.txt").write_text("A note about a pier.")
    command = f"{sys.executable} -m inkling"
    gone = run(f"mkdir gone && cd gone && rmdir ../gone && {command} corpus")
    assert gone.returncode == 1
    assert gone.stderr.startswith("inkling: The folder that you are in")
    for closed in (">&-", "<&-", ">/dev/full"):
        done = run(f"{command} add a.txt -w w {closed}")
        assert "Traceback" not in done.stderr, done.stderr
        assert done.stderr == "" or done.stderr.startswith("inkling: ")
