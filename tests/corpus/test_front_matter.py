"""Headers as programs really write them: never text, read as far as they can be."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling.corpus.front_matter import UNREADABLE_DATE, UNREADABLE_LINE, split_front_matter
from inkling.corpus.importing.times import from_post

BODY = "The walk was long.\n"


@pytest.mark.parametrize(
    ("header", "title", "date", "unreadable"),
    [
        ("title: Fwd: A walk\ndate: 2021-01-31", "Fwd: A walk", "2021-01-31", {}),
        ("title: Tea\ncreated: {{date}}", "Tea", None, {UNREADABLE_LINE: 1}),
        ("title: {{title}}\ndate: 2021-02-03", None, "2021-02-03", {UNREADABLE_LINE: 1}),
        ("context: @home", None, None, {}),
        ("rating: *****", None, None, {}),
        ("title: Tea\ntags:\n\t- one\n\t- two\ndate: 2020-01-02", "Tea", "2020-01-02", {}),
        ("date: 2021-02-31\ntitle: Tea", "Tea", None, {UNREADABLE_DATE: 1}),
        ("date: 0000-00-00", None, None, {UNREADABLE_DATE: 1}),
        ("date: -001-11-30T00:00:00+00:00\ntitle: Tea", "Tea", None, {UNREADABLE_DATE: 1}),
        ("title: 'Wilma''s tea'", "Wilma's tea", None, {}),
        ('title: "A \\"good\\" day"', 'A "good" day', None, {}),
        ("title: A long\n  title\ndate: 2020-1-2", "A long title", "2020-01-02", {}),
        ("title: 010\ndate: 2021-01-31 10:00:00 +0200", "010", "2021-01-31T08:00:00Z", {}),
        ("title: yes", "yes", None, {}),
        ("title: Tea\nsomething that is no field", "Tea", None, {UNREADABLE_LINE: 1}),
        ("# made by a program\ntitle: Tea", "Tea", None, {}),
        ("title: [unclosed", "[unclosed", None, {}),
        ("Date created: 3 March 2021\nmy mood: fine", None, "2021-03-03", {}),
        ("title:\ndate:", None, None, {}),
    ],
)  # fmt: skip
def test_headers_are_never_text(
    header: str, title: str | None, date: str | None, unreadable: dict[str, int]
) -> None:
    """What can be read of a header is, what cannot is counted, the body stands alone."""
    matter = split_front_matter(f"---\n{header}\n---\n{BODY}")
    assert matter.body == BODY
    assert (matter.title, matter.date, matter.unreadable) == (title, date, unreadable)
    # Without a body, closed or not.
    assert split_front_matter(f"---\n{header}\n---").body == ""
    assert split_front_matter(f"\ufeff---  \n{header}\n...\n{BODY}").body == BODY


@pytest.mark.parametrize(
    ("header", "title", "date", "unreadable"),
    [
        ('title = "Tea"\ndate = 2021-01-31T10:00:00Z\n[a]', "Tea", "2021-01-31T10:00:00Z", {}),
        ("title = 'Tea'\ndate = 2021-02-31\ndraft = true", "Tea", None, {UNREADABLE_DATE: 1}),
        ("title = Fwd: no quotes\nnonsense", "Fwd: no quotes", None, {UNREADABLE_LINE: 1}),
    ],
)  # fmt: skip
def test_toml_headers(
    header: str, title: str | None, date: str | None, unreadable: dict[str, int]
) -> None:
    """Hugo's headers between plus signs."""
    matter = split_front_matter(f"+++\n{header}\n+++\n{BODY}")
    assert matter.body == BODY
    assert (matter.title, matter.date, matter.unreadable) == (title, date, unreadable)


