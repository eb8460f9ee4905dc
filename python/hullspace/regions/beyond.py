"""What outputs are on the other side of a region's facet, in rational arithmetic."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable

    from hullspace.networks import ReluNetwork, Stage
    from hullspace.regions.search_space import SearchSpace

_Bits = npt.NDArray[np.bool_]
Exact = npt.NDArray[np.object_]  # fractions: (n, n_dims + 1), the constants last


class Facets:
    """Looks beyond facets of the regions of a network.

    Two regions that share a facet have the same affine functions on it. So beyond it those units
    change that are zero all along it, and no others.
    """

    def __init__(self, network: ReluNetwork, space: SearchSpace) -> None:
        self.network = network
        self._start = _fractions(np.column_stack([space.basis, space.origin]))

    def look(self, bits: _Bits, unit: int) -> tuple[Exact, Exact, Exact, _Bits]:
        """Look across the hyperplane of a hidden unit from the region of a pattern.

        Returns
        -------
        facet : (n_dims + 1,) fractions
            The hyperplane's coefficients, positive in the region.
        here, there : (n_classes, n_dims + 1) fractions
            The outputs in the region and beyond; a single one is that of class 1, against zero.
        beyond : (n_hidden,) bool
            The pattern beyond.
        """
        inputs, here = self._functions(lambda first, rows: bits[first : first + len(rows)])
        facet = inputs[unit] if bits[unit] else -inputs[unit]
        beyond = bits.copy()

        def flip(first: int, rows: Exact) -> _Bits:
            own = slice(first, first + len(rows))
            for k in range(len(rows)):
                if ratio(inputs[first + k], facet) is not None:
                    share = ratio(rows[k], facet)
                    beyond[first + k] = share is not None and share < 0
            return beyond[own]

        _, there = self._functions(flip)
        return facet, here, there, beyond

    def _functions(self, choose: Callable[[int, Exact], _Bits]) -> tuple[Exact, Exact]:
        """Return inputs of the hidden units and outputs, where `choose` says which units are on."""
        sources, hidden = [self._start], [self._start[:0]]
        first = 0
        for stage in self.network.stages:
            rows = _inputs(stage, sources)
            own = rows[stage.hidden]
            factors = _fractions(stage.slopes)
            factors[stage.hidden[choose(first, own)]] = Fraction(1)
            first += len(own)
            hidden.append(own)
            sources.append(factors[:, None] * rows)
        outputs = sources[-1]
        if len(outputs) == 1:
            outputs = np.vstack([outputs * 0, outputs])
        return np.concatenate(hidden), outputs


def _inputs(stage: Stage, sources: list[Exact]) -> Exact:
    """Return the inputs of the units of a stage."""
    rows = np.full((stage.n_units, sources[0].shape[1]), Fraction(0), dtype=object)
    rows[:, -1] = _fractions(stage.bias)
    for term in stage.terms:
        for unit in range(stage.n_units):
            places, weights = term.operator.row(unit)
            if len(places):
                rows[unit] = rows[unit] + _fractions(weights) @ sources[term.source][places]
    return rows


def _fractions(numbers: npt.NDArray[np.float64]) -> Exact:
    """Return doubles as fractions."""
    flat = [Fraction(x) for x in np.asarray(numbers, dtype=np.float64).ravel().tolist()]
    found: Exact = np.array(flat, dtype=object).reshape(np.shape(numbers))
    return found


def ratio(row: Exact, facet: Exact) -> Fraction | None:
    """Return what multiple of the facet's row another one is; None if it is none."""
    pivot = int(np.flatnonzero(facet != 0)[0])
    share = row[pivot] / facet[pivot]
    return share if all(row == share * facet) else None
