"""Checks of answers about polyhedra, by code that shares nothing with the solver.

Notes
-----
A solver in double precision gives points and multipliers that satisfy the conditions of optimality
up to rounding. What is asked of them is a small *backward error* [1]_: the conditions must hold for
rows, offsets and directions that differ from the given ones by no more than ``2**-40`` and 16
times what a sum of as many terms may be wrong by, relative to the length of each row. So every
bound is scaled by the data that it is about. Rays that claim ever larger balls, and
emptiness, are proven instead; for the latter see `hullspace.certificates.farkas`.

References
----------
.. [1] N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed., SIAM 2002,
   sections 3.1 and 7.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hullspace.arguments import as_matrix
from hullspace.certificates.claims import Claims, dense_multipliers
from hullspace.certificates.constraints import System
from hullspace.certificates.farkas import are_empty
from hullspace.certificates.fields import (
    Weights,
    array_of,
    float_of,
    floats_of,
    require_no_queries,
    statuses_of,
)
from hullspace.certificates.rounding import (
    ROUNDOFF,
    are_zero,
    dots,
    every,
    exponents,
    highest,
    norms,
)
from hullspace.status import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from hullspace.certificates.rounding import Bools, Floats, Rows

    Provers = Mapping[int, Callable[[Claims], Bools]]

# A direction must improve by this many allowed errors, and a witness violate its row by this many
# times what it violates others by.
_CLEAR = 16.0
# A row this much shorter within the affine set of the equalities is orthogonal to it.
_ORTHOGONAL = 2.0**-40
# Elements of rows, or of products with rows, that are handled at a time: 32 MB.
_BLOCK = 2**22


def _system(subject: Any, result: Any) -> System:
    """Return the constraints of a polyhedron."""
    if not all(hasattr(subject, name) for name in "AbEd"):
        raise TypeError(
            f"a {type(result).__name__} is checked against a Polyhedron, "
            f"got {type(subject).__name__}"
        )
    return System.of(subject.A, subject.b, (subject.E, subject.d))


def check_support(subject: Any, queries: Any, result: Any, tolerance: float) -> Bools:
    """Check a `PolyhedronSupport`; see `hullspace.certificates.check`."""
    system = _system(subject, result)
    fields = ("points", "rays"), ("values", "gaps")
    return _check_batch(system, "directions", queries, result, fields, _SUPPORT, tolerance)


def check_projection(subject: Any, queries: Any, result: Any, tolerance: float) -> Bools:
    """Check a `PolyhedronProjection`; see `hullspace.certificates.check`."""
    system = _system(subject, result)
    fields = ("points",), ("distances", "gaps")
    return _check_batch(system, "points", queries, result, fields, _PROJECTION, tolerance)


def _fields(
    result: Any,
    n_problems: int,
    n_features: int,
    vectors: tuple[str, ...],
    numbers: tuple[str, ...],
) -> dict[str, Floats]:
    """Arrays of a result, one row for each problem."""
    fields = {name: floats_of(result, name, (n_problems, n_features)) for name in vectors}
    fields |= {name: floats_of(result, name, (n_problems,)) for name in numbers}
    return fields | {"status": statuses_of(result, (n_problems,))}


def _proven(claims: Claims, provers: Provers) -> Bools:
    """Prove each claim by its status; one without a prover claims nothing."""
    proven = np.zeros(len(claims.multipliers), dtype=bool)
    for status, prove in provers.items():
        chosen = np.flatnonzero(claims["status"] == status)
        if len(chosen):
            some = claims.select(chosen)
            proven[chosen] = some.sound & prove(some)
    return proven


def _check_batch(
    system: System,
    name: str,
    queries: Any,
    result: Any,
    names: tuple[tuple[str, ...], tuple[str, ...]],
    provers: Provers,
    tolerance: float,
) -> Bools:
    """Check answers about one polyhedron."""
    rows = as_matrix(queries, name, columns=system.rows.shape[-1], allow_empty=True)
    if len(result) != len(rows):
        raise ValueError(f"result must have answers for {len(rows)} problems, got {len(result)}")
    fields = _fields(result, len(rows), system.rows.shape[-1], *names)
    width = np.shape(result.equality_duals)[-1:]
    equality_duals = floats_of(result, "equality_duals", (len(rows), *width))
    duals = Weights.of(result, "duals", len(rows))
    fields["queries"] = rows.astype(np.float64)
    proven = np.zeros(len(rows), dtype=bool)
    for block in _blocks(len(rows), system.rows.shape[-2]):
        multipliers = dense_multipliers(duals, equality_duals, block, system)
        part = {key: array[block] for key, array in fields.items()}
        proven[block] = _proven(Claims.of(system, multipliers, part, tolerance), provers)
    return proven


def _blocks(n_problems: int, size: int) -> Iterator[slice]:
    step = max(_BLOCK // max(size, 1), 1)
    for first in range(0, n_problems, step):
        yield slice(first, min(first + step, n_problems))


# Chebyshev centres


def check_centers(A: Any, b: Any, result: Any, tolerance: float, equalities: Any = None) -> Bools:
    """Check `ChebyshevCenters`; see `hullspace.certificates.check`."""
    ragged = isinstance(A, list | tuple) and len(A) > 0 and np.ndim(A[0]) == 2
    n_features = int(np.shape(A[0] if ragged else A)[-1])
    return prove_centers(_systems(A, b, equalities), len(b), n_features, result, tolerance)


def prove_centers(
    systems: Iterable[tuple[slice, System]],
    n_problems: int,
    n_features: int,
    result: Any,
    tolerance: float,
) -> Bools:
    """Prove `ChebyshevCenters` of blocks of problems, each with its system."""
    if len(result) != n_problems:
        raise ValueError(f"result must have answers for {n_problems} problems, got {len(result)}")
    fields = _fields(result, n_problems, n_features, ("centers", "rays"), ("radii", "gaps"))
    if len(result.duals) != n_problems or len(result.equality_duals) != n_problems:
        raise ValueError(f"result must have multipliers for {n_problems} problems")
    proven = np.zeros(n_problems, dtype=bool)
    for block, system in systems:
        multipliers = np.array(
            [
                _multipliers(system, result.duals[i], result.equality_duals[i])
                for i in range(n_problems)[block]
            ]
        )
        part = {name: array[block] for name, array in fields.items()}
        proven[block] = _proven(Claims.of(system, multipliers, part, tolerance), _CENTERS)
    return proven


def _multipliers(system: System, duals: Any, equality_duals: Any) -> Floats:
    """Multipliers of one problem, those of the equalities last."""
    parts, n = (np.asarray(duals), np.asarray(equality_duals)), system.n_inequalities
    shapes = (n,), (system.rows.shape[-2] - n,)
    for part, shape in zip(parts, shapes, strict=True):
        if part.shape != shape or part.dtype.kind != "f":
            raise ValueError(
                f"result must have multipliers that are real numbers of shape {shape}, "
                f"got shape {part.shape} and dtype {part.dtype}"
            )
    return np.concatenate(parts)


def _systems(A: Any, b: Any, equalities: Any) -> Iterator[tuple[slice, System]]:
    """Blocks of problems of one shape, or single ones where shapes differ."""
    ragged = isinstance(A, list | tuple) and len(A) > 0 and np.ndim(A[0]) == 2
    own = isinstance(equalities, list)
    if ragged or own:
        for i, offsets in enumerate(b):
            rows = A[i] if ragged or np.ndim(A) == 3 else A
            yield slice(i, i + 1), System.of(rows, offsets, equalities[i] if own else equalities)
        return
    whole = System.of(A, b, equalities)
    size = int(np.prod(whole.rows.shape[1:])) if whole.rows.ndim == 3 else len(whole.rows)
    for block in _blocks(len(b), size):
        yield block, whole.select(np.arange(block.start, block.stop))


def check_center(subject: Any, queries: Any, result: Any, tolerance: float) -> Bools:
    """Check a `ChebyshevCenter`; see `hullspace.certificates.check`."""
    require_no_queries(queries, result)
    system = _system(subject, result)
    n_features = (system.rows.shape[-1],)
    fields = {
        "centers": floats_of(result, "center", n_features)[None],
        "radii": np.array([float_of(result, "radius")]),
        "gaps": np.array([float_of(result, "gap")]),
        "rays": floats_of(result, "ray", n_features)[None],
        "status": np.array([result.status]),
    }
    multipliers = _multipliers(system, result.duals, result.equality_duals)[None]
    return _proven(Claims.of(system, multipliers, fields, tolerance), _CENTERS)


def reach_of(system: System) -> Floats:
    """Lengths of the inequalities' scaled rows within the affine set of the equalities."""
    n = system.n_inequalities
    rows, equalities = system.rows[..., :n, :], system.rows[..., n:, :]
    if not equalities.size:
        return system.lengths[..., :n]
    shared = equalities.reshape(-1, *equalities.shape[-2:])[0]
    _, singular, basis = np.linalg.svd(shared, full_matrices=False)
    basis = basis[singular > singular.max(initial=0.0) * max(shared.shape) * 8 * ROUNDOFF]
    within = norms(rows - (rows @ basis.T) @ basis)
    return np.where(within > _ORTHOGONAL * system.lengths[..., :n], within, 0.0)


