"""Decoding with a compiled step: for small models, whose step costs more in calls than in sums.

Knows: the libraries that the build compiled from decode_kernel.c and draw_kernel.c, and which this
processor can run. Does not know: how they are compiled, or whose text a slot holds.
Data: as in array_decoder.py, whose store of keys and values it shares.

One call into the library does all layers for all rows; a row names its slot and its position, so
that a prompt that is read and slots that are decoded are the same to it. It computes on the thread
that calls it, and other Python threads run meanwhile. Large models are better off with BLAS and its
threads: they are read from memory, not computed.

Shape suffixes: as in array_decoder.py; N columns of a packed matrix, K rows.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import numpy as np

from inkling.inference.array_decoder import READ_ROWS, ArrayDecoder
from inkling.inference.array_weights import Floats, PreparedWeights
from inkling.inference.kernel_build import FOLDER, kinds, library
from inkling.inference.sampling import Sampler

LANES, PANEL = 8, 16
"""As in decode_kernel.c."""

_Pointer = ctypes.c_void_p


class _Layer(ctypes.Structure):
    _fields_ = [(name, _Pointer) for name in ("qkv", "head_scale", "out", "gate_up", "down")]


class _Model(ctypes.Structure):
    _fields_ = [
        *(
            (name, ctypes.c_int32)
            for name in (
                "layers", "channels", "heads", "head_dim", "hidden", "vocabulary", "capacity",
                "slots",
            )
        ),
        ("eps_channels", ctypes.c_float),
        ("eps_head", ctypes.c_float),
        *((name, _Pointer) for name in ("embedding", "head", "rotation")),
        ("layer", ctypes.POINTER(_Layer)),
    ]  # fmt: skip


def cpu_features() -> dict[str, bool]:
    """NumPy's names of what processors may have, and whether this one has it."""
    features: dict[str, bool] = import_module("numpy._core._multiarray_umath").__cpu_features__
    return features


def kernel_kind(folder: Path = FOLDER) -> str | None:
    """The kind of processor that the best library in a folder for this one is for: avx512, avx2 …;
    None where none was built."""
    has = cpu_features()
    for kind, _, needed in kinds():
        if library(kind, folder).is_file() and all(has.get(feature) for feature in needed):
            return kind
    return None


def load_kernel(folder: Path = FOLDER) -> ctypes.CDLL | None:
    """The best library in a folder for this processor; None where none was built."""
    kind = kernel_kind(folder)
    return None if kind is None else load_kernel_at(library(kind, folder))


def load_kernel_at(path: Path) -> ctypes.CDLL:
    """One library, whatever this processor is."""
    kernel = ctypes.CDLL(str(path))
    model = ctypes.POINTER(_Model)
    kernel.inkling_hidden.argtypes = [model, ctypes.c_int32, *[_Pointer] * 6]
    kernel.inkling_logits.argtypes = [model, ctypes.c_int32, *[_Pointer] * 2]
    kernel.inkling_draw.argtypes = [ctypes.c_int32, ctypes.c_int32, *[_Pointer] * 4]
    kernel.inkling_draw.restype = None
    kernel.inkling_hidden.restype = kernel.inkling_logits.restype = None
    return kernel


def suits(weights: PreparedWeights) -> bool:
    """Whether the kernel knows the model's sizes: it takes numbers eight at a time."""
    settings = weights.settings
    return not any(size % LANES for size in (settings.n_embd, settings.head_dim, settings.n_hidden))


def decoder_for(weights: PreparedWeights, slots: int) -> ArrayDecoder:
    """The faster of the two on one thread: compiled, or by NumPy where nothing was compiled for
    this processor or the model's sizes do not suit."""
    kernel = load_kernel()
    if kernel is not None and suits(weights):
        return KernelDecoder(weights, slots, kernel)
    return ArrayDecoder(weights, slots)


