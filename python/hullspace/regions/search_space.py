"""Where regions are looked for: all of the input's space, a box, a polyhedron, or a plane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace.polyhedron import Polyhedron
from hullspace.polyhedron.affine import AffineSet
from hullspace.polyhedron.rows import box_rows
from hullspace.regions.arguments import Domain, as_box

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hullspace.networks import ReluNetwork

_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SearchSpace:
    """The points ``origin + basis @ y`` with ``A y <= b``.

    Attributes
    ----------
    polyhedron : Polyhedron or None
        The same as constraints on the network's input; None for all of its space.
    origin : (n_inputs,) float64
        Where y is zero.
    basis : (n_inputs, n_dims) float64
        What the coordinates y multiply.
    A, b : (n_constraints, n_dims) and (n_constraints,) float64
        Constraints on the coordinates.
    is_whole : bool
        Whether the coordinates are the input itself.
    """

    polyhedron: Polyhedron | None
    origin: _Floats
    basis: _Floats
    A: _Floats
    b: _Floats
    is_whole: bool = True

    @property
    def n_dims(self) -> int:
        """Number of coordinates."""
        return int(self.basis.shape[1])

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return everything as arrays by name."""
        arrays: dict[str, npt.NDArray[Any]] = {
            "origin": self.origin,
            "basis": self.basis,
            "A": self.A,
            "b": self.b,
            "is_whole": np.array(self.is_whole),
        }
        if self.polyhedron is not None:
            given = self.polyhedron
            arrays |= {
                "domain_A": given.A,
                "domain_b": given.b,
                "domain_E": given.E,
                "domain_d": given.d,
            }
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> SearchSpace:
        """Undo `to_arrays`."""
        polyhedron = None
        if "domain_A" in arrays:
            equalities = (arrays["domain_E"], arrays["domain_d"])
            polyhedron = Polyhedron(
                arrays["domain_A"], arrays["domain_b"], equalities if len(equalities[0]) else None
            )
        origin, basis, A, b = (arrays[name] for name in ("origin", "basis", "A", "b"))
        return cls(polyhedron, origin, basis, A, b, is_whole=bool(arrays["is_whole"]))

    def lift(self, coordinates: _Floats) -> _Floats:
        """Return inputs, (n, n_inputs), of coordinates, (n, n_dims)."""
        if self.is_whole:
            return coordinates
        lifted: _Floats = self.origin + coordinates @ self.basis.T
        return lifted


def search_space(domain: Domain, network: ReluNetwork) -> SearchSpace:
    """Check a domain as users give it.

    Raises
    ------
    TypeError, ValueError
        If it is none, or does not fit the network, or has no interior points.
    """
    n = network.n_inputs
    if domain is None:
        return SearchSpace(None, np.zeros(n), np.eye(n), np.zeros((0, n)), np.zeros(0))
    if not isinstance(domain, Polyhedron):
        domain = _box(domain, network)
    if domain.n_features != n:
        raise ValueError(
            f"domain must have {n} features, one for each input, got {domain.n_features}"
        )
    if not len(domain.E):
        return SearchSpace(domain, np.zeros(n), np.eye(n), domain.A, domain.b)
    affine = AffineSet(domain.E, domain.d)
    if affine.contradiction is not None or not affine.basis.shape[1]:
        raise ValueError("domain must have interior points within its equalities")
    along, rest = affine.reduce(domain.A, domain.b)
    return SearchSpace(
        domain, affine.origin, affine.basis, np.ascontiguousarray(along), rest, is_whole=False
    )


def _box(domain: Any, network: ReluNetwork) -> Polyhedron:
    lower, upper = as_box(domain, network)
    if not (np.isfinite(lower) & np.isfinite(upper)).all():
        raise ValueError("domain must have finite ends; a Polyhedron may be unbounded")
    if not (lower < upper).all():
        at = int(np.argmin(lower < upper))
        raise ValueError(
            "domain must have interior points, so lower below upper everywhere; "
            f"at element {at} got {lower[at]} and {upper[at]}"
        )
    return Polyhedron(*box_rows(lower, upper))