def _optimal_centers(claims: Claims) -> Bools:
    system, centers, radii = claims.system, claims["centers"], claims["radii"]
    reach, n = reach_of(system), system.n_inequalities
    scaled = system.scaled_multipliers(claims.multipliers, np.zeros(len(radii), dtype=np.int64))
    allowed = claims.tolerance() * claims.sizes(scaled)
    total = (scaled[:, :n] * reach).sum(axis=1)
    units = system.units(claims.used, centers, radii[:, None])
    x, r = np.ldexp(centers, -units[:, None]), np.ldexp(radii, -units)
    gaps = np.ldexp(claims["gaps"], -units)
    result: Bools = (
        are_zero(claims["rays"])
        & claims.are_feasible(centers, reach, radii)
        & (radii >= 0.0)
        & np.isfinite(radii)
        & (norms(system.combinations(scaled)) <= allowed)
        & (np.abs(total - 1.0) <= allowed)
        & claims.gaps_hold(scaled, units, r, gaps, r + claims.sizes(scaled) * norms(x))
    )
    return result


def _unbounded_centers(claims: Claims) -> Bools:
    result: Bools = (
        np.isposinf(claims["radii"])
        & claims.has_no("gaps")
        & ~claims.used.any(axis=1)
        & claims.are_feasible(claims["centers"])
        & claims.recede(claims["rays"], reach_of(claims.system))
    )
    return result


