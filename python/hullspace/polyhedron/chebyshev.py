"""Largest balls in many polyhedra at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace import _core
from hullspace.arguments import Pair, as_bounds, as_double_matrix, as_equalities, as_threads
from hullspace.devices import (
    as_memory_limit,
    choose_device,
    device_of,
    name_of,
    on_host,
    place_array,
)
from hullspace.polyhedron.affine import AffineSet
from hullspace.polyhedron.results import ChebyshevCenter, ChebyshevCenters
from hullspace.polyhedron.rows import with_coordinates
from hullspace.status import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

_Floats = npt.NDArray[np.float64]
# The core's `chebyshev_centers` of rows, bounds and starts, somewhere.
_Solve = Callable[[_Floats, _Floats, npt.NDArray[np.int64]], _core.ChebyshevCenters]


def chebyshev_centers(
    A: npt.ArrayLike | Sequence[npt.ArrayLike],
    b: npt.ArrayLike | Sequence[npt.ArrayLike],
    *,
    equalities: Pair | Sequence[Pair] | None = None,
    n_threads: int | None = None,
    device: Any = None,
    memory_limit: int | None = None,
) -> ChebyshevCenters:
    """Find a largest ball in each of many polyhedra.

    Parameters
    ----------
    A : (n_problems, n_constraints, n_features) array, (n_constraints, n_features) array or list
        Rows of the constraints ``A x <= b``: of every problem, of all problems alike, or a list of
        matrices with any number of rows each.
    b : (n_problems, n_constraints) array or list
        Bounds, one row (or vector of the list) for each problem.
    equalities : (E, d) or list of such pairs, optional
        Equalities ``E x = d`` of all problems or of each: the ball is one within their affine set.
    n_threads : int, optional
        Threads to use; all cores by default.
    device : str, optional
        Where to compute: "cpu", "cuda" or "cuda:1" for a GPU, "auto" for a GPU where there is one
        and else the CPU. By default where A is: A and b may both be arrays on a GPU, of torch,
        CuPy or another library that speaks DLPack, and the answers are there then, too.
    memory_limit : int, optional
        Bytes of the GPU's memory to hold at a time; four fifths of what is free by default.

    Returns
    -------
    ChebyshevCenters
        Centres, radii, and what proves them.

    Raises
    ------
    TypeError, ValueError
        If an array has the wrong type, shape or values.
    RuntimeError
        If there is no such device, with the reason.
    NotImplementedError
        If there are equalities and A is on a GPU.

    Notes
    -----
    The linear program ``max r`` over ``a_i @ x + |a_i| r <= b_i``: Boyd and Vandenberghe, "Convex
    optimization", section 4.3.1. Its simplex method needs no first phase.

    Examples
    --------
    >>> import hullspace
    >>> square = [[1, 0], [-1, 0], [0, 1], [0, -1]]
    >>> found = hullspace.chebyshev_centers(square, [[1, 1, 1, 1], [3, 1, 5, 5], [1, -2, 1, 1]])
    >>> found
    ChebyshevCenters(3 problems: 2 optimal, 1 empty)
    >>> found.radii
    array([ 1.,  2., nan])
    """
    threads, limit = as_threads(n_threads), as_memory_limit(memory_limit)
    if isinstance(A, list | tuple) and any(device_of(a) is not None for a in A):
        raise TypeError("A must be one array, not a list of arrays, to be on a GPU")
    if device_of(b) != device_of(A):
        raise ValueError(
            f"b must be where A is, on {name_of(device_of(A))}, got an array on "
            f"{name_of(device_of(b))}"
        )
    chosen = choose_device(device, A)
    if chosen is not None and chosen == device_of(A):
        return _centers_of_device_arrays(A, b, equalities, chosen, limit)

    def solve(
        rows: _Floats, bounds: _Floats, starts: npt.NDArray[np.int64]
    ) -> _core.ChebyshevCenters:
        if chosen is None:
            return _core.chebyshev_centers(rows, bounds, starts, threads)
        return _core.device_chebyshev_centers(
            rows, bounds, starts, chosen, 0, limit, to_device=False
        )

    problems = _Problems.of(on_host(A), on_host(b))
    pairs = _as_pairs(equalities, problems.n_problems, problems.rows.shape[1])
    if pairs is None:
        got = solve(problems.rows, problems.bounds, problems.starts)
        found = ChebyshevCenters(
            got.centers,
            got.radii,
            got.gaps,
            problems.split(got.duals),
            [np.zeros(0)] * problems.n_problems,
            got.rays,
            got.status,
        )
    else:
        found = _centers_in_affine_sets(problems, [AffineSet(*pair) for pair in pairs], solve)
    return found if chosen is None else replace(found, device=name_of(chosen))


def _centers_of_device_arrays(
    A: Any, b: Any, equalities: Any, device: int, memory_limit: int
) -> ChebyshevCenters:
    """Solve problems that are on a device, where the answers stay."""
    if equalities is not None:
        raise NotImplementedError(
            f"equalities are reduced on the CPU, but A is on {name_of(device)}; use device='cpu'"
        )
    rows, bounds = (place_array(x, n, device, double=True) for x, n in ((A, "A"), (b, "b")))
    *batch, n_constraints, n_features = _require_batch(rows.array.shape)
    n_problems = batch[0] if batch else bounds.array.shape[0]
    if bounds.array.shape != (n_problems, n_constraints):
        raise ValueError(
            f"b must have shape ({n_problems if batch else 'n_problems'}, {n_constraints}), "
            f"got {bounds.array.shape}"
        )
    found = _core.device_chebyshev_centers(
        rows.array.reshaped([int(np.prod(batch)) * n_constraints, n_features]),
        bounds.array.reshaped([n_problems * n_constraints]),
        np.arange(n_problems + 1, dtype=np.int64) * n_constraints,
        device,
        rows.stream,
        memory_limit,
        to_device=True,
    )
    wrap = rows.library.wrap
    return ChebyshevCenters(
        wrap(found.centers),
        wrap(found.radii),
        wrap(found.gaps),
        wrap(found.duals.reshaped([n_problems, n_constraints])),
        [np.zeros(0)] * n_problems,
        wrap(found.rays),
        wrap(found.status),
        name_of(device),
    )


def _require_batch(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of A, unless it is that of no matrix or batch of matrices."""
    if len(shape) not in (2, 3) or shape[-1] == 0:
        raise ValueError(
            "A must be (n_problems, n_constraints, n_features) or (n_constraints, n_features), "
            f"got shape {shape}"
        )
    return shape


