"""What the operations on polyhedra return: small frozen records, each with its proof."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace.devices import on_host
from hullspace.status import Status

if TYPE_CHECKING:
    from scipy import sparse

_Floats = npt.NDArray[np.float64]
_Statuses = npt.NDArray[np.int8]


def _count(status: _Statuses, what: str) -> str:
    """Say how many of a batch ended how."""
    ends = [
        f"{int(np.count_nonzero(status == s))} {s.name.lower()}"
        for s in (Status.OPTIMAL, Status.EMPTY, Status.UNBOUNDED, Status.LIMIT)
        if (status == s).any()
    ]
    return f"{len(status)} {what}" + (": " + ", ".join(ends) if ends else "")


@dataclass(frozen=True)
class ChebyshevCenters:
    """Largest balls in polyhedra, as `chebyshev_centers` returns them.

    Attributes
    ----------
    centers : (n_problems, n_features) float64
        Centre of a largest ball; NaN where the polyhedron is empty, a point of it where it is
        unbounded.
    radii : (n_problems,) float64
        Its radius: NaN where empty, infinity where balls grow without bound, 0 where flat.
    gaps : (n_problems,) float64
        No ball has a radius above ``radii + gaps``: the multipliers prove it.
    duals : (n_problems, n_constraints) float64, or a list of arrays for ragged problems
        Multipliers of the constraints, at least 0. For a centre they satisfy
        ``A.T @ duals + E.T @ equality_duals = 0`` and weigh the rows' lengths to a sum of 1; for an
        empty polyhedron the same combination of ``b`` and ``d`` is negative (Farkas' lemma).
    equality_duals : list of (n_equalities,) float64
        Multipliers of the equalities, of any sign.
    rays : (n_problems, n_features) float64
        A direction along which ever larger balls fit; zero unless unbounded.
    status : (n_problems,) int8
        `Status.OPTIMAL`, `EMPTY`, `UNBOUNDED` or `LIMIT`.
    device : str
        Where they were computed: "cpu", or a GPU as in "cuda:0".
    """

    centers: _Floats
    radii: _Floats
    gaps: _Floats
    duals: _Floats | list[_Floats]
    equality_duals: list[_Floats]
    rays: _Floats
    status: _Statuses
    device: str = "cpu"

    def cpu(self) -> ChebyshevCenters:
        """Return the same with NumPy's arrays."""
        return on_host(self)

    def __len__(self) -> int:
        return len(self.status)

    def __getitem__(self, i: int) -> ChebyshevCenter:
        return ChebyshevCenter(
            center=self.centers[i],
            radius=float(self.radii[i]),
            gap=float(self.gaps[i]),
            duals=self.duals[i],
            equality_duals=self.equality_duals[i],
            ray=self.rays[i],
            status=Status(int(self.status[i])),
            device=self.device,
        )

    def __repr__(self) -> str:
        return f"ChebyshevCenters({_count(on_host(self.status), 'problems')})"


@dataclass(frozen=True)
class ChebyshevCenter:
    """A largest ball in one polyhedron; the attributes are those of `ChebyshevCenters`."""

    center: _Floats
    radius: float
    gap: float
    duals: _Floats
    equality_duals: _Floats
    ray: _Floats
    status: Status
    device: str = "cpu"

    def __repr__(self) -> str:
        return f"ChebyshevCenter({self.status.name}, radius={self.radius:.6g})"


@dataclass(frozen=True)
class PolyhedronSupport:
    """Largest scores over a polyhedron, as `Polyhedron.support` returns them.

    Attributes
    ----------
    values : (n_directions,) float64
        ``max direction @ x``: infinity where unbounded, -infinity where the polyhedron is empty.
    points : (n_directions, n_features) float64
        A point that scores `values`; a point of the polyhedron where unbounded, NaN where empty.
    duals : (n_directions, n_constraints) sparse CSR array, float64
        Multipliers, at least 0, that with `equality_duals` combine the rows to the direction and
        ``b`` and ``d`` to the value; Farkas multipliers where empty.
    equality_duals : (n_directions, n_equalities) float64
        Multipliers of the equalities, of any sign.
    rays : (n_directions, n_features) float64
        A direction in the polyhedron's recession cone that scores above zero; zero unless
        unbounded.
    gaps : (n_directions,) float64
        The largest score is at most ``values + gaps``.
    status : (n_directions,) int8
        `Status.OPTIMAL`, `EMPTY`, `UNBOUNDED` or `LIMIT`.
    """

    values: _Floats
    points: _Floats
    duals: sparse.csr_array
    equality_duals: _Floats
    rays: _Floats
    gaps: _Floats
    status: _Statuses

    def __len__(self) -> int:
        return len(self.status)

    def __repr__(self) -> str:
        return f"PolyhedronSupport({_count(self.status, 'directions')})"


@dataclass(frozen=True)
class PolyhedronProjection:
    """Nearest points of a polyhedron, as `Polyhedron.project` returns them.

    Attributes
    ----------
    points : (n_points, n_features) float64
        The nearest point to each query; NaN where the polyhedron is empty.
    distances : (n_points,) float64
        Euclidean distances; infinity where empty.
    duals : (n_points, n_constraints) sparse CSR array, float64
        Multipliers, at least 0, of the constraints that hold the point back:
        ``query - point = A.T @ duals + E.T @ equality_duals``. Farkas multipliers where empty.
    equality_duals : (n_points, n_equalities) float64
        Multipliers of the equalities, of any sign.
    gaps : (n_points,) float64
        The true distance lies in ``[distances - gaps, distances]``.
    status : (n_points,) int8
        `Status.OPTIMAL`, `EMPTY` or `LIMIT`: also, with NaN, for a query so far away, 2**100 times
        the size of the constraints' bounds, that rounding leaves nothing of the polyhedron.
    """

    points: _Floats
    distances: _Floats
    duals: sparse.csr_array
    equality_duals: _Floats
    gaps: _Floats
    status: _Statuses

    def __len__(self) -> int:
        return len(self.status)

    def __repr__(self) -> str:
        return f"PolyhedronProjection({_count(self.status, 'points')})"


@dataclass(frozen=True)
class Irredundant:
    """The constraints that matter, as `Polyhedron.irredundant` returns them.

    Attributes
    ----------
    indices : (n_irredundant,) int64
        Rows without which the polyhedron would be larger, ascending; the first of equal ones.
    witnesses : (n_irredundant, n_features) float64
        For each of them a point that breaks it and no other of them.
    """

    indices: npt.NDArray[np.int64]
    witnesses: _Floats

    def __len__(self) -> int:
        return len(self.indices)

    def __repr__(self) -> str:
        return f"Irredundant({len(self)} rows)"


@dataclass(frozen=True)
class Samples:
    """Points spread uniformly over a polyhedron, as `Polyhedron.sample` returns them.

    Attributes
    ----------
    points : (n, n_features) float64
        The points.
    r_hat : (n_features,) float64
        Split R-hat of every coordinate over the chains: close to 1 once they have mixed.
    """

    points: _Floats
    r_hat: _Floats

    def __len__(self) -> int:
        return len(self.points)

    def __repr__(self) -> str:
        worst = self.r_hat.max(initial=1.0)
        return f"Samples({len(self)} points, largest R-hat {worst:.3f})"


@dataclass(frozen=True)
class Volume:
    """Volume of a polyhedron, as `Polyhedron.volume` returns it.

    Attributes
    ----------
    value : float
        In the units of the features to the power of the dimension.
    interval : (float, float)
        95 % confidence interval; both ends are `value` where it is exact.
    method : {"qhull", "monte-carlo"}
        How it was found.
    """

    value: float
    interval: tuple[float, float]
    method: str
