"""How many threads NumPy's matrix products may use.

Knows: OpenBLAS, which NumPy's wheels carry. Does not know: models, torch, which has threads of its
own.

OpenBLAS shares even the product of one row with a small matrix among all cores; waiting for the
others then costs more than the product, and all the more when a training keeps the cores busy.
"""

from __future__ import annotations

import ctypes
from importlib import import_module

_SETTERS = (
    "scipy_openblas_set_num_threads64_",  # NumPy's own wheels
    "scipy_openblas_set_num_threads",
    "openblas_set_num_threads64_",
    "openblas_set_num_threads",  # a Linux distribution's NumPy
)


def set_blas_threads(count: int) -> bool:
    """Let NumPy's products use `count` threads, in the whole process, from now on.

    False where NumPy was built with another library, which then decides for itself.
    """
    # A symbol is looked for in this library and in those it was linked with.
    library = ctypes.CDLL(import_module("numpy._core._multiarray_umath").__file__)
    for name in _SETTERS:
        if setter := getattr(library, name, None):
            setter.argtypes, setter.restype = [ctypes.c_int], None
            setter(count)
            return True
    return False
