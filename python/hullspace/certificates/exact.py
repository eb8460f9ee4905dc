"""Membership proven with tolerance zero: what is said of a query holds for its exact digits.

Four ways, each for what the one before leaves open: a rigorous rounding bound on a separating
hyperplane; a ball inside the hull that absorbs the rounding of convex weights; magnification of
what separates a query from a face (`zoom`); the simplex method in integers (`simplex`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hullspace.arguments import as_matrix
from hullspace.certificates.centred import CentredData
from hullspace.certificates.evidence import Evidence
from hullspace.certificates.integers import MANTISSA, Integers, largest, ratios
from hullspace.certificates.rounding import Bools, Floats, Rows, norms
from hullspace.certificates.simplex import Tableau, decide
from hullspace.certificates.zoom import BITS, Face, fit, refined_normal
from hullspace.devices import on_host
from hullspace.hull import Membership
from hullspace.status import Proof, Status

_Proofs = npt.NDArray[np.int8]

# A query is pulled this far from the middle of the hull to see whether it is well inside.
_PULL = 2.0**-20
# Distances, relative to the set's radius, to which what lies next to a face is magnified.
_DISTANCES = (2.0**-6, 2.0**-14, 2.0**-22)
# Distances to the hull below this, relative to the radius, may be rounding.
_SMALL = 2.0**-46
# How much of such a distance the ball inside the hull may account for.
_SHARE = 2.0**-10
# Weights of a face's points below this are left out: rounding makes such.
_NEGLIGIBLE = 2.0**-40
# Next to a face of that face it is that one from which to magnify: it has the points with weights
# of at least this.
_MAIN = 2.0**-20


def prove(
    points: npt.ArrayLike, queries: npt.ArrayLike, membership: Membership
) -> npt.NDArray[np.int8]:
    """Prove which queries are in the hull, with tolerance zero and no rounding.

    Every number counts as the binary fraction that it is. A query is proven inside when it is
    exactly a convex combination of the points, and proven outside when it exactly is not: a
    query at a distance of 1e-300 from the hull is outside. So the verdict may differ from the
    membership's, which has a tolerance.

    Parameters
    ----------
    points : (n_points, n_features) array
        The points that the hull was made of.
    queries : (n_queries, n_features) array
        The queries that the membership is about, in the same order.
    membership : Membership
        What `Hull.contains` returned. Its hyperplanes are tried first; it saves time and
        cannot mislead. Queries that it leaves undecided are tried as well.

    Returns
    -------
    (n_queries,) int8 array
        `Proof.PROVEN_INSIDE`, `Proof.PROVEN_OUTSIDE`, or `Proof.UNPROVEN` where the method gave
        up.

    Raises
    ------
    TypeError, ValueError
        If the arrays are unfit, hold numbers that double precision does not hold exactly, or the
        shapes do not belong together.

    Notes
    -----
    A query that is clearly outside costs one double-precision product with all points, one well
    inside about one `Hull.project`. One on or next to a face costs some milliseconds of integer
    arithmetic, tens in 64 dimensions; most such queries of large sets are settled by magnifying
    what is left between query and face, the others by the simplex method in integers. That takes
    seconds, and may give up, for queries within the thickness of a set that is flat but for
    rounding, in some 20 dimensions or more.

    Examples
    --------
    >>> import hullspace
    >>> points = [[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]]
    >>> queries = [[0.5, 0.5], [1.0, 1.0], [1.0, 1.0 + 2.0**-52]]
    >>> membership = hullspace.Hull(points).contains(queries)
    >>> membership.inside
    array([ True,  True,  True])
    >>> [hullspace.Proof(p).name for p in hullspace.certificates.prove(points, queries, membership)]
    ['PROVEN_INSIDE', 'PROVEN_INSIDE', 'PROVEN_OUTSIDE']
    """
    points, queries, membership = on_host(points), on_host(queries), on_host(membership)
    matrix = as_matrix(points, "points")
    rows = as_matrix(queries, "queries", columns=matrix.shape[1], allow_empty=True)
    _require_exact(points, matrix, "points")
    _require_exact(queries, rows, "queries")
    if not isinstance(membership, Membership):
        raise TypeError(f"membership must be a Membership, got {type(membership).__name__}")
    normals, status = membership.certificate.normals, membership.status
    if status.shape != (len(rows),) or normals.shape != rows.shape:
        raise ValueError(
            f"membership must have {len(rows)} answers and normals of shape {rows.shape}, "
            f"got {len(status)} and {normals.shape}"
        )
    proofs = np.full(len(rows), Proof.PROVEN_OUTSIDE, dtype=np.int8)
    # A query outside of the points' bounding box may be far larger than all the points.
    low, high = matrix.min(axis=0), matrix.max(axis=0)
    boxed = ((rows >= low) & (rows <= high)).all(axis=1)
    # In coordinates that all points share, boxed queries agree with them.
    varying = low < high
    if not varying.any():
        proofs[boxed] = Proof.PROVEN_INSIDE
    elif boxed.any():
        evidence = Evidence(CentredData.of(matrix[:, varying], rows[boxed][:, varying]))
        with np.errstate(all="ignore"):  # whatever corrupted normals lead to proves nothing
            hyperplanes = np.where((status == Status.OUTSIDE)[:, None], normals, 0.0)
            proofs[boxed] = _prove(evidence, hyperplanes[boxed][:, varying])
    return proofs


def _require_exact(value: npt.ArrayLike, matrix: npt.NDArray[Any], name: str) -> None:
    """Raise ValueError if large integers or extended precision lost digits in `matrix`."""
    given = np.asarray(value)
    if given.dtype.kind in "iu":
        large = given[(given > 2**MANTISSA) | (given < -(2**MANTISSA))].tolist()
        lost = [number for number in large if int(float(number)) != number]
    else:
        lost = list(given[given != matrix])
    if lost:
        raise ValueError(f"{name} must hold numbers that float64 holds exactly, got {lost[0]}")


def _prove(evidence: Evidence, normals: Floats) -> _Proofs:
    """Try one way after the other; a normal of zero length is none."""
    proofs = np.zeros(len(normals), dtype=np.int8)
    lengths = norms(normals)
    given = np.flatnonzero(np.isfinite(lengths) & (lengths > 0.0))
    separated = evidence.separated(given, normals[given] / lengths[given, None])
    proofs[given[separated]] = Proof.PROVEN_OUTSIDE
    open_rows = np.flatnonzero(proofs == Proof.UNPROVEN)
    absorbed = evidence.absorbed(evidence.data.centred(evidence.data.queries[open_rows]), _PULL)
    proofs[open_rows[absorbed]] = Proof.PROVEN_INSIDE
    open_rows = np.flatnonzero(proofs == Proof.UNPROVEN)
    if len(open_rows):
        _prove_near_faces(evidence, proofs, open_rows)
    return proofs


def _prove_near_faces(evidence: Evidence, proofs: _Proofs, rows: Rows) -> None:
    """Prove queries on or next to the boundary, one by one where floating point ends."""
    _, normals, supports = evidence.project(
        evidence.data.centred(evidence.data.queries[rows]), _NEGLIGIBLE
    )
    separated = evidence.separated(rows, normals)
    proofs[rows[separated]] = Proof.PROVEN_OUTSIDE
    faces = {
        int(row): _fit(evidence, proofs, int(row), support)
        for row, support, done in zip(rows, supports, separated, strict=True)
        if not done
    }
    for distance in _DISTANCES:
        _magnify(evidence, proofs, faces, distance)
    cores = {
        row: face and fit(evidence.exact, row, face.main_points(_MAIN))
        for row, face in faces.items()
        if proofs[row] == Proof.UNPROVEN
    }
    for distance in _DISTANCES:
        _magnify(evidence, proofs, cores, distance)
    for row, face in faces.items():
        if proofs[row] == Proof.UNPROVEN:
            start = face.support if face else ()
            proofs[row] = decide(evidence.exact, row, start)


def _fit(evidence: Evidence, proofs: _Proofs, row: int, support: Rows) -> Face | None:
    """Find the face that a query is next to; a query exactly on it is proven inside."""
    face = fit(evidence.exact, row, support)
    if face and face.coincides and _is_combination(evidence, row, face):
        proofs[row] = Proof.PROVEN_INSIDE
    return face


def _is_combination(evidence: Evidence, row: int, face: Face) -> bool:
    """Whether a query is exactly a convex combination of a face's points."""
    if face.surrounds(evidence.exact):
        return True
    tableau = Tableau(evidence.exact, row)
    for index in face.support:
        tableau.enter(int(index))
    return tableau.is_combination()


