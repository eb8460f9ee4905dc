"""The polyhedra where classes tie at the top: regions, facets between them, and what they share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace.arguments import as_matrix
from hullspace.polyhedron import Polyhedron

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hullspace.features.store import Head
    from hullspace.partition.domain import Domain

_Floats = npt.NDArray[np.float64]
Subset = tuple[int, ...]

# Polyhedra are made as they are needed, at most this many bytes of them at a time.
_BYTES = 2**28


@dataclass(frozen=True)
class Ties:
    """An affine head over a domain: makes the set where given classes tie and none is above.

    One class gives its region, two the facet between their regions, and so on.
    """

    head: Head
    domain: Domain

    @property
    def weight(self) -> _Floats:
        """Rows of the head, (n_classes, n_features), in double precision."""
        return self.head.weight

    @property
    def bias(self) -> _Floats:
        """Constants of the head, (n_classes,), in double precision."""
        return self.head.bias

    @property
    def n_classes(self) -> int:
        """Number of rows of the head."""
        return len(self.bias)

    @property
    def n_features(self) -> int:
        """Number of columns of the head."""
        return int(self.weight.shape[1])

    @property
    def n_at_a_time(self) -> int:
        """Number of polyhedra that may be in memory together."""
        n_rows = self.n_classes + int(self.domain.polyhedron.n_constraints)
        return max(1, _BYTES // (8 * n_rows * self.n_features))

    def as_features(self, value: npt.ArrayLike, name: str) -> _Floats:
        """Return `value` as a float64 matrix of features; errors name the argument."""
        matrix = as_matrix(value, name, columns=self.n_features, allow_empty=True)
        return matrix.astype(np.float64, copy=False)

    def logits(self, features: _Floats) -> _Floats:
        """Logits in double precision, (n, n_classes)."""
        result: _Floats = features @ self.weight.T + self.bias
        return result

    def top(self, classes: Subset) -> Polyhedron:
        """Where the classes tie, none is above, and the domain allows it.

        Its rows are the other classes in ascending order, then the domain's; `row_names` names
        them. Classes with equal weights tie everywhere, which asks for nothing, or nowhere, which
        is the row ``0 <= -1``.
        """
        domain = self.domain.polyhedron
        A, b = self._above(classes[0], self._others(classes))
        E, d = self._above(classes[0], classes[1:])
        parallel = ~E.any(axis=1)
        never = parallel & (d != 0.0)
        rows = (A, domain.A, np.zeros((np.count_nonzero(never), self.n_features)))
        limits = (b, domain.b, np.full(np.count_nonzero(never), -1.0))
        equalities = np.vstack([E[~parallel], domain.E])
        values = np.concatenate([d[~parallel], domain.d])
        return Polyhedron(
            np.vstack(rows),
            np.concatenate(limits),
            (equalities, values) if len(equalities) else None,
        )

    def row_names(self, classes: Subset) -> tuple[str, ...]:
        """Names of the rows of `top`: "class 3", "domain 17" (a row of the domain), "bias"."""
        domain = range(self.domain.polyhedron.n_constraints)
        E, d = self._above(classes[0], classes[1:])
        never = np.count_nonzero(~E.any(axis=1) & (d != 0.0))
        others = (f"class {j}" for j in self._others(classes))
        return (*others, *(f"domain {i}" for i in domain), *("bias" for _ in range(never)))

    def equal_classes(self) -> list[Subset]:
        """Return the groups of classes with the same weights and bias: they tie everywhere."""
        rows = np.column_stack([self.weight, self.bias]) + 0.0  # -0.0 becomes 0.0
        groups: dict[bytes, list[int]] = {}
        for c, row in enumerate(rows):
            groups.setdefault(row.tobytes(), []).append(c)
        return [tuple(group) for group in groups.values() if len(group) > 1]

    def _others(self, classes: Subset) -> list[int]:
        return [j for j in range(self.n_classes) if j not in classes]

    def _above(self, c: int, others: Sequence[int]) -> tuple[_Floats, _Floats]:
        """Rows and limits of: the logits of the others are at most that of c."""
        chosen = list(others)
        return self.weight[chosen] - self.weight[c], self.bias[c] - self.bias[chosen]
