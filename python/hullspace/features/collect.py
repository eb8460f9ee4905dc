"""Where the features of batches go: to memory, or to files of a directory."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace.features.directory import DirectoryWriter
from hullspace.features.store import LAYERS, FeatureSet, Head, as_labels

if TYPE_CHECKING:
    from os import PathLike
    from types import TracebackType
    from typing import Self

_Array = npt.NDArray[Any]


class Collector:
    """Collects what a model gives for batches of images.

    Parameters
    ----------
    head : Head
        Of the model.
    out : path or None
        The directory to write to; None to keep all in memory.
    """

    def __init__(self, head: Head, out: str | PathLike[str] | None) -> None:
        self.head = head
        self._dtype = np.dtype(np.float64 if head.weight.dtype == np.float64 else np.float32)
        self._writer = None if out is None else DirectoryWriter(Path(out))
        self._parts: dict[str, list[_Array]] = {}
        self._widths: dict[str, int] = {}
        self._n_batches = 0
        self._n_labelled = 0
        self._open = ExitStack()

    def __enter__(self) -> Self:
        if self._writer is not None:
            self._open.enter_context(self._writer)
        return self

    def add(self, features: _Array, labels: _Array | None, layers: dict[str, _Array]) -> None:
        """Add the features of a batch, with its labels and the outputs of layers.

        Raises
        ------
        ValueError
            If they are not finite, or the labels are none of the head's classes.
        """
        batch = f"batch {self._n_batches}"
        rows = {"features": features, **{LAYERS + name: array for name, array in layers.items()}}
        rows = {name: np.asarray(array, dtype=self._dtype) for name, array in rows.items()}
        for name, array in rows.items():
            what = "features" if name == "features" else f"outputs of {name[len(LAYERS) :]!r}"
            if not np.isfinite(array).all():
                raise ValueError(f"images: {batch} gives {what} that are not finite")
            width = self._widths.setdefault(name, array.shape[1])
            if array.shape[1] != width:
                raise ValueError(
                    f"images: {batch} gives {array.shape[1]} {what} an image, others give {width}"
                )
        if labels is not None:
            rows["labels"] = as_labels(labels, f"labels of {batch}", len(features), self.head)
            self._n_labelled += 1
        self._n_batches += 1
        if self._n_labelled not in {0, self._n_batches}:
            raise ValueError("images must give labels with every batch or with none")
        if self._writer is None:
            for name, array in rows.items():
                self._parts.setdefault(name, []).append(array)
            return
        logits = self.head.logits(rows["features"])
        rows |= {"logits": logits, "predictions": logits.argmax(axis=1).astype(np.int64)}
        for name, array in rows.items():
            self._writer.append(name, array)

    def finish(self) -> FeatureSet:
        """Return all that was added; from files once they are complete."""
        if not self._n_batches:
            raise ValueError("images must not be empty")
        if self._writer is not None:
            self._writer.append("weight", self.head.weight)
            self._writer.append("bias", self.head.bias)
            self._open.close()
            return FeatureSet.load(self._writer.path)
        arrays = {name: np.concatenate(self._parts.pop(name)) for name in list(self._parts)}
        features, labels = arrays.pop("features"), arrays.pop("labels", None)
        layers = {name.removeprefix(LAYERS): array for name, array in arrays.items()}
        return FeatureSet.of(features, self.head, labels, layers)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.__exit__(kind, error, trace)
