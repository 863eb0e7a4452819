"""What an import found and did, in words.

Knows: how results and previews look in a terminal. Does not know where they come from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from inkling.cli.console import echo, visible
from inkling.corpus.exclusion import REMOVED
from inkling.corpus.importing.preview import SourcePreview
from inkling.corpus.masking.kinds import MEANING
from inkling.corpus.records import AddResult
from inkling.wording import plural
from inkling.workflows.names import labels, with_option

CHATS_SHOWN = 3
PEOPLE_SHOWN = 8


def print_result(source: str, result: AddResult, me: str | None = None) -> None:
    """What one import did, in a few lines; found = kept + there + left out, always. `me` is the
    name that was given for the dialogs."""
    added = " and ".join(_kept(result)) or "nothing new"
    line = f"{source}: {added}"
    if result.characters:
        line += f", {result.characters:,} characters"
    there = [f"{result.already_there:,}"] if result.already_there else []
    if result.messages_there:
        there.append(plural(result.messages_there, "message"))
    if there:
        line += f" ({' and '.join(there)} already there)"
    echo(visible(line))
    if me is not None and result.documents and not result.conversations and not result.extended:
        echo(
            "  no dialog was found in it: all of it counts as your own writing. In a dialog each "
            f"message begins a line with its name, e.g. {visible(me)}: …"
        )
    if result.extended:
        echo(f"  {plural(result.extended, 'dialog')} extended by new messages")
    if result.messages_changed:
        echo(f"  {plural(result.messages_changed, 'message')} corrected")
    if result.replaced:
        echo(f"  {plural(result.replaced, 'older version')} replaced: kept, but no longer learned")
    if result.cut:
        echo(f"  cut out {plural(result.cut, 'passage')}: {REMOVED}")
    print_left_out(result.notes, result.dropped, result.examples, source)
    for titles, wrong in (
        (result.none_mine, "none of the messages is yours"),
        (result.all_mine, "all messages are yours, and nobody else speaks"),
    ):
        if titles:
            named = ", ".join(titles[:CHATS_SHOWN]) + (" …" if len(titles) > CHATS_SHOWN else "")
            echo(
                visible(f"  in {plural(len(titles), 'chat')} {wrong} ({named}): is --me right? ")
                + "See: inkling corpus who"
            )


def _kept(result: AddResult) -> list[str]:
    kept = []
    if result.documents:
        kept.append(plural(result.documents, "document"))
    if result.conversations:
        dialogs = plural(result.conversations, "dialog")
        kept.append(
            f"{dialogs} of {plural(result.messages, 'message')}" if result.messages else dialogs
        )
    elif result.messages:
        kept.append(plural(result.messages, "message"))
    return kept


def print_left_out(
    notes: Mapping[str, int], dropped: Counter[str], examples: Mapping[str, str], source: str
) -> None:
    """What was guessed, and what was left out and why, with an example each."""
    for note, count in notes.items():
        example = visible(examples.get(note, source))
        echo(
            f"  {visible(with_option(note))} ({example}{f' and {count - 1:,} more' * (count > 1)})"
        )
    for reason, count in dropped.most_common():
        example = visible(examples.get(reason, source))
        echo(f"  left out {count:,}: {visible(with_option(reason))} (e.g. {example})")


def print_preview(source: str, preview: SourcePreview) -> None:
    """What would be added from one importer's files, and what would not."""
    titles = preview.titles[:CHATS_SHOWN]
    more = f" and {len(preview.titles) - len(titles):,} more" * (len(preview.titles) > len(titles))
    kind = preview.importer.title
    listed = kind.lower() if titles == [kind] else f"{', '.join(titles)}{more} ({kind})"
    echo(visible(f"{source}: {listed}"))
    parts = []
    if preview.documents:
        parts.append(plural(preview.documents, "document"))
    if preview.dialogs:
        parts.append(plural(preview.dialogs, "dialog"))
    if preview.chats:
        messages = plural(preview.messages, "message")
        parts.append(f"{messages} in {plural(preview.chats, 'chat')}")
    if not parts:
        parts.append("nothing that can be read")
    line = f"{', '.join(parts)}, {preview.characters:,} characters"
    if preview.first is not None and preview.last is not None:
        first, last = preview.first[:10], preview.last[:10]
        line += f", {first}" if first == last else f", {first} to {last}"
    echo(f"  {visible(line)}")
    if preview.groups:
        groups = plural(preview.groups, "chat")
        echo(f"  {groups} of more than two: learned only with inkling train --groups")
    if preview.people:
        echo(visible(f"  people: {_people(preview)}"))
    for sample in preview.samples:
        shortened = sample if len(sample) <= 160 else f"{sample[:159]}…"
        echo(visible(f"  for example: {shortened}"))
    if preview.masked:
        kinds = ", ".join(f"{n:,} {MEANING[kind]}" for kind, n in preview.masked.most_common())
        part = preview.looked_through < preview.characters
        where = f" in the first {preview.looked_through:,} characters" * part
        echo(f"  masked when it is learned{where}: {kinds}")
    print_left_out(preview.notes, preview.dropped, preview.examples, source)


def _people(preview: SourcePreview) -> str:
    yours = {preview.names.get(author, author) for author in preview.mine} | preview.mine
    counted = labels(preview)
    listed = [
        f"{name}{' (you)' if name in yours else ''} {count:,}"
        for name, count in counted.most_common(PEOPLE_SHOWN)
    ]
    more = len(counted) - len(listed)
    return ", ".join(listed) + (f" and {more:,} more" if more > 0 else "")
