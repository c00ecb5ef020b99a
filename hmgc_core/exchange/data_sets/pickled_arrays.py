"""Read a Python pickle that holds arrays and plain values, and run nothing in it.

A pickle names the functions that build its content. Here every such name is looked up in a short list, whose entries
are stand-ins of this file: nothing of Python, numpy or the rest of the program can be reached or called. An array is
put together from its bytes by this file too. So what comes out is dict, list, tuple, str, bytes, numbers and arrays.
"""

import io
import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmgc_core.errors import TableError

LARGEST = 1_000_000_000
_KINDS = {"b1", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"}
_ARRAY_STATE = 5  # version, shape, element type, columns first, bytes


def plain_values(path: Path) -> Any:
    """The plain values and arrays in a pickle; text of Python 2 comes as bytes.

    Raises TableError where it is none, is damaged, or names anything that is not a part of an array.
    """
    remedy = "take the file from the data set's own archive; a file from elsewhere may be made to do harm"
    try:
        if path.stat().st_size > LARGEST:
            raise TableError(f"{path} is too large", remedy=remedy)
        reader = _Reader(io.BytesIO(path.read_bytes()), encoding="bytes")
        return _plain(reader.load())
    except OSError as error:
        raise TableError(f"cannot read {path}: {error.strerror}", remedy="check the folder and its files") from error
    except _NotPlain as error:
        raise TableError(f"{path} holds more than data: it asks for {error}; it was not read", remedy=remedy) from error
    except TableError:
        raise
    except Exception as error:  # on damaged bytes it raises nearly anything
        raise TableError(f"{path} is no pickle of arrays, or damaged", remedy=remedy) from error


class _NotPlain(Exception):
    """The pickle asks for something that is no data."""


class _ElementType:
    """Stands for a numpy dtype: only plain numbers."""

    def __init__(self, kind: Any, *_align_and_copy: Any) -> None:
        self.kind, self.order = _text(kind).lstrip("<>|="), "|"
        if self.kind not in _KINDS:
            raise _NotPlain(f"an array of {self.kind[:40]!r}")

    def __setstate__(self, state: tuple) -> None:
        self.order = _text(state[1])
        if self.order not in ("<", ">", "|", "="):
            raise _NotPlain("an odd order of bytes")


class _Array:
    """Stands for a numpy array, until its state is set."""

    value: NDArray

    def __setstate__(self, state: tuple) -> None:
        _, shape, element, columns_first, content = state[:_ARRAY_STATE]
        self.fill(content, element, shape, "F" if columns_first else "C")

    def fill(self, content: Any, element: Any, shape: Any, order: Any) -> None:
        """Take the numbers in."""
        if not isinstance(element, _ElementType) or not isinstance(content, (bytes, bytearray)):
            raise _NotPlain("an array of objects")
        numbers = np.frombuffer(content, np.dtype(element.order + element.kind))
        if any(side < 0 for side in shape) or math.prod(shape) != len(numbers):
            raise _NotPlain("an array of another size than its bytes")
        self.value = numbers.reshape(shape, order="F" if order == "F" else "C")


def _empty_array(*_class_shape_and_type: Any) -> _Array:
    return _Array()


def _filled_array(content: Any, element: Any, shape: Any, order: Any) -> _Array:
    """How newer pickles name an array."""
    array = _Array()
    array.fill(content, element, shape, order)
    return array


def _encoded(text: str, codec: str) -> bytes:
    """How Python 3 writes bytes into an old pickle."""
    if codec not in ("latin1", "latin-1"):
        raise _NotPlain(f"the codec {codec[:40]!r}")
    return text.encode("latin1")


_STAND_INS: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _ElementType,
    ("numpy.core.multiarray", "_reconstruct"): _empty_array,
    ("numpy._core.multiarray", "_reconstruct"): _empty_array,
    ("numpy.core.numeric", "_frombuffer"): _filled_array,
    ("numpy._core.numeric", "_frombuffer"): _filled_array,
    ("_codecs", "encode"): _encoded,
}


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """A stand-in for a name; anything else is refused before it is looked up."""
        found = _STAND_INS.get((module, name))
        if found is None:
            raise _NotPlain(f"{module}.{name}"[:120])
        return found


def _text(value: Any) -> str:
    return value.decode("ascii") if isinstance(value, bytes) else str(value)


def _plain(value: Any) -> Any:
    """The value with arrays for their stand-ins. Raises _NotPlain for anything that is no data."""
    if isinstance(value, _Array):
        return value.value
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value] if isinstance(value, list) else tuple(map(_plain, value))
    if value is None or isinstance(value, (str, bytes, int, float)):
        return value
    raise _NotPlain(f"a value of the kind {type(value).__name__.strip('_')}")
