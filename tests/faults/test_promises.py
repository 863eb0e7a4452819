"""docs/privacy.md and SECURITY.md say nothing that a test does not show."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = ("SECURITY.md", "docs/privacy.md")
SHOWN: dict[str, dict[str, tuple[str, ...]]] = {
    "faults/test_network.py": {
        "test_no_connection_leaves_the_machine": (
            "Inkling keeps a person's writing",
            "Nothing is sent anywhere",
        ),
        "test_no_text_lies_elsewhere": (
            "lies in one folder, the workspace",
            "no text lies elsewhere",
        ),
    },
    "faults/test_streams.py": {
        "test_ten_times_as_many_streams_as_slots": ("Whoever hangs up, reads slowly",),
        "test_whoever_hangs_up_frees_the_slot": ("Whoever hangs up",),
        "test_a_reader_that_is_slow_gets_all_of_it": ("Whoever hangs up, reads slowly",),
        "test_thirty_megabytes_are_refused_on_every_route": ("or asks for much",),
    },
    "faults/test_kills.py": {
        "test_fifty_kills_lose_nothing": ("is kept through kills",),
    },
    "faults/test_full_disk.py": {
        "test_a_disk_that_fills_up_anywhere_is_explained": ("is kept through kills, full disks",),
    },
    "faults/test_soak.py": {
        "test_everything_acknowledged_is_there": ("and clocks that jump",),
    },
    "test_wheel.py": {
        "test_every_library_is_listed_with_its_licence": (
            "lists every library with its version",
            "holds it to what is installed",
        ),
    },
    "faults/test_accounts.py": {
        "test_a_command_leaves_nothing_open": ("whatever Inkling writes, is its owner's",),
        "test_another_account_gets_no_answer": (
            "answers the account that it runs as, and root, and no",
            "a program of your own account",
            "over the loopback interface",
        ),
        "test_where_owners_are_not_known_a_token_is_made": ("Off loopback, and where the system",),
        "test_any_account_is_for_those_who_say_so": (
            "lets every account of the machine in",
            "answers every account, for a",
        ),
        "test_a_token_from_a_file_leaves_the_address": (
            "who has the token",
            "the printed link puts it into a cookie",
        ),
        "test_an_older_workspace_is_put_right_and_told_once": (
            "put right by the next command that uses it",
            "changes nothing and tells it",
            "Files that are not Inkling's",
        ),
        "test_a_folder_of_all_is_not_closed": ("A folder that has a purpose of its own",),
        "test_the_owner_of_a_connection_is_known": ("the server looks up who owns",),
        "test_letting_go_of_a_connection_makes_nobody_root": ("Who is gone before that",),
        "test_what_was_sent_before_letting_go_is_done": ("who is gone later",),
        "test_a_token_from_the_environment_is_in_no_list": ("and `INKLING_TOKEN` set one",),
        "test_no_answer_about_a_person_is_kept_by_a_browser": ("are in no cache of a browser",),
    },
    "faults/test_strangers.py": {
        "test_every_combination_of_host_origin_and_site": ("A page of another site",),
    },
    "faults/test_requests.py": {
        "test_no_request_makes_the_server_fail": ("No request makes the server fail",),
    },
    "faults/test_limits.py": {
        "test_the_smallest_and_largest_legal_numbers_are_served": ("smallest and largest numbers",),
        "test_too_many_connections_are_sent_away": ("have limits; a request whose headers",),
    },
    "faults/test_damaged.py": {
        "test_a_model_that_cannot_be_used_is_one_sentence": (
            "Files of a run are believed nothing",
        ),
        "test_nothing_of_a_run_is_run": ("No pickle is ever read",),
    },
    "faults/test_terminal.py": {
        "test_no_escape_sequence_reaches_the_terminal": ("sends a control character",),
    },
    "faults/test_hostile_imports.py": {
        "test_one_bad_piece_ends_no_import": ("One bad line or file ends no import",),
    },
    "faults/test_read_only.py": {
        "test_reading_needs_no_right_to_write": ("A workspace that can only be read",),
    },
    "forgetting/test_purge.py": {
        "test_without_purge_everything_that_holds_it_is_named": (
            "the text itself, with titles",
            "the text as ids, a tokenizer",
        ),
        "test_an_export_goes_with_its_run": (
            "the same weights and words",
            "Exports in the workspace's",
        ),
        "test_purge_leaves_no_byte": (
            "With `--purge` what else",
            "`--yes` asks nothing",
            "deletes stale runs whole",
            "**At the end it looks again**",
        ),
        "test_a_new_training_is_clean": (
            "are marked stale",
            "`inkling runs` says so",
            "A stale run that was stopped",
        ),
        "test_hidden_in_numbers_archives_and_escapes": ("**The rest** is found",),
        "test_what_others_also_said_is_nobodys_secret": ("about 27 characters",),
        "test_originals_and_settings_are_never_touched": (
            "are named and never touched",
            "The files you imported still",
        ),
        "test_what_was_deleted_before_is_wiped": ("is always written anew",),
        "test_killed_anywhere_the_same_command_finishes_it": ("**A kill at any moment",),
        "test_purge_later_finds_it_without_the_corpus": ("A text under 12 bytes",),
        "test_a_short_text_is_looked_for_as_a_word": ("It is looked for cell by cell",),
    },
    "forgetting/test_stale_runs.py": {
        "test_a_stale_run_is_told_once": ("say it once",),
    },
    "chats/test_store.py": {
        "test_any_text_is_kept_as_it_is": ("what you and the model said",),
    },
    "cli/test_chat.py": {
        "test_save_never_overwrites": ("so is what Inkling saves elsewhere",),
    },
    "cli/test_review.py": {
        "test_everything_masked_is_counted_and_shown": ("keeps every text as it was written",),
        "test_a_kind_and_a_value_are_kept_and_masked_again": ("Decisions hold for the next",),
        "test_what_is_forgotten_is_in_no_decision": ("They are kept in `corpus.db`",),
    },
    "memory/test_corpus_index.py": {
        "test_what_is_masked_is_looked_up_masked": ("a placeholder stands in the place of",),
        "test_what_is_added_or_forgotten_counts_at_once": ("loses it at once, without a training",),
    },
    "corpus/test_masking.py": {
        "test_what_is_private_is_masked": (
            "`[mail]`",
            "`[card]`, `[iban]`",
            "`[code]`",
            "`[key]`",
            "`[password]`",
        ),
        "test_numbers_of_a_region": ("`[phone]`",),
        "test_a_kind_or_a_value_can_stay": ("`[private]`",),
        "test_numbers_that_tell_nothing_stay": ("Prices, years, times",),
        "test_the_rest_is_as_it_was": ("A text with nothing to mask",),
        "test_people_get_the_same_names_everywhere": (
            "Pseudonyms replace",
            'Names that are words too ("will")',
        ),
    },
    "forgetting/test_forget.py": {
        "test_it_asks_first": ("Each shows what would go",),
        "test_a_text_can_come_from_standard_input": ("`--match -` reads",),
        "test_a_text_takes_its_paragraph_and_leaves_the_rest": (
            "takes out the paragraph or message",
        ),
        "test_of_long_paragraphs_a_part_goes": ("Of a paragraph over 1,000",),
        "test_a_title_goes_too": ("A title that contains it",),
        "test_a_short_text_says_what_words_it_stands_in": ('"ada" also stands in',),
        "test_a_person_goes_and_my_words_stay": (
            "takes that person's messages",
            "Your own replies stay",
            "`--match NAME` is for that",
            "A dialog in which only you",
        ),
        "test_what_means_nothing_is_answered_in_one_sentence": ("does not tell who spoke",),
        "test_a_forgotten_text_does_not_come_back": (
            "**It does not come back.**",
            "It cannot be undone",
        ),
        "test_a_document_by_title_path_or_hash": ("A changed copy of a forgotten",),
        "test_only_hashes_are_kept": ("The hashes are salted",),
        "test_another_workspace_knows_nothing_of_it": ("To import a forgotten text",),
    },
    "server/test_chosen_model.py": {
        "test_a_run_given_an_old_name_is_another_model": ("keeps a deleted run in memory",),
    },
}
"""File and test -> words of the sentences that it shows."""

NOT_PROMISED = (
    "What follows is what it promises",
    "What is where, and how to have it",
    "**Root**, and whoever",
    "Nothing is encrypted; an encrypted disk",
    "nothing is encrypted on the way",
    "put a proxy with TLS",
    "it can say sentences of your text",
    "whoever may ask can keep",
    "Send what you found",
    "Please leave out your own",
    "Only the newest version",
    "The files are named in",
    "can get sentences of your text",
    "Treat it as the text",
    "| you | everything",
    "root; who has your account",
    "What is promised about this",
    "a net with holes",
    "Nicknames that no export",
    "A passage that you wrote anew",
    "They cannot be taught to forget",
    "may still know it",
    "So do copies you made",
    "blocks stay on a disk",
    "An encrypted disk is the answer to that.",
    "Stop it first",
    "Encrypted or re-encoded copies",
    "guesses the whole passage",
)
"""What is said there is no work of Inkling's: what others do, what a person is asked to do."""


