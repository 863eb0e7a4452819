"""From the workspace's text to one run's ids: the only place that joins text and ids.

Knows: which text goes into which part of a run's data, and in which order. Does not know:
how text is split (corpus.split), encoded (tokens.tokenizer), packed by several processes
(preparation.packing) or stored (tokens.dataset).
Data: Split -> Tokenizer.train -> PackedWriter -> runs/NAME/data and tokenizer.json.

Parts: `train` and `val` hold the writing, each piece behind an <|end|>; `train` also holds
the training dialogs in their grammar, so that base training meets them. `dialog_train` and
`dialog_val` hold dialogs alone, with the mask of what fine-tuning learns.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np

from inkling.atomic_files import atomic_folder
from inkling.config import DataFacts, Selection
from inkling.corpus.dataset import Dataset
from inkling.corpus.part import part_of
from inkling.corpus.reading import Pieces
from inkling.corpus.split import Split, split_corpus
from inkling.corpus.split_dialogs import Dialog
from inkling.corpus.store import CorpusStore
from inkling.corpus.weights import weighted
from inkling.errors import CorpusError, RunError
from inkling.preparation.estimate import bzip2_nats, estimate_facts, is_prose, sample_of
from inkling.preparation.packing import joined, pack_writing
from inkling.run_files import CONFIG_FILE, DATA_FOLDER, TOKENIZER_FILE
from inkling.settings import corpus_settings
from inkling.tokens.chat_format import encode_dialogs, normalize_turn
from inkling.tokens.dataset import PackedWriter, write_index
from inkling.tokens.tokenizer import Tokenizer
from inkling.tokens.vocabulary import ME, PAD, THEM
from inkling.workspace import Workspace

__all__ = [
    "MIN_CHARACTERS", "Prepared", "estimate_facts", "new_run_path",
    "nothing_half_begun", "prepare", "prepare_run", "read_split", "starter_questions",
    "train_tokenizer",
]  # fmt: skip

MIN_CHARACTERS = 2_000
"""Less text than this cannot even fill the held-out part with a few sentences."""

_MERGE_CHARACTERS = 20_000_000
"""Characters that merges are learned from, at most: the rest of a text no longer changes which
pieces of words are frequent."""


def read_split(
    workspace: Workspace, limit: int = 0, selection: Selection | None = None
) -> tuple[Split, str]:
    """What of the workspace's corpus is chosen, masked and split, and the hash of the corpus; with
    `limit`, a part of it of about so many characters. Raises CorpusError where there is too
    little, and UsageError where the selection names what is not there."""
    chosen = selection or Selection()
    with CorpusStore(workspace.corpus_path) as store:
        dataset = Dataset.of(store, corpus_settings(workspace), chosen)
        documents, conversations, share = part_of(dataset, limit)
        split = split_corpus(documents, conversations)
        split = weighted(split, store, chosen.weights)
        split = replace(
            split,
            masked={str(kind): count for kind, count in dataset.masking.counts.items()},
            masked_hash=dataset.masking.digest(),
            notes=tuple(dataset.sentences()),
        )
        corpus_hash = store.corpus_hash()
    if share < 1:
        split = replace(split, share=share)
    found = split.train_characters + split.held_out_characters
    found += sum(dialog.characters for dialog in split.train_dialogs + split.held_out_dialogs)
    if found < MIN_CHARACTERS:
        twice = (
            f" ({split.duplicate_characters:,} more repeat what is there)"
            if split.duplicate_characters
            else ""
        )
        raise CorpusError(
            f"There are {found:,} characters of text here{twice}; training needs at least "
            f"{MIN_CHARACTERS:,}, and is worth the wait from about 100,000. "
            + (
                "Add more: inkling add PATH, or under Writing on the page."
                if chosen.is_everything
                else f"Chosen was: {', '.join(chosen.sentences())}. Choose more of it."
            )
        )
    return split, corpus_hash


@dataclass(frozen=True)
class Prepared:
    """A run's folder with tokenizer and packed data, not yet a run: it has no config."""

    path: Path
    facts: DataFacts
    starters: tuple[str, ...]


def new_run_path(workspace: Workspace, name: str) -> Path:
    """The folder of a run to be. Raises RunError where the name is taken."""
    path = workspace.run_path(name)
    if (path / CONFIG_FILE).exists():
        raise RunError(
            f"There is already a run called {name!r}. Choose another --name, or continue it: "
            f"inkling train --resume --run {name}."
        )
    if path.exists():
        shutil.rmtree(path)  # what a training left that was killed while it prepared its data
    return path


@contextlib.contextmanager
def nothing_half_begun(
    path: Path, keep: Callable[[BaseException], bool] = lambda error: True
) -> Iterator[None]:
    """Remove the folder of a run that came to nothing in the block: one that has no config yet
    (no command would find it), or one that `keep` says is not worth keeping after that error."""
    try:
        yield
    except BaseException as error:
        if not ((path / CONFIG_FILE).exists() and keep(error)):
            shutil.rmtree(path, ignore_errors=True)
        raise


def prepare_run(
    workspace: Workspace,
    name: str,
    merges_for: Callable[[int], int],
    limit: int = 0,
    selection: Selection | None = None,
) -> Prepared:
    """Split the corpus, train its tokenizer, pack its data. Needs no torch.

    `merges_for(characters)` says how many merges the tokenizer may learn; `limit` is the number
    of characters to read of a large corpus, about, 0 for all; `selection` which of its text.
    """
    path = new_run_path(workspace, name)
    split, corpus_hash = read_split(workspace, limit, selection)
    characters = split.train_characters + sum(d.characters for d in split.train_dialogs)
    tokenizer = train_tokenizer(split, merges_for(characters))
    with nothing_half_begun(path):
        facts = prepare(split, corpus_hash, path, tokenizer)
    limited = limit if split.share < 1 else 0
    return Prepared(
        path, facts.model_copy(update={"character_limit": limited}), starter_questions(split)
    )


