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
_BATCH = 50


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
        Radii in pixels in which the class is certain; None without a piecewise affine network.
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
        """The guaranteed radii by the name of the norm; empty without a network."""
        if self.radii is None:
            return {}
        return {name: self.radii.lower[norm] for name, norm in NORMS.items()}


def sample_of(study: Study, n: int) -> _Ints:
    """Return n of the test images whose pixels are there, spread over the set, as places."""
    total = study.subject.n_images
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
    radii = None
    if subject.network is not None:
        step = steps.add("adversarial: guaranteed radii", 1)
        radii = pixels.guaranteed_radius(
            subject.network,
            images,
            flips={norm: flips[name].distances for name, norm in NORMS.items()},
        )
        steps.finish(step)
    found = flips["2-norm"]
    z = study.split.test.features[rows].astype(np.float64)
    travels = np.linalg.norm(found.features.astype(np.float64) - z, axis=1)
    travels[found.status != Status.REACHED] = np.inf
    in_features = study.boundaries.nearest[rows]
    return AdversarialResult(rows, images, flips, radii, travels, in_features)


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
