"""How little changes the model's answer in pixels, and how far nothing can."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace import pixels
from hullspace.status import Status

if TYPE_CHECKING:
    from hullspace.pixels import Flip, GuaranteedRadius
    from hullspace.studies.progress import Steps
    from hullspace.studies.result import Study

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]

NORMS: dict[str, float] = {"2-norm": 2, "largest norm": np.inf}
# Images that are searched together.
_BATCH = 25
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


def sample_of(study: Study, n: int) -> _Ints:
    """Return n of the test images whose pixels are there, spread over the set, as places."""
    total = 0 if study.subject.test is None else len(study.subject.test)
    n = min(n, total)
    return np.arange(n) * total // max(n, 1)


def adversarial_study(study: Study, steps: Steps) -> AdversarialResult:
    """Search around a sample of the test images."""
    subject, settings = study.subject, study.settings
    assert subject.test is not None  # noqa: S101 - the plan sees to it
    assert subject.space is not None  # noqa: S101
    places = sample_of(study, settings.sample)
    rows, images = subject.test.rows[places], subject.test.pixels[places]
    flips = {}
    for name, norm in NORMS.items():
        step = steps.add(f"adversarial: flips, {name}", len(images))
        parts = [
            pixels.flip(subject.space, images[part], norm=norm, random_state=settings.seed)
            for part in steps.chunks(step, len(images), _BATCH)
        ]
        flips[name] = joined(parts)
    radii = _radii(study, images, flips, steps)
    found = flips["2-norm"]
    z = study.split.test.features[rows].astype(np.float64)
    travels = np.linalg.norm(found.features.astype(np.float64) - z, axis=1)
    travels[found.status != Status.REACHED] = np.inf
    in_features = study.boundaries.nearest[rows]
    return AdversarialResult(rows, images, flips, radii, travels, in_features)


def _radii(
    study: Study, images: npt.NDArray[Any], flips: dict[str, Flip], steps: Steps
) -> GuaranteedRadius | None:
    """Find the guaranteed radii of the first images, as many as there is time for."""
    network, n = study.subject.network, min(len(images), _MOST_RADII)
    if network is None or network.n_hidden > _MOST_UNITS:
        return None
    step = steps.add("adversarial: guaranteed radii", n)
    found = pixels.guaranteed_radius(
        network,
        images[:n],
        flips={norm: flips[name].distances[:n] for name, norm in NORMS.items()},
        time_limit=_SECONDS,
        n_threads=study.settings.n_threads,
    )
    steps.finish(step)
    return found


def joined(parts: list[Any]) -> Any:
    """Join results of batches, attribute by attribute."""
    first = parts[0]
    values = {
        name: np.concatenate([getattr(part, name) for part in parts])
        if isinstance(getattr(first, name), np.ndarray)
        else getattr(first, name)
        for name in first.__dataclass_fields__
    }
    return type(first)(**values)
