"""The decisions of an affine head over a domain, as checks see them: numbers alone.

For products with points, weights and biases are divided by a common power of two, which changes no
decision and keeps them from over- and underflowing. What ties is judged by backward errors, like
all that is said of polyhedra: see `hullspace.certificates.polyhedra`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from hullspace.arguments import as_matrix
from hullspace.certificates.claims import LEAST_ERROR, ROUNDINGS, Claims
from hullspace.certificates.constraints import System, as_floats
from hullspace.certificates.rounding import (
    Bools,
    Floats,
    Ints,
    every,
    exponents,
    gamma,
    highest,
    norms,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hullspace.certificates.rounding import Rows


@dataclass(frozen=True)
class Margins:
    """How much higher the logit of a class is than those of the others, at some points.

    Attributes
    ----------
    values, sizes : (n, n_classes) float64
        The differences, and the sizes of the terms that they are sums of.
    """

    values: Floats
    sizes: Floats


@dataclass(frozen=True)
class Decisions:
    """An affine head and the domain of its features.

    Attributes
    ----------
    weight : (n_classes, n_features) float64
    bias : (n_classes,) float64
    A, b, E, d : float64 arrays
        The domain is ``A x <= b`` and ``E x = d``.
    """

    weight: Floats
    bias: Floats
    A: Floats
    b: Floats
    E: Floats
    d: Floats

    @classmethod
    def of(cls, subject: Any) -> Decisions:
        """Take the numbers of a partition, or of a head, whose domain is all of space.

        Raises
        ------
        TypeError, ValueError
            If it is neither, or the numbers are unfit.
        """
        head = getattr(subject, "head", subject)
        if not (hasattr(head, "weight") and hasattr(head, "bias")):
            raise TypeError(
                f"subject must be a DecisionPartition or a Head, got {type(subject).__name__}"
            )
        weight = as_floats(head.weight, "weight")
        bias = as_floats(np.zeros(len(weight)) if head.bias is None else head.bias, "bias")
        n_features = weight.shape[1]
        none, nothing = np.zeros((0, n_features)), np.zeros(0)
        if not hasattr(subject, "domain"):
            return cls(weight, bias, none, nothing, none, nothing)
        domain = subject.domain.polyhedron
        parts = (as_floats(getattr(domain, name), f"domain.{name}") for name in "AbEd")
        return cls(weight, bias, *parts)

    @property
    def n_classes(self) -> int:
        """Rows of the head."""
        return len(self.bias)

    @property
    def n_features(self) -> int:
        """Columns of the head."""
        return int(self.weight.shape[1])

    @property
    def error(self) -> float:
        """Backward error that is allowed, relative to the terms."""
        return LEAST_ERROR + ROUNDINGS * float(gamma(self.n_features + 4))

    @cached_property
    def domain(self) -> System:
        """The domain's constraints."""
        return System.of(self.A, self.b, (self.E, self.d))

    def features(self, queries: Any, name: str = "queries") -> Floats:
        """Return queries as a matrix in double precision."""
        rows = as_matrix(queries, name, columns=self.n_features, allow_empty=True)
        return rows.astype(np.float64)

    def by_class(self, classes: Ints) -> Iterator[tuple[int, Rows]]:
        """Yield each class with the places that it has; other numbers have none."""
        for c in np.intersect1d(classes, np.arange(self.n_classes)).tolist():
            yield c, np.flatnonzero(classes == c)

    @cached_property
    def exponent(self) -> int:
        """Exponent of the largest weight."""
        return int(highest(exponents(self.weight.ravel())))

    def differences(self, c: int) -> tuple[Floats, Floats]:
        """Return how the scaled logit of class c differs from those of all: normals and offsets."""
        normals, offsets = self.weight[c] - self.weight, self.bias[c] - self.bias
        return np.ldexp(normals, -self.exponent), np.ldexp(offsets, -self.exponent)

    def margins(self, c: int, points: Floats) -> Margins:
        """How much higher the logit of class c is than the others."""
        normals, offsets = self.differences(c)
        sizes = np.multiply.outer(norms(points), norms(normals)) + np.abs(offsets)
        return Margins(points @ normals.T + offsets, sizes)

    def are_top(self, classes: Ints, points: Floats, error: float | None = None) -> Bools:
        """Whether no logit is above that of each point's class, up to a backward error."""
        allowed = self.error if error is None else error
        top = np.zeros(len(points), dtype=bool)
        for c, rows in self.by_class(classes):
            margins = self.margins(c, points[rows])
            top[rows] = every(margins.values >= -allowed * margins.sizes)
        return top

    def tie(self, classes: Ints, others: Ints, points: Floats) -> Bools:
        """Whether the logits of two classes are equal, up to a backward error."""
        equal = np.zeros(len(points), dtype=bool)
        known = (others >= 0) & (others < self.n_classes)
        for c, rows in self.by_class(np.where(known, classes, -1)):
            margins = self.margins(c, points[rows])
            own = np.arange(len(rows)), others[rows]
            equal[rows] = np.abs(margins.values[own]) <= self.error * margins.sizes[own]
        return equal

    def are_in_domain(self, points: Floats) -> Bools:
        """Whether points are in the domain, up to a backward error."""
        none = np.zeros((len(points), self.domain.rows.shape[-2]))
        return Claims.of(self.domain, none, {}, 0.0).are_feasible(points)

    def top_set(self, classes: Sequence[int]) -> System:
        """Return the constraints of the set where classes tie and none is above.

        The rows are the other classes in ascending order, the domain's, and ``0 <= -1`` for each
        class of equal weights whose bias differs; the equalities are the classes but the first,
        without those of equal weights, and the domain's.
        """
        c = classes[0]
        normals, offsets = self.weight[c] - self.weight, self.bias[c] - self.bias
        others = [j for j in range(self.n_classes) if j not in classes]
        rest = list(classes[1:])
        E, d = -normals[rest], offsets[rest]
        parallel = ~E.any(axis=1)
        never = np.count_nonzero(parallel & (d != 0.0))
        rows = np.vstack([-normals[others], self.A, np.zeros((never, self.n_features))])
        limits = np.concatenate([offsets[others], self.b, np.full(never, -1.0)])
        equalities = np.vstack([E[~parallel], self.E])
        return System.of(rows, limits, (equalities, np.concatenate([d[~parallel], self.d])))