def _no_centers(claims: Claims) -> Bools:
    idle = claims.has_no("centers", "rays", "gaps") & np.isnan(claims["radii"])
    return idle & are_empty(claims.system, claims.multipliers)


_CENTERS: Provers = {
    Status.OPTIMAL: _optimal_centers,
    Status.UNBOUNDED: _unbounded_centers,
    Status.EMPTY: _no_centers,
}


# Support


def _optimal_support(claims: Claims) -> Bools:
    system, directions, points = claims.system, claims["queries"], claims["points"]
    sizes = highest(exponents(directions))
    c = np.ldexp(directions, -sizes[:, None])
    scaled = system.scaled_multipliers(claims.multipliers, sizes)
    units = system.units(claims.used, points)
    x = np.ldexp(points, -units[:, None])
    values, gaps = (np.ldexp(claims[name], -(units + sizes)) for name in ("values", "gaps"))
    terms = norms(c) * (norms(x) + system.least_lengths(units))
    residual = norms(system.combinations(scaled) - c)
    result: Bools = (
        are_zero(claims["rays"])
        & claims.are_feasible(points)
        & (residual <= claims.tolerance() * (claims.sizes(scaled) + norms(c)))
        & (np.abs(values - dots(c, x)) <= claims.tolerance() * terms)
        & claims.gaps_hold(scaled, units, values, gaps, terms)
    )
    return result


def _unbounded_support(claims: Claims) -> Bools:
    directions, rays = claims["queries"], claims["rays"]
    c = np.ldexp(directions, -highest(exponents(directions))[:, None])
    d = np.ldexp(rays, -highest(exponents(rays))[:, None])
    clear = _CLEAR * claims.tolerance() * norms(c) * norms(d)
    result: Bools = (
        np.isposinf(claims["values"])
        & claims.has_no("gaps")
        & ~claims.used.any(axis=1)
        & claims.are_feasible(claims["points"])
        & claims.recede(rays)
        & (dots(c, d) > clear)
    )
    return result


