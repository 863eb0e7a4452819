"""The names of the forms that a run can be exported in."""

from __future__ import annotations

from typing import Literal, get_args

ExportKind = Literal["hf", "gguf", "mlx", "page"]
GgufType = Literal["f32", "f16", "q8_0"]
GGUF_TYPES: tuple[GgufType, ...] = get_args(GgufType)
