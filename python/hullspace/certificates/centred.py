"""Points and queries as exact proofs take them: centred, and scaled by one power of two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hullspace.certificates.rounding import UNDERFLOW, Floats, gamma, norms

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt
    from scipy import sparse

# Rows of points and of queries that are handled at a time: 64 MB of scores.
POINT_BLOCK = 4096
QUERY_BLOCK = 2048


@dataclass(frozen=True)
class CentredData:
    """Points and queries, to be centred and scaled so that nothing over- or underflows."""

    points: npt.NDArray[Any]
    queries: npt.NDArray[Any]
    center: Floats  # scaled
    exponent: int  # data times 2**-exponent is at most one
    radius: float  # largest norm of a centred point, scaled

    @classmethod
    def of(cls, points: npt.NDArray[Any], queries: npt.NDArray[Any]) -> CentredData:
        """Find the centre and the unit."""
        low = points.min(axis=0).astype(np.float64)
        high = points.max(axis=0).astype(np.float64)
        largest = max(np.abs(low).max(), np.abs(high).max(), np.abs(queries).max(initial=0.0))
        exponent = int(np.frexp(float(largest))[1])
        center = 0.5 * np.ldexp(low, -exponent) + 0.5 * np.ldexp(high, -exponent)
        data = cls(points, queries, center, exponent, 0.0)
        radius = max(float(norms(block).max()) for block in data.point_blocks())
        return cls(points, queries, center, exponent, radius)

    def centred(self, rows: npt.NDArray[Any]) -> Floats:
        """Scaled difference of rows from the centre; one rounding an element."""
        scaled: Floats = np.ldexp(rows.astype(np.float64), -self.exponent) - self.center
        return scaled

    def point_blocks(self) -> Iterator[Floats]:
        """Yield centred points, some at a time."""
        for first in range(0, len(self.points), POINT_BLOCK):
            yield self.centred(self.points[first : first + POINT_BLOCK])

    def rounding(self, queries: Floats) -> Floats:
        """Bound the rounding of scores of unit vectors against points and centred queries."""
        n = self.points.shape[1] + 4
        bound: Floats = gamma(n) * (self.radius + norms(queries)) + n * UNDERFLOW
        return bound


def combinations(data: CentredData, weights: sparse.csr_array) -> Floats:
    """Centred and scaled ``weights @ points``, touching only the points in use."""
    used, columns = np.unique(weights.indices, return_inverse=True)
    compact = type(weights)(
        (weights.data, columns, weights.indptr), shape=(weights.shape[0], len(used))
    )
    combined: Floats = np.asarray(compact @ data.centred(data.points[used]))
    return combined
