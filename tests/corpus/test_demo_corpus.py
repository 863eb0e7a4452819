"""The demo corpus is what it says it is: hand-written, varied, with every fact well covered."""

from __future__ import annotations

import lzma
import re
from collections import Counter, defaultdict
from itertools import combinations, pairwise
from pathlib import Path

import pytest

from inkling.corpus.document import Conversation, Document
from inkling.corpus.importers import read_path
from tests.conftest import DEMO

# Words that an answer about a fact of demo/README.md holds. A looser net than reading, but a
# fact that nobody asks about falls through it.
FACTS: dict[int, str] = {
    1: r"wilma", 2: r"38|1987|9th|9 march", 3: r"tun(e|ing|er)", 4: r"pellworth",
    5: r"shut chip shop|rope street|vinegar", 6: r"farm|dunmarsh", 7: r"amos|dad|father",
    8: r"portugal|beryl|roof tiles", 9: r"\bkit\b|dentist", 10: r"schubert|conservatory|19\b",
    11: r"slot machine|pier\b", 12: r"okafor", 13: r"single|neil|trombon|engaged",
    14: r"left[ -]hand|\bleft\b", 15: r"swim|float|sink|swum|drown", 16: r"strawberr",
    17: r"plane|flown|\bfly", 18: r"pedal|3 legs", 19: r"came (out|from)|upright",
    20: r"gerald|berlingo|mustard", 21: r"radio", 22: r"bechstein|1911|cracked soundboard",
    23: r"\bfork|440|coat pocket", 24: r"\btin\b|214", 25: r"\bring\b|not yet",
    26: r"screwdriver|bone", 27: r"flask|leaks", 28: r"easter|2022|screen", 29: r"\b70\b|over 90",
    30: r"\b9\b|nine", 31: r"beast|drill hall", 32: r"abernathy|hymn",
    33: r"by ear|electronic|\bear\b", 34: r"pin block|when (we|they) got it",
    35: r"\be\b|middle c", 36: r"gale|sick|into the lid", 37: r"spragg|no son",
    38: r"pea soup|pepper", 39: r"monday|thursday", 40: r"coriander|soap", 41: r"\btea\b|coffee",
    42: r"garibaldi", 43: r"chips|friday|harbour wall", 44: r"dolores",
    45: r"handel|pym|4\.40", 46: r"junie|undertaker", 47: r"alto|wrong row|choir",
    48: r"ruth|needle", 49: r"constance|sallow|twice a day", 50: r"breakwater",
    51: r"anchor|stout", 52: r"darts|second team", 53: r"schubert", 54: r"baize|green",
    55: r"manual|middlemarch", 56: r"november", 57: r"geese|goose", 58: r"ghost|hallam|after dark",
    59: r"slightly flat|412|sunday", 60: r"hallam|ballroom|broadwood|played once",
}  # fmt: skip


@pytest.fixture(scope="module")
def exchanges() -> list[tuple[str, str]]:
    """(question, answer) pairs of the messages, as the importer reads them."""
    pairs = []
    for item in read_path(DEMO / "dms.txt", None):
        assert isinstance(item, Conversation), item
        texts = [(message.is_me, message.text) for message in item.messages]
        for (me_first, question), (me_then, answer) in pairwise(texts):
            if not me_first and me_then:
                pairs.append((question, answer))
    return pairs


@pytest.fixture(scope="module")
def documents(posts: list[Path]) -> dict[str, str]:
    """Every text of the corpus by name."""
    found = {}
    for post in posts:
        (item,) = read_path(post, None)
        assert isinstance(item, Document)
        assert item.timestamp is not None
        found[post.name] = item.text
    found["dms.txt"] = (DEMO / "dms.txt").read_text()
    return found


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^\w\s]", "", text.lower()).split())


def test_there_is_enough_of_it(posts: list[Path], exchanges: list[tuple[str, str]]) -> None:
    """At least 40 dated posts of 250,000 characters, and 1,000 exchanges."""
    assert len(posts) >= 40
    assert sum(len(post.read_text()) for post in posts) >= 250_000
    assert len(exchanges) >= 1_000
    dates = [post.name[:10] for post in posts]
    assert dates == sorted(set(dates))
    for post in posts:
        head = post.read_text().split("---")[1]
        assert f"date: {post.name[:10]}" in head
        assert "title: " in head


def test_no_answer_stands_twice(exchanges: list[tuple[str, str]]) -> None:
    """Also not with other punctuation."""
    counts = Counter(_plain(answer) for _, answer in exchanges)
    assert [answer for answer, count in counts.items() if count > 1] == []


def test_conversations_have_several_turns() -> None:
    """Most are more than one question and one answer."""
    sizes = [
        len(item.messages)
        for item in read_path(DEMO / "dms.txt", None)
        if isinstance(item, Conversation)
    ]
    assert sum(size >= 4 for size in sizes) / len(sizes) > 0.9
    assert max(sizes) >= 10


@pytest.mark.parametrize("fact", FACTS)
def test_every_fact_is_asked_in_eight_wordings(exchanges: list[tuple[str, str]], fact: int) -> None:
    """At least eight different questions whose answers are about it."""
    wordings = {_plain(q) for q, a in exchanges if re.search(FACTS[fact], a)}
    assert len(wordings) >= 8


def test_no_sentence_is_reused(documents: dict[str, str]) -> None:
    """No sentence of over six words stands in more than two documents."""
    seen: dict[str, set[str]] = defaultdict(set)
    for name, text in documents.items():
        for sentence in re.split(r"[.?!\n]+", text):
            plain = _plain(sentence)
            if len(plain.split()) > 6:
                seen[plain].add(name)
    assert {s: names for s, names in seen.items() if len(names) > 2} == {}


def test_documents_share_next_to_no_long_runs_of_words(documents: dict[str, str]) -> None:
    """Under 1 % of any document's 13-word runs stand in another."""
    runs = {}
    for name, text in documents.items():
        words = _plain(text).split()
        runs[name] = {" ".join(words[i : i + 13]) for i in range(len(words) - 12)}
    for one, other in combinations(runs, 2):
        shared = len(runs[one] & runs[other])
        assert shared < 0.01 * min(len(runs[one]), len(runs[other])), (one, other, shared)


def test_it_does_not_compress_away(documents: dict[str, str]) -> None:
    """xz leaves at least 30 % of it: prose, not padding."""
    data = "\n".join(documents.values()).encode()
    assert len(lzma.compress(data, preset=9)) >= 0.30 * len(data)
