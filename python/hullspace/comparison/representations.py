"""The spaces that are compared: pixels, wavelet coefficients, hidden layers and features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from hullspace.arguments import require_finite
from hullspace.extras import require

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hullspace.features import FeatureSet, FeatureSpace

_Images = npt.NDArray[Any]

SPACES = ("pixels", "wavelets", "features")


@dataclass(frozen=True)
class Representation:
    """Training and test images as points of one space.

    Attributes
    ----------
    name : str
        "pixels", "wavelets", "features" or a layer's name.
    train, test : (n, n_features) float array
        One row for each image.
    encode : callable
        Takes other images, (n, ...), to rows of the same kind.
    """

    name: str
    train: npt.NDArray[Any]
    test: npt.NDArray[Any]
    encode: Callable[[_Images], npt.NDArray[Any]]

    @property
    def n_features(self) -> int:
        """Dimension of the space."""
        return int(self.train.shape[1])

    def __repr__(self) -> str:
        return (
            f"Representation({self.name!r}, {len(self.train)} train, {len(self.test)} test, "
            f"n_features={self.n_features})"
        )


class Wavelets:
    """The wavelet coefficients that carry most of the variance of training images.

    An orthogonal wavelet with all coefficients is a rotation of the pixels: distances, hulls and
    extreme points stay as they are. The space is another one because it keeps only the
    coefficients with the largest variance.

    Parameters
    ----------
    images : (n, ..., height, width) or (n, length) float array
        Training images; rows without a plane are transformed along their only axis.
    wavelet : str, default "haar"
        A discrete wavelet of PyWavelets, to its full depth, with periodic continuation.
    energy : float, default 0.95
        Share of the variance to keep.

    Attributes
    ----------
    kept : (n_kept,) int64
        Indices of the coefficients, largest variance first.
    """

    def __init__(self, images: _Images, wavelet: str = "haar", energy: float = 0.95) -> None:
        pywt = require("pywt", "study")
        if wavelet not in pywt.wavelist(kind="discrete"):
            raise ValueError(f"wavelet must be a discrete wavelet of PyWavelets, got {wavelet!r}")
        if not 0.0 < energy <= 1.0:
            raise ValueError(f"energy must be above 0 and at most 1, got {energy}")
        self.wavelet = wavelet
        variances = self._all(images).var(axis=0, dtype=np.float64)
        order = np.argsort(-variances, kind="stable")
        shares = np.cumsum(variances[order])
        n_kept = int(np.searchsorted(shares, energy * shares[-1] * (1.0 - 1e-12))) + 1
        self.kept: npt.NDArray[np.int64] = order[:n_kept].astype(np.int64)

    def _all(self, images: _Images) -> npt.NDArray[Any]:
        pywt = require("pywt", "study")
        options = {"wavelet": self.wavelet, "mode": "periodization"}
        if images.ndim == 2:
            return np.concatenate(pywt.wavedec(images, axis=-1, **options), axis=1)
        axes = (-2, -1)
        coefficients = pywt.wavedec2(images, axes=axes, **options)
        array, _ = pywt.coeffs_to_array(coefficients, axes=axes)
        return np.asarray(array).reshape(len(images), -1)

    def __call__(self, images: _Images) -> npt.NDArray[Any]:
        """Return the kept coefficients of images, (n, n_kept)."""
        return np.ascontiguousarray(self._all(images)[:, self.kept])


def represent(
    space: FeatureSpace,
    images: tuple[_Images, _Images],
    sets: tuple[FeatureSet, FeatureSet],
    names: Sequence[str],
    layers: Sequence[str],
    pool: Literal["none", "mean"],
    wavelet: str,
) -> dict[str, Representation]:
    """Put training and test images, with what the model made of them, in each of the spaces."""
    found = {}
    for name in names:
        if name == "features":
            train, test = (part.features for part in sets)
            found[name] = Representation(name, train, test, _features_of(space))
            continue
        encode = flat if name == "pixels" else Wavelets(images[0], wavelet)
        found[name] = Representation(name, encode(images[0]), encode(images[1]), encode)
    for layer in layers:
        train, test = (part.layers[layer] for part in sets)
        found[layer] = Representation(layer, train, test, _layer_of(space, layer, pool))
    return found


def flat(images: _Images) -> npt.NDArray[Any]:
    """Return images as rows."""
    return np.ascontiguousarray(images.reshape(len(images), -1))


def _features_of(space: FeatureSpace) -> Callable[[_Images], npt.NDArray[Any]]:
    def encode(images: _Images) -> npt.NDArray[Any]:
        return space.extract(images, progress=False).features

    return encode


def _layer_of(
    space: FeatureSpace, layer: str, pool: Literal["none", "mean"]
) -> Callable[[_Images], npt.NDArray[Any]]:
    def encode(images: _Images) -> npt.NDArray[Any]:
        return space.extract(images, layers=[layer], pool=pool, progress=False).layers[layer]

    return encode


def as_images(value: Any, name: str, bounds: tuple[float, float]) -> _Images:
    """Return images as a float array, (n, ...), after checking that pixels are within bounds."""
    array = np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
    if array.dtype == np.uint8:
        array = array.astype(np.float32)
    if array.dtype not in (np.float32, np.float64):
        raise TypeError(f"{name} must hold float32, float64 or uint8 pixels, got {array.dtype}")
    if array.ndim < 2 or 0 in array.shape:
        raise ValueError(f"{name} must have shape (n, ...) with n > 0, got {array.shape}")
    require_finite(array, name)
    low, high = float(array.min()), float(array.max())
    if low < bounds[0] or high > bounds[1]:
        raise ValueError(
            f"{name} must have pixels within bounds {bounds}, got {low:g} to {high:g}; normalize "
            "in the space's preprocess, or pass bounds="
        )
    return array
