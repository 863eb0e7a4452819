"""Decoding on arrays: a store of slots, prompts read into them, one position of many at a time.

Knows: prepared weights, the keys and values of each slot. Does not know: torch, sampling, or whose
text a slot holds; how many positions of a slot are filled is the caller's to say.
Data: ids -> `read` into a slot -> logits (V,); one id for each of the first slots -> `decode` ->
logits (S, V).

Everything is allocated once. A step of a model of two layers is some seventy calls into NumPy,
which is all that it costs beside the products: no module calls, no new arrays of any size.

Shape suffixes: L layers, S slots, R rows computed together (slots, or positions of a prompt), V
vocabulary, C channels, H heads, D head_dim, E = H·D, F hidden channels of the MLP, T positions a
slot has room for, P positions filled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from inkling.inference.array_weights import Floats, PreparedWeights
from inkling.inference.sampling import Sampler, draw_by_numpy

READ_ROWS = 128
"""Positions of a prompt computed together."""

FEW_ROWS = 3
"""Up to here a product is made row by row: BLAS takes 2 to 3 rows at four times the cost of one,
because it packs the matrix for its kernel first."""

NEVER = np.float32("-inf")


class ArrayDecoder:
    """One `modern` model, and room for the texts that it decodes."""

    def __init__(self, weights: PreparedWeights, slots: int) -> None:
        settings = weights.settings
        self.weights = weights
        self.slots, self.capacity = slots, settings.context_length
        H, D = settings.n_head, settings.head_dim
        # Keys, then values. Zeros, not empty: what lies behind a mask must be finite. The system
        # hands out pages of zeros when they are first touched, so unused slots cost nothing.
        self._kv_LS2HTD = np.zeros((settings.n_layer, slots, 2 * H, self.capacity, D), np.float32)
        rows = max(slots, min(READ_ROWS, self.capacity))
        self._rows = cache(_Scratch(weights, rows).first)
        self._logits_SV = np.empty((slots, settings.vocab_size), np.float32)
        self._scores = np.empty(rows * H * self.capacity, np.float32)
        # Arrays, for NumPy takes a third of a microsecond to make one of a number.
        self._eps_C = np.array([settings.norm_eps * settings.n_embd], np.float32)
        self._eps_D = np.array([settings.norm_eps * D], np.float32)
        self._one = np.ones(1, np.float32)

    def read(self, slot: int, ids: Sequence[int], start: int) -> Floats:
        """Read `ids` into a slot, after the `start` positions it has; logits (V,) after the last.

        Raises ValueError when they do not fit.
        """
        self._check_fit(ids, start)
        for begin in range(0, len(ids), READ_ROWS):
            rows = self._read_rows(slot, ids[begin : begin + READ_ROWS], start + begin)
        hidden_1C = rows.y_RC[-1:]
        return np.dot(hidden_1C, self.weights.head_CV)[0]

    def decode(self, ids: Sequence[int], lengths: Sequence[int]) -> Floats:
        """Read one id into each of the first slots, which have that many positions filled.

        Logits (S, V), which hold until the next call.
        """
        S, stop = len(ids), max(lengths) + 1
        assert len(lengths) == S <= self.slots
        assert stop <= self.capacity
        rows = self._rows(S)
        kv_LS2HPD = self._kv_LS2HTD[:, :S, :, :stop]
        scores_SHP1 = self._scores[: rows.heads * stop].reshape(S, -1, stop, 1)
        scores_SH1P = scores_SHP1.transpose(0, 1, 3, 2)
        H = scores_SHP1.shape[1]
        place: tuple[slice | NDArray[np.intp] | int, ...]
        hidden_S1P1 = None
        if min(lengths) == lengths[0] == stop - 1:
            place = (slice(None), slice(None), stop - 1)
            rotation = self.weights.rotation_TD2[stop - 1]
        else:
            positions_S = np.array(lengths)
            place = (np.arange(S), slice(None), positions_S)
            rotation = self.weights.rotation_TD2[positions_S, None]
            hidden_SP = np.where(np.arange(stop) > positions_S[:, None], NEVER, np.float32(0))
            hidden_S1P1 = hidden_SP[:, None, :, None]

        def attend(layer: int) -> None:
            kv_S2HPD = kv_LS2HPD[layer]
            kv_S2HPD[place] = rows.kv_R2HD
            np.matmul(kv_S2HPD[:, :H], rows.q_RHD1, out=scores_SHP1)
            if hidden_S1P1 is not None:
                np.add(scores_SHP1, hidden_S1P1, out=scores_SHP1)
            np.subtract(
                scores_SHP1,
                np.maximum.reduce(scores_SHP1, 2, keepdims=True, out=rows.peak_RH11),
                out=scores_SHP1,
            )
            np.exp(scores_SHP1, out=scores_SHP1)
            np.add.reduce(scores_SHP1, 2, keepdims=True, out=rows.mass_RH11)
            np.matmul(scores_SH1P, kv_S2HPD[:, H:], out=rows.seen_RH1D)
            np.divide(rows.seen_RH1D, rows.mass_RH11, out=rows.seen_RH1D)

        self._forward(rows, ids, rotation, attend)
        logits_SV = self._logits_SV[:S]
        product(rows.y_RC, self.weights.head_CV, logits_SV)
        return logits_SV

    def draw(self, x_SV: Floats, samplers: Sequence[Sampler]) -> list[int]:
        """The `draw` of `sampling.sample`."""
        return draw_by_numpy(x_SV, samplers)

    def copy(self, source: int, target: int, length: int) -> None:
        """Give a slot the first `length` positions of another."""
        self._kv_LS2HTD[:, target, :, :length] = self._kv_LS2HTD[:, source, :, :length]

    def swap(self, one: int, other: int, length: int) -> None:
        """Exchange what two slots hold in their first `length` positions."""
        a, b = (self._kv_LS2HTD[:, index, :, :length] for index in (one, other))
        kept = a.copy()
        a[...] = b
        b[...] = kept

    def _check_fit(self, ids: Sequence[int], start: int) -> None:
        if not 0 <= start < start + len(ids) <= self.capacity:
            raise ValueError(f"{len(ids)} ids after {start} do not fit {self.capacity} positions")

    def _read_rows(self, slot: int, ids: Sequence[int], start: int) -> _Rows:
        """At most READ_ROWS positions of one slot; their final hidden states are in `y_RC`."""
        R, stop = len(ids), start + len(ids)
        rows = self._rows(R)
        H = rows.q_RHD1.shape[1]
        scores_HRP = self._scores[: R * H * stop].reshape(H, R, stop)
        hidden_RP = np.triu(np.full((R, stop), NEVER), start + 1)
        q_HRD = rows.q_RHD1[..., 0].transpose(1, 0, 2)
        seen_HRD = rows.seen_RH1D[:, :, 0].transpose(1, 0, 2)

        def attend(layer: int) -> None:
            kv_2HTD = self._kv_LS2HTD[layer, slot]
            kv_2HTD[:, start:stop] = rows.kv_R2HD.transpose(1, 0, 2)
            np.matmul(q_HRD, kv_2HTD[:H, :stop].transpose(0, 2, 1), out=scores_HRP)
            np.add(scores_HRP, hidden_RP, out=scores_HRP)
            np.subtract(scores_HRP, scores_HRP.max(-1, keepdims=True), out=scores_HRP)
            np.exp(scores_HRP, out=scores_HRP)
            np.divide(scores_HRP, scores_HRP.sum(-1, keepdims=True), out=scores_HRP)
            np.matmul(scores_HRP, kv_2HTD[H:, :stop], out=seen_HRD)

        rotation = self.weights.rotation_TD2[start:stop, None]
        self._forward(rows, ids, rotation, attend)
        return rows

    def _forward(
        self,
        rows: _Rows,
        ids: Sequence[int],
        rotation: NDArray[np.complex64],
        attend: Callable[[int], None],
    ) -> None:
        """All layers; the final normalised hidden states are left in `rows.y_RC`.

        `attend(layer)` stores the rows' keys and values and fills `rows.seen_RE`.
        """
        eps_C, eps_D, one = self._eps_C, self._eps_D, self._one
        x_RC, y_RC, heads_R2HD = rows.x_RC, rows.y_RC, rows.heads_R2HD
        gate_RF, hidden_RF = rows.gate_RF, rows.hidden_RF
        self.weights.embedding_VC.take(ids, 0, out=x_RC, mode="clip")
        # exp of a gate far below zero overflows to infinity, and 1/infinity is what silu is there.
        with np.errstate(over="ignore"):
            for index, layer in enumerate(self.weights.layers):
                normalise(x_RC, eps_C, rows.length_R, rows.length_R1, y_RC)
                product(y_RC, layer.qkv_C3E, rows.qkv_R3E)
                normalise(heads_R2HD, eps_D, rows.length_R2H, rows.length_R2H1, heads_R2HD)
                np.multiply(heads_R2HD, layer.head_scale_2HD, out=heads_R2HD)
                np.multiply(rows.pairs_R2HD2, rotation, out=rows.pairs_R2HD2)
                attend(index)
                product(rows.seen_RE, layer.out_EC, y_RC)
                np.add(x_RC, y_RC, out=x_RC)
                normalise(x_RC, eps_C, rows.length_R, rows.length_R1, y_RC)
                product(y_RC, layer.gate_up_C2F, rows.gate_up_R2F)
                np.exp(gate_RF, out=hidden_RF)
                np.add(hidden_RF, one, out=hidden_RF)
                np.divide(gate_RF, hidden_RF, out=hidden_RF)
                np.multiply(hidden_RF, rows.up_RF, out=hidden_RF)
                product(hidden_RF, layer.down_FC, y_RC)
                np.add(x_RC, y_RC, out=x_RC)
        normalise(x_RC, eps_C, rows.length_R, rows.length_R1, y_RC)


def normalise(x: Floats, eps: Floats, length: Floats, length_1: Floats, out: Floats) -> None:
    """x / sqrt(|x|² + eps) over the last dimension. `length` is scratch, one number a vector, and
    `length_1` the same with a last dimension of 1."""
    np.vecdot(x, x, out=length)
    np.add(length, eps, out=length)
    np.sqrt(length, out=length)
    np.divide(x, length_1, out=out)


def product(x_RK: Floats, weight_KN: Floats, out_RN: Floats) -> None:
    """x weight, into `out`."""
    if 1 < len(x_RK) <= FEW_ROWS:
        for row in range(len(x_RK)):
            np.dot(x_RK[row], weight_KN, out=out_RN[row])
    else:
        np.dot(x_RK, weight_KN, out=out_RN)


class _Scratch:
    """Room for the intermediate results of as many rows as are ever computed together."""

    def __init__(self, weights: PreparedWeights, rows: int) -> None:
        settings = weights.settings
        self._head = (settings.n_head, settings.head_dim)
        C, F, E = settings.n_embd, settings.n_hidden, settings.n_head * settings.head_dim
        self._widths = (C, C, 3 * E, E, 2 * F, F)
        self._arrays = [np.empty((rows, width), np.float32) for width in self._widths]

    def first(self, rows: int) -> _Rows:
        """The first rows, and all the views of them that a step needs."""
        return _Rows([array[:rows] for array in self._arrays], *self._head)


class _Rows:
    """Views, made once for each number of rows, for making one costs as much as an addition."""

    def __init__(self, arrays: Sequence[Floats], H: int, D: int) -> None:
        self.x_RC, self.y_RC, self.qkv_R3E, self.seen_RE, self.gate_up_R2F, self.hidden_RF = arrays
        R, E, F = len(self.x_RC), H * D, self.hidden_RF.shape[1]
        self.heads = R * H
        self.heads_R2HD = self.qkv_R3E[:, : 2 * E].reshape(R, 2 * H, D)
        self.pairs_R2HD2 = self.heads_R2HD.view(np.complex64)
        self.q_RHD1 = self.heads_R2HD[:, :H, :, None]
        self.kv_R2HD = self.qkv_R3E[:, E:].reshape(R, 2 * H, D)
        self.seen_RH1D = self.seen_RE.reshape(R, H, 1, D)
        self.gate_RF, self.up_RF = self.gate_up_R2F[:, :F], self.gate_up_R2F[:, F:]
        self.length_R = np.empty(R, np.float32)
        self.length_R1 = self.length_R[:, None]
        self.length_R2H = np.empty((R, 2 * H), np.float32)
        self.length_R2H1 = self.length_R2H[..., None]
        self.peak_RH11 = np.empty((R, H, 1, 1), np.float32)
        self.mass_RH11 = np.empty((R, H, 1, 1), np.float32)
