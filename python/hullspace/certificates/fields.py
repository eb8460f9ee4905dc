"""Arrays of results, looked at once, at the border: what does not fit is an error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from hullspace.certificates.rounding import NORMALIZATION, Bools, Floats, Rows, gamma

if TYPE_CHECKING:
    from collections.abc import Iterator

_KINDS = {"f": "real numbers", "iu": "integers", "u": "bytes", "b": "booleans"}


def require_no_queries(queries: Any, result: Any) -> None:
    """Raise ValueError if something was given for queries."""
    if queries is not None:
        raise ValueError(f"queries must be None for {type(result).__name__}")


def array_of(result: Any, name: str, shape: tuple[int, ...], kind: str = "f") -> npt.NDArray[Any]:
    """Return an array of a result.

    Raises
    ------
    TypeError
        If its elements are not of the kind: "f" for floating point, "iu" for integers, "b".
    ValueError
        If it has another shape.
    """
    array = np.asarray(getattr(result, name))
    if array.dtype.kind not in kind or (kind == "f" and array.dtype.itemsize > 8):
        wanted = _KINDS.get(kind, f"kind {kind!r}")
        raise TypeError(f"result must have {name} of {wanted}, got dtype {array.dtype}")
    if array.shape != shape:
        raise ValueError(f"result must have {name} of shape {shape}, got {array.shape}")
    return array


def vector_of(value: Any, name: str, shape: tuple[int, ...]) -> Floats:
    """Return a part of a result in double precision; errors as in `array_of`."""
    array = np.asarray(value)
    if array.dtype.kind != "f" or array.shape != shape:
        raise ValueError(
            f"result must have {name} of real numbers of shape {shape}, "
            f"got shape {array.shape} and dtype {array.dtype}"
        )
    return array.astype(np.float64, copy=False)


def floats_of(result: Any, name: str, shape: tuple[int, ...]) -> Floats:
    """Return an array of a result in double precision; errors as in `array_of`."""
    return array_of(result, name, shape).astype(np.float64, copy=False)


def float_of(result: Any, name: str) -> float:
    """Return a number of a result; TypeError if it is none."""
    value = getattr(result, name)
    if isinstance(value, bool | np.bool_) or not isinstance(value, float | np.floating):
        raise TypeError(f"result must have a {name} that is a number, got {value!r}")
    return float(value)


def statuses_of(result: Any, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Return the status of every answer of a result; errors as in `array_of`."""
    return array_of(result, "status", shape, "iu")


@dataclass(frozen=True)
class Weights:
    """Rows of a sparse matrix, one for each answer, whose structure is known to be sound.

    Attributes
    ----------
    data, indices, indptr
        Row i has the values ``data[indptr[i]:indptr[i + 1]]`` in the columns at the same places of
        `indices`.
    n_columns : int
        Columns of the matrix.
    known : (n_rows,) bool
        Whether all columns of a row are columns of the matrix; others are put in column 0.
    """

    data: Floats
    indices: Rows
    indptr: Rows
    n_columns: int
    known: Bools

    @classmethod
    def of(cls, result: Any, name: str, n_rows: int, n_columns: int | None = None) -> Weights:
        """Take a CSR array of a result, of as many columns as it says if none are given.

        Raises
        ------
        TypeError, ValueError
            If it is none, has another shape, or its row starts do not fit its elements.
        """
        given = getattr(result, name)
        parts = [getattr(given, part, None) for part in ("data", "indices", "indptr", "shape")]
        if any(part is None for part in parts):
            raise TypeError(f"result must have {name} in a CSR array, got {type(given).__name__}")
        data, indices, indptr = (np.asarray(part) for part in parts[:3])
        shape = (n_rows, int(given.shape[-1]) if n_columns is None else n_columns)
        if tuple(given.shape) != shape:
            raise ValueError(f"result must have {name} of shape {shape}, got {given.shape}")
        if (
            data.dtype.kind != "f"
            or indices.dtype.kind not in "iu"
            or indptr.dtype.kind not in "iu"
        ):
            raise TypeError(f"result must have {name} of real numbers with integer indices")
        starts = indptr.astype(np.int64)
        if (
            any(part.ndim != 1 for part in (data, indices, indptr))
            or len(starts) != n_rows + 1
            or starts[0] != 0
            or (np.diff(starts) < 0).any()
            or not starts[-1] == len(data) == len(indices)
        ):
            raise ValueError(f"result must have {name} whose row starts and elements fit together")
        good = (indices >= 0) & (indices < shape[1])
        columns = np.where(good, indices, 0).astype(np.intp)
        known = np.bincount(_owners(starts)[~good], minlength=n_rows) == 0
        return cls(data.astype(np.float64, copy=False), columns, starts, shape[1], known)

    @classmethod
    def of_vector(cls, vector: Floats) -> Weights:
        """Take one dense row."""
        columns = np.flatnonzero(vector != 0.0)
        starts = np.array([0, len(columns)])
        return cls(vector[columns], columns, starts, len(vector), np.ones(1, dtype=bool))

    def __len__(self) -> int:
        return len(self.known)

    @property
    def counts(self) -> Rows:
        """Elements of each row."""
        return np.diff(self.indptr)

    @property
    def owners(self) -> Rows:
        """The row of each element."""
        return _owners(self.indptr)

    def sums(self) -> Floats:
        """Sum of each row."""
        return np.bincount(self.owners, self.data, minlength=len(self)).astype(np.float64)

    def select(self, rows: Rows) -> Weights:
        """Return some of the rows."""
        counts = self.counts[rows]
        starts = np.concatenate([[0], np.cumsum(counts)])
        places = np.repeat(self.indptr[rows] - starts[:-1], counts) + np.arange(starts[-1])
        return Weights(
            self.data[places], self.indices[places], starts, self.n_columns, self.known[rows]
        )

    def are_empty(self) -> Bools:
        """Whether rows have no elements."""
        empty: Bools = self.counts == 0
        return empty

    def are_convex(self) -> Bools:
        """Whether a row's weights are nonnegative, sum to one and are those of known columns."""
        negative = np.bincount(self.owners[~(self.data >= 0.0)], minlength=len(self)) > 0
        allowed = NORMALIZATION + gamma(self.counts)
        near_one: Bools = np.abs(self.sums() - 1.0) <= allowed
        return near_one & ~negative & self.known

    def used(self) -> tuple[Rows, sparse.csr_array]:
        """Return the columns in use, and the matrix of those alone."""
        columns, places = np.unique(self.indices, return_inverse=True)
        shape = (len(self), len(columns))
        return columns, sparse.csr_array((self.data, places, self.indptr), shape=shape)


def _owners(starts: Rows) -> Rows:
    return np.repeat(np.arange(len(starts) - 1), np.diff(starts))


def blocks_of(selected: Bools, size: int) -> Iterator[Rows]:
    """Yield the places that are selected, so many at a time."""
    places = np.flatnonzero(selected)
    for first in range(0, len(places), size):
        yield places[first : first + size]