@pytest.mark.parametrize(
    "text",
    [
        "---\nIt was a dark night.\n\n---\nThen it was not.\n",
        "---\n\nNote: this is prose\n\n---\nmore\n",
        "---\nIt was dark: very dark.\n---\nThen.\n",
        "---\nAda: hi\nCleo: hello\n---\nAda: tea?\nCleo: yes\n",
        "---\nthem: hi\nme: hello\n---\nthem: bye\n",
        "---\nNote: I wrote this long ago.\n---\nAnd it shows.\n",
        "---\n\n---\nBetween rules.\n",
        "---\nwords without an end\n",
        "--- title: x ---\n",
        "+++\nlots of plus\n",
        "---",
        "",
    ],
)
def test_a_rule_is_no_header(text: str) -> None:
    """Nothing of a text that only begins with dashes is taken away."""
    matter = split_front_matter(text)
    assert (matter.title, matter.date, matter.body) == (None, None, text)


def test_headers_that_nobody_closed() -> None:
    """They end where their lines do."""
    assert split_front_matter("---\ntitle: Tea\ntags: [a]\n").body == ""
    matter = split_front_matter("---\ntitle: Tea\n\nThe body.\n\n---\n\nIts second part.\n")
    assert (matter.title, matter.body) == ("Tea", "The body.\n\n---\n\nIts second part.\n")
    assert split_front_matter("---\n---\nbody").body == "body"


@pytest.mark.parametrize(
    ("header", "draft"),
    [
        ("draft: true", True),
        ("draft: false\ntitle: x", False),
        ("published: false\ntitle: x", True),
        ("status: draft\ntitle: x", True),
        ("title: x", False),
    ],
)
def test_drafts_say_so(header: str, draft: bool) -> None:
    """Jekyll's, Hugo's and WordPress's ways to say it."""
    assert split_front_matter(f"---\n{header}\n---\n").is_draft is draft


@pytest.mark.parametrize(
    ("written", "date"),
    [
        ("2021-01-31", "2021-01-31"),
        ("2021/1/5", "2021-01-05"),
        ("20210131", "2021-01-31"),
        ("2021-01-31T10:00:00.500Z", "2021-01-31T10:00:00.500Z"),
        ("2021-01-31 10:00", "2021-01-31T10:00:00"),
        ("2021-01-31T10:00:00-05:00", "2021-01-31T15:00:00Z"),
        ("January 5, 2021 3:04 PM", "2021-01-05T15:04:00"),
        ("Tuesday, 5 Jan. 2021", "2021-01-05"),
        ("Sun, 05 Jan 2025 10:00:00 GMT", "2025-01-05T10:00:00Z"),
        ("Jan 5th, 2021", "2021-01-05"),
        ("5. Januar 2021", "2021-01-05"),
        ("5 de enero de 2021", "2021-01-05"),
        ("20210131T100000Z", "2021-01-31T10:00:00Z"),
        ("we met on January 5, 2021", None),
        ("on 5 January 2021 at the pier", None),
        ("31/01/2021", None),
        ("2021-13-01", None),
        ("yesterday", None),
        ("", None),
        ("9" * 100, None),
        (None, None),
    ],
)
def test_dates(written: str | None, date: str | None) -> None:
    """ISO 8601, or nothing where the order of day and month would be a guess."""
    assert from_post(written) == date


@given(st.text(alphabet="-+: \n\t{}[]@*'\"atitle.#&0123éZ", max_size=120))
@settings(max_examples=60, deadline=None)
def test_any_text_is_split(text: str) -> None:
    """The body is the end of the text, whatever stands above it."""
    for whole in (text, f"---\ntitle: {text}\n---\nbody"):
        assert whole.endswith(split_front_matter(whole).body)
    from_post(text)


@pytest.mark.parametrize(
    "character", ["[", "{", "-", " ", ":", "a", "a: ", "\n", "- ", "a: b\n", "\t"]
)
def test_a_megabyte_of_one_character(character: str) -> None:
    """Linear in the header."""
    run = character * (1_000_000 // len(character))
    start = time.process_time()
    split_front_matter(f"---\ntitle: {run}\n---\nbody")
    split_front_matter(f"---\n{run}")
    split_front_matter(run)
    assert time.process_time() - start < 20
