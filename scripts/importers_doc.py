"""Write docs/importers.md from the importers that come with Inkling, or say that it is stale."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

from inkling.corpus.importers import BUILT_IN
from inkling.corpus.importing.importer import Importer

PAGE = Path(__file__).resolve().parent.parent / "docs" / "importers.md"

HEAD = """\
# Importers

<!-- Written by scripts/importers_doc from the importers themselves. Do not edit. -->

`inkling add PATH…` finds out by itself what a file, a folder or an archive is (zip, tar, tar.gz,
tgz, tar.bz2, tar.xz), and what is in a compressed file (`.gz`, `.bz2`, `.xz`, `.zst`); there
is no need to unpack it. On a terminal it shows what it found (how much, from when, by whom, a few
samples, what will be masked, what is left out and why) and asks once; `--yes` asks nothing, and
neither does a pipe or `--json`.

```sh
inkling add ~/Downloads/export.zip
inkling add https://ada.substack.com         # a publication, a blog, a GitHub profile
inkling add chat.txt --me "Ada Lovelace"     # your name, where the export does not tell it
inkling add notes --encoding koi8-r          # where the guess is wrong
inkling add export.zip --as whatsapp         # where the source is not seen
inkling add export.zip --drafts              # also what was never published
inkling corpus who                           # your names, as they were remembered
```

**Who you are** is found where the export tells it. Where it does not, it is asked once and
remembered for the workspace; `inkling corpus who NAME… --for SOURCE` corrects it, and adding the
same export again corrects what is stored. Where none or all of a chat's messages are yours, you
are told.

**Nothing is added twice.** A newer export of the same chat adds its new messages only, also where
the platform gives messages no ids. A post that was edited takes the place of its older version,
which is kept and shown but no longer learned.

**An address is read politely.** One page at a time with a pause before each, under Inkling's own
name, as robots.txt asks; a site that has had enough is left alone. What was fetched is kept in the
workspace, so that a crawl that was stopped goes on and a later one fetches only what is new. Posts
of guests are left out where `--me` gives your name as it stands on yours.

**Nothing is left out in silence.** found = kept + there already + left out, and each reason is
told with an example: of chats each message counts, of writing each document.

**What cannot be read is never taken for your own words.** A text that looks like a chat, a mail or
a log that no importer reads is refused. So is a text in which most lines begin with a name, as an
interview has them: add it again with `--me NAME`, the name under which you speak in it, and it is
read as a dialog. A Markdown note in which each message begins with `them:` or `me:` (or with a
name, where `--me` says which is yours) is a dialog also where it lies in a vault of Obsidian.

## Sources
"""

TAIL = """\
## Add an importer

One file with one object. The contract is in `corpus/importing/importer.py`: `claims` says which
files of a tree are this source's and how sure that is, by their names and beginnings; `read`
streams what is in them: a `Document`, an `ImportedChat` whose messages are read as they are gone
through, something `Dropped` with its reason, a `Note`.

```python
from collections.abc import Iterable, Iterator

from inkling.corpus.document import Dropped, Message
from inkling.corpus.importing.importer import (
    Claim,
    ImportedChat,
    ImportedRecord,
    Importer,
    ReadOptions,
)
from inkling.corpus.importing.tree import Tree


def claims(tree: Tree) -> Iterable[Claim]:
    for file in tree.matching("*.talk"):
        yield Claim(frozenset([file.path]), 0.9, f"Talk in {file.name}")


def read(tree: Tree, claim: Claim, options: ReadOptions) -> Iterator[ImportedRecord]:
    for file in tree.only(claim.files).files:
        yield ImportedChat(file.path, file.path, messages(file, options), file.name, me_known=False)


def messages(file, options: ReadOptions) -> Iterator[Message | Dropped]:
    with file.open() as stream:
        for number, line in enumerate(stream, start=1):
            time, name, text = line.decode(errors="replace").rstrip("\\n").split("|")
            yield Message(name, options.is_me(name), text, timestamp=time)


IMPORTER = Importer(
    name="talk",
    title="Talk",
    kind="chats",
    how_to_export="Settings, Export, Talk.",
    claims=claims,
    read=read,
)
```

In a package of your own, name it in `pyproject.toml`, and `inkling add` knows it once the package
is installed:

```toml
[project.entry-points."inkling.importers"]
talk = "my_package.talk:IMPORTER"
```

In Inkling itself, put the file into `src/inkling/corpus/importers/`, its name into `BUILT_IN`
there, and run `scripts/importers_doc`.

- An importer never raises for what is in a file. What it cannot read is a `Dropped`; the rest goes
  on.
- Memory does not grow with the file, and time grows no faster than it.
- Other people's words are never the author's: `is_me` is what the source tells, else
  `options.is_me(name, id)` with `me_known=False`, so that the person is asked.
- Text survives to the byte: no normalising, no joined lines, emoji as they are.
- Where a document may hold anything, such as notes, `free_text=True` refuses chats and mail.
- Ids are the source's own. The registry puts the importer's name before them.
"""

KINDS = {"writing": "writing", "chats": "chats", "both": "writing and chats"}


def page() -> str:
    """The whole document."""
    found: list[Importer] = [
        import_module(f"inkling.corpus.importers.{name}").IMPORTER for name in BUILT_IN
    ]
    parts = [HEAD]
    for importer in sorted(found, key=lambda importer: (importer.name == "files", importer.title)):
        parts.append(
            f"### {importer.title}\n\n`--as {importer.name}`, {KINDS[importer.kind]}. "
            f"{importer.how_to_export}\n"
        )
    return "\n".join([*parts, TAIL])


def main() -> int:
    """0 where the page is, or now is, the right one."""
    text = page()
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
        print("docs/importers.md is not what the importers say. Run scripts/importers_doc.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
