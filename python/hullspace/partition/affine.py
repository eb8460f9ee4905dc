"""The affine sets where classes tie, at the top or not: closed forms and lower bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from hullspace.partition.ties import Subset, Ties
    from hullspace.polyhedron import Polyhedron

_Floats = npt.NDArray[np.float64]

# Directions of an affine set's normals that are shorter, relative to the longest, are rounding.
_RANK = 1e-12
# Constraints that are less steep than this along an affine set would magnify rounding.
_STEEP = 1e-4
_ROUNDING = 2.0**-46
# A tie must hold this well, relative to the sizes of what cancels, to count as a tie.
_TIE = 1e-12


@dataclass(frozen=True)
class AffineTies:
    """Where classes tie, the domain and the other classes aside: ``E x = d``.

    Attributes
    ----------
    classes : tuple of int
        The classes.
    E : (k - 1, n_features) float64
        Differences of weights.
    d : (k - 1,) float64
        Differences of biases.
    inverse : (n_features, k - 1) float64
        Pseudo-inverse of E.
    """

    classes: Subset
    E: _Floats
    d: _Floats
    inverse: _Floats

    @classmethod
    def of(cls, ties: Ties, classes: Subset) -> AffineTies:
        """Make the equations for two or more classes."""
        first, rest = classes[0], list(classes[1:])
        E, d = ties.weight[rest] - ties.weight[first], ties.bias[first] - ties.bias[rest]
        return cls(classes, E, d, np.linalg.pinv(E, rcond=_RANK))

    def lower_bounds(self, polyhedron: Polyhedron, points: _Floats, excess: _Floats) -> _Floats:
        """Lower bounds of the distances of points to the part of the set within a polyhedron.

        The distance to the set and, at a right angle to it, that to the constraint that its
        nearest point violates the most.

        Parameters
        ----------
        polyhedron : Polyhedron
            The set of ties.
        points : (n, n_features) float64
            The points.
        excess : (n, n_constraints) float64
            ``A @ point - b`` for each point and constraint.
        """
        missing = self.d - points @ self.E.T
        slopes = polyhedron.A @ self.inverse
        lengths = np.linalg.norm(polyhedron.A - slopes @ self.E, axis=1)
        moving = lengths > _STEEP * np.linalg.norm(polyhedron.A, axis=1)
        # Distances of the set's nearest point to the constraints, along the set.
        weights = np.divide(1.0, lengths, where=moving, out=np.zeros(len(lengths)))
        beyond = missing @ slopes.T
        beyond += excess
        beyond *= weights
        # The step to the set is inverse @ missing, which is as long as triangle @ missing.
        triangle = np.asarray(np.linalg.qr(self.inverse, mode="r"))
        steps = np.linalg.norm(missing @ triangle.T, axis=1)
        bounds = np.hypot(steps, beyond.max(axis=1, initial=0.0))
        # What rounding may have added, where equations are nearly the same.
        condition = np.linalg.norm(self.E) * np.linalg.norm(self.inverse)
        sizes = np.linalg.norm(points, axis=1) + bounds
        return np.asarray(np.maximum(bounds - _ROUNDING * condition * sizes, 0.0))

    def settle(
        self, ties: Ties, points: _Floats, norm: float
    ) -> tuple[npt.NDArray[np.bool_], _Floats, _Floats]:
        """Find where two classes tie, nearest in the norm 1 or infinity, and tell if that is all.

        Returns
        -------
        fits, moved, distances
            Whether the other classes and the domain allow the nearest points of the hyperplane,
            these points, and how far they are.
        """
        normal = self.E[0]
        direction = np.sign(normal)
        if norm == 1.0:  # along the coordinate that changes the tie the most
            direction = np.where(np.arange(len(normal)) == np.abs(normal).argmax(), direction, 0.0)
        slope = direction @ normal
        missing = self.d[0] - points @ normal
        steps = np.outer(missing / slope if slope else missing, direction)
        moved = points + steps
        logits, chosen = ties.logits(moved), list(self.classes)
        sizes = np.abs(moved) @ np.abs(ties.weight[chosen]).T + np.abs(ties.bias[chosen])
        fits = np.ptp(logits[:, chosen], axis=1) <= _TIE * sizes.max(axis=1)
        fits &= logits.max(axis=1) <= logits[:, chosen].max(axis=1)
        fits[fits] = ties.domain.polyhedron.contains(moved[fits], tolerance=0.0)
        return fits, moved, np.linalg.norm(steps, ord=norm, axis=1)
