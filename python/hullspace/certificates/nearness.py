"""Nearest points of sets of ties: what is said of them, and lower bounds of the distances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hullspace.certificates.claims import Claims, dense_multipliers
from hullspace.certificates.distances import lengths_of, lower_bounds
from hullspace.certificates.fields import Weights, array_of, floats_of
from hullspace.certificates.rounding import Bools, Floats, Ints, are_nan, norms
from hullspace.status import Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from hullspace.certificates.constraints import System
    from hullspace.certificates.decisions import Decisions
    from hullspace.certificates.rounding import Rows


@dataclass(frozen=True)
class Nearest:
    """Nearest points to samples, as a result gives them.

    Attributes
    ----------
    decisions : Decisions
        What they are about.
    samples, points : (n, n_features) float64
        The samples, and the point nearest to each.
    distances, gaps : (n,) float64
        Its distance, and how much shorter it may be.
    status : (n,) integers
        Of each.
    norm : float
        1, 2 or infinity.
    """

    decisions: Decisions
    samples: Floats
    points: Floats
    distances: Floats
    gaps: Floats
    status: Ints
    norm: float = 2.0

    @property
    def _lengths(self) -> Floats:
        points = np.where(np.isfinite(self.points), self.points, 0.0)
        wide = np.sqrt(self.points.shape[1]) if self.norm == 1.0 else 1.0
        lengths: Floats = wide * (norms(self.samples) + norms(points))
        return lengths

    def needed(self) -> Floats:
        """Lower bounds that prove the distances, up to a backward error."""
        least = self.distances - self.gaps - self.decisions.error * self._lengths
        claimed = np.where(self.status == Status.OPTIMAL, least, -np.inf)
        return np.where(self.status == Status.EMPTY, np.inf, claimed)

    def are_there(self, tolerance: float) -> Bools:
        """Whether points are in the domain, at their distances, and gaps are small."""
        found = lengths_of(self.points - self.samples, self.norm)
        allowed = self.decisions.error * self._lengths
        result: Bools = (
            (self.status == Status.OPTIMAL)
            & self.decisions.are_in_domain(self.points)
            & (np.abs(found - self.distances) <= allowed)
            & (self.gaps >= 0.0)
            & (self.gaps <= tolerance * self._lengths + allowed)
        )
        return result

    def are_nowhere(self) -> Bools:
        """Whether it is said that there are no such points."""
        result: Bools = (
            (self.status == Status.EMPTY)
            & are_nan(self.points)
            & np.isposinf(self.distances)
            & (self.gaps == 0.0)
        )
        return result


class Bounds:
    """Lower bounds of the distances of samples to sets of ties, by what a result says of them.

    Parameters
    ----------
    samples : (n, n_features) float64
        The samples.
    multipliers : Multipliers
        Of some pairs of a sample and a set.
    system_of : callable
        Returns the constraints of a pair's set, by numbers that `keys` gives.
    norm : float
        1, 2 or infinity.
    """

    def __init__(
        self, samples: Floats, multipliers: Any, system_of: Callable[[int], System], norm: float
    ) -> None:
        self.samples, self.system_of, self.norm = samples, system_of, norm
        m = len(np.asarray(multipliers.samples))
        self.rows = array_of(multipliers, "samples", (m,), "iu")
        self.sets = array_of(multipliers, "sets", (m,), "iu")
        self.duals = Weights.of(multipliers, "duals", m)
        width = np.shape(multipliers.equality_duals)[-1:]
        self.equality_duals = floats_of(multipliers, "equality_duals", (m, *width))

    def improve(self, bounds: Floats, needed: Floats, keys: Callable[[Rows], Ints]) -> None:
        """Raise bounds, (n, n_sets), that fall short of what is needed, of the same shape."""
        known = (self.rows >= 0) & (self.rows < len(bounds))
        known &= (self.sets >= 0) & (self.sets < bounds.shape[1])
        pairs = np.flatnonzero(known)
        short = (bounds < needed)[self.rows[pairs], self.sets[pairs]]
        pairs = pairs[short]
        numbers = keys(pairs)
        for key in np.unique(numbers).tolist():
            chosen = pairs[numbers == key]
            found = self._lower_bounds(self.system_of(key), chosen)
            np.maximum.at(bounds, (self.rows[chosen], self.sets[chosen]), found)

    def _lower_bounds(self, system: System, chosen: Rows) -> Floats:
        duals, equality_duals = self.duals.select(chosen), self.equality_duals[chosen]
        n_missing = max(len(system.rows) - system.n_inequalities - equality_duals.shape[1], 0)
        wide = np.pad(equality_duals, ((0, 0), (0, n_missing)))
        everything = slice(0, len(chosen))
        multipliers = dense_multipliers(duals, wide, everything, system)
        fields = {"queries": self.samples[self.rows[chosen]]}
        claims = Claims.of(system, multipliers, fields, 0.0)
        return np.where(claims.sound, lower_bounds(claims, self.norm), 0.0)
