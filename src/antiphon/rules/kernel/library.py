"""The compiled kernel, loaded: `kernel.c` beside this file, built when the package is (see `hatch_build.py`)."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).parent
NAME = "_kernel.so"

_INT, _LONG, _POINTER = ctypes.c_int, ctypes.c_int64, ctypes.c_void_p


class KernelMissing(RuntimeError):  # noqa: N818 - it says what is the case
    """The kernel has not been built."""


def structure(arrays: Sequence[NDArray[Any]], numbers: Sequence[int] = ()) -> Any:
    """A C struct of pointers to arrays and 64-bit numbers; the arrays must outlive it."""
    packed = (ctypes.c_int64 * (len(arrays) + len(numbers)))()
    for index, array in enumerate(arrays):
        packed[index] = array.ctypes.data
    for index, value in enumerate(numbers, len(arrays)):
        packed[index] = value
    return packed


def address(array: NDArray[Any]) -> int:
    """Where an array's memory begins."""
    return array.ctypes.data


@lru_cache(maxsize=1)
def library() -> Any:
    """The loaded library; raises KernelMissing."""
    path = HERE / NAME
    try:
        loaded = ctypes.CDLL(str(path))
    except OSError as error:
        raise KernelMissing(f"The kernel {path} cannot be loaded ({error}); install the package anew.") from error
    signatures: dict[str, tuple[Any, str]] = {
        "release": (None, "ppn"),
        "refresh_recheck": (None, "ppn"),
        "absorb": (_LONG, "pppppppnppnnn"),
        "judge_due": (_LONG, "pppppnnnn"),
        "settle_all": (_INT, "pppppn"),
        "verdict_of": (_INT, "ppppnnnp"),
        "put_ring": (_INT, "ppnnppn"),
        "merge_rings": (_INT, "pppnnn"),
        "set_judgement": (_INT, "ppnnnn"),
        "forget_judgements": (None, "pppnn"),
        "drop_unknown": (None, "pppnpn"),
        "set_inputs": (_INT, "pppnpn"),
        "put_block": (_INT, "ppnpn"),
        "copy_blocks": (None, "pppnpp"),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(loaded, name)
        function.restype = result
        function.argtypes = [_POINTER if one == "p" else _LONG for one in arguments]
    return loaded


def whole(values: Any) -> NDArray[np.int64]:
    """An array of 64-bit integers in one piece."""
    return np.ascontiguousarray(values, dtype=np.int64)
