"""What answers about polyhedra claim: feasible points and rays, multipliers, gaps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hullspace.certificates.rounding import (
    are_nan,
    are_zero,
    dots,
    every,
    exponents,
    gamma,
    highest,
    norms,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hullspace.certificates.constraints import System
    from hullspace.certificates.fields import Weights
    from hullspace.certificates.rounding import Bools, Exponents, Floats, Rows

# Solutions of linear systems are good to a few roundings of each of their terms, seldom better; and
# a solver has to call some angles and slopes zero.
ROUNDINGS = 16.0
LEAST_ERROR = 2.0**-40


@dataclass(frozen=True)
class Claims:
    """Answers to some problems, with their system of constraints.

    Attributes
    ----------
    system : System
        The constraints, shared or of each problem.
    multipliers : (n_problems, n_rows)
        Of the inequalities and equalities; zero where they are not sound.
    sound : (n_problems,) bool
        Whether the multipliers are finite, and nonnegative where they must be.
    fields : mapping
        The other arrays of the result, and the queries, by name; one row for each problem.
    largest_gap : float
        Of an optimum, relative to the terms of its bound.
    """

    system: System
    multipliers: Floats
    sound: Bools
    fields: Mapping[str, Floats]
    largest_gap: float

    @classmethod
    def of(
        cls, system: System, multipliers: Floats, fields: Mapping[str, Any], largest_gap: float
    ) -> Claims:
        """Sort out the multipliers that cannot be part of any proof."""
        nonnegative = every(multipliers[:, : system.n_inequalities] >= 0.0)
        sound = every(np.isfinite(multipliers)) & nonnegative
        return cls(system, np.where(sound[:, None], multipliers, 0.0), sound, fields, largest_gap)

    def __getitem__(self, name: str) -> Floats:
        return self.fields[name]

    def select(self, problems: Rows) -> Claims:
        """Return the claims about some problems."""
        fields = {name: array[problems] for name, array in self.fields.items()}
        system = self.system.select(problems)
        multipliers, sound = self.multipliers[problems], self.sound[problems]
        return Claims(system, multipliers, sound, fields, self.largest_gap)

    @property
    def used(self) -> Bools:
        """Which rows have a multiplier."""
        used: Bools = self.multipliers != 0.0
        return used

    def has_no(self, *names: str) -> Bools:
        """Whether fields say that they have nothing to say: points NaN, gaps and rays zero."""
        result = np.ones(len(self.multipliers), dtype=bool)
        for name in names:
            idle = are_nan if name in {"points", "centers"} else are_zero
            result &= idle(self[name].reshape(len(result), -1))
        return result

    def rounding(self) -> Floats:
        """Bound the rounding of sums over features or multipliers, relative to their terms."""
        bound: Floats = gamma(self.system.rows.shape[-1] + 4 + self.used.sum(axis=1))
        return bound

    def tolerance(self) -> Floats:
        """Backward error that is allowed, relative to the terms."""
        return LEAST_ERROR + ROUNDINGS * self.rounding()

    def sizes(self, scaled: Floats) -> Floats:
        """Sum of the lengths of a combination's terms."""
        return dots(np.abs(scaled), np.broadcast_to(self.system.lengths, scaled.shape))

    def excess(
        self, points: Floats, reach: Floats | None = None, radii: Floats | None = None
    ) -> tuple[Floats, Floats]:
        """How far points are beyond each row, up to a factor, and how far they may be.

        With radii, the farthest points of balls are meant; a radius of 1 gets as far as `reach`.
        """
        radii = np.zeros(len(points)) if radii is None else radii
        units = self.system.units(np.zeros_like(self.used), points, radii[:, None])
        x, r = np.ldexp(points, -units[:, None]), np.ldexp(radii, -units)[:, None]
        offsets = self.system.scaled_offsets(units)
        beyond = self.system.products(x) - offsets
        n = self.system.n_inequalities
        if reach is not None:
            beyond[:, :n] += reach * r
        beyond[:, n:] = np.abs(beyond[:, n:])
        least = self.system.least_lengths(units)
        if "distances" in self.fields:  # a cone at the origin has no length but that of the query
            queries = norms(np.ldexp(self["queries"], -units[:, None]))
            least = np.where(least > 0.0, least, queries)
        extent = (norms(x) + least)[:, None] + r
        sizes = self.system.lengths * extent + np.abs(offsets)
        return beyond, self.tolerance()[:, None] * sizes

    def are_feasible(
        self, points: Floats, reach: Floats | None = None, radii: Floats | None = None
    ) -> Bools:
        """Whether points, or balls about them, satisfy all constraints."""
        beyond, allowed = self.excess(points, reach, radii)
        return every(beyond <= allowed) & every(np.isfinite(points))

    def recede(self, rays: Floats, reach: Floats | None = None) -> Bools:
        """Whether rays from feasible points stay feasible; with a reach, away from all rows.

        Staying within a row is judged by its backward error, going away from it is proven.
        """
        d = np.ldexp(rays, -highest(exponents(rays))[:, None])
        along = self.system.products(d)
        sizes = self.system.lengths * norms(d)[:, None]
        allowed = self.tolerance()[:, None] * sizes
        n = self.system.n_inequalities
        away = along[:, :n] <= allowed[:, :n]
        if reach is not None:
            proven = along[:, :n] < -self.rounding()[:, None] * sizes[:, :n]
            away = np.where(reach > 0.0, proven, away)
        within = np.abs(along[:, n:]) <= allowed[:, n:]
        return every(away) & every(within) & every(np.isfinite(rays))

    def gaps_hold(
        self, scaled: Floats, lengths: Exponents, values: Floats, gaps: Floats, sizes: Floats
    ) -> Bools:
        """Whether the multipliers' bound is the value and the gap, which is small.

        Values, gaps, and sizes of the terms that the values are made of, are in units of the
        scaled multipliers times ``2**lengths``.
        """
        offsets = self.system.scaled_offsets(lengths)
        bounds = dots(offsets, scaled)
        sizes = sizes + dots(np.abs(offsets), np.abs(scaled))
        sizes += self.sizes(scaled) * self.system.least_lengths(lengths)
        allowed = self.tolerance() * sizes
        result: Bools = (
            (np.abs(bounds - gaps - values) <= allowed)
            & (gaps >= -allowed)
            & (gaps <= self.largest_gap * (np.abs(values) + np.abs(bounds)) + allowed)
        )
        return result


def dense_multipliers(
    duals: Weights, equality_duals: Floats, problems: slice, system: System
) -> Floats:
    """Multipliers of all rows for some problems; NaN where one has an index of no row.

    Raises
    ------
    ValueError
        If the arrays cannot be multipliers of the system.
    """
    n_inequalities, n_rows = system.n_inequalities, system.rows.shape[-2]
    n_equalities = n_rows - n_inequalities
    if duals.n_columns < n_inequalities or equality_duals.shape[1] < n_equalities:
        raise ValueError(
            f"result must have duals of {n_inequalities} inequalities and {n_equalities} "
            f"equalities, got {duals.n_columns} and {equality_duals.shape[1]}"
        )
    some = duals.select(np.arange(problems.start, problems.stop))
    within = some.indices < n_inequalities
    multipliers = np.zeros((len(some), n_rows))
    np.add.at(multipliers, (some.owners[within], some.indices[within]), some.data[within])
    multipliers[some.owners[~within]] = np.nan
    multipliers[~some.known] = np.nan
    multipliers[:, n_inequalities:] += equality_duals[problems, :n_equalities]
    return multipliers
