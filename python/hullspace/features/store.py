"""Features of images, the affine head that turns them into logits, and files of both."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace._arrays import as_matrix, require_finite
from hullspace._extras import require

if TYPE_CHECKING:
    from os import PathLike

_Arrays = dict[str, npt.NDArray[Any]]
_CLASS_NAMES = "class_names"


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
    """

    features: npt.NDArray[Any]
    logits: npt.NDArray[Any]
    predictions: npt.NDArray[np.int64]
    head: Head
    labels: npt.NDArray[np.int64] | None = None

    @classmethod
    def of(
        cls, features: npt.ArrayLike, head: Head, labels: npt.ArrayLike | None = None
    ) -> FeatureSet:
        """Make a set from features and a head, which gives the logits and predictions.

        Raises
        ------
        TypeError, ValueError
            If the arrays are unfit or do not belong together.
        """
        matrix = as_matrix(features, "features", columns=head.n_features)
        logits = head.logits(matrix)
        checked = None if labels is None else as_labels(labels, "labels", len(matrix), head)
        return cls(matrix, logits, logits.argmax(axis=1).astype(np.int64), head, checked)

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
        _write(Path(path), arrays)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> FeatureSet:
        """Read what `save` wrote.

        Raises
        ------
        FileNotFoundError, ValueError
            If there is no such file, or it is not of this kind; the message says what lacks.
        ImportError
            If a ``.safetensors`` file is asked for and safetensors is not installed.
        """
        names = ("features", "logits", "predictions", "weight", "bias")
        arrays = _read(Path(path), names)
        head = Head(arrays["weight"], arrays["bias"])
        checked = cls.of(arrays["features"], head, arrays.get("labels"))
        for name in ("logits", "predictions"):
            if arrays[name].shape != getattr(checked, name).shape:
                raise ValueError(f"{path}: {name} has the wrong shape, {arrays[name].shape}")
        return cls(checked.features, arrays["logits"], arrays["predictions"], head, checked.labels)


@dataclass(frozen=True)
class FeatureSplit:
    """Training and test features of one model.

    Attributes
    ----------
    train, test : FeatureSet
        Both with labels and with the same head.
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
        for name, part in (("train", self.train), ("test", self.test)):
            if part.labels is None:
                raise ValueError(f"{name} must have labels")
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

        Its keys are ``train_features``, ``train_labels``, ``test_features``, ``test_labels``,
        ``weight``, ``bias`` and, where known, ``class_names``.
        """
        arrays = {"weight": self.head.weight, "bias": self.head.bias}
        for name, part in (("train", self.train), ("test", self.test)):
            assert part.labels is not None  # noqa: S101 - the constructor sees to it
            arrays |= {f"{name}_features": part.features, f"{name}_labels": part.labels}
        if self.class_names is not None:
            arrays[_CLASS_NAMES] = np.array(self.class_names)
        _write(Path(path), arrays)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> FeatureSplit:
        """Read a file with the keys that `save` writes, whoever made it.

        Raises
        ------
        FileNotFoundError, TypeError, ValueError
            If there is no such file, or its arrays are missing or unfit.
        ImportError
            If a ``.safetensors`` file is asked for and safetensors is not installed.
        """
        required = ("train_features", "train_labels", "test_features", "test_labels")
        arrays = _read(Path(path), (*required, "weight", "bias"))
        try:
            head = Head(arrays["weight"], arrays["bias"])
            train, test = (
                FeatureSet.of(arrays[f"{part}_features"], head, arrays[f"{part}_labels"])
                for part in ("train", "test")
            )
        except (TypeError, ValueError) as error:
            raise type(error)(f"{path}: {error}") from error
        class_names = arrays.get(_CLASS_NAMES)
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


def _write(path: Path, arrays: _Arrays) -> None:
    if path.suffix == ".npz":
        np.savez_compressed(path, allow_pickle=False, **arrays)
    elif path.suffix == ".safetensors":
        names = arrays.pop(_CLASS_NAMES, None)
        metadata = None if names is None else {_CLASS_NAMES: json.dumps(names.tolist())}
        contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        require("safetensors.numpy", "torch").save_file(contiguous, path, metadata=metadata)
    else:
        raise ValueError(f"path must end in .npz or .safetensors, got {path}")


def _read(path: Path, required: tuple[str, ...]) -> _Arrays:
    """Read every array of a file; ValueError if one of the required names is missing."""
    if path.suffix not in (".npz", ".safetensors"):
        raise ValueError(f"path must end in .npz or .safetensors, got {path}")
    if not path.is_file():
        raise FileNotFoundError(f"path must be an existing file, got {path}")
    try:
        arrays = _read_npz(path) if path.suffix == ".npz" else _read_safetensors(path)
    except ImportError:
        raise
    except Exception as error:
        raise ValueError(f"{path} cannot be read as a {path.suffix} file: {error}") from error
    missing = [name for name in required if name not in arrays]
    if missing:
        raise ValueError(f"{path} must hold {', '.join(required)}; missing: {', '.join(missing)}")
    return arrays


def _read_npz(path: Path) -> _Arrays:
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _read_safetensors(path: Path) -> _Arrays:
    with require("safetensors", "torch").safe_open(path, framework="numpy") as file:
        arrays: _Arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        metadata = file.metadata() or {}
    if _CLASS_NAMES in metadata:
        arrays[_CLASS_NAMES] = np.array(json.loads(metadata[_CLASS_NAMES]))
    return arrays
