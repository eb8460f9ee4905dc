"""How much of the partition a study looks at: all of it, or as much as there is time for."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import numpy as np
import numpy.typing as npt

_Ints = npt.NDArray[np.int64]

# Beyond this many classes nothing is computed for all pairs of them.
MOST_CLASSES = 50
# Time grows with the third power of the number of features. In 64 of them, on two cores, these
# take about half a minute each: linear programs, projections, bounds of distances to sets of ties.
_FEATURES = 64
_PROGRAMS, _PROJECTIONS, _BOUNDS = 30_000, 2_000_000, 20_000_000
# With fewer images than this the chapter would say little.
_FEWEST_IMAGES = 100
# What tables say of what was not looked at.
LEFT_OUT = (
    f" Left out: the work for all pairs and triples of classes is done up to {MOST_CLASSES} "
    "classes, and for fewer where there are many features."
)
TOO_MANY = "there are too many classes and features"


@dataclass(frozen=True)
class Scope:
    """What the chapter looks at: all of it, or as much as there is time for.

    Attributes
    ----------
    images : (n,) int64
        The test images.
    pairs : bool
        Whether neighbours, and flip points to every class, are found.
    ties : tuple of int
        The numbers of classes whose ties are looked for.
    """

    images: _Ints
    pairs: bool
    ties: tuple[int, ...]

    @classmethod
    def of(cls, n_classes: int, n_features: int, n_test: int) -> Scope | None:
        """Plan the chapter; None if nothing of it could be done in time."""
        effort = max(1.0, (n_features / _FEATURES) ** 3)
        n = min(n_test, int(_PROJECTIONS / (effort * n_classes)))
        if n < min(n_test, _FEWEST_IMAGES):
            return None
        images = np.arange(n) * n_test // max(n, 1)
        pairs = n_classes <= MOST_CLASSES and comb(n_classes, 2) * effort <= _PROGRAMS
        ties = tuple(
            k
            for k in (2, 3)
            if k <= n_classes
            and comb(n_classes, k) * effort <= _PROGRAMS
            and comb(n_classes, k) * effort * n <= _BOUNDS
        )
        return cls(images, pairs, ties if pairs else ())