def statements(page: str) -> Iterator[str]:
    """Sentences of paragraphs and lists, rows of tables; not headings, and no examples."""
    text = re.sub(r"```.*?```", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    for block in re.split(r"\n\s*\n", text):
        if block.startswith("#") or not block.strip():
            continue
        if block.lstrip().startswith("|"):
            yield from block.strip().splitlines()[2:]
            continue
        for item in re.split(r"\n(?=- )", block):
            yield from re.split(r"(?<=[.:;])\s+(?=[A-Z*`\"])", " ".join(item.split()))


def words() -> list[str]:
    """All that stand above."""
    shown = [each for tests in SHOWN.values() for words in tests.values() for each in words]
    return [*shown, *NOT_PROMISED]


@pytest.mark.parametrize("page", PAGES)
def test_every_sentence_has_its_test(page: str) -> None:
    """A new one needs a line above."""
    for statement in statements(page):
        assert any(each in statement for each in words()), statement


def test_nothing_is_kept_of_a_sentence_that_is_gone() -> None:
    """Words that stand in no sentence show nothing."""
    there = [statement for page in PAGES for statement in statements(page)]
    assert [each for each in words() if not any(each in sentence for sentence in there)] == []


@pytest.mark.parametrize("file", SHOWN)
def test_the_tests_are_there(file: str) -> None:
    """By their names, so that none goes when tests move."""
    tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
    there = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert SHOWN[file].keys() <= there


def test_what_security_md_names_is_there() -> None:
    """Files of tests."""
    for path in re.findall(r"`(tests/[^`]+)`", (ROOT / "SECURITY.md").read_text(encoding="utf-8")):
        assert (ROOT / path).exists(), path
