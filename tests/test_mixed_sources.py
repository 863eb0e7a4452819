"""A newsletter's export, a WhatsApp chat and a Telegram export in one workspace: added, trained on,
chatted with; and of what other people wrote nothing is learned as the person's own."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from inkling.corpus.store import CorpusStore
from inkling.runs import Run
from inkling.tokens.dataset import PackedIds
from inkling.tokens.tokenizer import Tokenizer
from inkling.tracing.training_text import training_texts
from inkling.workspace import Workspace
from tests.conftest import DEMO, Result

Inkling = Callable[..., Result]

POSTS = 10
OTHERS = re.compile(
    r"quince|gooseberry|rhubarb|end-to-end|omitted|reader@|forwarded|medlar|unsubscribe", re.I
)
"""Words that only other people, or programs, say in these exports."""


def newsletter(path: Path) -> int:
    """Characters of the posts. Beside them: a draft, a podcast, quotes, lists of subscribers."""
    rows = ["post_id,post_date,is_published,type,audience,title,subtitle"]
    size = 0
    with zipfile.ZipFile(path, "w") as archive:
        for number, post in enumerate(sorted((DEMO / "posts").glob("*.md"))[:POSTS]):
            body = re.sub(r"\A---\n.*?\n---\n", "", post.read_text(), flags=re.DOTALL)
            paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", body)]
            paragraphs = [p for p in paragraphs if p and not p.startswith(("#", ">", "-", "*"))]
            size += len("\n\n".join(paragraphs))
            html = "".join(f"<p>{p.replace('&', '&amp;')}</p>" for p in paragraphs)
            quote = "<blockquote><p>A quince is no pear, says a reader.</p></blockquote>"
            widget = '<div class="subscription-widget"><p>unsubscribe</p></div>'
            archive.writestr(f"posts/{100 + number}.post-{number}.html", html + quote + widget)
            rows.append(
                f"{100 + number}.post-{number},2024-01-{number + 1:02}T08:00:00.000Z,true,"
                f"newsletter,everyone,Post {number},"
            )
        rows += ["200.draft,,false,newsletter,everyone,Draft,", "201.talk,,true,podcast,everyone,,"]
        archive.writestr("posts/200.draft.html", "<p>gooseberry draft</p>")
        archive.writestr("posts/201.talk.html", "<p>gooseberry talk</p>")
        archive.writestr("posts.csv", "\n".join(rows))
        archive.writestr("email_list.wilma.csv", "email\nreader@example.org\n")
    return size


def said() -> list[tuple[str, str]]:
    """(them or me, words) of the demo's dialogs."""
    turns = []
    for line in (DEMO / "dms.txt").read_text().splitlines():
        role, colon, words = line.partition(": ")
        if colon and role in ("them", "me"):
            turns.append((role, words))
    return turns[:240]


def whatsapp(path: Path, turns: list[tuple[str, str]]) -> None:
    lines = [
        "01/02/24, 08:59 - Messages and calls are end-to-end encrypted. No one outside of this "
        "chat, not even WhatsApp, can read or listen to them. Tap to learn more."
    ]
    for number, (role, words) in enumerate(turns):
        name = "Wilma" if role == "me" else "Cleo"
        words = words if role == "me" else f"{words} rhubarb"
        day, minute = divmod(number, 40)
        lines.append(f"{day + 1:02}/02/24, 09:{minute:02} - {name}: {words}")
    lines.append("28/02/24, 10:00 - Cleo: <Media omitted>")
    path.write_text("\n".join(lines) + "\n")


def telegram(path: Path, turns: list[tuple[str, str]]) -> None:
    messages: list[dict[str, Any]] = []

    def add(role: str, words: str, **more: Any) -> None:
        number = len(messages) + 1
        author = ("Wilma", "user1") if role == "me" else ("Amos", "user2")
        messages.append(
            {"id": number, "type": "message", "date_unixtime": str(1_710_000_000 + 60 * number),
             "from": author[0], "from_id": author[1], "text": words, **more}
        )  # fmt: skip

    for role, words in turns:
        add(role, words if role == "me" else f"{words} medlar")
    add("me", "forwarded words of somebody", forwarded_from="A channel")
    add("them", "", media_type="sticker", file="sticker.webp")
    chat = {"name": "Amos", "type": "personal_chat", "id": 2, "messages": messages}
    root = {"personal_information": {"user_id": 1}, "chats": {"list": [chat]}}
    path.write_text(json.dumps(root))


def test_three_sources_become_one_model(inkling: Inkling, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the exports to a reply, by the command line alone."""
    size = newsletter(Path("newsletter.zip"))
    turns = said()
    whatsapp(Path("WhatsApp Chat with Cleo.txt"), turns[:120])
    telegram(Path("result.json"), turns[120:])
    names = ("newsletter.zip", "WhatsApp Chat with Cleo.txt", "result.json")
    assert inkling("init", "w").status == 0

    added = inkling("add", *names, "-w", "w", "--json")
    assert added.status == 0, added.err
    posts, cleo, amos = (json.loads(added.out)[str(Path(name).resolve())] for name in names)
    assert (posts["documents"], posts["characters"]) == (POSTS, size)
    assert posts["dropped"] == {
        "quoted from someone else": POSTS, "a draft": 1, "a podcast": 1,
        "a list of subscribers, never opened": 1,
    }  # fmt: skip
    assert (cleo["messages"], amos["messages"]) == (120, 120)
    assert cleo["dropped"] == {"system notice": 1, "media without text": 1}
    assert sum(amos["dropped"].values()) == 2
    for result in (posts, cleo, amos):
        there = result["already_there"] + result["messages_there"]
        assert result["found"] == result["kept"] + there + sum(result["dropped"].values())
    again = json.loads(inkling("add", *names, "-w", "w", "--json").out)
    assert [result["kept"] for result in again.values()] == [0, 0, 0]

    workspace = Workspace(Path("w").resolve())
    with CorpusStore(workspace.corpus_path) as store:
        mine = [m.is_me for c in store.conversations() for m in c.messages]
        assert {person.name for person in store.people()} == {"Cleo", "Amos"}
    assert sum(mine) == sum(role == "me" for role, _ in turns)

    trained = inkling("train", "--steps", "12", "--no-plots", "-w", "w", "--name", "tiny")
    assert trained.status == 0, trained.err
    run = Run(workspace.run_path("tiny"))
    assert run.config().complete
    tokenizer = Tokenizer.load(run.tokenizer_path)
    texts = list(training_texts(PackedIds.open(run.data_path, "train"), tokenizer))
    assert {origin.kind for origin, _ in texts} == {"writing", "them", "me"}
    own = [text for origin, text in texts if origin.kind != "them"]
    assert [text for text in own if OTHERS.search(text)] == []
    heard = [text for origin, text in texts if origin.kind == "them"]
    # What is only heard, so that there is something to reply to.
    assert all(text.endswith(("rhubarb", "medlar")) for text in heard)
    whole = "\n".join(text for _, text in texts)
    assert not re.search(r"quince|gooseberry|omitted|reader@|forwarded|unsubscribe", whole, re.I)

    monkeypatch.setattr("sys.stdin", io.StringIO("are you there?\n"))
    chatted = inkling("chat", "--seed", "1", "-w", "w")
    assert chatted.status == 0, chatted.err
    assert chatted.out.strip()