class _Problems:
    """Constraints of many problems, one after the other, as the core takes them."""

    def __init__(self, rows: _Floats, bounds: _Floats, starts: npt.NDArray[np.int64]) -> None:
        self.rows, self.bounds, self.starts = rows, bounds, starts
        self.n_problems = len(starts) - 1
        self.ragged = False

    @classmethod
    def of(cls, A: Any, b: Any) -> _Problems:
        if isinstance(A, list | tuple) and len(A) and np.ndim(A[0]) == 2:
            return cls._of_list(list(A), b)
        matrix = np.asarray(A)
        if matrix.ndim == 2:
            rows = as_double_matrix(matrix, "A")
            bounds = as_double_matrix(b, "b", len(rows)) if len(rows) else np.zeros((len(b), 0))
        elif matrix.ndim == 3:
            if matrix.shape[2] == 0:
                raise ValueError(f"A must have at least one feature, got shape {matrix.shape}")
            rows = as_double_matrix(matrix.reshape(-1, matrix.shape[2]), "A")
            bounds = np.asarray(b)
            if bounds.shape != matrix.shape[:2]:
                raise ValueError(f"b must have shape {matrix.shape[:2]}, got {bounds.shape}")
            bounds = as_bounds(bounds.ravel(), "b", bounds.size).reshape(bounds.shape)
        else:
            raise ValueError(
                "A must be (n_problems, n_constraints, n_features), (n_constraints, n_features) "
                f"or a list of matrices, got shape {matrix.shape}"
            )
        n_problems, width = bounds.shape
        return cls(rows, bounds.ravel(), np.arange(n_problems + 1, dtype=np.int64) * width)

    @classmethod
    def _of_list(cls, A: list[Any], b: Any) -> _Problems:
        if len(b) != len(A):
            raise ValueError(f"b must have one vector for each of {len(A)} problems, got {len(b)}")
        matrices = [as_double_matrix(a, f"A[{i}]", np.shape(A[0])[1]) for i, a in enumerate(A)]
        vectors = [as_bounds(v, f"b[{i}]", len(matrices[i])) for i, v in enumerate(b)]
        starts = np.concatenate([[0], np.cumsum([len(v) for v in vectors])]).astype(np.int64)
        problems = cls(np.concatenate(matrices), np.concatenate(vectors), starts)
        problems.ragged = True
        return problems

    def constraints(self, i: int) -> tuple[_Floats, _Floats]:
        """Rows and bounds of one problem."""
        span = slice(self.starts[i], self.starts[i + 1])
        shared = len(self.rows) != len(self.bounds)
        return self.rows if shared else self.rows[span], self.bounds[span]

    def split(self, duals: _Floats) -> _Floats | list[_Floats]:
        """Multipliers in the shape of the bounds."""
        if self.ragged:
            return np.split(duals, self.starts[1:-1])
        return duals.reshape(self.n_problems, -1 if self.n_problems else 0)


