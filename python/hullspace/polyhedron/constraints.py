"""The constraints of one polyhedron, and the coordinates in which equalities are gone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from hullspace.polyhedron.affine import AffineSet
from hullspace.polyhedron.rows import with_coordinates

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    _Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Constraints:
    """``A x <= b`` and ``E x = d``, in double precision and C order."""

    A: _Floats
    b: _Floats
    E: _Floats
    d: _Floats

    @cached_property
    def affine(self) -> AffineSet | None:
        """The points that satisfy the equalities; None if there are none."""
        return AffineSet(self.E, self.d) if len(self.E) else None

    @property
    def inner(self) -> tuple[_Floats, _Floats] | None:
        """Rows and bounds in the affine set's coordinates, or None if that has no points."""
        if self.affine is None:
            return self.A, self.b
        if self.affine.contradiction is not None:
            return None
        along, rest = self.affine.reduce(self.A, self.b)
        return with_coordinates(along), rest

    def lift(self, points: _Floats) -> _Floats:
        """Return points given in the coordinates of `inner`."""
        if self.affine is None:
            return points
        return self.affine.lift(points[:, : self.affine.basis.shape[1]])
