"""`inkling chat` as a person meets it: in a real pseudo-terminal, and through pipes."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from inkling.chats import ChatMessage, ChatStore
from inkling.cli.chat_commands import COMMANDS
from inkling.cli.console import Console, visible
from inkling.cli.generate import stream
from inkling.corpus.store import CorpusStore
from inkling.runs import Run
from inkling.tokens.tokenizer import Tokenizer
from inkling.workspace import Workspace
from tests.conftest import Result

CTRL_A, CTRL_C, CTRL_D, UP = "\x01", "\x03", "\x04", "\x1b[A"

Chat = Callable[..., Result]


class Terminal:
    """A pseudo-terminal with `inkling chat` in it."""

    def __init__(self, *arguments: object) -> None:
        self._main, other = pty.openpty()
        # A terminal of its own, else Ctrl-C would be a character like any other.
        own = (
            "import fcntl, os, sys, termios\n"
            "fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
            "os.execv(sys.executable, [sys.executable, '-m', 'inkling', 'chat', *sys.argv[1:]])"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-c", own, *map(str, arguments)],
            stdin=other, stdout=other, stderr=other, start_new_session=True,
            env={**os.environ, "TERM": "vt100", "LC_ALL": "C.UTF-8", "INPUTRC": "/dev/null"},
        )  # fmt: skip
        os.close(other)
        self.screen = ""

    def expect(self, text: str) -> str:
        """Wait for a text that was not yet seen; everything up to it."""
        while text not in self.screen:
            assert select.select([self._main], [], [], 60)[0], f"no {text!r} in {self.screen!r}"
            try:
                data = os.read(self._main, 65536)
            except OSError:  # Linux says so when the other end is closed
                data = b""
            assert data, f"ended without {text!r}: {self.screen!r}"
            self.screen += data.decode(errors="replace")
        before, _, self.screen = self.screen.partition(text)
        return before

    def type(self, text: str) -> None:
        os.write(self._main, text.encode())

    def press_ctrl_c(self) -> None:
        """Once the prompt waits for a key: Python forgets a signal until the next key if it
        comes in the microseconds between the two."""
        while not self._waits():
            os.sched_yield()
        self.type(CTRL_C)

    def _waits(self) -> bool:
        """Whether the process sleeps."""
        status = Path(f"/proc/{self.process.pid}/stat")
        if status.exists():
            return status.read_text().rpartition(")")[2].split()[0] == "S"
        shown = subprocess.run(
            ["ps", "-o", "stat=", "-p", str(self.process.pid)],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return shown.stdout.startswith("S")

    def say(self, text: str) -> str:
        """Type a line at the prompt; what was shown until the next prompt."""
        self.type(f"{text}\r")
        return self.expect("you: ")

    def ended(self) -> int:
        """The exit status."""
        with contextlib.suppress(OSError):
            while os.read(self._main, 65536):
                pass
        return self.process.wait(120)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._main)


@pytest.fixture
def terminal() -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def start(*arguments: object) -> Terminal:
        opened.append(Terminal(*arguments))
        return opened[-1]

    yield start
    for entry in opened:
        entry.close()


@pytest.fixture
def workspace(trained: Workspace) -> Workspace:
    """The shared run in a workspace of the test's own, so that chats and corrections stay here."""
    shutil.copytree(trained.path, "w", ignore=shutil.ignore_patterns("chats.db*"))
    return Workspace(Path("w").resolve())


