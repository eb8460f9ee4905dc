"""The study of one model: what its features say about its images."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace._extras import require
from hullspace.hull import DEFAULT_TOLERANCE
from hullspace.partition import BoundaryDistances, boundary_distances
from hullspace.studies.analyses import (
    ClassResult,
    Settings,
    TrainingResult,
    class_hulls,
    training_hull,
)
from hullspace.studies.linear import LinearResult, linear_study
from hullspace.studies.linear_plane import network_inputs
from hullspace.studies.partition import PartitionResult, partition_study
from hullspace.studies.progress import Steps

if TYPE_CHECKING:
    from os import PathLike

    from hullspace.features import FeatureSplit
    from hullspace.networks import ReluNetwork


# Images on which the network is compared with the features, and by how much of the largest logit
# it may differ, as features may be in single precision.
_COMPARED, _AGREE = 64, 1e-3


@dataclass(frozen=True)
class Study:
    """Everything that a study of one model found.

    Attributes
    ----------
    title : str
        What was studied.
    split : FeatureSplit
        The features.
    training : TrainingResult
        The test features against the hull of all training features, and what spans that hull.
    classes : ClassResult
        The test features against the hull of each class, and those hulls against each other.
    boundaries : BoundaryDistances
        The test features' distances to the decision boundaries, in closed form.
    partition : PartitionResult or None
        The decision regions and where the test features are in them; None if there are too many
        classes and features for that.
    settings : Settings
        Tolerance and threads.
    seconds : float
        Time that the analyses took.
    images : (n_test, channels, height, width) array or None
        The test images, where given.
    linear : LinearResult or None
        The network's linear regions around the test images; None without network or images.
    """

    title: str
    split: FeatureSplit
    training: TrainingResult
    classes: ClassResult
    boundaries: BoundaryDistances
    partition: PartitionResult | None
    settings: Settings
    seconds: float
    images: npt.NDArray[Any] | None = None
    linear: LinearResult | None = None

    @property
    def correct(self) -> npt.NDArray[np.bool_]:
        """Where the network's prediction for a test image is right."""
        return np.asarray(self.split.test.predictions == self.split.test.labels)

    def print(self) -> None:
        """Print the study's tables to the terminal."""
        from hullspace.studies.table import as_rich  # noqa: PLC0415 - needs extras
        from hullspace.studies.tables import tables  # noqa: PLC0415

        console = require("rich.console", "study").Console()
        for table in tables(self).values():
            console.print(as_rich(table))

    def save(self, path: str | PathLike[str]) -> None:
        """Write the study as one self-contained HTML page.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        from hullspace.studies.report import render  # noqa: PLC0415 - needs extras

        Path(path).write_text(render(self), encoding="utf-8")

    def __repr__(self) -> str:
        n = len(self.split.test)
        return f"Study({self.title!r}, {n} test images, {self.seconds:.1f} s)"


def study(
    split: FeatureSplit,
    *,
    title: str = "Features",
    images: npt.ArrayLike | None = None,
    network: ReluNetwork | None = None,
    tolerance: float = DEFAULT_TOLERANCE,
    n_threads: int | None = None,
    progress: bool = True,
) -> Study:
    """Study a model from its features.

    Parameters
    ----------
    split : FeatureSplit
        Training and test features with labels, and the head.
    title : str, default "Features"
        Heads the report.
    images : (n_test, channels, height, width) array, optional
        The test images, with pixels between 0 and 1, of which the report then shows some.
    network : ReluNetwork, optional
        The network from `images` to logits; with both, the study has a chapter about its linear
        regions.
    tolerance : float, default 1e-9
        As in `Hull.project` and `Hull.contains`.
    n_threads : int, optional
        Threads to use; all cores by default.
    progress : bool, default True
        Show progress bars.

    Returns
    -------
    Study
        ``study.save("report.html")`` writes the report, ``study.print()`` its tables.

    Raises
    ------
    ValueError
        If `images` does not hold one image for each test feature, or `network` does not take them
        to the logits that the features give.
    ImportError
        If the extra ``study`` is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from hullspace import FeatureSet, FeatureSplit, Head, study
    >>> head = Head(np.eye(2))
    >>> train = FeatureSet.of([[1, 0], [3, 0], [3, 2], [0, 1], [0, 3]], head, [0, 0, 0, 1, 1])
    >>> test = FeatureSet.of([[2.5, 0.5], [0, 4]], head, [0, 1])
    >>> found = study(FeatureSplit(train, test), progress=False)
    >>> found.training.outside
    array([False,  True])
    """
    pixels = None if images is None else _as_images(images, len(split.test))
    if network is not None and pixels is not None:
        _require_same(network, pixels, split)
    settings = Settings(tolerance, n_threads)
    start = time.perf_counter()
    with Steps(shown=progress) as steps:
        training = training_hull(split, settings, steps)
        classes = class_hulls(split, settings, steps)
        boundaries = boundary_distances(split.test.features, split.head)
        partition = partition_study(split, settings, steps)
        linear = None
        if network is not None and pixels is not None:
            labels = split.test.labels
            assert labels is not None  # noqa: S101 - a split has labels
            linear = linear_study(network, pixels, split.names, labels, settings, steps)
    seconds = time.perf_counter() - start
    return Study(
        title, split, training, classes, boundaries, partition, settings, seconds, pixels, linear
    )


def _require_same(network: ReluNetwork, images: npt.NDArray[Any], split: FeatureSplit) -> None:
    """Fail before the work if the network is not the one that the features are of."""
    rows = np.arange(0, len(images), max(len(images) // _COMPARED, 1))
    logits = network(network_inputs(network, images, split.names)[rows])
    expected = split.head.logits(split.test.features[rows].astype(np.float64))
    worst = float(np.abs(logits - expected).max(initial=0.0))
    if worst > _AGREE * max(float(np.abs(expected).max(initial=0.0)), 1.0):
        raise ValueError(
            f"network must map images to the logits of their features, got differences of {worst:g}"
        )


def _as_images(images: npt.ArrayLike, n_test: int) -> npt.NDArray[Any]:
    array = np.asarray(images)
    if array.ndim != 4 or len(array) != n_test or array.shape[1] not in (1, 3):
        raise ValueError(
            f"images must have shape ({n_test}, 1 or 3, height, width), got {array.shape}"
        )
    return array
