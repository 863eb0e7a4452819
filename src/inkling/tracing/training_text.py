"""The text that a run was trained on, read back from its packed data, and the index of it.

Knows: how packed ids become texts again, and where each of them stood. Does not know: the
corpus, which may have changed since, or models.
Data: data/train.bin + index.json -> `training_texts` -> `SpanIndex` in runs/NAME/spans/.

A text is a stretch of a document without a gap, or one turn of a dialog; what `them` said is
in lower case, as the model read it. The index is made when it is first asked for and kept; it
is made again where it is damaged or the data it was made from is another.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from inkling.errors import RunError, explain_os_error
from inkling.locks import locked_folder
from inkling.regular_files import read_regular
from inkling.runs import Run
from inkling.tokens.chat_format import as_said
from inkling.tokens.dataset import INDEX_NAME, MOST_INDEX_BYTES, PackedIds
from inkling.tokens.tokenizer import Tokenizer
from inkling.tokens.vocabulary import ME, THEM
from inkling.tracing.span_index import SpanIndex

TextKind = Literal["writing", "them", "me"]


@dataclass(frozen=True)
class TextOrigin:
    """Where a text stood: `document` is the content hash of a document or a conversation.

    `character` is where the text begins in its document; a turn of a dialog has 0.
    """

    document: str
    kind: TextKind
    character: int


@dataclass(frozen=True)
class TrainingTextIndex:
    """The index of a run's training text, and the origin of each of its texts."""

    index: SpanIndex

    @classmethod
    def of(cls, run: Run) -> TrainingTextIndex:
        """The index of a run, made now if it is not there yet.

        Raises RunError where the run's packed data is gone or the index cannot be written.
        """
        run.require_text("traced")
        made_from = _made_from(run)
        index = _current(run.spans_path, made_from)
        if index is None:
            if made_from is None:
                raise RunError(
                    f"The data that run {run.name!r} was trained on is no longer in "
                    f"{run.data_path}, so nothing can be traced to it. Train a new run: "
                    "inkling train."
                )
            index = _made(run, made_from)
        return cls(index)

    def origin(self, text: int) -> TextOrigin:
        """Where text number `text` of the index stood."""
        about = self.index.about
        return TextOrigin(
            about["documents"][about["document"][text]],
            _KINDS[about["kind"][text]],
            about["character"][text],
        )


_KINDS: dict[str, TextKind] = {"w": "writing", "t": "them", "m": "me"}


def training_texts(train: PackedIds, tokenizer: Tokenizer) -> Iterator[tuple[TextOrigin, str]]:
    """The texts of a run's `train` part, in its order, each with its origin."""
    kinds: dict[int, TextKind] = {
        tokenizer.special_id(THEM): "them",
        tokenizer.special_id(ME): "me",
    }
    special = np.array(tokenizer.special_ids)
    origin, parts = None, list[str]()
    for start, length, document, character in train.segments:
        ids = np.asarray(train.ids[start : start + length])
        marks = np.flatnonzero(np.isin(ids, special))
        if not len(marks):  # a document, or more of the one before
            origin = origin or TextOrigin(document, "writing", character)
            parts.append(tokenizer.decode(ids.tolist()))
            continue
        if origin is not None:
            yield origin, "".join(parts)
        origin, parts = None, []
        for mark, stop in zip(marks, [*marks[1:], length], strict=True):
            if stop - mark > 1:  # <|end|> opens nothing
                kind = kinds[int(ids[mark])]
                turn = tokenizer.decode(ids[mark + 1 : stop].tolist())
                yield TextOrigin(document, kind, 0), as_said(turn)
    if origin is not None:
        yield origin, "".join(parts)


def _made(run: Run, made_from: str) -> SpanIndex:
    """Make and keep the index, unless another process has just done so. Where nothing can be
    written it is only made."""
    index: SpanIndex | None = None
    try:
        with locked_folder(run.path):
            index = _current(run.spans_path, made_from)
            if index is None:
                train = PackedIds.open(run.data_path, "train")
                index = _build(train, Tokenizer.load(run.tokenizer_path), made_from)
                index.save(run.spans_path)
    except OSError as error:
        if index is None or os.access(run.path, os.W_OK):
            raise RunError(explain_os_error(error, run.spans_path, "write")) from None
        return index
    # Opened anew, so that its pages are the file's and no longer this process's own.
    return _current(run.spans_path, made_from) or index


def _build(train: PackedIds, tokenizer: Tokenizer, made_from: str) -> SpanIndex:
    documents: dict[str, int] = {}
    about: dict[str, Any] = {
        "made_from": made_from, "documents": [], "document": [], "kind": "", "character": [],
    }  # fmt: skip
    kinds: list[str] = []

    def texts() -> Iterator[str]:
        for origin, text in training_texts(train, tokenizer):
            about["document"].append(documents.setdefault(origin.document, len(documents)))
            about["character"].append(origin.character)
            kinds.append(origin.kind[0])
            yield text

    index = SpanIndex.build(texts(), about)
    about |= {"documents": list(documents), "kind": "".join(kinds)}
    return index


def _current(folder: Path, made_from: str | None) -> SpanIndex | None:
    """The index in a folder, if it is whole and of this data (of any, where that is gone)."""
    index = SpanIndex.open(folder)
    if index is not None and made_from in (None, index.about["made_from"]):
        return index
    return None


def _made_from(run: Run) -> str | None:
    """A hash that tells one run's data from another's; None where the data is gone."""
    digest = hashlib.sha256()
    try:
        (run.data_path / "train.bin").stat()
        for path in (run.data_path / INDEX_NAME, run.tokenizer_path):
            digest.update(hashlib.sha256(read_regular(path, MOST_INDEX_BYTES)).digest())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RunError(explain_os_error(error, run.data_path, "read")) from None
    return digest.hexdigest()
