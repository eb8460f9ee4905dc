"""What a study is about: a model and its data, however they were given."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace.features import FeatureSet, FeatureSpace, FeatureSplit, load_images
from hullspace.studies.pictures import as_picture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hullspace.features import Images
    from hullspace.networks import ReluNetwork

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]
_Images = npt.NDArray[Any]

# Images on which a network, or features, are compared with what they belong to, and by how much of
# the largest element they may differ, as features may be in single precision.
_COMPARED, _AGREE = 64, 1e-3


@dataclass(frozen=True)
class Pictures:
    """Images of one set, and which of its features they belong to.

    Attributes
    ----------
    pixels : (n, channels, height, width) array
        Between 0 and 1.
    rows : (n,) int64
        Their rows among the features of the set.
    """

    pixels: _Images
    rows: _Ints

    def __len__(self) -> int:
        return len(self.rows)

    def of(self, row: int) -> npt.NDArray[np.float64] | None:
        """Return the image of a row of the features as (height, width[, 3]); None without."""
        place = np.flatnonzero(self.rows == row)
        if not len(place) or self.pixels.ndim != 4 or self.pixels.shape[1] not in (1, 3):
            return None
        return as_picture(self.pixels[place[0]])


@dataclass(frozen=True)
class Subject:
    """A model and its data.

    Attributes
    ----------
    split : FeatureSplit
        Training and test features, and the head.
    train, test : Pictures or None
        Images, of some or of all of the features.
    space : FeatureSpace or None
        From images to features.
    network : ReluNetwork or None
        From images to logits.
    no_network : str
        Why there is no network.
    image_sets : (FeatureSet, FeatureSet) or None
        What the model makes of the training and the test images, with the outputs of the layers
        that were asked for: the sets of `split`, where these are of the images alone.
    """

    split: FeatureSplit
    train: Pictures | None = None
    test: Pictures | None = None
    space: FeatureSpace | None = None
    network: ReluNetwork | None = None
    no_network: str = "that needs the model and its images"
    image_sets: tuple[FeatureSet, FeatureSet] | None = None


def from_features(
    split: FeatureSplit, images: npt.ArrayLike | None, network: ReluNetwork | None
) -> Subject:
    """Make the subject of features, with the test images and the network where they are given."""
    if images is None:
        return Subject(split)
    test = Pictures(_as_images(images, len(split.test)), np.arange(len(split.test)))
    if network is None:
        return Subject(split, test=test)
    _require_same(network, test, split)
    return Subject(split, test=test, network=network)


def from_model(
    model: Any,
    train: Any,
    test: Any,
    *,
    features: FeatureSplit | None,
    rows: tuple[npt.ArrayLike, npt.ArrayLike] | None,
    class_names: Sequence[str] | None,
    head: Any,
    preprocess: Any,
    layers: tuple[str, ...],
    progress: bool,
) -> Subject:
    """Make the subject of a model: run it on its images, once, and read its layers."""
    # One file or folder for both holds them as parts of it.
    both = isinstance(train, str | PathLike) and train == test
    loaded = {
        part: load_images(source, part=part if both else None)
        for part, source in (("train", train), ("test", test))
    }
    space = _as_space(model, loaded["test"].images[:1], head, preprocess)
    if features is None:
        names = class_names or loaded["train"].class_names or loaded["test"].class_names
        sets = _extracted(space, loaded, layers, progress)
        split = FeatureSplit(*sets, None if names is None else tuple(names))
        pictures = [Pictures(part.images, np.arange(len(part.images))) for part in loaded.values()]
    elif rows is None:
        raise ValueError("rows must say which of the features the train and test images belong to")
    else:
        split = features
        pictures = [
            Pictures(part.images, _as_rows(which, len(part.images), of, name))
            for (name, part), which, of in zip(
                loaded.items(), rows, (split.train, split.test), strict=True
            )
        ]
        sets = (
            _known(space, pictures[0], split.train, "train", layers),
            _known(space, pictures[1], split.test, "test", layers),
        )
    return Subject(split, pictures[0], pictures[1], space, *_network(space, pictures[1]), sets)


def _network(space: FeatureSpace, test: Pictures) -> tuple[ReluNetwork | None, str]:
    """Return the network, or why there is none."""
    try:
        return space.network(test.pixels.shape[1:]), ""
    except (TypeError, ValueError, RuntimeError) as error:
        return None, str(error)


def _as_space(model: Any, example: _Images, head: Any, preprocess: Any) -> FeatureSpace:
    if not isinstance(model, FeatureSpace):
        return FeatureSpace.from_torch(model, example, head=head, preprocess=preprocess)
    if head is not None or preprocess is not None:
        raise ValueError("head and preprocess belong to the FeatureSpace that was given as model")
    return model


def _extracted(
    space: FeatureSpace, loaded: dict[str, Images], layers: tuple[str, ...], progress: bool
) -> tuple[FeatureSet, FeatureSet]:
    train, test = (
        space.extract(part.images, labels=part.labels, layers=layers, progress=progress)
        for part in loaded.values()
    )
    return train, test


def network_inputs(network: ReluNetwork, images: npt.ArrayLike, names: tuple[str, ...]) -> _Floats:
    """Return images as the network takes them, or raise ValueError."""
    array = np.asarray(images)
    shape = array.shape[1:]
    if network.input_shape not in {shape, (prod(shape),)}:
        raise ValueError(
            f"network must take images of shape {shape}, got input_shape {network.input_shape}"
        )
    if network.n_outputs != len(names):
        raise ValueError(f"network must have {len(names)} outputs, got {network.n_outputs}")
    return array.reshape(-1, *network.input_shape).astype(np.float64)


def _as_rows(value: npt.ArrayLike, n_images: int, of: FeatureSet, name: str) -> _Ints:
    rows = np.asarray(value)
    if rows.shape != (n_images,) or rows.dtype.kind not in "iu":
        raise ValueError(
            f"rows must hold {n_images} integers for the {name} images, got shape {rows.shape} of "
            f"{rows.dtype}"
        )
    if n_images and not (rows.min() >= 0 and rows.max() < len(of)):
        raise ValueError(f"rows of {name} must be between 0 and {len(of) - 1}")
    return rows.astype(np.int64)


def _some(n: int) -> _Ints:
    """Return rows that are spread over n."""
    return np.arange(0, n, max(n // _COMPARED, 1))


def _known(
    space: FeatureSpace, part: Pictures, of: FeatureSet, name: str, layers: tuple[str, ...]
) -> FeatureSet:
    """Return the features of images, with layers; fail before the work if they are not theirs."""
    some = np.arange(len(part)) if layers else _some(len(part))
    found = space.extract(part.pixels[some], layers=layers, progress=False)
    expected = of.features[part.rows[some]]
    scale = max(float(np.abs(expected).max(initial=0.0)), 1e-30)
    worst = float(np.abs(found.features - expected).max(initial=0.0))
    if worst > _AGREE * scale:
        raise ValueError(
            f"features must be those of the {name} images, got differences of {worst:g}; "
            "do rows and preprocess fit?"
        )
    labels = None if of.labels is None else of.labels[part.rows]
    return FeatureSet(
        of.features[part.rows],
        of.logits[part.rows],
        of.predictions[part.rows],
        of.head,
        labels,
        found.layers,
    )


def _require_same(network: ReluNetwork, test: Pictures, split: FeatureSplit) -> None:
    """Fail before the work if the network is not the one that the features are of."""
    rows = _some(len(test))
    logits = network(network_inputs(network, test.pixels, split.names)[rows])
    expected = split.head.logits(split.test.features[rows].astype(np.float64))
    worst = float(np.abs(logits - expected).max(initial=0.0))
    if worst > _AGREE * max(float(np.abs(expected).max(initial=0.0)), 1.0):
        raise ValueError(
            f"network must map images to the logits of their features, got differences of {worst:g}"
        )


def _as_images(images: npt.ArrayLike, n_test: int) -> _Images:
    array = np.asarray(images)
    if array.ndim != 4 or len(array) != n_test or array.shape[1] not in (1, 3):
        raise ValueError(
            f"images must have shape ({n_test}, 1 or 3, height, width), got {array.shape}"
        )
    return array
