"""What is known of a model's training and test features."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from hullspace.facts.decisions import DecisionFacts
from hullspace.facts.hulls import PreparedHulls
from hullspace.facts.points import PointFacts

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt

    from hullspace.facts.asking import Asking
    from hullspace.facts.classes import ClassFacts
    from hullspace.features import FeatureSet
    from hullspace.partition import DecisionPartition, GuaranteedRegions


class FeatureFacts:
    """Test features against hulls of training features, and in the partition.

    Parameters
    ----------
    train, test : FeatureSet
        Of the same head.
    make_partition : callable
        Makes the partition when it is first needed.
    asking : Asking
        How questions are put.
    keep : (n_kept,) int64, optional
        As in `DecisionFacts`.
    points : PointFacts, optional
        The test features against the hulls, where something is known of that already.
    decisions : DecisionFacts, optional
        The test features in the partition, likewise.
    """

    def __init__(
        self,
        train: FeatureSet,
        test: FeatureSet,
        make_partition: Callable[[], DecisionPartition],
        asking: Asking,
        *,
        keep: npt.NDArray[np.int64] | None = None,
        points: PointFacts | None = None,
        decisions: DecisionFacts | None = None,
    ) -> None:
        self.train = train
        self.test = test
        self.asking = asking
        self.points = points or PointFacts(
            PreparedHulls(train.features, asking, "training hull"), test.features
        )
        self._make_partition = make_partition
        self._keep = keep
        self._decisions = decisions

    @cached_property
    def decisions(self) -> DecisionFacts:
        """The test features in the partition."""
        if self._decisions is not None:
            return self._decisions
        made = self._make_partition()
        return DecisionFacts(made, self.test.features, self.asking, self._keep)

    @property
    def partition(self) -> DecisionPartition:
        """The decision regions."""
        return self.decisions.partition

    @property
    def predicted(self) -> ClassFacts:
        """The test features against the hulls of the training features predicted as a class.

        They lie in the decision region of the class, which is convex, so the whole hull does.
        """
        return self.points.by_class(self.train.predictions, self.train.head.n_classes)

    @cached_property
    def regions(self) -> GuaranteedRegions:
        """The same hulls, as the regions guaranteed a class."""
        return self.partition.guaranteed(
            self.train.features,
            self.train.labels,
            hulls=self.predicted.hulls,
            n_threads=self.asking.n_threads,
        )
