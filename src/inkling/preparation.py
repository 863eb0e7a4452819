"""From the workspace's text to one run's ids: the only place that joins text and ids.

Knows: which text goes into which part of a run's data, and in which order. Does not know:
how text is split (corpus.split), encoded (tokens.tokenizer) or stored (tokens.dataset).
Data: Split -> Tokenizer.train -> PackedWriter -> runs/NAME/data and tokenizer.json.

Parts: `train` and `val` hold the writing, each piece behind an <|end|>; `train` also holds
the training dialogs in their grammar, so that base training meets them. `dialog_train` and
`dialog_val` hold dialogs alone, with the mask of what fine-tuning learns.
"""

from __future__ import annotations

import bz2
import math
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from inkling.config import DataFacts
from inkling.corpus.dialog import Turn, sessions
from inkling.corpus.document import Message
from inkling.corpus.duplicates import Section
from inkling.corpus.reading import Pieces
from inkling.corpus.split import HELD_OUT, Dialog, Split, split_corpus
from inkling.corpus.store import CorpusStore
from inkling.errors import CorpusError, RunError
from inkling.tokens.chat_format import as_read, encode_dialogs
from inkling.tokens.dataset import PackedWriter, write_index
from inkling.tokens.tokenizer import ME, PAD, THEM, Tokenizer, safe_chunks
from inkling.workspace import Workspace, atomic_folder

MIN_CHARACTERS = 2_000
"""Less text than this cannot even fill the held-out part with a few sentences."""

_CHUNK_CHARACTERS = 1_000_000
_SAMPLE_CHARACTERS = 400_000
_MERGE_CHARACTERS = 20_000_000
"""Characters that merges are learned from, at most: the rest of a text no longer changes which
pieces of words are frequent."""


def read_split(workspace: Workspace) -> tuple[Split, str]:
    """The workspace's corpus, split, and its hash. Raises CorpusError where it is too small."""
    with CorpusStore(workspace.corpus_path) as store:
        split = split_corpus(store.documents(), store.conversations())
        corpus_hash = store.corpus_hash()
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
            "Add more with: inkling add PATH."
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
    if (path / "config.json").exists():
        raise RunError(
            f"There is already a run called {name!r}. Choose another --name, or go on with it: "
            f"inkling train --resume --run {name}."
        )
    if path.exists():
        shutil.rmtree(path)  # what a training left that was killed while it prepared its data
    return path


def prepare_run(workspace: Workspace, name: str, merges_for: Callable[[int], int]) -> Prepared:
    """Split the corpus, train its tokenizer, pack its data. Needs no torch.

    `merges_for(characters)` says how many merges the tokenizer may learn.
    """
    path = new_run_path(workspace, name)
    split, corpus_hash = read_split(workspace)
    characters = split.train_characters + sum(d.characters for d in split.train_dialogs)
    tokenizer = train_tokenizer(split, merges_for(characters))
    try:
        facts = prepare(split, corpus_hash, path, tokenizer)
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        raise
    return Prepared(path, facts, starter_questions(split))


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
    run_path.mkdir(parents=True, exist_ok=True)
    tokenizer.save(run_path / "tokenizer.json")
    with atomic_folder(run_path / "data") as folder:
        train = PackedWriter(folder, "train", tokenizer.vocab_size)
        val = PackedWriter(folder, "val", tokenizer.vocab_size)
        dialog_train = PackedWriter(folder, "dialog_train", tokenizer.vocab_size, masked=True)
        dialog_val = PackedWriter(folder, "dialog_val", tokenizer.vocab_size, masked=True)
        _pack_writing(train, tokenizer, split.train)
        writing_tokens = train.length
        _pack_dialogs(dialog_train, tokenizer, split.train_dialogs, also=train)
        _pack_writing(val, tokenizer, split.held_out)
        _pack_dialogs(dialog_val, tokenizer, split.held_out_dialogs)
        parts = (train, val, dialog_train, dialog_val)
        write_index(folder, {part.name: part.close() for part in parts})
    dialog_characters = sum(dialog.characters for dialog in split.train_dialogs)
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
        bzip2_nats=bzip2_nats(_Texts(split.train, split.train_dialogs)),
        corpus_hash=corpus_hash,
        live_ranges=_live_ranges(train.counts, tokenizer),
    )


