"""Outcomes of single queries; outcomes are values, only misuse is an exception."""

from __future__ import annotations

from enum import IntEnum, unique

from hullspace import _core


@unique
class Status(IntEnum):
    """Outcome of one query."""

    OPTIMAL = int(_core.Status.OPTIMAL)
    """The projection is proven: its gap is within the tolerance."""
    INSIDE = int(_core.Status.INSIDE)
    """Convex weights reproduce the query within the tolerance."""
    OUTSIDE = int(_core.Status.OUTSIDE)
    """A hyperplane, verified against every point, separates the query from the hull."""
    UNDECIDED = int(_core.Status.UNDECIDED)
    """Rounding, or the tolerance asked for, leaves the question open."""
    EMPTY = int(_core.Status.EMPTY)
    """The polyhedron has no points; multipliers prove it (Farkas' lemma)."""
    UNBOUNDED = int(_core.Status.UNBOUNDED)
    """There is no largest value; a ray proves it."""
    LIMIT = int(_core.Status.LIMIT)
    """The method gave up; what it has is the best that it found."""
    # The core solves single problems and knows nothing of these.
    COMPLETE = 7
    """The search left nothing open."""
    REACHED = 8
    """An image was found that does what was asked for."""
    NOT_REACHED = 9
    """No such image was found, which does not prove that there is none."""


class Proof(IntEnum):
    """What is proven of one query, with tolerance zero."""

    UNPROVEN = 0
    """No proof was found."""
    PROVEN_INSIDE = 1
    """The query is exactly a convex combination of the points."""
    PROVEN_OUTSIDE = 2
    """A hyperplane has the query strictly on one side and all the points on the other."""
