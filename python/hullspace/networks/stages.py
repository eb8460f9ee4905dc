"""Stages of affine maps and ReLU-like units, which networks are made of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace.arguments import require_finite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hullspace.networks.operators import Operator

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Term:
    """An operator on the output of an earlier stage.

    Attributes
    ----------
    source : int
        0 for the network's input, k for the output of stage number k - 1.
    operator : Dense, Sparse or Convolution
        What is applied to it.
    """

    source: int
    operator: Operator


@dataclass(frozen=True)
class Stage:
    """Units that an affine map feeds: ``out = max(a, 0) + slope * min(a, 0)`` for each.

    Attributes
    ----------
    terms : tuple of Term
        The sum of what they give, plus the bias, is the units' input ``a``.
    bias : (n_units,) float64
        Constant part of ``a``.
    slopes : (n_units,) float64
        Slope of each unit where its input is negative: 0 for ReLU, 1 for a unit that is linear and
        counts as none.
    """

    terms: tuple[Term, ...]
    bias: _Floats
    slopes: _Floats

    @property
    def n_units(self) -> int:
        """Units of the stage."""
        return len(self.bias)

    @cached_property
    def hidden(self) -> _Ints:
        """Units that are not linear, ascending."""
        return np.flatnonzero(self.slopes != 1.0)

    def affine(self, outputs: Sequence[_Floats]) -> _Floats:
        """Return the units' inputs, given the input and the outputs of the stages before."""
        total = np.tile(self.bias, (len(outputs[0]), 1))
        for term in self.terms:
            total += term.operator.apply(outputs[term.source])
        return total


def require_fit(stage: Stage, sizes: list[int], name: str) -> None:
    """Raise unless a stage takes sources of these sizes and all its numbers are finite."""
    require_finite(stage.bias, f"{name}.bias")
    require_finite(stage.slopes, f"{name}.slopes")
    if stage.bias.ndim != 1 or stage.slopes.shape != stage.bias.shape:
        raise ValueError(
            f"{name}.bias and slopes must be vectors of one length, "
            f"got shapes {stage.bias.shape} and {stage.slopes.shape}"
        )
    for term in stage.terms:
        if not 0 <= term.source < len(sizes):
            raise ValueError(f"{name} must take earlier stages, got {term.source}")
        shape = (term.operator.n_out, term.operator.n_in)
        if shape != (stage.n_units, sizes[term.source]):
            raise ValueError(
                f"{name} must have operators of shape "
                f"({stage.n_units}, {sizes[term.source]}), got {shape}"
            )
        require_finite(term.operator.elements, f"{name}'s operator on source {term.source}")