def _no_support(claims: Claims) -> Bools:
    idle = claims.has_no("points", "rays", "gaps") & np.isneginf(claims["values"])
    return idle & are_empty(claims.system, claims.multipliers)


_SUPPORT: Provers = {
    Status.OPTIMAL: _optimal_support,
    Status.UNBOUNDED: _unbounded_support,
    Status.EMPTY: _no_support,
}


# Projection


def _optimal_projection(claims: Claims) -> Bools:
    system, queries, points = claims.system, claims["queries"], claims["points"]
    units = system.units(claims.used, points, queries)
    q, x = (np.ldexp(rows, -units[:, None]) for rows in (queries, points))
    distances, gaps = (np.ldexp(claims[name], -units) for name in ("distances", "gaps"))
    scaled = system.scaled_multipliers(claims.multipliers, units)
    normals = system.combinations(scaled)
    tolerance, lengths = claims.tolerance(), norms(q) + norms(x) + system.least_lengths(units)
    # Every feasible point z has normal @ (q - z) >= multipliers @ (rows @ q - offsets).
    offsets = system.scaled_offsets(units)
    beyond = dots(scaled, system.products(q) - offsets)
    reach = system.lengths * lengths[:, None] + np.abs(offsets)
    rounding = tolerance * dots(np.abs(scaled), reach)
    # A distance of at least zero needs no hyperplane.
    needed = distances - gaps
    bounded = beyond + rounding >= needed * norms(normals)
    result: Bools = (
        claims.are_feasible(points)
        & (np.abs(norms(q - x) - distances) <= tolerance * lengths)
        & (norms(q - x - normals) <= tolerance * (claims.sizes(scaled) + lengths))
        & (bounded | (needed <= tolerance * lengths))
        & (gaps >= 0.0)
        & (gaps <= claims.largest_gap * lengths)
    )
    return result


def _no_projection(claims: Claims) -> Bools:
    idle = claims.has_no("points", "gaps") & np.isposinf(claims["distances"])
    return idle & are_empty(claims.system, claims.multipliers)


_PROJECTION: Provers = {Status.OPTIMAL: _optimal_projection, Status.EMPTY: _no_projection}


# Irredundant rows


def check_irredundant(subject: Any, queries: Any, result: Any, tolerance: float) -> Bools:
    """Whether each witness violates its row, and satisfies the others and the equalities."""
    del tolerance  # strictly, but for rounding
    require_no_queries(queries, result)
    system = _system(subject, result)
    indices = array_of(result, "indices", (len(result),), "iu")
    witnesses = floats_of(result, "witnesses", (len(indices), system.rows.shape[-1]))
    n = system.n_inequalities
    ascending = bool((np.diff(indices) > 0).all())
    if len(indices) and not (ascending and indices[0] >= 0 and indices[-1] < n):
        return np.zeros(len(indices), dtype=bool)
    kept = np.append(indices, np.arange(n, system.rows.shape[-2]))
    few = System(system.rows[kept], system.scales[kept], system.offsets[kept], len(indices))
    proven = np.zeros(len(indices), dtype=bool)
    for block in _blocks(len(indices), len(kept)):
        proven[block] = _violate_only(few, np.arange(len(indices))[block], witnesses[block])
    return proven


def _violate_only(system: System, rows: Rows, witnesses: Floats) -> Bools:
    claims = Claims.of(system, np.zeros((len(rows), system.rows.shape[-2])), {}, 0.0)
    beyond, allowed = claims.excess(witnesses)
    lengths = np.where(system.lengths > 0.0, system.lengths, 1.0)
    distances, allowed = beyond / lengths, allowed / lengths
    own = np.arange(len(rows)), rows
    # Proven to be violated, and by much more than any other row.
    rounding = claims.rounding() / claims.tolerance() * allowed[own]
    violated = distances[own] > rounding
    limits = np.minimum(allowed, distances[own][:, None] / _CLEAR)
    limits[own] = np.inf
    return violated & every(distances <= limits) & every(np.isfinite(witnesses))