def bzip2_nats(texts: Iterable[str]) -> float:
    """Nats a character that bzip2 leaves of the first 400,000 characters: a cheap measure of
    how predictable a text is, in 50 ms."""
    taken: list[str] = []
    size = 0
    for text in texts:
        taken.append(text[:_SAMPLE_CHARACTERS])
        size += len(taken[-1]) + 1
        if size > _SAMPLE_CHARACTERS:
            break
    sample = "\n".join(taken)[:_SAMPLE_CHARACTERS]
    return 8 * math.log(2) * len(bz2.compress(sample.encode())) / max(1, len(sample))


def estimate_facts(
    writing: Iterable[str],
    characters: int,
    conversations: Iterable[Sequence[Message]],
    spoken: int,
    merges_for: Callable[[int], int],
) -> tuple[DataFacts, int]:
    """About what `prepare` would count, and the size of the vocabulary, within a second.

    Of a large corpus (`characters` of writing, `spoken` ones in conversations) a sample is read.
    Near-copies, which a training leaves out, are counted like the rest.
    """
    share = min(1.0, _SAMPLE_CHARACTERS / max(1, characters))
    texts = [text[: math.ceil(share * len(text))] for text in writing]
    dialogs: list[Sequence[Turn]] = []
    heard = 0
    for messages in conversations:
        dialogs += sessions(messages)
        heard += sum(len(message.text) for message in messages)
        if heard >= _SAMPLE_CHARACTERS:
            break
    said = ["\n".join(as_read(*turn) for turn in turns) for turns in dialogs]
    tokenizer = Tokenizer.train([*texts, *said], merges_for(characters + spoken))
    # All of the writing and all of the conversations, measured in what was read of them.
    of_writing = characters / max(1, sum(map(len, texts)))
    of_dialogs = spoken / max(1, heard)
    written = of_writing * sum(len(tokenizer.encode(text)) + 1 for text in texts)
    replied = of_dialogs * sum(len(entry.ids) for entry in encode_dialogs(tokenizer, dialogs))
    count = round(of_dialogs * len(dialogs))
    held_out = round(HELD_OUT * count)
    learned = 1 - HELD_OUT
    facts = DataFacts(
        train_characters=round(learned * (characters + of_dialogs * sum(map(len, said)))),
        val_characters=round(HELD_OUT * characters),
        train_tokens=round(learned * (written + replied)),
        val_tokens=round(HELD_OUT * (written or replied)),
        writing_tokens=round(learned * written),
        dialog_tokens=round(learned * replied),
        held_out_dialog_tokens=round(HELD_OUT * replied),
        dialogs=count - held_out,
        held_out_dialogs=held_out,
        bzip2_nats=bzip2_nats([*texts, *said]),
    )
    return facts, tokenizer.vocab_size


@dataclass(frozen=True)
class _Texts:
    """Writing and dialogs as plain texts, read anew each time they are gone through."""

    writing: Pieces
    dialogs: Sequence[Dialog]

    def __iter__(self) -> Iterator[str]:
        for _, _, text in _joined(self.writing):
            yield text
        for dialog in self.dialogs:
            yield "\n".join(as_read(*turn) for turn in dialog.turns)

    @property
    def characters(self) -> int:
        return self.writing.characters + sum(dialog.characters for dialog in self.dialogs)

    def spread(self, share: float) -> _Texts:
        """About this share of both, spread evenly."""
        every = max(1, round(1 / share))
        return _Texts(self.writing.spread(share), self.dialogs[::every])


def _joined(sections: Iterable[Section]) -> Iterator[tuple[str, int, str]]:
    """(document, start, text) of runs of neighbouring sections of a document."""
    group: list[Section] = []
    for section in sections:
        if group and (section.document, section.start) != (group[-1].document, group[-1].stop):
            yield group[0].document, group[0].start, "".join(s.text for s in group)
            group = []
        group.append(section)
    if group:
        yield group[0].document, group[0].start, "".join(s.text for s in group)


def _pack_writing(part: PackedWriter, tokenizer: Tokenizer, sections: Iterable[Section]) -> None:
    for document, start, text in _joined(sections):
        part.append([tokenizer.end_id], document, start)
        for chunk in safe_chunks(text, _CHUNK_CHARACTERS):
            part.append(tokenizer.encode(chunk), document, start)
            start += len(chunk)


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
