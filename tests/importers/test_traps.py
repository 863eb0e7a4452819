"""What goes wrong with exports elsewhere: each has a test that would notice it here."""

from __future__ import annotations

import ast
import sqlite3
from pathlib import Path

import pytest

from inkling.workflows.add import add
from inkling.workspace import Workspace
from tests.test_mixed_sources import newsletter, said, telegram, whatsapp

TESTS = Path(__file__).resolve().parent.parent

TRAPS = {
    "a narrow space before AM": "importers/test_whatsapp.py::test_iphone_chat",
    "a no-break space in p. m.": "importers/test_whatsapp.py::test_dates_of_the_world",
    "Arabic-Indic digits": "importers/test_times.py::test_a_date_is_read_in_every_locale",
    "Buddhist years": "importers/test_whatsapp.py::test_dates_of_the_world",
    "day before month": (
        "importers/test_whatsapp.py::test_the_order_of_dates_comes_from_the_whole_file"
    ),
    "a colon in a name": "importers/test_whatsapp.py::test_a_colon_in_a_name",
    "a tilde before a name": "importers/test_whatsapp.py::test_group_notices_stand_under_the_group",
    "a date at the start of a line": "importers/test_whatsapp.py::test_dates_inside_messages",
    "an edit's mark": "importers/test_whatsapp.py::test_what_of_a_body_is_the_authors",
    "a poll": "importers/test_telegram.py::test_what_is_not_the_authors_own",
    "a caption": "importers/test_whatsapp.py::test_what_of_a_body_is_the_authors",
    "text in a list": "importers/test_telegram.py::test_text_is_joined_with_nothing_between",
    "a sticker without text": "importers/test_telegram.py::test_what_is_not_the_authors_own",
    "groups that one has left": "importers/test_telegram.py::test_all_chats",
    "mojibake": "importers/test_meta.py::test_mojibake_is_read_as_what_it_was",
    "clean text beside mojibake": "importers/test_meta.py::test_mojibake_is_read_as_what_it_was",
    "message_10 and message_2": "importers/test_meta.py::test_files_and_messages_are_turned_round",
    "one corrupt file": "importers/test_meta.py::test_one_corrupt_file_does_not_stop_the_rest",
    "posts in several parts": "importers/test_x.py::test_own_threads_are_one_document",
    "escaped ampersands": "importers/test_x.py::test_posts_as_they_were_typed",
    "threads with oneself": "importers/test_x.py::test_own_threads_are_one_document",
    "text that is NULL": "importers/test_imessage.py::test_text_in_an_archive",
    "tapbacks": "importers/test_imessage.py::test_what_is_no_message",
    "seconds and nanoseconds": "importers/test_imessage.py::test_seconds_and_nanoseconds",
    "nested widgets": "importers/test_substack.py::test_the_platforms_own_parts_go",
    "a post that was cut": (
        "importers/test_crawling.py::test_what_is_not_the_authors_or_not_whole_is_told"
    ),
    "subscriber lists": "importers/test_substack.py::test_lists_of_subscribers_are_never_opened",
    "fifty posts and more": "importers/test_crawling.py::test_a_whole_archive_is_read_page_by_page",
    "names that lead out": "importers/test_open_tree.py::test_names_that_lead_out_stay_inside",
    "bombs": "importers/test_open_tree.py::test_bombs_stay_packed",
    "nobody is me": "corpus/test_adding.py::test_one_sided_chats_are_told",
    "everybody is me": "corpus/test_adding.py::test_one_sided_chats_are_told",
    "counts that do not reconcile": ("test_mixed_sources.py::test_three_sources_become_one_model"),
    "twice": "importers/test_traps.py::test_twice_gives_the_same_bytes",
}


@pytest.mark.parametrize("trap", TRAPS)
def test_a_trap_has_a_test(trap: str) -> None:
    """By its name, so that none goes when tests move."""
    file, _, name = TRAPS[trap].partition("::")
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def rows(workspace: Workspace) -> list[tuple[object, ...]]:
    """All that is stored of texts, but for when it was added."""
    with sqlite3.connect(workspace.corpus_path) as database:
        found: list[tuple[object, ...]] = []
        for table in ("document", "conversation", "message", "person"):
            found += database.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
    database.close()
    return found


def test_twice_gives_the_same_bytes() -> None:
    """In two workspaces the same rows, and adding again changes none of them."""
    newsletter(Path("newsletter.zip"))
    whatsapp(Path("WhatsApp Chat with Cleo.txt"), said()[:60])
    telegram(Path("result.json"), said()[60:90])
    paths = [Path("newsletter.zip"), Path("WhatsApp Chat with Cleo.txt"), Path("result.json")]
    first, second = Workspace.create(Path("a")), Workspace.create(Path("b"))
    for workspace in (first, second):
        add(workspace, paths)
    stored = rows(first)
    assert len(stored) > 100
    assert rows(second) == stored
    add(first, paths)
    assert rows(first) == stored
