"""Controls for dimension: how much of what is outside a hull is due to dimension alone.

Membership in a hull vanishes with dimension for almost any data (Balestriero, Pesenti and LeCun,
"Learning in high dimension always amounts to extrapolation", arXiv 2110.09485). Shares of spaces
of different dimension are therefore compared at equal dimension: of random features, and of
principal components.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace.extras import require
from hullspace.status import Status

if TYPE_CHECKING:
    from hullspace.comparison.hull_shares import HullShares
    from hullspace.comparison.problem import Problem
    from hullspace.comparison.representations import Representation
    from hullspace.comparison.statistics import Estimate

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]

# Dimensions of the controls: powers of two up to this one, that of the features, and all.
_MOST_FEATURES = 256
# Choices of random features for each dimension.
_DRAWS = 3
# Training points whose two nearest neighbours give the intrinsic dimension.
_NEIGHBOURHOODS = 4000

_WHAT = {"random": "random coordinates", "principal": "principal components"}


@dataclass(frozen=True)
class Controls:
    """Shares outside, for few dimensions of a space to all of them; ready to plot.

    Attributes
    ----------
    space : str
        Its name.
    dimensions : (n_dimensions,) int64
        Numbers of coordinates or components, ascending; the last is all of them.
    matched : int
        The number of features of feature space, one of `dimensions` unless the space has fewer.
    hulls : tuple of str
        "training" and "class": the order of the arrays' first axis.
    kinds : tuple of str
        "random" (coordinates, mean of three choices) and "principal" (components of the training
        set): the order of their second axis.
    shares, lows, highs : (2, 2, n_dimensions) float64
        Share of test samples outside the hull of the training set, and of that of their class,
        with its interval.
    estimates : tuple of Estimate
        The intrinsic dimension, and the shares of fewer dimensions than all.
    """

    space: str
    dimensions: _Ints
    matched: int
    hulls: tuple[str, ...]
    kinds: tuple[str, ...]
    shares: _Floats
    lows: _Floats
    highs: _Floats
    estimates: tuple[Estimate, ...]

    @property
    def main(self) -> tuple[Estimate, ...]:
        """The intrinsic dimension, and the shares at the dimension of feature space."""
        first, *shares = self.estimates
        return (first, *(e for e in shares if e.name.endswith(f"_{self.matched}")))

    def __repr__(self) -> str:
        return f"Controls({self.space!r}, {len(self.dimensions)} dimensions)"


def controls(problem: Problem, where: Representation, whole: HullShares) -> Controls:
    """Measure shares outside for growing numbers of random coordinates and components."""
    dimensions = _dimensions(where.n_features, problem.partition.n_features)
    table: list[list[tuple[Estimate, Estimate]]] = []
    for kind, measure in (("random", _random), ("principal", _principal)):
        hits = [*measure(problem, where, dimensions), (whole.outside, whole.outside_class)]
        pairs = zip(dimensions, hits, strict=True)
        table.append([_estimates(problem, where.name, kind, int(k), *hit) for k, hit in pairs])
    # The last dimension is the whole space, whose shares are no controls.
    found = [estimate for row in table for pair in row[:-1] for estimate in pair]
    shares, lows, highs = (
        np.array([[[vars(e)[end] for e in pair] for pair in row] for row in table]).transpose(
            2, 0, 1
        )
        for end in ("value", "low", "high")
    )
    return Controls(
        space=where.name,
        dimensions=dimensions,
        matched=problem.partition.n_features,
        hulls=("training", "class"),
        kinds=tuple(_WHAT),
        shares=shares,
        lows=lows,
        highs=highs,
        estimates=(intrinsic_dimension(problem, where), *found),
    )


def _dimensions(n_features: int, matched: int) -> _Ints:
    powers = 2 ** np.arange(int(np.log2(_MOST_FEATURES)) + 1)
    below = [k for k in (*powers.tolist(), matched) if k < n_features]
    return np.unique([*below, n_features]).astype(np.int64)


def _random(
    problem: Problem, where: Representation, dimensions: _Ints
) -> list[tuple[_Floats, _Floats]]:
    found = []
    for k in dimensions[:-1]:
        draws = []
        for draw in range(_DRAWS):
            rng = problem.rng(2, int(k), draw)
            chosen = np.sort(rng.choice(where.n_features, int(k), replace=False))
            draws.append(_outside(problem, where.train[:, chosen], where.test[:, chosen]))
        found.append(tuple(np.mean(draws, axis=0)))
    return found


def _principal(problem: Problem, where: Representation, dimensions: _Ints) -> list[tuple[Any, Any]]:
    if len(dimensions) == 1:
        return []
    wanted = int(dimensions[-2])
    center, axes = _principal_axes(where.train, wanted, problem.random_state)
    train, test = ((part - center) @ axes.T for part in (where.train, where.test))
    return [
        _outside(problem, train[:, : min(k, len(axes))], test[:, : min(k, len(axes))])
        for k in dimensions[:-1]
    ]


def _principal_axes(
    points: npt.NDArray[Any], wanted: int, random_state: int
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return the mean and as many principal axes as there are, up to the number wanted."""
    algebra = require("sklearn.utils.extmath", "study")
    center = points.mean(axis=0, dtype=np.float64).astype(points.dtype)
    n_components = min(wanted, *points.shape)
    _, _, axes = algebra.randomized_svd(points - center, n_components, random_state=random_state)
    return center, axes.astype(points.dtype)


