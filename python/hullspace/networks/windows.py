"""Windows of pooling layers: which elements each output looks at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    _Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Windows:
    """Windows along one axis, or over a whole array.

    Attributes
    ----------
    places : (..., n_places) int64
        Elements of each window, -1 where it reaches beyond the input.
    sizes : (...) int64
        Places of each window within the padded input, whatever is in them.
    """

    places: _Ints
    sizes: _Ints

    @property
    def counts(self) -> _Ints:
        """Elements of the input in each window."""
        return np.asarray(np.count_nonzero(self.places >= 0, axis=-1))


def sliding(
    n: int,
    kernel: int,
    stride: int = 1,
    padding: tuple[int, int] = (0, 0),
    dilation: int = 1,
    ceil_mode: bool = False,
) -> Windows:
    """Return windows at regular steps along an axis of n elements.

    With `ceil_mode` a last window may reach beyond the padding, but not start there.
    """
    before, after = padding
    extent = dilation * (kernel - 1) + 1
    room = n + before + after - extent
    n_windows = (-(-room // stride) if ceil_mode else room // stride) + 1
    if ceil_mode and (n_windows - 1) * stride >= n + before:
        n_windows -= 1
    if n_windows < 1:
        raise ValueError(f"a window of {extent} elements does not fit in {n + before + after}")
    places = np.arange(n_windows)[:, None] * stride - before + np.arange(kernel) * dilation
    sizes = np.count_nonzero(places < n + after, axis=1)
    return Windows(np.where((places >= 0) & (places < n), places, -1), sizes)


def adaptive(n: int, n_windows: int) -> Windows:
    """Return `n_windows` windows that cover an axis of n elements evenly."""
    if n_windows < 1:
        raise ValueError(f"the pooled size must be positive, got {n_windows}")
    numbers = np.arange(n_windows)
    first, last = numbers * n // n_windows, -(-(numbers + 1) * n // n_windows)
    places = first[:, None] + np.arange((last - first).max())
    return Windows(np.where(places < last[:, None], places, -1), last - first)


def over_space(shape: Sequence[int], axes: Sequence[Windows]) -> Windows:
    """Return windows over the last axes of an array of some shape, given those along each axis."""
    d = len(axes)
    lead, space = tuple(shape[: len(shape) - d]), tuple(shape[len(shape) - d :])
    places, sizes = np.zeros((1,) * 2 * d, dtype=np.int64), np.ones((1,) * d, dtype=np.int64)
    inside = np.ones_like(places, dtype=bool)
    for k, (windows, n) in enumerate(zip(axes, space, strict=True)):
        along = np.ones(2 * d, dtype=np.int64)
        along[[k, d + k]] = windows.places.shape
        grid = windows.places.reshape(along)
        places, inside = places * n + grid, inside & (grid >= 0)
        sizes = sizes * windows.sizes.reshape(along[:d])
    out = places.shape[:d]
    places, inside = places.reshape(*out, -1), inside.reshape(*out, -1)
    first = np.arange(int(np.prod(lead))).reshape(*lead, *(1,) * (d + 1)) * int(np.prod(space))
    return Windows(np.where(inside, first + places, -1), np.broadcast_to(sizes, (*lead, *out)))


def along(shape: Sequence[int], axes: Sequence[int], keep: bool) -> Windows:
    """Return the windows of a reduction of an array of some shape over some of its axes."""
    where = sorted({axis % len(shape) for axis in axes})
    places = np.arange(int(np.prod(shape))).reshape(shape)
    places = np.moveaxis(places, where, range(-len(where), 0))
    rest = places.shape[: len(shape) - len(where)]
    if keep:
        rest = tuple(1 if k in where else n for k, n in enumerate(shape))
    places = places.reshape(*rest, -1)
    return Windows(places, np.full(rest, places.shape[-1]))
