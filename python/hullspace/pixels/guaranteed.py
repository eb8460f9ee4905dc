"""Radii in pixels within which the class certainly stays."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from hullspace.arguments import as_norm, as_positive, as_threads
from hullspace.extras import require
from hullspace.pixels.networks import as_piecewise_affine
from hullspace.pixels.radii import METHODS, ImageRadii, Plan, radii_of
from hullspace.regions.arguments import as_box

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from hullspace.features import FeatureSpace
    from hullspace.networks import ReluNetwork
    from hullspace.regions.arguments import Box

__all__ = ["GuaranteedRadius", "RadiusBracket", "guaranteed_radius"]

_Floats = npt.NDArray[np.float64]
Method: TypeAlias = Literal["region", "intervals", "bounds", "exact"]

# Flips may stop short of the tie by so much of a logit; and their distances may be rounded.
_TIE, _ROUNDED = 1e-4, 1e-6


@dataclass(frozen=True)
class RadiusBracket:
    """The distance to the nearest image of another class between two bounds, in one norm.

    Attributes
    ----------
    norm : float
        2 or infinity.
    methods : tuple of str
        The methods, in the order of the rows below.
    radii : (n_methods, n) float64
        What each method proves; infinite if the class never changes within the bounds.
    statuses : (n_methods, n) object
        `COMPLETE` if the method went as far as it can, `LIMIT` if time or memory ended it (what it
        has is proven), `UNDECIDED` if rounding leaves no radius; of "exact" those of
        `nearest_boundary`.
    lower : (n,) float64
        The largest of the radii.
    method : (n,) str
        The first method that gave it.
    upper : (n,) float64
        The smallest distance of an image of another class: the caller's flips and those of
        "exact"; infinite where there is none.
    consistent : (n,) bool
        Whether lower is at most upper, but for rounding; if not, there is an error in one of them.
    """

    norm: float
    methods: tuple[str, ...]
    radii: _Floats = field(repr=False)
    statuses: npt.NDArray[np.object_] = field(repr=False)
    lower: _Floats = field(repr=False)
    method: npt.NDArray[np.str_] = field(repr=False)
    upper: _Floats = field(repr=False)
    consistent: npt.NDArray[np.bool_] = field(repr=False)

    @property
    def ratio(self) -> _Floats:
        """Share of the upper bound that is proven, (n,): NaN where there is none."""
        found = np.full(len(self.lower), np.nan)
        known = np.isfinite(self.upper)
        np.divide(self.lower, self.upper, out=found, where=known & (self.upper > 0.0))
        found[self.upper == 0.0] = 1.0
        return found

    def of(self, method: Method) -> _Floats:
        """Return the radii of one method, (n,)."""
        found: _Floats = self.radii[self.methods.index(method)]
        return found


@dataclass(frozen=True)
class GuaranteedRadius:
    """Radii in which the class cannot change, as `guaranteed_radius` returns them.

    ``found[2]`` and ``found[numpy.inf]`` are the brackets of the norms.

    Attributes
    ----------
    classes : (n,) int64
        The images' classes.
    margins : (n,) float64
        The largest logit less the second.
    brackets : dict
        A `RadiusBracket` for each norm.
    seconds : (n_norms, n_methods, n) float64
        Time that each method took, with what it begins with.
    """

    classes: npt.NDArray[np.int64]
    margins: _Floats
    brackets: dict[float, RadiusBracket]
    seconds: _Floats

    def __getitem__(self, norm: float) -> RadiusBracket:
        return self.brackets[norm]

    def __len__(self) -> int:
        return len(self.classes)

    def __repr__(self) -> str:
        parts = [
            f"norm {norm:g}: median {np.median(bracket.lower):.4g}"
            for norm, bracket in self.brackets.items()
        ]
        return f"GuaranteedRadius({len(self)} images; {'; '.join(parts)})"


def guaranteed_radius(
    space: FeatureSpace | ReluNetwork,
    images: npt.ArrayLike | Tensor,
    *,
    norms: Sequence[float] = (2, np.inf),
    methods: Sequence[Method] = ("region", "intervals", "bounds"),
    bounds: Box | None = (0, 1),
    flips: Any = None,
    tolerance: float = 0.05,
    time_limit: float = 10.0,
    memory: float = 2**31,
    bound_rounding: bool = True,
    n_threads: int | None = None,
    progress: bool = False,
) -> GuaranteedRadius:
    """Find radii around images, in pixels, within which the class certainly stays.

    Each of the first three methods starts from what the one before has proven:

    - "region": in the image's linear region the model is affine, and the nearest tie known
      (`hullspace.regions.region_at`). One evaluation of ``n_pixels`` images.
    - "intervals": beyond the region, the units that may have changed sign add a deviation, which
      intervals carry forward. A few evaluations more, for networks of any size.
    - "bounds": lines that replace those units bound the margins (H. Zhang et al., "Efficient
      neural network robustness certification with general activation functions", NeurIPS 2018),
      in the ball and within the bounds of pixels. Much larger radii, in a second or two for
      several thousand units. The matrices take ``24 * n_units * (n_pixels + n_open)`` bytes, where
      `n_open` counts units that may change sign: a network that they do not fit keeps what
      "intervals" has proven, with status `LIMIT`.
    - "exact": `hullspace.regions.nearest_boundary`, which also gives the nearest image of another
      class, until the time limit.

    What is proven: for the network's numbers in exact arithmetic no image within the bounds and
    nearer than the radius has another class. The methods calculate in double precision and bound
    the rounding of every sum of products (N. J. Higham, "Accuracy and Stability of Numerical
    Algorithms", section 3.1) through the network of absolute values; radii are rounded down by
    that. It grows with depth, in some twenty layers beyond any margin: then the radius is 0 and the
    status `UNDECIDED`. With ``bound_rounding=False`` radii hold but for the rounding of double
    precision. The model itself rounds when it runs, in single precision by some 1e-6 of its logits,
    which no radius takes into account.

    Parameters
    ----------
    space : FeatureSpace or ReluNetwork
        The model: piecewise affine, its preprocessing included.
    images : (n, *input_shape) tensor or array
        The images.
    norms : sequence of 2 and numpy.inf
        What radii are measured in.
    methods : sequence of {"region", "intervals", "bounds", "exact"}
        The methods whose radii are returned.
    bounds : (lower, upper) or None, default (0, 1)
        What pixels may be; the images must be within. Only "bounds" and "exact" make use of it.
    flips : object, optional
        Distances of images where the class changes, (n,), or an object that has them as
        ``distances``; for several norms a mapping from norms to these. Infinite where none is
        known.
    tolerance : float, default 0.05
        Searches stop when their radius is within this, relative, of the largest that their
        method proves.
    time_limit : float, default 10
        Seconds for "bounds", and for "exact", for each image and norm; steps under way end first.
    memory : float, default 2**31
        Bytes that "bounds" may take for an image.
    bound_rounding : bool, default True
        Whether to bound rounding errors ("exact" always does).
    n_threads : int, optional
        Images that are worked on side by side; as many as cores by default.
    progress : bool, default False
        Show a progress bar.

    Returns
    -------
    GuaranteedRadius
        For each norm the radii of all methods, the largest of them, and beside it the distance of
        the nearest image known to have another class.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, shape or values, the model is not piecewise affine, or
        an image is not within the bounds.

    Examples
    --------
    >>> import hullspace, numpy
    >>> network = hullspace.ReluNetwork.from_arrays(
    ...     [[[1.0, 1.0], [1.0, -1.0]], [[1.0, 0.0], [0.0, 1.0]]], [[0, 0], [0, 0.5]]
    ... )
    >>> found = hullspace.pixels.guaranteed_radius(
    ...     network, [[1.0, 0.5]], flips={2: [0.25], numpy.inf: [0.25]}
    ... )
    >>> found[2].lower.round(4), found[2].method, found[2].ratio.round(4)
    (array([0.25]), array(['region'], dtype='<U9'), array([1.]))
    """
    array = _as_array(images)
    network = as_piecewise_affine(space, array.shape[1:])
    rows = network.as_rows(array, "images")
    box = as_box(bounds, network, "bounds")
    if not ((box[0] <= rows) & (rows <= box[1])).all():
        raise ValueError("images must be within bounds")
    plan = Plan(
        network,
        box,
        _as_norms(norms),
        _as_methods(methods),
        as_positive(tolerance, "tolerance"),
        as_positive(time_limit, "time_limit"),
        as_positive(memory, "memory"),
        bool(bound_rounding),
    )
    known = _as_distances(flips, plan.norms, len(rows))
    found = list(_each(plan, rows, as_threads(n_threads), progress))
    return _collected(plan, found, known)


def _each(plan: Plan, rows: _Floats, n_threads: int, progress: bool) -> Iterator[ImageRadii]:
    """Work on images side by side; yield what was found in their order."""
    work = partial(radii_of, plan)
    with ThreadPoolExecutor(n_threads or os.cpu_count()) as pool:
        found = map(work, rows) if n_threads == 1 else pool.map(work, rows)
        if progress:
            tqdm = require("tqdm.auto", "torch").tqdm
            found = tqdm(found, desc="radii", unit="image", total=len(rows))
        yield from found


def _collected(
    plan: Plan, found: list[ImageRadii], flips: dict[float, _Floats]
) -> GuaranteedRadius:
    margins = np.array([image.margin for image in found])
    brackets = {}
    for k, norm in enumerate(plan.norms):
        radii = np.array([image.radii[k] for image in found]).T
        statuses = np.array([image.statuses[k] for image in found], dtype=object).T
        lower = radii.max(axis=0)
        upper = np.minimum(flips[norm], [image.uppers[k] for image in found])
        slack = np.full(len(found), np.inf)
        np.divide(_TIE, margins, out=slack, where=margins > 0.0)
        brackets[norm] = RadiusBracket(
            norm,
            plan.methods,
            radii,
            statuses,
            lower,
            np.array(plan.methods)[radii.argmax(axis=0)],
            upper,
            (lower <= upper * (1.0 + _ROUNDED + slack)) | (lower == upper),
        )
    return GuaranteedRadius(
        np.array([image.label for image in found]),
        margins,
        brackets,
        np.moveaxis(np.array([image.seconds for image in found]), 0, -1),
    )


def _as_array(images: Any) -> npt.NDArray[Any]:
    """Return images as an array on the CPU."""
    if hasattr(images, "detach"):
        images = images.detach().cpu().numpy()
    array = np.asarray(images)
    if array.ndim < 2 or not array.size:
        raise ValueError(f"images must have shape (n, ...) with n > 0, got {array.shape}")
    return array


def _as_norms(norms: Sequence[float]) -> tuple[float, ...]:
    if not isinstance(norms, tuple | list) or not norms:
        raise TypeError(f"norms must be a tuple or list of 2 and numpy.inf, got {norms!r}")
    return tuple(dict.fromkeys(as_norm(norm) for norm in norms))


def _as_methods(methods: Sequence[str]) -> tuple[str, ...]:
    if not isinstance(methods, tuple | list) or not methods:
        raise TypeError(f"methods must be a tuple or list of names, got {methods!r}")
    for method in methods:
        if method not in METHODS:
            raise ValueError(f"methods must be of {', '.join(METHODS)}, got {method!r}")
    return tuple(method for method in METHODS if method in methods)


def _as_distances(flips: Any, norms: tuple[float, ...], n: int) -> dict[float, _Floats]:
    """Return the known distances for each norm, infinite where there are none."""
    found = {norm: np.full(n, np.inf) for norm in norms}
    if flips is None:
        return found
    if not isinstance(flips, Mapping):
        if len(norms) > 1:
            raise TypeError("flips must be a mapping from norms to distances for several norms")
        flips = {norms[0]: flips}
    for norm, value in flips.items():
        array = np.asarray(getattr(value, "distances", value), dtype=np.float64)
        name = f"flips[{norm}]"
        if norm not in found:
            raise ValueError(f"flips must have keys among the norms {norms}, got {norm!r}")
        if array.shape != (n,):
            raise ValueError(f"{name} must have shape ({n},), got {array.shape}")
        if not (array >= 0.0).all():
            raise ValueError(f"{name} must be at least 0 and not NaN")
        found[norm] = array
    return found
