"""Points, balls and domains as users pass them; every message names the argument."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from hullspace.arguments import require_finite
from hullspace.networks import ReluNetwork
from hullspace.polyhedron import Polyhedron
from hullspace.polyhedron.rows import box_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

_Floats = npt.NDArray[np.float64]
Box: TypeAlias = "tuple[npt.ArrayLike, npt.ArrayLike]"
Domain: TypeAlias = "Box | Polyhedron | None"


def as_network(value: object) -> ReluNetwork:
    """Return a network, or say what came instead."""
    if not isinstance(value, ReluNetwork):
        raise TypeError(f"network must be a ReluNetwork, got {type(value).__name__}")
    return value


def as_point(value: npt.ArrayLike, network: ReluNetwork, name: str = "x") -> _Floats:
    """Return one input of a network as a vector."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} must hold real numbers, got dtype {array.dtype}")
    if array.shape not in {network.input_shape, (network.n_inputs,)}:
        raise ValueError(f"{name} must have shape {network.input_shape}, got {array.shape}")
    require_finite(array, name)
    return np.array(array.reshape(network.n_inputs), dtype=np.float64)


def as_box(
    value: Box | None, network: ReluNetwork, name: str = "domain"
) -> tuple[_Floats, _Floats]:
    """Return the ends of a box of inputs, infinite where it is open."""
    if value is None:
        return np.full(network.n_inputs, -np.inf), np.full(network.n_inputs, np.inf)
    if isinstance(value, Polyhedron):
        raise TypeError(f"{name} must be None or a pair (lower, upper), got a Polyhedron")
    try:
        first, second = value
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be None or a pair (lower, upper)") from None
    lower, upper = (_end(end, network, f"{name}[{k}]") for k, end in enumerate((first, second)))
    if not (lower <= upper).all():
        raise ValueError(f"{name} must have lower ends that are not above the upper ends")
    return lower, upper


def _end(value: Any, network: ReluNetwork, name: str) -> _Floats:
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} must hold real numbers, got dtype {array.dtype}")
    if array.shape not in {(), network.input_shape, (network.n_inputs,)}:
        raise ValueError(
            f"{name} must be a number or have shape {network.input_shape}, got {array.shape}"
        )
    if np.isnan(array).any():
        raise ValueError(f"{name} must not hold NaN")
    return np.array(np.broadcast_to(array.reshape(-1), network.n_inputs), dtype=np.float64)


def as_polyhedron(domain: Domain, network: ReluNetwork) -> Polyhedron | None:
    """Return a domain as a polyhedron without equalities; None is the whole space."""
    if domain is None:
        return None
    if not isinstance(domain, Polyhedron):
        return Polyhedron(*box_rows(*as_box(domain, network)))
    if domain.n_features != network.n_inputs:
        raise ValueError(f"domain must have {network.n_inputs} features, got {domain.n_features}")
    if len(domain.E):
        raise ValueError("domain must have no equalities: its regions would be flat")
    return domain


def require_inside(x: _Floats, domain: Polyhedron | None) -> None:
    """Raise unless a point is in the domain."""
    if domain is not None and not domain.contains(x[None])[0]:
        raise ValueError("x must be in the domain")


def as_class(value: int | None, name: str, classes: Sequence[int]) -> int | None:
    """Return one of some classes, or None."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be an integer or None, got {value!r}")
    if int(value) not in classes:
        raise ValueError(f"{name} must be one of {list(classes)}, got {value}")
    return int(value)
