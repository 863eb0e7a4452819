"""How fast exports become a corpus, and in how much memory.

    scripts/bench import-speed [--messages 1000000] [--form FORM …] [--instructions]

Writes one export of so many messages in each form, adds it in a process of its own as
`inkling add` does, adds it again, and adds one that has grown by a hundredth. Seconds are of the
processor, peak memory is the largest resident size that the system counted. Memory is measured
with a tenth of the messages as well: what grows between the two grows with the export.

With `--instructions` it says instead how many instructions of the processor a message takes, as
valgrind counts them (Debian's package of that name), between 5,000 and 25,000 messages: a number
that no neighbour on the machine changes, to compare two versions by.

The goal is 100,000 messages a second for exports in JSON, and memory that does not grow.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from _common import machine

MEASURED = """
import json, resource, sys, time
from pathlib import Path
from inkling.workflows.add import add
from inkling.workspace import Workspace

workspace = Workspace.create(Path(sys.argv[1]))
began = time.process_time()
(result,) = add(workspace, [Path(sys.argv[2])], me="Ada").values()
seconds = time.process_time() - began
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
if sys.platform == "linux":  # where a process inherits the largest size of the one that began it
    status = Path("/proc/self/status").read_text()
    peak = int(status.split("VmHWM:")[1].split()[0]) * 1024
print(json.dumps({
    "found": result.found, "kept": result.kept, "seconds": seconds,
    "peak": peak,
}))
"""

WORDS = "the a sea pier soup rain kettle on of and to we you walk bread late why so ok yes no"

Said = tuple[datetime, str, str]


def talk(count: int) -> Iterator[Said]:
    """Messages of two people over years, a session of some dozens a day."""
    dealt, words = random.Random(0), WORDS.split()
    moment = datetime(2015, 1, 1, tzinfo=UTC)
    for number in range(count):
        pause = 40_000 if number % 50 == 0 else dealt.randint(5, 400)
        moment += timedelta(seconds=pause)
        text = " ".join(dealt.choices(words, k=dealt.randint(1, 16)))
        yield moment, "Ada" if dealt.random() < 0.5 else "Cleo", f"{text} {number}"


def write_jsonl(path: Path, count: int) -> None:
    """Dialogs of training data, ten messages a line."""
    with path.open("w", encoding="utf-8") as file:
        turns: list[dict[str, str]] = []
        for _, author, text in talk(count):
            turns.append({"role": "me" if author == "Ada" else "them", "content": text})
            if len(turns) == 10:
                file.write(json.dumps({"messages": turns}) + "\n")
                turns = []


def write_telegram(path: Path, count: int) -> None:
    """One chat of Telegram Desktop."""
    with path.open("w", encoding="utf-8") as file:
        file.write('{"name": "Cleo", "type": "personal_chat", "id": 7, "messages": [')
        for number, (moment, author, text) in enumerate(talk(count)):
            message = {
                "id": number, "type": "message", "date": moment.isoformat()[:19],
                "date_unixtime": str(int(moment.timestamp())), "from": author,
                "from_id": f"user{len(author)}", "text": text,
                "text_entities": [{"type": "plain", "text": text}],
            }  # fmt: skip
            file.write(("," if number else "") + json.dumps(message))
        file.write("]}")


def write_messenger(path: Path, count: int) -> None:
    """One thread of Messenger: files of 10,000 messages, the newest first in each, text as UTF-8
    in Latin-1 escapes."""
    folder = path / "your_facebook_activity/messages/inbox/cleo_1234"
    folder.mkdir(parents=True, exist_ok=True)
    messages = [
        {"sender_name": author, "timestamp_ms": int(1000 * moment.timestamp()),
         "content": f"{text} schön".encode().decode("latin-1"),
         "is_geoblocked_for_viewer": False}
        for moment, author, text in talk(count)
    ]  # fmt: skip
    messages.reverse()
    for part in range(0, count, 10_000):
        thread = {
            "participants": [{"name": "Cleo"}, {"name": "Ada"}],
            "messages": messages[part : part + 10_000],
            "title": "Cleo", "is_still_participant": True, "thread_path": "inbox/cleo_1234",
        }  # fmt: skip
        (folder / f"message_{part // 10_000 + 1}.json").write_text(json.dumps(thread))


def write_discord(path: Path, count: int) -> None:
    """One direct channel, as DiscordChatExporter writes it."""
    ids = {"Ada": "900000000000000001", "Cleo": "900000000000000002"}
    with path.open("w", encoding="utf-8") as file:
        file.write(
            '{"guild": {"id": "0", "name": "Direct Messages"}, "channel": {"id": "77", '
            '"type": "DirectTextChat", "name": "Cleo"}, "messages": ['
        )
        for number, (moment, author, text) in enumerate(talk(count)):
            message = {
                "id": str(1219000000000000000 + number), "type": "Default",
                "timestamp": moment.isoformat(), "timestampEdited": None, "isPinned": False,
                "content": text,
                "author": {"id": ids[author], "name": author.lower(), "discriminator": "0000",
                           "nickname": author, "isBot": False, "roles": []},
                "attachments": [], "embeds": [], "stickers": [], "reactions": [], "mentions": [],
            }  # fmt: skip
            file.write((",\n" if number else "\n") + json.dumps(message, indent=2))
        file.write(f'], "messageCount": {count}}}')


def write_slack(path: Path, count: int) -> None:
    """One direct conversation of Slack: a file a day."""
    folder = path / "cleo"
    folder.mkdir(parents=True, exist_ok=True)
    ids = {"Ada": "U01ADA", "Cleo": "U02CLEO"}
    (path / "channels.json").write_text(
        json.dumps([{"id": "C1", "name": "cleo", "members": list(ids.values())}])
    )
    users = [{"id": user, "name": name.lower(), "is_bot": False, "profile": {"real_name": name}}
             for name, user in ids.items()]  # fmt: skip
    (path / "users.json").write_text(json.dumps(users))
    days: dict[str, list[dict[str, str]]] = {}
    for number, (moment, author, text) in enumerate(talk(count)):
        message = {"type": "message", "user": ids[author], "text": text,
                   "ts": f"{int(moment.timestamp())}.{number % 1_000_000:06}"}  # fmt: skip
        days.setdefault(moment.date().isoformat(), []).append(message)
    for day, messages in days.items():
        (folder / f"{day}.json").write_text(json.dumps(messages, indent=4))


def write_whatsapp(path: Path, count: int) -> None:
    """One chat of WhatsApp on Android."""
    with path.open("w", encoding="utf-8") as file:
        for moment, author, text in talk(count):
            file.write(f"{moment:%d/%m/%Y, %H:%M} - {author}: {text}\n")


FORMS: dict[str, tuple[str, Callable[[Path, int], None]]] = {
    "jsonl": ("dialogs.jsonl", write_jsonl),
    "telegram": ("result.json", write_telegram),
    "messenger": ("facebook-ada", write_messenger),
    "discord": ("Direct Messages - Cleo [77].json", write_discord),
    "slack": ("slack-export", write_slack),
    "whatsapp": ("WhatsApp Chat with Cleo.txt", write_whatsapp),
}


def measured(workspace: Path, export: Path) -> dict[str, float] | None:
    """What adding an export took; None where this Inkling has no importer for it."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(workspace), str(export)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        print(done.stderr.strip().splitlines()[-1])
        return None
    found: dict[str, float] = json.loads(done.stdout)
    return found


