"""How little changes the model's answer in pixels, and how far nothing can."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace import pixels
from hullspace.status import Status
from hullspace.studies.knowledge import NORMS

if TYPE_CHECKING:
    from hullspace.pixels import Flip, GuaranteedRadius
    from hullspace.studies.knowledge import Knowledge

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]

# Guaranteed radii are found for so many images, in so many seconds each, and for networks of up to
# so many units: beyond, bounds of rounding errors outgrow the margins.
_MOST_RADII, _SECONDS, _MOST_UNITS = 10, 1.0, 20_000


@dataclass(frozen=True)
class AdversarialResult:
    """The nearest images found where the model's answer changes, and radii where it cannot.

    Attributes
    ----------
    rows : (n,) int64
        The test images.
    images : (n, ...) array
        Their pixels.
    flips : dict of str to Flip
        What the search found in the 2-norm and in the largest norm.
    radii : GuaranteedRadius or None
        Radii in pixels in which the class of the first images is certain; None without a piecewise
        affine network, or for one of many units.
    travels : (n,) float64
        How far in feature space the flips in the 2-norm are from their images; infinity without.
    in_features : (n,) float64
        Distance in feature space to the nearest decision boundary.
    """

    rows: _Ints
    images: npt.NDArray[Any]
    flips: dict[str, Flip]
    radii: GuaranteedRadius | None
    travels: _Floats
    in_features: _Floats

    @property
    def guaranteed(self) -> dict[str, _Floats]:
        """The guaranteed radii by the name of the norm, NaN where not looked for; or nothing."""
        if self.radii is None:
            return {}
        found = {}
        for name, norm in NORMS.items():
            found[name] = np.full(len(self.rows), np.nan)
            found[name][: len(self.radii)] = self.radii[norm].lower
        return found


def find(known: Knowledge) -> AdversarialResult:
    """Search around a sample of the test images."""
    rows, images = known.pictures.rows[known.places], known.pictures.pixels[known.places]
    flips = {name: known.flips(name) for name in NORMS}
    radii = _radii(known, images, flips)
    found = flips["2-norm"]
    z = known.split.test.features[rows].astype(np.float64)
    travels = np.linalg.norm(found.features.astype(np.float64) - z, axis=1)
    travels[found.status != Status.REACHED] = np.inf
    return AdversarialResult(rows, images, flips, radii, travels, known.boundaries.nearest[rows])


def _radii(
    known: Knowledge, images: npt.NDArray[Any], flips: dict[str, Flip]
) -> GuaranteedRadius | None:
    """Find the guaranteed radii of the first images, as many as there is time for."""
    network, n = known.subject.network, min(len(images), _MOST_RADII)
    if network is None or network.n_hidden > _MOST_UNITS:
        return None
    step = known.steps.add("adversarial: guaranteed radii", n)
    found = pixels.guaranteed_radius(
        network,
        images[:n],
        flips={norm: flips[name].distances[:n] for name, norm in NORMS.items()},
        time_limit=_SECONDS,
        n_threads=known.settings.n_threads,
    )
    known.steps.finish(step)
    return found
