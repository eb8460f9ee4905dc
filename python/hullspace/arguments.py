"""Checks of the arrays and scalars that users pass; every message names the argument."""

from __future__ import annotations

from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float32] | npt.NDArray[np.float64]
# The two parts of a set of equations E x = d.
Pair: TypeAlias = tuple[npt.ArrayLike, npt.ArrayLike]
_Floats = npt.NDArray[np.float64]
_T = TypeVar("_T", bound=np.generic)

# Relative to the scale of the data: of every question, and of the check of its answer.
DEFAULT_TOLERANCE = 1e-9


def as_matrix(
    value: Any,
    name: str,
    *,
    columns: int | None = None,
    allow_empty: bool = False,
    check_finite: bool = True,
) -> FloatArray:
    """Return `value` as a C-contiguous float32 or float64 matrix of finite numbers.

    float32 and float64 stay as they are and are not copied when already contiguous; half
    precision becomes float32, integers and booleans become float64. Without `check_finite`, which
    is for callers of the core, that check is left to the core.

    Raises
    ------
    TypeError
        If the elements are not real numbers.
    ValueError
        If the shape is wrong or an element is NaN or infinite.
    """
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        if hasattr(value, "__dlpack_device__") and not isinstance(value, np.ndarray):
            raise TypeError(
                f"{name} must be in the host's memory, got a {type(value).__name__} that NumPy "
                "cannot read"
            )
        raise TypeError(f"{name} must hold real numbers, got dtype {array.dtype}")
    require_shape(array.shape, name, columns=columns, allow_empty=allow_empty)
    single = array.dtype.kind == "f" and array.dtype.itemsize < 8
    matrix: FloatArray = as_plain(array, np.float32) if single else as_plain(array, np.float64)
    if check_finite:
        require_finite(matrix, name)
    return matrix


def as_plain(value: npt.ArrayLike, dtype: type[_T]) -> npt.NDArray[_T]:
    """Return an array in C order and aligned, as the core takes it; copied if it is not."""
    array = np.ascontiguousarray(value, dtype=dtype)
    return array if array.flags.aligned else array.copy()


def require_shape(
    shape: tuple[int, ...], name: str, *, columns: int | None = None, allow_empty: bool = False
) -> None:
    """Raise ValueError unless a shape is that of a matrix."""
    if len(shape) != 2:
        hint = f" (for a single row pass {name}[None, :])" if len(shape) == 1 else ""
        raise ValueError(
            f"{name} must be two-dimensional with one row per item, got shape {shape}{hint}"
        )
    if shape[1] == 0 or (shape[0] == 0 and not allow_empty):
        raise ValueError(f"{name} must have at least one row and one column, got shape {shape}")
    if columns is not None and shape[1] != columns:
        raise ValueError(f"{name} must have {columns} columns (n_features), got shape {shape}")


def require_finite(array: npt.NDArray[Any], name: str) -> None:
    """Raise ValueError, naming the first offending element, unless `array` is finite."""
    # A sum is finite for finite data unless it overflows, so the usual case needs no mask.
    with np.errstate(all="ignore"):
        if np.isfinite(array.sum(dtype=np.float64)):
            return
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        place = ", ".join(str(int(i)) for i in bad[0])
        raise ValueError(
            f"{name} must be finite, got {array[tuple(bad[0])]} at [{place}] "
            f"({len(bad)} such elements)"
        )


def as_threads(n_threads: int | None) -> int:
    """Return the number of threads for the core, where 0 stands for all cores."""
    if n_threads is None:
        return 0
    if isinstance(n_threads, bool) or not isinstance(n_threads, int | np.integer):
        raise TypeError(f"n_threads must be a positive integer or None, got {n_threads!r}")
    if not 1 <= n_threads < 2**31:
        raise ValueError(
            f"n_threads must be a positive integer below 2**31 or None, got {n_threads}"
        )
    return int(n_threads)


def as_tolerance(tolerance: float) -> float:
    """Return `tolerance` as a float in [0, 1)."""
    if isinstance(tolerance, bool) or not isinstance(
        tolerance, int | float | np.integer | np.floating
    ):
        raise TypeError(f"tolerance must be a number, got {tolerance!r}")
    result = float(tolerance)
    if not 0.0 <= result < 1.0:
        raise ValueError(f"tolerance must be at least 0 and below 1, got {tolerance}")
    return result


def as_double_matrix(value: Any, name: str, columns: int | None = None) -> _Floats:
    """Return a finite C-contiguous float64 matrix, which may have no rows."""
    matrix = as_matrix(value, name, columns=columns, allow_empty=True)
    return as_plain(matrix, np.float64)


def as_bounds(value: Any, name: str, n_rows: int) -> _Floats:
    """Return a finite float64 vector with one element for each row."""
    vector = np.asarray(value)
    if vector.dtype.kind not in "fiub":
        raise TypeError(f"{name} must hold real numbers, got dtype {vector.dtype}")
    if vector.shape != (n_rows,):
        raise ValueError(f"{name} must have shape ({n_rows},), got {vector.shape}")
    require_finite(vector, name)
    return as_plain(vector, np.float64)


def as_equalities(equalities: Pair | None, n_features: int) -> tuple[_Floats, _Floats]:
    """Return (E, d) with no rows for None."""
    if equalities is None:
        return np.zeros((0, n_features)), np.zeros(0)
    try:
        matrix, values = equalities
    except (TypeError, ValueError):
        raise TypeError("equalities must be a pair (E, d)") from None
    E = as_double_matrix(matrix, "equalities[0]", n_features)
    return E, as_bounds(values, "equalities[1]", len(E))


def require_count(value: int, name: str, least: int = 1) -> None:
    """Raise unless a value is an integer of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")


def as_norm(norm: float) -> float:
    """Return 2 or infinity."""
    if norm not in {2, np.inf}:
        raise ValueError(f"norm must be 2 or numpy.inf, got {norm!r}")
    return float(norm)


def as_positive(value: float, name: str) -> float:
    """Return a positive number."""
    number = _as_number(value, name)
    if not number > 0.0:
        raise ValueError(f"{name} must be positive, got {value}")
    return number


def as_nonnegative(value: float, name: str) -> float:
    """Return a finite number that is not negative."""
    number = _as_number(value, name)
    if not 0.0 <= number < np.inf:
        raise ValueError(f"{name} must be finite and not negative, got {value}")
    return number


def _as_number(value: float, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError(f"{name} must be a number, got {value!r}")
    return float(value)
