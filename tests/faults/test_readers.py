"""Whatever the bytes of a file are, its reader gives a value or an error that a person is told;
what once did otherwise lies in tests/faults/corpus, a file a case, and is tried first.

A case that Hypothesis finds is written down there: its folder is the reader's name, its own name
says what it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from inkling.checkpoints import Checkpoints
from inkling.errors import InklingError
from inkling.evaluation.schema import read_guesses
from inkling.memory.files import open_index, stored_fingerprint
from inkling.run_files import (
    BEST_FILE,
    CONFIG_FILE,
    METRICS_FILE,
    MODEL_FILE,
    OPTIMIZER_FILE,
    PROGRESS_FILE,
    REPORT_FILE,
    STALE_FILE,
    STATE_FILE,
    TOKENIZER_FILE,
)
from inkling.runs import Run
from inkling.server.run_events import RunTail, read_metrics
from inkling.settings import sampling_settings, train_request
from inkling.tensor_files import read_shapes
from inkling.tokens.dataset import INDEX_NAME, PackedIds
from inkling.tokens.tokenizer import Tokenizer
from inkling.tracing.span_index import SpanIndex
from inkling.training.progress import read_progress
from inkling.workflows.add import add
from inkling.workflows.status import read_status
from inkling.workspace import Workspace

CORPUS = Path(__file__).parent / "corpus"


def _shapes(run: Run) -> None:
    try:
        read_shapes(run.path / MODEL_FILE)
    except (OSError, ValueError) as error:
        raise InklingError(str(error)) from None


def _checkpoint(run: Run) -> None:
    Checkpoints(run.path).load(1, None)


def _memory(run: Run) -> None:
    stored_fingerprint(run.memory_path)
    open_index(run.memory_path)


def _events(run: Run) -> None:
    read_metrics(run, 0)
    RunTail(run, 0).poll()
    run.truncate_after(5)


def _settings(run: Run) -> None:
    workspace = Workspace(run.path)
    assert workspace.name
    train_request(workspace, {})
    sampling_settings(workspace, {})


# A reader's name: the file that it reads, below a run's folder, and the reader.
READERS: dict[str, tuple[str, Callable[[Run], object]]] = {
    "config": (CONFIG_FILE, lambda run: run.config()),
    "best": (BEST_FILE, lambda run: (run.checkpoints.best(), run.check())),
    "stale": (STALE_FILE, lambda run: run.stale()),
    "metrics": (METRICS_FILE, _events),
    "progress": (PROGRESS_FILE, read_progress),
    "report": (REPORT_FILE, read_guesses),
    "tokenizer": (TOKENIZER_FILE, lambda run: Tokenizer.load(run.tokenizer_path)),
    "index": (f"data/{INDEX_NAME}", lambda run: PackedIds.open(run.data_path, "train")),
    "state": (f"checkpoints/step-000001/{STATE_FILE}", _checkpoint),
    "tensors": (MODEL_FILE, _shapes),
    "memory": ("memory/index.json", _memory),
    "spans": ("spans/index.json", lambda run: SpanIndex.open(run.spans_path)),
    "status": (".training.json", lambda run: read_status(Workspace(run.path))),
    "settings": ("inkling.toml", _settings),
}

# What each kind of file is made of, so that more than the first byte is reached.
_WORDS = [
    "step", "phase", "train", "finetune", "val_nats_per_char", "forgotten", "parts", "dtype",
    "<u2", "length", "masked", "segments", "version", "sha256", "seal", "state", "pid", "guess",
    "model", "vocab", "merges", "recipe", "name", "val_loss", "loss", "prompt", "text", "F32",
    "shape", "data_offsets", "fingerprint", "crc32", "files", "byteorder", "<|end|>", "BPE", "type",
]  # fmt: skip
_LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(-2, 3), st.floats(),
    st.sampled_from(_WORDS), st.text(max_size=8), st.just(10**400),
)  # fmt: skip
_VALUES = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.sampled_from(_WORDS), st.text(max_size=4)), inner, max_size=5),
    ),
    max_leaves=20,
)
_CONTENTS = st.one_of(
    st.binary(max_size=200),
    st.lists(_VALUES.map(json.dumps), min_size=1, max_size=3).map(lambda v: "\n".join(v).encode()),
    _VALUES.map(lambda value: (text := json.dumps(value).encode()) and
                len(text).to_bytes(8, "little") + text),
    st.sampled_from([
        b"[" * 100_000, b'{"a":' * 100_000, b"9" * 5_000, b"\xef\xbb\xbf{}", b"\xff\xfe",
        b"a = " + b"[" * 50_000, b"\0" * 4_096,
    ]),
)  # fmt: skip


def attempt(folder: Path, reader: str, content: bytes) -> None:
    """One reader, one content."""
    name, read = READERS[reader]
    run = Run(folder / "w")
    path = run.path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    (path.parent / MODEL_FILE).write_bytes(b"")
    (path.parent / OPTIMIZER_FILE).unlink(missing_ok=True)
    path.write_bytes(content)
    try:
        read(run)
    except InklingError as error:
        assert str(error)  # noqa: PT017
        assert "\0" not in str(error)  # noqa: PT017


@pytest.mark.parametrize("reader", READERS)
def test_a_reader_gives_a_value_or_a_sentence(reader: str, tmp_path: Path) -> None:
    """Found cases first, then new ones."""
    for case in sorted((CORPUS / reader).glob("*")):
        attempt(tmp_path, reader, case.read_bytes())

    @given(content=_CONTENTS)
    @example(content=b"")
    @settings(
        max_examples=60, deadline=None, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def holds(content: bytes) -> None:
        attempt(tmp_path, reader, content)

    holds()


@pytest.mark.parametrize(
    "name", ["chat.txt", "x.jsonl", "x.json", "x.html", "x.md", "x.zip", "x.mbox", "x.eml", "x.csv",
             "x.ipynb", "x.xml", "x.vtt"],
)  # fmt: skip
def test_an_import_of_anything_is_counted(name: str, tmp_path: Path) -> None:
    """Any bytes under any ending: records, left out, or a sentence."""

    @given(content=_CONTENTS)
    @settings(
        max_examples=15, deadline=None, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def holds(content: bytes) -> None:
        (tmp_path / name).write_bytes(content)
        workspace = Workspace.create(tmp_path / "w")
        try:
            add(workspace, [tmp_path / name])
        except InklingError as error:
            assert str(error)  # noqa: PT017

    holds()
