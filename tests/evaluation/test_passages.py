"""Packed ids as text again, with the characters that the model is scored on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from inkling.evaluation.likelihood import measure
from inkling.evaluation.passages import (
    HeldOutExchange,
    dialogs,
    exchanges,
    passages,
    reply_symbols,
    writing_symbols,
)
from inkling.runs import Run
from inkling.tokens.chat_format import encode_dialogs
from inkling.tokens.dataset import PackedIds, PackedWriter, write_index
from inkling.tokens.tokenizer import Tokenizer
from inkling.workspace import Workspace

TEXT = "soup, always soup. why? because 🐖 naïve\n" * 9
TOKENIZER = Tokenizer.train([TEXT], merges=20)
TALK = [
    [("them", "soup"), ("me", "always soup 🐖"), ("them", "why"), ("me", "because")],
    [("me", "soup."), ("them", "why"), ("me", "naïve")],
]


def packed() -> PackedIds:
    """Both dialogs as a part."""
    writer = PackedWriter(Path(), "dialog_val", TOKENIZER.vocab_size, masked=True)
    for dialog, name in zip(encode_dialogs(TOKENIZER, TALK), "ab", strict=True):
        writer.append(dialog.ids, name, mask=dialog.mask)
    write_index(Path(), {"dialog_val": writer.close()})
    return PackedIds.open(Path(), "dialog_val")


def test_dialogs_come_back() -> None:
    """Turn by turn; exchanges know what was said before, and a first word of `me` asks nothing."""
    found = dialogs(packed(), TOKENIZER)
    assert [list(turns) for turns in found] == TALK
    assert exchanges(found) == [
        HeldOutExchange((), "soup", "always soup 🐖"),
        HeldOutExchange(tuple(TALK[0][:2]), "why", "because"),
        HeldOutExchange((("me", "soup."),), "why", "naïve"),
    ]


def test_replies_are_scored_as_the_mask_has_it() -> None:
    """What `me` says and the <|end|> behind it; characters are those of the replies."""
    part = packed()
    symbols = reply_symbols(list(passages(np.asarray(part.ids), TOKENIZER)))
    said = [text for turns in TALK for role, text in turns if role == "me"]
    assert symbols.characters == sum(map(len, said))
    assert int(symbols.scored.sum()) == symbols.characters + len(said)


def test_bytes_hold_the_text_and_one_byte_a_boundary() -> None:
    """What compressors read."""
    ids = [TOKENIZER.end_id, *TOKENIZER.encode("naïve 🐖"), TOKENIZER.end_id]
    assert writing_symbols(passages(np.array(ids), TOKENIZER)).as_bytes() == (
        b"\0" + "naïve 🐖".encode() + b"\0"
    )


class Uniform(torch.nn.Module):
    """Every token alike."""

    def forward(self, ids_BT: torch.Tensor) -> torch.Tensor:
        return F.one_hot(ids_BT, 2_000).float() * 0


def test_as_many_characters_as_the_model_is_measured_on(trained: Workspace) -> None:
    """On a real run's writing and replies: baselines and model divide by the same number."""
    run = Run(trained.run_path("tiny"))
    tokenizer = Tokenizer.load(run.tokenizer_path)
    for name in ("val", "dialog_val"):
        part = PackedIds.open(run.data_path, name)
        found = list(passages(np.asarray(part.ids), tokenizer))
        symbols = writing_symbols(found) if name == "val" else reply_symbols(found)
        loss = measure(Uniform(), part, tokenizer.characters_started, tokenizer.end_id, 64)
        assert symbols.characters == loss.characters > 0
