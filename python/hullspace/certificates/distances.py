"""Proofs of how far points are from sets of constraints at least, in several norms.

For multipliers y, not negative for inequalities, every feasible x satisfies ``n.x <= y.b`` with
``n = A^T y``. So ``|q - x| >= (n.q - y.b) / |n|_*`` for any norm and its dual norm, whatever the
multipliers are; good ones make the bound meet the distance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hullspace.certificates.farkas import are_empty
from hullspace.certificates.rounding import (
    NO_EXPONENT,
    Floats,
    dots,
    exponents,
    gamma,
    highest,
    norms,
)

if TYPE_CHECKING:
    from hullspace.certificates.claims import Claims
    from hullspace.certificates.constraints import System

# Directions of an affine set's normals that are shorter, relative to the longest, are rounding.
_RANK = 1e-12
# Constraints that are less steep than this along an affine set would magnify rounding.
_STEEP = 1e-4


def lengths_of(differences: Floats, norm: float) -> Floats:
    """Lengths of rows in the norm 1, 2 or infinity."""
    if norm == 2.0:
        return norms(differences)
    sizes = np.abs(differences)
    lengths: Floats = sizes.sum(axis=-1) if norm == 1.0 else sizes.max(axis=-1, initial=0.0)
    return lengths


def dual_of(norm: float) -> float:
    """Return the norm that bounds products with vectors of this norm."""
    return {1.0: np.inf, 2.0: 2.0, np.inf: 1.0}[norm]


def lower_bounds(claims: Claims, norm: float) -> Floats:
    """Distances of `queries` from what is feasible, bounded from below, all rounding included.

    Infinite where the multipliers prove that nothing is feasible.
    """
    system = claims.system
    sizes = highest(
        np.where(claims.used, exponents(claims.multipliers) + system.scales, NO_EXPONENT)
    )
    scaled = system.scaled_multipliers(claims.multipliers, sizes)
    units = system.units(claims.used, claims["queries"])
    q = np.ldexp(claims["queries"], -units[:, None])
    offsets = system.scaled_offsets(units)
    beyond = dots(scaled, system.products(q) - offsets)
    reach = system.lengths * norms(q)[:, None] + np.abs(offsets)
    share = 2.0 * claims.rounding()
    beyond = beyond - share * dots(np.abs(scaled), reach)
    n_features = q.shape[1]
    wide = np.sqrt(n_features) if norm == np.inf else 1.0
    normals = lengths_of(system.combinations(scaled), dual_of(norm)) * (1.0 + gamma(n_features + 4))
    normals = normals + wide * share * claims.sizes(scaled)
    found = np.where(beyond > 0.0, beyond / normals, 0.0)
    bounds: Floats = np.ldexp(found, units)
    bounds[are_empty(system, claims.multipliers)] = np.inf
    return bounds


def affine_multipliers(system: System, queries: Floats) -> Floats:
    """Multipliers for the nearest point of the equalities' affine set, and one more constraint.

    That is the one that this point is farthest beyond. They are good ones, not proven ones.
    """
    n = system.n_inequalities
    rows, E = system.rows[:n], system.rows[n:]
    never = np.flatnonzero((system.lengths[:n] == 0.0) & (system.offsets[:n] < 0.0))
    multipliers = np.zeros((len(queries), len(system.rows)))
    if len(never):
        multipliers[:, never[0]] = 1.0
        return multipliers
    units = system.units(np.ones_like(multipliers, dtype=bool), queries)
    q = np.ldexp(queries, -units[:, None])
    offsets = system.scaled_offsets(units)
    inverse = np.linalg.pinv(E, rcond=_RANK)
    steps = (offsets[:, n:] - q @ E.T) @ inverse.T
    multipliers[:, n:] = -steps @ inverse
    along = rows - (rows @ inverse) @ E
    reach = norms(along)
    steep = reach > _STEEP * system.lengths[:n]
    beyond = np.where(steep, (q + steps) @ rows.T - offsets[:, :n], 0.0)
    if n:
        far = beyond / np.where(steep, reach, 1.0)
        which, own = far.argmax(axis=1), np.arange(len(queries))
        pulls = np.where(far[own, which] > 0.0, far[own, which] / reach[which], 0.0)
        pulls = np.where(steep[which], pulls, 0.0)
        multipliers[own, which] = pulls
        multipliers[:, n:] -= pulls[:, None] * (rows @ inverse)[which]
    scaled: Floats = np.ldexp(multipliers, -system.scales)
    return scaled
