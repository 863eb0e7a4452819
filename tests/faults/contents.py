"""Contents of files that no program has written, for tests/faults/readers.py."""

from __future__ import annotations

import json

from hypothesis import strategies as st

from tests.faults.readers import Reader

# What each kind of file is made of, so that more than the first byte is reached.
_WORDS = [
    "step", "phase", "train", "finetune", "val_nats_per_char", "forgotten", "parts", "dtype",
    "<u2", "length", "masked", "segments", "version", "sha256", "seal", "state", "pid", "guess",
    "model", "vocab", "merges", "recipe", "name", "val_loss", "loss", "prompt", "text", "F32",
    "shape", "data_offsets", "fingerprint", "crc32", "files", "byteorder", "<|end|>", "BPE", "type",
    "key", "value", "visits", "weight_map", "run", "rungs", "losses", "tuned", "kind",
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
        b"", b"[" * 100_000, b'{"a":' * 100_000, b"9" * 5_000, b"\xef\xbb\xbf{}", b"\xff\xfe",
        b"a = " + b"[" * 50_000, b"\0" * 4_096,
    ]),
)  # fmt: skip


def contents(reader: Reader) -> st.SearchStrategy[bytes]:
    """Contents of a reader's file: damaged ones, and what never was one."""
    return _CONTENTS | _changed(reader.healthy())


def _changed(healthy: bytes) -> st.SearchStrategy[bytes]:
    """A file with some bytes overwritten, or cut."""

    def change(places: list[tuple[int, int]], kept: int) -> bytes:
        content = bytearray(healthy)
        for place, byte in places:
            content[place % len(content)] = byte
        return bytes(content[: len(content) - kept])

    places = st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), max_size=6)
    return st.builds(change, places, st.sampled_from([0, 0, 0, 1, len(healthy) // 2]))
