"""Outcomes of single queries; outcomes are values, only misuse is an exception."""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    """Outcome of one query."""

    OPTIMAL = 0
    """The projection is proven: its gap is within the tolerance."""
    INSIDE = 1
    """Convex weights reproduce the query within the tolerance."""
    OUTSIDE = 2
    """A hyperplane, verified against every point, separates the query from the hull."""
    UNDECIDED = 3
    """Rounding, or the tolerance asked for, leaves the question open."""
    EMPTY = 4
    """The polyhedron has no points; multipliers prove it (Farkas' lemma)."""
    UNBOUNDED = 5
    """There is no largest value; a ray proves it."""
    LIMIT = 6
    """The method gave up; what it has is the best that it found."""
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