def train_tokenizer(split: Split, merges: int) -> Tokenizer:
    """The tokenizer of a corpus: all its characters, merges learned from the training part (of
    a very large one: from a part of it, spread evenly)."""
    train = _Texts(split.train, split.train_dialogs)
    held_out = _Texts(split.held_out, split.held_out_dialogs)
    # Questions lose their capitals and marks before they are read; the alphabet has them all.
    asked = (text for d in split.train_dialogs + split.held_out_dialogs for _, text in d.turns)
    share = _MERGE_CHARACTERS / max(1, train.characters)
    if share >= 1:
        return Tokenizer.train(train, merges, others=chain(held_out, asked))
    return Tokenizer.train(train.spread(share), merges, others=chain(train, held_out, asked))


def prepare(split: Split, corpus_hash: str, run_path: Path, tokenizer: Tokenizer) -> DataFacts:
    """Pack a run's data and say what was counted.

    Writes `tokenizer.json` and `data/` below `run_path`; each appears whole or not at all.
    """
    tokenizer.save(run_path / TOKENIZER_FILE)
    with atomic_folder(run_path / DATA_FOLDER) as folder:
        train = PackedWriter(folder, "train", tokenizer.vocab_size)
        val = PackedWriter(folder, "val", tokenizer.vocab_size)
        dialog_train = PackedWriter(folder, "dialog_train", tokenizer.vocab_size, masked=True)
        dialog_val = PackedWriter(folder, "dialog_val", tokenizer.vocab_size, masked=True)
        pack_writing(train, tokenizer, split.train)
        writing_tokens = train.length
        _pack_dialogs(dialog_train, tokenizer, split.train_dialogs, also=train)
        pack_writing(val, tokenizer, split.held_out)
        _pack_dialogs(dialog_val, tokenizer, split.held_out_dialogs)
        parts = (train, val, dialog_train, dialog_val)
        write_index(folder, {part.name: part.close() for part in parts})
    dialog_characters = sum(dialog.characters for dialog in split.train_dialogs)
    sample = sample_of(_Texts(split.train, split.train_dialogs))
    return DataFacts(
        train_characters=split.train_characters + dialog_characters,
        val_characters=split.held_out_characters,
        train_tokens=train.length,
        val_tokens=val.length or dialog_val.length,
        writing_tokens=writing_tokens,
        dialog_tokens=dialog_train.length,
        held_out_dialog_tokens=dialog_val.length,
        dialogs=len(split.train_dialogs),
        held_out_dialogs=len(split.held_out_dialogs),
        reply_characters=sum(dialog.reply_characters for dialog in split.train_dialogs),
        leak=split.leak,
        findings=tuple(split.sentences()),
        bzip2_nats=bzip2_nats(sample),
        prose=is_prose(sample),
        corpus_hash=corpus_hash,
        masked=split.masked,
        masked_hash=split.masked_hash,
        live_ranges=_live_ranges(train.counts, tokenizer),
    )


@dataclass(frozen=True)
class _Texts:
    """Writing and dialogs as plain texts, read anew each time they are gone through."""

    writing: Pieces
    dialogs: Sequence[Dialog]

    def __iter__(self) -> Iterator[str]:
        for _, _, text in joined(self.writing):
            yield text
        for dialog in self.dialogs:
            yield "\n".join(normalize_turn(*turn) for turn in dialog.turns)

    @property
    def characters(self) -> int:
        return self.writing.characters + sum(dialog.characters for dialog in self.dialogs)

    def spread(self, share: float) -> _Texts:
        """About this share of both, spread evenly."""
        every = max(1, round(1 / share))
        return _Texts(self.writing.spread(share), self.dialogs[::every])


def _pack_dialogs(
    part: PackedWriter,
    tokenizer: Tokenizer,
    dialogs: Sequence[Dialog],
    also: PackedWriter | None = None,
) -> None:
    encoded = encode_dialogs(tokenizer, [dialog.turns for dialog in dialogs])
    if also is not None and encoded:
        also.append([tokenizer.end_id], "dialogs")
    for dialog, entry in zip(dialogs, encoded, strict=True):
        part.append(entry.ids, dialog.conversation, mask=entry.mask)
        if also is not None:
            also.append(entry.ids, dialog.conversation)


def _live_ranges(counts: np.ndarray, tokenizer: Tokenizer) -> tuple[tuple[int, int], ...]:
    """Half-open ranges of the ids that may be sampled: seen in training, or <|end|>."""
    live = counts > 0
    live[[tokenizer.special_id(token) for token in (THEM, ME, PAD)]] = False
    live[tokenizer.end_id] = True
    edges = np.flatnonzero(np.diff(np.concatenate([[0], live.astype(np.int8), [0]])))
    return tuple((int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True))


def starter_questions(split: Split, count: int = 4) -> tuple[str, ...]:
    """Short first questions of training dialogs, spread evenly over them."""
    openings = dict.fromkeys(
        text
        for dialog in split.train_dialogs
        if (text := dialog.turns[0][1]) and dialog.turns[0][0] == "them"
        if text.endswith("?") and 12 <= len(text) <= 48 and "\n" not in text
    )
    found = list(openings)
    if len(found) <= count:
        return tuple(found)
    return tuple(found[(2 * n + 1) * len(found) // (2 * count)] for n in range(count))