def _outside(
    problem: Problem, train: npt.NDArray[Any], test: npt.NDArray[Any]
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Say which test rows are outside the hull of all training rows, and of their class."""
    points = problem.point_facts(train, test)
    mine = points.by_class(problem.train_classes, problem.test.head.n_classes)
    found = points.membership(), mine.membership(problem.test_classes)
    whole, own = (np.asarray(members.decided == Status.OUTSIDE) for members in found)
    return whole, own


def _estimates(
    problem: Problem, space: str, kind: str, k: int, outside: Any, outside_class: Any
) -> tuple[Estimate, Estimate]:
    make = problem.bootstrap
    says = "With {k} {what} of {space} in place of all, {{value}} of {{n}} test samples lie outside"
    start = says.format(k=k, what=_WHAT[kind], space=space)
    return (
        make.share(
            f"outside_training_hull_{kind}_{k}",
            space,
            outside,
            start + " the hull of the training set.",
            "proven",
        ),
        make.share(
            f"outside_class_hull_{kind}_{k}",
            space,
            outside_class,
            start + " the hull of their class.",
            "proven",
        ),
    )


def intrinsic_dimension(problem: Problem, where: Representation) -> Estimate:
    """Estimate the dimension of the set that training points lie near, from two neighbours each.

    The ratio of the distances to the second and the first neighbour has a Pareto distribution
    whose exponent is the dimension (Facco, d'Errico, Rodriguez and Laio, "Estimating the
    intrinsic dimension of datasets by a minimal neighborhood information", 2017); this is the
    maximum-likelihood estimate. Equal points count once.
    """
    neighbours = require("sklearn.neighbors", "study")
    points = np.unique(where.train, axis=0)
    if len(points) > _NEIGHBOURHOODS:
        points = points[problem.rng(3).choice(len(points), _NEIGHBOURHOODS, replace=False)]
    ratios = np.empty(0)
    if len(points) > 2:
        search = neighbours.NearestNeighbors(n_neighbors=2, n_jobs=problem.n_threads or -1)
        distances, _ = search.fit(points.astype(np.float64)).kneighbors()
        distances = distances[distances[:, 0] > 0.0]
        ratios = np.log(distances[:, 1] / distances[:, 0])
    return problem.bootstrap.inverse_mean(
        "intrinsic_dimension",
        where.name,
        ratios,
        "dimensions",
        f"Seen from the distances of {{n}} training points to their two nearest, they lie near a "
        f"set of {{value}} dimensions in {{space}}, which has {where.n_features}.",
        "measured",
    )
