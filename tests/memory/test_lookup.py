"""What is looked up for a message."""

import random
import string
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkling.memory import index as index_module
from inkling.memory.index import Index
from inkling.memory.lookup import nearest
from inkling.memory.records import Record, exchanges, passages

TALKS = [
    [("them", "can you swim"), ("me", "no, never learned"),
     ("them", "why not?"), ("me", "the sea and i have an understanding")],
    [("them", "hello, what colour is your van?"), ("me", "mustard yellow, his name is gerald")],
    [("them", "hello, do you like coriander"), ("me", "soap with ambition")],
    [("them", "hello, what do you drink?"), ("me", "tea, strong, no sugar")],
    [("them", "which biscuits go with the tea?"), ("me", "garibaldis")],
    [("them", "why not get a new flask?"), ("me", "this one is green and it leaks as it should")],
]  # fmt: skip


@pytest.fixture(scope="module")
def index() -> Index:
    return Index.build(
        record for n, turns in enumerate(TALKS) for record in exchanges(turns, f"talk-{n}")
    )


def _first(index: Index, message: str, *history: tuple[str, str]) -> str:
    return nearest(index, message, history)[0].record.reply


def test_a_question_in_other_words_finds_its_reply(index: Index) -> None:
    """Other inflections and other company, the same subject."""
    assert _first(index, "Are you fond of swimming?") == "no, never learned"
    assert _first(index, "whats the color of the vans paint") == TALKS[1][1][1]


def test_a_word_tells_as_much_as_its_replies_are_alike() -> None:
    """ "hello" and "swim" are as rare; only after "swim" do the replies have words in common."""
    talks = [
        ("hello, can you swim", "no, never learned"),
        ("do you swim in the sea", "never learned, the sea is cold"),
        ("will you swim", "no, i never learned how"),
        ("hello, what is your cat called", "pedal, she has 3 legs"),
        ("hello, tea?", "strong, please"),
        ("and the ferry", "twice a day if the tide lets it"),
    ]
    index = Index.build(Record(question, reply) for question, reply in talks)
    told = dict(zip(index.vocabulary, index.telling_V.tolist(), strict=True))
    assert told["hello"] < 1 < told["swim"]
    assert told["ferry"] == 1  # asked with once
    assert _first(index, "hello, swimming?") == "no, never learned"


def test_a_short_follow_up_leans_on_what_was_said_before(index: Index) -> None:
    """The same "why not?" goes on about the flask or about the sea."""
    about_flask = ("them", "would you replace the flask"), ("me", "no, it is green")
    about_sea = ("them", "do you swim in the sea"), ("me", "no, i never learned")
    assert _first(index, "why not?", *about_flask) == TALKS[5][1][1]
    assert _first(index, "why not?", *about_sea) == "the sea and i have an understanding"


def test_a_reply_is_not_looked_up_twice_in_a_conversation(index: Index) -> None:
    """What was already said is no answer to the next question."""
    history = (("them", "can you swim"), ("me", "No, never  learned"))
    assert "no, never learned" not in {n.record.reply for n in nearest(index, "swim?", history)}


def test_weights_sum_to_one_and_fall(index: Index) -> None:
    """The nearest first, each with its share."""
    found = nearest(index, "hello, what do you drink with the biscuits")
    assert sum(n.weight for n in found) == pytest.approx(1)
    assert [n.score for n in found] == sorted((n.score for n in found), reverse=True)
    assert all(a.weight >= b.weight for a, b in pairwise(found))


def test_the_same_reply_is_offered_once() -> None:
    """Where every reply is the same there is one neighbour."""
    same = [Record(f"question {n}", "yes", document=str(n)) for n in range(9)]
    assert len(nearest(Index.build(same), "question 3")) == 1


