"""Packed ids and the batches cut from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling.errors import RunError
from inkling.tokens.chat_format import as_said, encode_dialogs, encode_prompt, normalize_turn
from inkling.tokens.dataset import PackedIds, PackedWriter, id_dtype, write_index
from inkling.tokens.loader import IGNORE, DialogLoader, MixedLoader, WindowLoader
from inkling.tokens.question_augmentation import NOISE_TOKENS, QuestionAugmentation
from inkling.tokens.tokenizer import Tokenizer

TEXT = "them and me, a naïve café 🐖 talk about soup. " * 30
TOKENIZER = Tokenizer.train([TEXT], merges=30)
DIALOGS = [
    [("them", "soup?"), ("me", "soup. always soup"), ("them", "why"), ("me", "because")],
    [("me", "a naïve café"), ("them", "and me"), ("me", "talk about them")],
    [("them", "talk " * 30), ("me", "me " * 40)],
]


def pack(folder: Path, texts: dict[str, str]) -> PackedIds:
    writer = PackedWriter(folder, "train", TOKENIZER.vocab_size)
    for name, text in texts.items():
        writer.append([TOKENIZER.end_id], name)
        writer.append(TOKENIZER.encode(text), name)
    write_index(folder, {"train": writer.close()})
    return PackedIds.open(folder, "train")


def in_memory(count: int) -> PackedIds:
    ids = np.arange(count, dtype=np.uint16)
    return PackedIds("train", ids, None, ((0, count, "d", 0),))


def dialogs_part() -> PackedIds:
    ids: list[int] = []
    mask: list[int] = []
    segments = []
    for number, entry in enumerate(encode_dialogs(TOKENIZER, DIALOGS)):
        segments.append((len(ids), len(entry.ids), str(number), 0))
        ids += entry.ids
        mask += entry.mask
    return PackedIds(
        "dialog_train", np.array(ids, dtype=np.uint16), np.array(mask, dtype=np.uint8),
        tuple(segments),
    )  # fmt: skip


def rewording(dropout: float, noise: float) -> QuestionAugmentation:
    them, me = TOKENIZER.special_id("<|them|>"), TOKENIZER.special_id("<|me|>")
    return QuestionAugmentation(dropout, noise, them, me, TOKENIZER.end_id)


def test_ids_take_two_bytes_while_they_fit() -> None:
    """uint16 up to 65,536 tokens, uint32 beyond."""
    assert id_dtype(65_536).itemsize == 2
    assert id_dtype(65_537).itemsize == 4


def test_packed_ids_come_back_and_point_to_their_characters(tmp_path: Path) -> None:
    """Every token leads back to its document and the character it begins at."""
    texts = {"one": TEXT, "two": "a naïve 🐖 café"}
    data = pack(tmp_path, texts)
    assert data.ids.dtype == np.dtype("<u2")
    table = TOKENIZER.characters_started
    for position in range(len(data)):
        name, character = data.locate(position, table)
        start = next(s for s, n, d, _ in data.segments if d == name and s + n > position)
        before = TOKENIZER.decode(int(i) for i in data.ids[start:position])
        assert texts[name].startswith(before.rstrip("\ufffd"))
        assert character == len(before.rstrip("\ufffd"))


def test_damaged_packed_data_is_noticed(tmp_path: Path) -> None:
    """A file shorter than its index gets a sentence, not wrong batches."""
    pack(tmp_path, {"one": TEXT})
    path = tmp_path / "train.bin"
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(RunError, match="damaged"):
        PackedIds.open(tmp_path, "train")


@given(st.integers(3, 200), st.integers(1, 40), st.integers(0, 5))
@settings(max_examples=100, deadline=None)
def test_an_epoch_visits_every_position(count: int, length: int, seed: int) -> None:
    """Every position but the first is a target at least once an epoch, and y is x shifted."""
    loader = WindowLoader(in_memory(count), length, seed)
    seen: dict[int, set[int]] = {0: set(), 1: set(), 2: set()}
    while (epoch := loader.state()["epoch"]) < 2:
        x, y = loader.next_batch(1)
        assert (y == x + 1).all()
        seen[loader.state()["epoch"]].update(y.ravel().tolist())
    assert epoch == 2
    assert seen[0] == seen[1] == set(range(1, count))


@given(st.integers(0, 30), st.integers(1, 5), st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_a_loader_resumed_at_any_step_equals_one_that_never_stopped(
    stop: int, rows: int, seed: int
) -> None:
    """State as plain JSON; the next batches are the same to the bit."""
    base = in_memory(300)

    def fresh() -> MixedLoader:
        dialogs = DialogLoader(dialogs_part(), 40, seed, TOKENIZER.end_id, rewording(0.2, 0.5))
        return MixedLoader(dialogs, WindowLoader(base, 40, seed), 0.3, seed)

    steady = fresh()
    for _ in range(stop):
        steady.next_batch(rows)
    resumed = fresh()
    resumed.load_state(steady.state())
    for _ in range(5):
        for a, b in zip(steady.next_batch(rows), resumed.next_batch(rows), strict=True):
            assert np.array_equal(a, b)


def test_epochs_differ_and_repeat_with_the_seed() -> None:
    """A new epoch is a new order; the same seed is the same order."""
    one, two = WindowLoader(in_memory(500), 10, 7), WindowLoader(in_memory(500), 10, 7)
    first = one.next_batch(one.rows_per_epoch())[0]
    assert np.array_equal(first, two.next_batch(two.rows_per_epoch())[0])
    assert not np.array_equal(first, one.next_batch(len(first))[0])


def test_the_mask_counts_my_words_and_their_end_only() -> None:
    """Loss on `me` text and its <|end|>, on nothing else."""
    (entry, *_) = encode_dialogs(TOKENIZER, DIALOGS)
    learned = [i for i, keep in zip(entry.ids, entry.mask, strict=True) if keep]
    assert TOKENIZER.decode(learned) == " soup. always soup because"
    assert learned.count(TOKENIZER.end_id) == 2


def test_dialog_rows_open_with_end_and_a_turn() -> None:
    """Rows look like a chat does; every target is a `me` token that really follows its input."""
    loader = DialogLoader(dialogs_part(), 64, 1, TOKENIZER.end_id)
    openers = {TOKENIZER.special_id("<|them|>"), TOKENIZER.special_id("<|me|>")}
    total = 0
    x, y = loader.next_batch(loader.rows_per_epoch())
    for row_x, row_y in zip(x, y, strict=True):
        assert row_x[0] == TOKENIZER.end_id
        assert row_x[1] in openers
        kept = row_y != IGNORE
        assert (row_y[:-1][kept[:-1]] == row_x[1:][kept[:-1]]).all()
        total += int(kept.sum())
    # Dialogs one and two are learned whole; the third's reply is longer than a row.
    whole = sum(sum(e.mask) for e in encode_dialogs(TOKENIZER, DIALOGS)[:2])
    assert total >= whole


@pytest.mark.parametrize("length", range(4, 64, 4))
def test_exchanges_longer_than_a_row_fit_cut(length: int) -> None:
    """Also the first of several: every row of an epoch is as long as it should be."""
    loader = DialogLoader(dialogs_part(), length, 1, TOKENIZER.end_id)
    x, y = loader.next_batch(loader.rows_per_epoch())
    assert x.shape == y.shape == (loader.rows_per_epoch(), length)
    assert (y != IGNORE).any()


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("What's that?!", " whats that"),
        ("what’s  THAT", " whats that"),
        ("tin-opener, please…", " tin opener please"),
        ("¿Qué?", " qué"),
        ("नमस्ते।", " नमस्ते"),
        ("你好。", " 你好"),
        ("🐖?", " 🐖"),
        ("?!", " ?!"),
        ("<|me|>", " <|me|>"),
    ],
)
def test_questions_are_read_without_capitals_and_marks(typed: str, read: str) -> None:
    """What others type in many ways is read in one; what is nothing but marks stays."""
    assert normalize_turn("them", typed) == read
    assert normalize_turn("me", typed) == f" {typed}"
    assert as_said(normalize_turn("me", typed)) == typed


def test_rewording_touches_only_what_others_say() -> None:
    """My words, the marks of turns and the loss stay; of a question a subsequence is left, and
    at most a few tokens come in at one of its ends."""
    (entry, other, _) = encode_dialogs(TOKENIZER, DIALOGS)
    ids, mask = np.array(entry.ids), np.array(entry.mask, dtype=np.uint8)
    generator = np.random.default_rng(0)
    settings = rewording(0.3, 0.0)
    lent = np.array(other.ids)[settings.asked(np.array(other.ids))]
    asked = int(settings.asked(ids).sum())
    assert asked == len(TOKENIZER.encode(" soup") + TOKENIZER.encode(" why"))
    lost = 0
    for noise in (0.0, 1.0):
        settings = rewording(0.3, noise)
        for _ in range(300):
            new, counted = settings.apply(ids, mask, settings.asked(ids), lent, generator)
            mine = new[~settings.asked(new)]
            assert np.array_equal(mine, ids[~settings.asked(ids)])
            assert np.array_equal(new[counted == 1], ids[mask == 1])
            added = len(new) - len(mine) - asked
            assert added <= (NOISE_TOKENS if noise else 0)
            lost += -added if not noise else 0
    # A third untouched, a third at 0.3, a third at 0.6.
    assert lost / 300 / asked == pytest.approx(0.3, abs=0.05)


def test_rows_are_reworded_anew_in_each_epoch() -> None:
    """The same row of the same epoch is the same; the next epoch asks differently."""
    loader = DialogLoader(dialogs_part(), 64, 1, TOKENIZER.end_id, rewording(0.3, 0.5))
    again = DialogLoader(dialogs_part(), 64, 1, TOKENIZER.end_id, rewording(0.3, 0.5))
    rows = loader.rows_per_epoch()
    first = loader.next_batch(rows)[0]
    assert np.array_equal(first, again.next_batch(rows)[0])
    seen = {loader.next_batch(rows)[0].tobytes() for _ in range(6)} | {first.tobytes()}
    assert len(seen) == 7


def test_a_prompt_keeps_the_newest_turns_that_fit() -> None:
    """The oldest turns go first, the question always stays, the number dropped is told."""
    history = [("them", "soup?"), ("me", "always")] * 6
    full, dropped = encode_prompt(TOKENIZER, history, "why", 1000)
    assert dropped == 0
    assert TOKENIZER.decode(full) == " soup always" * 6 + " why"
    short, dropped = encode_prompt(TOKENIZER, history, "why", 30)
    assert 0 < dropped < 12
    assert len(short) <= 31
    assert TOKENIZER.decode(short).endswith("why")
    assert full[-len(short) + 1 :] == short[1:]
    tiny, dropped = encode_prompt(TOKENIZER, history, "why " * 200, 20)
    assert dropped == 12
    assert len(tiny) <= 21
