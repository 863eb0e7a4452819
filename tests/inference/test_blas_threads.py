"""NumPy's matrix products on as many threads as they are told."""

from __future__ import annotations

import subprocess
import sys

import pytest

COUNT = """
import ctypes, sys
import numpy as np
from numpy._core import _multiarray_umath
from inkling.inference.blas_threads import set_blas_threads
library = ctypes.CDLL(_multiarray_umath.__file__)
if not set_blas_threads(int(sys.argv[1])):
    sys.exit(3)
for name in ("scipy_openblas_get_num_threads64_", "scipy_openblas_get_num_threads",
             "openblas_get_num_threads64_", "openblas_get_num_threads"):
    if getter := getattr(library, name, None):
        print(getter())
        break
x = np.ones((300, 300), np.float32)
assert (x @ x == 300).all()
"""


@pytest.mark.parametrize("count", [1, 2])
def test_products_use_the_threads_they_are_told(count: int) -> None:
    """In a process of its own: the setting holds for all of it."""
    done = subprocess.run(
        [sys.executable, "-c", COUNT, str(count)], capture_output=True, text=True, check=False
    )
    if done.returncode == 3:
        pytest.skip("NumPy was built with another library than OpenBLAS")
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == count