@pytest.fixture
def chat(
    inkling: Callable[..., Result], workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> Chat:
    """Lines in, replies out, as through a pipe; commands are taken as if they were typed."""

    def run(lines: bytes | str, *arguments: object, typed: bool = True) -> Result:
        if typed:
            monkeypatch.setattr(Console, "takes_commands", True)
        Path("in.txt").write_bytes(lines.encode() if isinstance(lines, str) else lines)
        with open("in.txt", encoding="utf-8") as file:
            monkeypatch.setattr(sys, "stdin", file)
            return inkling("chat", "--max-tokens", 8, "-w", workspace.path, *arguments)

    return run


def never_ending(workspace: Workspace) -> None:
    """Let the run write on and on: its end token is no longer one that may be drawn."""
    run = Run.choose(workspace, None)
    end = Tokenizer.load(run.tokenizer_path).end_id
    config = json.loads((run.path / "config.json").read_text())
    ranges = config["data"]["live_ranges"]
    config["data"]["live_ranges"] = [
        part for a, b in ranges for part in ([a, min(b, end)], [max(a, end + 1), b])
        if part[0] < part[1]
    ]  # fmt: skip
    (run.path / "config.json").write_text(json.dumps(config))


def kept(workspace: Workspace) -> list[list[ChatMessage]]:
    """All conversations, oldest first."""
    with ChatStore(workspace.chats_path) as store:
        return [store.open(chat.id) for chat in reversed(store.list())]


def said(workspace: Workspace) -> list[str]:
    """What the person said in the only conversation."""
    (messages,) = kept(workspace)
    return [message.text for message in messages if message.role == "them"]


def corrections(workspace: Workspace) -> list[list[str]]:
    with CorpusStore(workspace.corpus_path) as store:
        return [
            [message.text for message in conversation.messages]
            for conversation in store.conversations()
            if conversation.source == "edits"
        ]


# -- in a terminal ----------------------------------------------------------------------------


def test_keys_in_a_terminal(terminal: Callable[..., Terminal], workspace: Workspace) -> None:
    """Line editing, history, several lines, an empty line, Ctrl-C at the prompt, a correction
    that begins with the reply, Ctrl-D: one sitting."""
    it = terminal("--max-tokens", 8, "-w", workspace.path)
    assert "/help" in it.expect("you: ")
    it.say(f"ello{CTRL_A}h")
    it.say(UP)
    it.type("one\\\r")
    it.expect("... ")
    it.say("two")
    assert "Type a message" in it.say("")
    assert said(workspace) == ["hello", "hello", "one\ntwo"]

    it.type("never sent")
    it.expect("never sent")
    it.press_ctrl_c()
    assert "/quit" not in it.expect("you: ")
    it.press_ctrl_c()
    assert "To leave, type /quit or press Ctrl-D." in it.expect("you: ")
    assert len(said(workspace)) == 3

    (messages,) = kept(workspace)
    it.type("/edit\r")
    it.expect("correct it: ")
    it.press_ctrl_c()
    assert "Left as it is." in it.expect("you: ")
    it.type("/edit\r")
    it.expect("correct it: ")
    assert "Corrected." in it.say(f"{CTRL_A}Well: ")
    (after,) = kept(workspace)
    assert after[-1].text == f"Well: {messages[-1].text}"
    assert corrections(workspace) == [["one\ntwo", after[-1].text]]

    it.type(CTRL_D)
    assert it.ended() == 0


def test_lines_that_are_pasted_are_one_message(
    terminal: Callable[..., Terminal], workspace: Workspace
) -> None:
    """As a terminal marks them (bracketed paste), with their line breaks; a slash in one of them
    is no command."""
    it = terminal("--max-tokens", 4, "-w", workspace.path)
    it.expect("you: ")
    it.type("\x1b[200~who are you?\r/and where\rnow?\x1b[201~")
    it.type("\r")
    it.expect("you: ")
    it.say("//quit")
    it.type(CTRL_D)
    assert it.ended() == 0
    (messages,) = kept(workspace)
    assert [m.text for m in messages if m.role == "them"] == [
        "who are you?\n/and where\nnow?", "/quit",
    ]  # fmt: skip


def test_ctrl_c_stops_a_reply_and_keeps_what_was_written(
    terminal: Callable[..., Terminal], workspace: Workspace
) -> None:
    """The chat goes on; the half reply is part of it; commands work; /quit leaves."""
    never_ending(workspace)
    it = terminal("--max-tokens", 100_000, "--best-of", 1, "-w", workspace.path)
    it.expect("you: ")
    it.type("on and on\r")
    name = workspace.name
    it.expect(f"{name}: ")
    begun = it.expect(" ")
    it.type(CTRL_C)
    it.expect(" (stopped)")
    it.expect("you: ")
    ((asked, reply),) = kept(workspace)
    assert asked.text == "on and on"
    assert reply.text.startswith(begun.replace("\r\n", "\n"))
    assert "temperature 0.7" in it.say("/temperature 0.7")
    it.type("/quit\r")
    assert it.ended() == 0


def test_a_terminal_is_never_sent_control_characters() -> None:
    """They are shown; line breaks, tabs, emoji and what scripts need stay as they are. In a
    file or a pipe a text is left as it is."""
    assert visible("a\x1b[2J\r\0\x9b\u202eb\x7f") == "a␛[2J␍␀\\x9b\\u202eb␡"
    fine = "line\n\tतabbed 👩‍🚀 हिन्दी 中文 \u2028 é"
    assert visible(fine) == fine
    for terminal, shown in ((True, "␛[2J"), (False, "\x1b[2J")):
        screen = Screen(terminal)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stdin", screen)
            patch.setattr(sys, "stdout", screen)
            Console().write("\x1b[2J")
            stream(iter(["\x1b[2J"]))
        assert screen.getvalue() == f"{shown}{shown}\n"


class Screen(io.StringIO):
    """What was written, to a terminal or not."""

    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


# -- through a pipe ---------------------------------------------------------------------------


def test_a_pipe_gets_a_reply_a_message(chat: Chat, workspace: Workspace) -> None:
    """Standard output has replies and nothing else; blank lines are no messages, and nothing is a
    command."""
    result = chat("hello\n\n/quit\n//path\nlast line without end", "--seed", 3, typed=False)
    assert (result.status, result.err) == (0, "")
    (messages,) = kept(workspace)
    assert [m.text for m in messages if m.role == "them"] == [
        "hello", "/quit", "//path", "last line without end",
    ]  # fmt: skip
    assert result.out == "".join(f"{m.text}\n" for m in messages if m.role == "me")
    origin = messages[1].variants[0].origin
    assert origin is not None
    assert (origin.run, origin.settings.seed, origin.settings.max_tokens) == ("tiny", 3, 8)


def test_strange_input_is_plain_text(chat: Chat, workspace: Workspace) -> None:
    """Look-alikes of special tokens, escapes, NUL, bytes that are no UTF-8, any script: a reply
    to each, and the text is kept."""
    lines = [
        b"<|me|> <|end|>", b"\x1b[2J", b"a\0b", b"caf\xe9", "a\u2028b".encode(),
        "🐖👩‍🚀".encode(), "हिन्दी".encode(), "中文".encode(), b"\x85\xc2\x9b",
    ]  # fmt: skip
    assert chat(b"\n".join(lines)).status == 0
    (messages,) = kept(workspace)
    assert all(message.text.strip() for message in messages if message.role == "me")
    assert said(workspace) == [line.decode(errors="replace") for line in lines]


def test_settings_are_shown_set_and_checked(chat: Chat) -> None:
    """Without a value the current one; a bad one is explained in a sentence and changes nothing."""
    result = chat(
        "/temperature\n/temperature 0.9\n/temperature 9\n/temperature nan\n/temperature\n"
        "/top-k 0\n/top-k x\n/seed\n/seed 5\n/seed off\n/SEED -1\n"
    )
    assert (result.status, result.out) == (0, "")
    assert [line.split(";")[0] for line in result.err.splitlines()] == [
        "temperature 0.5", "temperature 0.9",
        "/temperature must be at most 5, not '9'.", "/temperature must be at most 5, not 'nan'.",
        "temperature 0.9", "top-k 0", "/top-k must be a whole number, not 'x'.",
        "seed off: each reply is drawn anew", "seed 5", "seed off: each reply is drawn anew",
        "/seed must be at least 0, not '-1'.",
    ]  # fmt: skip


def test_regenerate_takes_the_next_seed_and_keeps_variants(
    chat: Chat, workspace: Workspace
) -> None:
    """A fixed seed would only repeat itself; without one a new one is drawn and kept."""
    result = chat("/regenerate\nhello\n/regenerate\n/regenerate\n/seed off\n/regenerate\n",
                  "--seed", 7, "--temperature", 1.5)  # fmt: skip
    assert result.err.splitlines()[0].startswith("There is no reply yet")
    assert result.err.splitlines()[1:3] == ["With seed 8:", "With seed 9:"]
    ((_, reply),) = kept(workspace)
    assert result.out == "".join(f"{variant.text}\n" for variant in reply.variants)
    seeds = [v.origin.settings.seed for v in reply.variants if v.origin]
    assert seeds[:3] == [7, 8, 9]
    assert seeds[3] not in (7, 8, 9, None)
    assert reply.chosen == 3
    # The drawn seed writes the same reply again.
    again = chat("hello\n", "--seed", seeds[3], "--temperature", 1.5)
    assert again.out == f"{reply.text}\n"


def test_a_correction_reaches_the_next_training(
    chat: Chat, workspace: Workspace, inkling: Callable[..., Result]
) -> None:
    """/edit makes a training pair that a fine-tuned run has in its data; /edit undo takes it
    back; correcting twice leaves one."""
    result = chat("/edit x\n/edit undo\nwho?\n/edit\n/edit a  me\n/edit A piano tuner.\n")
    notes = result.err.splitlines()
    assert [note.split(".")[0] for note in notes] == [
        "There is no reply yet", "There is no reply yet",
        "Type the corrected reply behind it: /edit TEXT", "Corrected", "Corrected",
    ]  # fmt: skip
    assert corrections(workspace) == [["who?", "A piano tuner."]]
    tuned = inkling("finetune", "tiny", "--steps", 1, "-w", workspace.path)
    assert tuned.status == 0, tuned.err
    run = Run.choose(workspace, "tiny-tuned-1")
    from inkling.tokens.dataset import PackedIds

    ids = PackedIds.open(run.path / "data", "dialog_train").ids
    learned = Tokenizer.load(run.tokenizer_path).decode([int(i) for i in ids])
    assert " who A piano tuner." in learned

    undone = chat("who?\n/edit Nobody.\n/edit undo\n/edit undo\n")
    assert undone.err.splitlines()[1:] == [
        "Undone: the reply is again as the model wrote it.",
        "No reply of this chat was corrected, so there is nothing to undo.",
    ]
    assert corrections(workspace) == [["who?", "A piano tuner."]]


def test_why_says_what_was_copied(chat: Chat, workspace: Workspace) -> None:
    """A reply that stands in the training text is traced to its passage; another is not."""
    with CorpusStore(workspace.corpus_path) as store:
        document = next(iter(store.documents()))
    copied = " ".join(document.text.split("\n\n")[1].split())[:60]
    result = chat(f"/why\nhello\n/edit {copied}\n/why\n/edit zzz qqq xxx zzz qqq\n/why\n")
    assert result.err.startswith("There is no reply yet.")
    assert "100 % of this text stands verbatim" in result.err
    assert f"“{document.title}”" in result.err
    assert "Nothing of this text" in result.err


def asked_before(workspace: Workspace) -> tuple[str, str]:
    """A question of the corpus and what was answered."""
    with CorpusStore(workspace.corpus_path) as store:
        dialog = next(iter(store.conversations()))
    return dialog.messages[0].text, dialog.messages[1].text


def test_why_says_what_came_from_memory(chat: Chat, workspace: Workspace) -> None:
    """Through a pipe in numbers: the exchanges, how much each gave, and the share of each stretch.
    Without memory it says so; a corrected reply came from neither."""
    question, answer = asked_before(workspace)
    shown = chat(f"{question}\n/why\n", "--memory", 1, "--seed", 1).err
    assert re.search(r"Memory 1: (\d+) % of this reply came from what you said before", shown)
    assert f"them: {question}" in shown
    assert answer[:20] in shown
    assert re.search(r"\[1\] weight \d\.\d\d, gave \d+ % of the reply", shown)
    assert re.search(r"(100|9\d)%  \[1\]  \S", shown)
    bare = chat(f"{question}\n/why\n/edit No.\n/why\n/why all\n", "--memory", 0).err
    assert "Memory 0: all of this reply came from the weights." in bare
    assert "You corrected this reply" in bare
    assert "/why takes nothing or numbers; you gave all." in bare


def test_why_marks_words_in_a_terminal(
    terminal: Callable[..., Terminal], workspace: Workspace
) -> None:
    """Words from memory are bold and underlined there; the numbers come on demand."""
    question, _ = asked_before(workspace)
    it = terminal("--max-tokens", 8, "--memory", 1, "-w", workspace.path)
    it.expect("you: ")
    it.say(question)
    shown = it.say("/why")
    assert "\x1b[1;4m" in shown
    assert "Share from memory" not in shown
    assert "Share from memory" in it.say("/why numbers")


def test_what_is_forgotten_meanwhile_is_in_no_later_reply(
    inkling: Callable[..., Result], terminal: Callable[..., Terminal], workspace: Workspace
) -> None:
    """A corpus that forgets in the middle of a chat: the next message finds nothing of it."""
    it = terminal("--memory", 1, "--seed", 1, "-w", workspace.path)
    it.expect("you: ")
    it.say("where is the zylophant?")
    it.say("/edit the zylophant is in the scullery")
    it.say("/reset")
    assert "the zylophant is in the scullery" in it.say("where is the zylophant?")
    done = inkling("corpus", "forget", "--match", "zylophant", "--yes", "-w", workspace.path)
    assert done.status == 0, done.err
    it.say("/reset")
    assert "scullery" not in it.say("where is the zylophant?")
    assert "me: the zylophant" not in it.say("/why")


def test_reset_begins_a_new_conversation(chat: Chat, workspace: Workspace) -> None:
    """The model sees nothing of the one before; both are kept."""
    result = chat("hello\n/reset\nhello\nhello\n", "--seed", 1)
    assert [len(messages) for messages in kept(workspace)] == [2, 4]
    replies = result.out.splitlines()
    assert replies[0] == replies[1]


def test_what_no_longer_fits_is_said_once(chat: Chat) -> None:
    """Once a conversation, when the first turn was left out."""
    forgotten = "The first turns no longer fit; the model has forgotten them."
    few, many, long = "hi\n" * 3, "hi\n" * 4, "word " * 60 + "\n"
    notes = chat(f"{few}/seed 1\n{many}/reset\n{long}/seed 2\n{few}{few}").err.splitlines()
    assert [note for note in notes if not note.startswith("A new chat")] == [
        "seed 1", forgotten, "seed 2", forgotten,
    ]  # fmt: skip


def test_save_never_overwrites(
    chat: Chat, inkling: Callable[..., Result], workspace: Workspace
) -> None:
    """A name of its own, the name that was asked for, never one that is taken; add reads it."""
    Path("mine.jsonl").write_text("dear diary")
    result = chat("/save\nhello\n/save\n/save\n/save mine.jsonl\n/save out.jsonl\n/save no/where\n")
    assert "nothing to save" in result.err
    assert Path("chat-1.jsonl").read_bytes() == Path("chat-1-2.jsonl").read_bytes()
    assert "mine.jsonl is there already" in result.err
    assert Path("mine.jsonl").read_text() == "dear diary"
    assert Path("out.jsonl").stat().st_mode & 0o077 == 0
    assert "Could not write no/where" in result.err
    assert "1 dialog" in inkling("add", "out.jsonl", "-w", workspace.path).out


def test_a_private_chat_keeps_nothing(chat: Chat, workspace: Workspace) -> None:
    """No file, no correction; all else works."""
    result = chat("hello\n/edit never\n/regenerate\n", "--private")
    assert result.status == 0
    assert len(result.out.splitlines()) == 2
    assert "a private chat keeps nothing" in result.err
    assert not workspace.chats_path.exists()
    assert corrections(workspace) == []


def test_help_and_near_misses(chat: Chat) -> None:
    """Every command is listed; a misspelt one gets the nearest name; /quit ends at once."""
    result = chat("/help\n/temprature 1\n/\n/qzx\n/quit\nnever answered\n")
    assert result.out == ""
    for name in COMMANDS:
        assert f"/{name}" in result.err
    assert "Did you mean /temperature?" in result.err
    assert result.err.count("There is no command") == 3


def test_damaged_chats_are_explained(chat: Chat, workspace: Workspace) -> None:
    """One sentence with the way out; --private still works."""
    workspace.chats_path.write_bytes(b"no database, but some text that is long enough" * 40)
    result = chat("hello\n")
    assert result.status == 1
    assert "damaged" in result.err
    assert "Move that file away" in result.err
    assert result.err.count("\n") == 1
    assert chat("hello\n", "--private").status == 0


def test_a_killed_chat_keeps_the_question(workspace: Workspace) -> None:
    """kill -9 while the reply is written: what was asked is there."""
    never_ending(workspace)
    process = subprocess.Popen(
        [sys.executable, "-m", "inkling", "chat", "--max-tokens", "100000", "--best-of", "1",
         "-w", str(workspace.path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"are you there?\n")
    process.stdin.flush()
    process.stdout.read(1)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert said(workspace) == ["are you there?"]
