"""Exact signs of affine functions at points, and the proof of a guaranteed region built on them.

Every number counts as the binary fraction that it is. A sum of n products in double precision is
wrong by at most ``n u / (1 - n u)`` times the sum of the products' sizes, with ``u = 2**-53`` [1]_;
what that bound leaves open is computed in integers.

References
----------
.. [1] N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed., SIAM 2002,
   section 3.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace.arguments import as_matrix, require_finite
from hullspace.certificates.integers import to_integers, unit_exponent

if TYPE_CHECKING:
    from os import PathLike

    from hullspace.partition.ties import Ties

_Floats = npt.NDArray[np.float64]
_Bools = npt.NDArray[np.bool_]

_ROUNDOFF = 2.0**-53
_BLOCK = 4096
# Sizes between which no product of two numbers over- or underflows.
_TINY, _HUGE = 2.0**-500, 2.0**500


def never_positive(rows: _Floats, points: _Floats) -> _Bools:
    """Whether ``rows @ point <= 0`` holds exactly for every row, one answer a point.

    Parameters
    ----------
    rows : (n_rows, n_terms) float64
        Coefficients.
    points : (n_points, n_terms) float64
        Points, constant terms included.
    """
    if not len(rows):
        return np.ones(len(points), dtype=bool)
    blocks = [
        _never_positive(rows, points[start : start + _BLOCK])
        for start in range(0, len(points), _BLOCK)
    ]
    return np.concatenate([np.zeros(0, dtype=bool), *blocks])


def _never_positive(rows: _Floats, points: _Floats) -> _Bools:
    if _may_overflow(rows, points):
        open_pairs = np.ones((len(points), len(rows)), dtype=bool)
        sound = open_pairs.copy()
    else:
        n = rows.shape[1] + 2
        bound = n * _ROUNDOFF / (1 - n * _ROUNDOFF) * (np.abs(points) @ np.abs(rows).T)
        values = points @ rows.T
        sound = values <= bound
        open_pairs = sound & (values > -bound)
    undecided = np.argwhere(open_pairs)
    exact = _exactly_never_positive(rows, points, undecided)
    sound[tuple(undecided.T)] = exact
    return np.asarray(sound.all(axis=1))


def _may_overflow(*arrays: _Floats) -> bool:
    sizes = np.concatenate([np.abs(array[array != 0.0]) for array in arrays])
    return bool(((sizes < _TINY) | (sizes > _HUGE)).any())


def _exactly_never_positive(rows: _Floats, points: _Floats, pairs: npt.NDArray[np.intp]) -> _Bools:
    """Decide pairs of a point and a row in integers."""
    used_points, at = np.unique(pairs[:, 0], return_inverse=True)
    used_rows, of = np.unique(pairs[:, 1], return_inverse=True)
    whole_points = to_integers(points[used_points], unit_exponent(points[used_points]))
    whole_rows = to_integers(rows[used_rows], unit_exponent(rows[used_rows]))
    signs = [whole_points[p] @ whole_rows[r] <= 0 for p, r in zip(at, of, strict=True)]
    return np.array(signs, dtype=bool)


def class_rows(weight: _Floats, bias: _Floats, c: int) -> _Floats:
    """Rows that are never positive where the logit of c is at the top; no difference is rounded.

    They go with the points of `doubled`.
    """
    others = [j for j in range(len(bias)) if j != c]
    own = np.tile(np.append(weight[c], bias[c]), (len(others), 1))
    return np.hstack([weight[others], bias[others, None], -own])


def doubled(points: _Floats) -> _Floats:
    """Return points with a constant term, twice over."""
    once = np.hstack([points, np.ones((len(points), 1))])
    return np.hstack([once, once])


def in_domain(A: _Floats, b: _Floats, E: _Floats, d: _Floats, points: _Floats) -> _Bools:
    """Whether points satisfy ``A x <= b`` and ``E x = d`` exactly."""
    inequalities = np.hstack([A, -b[:, None]])
    equalities = np.hstack([E, -d[:, None]])
    rows = np.vstack([inequalities, equalities, -equalities])
    return never_positive(rows, np.hstack([points, np.ones((len(points), 1))]))


def exact_winners(ties: Ties, points: _Floats) -> npt.NDArray[np.int64]:
    """Class with the largest logit in exact arithmetic; the lowest index of those that tie."""
    logits = ties.logits(points)
    winners: npt.NDArray[np.int64] = logits.argmax(axis=1).astype(np.int64)
    sizes = np.abs(points) @ np.abs(ties.weight).T + np.abs(ties.bias)
    n = ties.n_features + 2
    doubt = 2.0 * n * _ROUNDOFF / (1 - 2 * n * _ROUNDOFF) * sizes
    certain = logits + doubt < (logits - doubt)[np.arange(len(points)), winners, None]
    certain[np.arange(len(points)), winners] = True
    rows = np.flatnonzero(~certain.all(axis=1))
    if len(rows):
        head = np.column_stack([ties.weight, ties.bias])
        whole_head = to_integers(head, unit_exponent(head))
        closed = np.column_stack([points[rows], np.ones(len(rows))])
        whole = to_integers(closed, unit_exponent(closed))
        winners[rows] = [int(np.argmax(whole_head @ point)) for point in whole]
    return winners


@dataclass(frozen=True)
class GuaranteeProof:
    """All that it takes to check that the hull of some points is one class, and nothing else.

    A region is convex: if the logit of the class is at the top at every point, and every point is
    in the domain, then so it is in the hull of the points.

    Attributes
    ----------
    class_index : int
        The class.
    points : (n_points, n_features) float64
        Points whose hull is guaranteed the class.
    weight, bias : (n_classes, n_features) and (n_classes,) float64
        The head.
    A, b, E, d : float64 arrays
        The domain: ``A x <= b`` and ``E x = d``.

    Examples
    --------
    >>> import hullspace
    >>> partition = hullspace.DecisionPartition([[1.0, 0.0], [0.0, 1.0]], domain="orthant")
    >>> proof = partition.guaranteed([[1.0, 0.0], [1.0, 1.0], [3.0, 2.0], [0.0, 1.0]]).proof(0)
    >>> proof
    GuaranteeProof(class 0: 3 points)
    >>> proof.check()
    True
    """

    class_index: int
    points: _Floats
    weight: _Floats
    bias: _Floats
    A: _Floats
    b: _Floats
    E: _Floats
    d: _Floats

    def holds(self) -> _Bools:
        """Check each point in exact arithmetic, (n_points,)."""
        rows = class_rows(self.weight, self.bias, self.class_index)
        top = never_positive(rows, doubled(self.points))
        return np.asarray(top & in_domain(self.A, self.b, self.E, self.d, self.points))

    def check(self) -> bool:
        """Check in exact arithmetic that every point has no negative margin."""
        return bool(self.holds().all())

    def save(self, path: str | PathLike[str]) -> None:
        """Write a ``.npz`` file that `load` and any reader of NumPy arrays understands."""
        target = Path(path)
        if target.suffix != ".npz":
            raise ValueError(f"path must end in .npz, got {path}")
        arrays = {name: getattr(self, name) for name in _NAMES}
        np.savez_compressed(target, allow_pickle=False, class_index=self.class_index, **arrays)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> GuaranteeProof:
        """Read what `save` wrote; says nothing about whether it holds.

        Raises
        ------
        FileNotFoundError, ValueError
            If there is no such file, or it is not of this kind.
        """
        with np.load(path, allow_pickle=False) as file:
            missing = [name for name in ("class_index", *_NAMES) if name not in file.files]
            if missing:
                raise ValueError(f"{path} is no proof of a region; missing: {', '.join(missing)}")
            arrays = {name: np.asarray(file[name], dtype=np.float64) for name in _NAMES}
            proof = cls(class_index=int(file["class_index"]), **arrays)
        proof._require_shapes(path)
        return proof

    def _require_shapes(self, path: str | PathLike[str]) -> None:
        as_matrix(self.points, "points", columns=as_matrix(self.weight, "weight").shape[1])
        n_classes, n_features = self.weight.shape
        shapes = {
            "bias": (n_classes,),
            "A": (len(self.b), n_features),
            "b": (len(self.b),),
            "E": (len(self.d), n_features),
            "d": (len(self.d),),
        }
        for name, shape in shapes.items():
            array = getattr(self, name)
            require_finite(array, name)
            if array.shape != shape:
                raise ValueError(f"{path}: {name} must have shape {shape}, got {array.shape}")
        if not 0 <= self.class_index < n_classes:
            raise ValueError(f"{path}: class_index must be below {n_classes}")

    def __repr__(self) -> str:
        return f"GuaranteeProof(class {self.class_index}: {len(self.points)} points)"


_NAMES = ("points", "weight", "bias", "A", "b", "E", "d")
