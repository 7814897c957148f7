"""Compiled code, loaded: C files beside Python's, built when the package is (see `hatch_build.py`)."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_TYPES = {
    "p": ctypes.c_void_p,
    "n": ctypes.c_int64,
    "i": ctypes.c_int,
    "o": ctypes.py_object,
    "v": None,
}


class NotBuilt(RuntimeError):  # noqa: N818 - it says what is the case
    """A compiled part is not there."""


def load(path: Path, signatures: Mapping[str, str], *, of_python: bool = False) -> Any:
    """Load the library at `path`; raises NotBuilt.

    `signatures` has for each function a letter for what it returns and one for each argument: (p)ointer, 64-bit (n)umber, (i)nt,
    Python (o)bject, (v)oid. Functions `of_python` are called with the interpreter's lock, and what they raise is raised.
    """
    try:
        loaded = ctypes.PyDLL(str(path)) if of_python else ctypes.CDLL(str(path))
    except OSError as error:
        raise NotBuilt(f"{path} cannot be loaded ({error}); install the package anew.") from error
    for name, letters in signatures.items():
        function = getattr(loaded, name)
        function.restype = _TYPES[letters[0]]
        function.argtypes = [_TYPES[letter] for letter in letters[1:]]
    return loaded


def structure(arrays: Sequence[NDArray[Any]], numbers: Sequence[int] = ()) -> Any:
    """A C struct of pointers to arrays and 64-bit numbers; the arrays must be in one piece, and outlive it."""
    return (ctypes.c_int64 * (len(arrays) + len(numbers)))(*(array.ctypes.data for array in arrays), *numbers)


def address(array: NDArray[Any]) -> int:
    """Where an array's memory begins."""
    return array.ctypes.data


def whole(values: Any) -> NDArray[np.int64]:
    """An array of 64-bit integers in one piece."""
    return np.ascontiguousarray(values, dtype=np.int64)
