"""Writing to packed ids: by this process alone, or a long text by several, each its own part.

Knows: how runs of sections become ids, where a text may be divided, how another process is given a
part and what comes back. Does not know: which text it is, dialogs, the index.
Data: Pieces -> documents in order -> `PackedWriter`; of a long text: spans -> one part a process,
which reads it from the corpus itself -> ids in a file -> joined in order.

Parts end between two documents, so the ids are those of one process, to the byte. The others are
processes and not threads, because most of the time goes to Python's own objects; they are started
as commands, since a fork would copy the threads of a torch that is being imported, and a module
that a program runs as a script would be run again by `multiprocessing`.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from inkling.corpus.duplicates import Section
from inkling.corpus.reading import Pieces, TextRange
from inkling.errors import CorpusError, InklingError
from inkling.machine import usable_cores
from inkling.permissions import make_private_folder
from inkling.tokens.dataset import PackedWriter
from inkling.tokens.pre_tokenizer import safe_chunks
from inkling.tokens.tokenizer import Tokenizer

PART_CHARACTERS = 10_000_000
"""Of a part, at least: below that starting a process costs more than it saves."""
_CHUNK_CHARACTERS = 1_000_000
_START = "from inkling.preparation.packing import work; work()"
_FAILED = 3
"""Status of a process whose last line is a sentence."""


def joined(sections: Iterable[Section]) -> Iterator[tuple[str, int, str]]:
    """(document, start, text) of runs of neighbouring sections of a document."""
    group: list[Section] = []
    for section in sections:
        if group and (section.document, section.start) != (group[-1].document, group[-1].stop):
            yield group[0].document, group[0].start, "".join(s.text for s in group)
            group = []
        group.append(section)
    if group:
        yield group[0].document, group[0].start, "".join(s.text for s in group)


def pack_writing(
    part: PackedWriter, tokenizer: Tokenizer, pieces: Pieces, processes: int | None = None
) -> None:
    """Append a text, each run of sections behind an <|end|>. A long one is packed by as many
    processes as there are cores, or as are asked for.

    Raises CorpusError where one of them fails.
    """
    count = min(processes or usable_cores(), pieces.characters // PART_CHARACTERS)
    if count < 2:
        _pack(part, tokenizer, pieces)
        return
    own, *others = divided(pieces, count)
    with contextlib.ExitStack() as stack:
        started = [
            stack.enter_context(_Packer(part, n, tokenizer, p)) for n, p in enumerate(others)
        ]
        _pack(part, tokenizer, own)
        for packer in started:
            part.append_part(packer.finished())


def divided(pieces: Pieces, count: int) -> list[Pieces]:
    """The same pieces in at most `count` parts of about as many characters, cut between documents:
    joined, they are what they were."""
    parts: list[list[TextRange]] = [[]]
    total, seen = pieces.characters, 0
    for span in pieces.spans:
        full = seen * count >= len(parts) * total
        if full and parts[-1] and parts[-1][-1].document != span.document:
            parts.append([])
        parts[-1].append(span)
        seen += span.stop - span.start
    return [Pieces(pieces.documents, tuple(spans)) for spans in parts]


def _pack(part: PackedWriter, tokenizer: Tokenizer, pieces: Pieces) -> None:
    place = pieces.documents.place_in_original
    for document, start, text in joined(pieces):
        part.append([tokenizer.end_id], document, place(document, start))
        for chunk in safe_chunks(text, _CHUNK_CHARACTERS):
            part.append(tokenizer.encode(chunk), document, place(document, start))
            start += len(chunk)


class _Packer:
    """Another process that packs one part. Killed at the end of the block if it is still there."""

    def __init__(
        self, whole: PackedWriter, number: int, tokenizer: Tokenizer, pieces: Pieces
    ) -> None:
        self._folder = whole.folder / f"{whole.name}-{number}"
        make_private_folder(self._folder)
        self._process = subprocess.Popen(
            [sys.executable, "-c", _START], stdin=subprocess.PIPE, stderr=subprocess.PIPE,
            # The library's own threads would be as many again in each process.
            env=os.environ | {"TOKENIZERS_PARALLELISM": "false"},
        )  # fmt: skip
        job = (self._folder, whole.name, tokenizer.to_json(), pieces)
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError), self._process.stdin as stdin:
            pickle.dump(job, stdin)

    def __enter__(self) -> _Packer:
        return self

    def __exit__(self, *failure: object) -> None:
        self._process.kill()
        with self._process:  # closes its pipes, and waits for it
            pass
        shutil.rmtree(self._folder, ignore_errors=True)

    def finished(self) -> Path:
        """The folder with what it packed. Raises CorpusError where it failed."""
        assert self._process.stderr is not None
        said = self._process.stderr.read().decode(errors="replace").strip()
        status = self._process.wait()
        if status:
            last = said.splitlines()[-1] if said else f"status {status}"
            raise CorpusError(
                last
                if status == _FAILED
                else f"A process that was packing a part of the text ended ({last}). Run the "
                "command again."
            )
        return self._folder


def work() -> None:
    """What such a process does: read a part from stdin, pack it, say nothing."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it is told, and kills it
    folder, name, tokenizer_json, pieces = pickle.load(sys.stdin.buffer)
    tokenizer = Tokenizer.parse(tokenizer_json)
    try:
        part = PackedWriter(folder, name, tokenizer.vocab_size)
        _pack(part, tokenizer, pieces)
        part.close_as_part()
    except InklingError as error:
        print(str(error).replace("\n", " "), file=sys.stderr)
        sys.exit(_FAILED)