def instructions(form: str, count: int) -> int:
    """Of a whole process that adds an export of so many messages."""
    name, write = FORMS[form]
    with tempfile.TemporaryDirectory() as folder:
        export = Path(folder, name)
        write(export, count)
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/counts",
             sys.executable, "-c", MEASURED, str(Path(folder, "w")), str(export)],
            capture_output=True, text=True, check=True, env={**os.environ, "PYTHONHASHSEED": "0"},
        )  # fmt: skip
        counted = re.search(r"Collected : (\d+)", done.stderr)
        assert counted is not None, done.stderr[-500:]
        return int(counted[1])


def loop_seconds() -> float:
    """How long three million steps of nothing take: Python's speed on this machine now."""
    began = time.process_time()
    for _ in range(3_000_000):
        pass
    return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--form", choices=list(FORMS), nargs="*", default=list(FORMS))
    parser.add_argument("--instructions", action="store_true")
    arguments = parser.parse_args()
    if arguments.instructions and shutil.which("valgrind") is None:
        sys.exit(
            "--instructions needs valgrind, which is not installed (Debian: apt install valgrind)."
        )
    fastest = min(loop_seconds() for _ in range(5))
    print(f"{machine()}, three million steps of a loop in {fastest:.2f} s")
    for form in arguments.form:
        if arguments.instructions:
            more = instructions(form, 25_000) - instructions(form, 5_000)
            print(f"{form}: {more / 20_000:,.0f} instructions a message", flush=True)
            continue
        name, write = FORMS[form]
        with tempfile.TemporaryDirectory() as folder:
            top = Path(folder)
            small = top / "small" / name
            small.parent.mkdir()
            write(small, arguments.messages // 10)
            before = measured(top / "w0", small)
            export = top / name
            write(export, arguments.messages)
            files = export.rglob("*") if export.is_dir() else [export]
            size = sum(file.stat().st_size for file in files if file.is_file())
            first = measured(top / "w", export)
            if before is None or first is None:
                print(f"{form}: cannot be read")
                continue
            again = measured(top / "w", export)
            write(export, arguments.messages + arguments.messages // 100)
            grown = measured(top / "w", export)
            assert again is not None
            assert grown is not None
            rates = [arguments.messages / each["seconds"] for each in (first, again, grown)]
            print(
                f"{form}: {size / 1e6:,.0f} MB, {rates[0]:,.0f} messages/s new, "
                f"{rates[1]:,.0f} there already, {rates[2]:,.0f} grown by {grown['kept']:,.0f}; "
                f"peak {first['peak'] / 1e6:,.0f} MB, with a tenth {before['peak'] / 1e6:,.0f} MB"
            )


if __name__ == "__main__":
    main()