def test_other_scripts_are_looked_up() -> None:
    """Letter pairs stand in for words."""
    talks = {"你叫什么名字": "我叫小雨", "你喜欢吃什么": "面条", "คุณชื่ออะไร": "ฝน"}
    index = Index.build(Record(question, reply) for question, reply in talks.items())
    assert _first(index, "请问你的名字是什么") == "我叫小雨"
    assert _first(index, "ชื่ออะไรคะ") == "ฝน"


@pytest.mark.parametrize(
    "message",
    ["", "   ", "?!", "🐖", "\ud800", "the of and", "ничего", "x" * 10_000, "why " * 2_500],
)
def test_any_message_is_looked_up_without_an_error(index: Index, message: str) -> None:
    """Nothing in common is no neighbours, never an error."""
    assert len(nearest(index, message, (("them", message), ("me", message)))) <= 6
    assert nearest(Index.build([]), message) == ()


@given(st.text(), st.lists(st.tuples(st.text(), st.text()), max_size=4))
def test_any_text_is_indexed_and_found_by_itself(
    message: str, pairs: list[tuple[str, str]]
) -> None:
    """Whatever was said, looking up does not fail, and weights are shares."""
    talk = [turn for q, a in pairs for turn in (("them", q), ("me", a))]
    found = nearest(Index.build(exchanges(talk, "talk")), message)
    assert not found or sum(n.weight for n in found) == pytest.approx(1)


def test_passages_are_no_answers() -> None:
    """Writing is indexed beside dialogs, and looked up only where it is asked for."""
    index = Index.build([*passages("I swim. Often in the sea.", "post"), *exchanges(TALKS[0], "t")])
    assert all(not n.record.is_passage for n in nearest(index, "swim in the sea"))
    found = nearest(index, "swim in the sea", passages=True)
    assert [n.record.document for n in found] == ["post"]


def test_common_words_are_looked_up_only_where_there_are_no_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In a large index a word of very many records is left out beside rarer ones."""
    monkeypatch.setattr(index_module, "COMMON", 50)
    rng = random.Random(0)
    rare = ["".join(rng.choices(string.ascii_lowercase, k=9)) for _ in range(100)]
    index = Index.build(Record(f"common {word}", word) for word in rare)
    assert len(index.query("common").weights) == 1
    assert len(index.query(f"common {' '.join(rare[:3])}").weights) == 3
    assert len(index.query(f"common {' '.join(rare[:2])}").weights) == 3
    assert _first(index, f"common {rare[7]}") == rare[7]


def test_passages_cover_the_text_in_order() -> None:
    """Every sentence stands in one passage, with its place in the document."""
    text = "".join(f"Sentence number {n} is here.\n\n" for n in range(100)) + "x" * 3_000
    found = list(passages(text, "post", start=10))
    assert "".join(r.reply for r in found).replace("\n", "") == text.replace("\n", "")
    assert all(text[r.place - 10 :].lstrip().startswith(r.reply[:20]) for r in found)
    assert max(len(r.reply) for r in found) <= 300


def test_what_words_tell_is_learned_from_a_part_of_many_records(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of very many exchanges every n-th is looked at; what is found is much the same."""
    pairs = [("do you swim", "never learned"), ("hello there", "kettle"), ("hello again", "moth")]
    records = [Record(*pairs[n % 3], document=str(n)) for n in range(300)]
    whole = Index.build(records)
    monkeypatch.setattr("inkling.memory.telling.MOST_RECORDS", 50)
    part = Index.build(records)
    told = [dict(zip(i.vocabulary, i.telling_V.tolist(), strict=True)) for i in (whole, part)]
    assert all(each["hello"] < each["swim"] for each in told)
    assert told[0]["swim"] == pytest.approx(told[1]["swim"], rel=0.1)


def test_an_index_without_questions_in_common_tells_nothing() -> None:
    """No word is asked with twice: all are average."""
    index = Index.build([Record("one", "a reply"), Record("two", "another")])
    assert index.telling_V.tolist() == [1.0] * len(index.vocabulary)
