"""The domain: the part of feature space that features can be in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from hullspace.arguments import as_matrix
from hullspace.polyhedron import Polyhedron

_Floats = npt.NDArray[np.float64]

DomainLike: TypeAlias = "str | tuple[Any, Any] | list[Any] | Polyhedron | None"

_CHOICES = "'auto', 'orthant', 'observed', a pair (lower, upper), a Polyhedron or None"


@dataclass(frozen=True)
class Domain:
    """A convex part of feature space, and why it was chosen.

    Attributes
    ----------
    polyhedron : Polyhedron
        Its constraints. Features whose bounds coincide are equalities.
    lower, upper : (n_features,) float64 or None
        Bounds of an axis-aligned box, infinite where there are none; None for other polyhedra.
    name : str
        "non-negative orthant", "box", "polyhedron" or "all of space".
    reason : str
        Why this domain: asked for, or what was seen in the features.
    """

    polyhedron: Polyhedron
    lower: _Floats | None
    upper: _Floats | None
    name: str
    reason: str

    @property
    def is_bounded_box(self) -> bool:
        """Whether uniform samples can be drawn feature by feature."""
        return (
            self.lower is not None
            and self.upper is not None
            and bool(np.isfinite(self.lower).all() and np.isfinite(self.upper).all())
        )

    def __repr__(self) -> str:
        return f"Domain({self.name}: {self.reason})"


def observed_box(features: npt.ArrayLike, margin: float = 0.1) -> tuple[_Floats, _Floats]:
    """Return bounds of features, widened by a share of each feature's range.

    Parameters
    ----------
    features : (n, n_features) array
        Points of feature space.
    margin : float, default 0.1
        How much wider, on either side, relative to the feature's range. Where no feature is
        ever negative, as after a ReLU, zero stays the lower bound.

    Returns
    -------
    lower, upper : (n_features,) float64
        The box; flat in features that never change.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, shape or values.
    """
    matrix = as_matrix(features, "features")
    if isinstance(margin, bool) or not isinstance(margin, int | float | np.number):
        raise TypeError(f"margin must be a number, got {margin!r}")
    if not (np.isfinite(margin) and margin >= 0.0):
        raise ValueError(f"margin must be finite and at least 0, got {margin}")
    lower = matrix.min(axis=0).astype(np.float64)
    upper = matrix.max(axis=0).astype(np.float64)
    widening = float(margin) * (upper - lower)
    widened = lower - widening
    if (lower >= 0.0).all():
        widened = np.maximum(widened, 0.0)
    return widened, upper + widening


def as_domain(domain: DomainLike, n_features: int, features: npt.ArrayLike | None) -> Domain:
    """Return the domain that `domain` stands for; "auto" looks at the features, if any."""
    seen = None if features is None else as_matrix(features, "features", columns=n_features)
    if isinstance(domain, Polyhedron):
        if domain.n_features != n_features:
            raise ValueError(
                f"domain must have {n_features} features like weight, got {domain.n_features}"
            )
        return Domain(domain, None, None, "polyhedron", "asked for")
    if domain is None:
        return _everything(n_features, "asked for")
    if isinstance(domain, str):
        return _named(domain, n_features, seen)
    if not isinstance(domain, tuple | list):
        raise TypeError(f"domain must be {_CHOICES}, got {type(domain).__name__}")
    if len(domain) != 2:
        raise ValueError(f"domain must be a pair (lower, upper), got {len(domain)} elements")
    lower, upper = _bound(domain[0], n_features, "lower"), _bound(domain[1], n_features, "upper")
    return _box(lower, upper, "box", "asked for")


def _named(domain: str, n_features: int, seen: npt.NDArray[Any] | None) -> Domain:
    zero, infinity = np.zeros(n_features), np.full(n_features, np.inf)
    if domain == "orthant":
        return _box(zero, infinity, "non-negative orthant", "asked for")
    if domain == "observed":
        if seen is None:
            raise ValueError("domain 'observed' needs features")
        return _box(*observed_box(seen), "box", "the range of the features given, widened by 10 %")
    if domain != "auto":
        raise ValueError(f"domain must be {_CHOICES}, got {domain!r}")
    if seen is None:
        return _everything(n_features, "no features were given to choose a smaller domain by")
    if (seen >= 0.0).all():
        reason = "none of the features given is negative, as after a ReLU"
        return _box(zero, infinity, "non-negative orthant", reason)
    return _everything(n_features, "the features given take both signs, so nothing bounds them")


def _everything(n_features: int, reason: str) -> Domain:
    infinity = np.full(n_features, np.inf)
    return _box(-infinity, infinity, "all of space", reason)


def _bound(value: Any, n_features: int, name: str) -> _Floats:
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"domain's {name} bound must hold real numbers, got dtype {array.dtype}")
    if array.shape not in ((), (n_features,)):
        raise ValueError(
            f"domain's {name} bound must be a number or have shape ({n_features},), "
            f"got {array.shape}"
        )
    return np.array(np.broadcast_to(array, n_features), dtype=np.float64)


def _box(lower: _Floats, upper: _Floats, name: str, reason: str) -> Domain:
    unfit = np.flatnonzero(~(lower <= upper) | (lower == np.inf) | (upper == -np.inf))
    if len(unfit):
        i = int(unfit[0])
        raise ValueError(
            f"domain's lower bounds must not exceed its upper bounds, "
            f"got {lower[i]} and {upper[i]} for feature {i}"
        )
    identity = np.eye(len(lower))
    flat = lower == upper
    below, above = np.isfinite(lower) & ~flat, np.isfinite(upper) & ~flat
    polyhedron = Polyhedron(
        np.vstack([-identity[below], identity[above]]),
        np.concatenate([-lower[below], upper[above]]),
        (identity[flat], lower[flat]) if flat.any() else None,
    )
    return Domain(polyhedron, lower, upper, name, reason)
