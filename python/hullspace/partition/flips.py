"""Flip points: where the answer changes nearest to a feature, at the top and in the domain."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from hullspace.partition.nearest import Answers, Multipliers, TieSets
from hullspace.status import Status

if TYPE_CHECKING:
    from hullspace.partition.ties import Subset, Ties

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]
Norm = Literal[1, 2] | float

# The norms of moves and, for each, that of the weights which bounds them.
_DUAL = {1.0: np.inf, 2.0: 2.0, np.inf: 1.0}


@dataclass(frozen=True)
class BoundaryPoints:
    """Flip points, as `DecisionPartition.boundary_points` returns them.

    The shape is (n,) where each sample has one target and (n, n_classes) for ``to="all"``.

    Attributes
    ----------
    points : shape + (n_features,) float64
        Where the predicted class and the target tie at the top, nearest to the sample; NaN where
        they do so nowhere in the domain.
    distances : shape, float64
        Distance from sample to point in the norm asked for; infinity where there is none.
    gaps : shape, float64
        The true distance lies in ``[distances - gaps, distances]``.
    lower_bounds : shape, float64
        Distance to the hyperplane where the two classes tie, at the top or not, in the domain or
        not; for one target of all, the smallest one.
    targets : shape, int64
        The class on the other side; -1 where there is none.
    predictions : (n,) int64
        The class of each sample.
    status : shape, int8
        `Status.OPTIMAL`; `Status.EMPTY` where the classes touch nowhere in the domain, and for
        the predicted class itself; `Status.LIMIT` where the solver gave up.
    norm : float
        1, 2 or infinity.
    to : str or int
        Which class to flip to, as asked for: "nearest", "all", or its index.
    multipliers : Multipliers
        What proves the distances; candidates are classes.
    """

    points: _Floats
    distances: _Floats
    gaps: _Floats
    lower_bounds: _Floats
    targets: _Ints
    predictions: _Ints
    status: npt.NDArray[np.int8]
    norm: float
    to: str | int
    multipliers: Multipliers = field(repr=False)
    _ties: Ties = field(repr=False)

    def binding(self, *index: int) -> tuple[str, ...]:
        """Name what holds the flip point away from the lower bound's: classes, the domain's rows.

        Parameters
        ----------
        *index : int
            The sample; for ``to="all"`` the sample and the target.

        Returns
        -------
        tuple of str
            Such as ``("class 3", "domain 17")``: a third class that would be above, a row of
            ``partition.domain.polyhedron``. Empty where the lower bound is attained.
        """
        sample, target = index[0] % len(self), int(self.targets[index])
        tried = self.multipliers
        rows = np.flatnonzero((tried.samples == sample) & (tried.sets == target))
        if not len(rows) or self.status[index] == Status.EMPTY:
            return ()
        row, pair = int(rows[0]), (int(self.predictions[sample]), target)
        names = self._ties.row_names((min(pair), max(pair)))
        duals = tried.duals
        part = slice(duals.indptr[row], duals.indptr[row + 1])
        columns, values = duals.indices[part], duals.data[part]
        return tuple(names[i] for i in np.sort(columns[values > 0.0]))

    def __len__(self) -> int:
        return len(self.predictions)

    def __repr__(self) -> str:
        n_found = int(np.count_nonzero(np.isfinite(self.distances)))
        return f"BoundaryPoints({len(self)} samples, {n_found} flip points, norm {self.norm:g})"


def boundary_points(
    ties: Ties, features: npt.ArrayLike, to: Any, norm: Any, n_threads: int | None
) -> BoundaryPoints:
    """Find flip points; see `DecisionPartition.boundary_points`."""
    target, length = _as_target(to, ties.n_classes), _as_norm(norm)
    z = ties.as_features(features, "z")
    predictions = ties.logits(z).argmax(axis=1).astype(np.int64)
    bounds = _lower_bounds(ties, z, predictions, length)
    sets: list[Subset] = list(combinations(range(ties.n_classes), 2))
    index = _pair_index(ties.n_classes, sets)[predictions]
    tie_sets = TieSets(ties, sets, n_threads)
    if target == "nearest":
        answers, targets, multipliers = tie_sets.nearest(index, bounds, z, length)
        lower = bounds.min(axis=1, initial=np.inf)
    elif target == "all":
        targets = np.tile(np.arange(ties.n_classes), (len(z), 1))
        answers, multipliers = _to_columns(tie_sets, index, bounds, z, length)
        lower = bounds
    else:
        column = [int(target)]
        targets = np.full(len(z), target, dtype=np.int64)
        answers, multipliers = _to_columns(
            tie_sets, index[:, column], bounds[:, column], z, length, int(target)
        )
        lower = bounds[:, column[0]]
    shape = lower.shape
    status = answers.status.reshape(shape)
    targets = np.where(status == Status.EMPTY, -1, targets)
    return BoundaryPoints(
        answers.points.reshape(*shape, ties.n_features),
        answers.distances.reshape(shape),
        answers.gaps.reshape(shape),
        lower,
        targets,
        predictions,
        status,
        length,
        target,
        multipliers,
        ties,
    )


def _to_columns(
    tie_sets: TieSets, index: _Ints, bounds: _Floats, z: _Floats, norm: float, first: int = 0
) -> tuple[Answers, Multipliers]:
    """Nearest points of every candidate, row by row; infinite bounds rule candidates out.

    Candidates are the classes from `first` on.
    """
    answers = Answers.none(bounds.size, z.shape[1])
    wanted = np.flatnonzero(np.isfinite(bounds.ravel()))
    rows, columns = np.divmod(wanted, max(bounds.shape[1], 1))
    found = tie_sets.project(index.ravel()[wanted], z[rows], norm)
    answers.take(wanted, found, np.arange(len(wanted)))
    return answers, Multipliers.of(rows, first + columns, found)


def _lower_bounds(ties: Ties, z: _Floats, predictions: _Ints, norm: float) -> _Floats:
    """Distances to the hyperplanes where classes tie with the predicted one, (n, n_classes)."""
    bounds = np.full((len(z), ties.n_classes), np.inf)
    for c in np.unique(predictions):
        rows = np.flatnonzero(predictions == c)
        # Differences of weights come first: those of logits would cancel in classes much alike.
        normals, offsets = ties.weight[c] - ties.weight, ties.bias[c] - ties.bias
        lengths = np.linalg.norm(normals, ord=_DUAL[norm], axis=1)
        parallel = lengths == 0.0
        margins = np.maximum(z[rows] @ normals.T + offsets, 0.0)
        found = margins / np.where(parallel, 1.0, lengths)
        found[:, parallel] = np.where(offsets[parallel] == 0.0, 0.0, np.inf)
        found[:, c] = np.inf
        bounds[rows] = found
    return bounds


def _pair_index(n_classes: int, sets: list[Subset]) -> _Ints:
    """Place of each pair of classes in `sets`, both ways round."""
    index = np.zeros((n_classes, n_classes), dtype=np.int64)
    for place, (c, j) in enumerate(sets):
        index[c, j] = index[j, c] = place
    return index


def _as_target(to: Any, n_classes: int) -> str | int:
    if isinstance(to, str) and to in ("nearest", "all"):
        return to
    if isinstance(to, bool | str) or not isinstance(to, int | np.integer):
        raise TypeError(f"to must be 'nearest', 'all' or a class's index, got {to!r}")
    if not 0 <= to < n_classes:
        raise ValueError(f"to must be between 0 and {n_classes - 1}, got {to}")
    return int(to)


def _as_norm(norm: Any) -> float:
    if isinstance(norm, bool | str) or norm not in _DUAL:
        raise ValueError(f"norm must be 1, 2 or infinity, got {norm!r}")
    return float(norm)