def _magnify(
    evidence: Evidence, proofs: _Proofs, faces: dict[int, Face | None], distance: float
) -> None:
    """Ask for points at a relative distance from the faces, not the queries next to them."""
    magnified = {
        row: face
        for row, face in faces.items()
        if face and not face.coincides and proofs[row] == Proof.UNPROVEN
    }
    if not magnified:
        return
    targets = np.array(
        [
            evidence.exact.centred(
                face.target(evidence.exact, distance * evidence.data.radius), BITS
            )
            for face in magnified.values()
        ]
    )
    rows = np.array(list(magnified))
    gaps, normals, supports = evidence.project(targets, _NEGLIGIBLE)
    unions = [
        np.union1d(face.support, support)
        for face, support in zip(magnified.values(), supports, strict=True)
    ]
    proofs[rows[_separated(evidence, rows, normals, unions)]] = Proof.PROVEN_OUTSIDE
    rest = np.flatnonzero(proofs[rows] == Proof.UNPROVEN)
    absorbed = evidence.absorbed(targets[rest], _SHARE * distance)
    proofs[rows[rest[absorbed]]] = Proof.PROVEN_INSIDE
    for i in rest[~absorbed]:
        # A target on another face, and not beyond it, shows that the face has more points.
        if gaps[i] <= _SMALL * evidence.data.radius:
            row = int(rows[i])
            faces[row] = _fit(evidence, proofs, row, unions[i]) or faces[row]


def _separated(evidence: Evidence, rows: Rows, normals: Floats, supports: list[Rows]) -> Bools:
    """Whether normals, once orthogonal to the faces that they should support, separate."""
    vectors: dict[int, Integers] = {}
    for i, (normal, support) in enumerate(zip(normals, supports, strict=True)):
        if normal.any() and len(support) <= len(normal):
            vector = refined_normal(evidence.exact, support, normal)
            if vector is not None:
                vectors[i] = vector
    tried = np.array(list(vectors), dtype=np.intp)
    separated = np.zeros(len(rows), dtype=bool)
    if len(tried):
        rounded = np.array([ratios(v, largest(v)) for v in vectors.values()])
        rounded /= norms(rounded)[:, None]
        separated[tried] = evidence.separated(rows[tried], rounded, list(vectors.values()))
    return separated
