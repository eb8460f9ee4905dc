"""What a study knows of its subject: a fact is found when a chapter first asks for it, and once."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace import certificates, pixels
from hullspace.comparison import few_of
from hullspace.facts import Asking, FeatureFacts
from hullspace.partition import Coverage, DecisionPartition, boundary_distances
from hullspace.status import Status
from hullspace.studies.scope import Scope

if TYPE_CHECKING:
    from hullspace.features import FeatureSplit
    from hullspace.partition import Ambiguity, BoundaryDistances
    from hullspace.pixels import Flip
    from hullspace.studies.progress import Steps
    from hullspace.studies.settings import Settings
    from hullspace.studies.subject import Pictures, Subject

_Ints = npt.NDArray[np.int64]
_Bools = npt.NDArray[np.bool_]

# The domain of all chapters, and what the report calls it.
_DOMAIN = "observed"
DOMAIN = "the range of the training and test features, each widened by 10% on either side"
NORMS: dict[str, float] = {"2-norm": 2, "largest norm": np.inf}
# Images that are searched together.
_BATCH = 25
# Points of the domain that are compared with guaranteed regions.
_COVERAGE_SAMPLES = 2_000


class Knowledge:
    """What is known of a subject, and how more is found.

    Parameters
    ----------
    subject : Subject
        The model and its data.
    settings : Settings
        Tolerance, threads, sample and seed.
    steps : Steps
        Progress bars.
    """

    def __init__(self, subject: Subject, settings: Settings, steps: Steps) -> None:
        self.subject = subject
        self.settings = settings
        self.steps = steps
        self._asking = Asking(settings.tolerance, settings.n_threads, steps)
        self._flips: dict[str, Flip] = {}

    @property
    def split(self) -> FeatureSplit:
        """The features."""
        return self.subject.split

    @property
    def pictures(self) -> Pictures:
        """The test images; only asked for where there are some."""
        assert self.subject.test is not None  # noqa: S101 - chapters say what they lack
        return self.subject.test

    @cached_property
    def boundaries(self) -> BoundaryDistances:
        """Distances of the test features to the decision boundaries, in closed form."""
        return boundary_distances(self.split.test.features, self.split.head)

    @cached_property
    def boundaries_checked(self) -> _Bools:
        """Whether these distances passed the independent check."""
        return certificates.check(self.split.head, self.split.test.features, self.boundaries)

    @cached_property
    def scope(self) -> Scope | None:
        """How much of the partition is looked at; None if there is no time for any of it."""
        head = self.split.head
        return Scope.of(head.n_classes, head.n_features, len(self.split.test))

    @cached_property
    def features(self) -> FeatureFacts:
        """The test features against hulls of training features, and in the partition."""
        rows = None if self.subject.test is None else self.pictures.rows[self.places]
        keep = None if rows is None else rows[few_of(len(rows))]
        train, test = self.split.train, self.split.test
        return FeatureFacts(train, test, self._make_partition, self._asking, keep=keep)

    def _make_partition(self) -> DecisionPartition:
        sets = (self.split.train.features, self.split.test.features)
        # The smallest and largest values of each feature are all that a box needs.
        seen = np.vstack([extreme(f, axis=0) for f in sets for extreme in (np.min, np.max)])
        return DecisionPartition.from_head(self.split.head, domain=_DOMAIN, features=seen)

    @cached_property
    def images(self) -> FeatureFacts:
        """The same of those features alone that belong to the images."""
        sets, subject = self.subject.image_sets, self.subject
        assert sets is not None  # noqa: S101 - chapters say what they lack
        assert subject.train is not None  # noqa: S101
        if sets[0] is self.split.train and sets[1] is self.split.test:
            return self.features
        all_trained = np.array_equal(subject.train.rows, np.arange(len(self.split.train)))
        return FeatureFacts(
            *sets,
            lambda: self.features.partition,
            self._asking,
            points=self.features.points.of(self.pictures.rows) if all_trained else None,
            decisions=self.features.decisions.of(self.pictures.rows),
        )

    @property
    def partition(self) -> DecisionPartition:
        """The decision regions within the domain."""
        return self.features.partition

    def ambiguity(self, k: int) -> tuple[Ambiguity, _Bools]:
        """Return how near the images looked at are to a tie of k classes, and what is checked."""
        assert self.scope is not None  # noqa: S101 - chapters say what they lack
        return self.features.decisions.ambiguity(k, self.scope.images)

    @cached_property
    def coverage(self) -> tuple[Coverage, _Bools]:
        """How much the guaranteed regions cover, and for which images that is checked."""
        assert self.scope is not None  # noqa: S101 - chapters say what they lack
        test, images, hulls = self.split.test, self.scope.images, self.features.predicted
        labels = test.predictions if test.labels is None else test.labels
        right = (test.predictions == labels)[images]
        # In exact arithmetic, too, as the chapter about extrapolation asks for that.
        members = hulls.membership(test.predictions, images, prove=True)
        inside = right & (members.status == Status.INSIDE)
        found = hulls.own_distances(labels, images)
        distances = np.where(inside, 0.0, found.values)
        rest = self.features.regions.uncertified(
            _COVERAGE_SAMPLES, self.settings.random_state, n_threads=self.settings.n_threads
        )
        n_wrong, n_classes = int(np.count_nonzero(~right)), self.split.head.n_classes
        coverage = Coverage.of(inside, labels[images], distances, n_classes, n_wrong, rest)
        return coverage, members.checked & (inside | found.checked)

    @cached_property
    def places(self) -> _Ints:
        """Which of the test images searches in pixel space start at: spread over the set."""
        total = 0 if self.subject.test is None else len(self.subject.test)
        n = min(self.settings.sample, total)
        return np.arange(n) * total // max(n, 1)

    def flips(self, norm: str) -> Flip:
        """Return the nearest images found where the answer changes, from those at `places`."""
        space, seed = self.subject.space, self.settings.random_state
        assert space is not None  # noqa: S101 - chapters say what they lack
        if norm not in self._flips:
            images = self.pictures.pixels[self.places]
            step = self.steps.add(f"adversarial: flips, {norm}", len(images))
            parts = [
                pixels.flip(space, images[part], norm=NORMS[norm], random_state=seed)
                for part in self.steps.chunks(step, len(images), _BATCH)
            ]
            self._flips[norm] = _joined(parts)
        return self._flips[norm]


def _joined(parts: list[Any]) -> Any:
    """Join results of batches, attribute by attribute."""
    first = parts[0]
    values = {
        name: np.concatenate([getattr(part, name) for part in parts])
        if isinstance(getattr(first, name), np.ndarray)
        else getattr(first, name)
        for name in first.__dataclass_fields__
    }
    return type(first)(**values)