class KernelDecoder(ArrayDecoder):
    """An `ArrayDecoder` whose steps are compiled."""

    def __init__(self, weights: PreparedWeights, slots: int, kernel: ctypes.CDLL) -> None:
        """The model must be one that the kernel `suits`."""
        assert suits(weights)
        super().__init__(weights, slots)
        settings = weights.settings
        C, F = settings.n_embd, settings.n_hidden
        E = settings.n_head * settings.head_dim
        self._kernel = kernel
        rows = max(slots, min(READ_ROWS, self.capacity))
        room = rows * (C + max(C, E) + 3 * E + 3 * F) + self.capacity + LANES
        self._room = np.empty(room, np.float32)
        self._hidden_RC = np.empty((rows, C), np.float32)
        self._ids_R = np.empty(rows, np.int64)
        self._first_R = np.arange(rows)
        self._slots_R = np.empty(rows, np.int64)
        self._positions_R = np.empty(rows, np.int64)
        # The structures hold addresses only; what they point to is kept here.
        self._kept: list[np.ndarray] = []
        layers = (_Layer * settings.n_layer)(
            *(
                _Layer(
                    self._packed(layer.qkv_C3E),
                    self._address(layer.head_scale_2HD),
                    self._packed(layer.out_EC),
                    self._packed(layer.gate_up_C2F),
                    self._packed(layer.down_FC),
                )
                for layer in weights.layers
            )
        )
        self._model = _Model(
            settings.n_layer, C, settings.n_head, settings.head_dim, F, settings.vocab_size,
            self.capacity, slots, settings.norm_eps * C, settings.norm_eps * settings.head_dim,
            self._address(weights.embedding_VC), self._packed(weights.head_CV),
            self._address(weights.rotation_TD2), layers,
        )  # fmt: skip
        self._pointer = ctypes.pointer(self._model)
        self._arguments = [
            array.ctypes.data
            for array in (
                self._ids_R, self._slots_R, self._positions_R, self._kv_LS2HTD, self._room,
                self._hidden_RC,
            )
        ]  # fmt: skip

        self._ways_S5 = np.empty((slots, 5))
        self._tokens_S = np.empty(slots, np.int64)
        self._weighed = np.empty(6 * settings.vocab_size + 2 * LANES, np.float32)
        self._drawing = [
            array.ctypes.data for array in (self._ways_S5, self._tokens_S, self._weighed)
        ]

    def read(self, slot: int, ids: Sequence[int], start: int) -> Floats:
        self._check_fit(ids, start)
        self._slots_R[:] = slot
        for begin in range(0, len(ids), READ_ROWS):
            part = ids[begin : begin + READ_ROWS]
            self._positions_R[: len(part)] = np.arange(start + begin, start + begin + len(part))
            self._step(part)
        logits_V = np.empty(self.weights.settings.vocab_size, np.float32)
        last_C = self._hidden_RC[len(part) - 1]
        self._kernel.inkling_logits(self._pointer, 1, last_C.ctypes.data, logits_V.ctypes.data)
        return logits_V

    def decode(self, ids: Sequence[int], lengths: Sequence[int]) -> Floats:
        S = len(ids)
        assert len(lengths) == S <= self.slots
        assert max(lengths) < self.capacity
        self._slots_R[:S] = self._first_R[:S]
        self._positions_R[:S] = lengths
        self._step(ids)
        self._kernel.inkling_logits(
            self._pointer, S, self._hidden_RC.ctypes.data, self._logits_SV.ctypes.data
        )
        return self._logits_SV[:S]

    def draw(self, x_SV: Floats, samplers: Sequence[Sampler]) -> list[int]:
        S, V = x_SV.shape
        self._ways_S5[:S] = [
            (
                sampler.temperature, sampler.top_k, sampler.top_p, sampler.min_p, sampler.random(),
            )
            for sampler in samplers
        ]  # fmt: skip
        self._kernel.inkling_draw(S, V, x_SV.ctypes.data, *self._drawing)
        return self._tokens_S[:S].tolist()

    def _step(self, ids: Sequence[int]) -> None:
        self._ids_R[: len(ids)] = ids
        self._kernel.inkling_hidden(self._pointer, len(ids), *self._arguments)

    def _packed(self, weight_KN: Floats) -> int:
        """The address of a matrix as panels of PANEL columns, each (K, PANEL)."""
        K, N = weight_KN.shape
        padded_KN = np.pad(weight_KN, ((0, 0), (0, -N % PANEL)))
        return self._address(padded_KN.reshape(K, -1, PANEL).transpose(1, 0, 2))

    def _address(self, array: np.ndarray) -> int:
        self._kept.append(np.ascontiguousarray(array))
        return self._kept[-1].ctypes.data
