"""Features of images, the affine head that turns them into logits, and files of both."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace.arguments import as_matrix, require_finite
from hullspace.features.directory import read_directory
from hullspace.features.files import CLASS_NAMES, Arrays, read_arrays, write_arrays

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

LAYERS = "layers/"  # what names of layers' arrays start with in a file


@dataclass(frozen=True)
class Head:
    """The affine map from features to logits, ``features @ weight.T + bias``.

    Parameters
    ----------
    weight : (n_classes, n_features) array
        One row per class.
    bias : (n_classes,) array, optional
        Zero by default.

    Raises
    ------
    TypeError, ValueError
        If an array has the wrong type or shape or is not finite; the message names it.

    Examples
    --------
    >>> from hullspace import Head
    >>> head = Head([[1.0, 0.0], [0.0, 1.0]])
    >>> head.predict([[0.2, 0.7]])
    array([1])
    """

    weight: npt.NDArray[Any]
    bias: npt.NDArray[Any] = field(default=None)  # type: ignore[arg-type]

    def __post_init__(self) -> None:
        weight = as_matrix(self.weight, "weight")
        bias = np.zeros(len(weight), weight.dtype) if self.bias is None else np.asarray(self.bias)
        if bias.dtype.kind not in "fiu":
            raise TypeError(f"bias must hold real numbers, got dtype {bias.dtype}")
        if bias.shape != (len(weight),):
            raise ValueError(
                f"bias must have one element for each of the {len(weight)} rows of weight, "
                f"got shape {bias.shape}"
            )
        require_finite(bias, "bias")
        object.__setattr__(self, "weight", weight)
        object.__setattr__(self, "bias", bias.astype(weight.dtype, copy=False))

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return int(self.weight.shape[0])

    @property
    def n_features(self) -> int:
        """Number of features."""
        return int(self.weight.shape[1])

    def logits(self, features: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return the logits, (n, n_classes), of features, (n, n_features)."""
        matrix = as_matrix(features, "features", columns=self.n_features, allow_empty=True)
        result: npt.NDArray[Any] = matrix @ self.weight.T + self.bias
        return result

    def predict(self, features: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return the class with the largest logit, (n,); the lowest index wins a tie."""
        classes: npt.NDArray[np.int64] = self.logits(features).argmax(axis=1).astype(np.int64)
        return classes

    def __repr__(self) -> str:
        return f"Head(n_classes={self.n_classes}, n_features={self.n_features})"


@dataclass(frozen=True)
class FeatureSet:
    """What a model computes for a set of images.

    Attributes
    ----------
    features : (n, n_features) float array
        Input of the head.
    logits : (n, n_classes) float array
        Output of the head.
    predictions : (n,) int64
        Class with the largest logit.
    head : Head
        The affine map from features to logits.
    labels : (n,) int64 or None
        True classes, where known.
    layers : dict of str to (n, d) float array
        Outputs of the layers that were asked for, flattened, by name.
    """

    features: npt.NDArray[Any]
    logits: npt.NDArray[Any]
    predictions: npt.NDArray[np.int64]
    head: Head
    labels: npt.NDArray[np.int64] | None = None
    layers: dict[str, npt.NDArray[Any]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        features: npt.ArrayLike,
        head: Head,
        labels: npt.ArrayLike | None = None,
        layers: Mapping[str, npt.ArrayLike] | None = None,
    ) -> FeatureSet:
        """Make a set from features and a head, which gives the logits and predictions.

        Labels and outputs of layers are optional.

        Raises
        ------
        TypeError, ValueError
            If the arrays are unfit or do not belong together.
        """
        matrix = as_matrix(features, "features", columns=head.n_features)
        logits = head.logits(matrix)
        checked = None if labels is None else as_labels(labels, "labels", len(matrix), head)
        outputs = {
            name: _as_layer(array, name, len(matrix)) for name, array in (layers or {}).items()
        }
        predictions = logits.argmax(axis=1).astype(np.int64)
        return cls(matrix, logits, predictions, head, checked, outputs)

    @property
    def accuracy(self) -> float | None:
        """Share of predictions that agree with the labels; None without labels."""
        return None if self.labels is None else float(np.mean(self.predictions == self.labels))

    def __len__(self) -> int:
        return len(self.features)

    def __repr__(self) -> str:
        labelled = "unlabelled" if self.labels is None else "labelled"
        return f"FeatureSet({len(self)} {labelled} images, {self.head})"

    def save(self, path: str | PathLike[str]) -> None:
        """Write a ``.npz`` or ``.safetensors`` file, chosen by the suffix of `path`."""
        arrays = {
            "features": self.features,
            "logits": self.logits,
            "predictions": self.predictions,
            "weight": self.head.weight,
            "bias": self.head.bias,
        }
        if self.labels is not None:
            arrays["labels"] = self.labels
        arrays |= {LAYERS + name: array for name, array in self.layers.items()}
        write_arrays(Path(path), arrays)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> FeatureSet:
        """Read what `save` wrote, or a directory that `FeatureSpace.extract` wrote.

        The arrays of a directory are memory maps, `np.memmap`: what is not looked at is not read.

        Raises
        ------
        FileNotFoundError, ValueError
            If there is no such file, or it is not of this kind; the message says what lacks. If
            the extraction into the directory was interrupted.
        ImportError
            If a ``.safetensors`` file is asked for and safetensors is not installed.
        """
        path = Path(path)
        names = ("features", "logits", "predictions", "weight", "bias")
        mapped = path.is_dir()
        arrays = read_directory(path, names) if mapped else read_arrays(path, names)
        head = Head(np.array(arrays["weight"]), np.array(arrays["bias"]))
        layers = _with_prefix(arrays, LAYERS)
        labels = arrays.get("labels")
        features = arrays["features"]
        if not mapped:  # what a directory holds was checked when it was written
            checked = cls.of(features, head, labels, layers)
            features, labels, layers = checked.features, checked.labels, checked.layers
        for name, shape in (
            ("logits", (len(features), head.n_classes)),
            ("predictions", (len(features),)),
        ):
            if arrays[name].shape != shape:
                raise ValueError(f"{path}: {name} has the wrong shape, {arrays[name].shape}")
        return cls(features, arrays["logits"], arrays["predictions"], head, labels, layers)


@dataclass(frozen=True)
class FeatureSplit:
    """Training and test features of one model.

    Attributes
    ----------
    train, test : FeatureSet
        With the same head; either may lack labels.
    class_names : tuple of str or None
        Names of the classes, in the order of the head's rows.

    Examples
    --------
    >>> import numpy as np
    >>> from hullspace import FeatureSet, FeatureSplit, Head
    >>> head = Head(np.eye(2))
    >>> split = FeatureSplit(
    ...     train=FeatureSet.of([[1.0, 0.0], [0.0, 1.0]], head, [0, 1]),
    ...     test=FeatureSet.of([[0.9, 0.2]], head, [0]),
    ... )
    >>> split.test.accuracy
    1.0
    """

    train: FeatureSet
    test: FeatureSet
    class_names: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.train.features.shape[1] != self.test.features.shape[1]:
            raise ValueError(
                "train and test must have the same number of features, got "
                f"{self.train.features.shape[1]} and {self.test.features.shape[1]}"
            )
        if self.class_names is not None and len(self.class_names) != self.head.n_classes:
            raise ValueError(
                f"class_names must have {self.head.n_classes} entries, got {len(self.class_names)}"
            )

    @property
    def head(self) -> Head:
        """The head that both sets share."""
        return self.test.head

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the classes; their numbers where no names are known."""
        return self.class_names or tuple(str(i) for i in range(self.head.n_classes))

    def __repr__(self) -> str:
        return f"FeatureSplit({len(self.train)} train, {len(self.test)} test, {self.head})"

    def save(self, path: str | PathLike[str]) -> None:
        """Write a ``.npz`` or ``.safetensors`` file, chosen by the suffix of `path`.

        Its keys are ``train_features``, ``test_features``, ``weight``, ``bias`` and, where known,
        ``train_labels``, ``test_labels``, ``class_names`` and ``train_layers/NAME``,
        ``test_layers/NAME``.
        """
        arrays = {"weight": self.head.weight, "bias": self.head.bias}
        for name, part in (("train", self.train), ("test", self.test)):
            arrays[f"{name}_features"] = part.features
            if part.labels is not None:
                arrays[f"{name}_labels"] = part.labels
            arrays |= {f"{name}_{LAYERS}{key}": array for key, array in part.layers.items()}
        if self.class_names is not None:
            arrays[CLASS_NAMES] = np.array(self.class_names)
        write_arrays(Path(path), arrays)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> FeatureSplit:
        """Read a file with the keys that `save` writes, whoever made it; labels may lack.

        Raises
        ------
        FileNotFoundError, TypeError, ValueError
            If there is no such file, or its arrays are missing or unfit.
        ImportError
            If a ``.safetensors`` file is asked for and safetensors is not installed.
        """
        arrays = read_arrays(Path(path), ("train_features", "test_features", "weight", "bias"))
        try:
            head = Head(arrays["weight"], arrays["bias"])
            train, test = (
                FeatureSet.of(
                    arrays[f"{part}_features"],
                    head,
                    arrays.get(f"{part}_labels"),
                    _with_prefix(arrays, f"{part}_{LAYERS}"),
                )
                for part in ("train", "test")
            )
        except (TypeError, ValueError) as error:
            raise type(error)(f"{path}: {error}") from error
        class_names = arrays.get(CLASS_NAMES)
        names = None if class_names is None else tuple(str(name) for name in class_names)
        return cls(train, test, names)


def as_labels(value: npt.ArrayLike, name: str, n_items: int, head: Head) -> npt.NDArray[np.int64]:
    """Return class labels as int64, (n_items,), after checking that they are classes of `head`."""
    labels = np.asarray(value)
    if labels.dtype.kind not in "iu":
        raise TypeError(f"{name} must be integers, got dtype {labels.dtype}")
    if labels.shape != (n_items,):
        raise ValueError(f"{name} must have shape ({n_items},), got {labels.shape}")
    if n_items and not (labels.min() >= 0 and labels.max() < head.n_classes):
        raise ValueError(
            f"{name} must be between 0 and {head.n_classes - 1}, "
            f"got {labels.min()} to {labels.max()}"
        )
    return labels.astype(np.int64)


def _as_layer(value: npt.ArrayLike, name: str, n_items: int) -> npt.NDArray[Any]:
    """Return a layer's outputs, (n_items, d), after checking them."""
    matrix = as_matrix(value, f"layers[{name!r}]")
    if len(matrix) != n_items:
        raise ValueError(f"layers[{name!r}] must have {n_items} rows, got {len(matrix)}")
    return matrix


def _with_prefix(arrays: Arrays, prefix: str) -> Arrays:
    """Return the arrays whose names start with a prefix, by the rest of their names."""
    return {k.removeprefix(prefix): array for k, array in arrays.items() if k.startswith(prefix)}