def _as_pairs(equalities: Any, n: int, n_features: int) -> list[tuple[_Floats, _Floats]] | None:
    """Return equalities of every problem, or None if there are none."""
    if equalities is None:
        return None
    per_problem = isinstance(equalities, list)
    if per_problem and len(equalities) != n:
        raise ValueError(f"equalities must have one pair for each of {n} problems")
    if not per_problem:
        return [as_equalities(equalities, n_features)] * n
    return [as_equalities(pair, n_features) for pair in equalities]


def _centers_in_affine_sets(
    problems: _Problems, affines: list[AffineSet], solve: _Solve
) -> ChebyshevCenters:
    n, n_features = problems.n_problems, problems.rows.shape[1]
    found: list[ChebyshevCenter | None] = [None] * n
    groups: dict[int, list[int]] = {}
    for i, affine in enumerate(affines):
        if len(affine.E) and affine.contradiction is not None:
            found[i] = _empty_center(problems, i, affine)
        else:
            dimension = affine.basis.shape[1] if len(affine.E) else n_features
            groups.setdefault(dimension, []).append(i)
    for dimension, members in groups.items():
        for i, center in zip(
            members, _reduced_centers(problems, affines, members, dimension, solve), strict=True
        ):
            found[i] = center
    centers = [center for center in found if center is not None]
    duals: Any = [center.duals for center in centers]
    return ChebyshevCenters(
        np.array([c.center for c in centers]).reshape(n, n_features),
        np.array([c.radius for c in centers]),
        np.array([c.gap for c in centers]),
        duals if problems.ragged else np.array(duals).reshape(n, -1 if n else 0),
        [c.equality_duals for c in centers],
        np.array([c.ray for c in centers]).reshape(n, n_features),
        np.array([c.status for c in centers], np.int8),
    )


def _empty_center(problems: _Problems, i: int, affine: AffineSet) -> ChebyshevCenter:
    n_features = problems.rows.shape[1]
    return ChebyshevCenter(
        np.full(n_features, np.nan),
        np.nan,
        0.0,
        np.zeros(len(problems.constraints(i)[1])),
        affine.proof,
        np.zeros(n_features),
        Status.EMPTY,
    )


def _reduced_centers(
    problems: _Problems, affines: list[AffineSet], members: list[int], dimension: int, solve: _Solve
) -> list[ChebyshevCenter]:
    """Solve problems whose affine sets have one dimension, in coordinates of their own."""
    reduced = [
        affines[i].reduce(*problems.constraints(i))
        if len(affines[i].E)
        else problems.constraints(i)
        for i in members
    ]
    rows = with_coordinates(np.concatenate([a for a, _ in reduced]))
    bounds = np.concatenate([r for _, r in reduced])
    starts = np.concatenate([[0], np.cumsum([len(r) for _, r in reduced])]).astype(np.int64)
    found = solve(rows, bounds, starts)
    result = []
    for k, i in enumerate(members):
        affine, ends = affines[i], slice(starts[k], starts[k + 1])
        center, ray, radius = found.centers[k], found.rays[k], float(found.radii[k])
        outcome, duals, multipliers = Status(found.status[k]), found.duals[ends], np.zeros(0)
        if dimension == 0 and outcome == Status.UNBOUNDED:
            # A single point, which is a ball of radius zero in its affine set.
            radius, ray, outcome = 0.0, np.zeros(1), Status.OPTIMAL
        if len(affine.E):
            center, ray = affine.lift(center[:dimension]), affine.basis @ ray[:dimension]
            if outcome == Status.EMPTY:  # where there are no coordinates, none were NaN
                center = np.full_like(center, np.nan)
            A, _ = problems.constraints(i)
            multipliers = affine.duals(-(duals @ A)[None, :])[0]
        result.append(
            ChebyshevCenter(center, radius, float(found.gaps[k]), duals, multipliers, ray, outcome)
        )
    return result
