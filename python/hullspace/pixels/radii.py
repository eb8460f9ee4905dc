"""What each method proves about one image."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace.bounds.gradients import (
    relaxation_rounding,
    rounding_factor,
    unit_distances,
    unit_gradients,
)
from hullspace.bounds.norms import Euclidean, Largest
from hullspace.pixels.deviations import Deviations
from hullspace.pixels.relaxed import Relaxed
from hullspace.regions import nearest_boundary
from hullspace.status import Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from hullspace.bounds.gradients import UnitGradients
    from hullspace.networks import ReluNetwork

_Floats = npt.NDArray[np.float64]

METHODS = ("region", "intervals", "bounds", "exact")
# No radius beyond is looked for where nothing bounds the images.
_LAST_RADIUS = 2.0**40
# Bytes of gradients under way.
_GRADIENTS = 2.0**28


@dataclass(frozen=True)
class Plan:
    """What is to be done for each image; the arguments of `guaranteed_radius`."""

    network: ReluNetwork
    box: tuple[_Floats, _Floats]
    norms: tuple[float, ...]
    methods: tuple[str, ...]
    tolerance: float
    time_limit: float
    memory: float
    bound_rounding: bool

    def rounding(self, factor: Callable[[ReluNetwork], float]) -> float:
        """Return a factor of rounding errors, or 0 if they are not to be bounded."""
        return factor(self.network) if self.bound_rounding else 0.0


@dataclass
class ImageRadii:
    """What was found for one image: by norm and method, in the plan's order.

    Attributes
    ----------
    label, margin : int, float
        The class, and the largest logit less the second.
    radii, statuses, seconds : lists of lists
        For each norm and method; what a method begins with is in its time.
    uppers : list of float
        For each norm: the distance of an image of another class, if one was found.
    """

    label: int
    margin: float
    radii: list[list[float]] = field(default_factory=list)
    statuses: list[list[Status]] = field(default_factory=list)
    seconds: list[list[float]] = field(default_factory=list)
    uppers: list[float] = field(default_factory=list)


def radii_of(plan: Plan, point: _Floats) -> ImageRadii:
    """Apply the methods to one image, in all norms."""
    start = time.perf_counter()
    rounding = plan.rounding(rounding_factor)
    gradients = unit_gradients(plan.network, point, _GRADIENTS, rounding)
    seconds = time.perf_counter() - start
    second, first = np.sort(gradients.inputs[-1])[-2:]
    found = ImageRadii(int(gradients.inputs[-1].argmax()), float(first - second))
    for norm in plan.norms:
        search = _NormRadii(plan, point, gradients, found, norm, seconds)
        results = [search.of(method) for method in plan.methods]
        found.radii.append([radius for radius, _ in results])
        found.statuses.append([status for _, status in results])
        found.uppers.append(search.upper)
        found.seconds.append([search.seconds[method] for method in plan.methods])
    return found


class _NormRadii:
    """The methods in one norm; each begins with what the one before has proven."""

    def __init__(
        self,
        plan: Plan,
        point: _Floats,
        gradients: UnitGradients,
        found: ImageRadii,
        norm: float,
        seconds: float,
    ) -> None:
        self.plan, self.point, self.order = plan, point, norm
        self.gradients, self.label = gradients, found.label
        self.is_tie = found.margin == 0.0
        kind = Euclidean if norm == 2.0 else Largest
        rounding = plan.rounding(relaxation_rounding)
        self.norm = kind(plan.box[0] - point, plan.box[1] - point, rounding)
        corner = self.norm.length(np.maximum(-self.norm.lower, self.norm.upper))
        self.corner = corner * (1.0 + 1e-9)
        self.end = min(self.corner, _LAST_RADIUS)
        self.upper = np.inf
        self.seconds: dict[str, float] = {}
        self._shared = seconds
        self._results: dict[str, tuple[float, Status]] = {}

    def of(self, method: str) -> tuple[float, Status]:
        """Return what a method proves, and how it ended."""
        if method not in self._results:
            before, seconds = None, 0.0 if method == "exact" else self._shared
            if method in METHODS[1:3]:
                previous = METHODS[METHODS.index(method) - 1]
                before, seconds = self.of(previous), self.seconds[previous]
            start = time.perf_counter()
            self._results[method] = self._settled(*self._run(method, before))
            self.seconds[method] = seconds + time.perf_counter() - start
        return self._results[method]

    def _run(self, method: str, before: tuple[float, Status] | None) -> tuple[float, Status]:
        if method == "exact":
            return self._exact()
        if self.is_tie:
            return 0.0, Status.COMPLETE
        if before is None:
            return self._region, Status.COMPLETE
        proven = before[0]
        if self._tie == 0.0 or proven == np.inf:
            return proven, Status.COMPLETE
        return self._intervals(proven) if method == "intervals" else self._relaxed(proven)

    def _settled(self, radius: float, status: Status) -> tuple[float, Status]:
        """Say where rounding leaves nothing, and where nothing is beyond a radius."""
        if radius == 0.0 and status == Status.COMPLETE and not self.is_tie:
            status = Status.UNDECIDED
        return (np.inf if radius >= self.corner and not self.is_tie else radius), status

    @cached_property
    def _distances(self) -> tuple[float, float]:
        """Lower bounds of the distances to the nearest unit and to the affine map's nearest tie."""
        found = unit_distances(self.plan.network, self.gradients)
        units = found.euclidean if self.order == 2.0 else found.largest
        ties = found.ties(self.label)
        return float(units.min(initial=np.inf)), ties[0 if self.order == 2.0 else 1]

    @property
    def _tie(self) -> float:
        return self._distances[1]

    @property
    def _region(self) -> float:
        return min(self._distances)

    @cached_property
    def _deviations(self) -> Deviations:
        rounding = self.plan.rounding(relaxation_rounding)
        return Deviations(self.plan.network, self.gradients, self.order, self.label, rounding)

    def _intervals(self, proven: float) -> tuple[float, Status]:
        end = min(self._tie, self.end)
        if proven >= end:
            return proven, Status.COMPLETE
        return self._deviations.radius(proven, end, self.plan.tolerance), Status.COMPLETE

    def _relaxed(self, proven: float) -> tuple[float, Status]:
        plan, tie = self.plan, min(self._tie, self.end)
        search = Relaxed(
            plan.network,
            self.point,
            self.label,
            self.norm,
            self._deviations,
            plan.memory,
            time.perf_counter() + plan.time_limit,
        )
        guess = float(np.sqrt(proven * tie)) if proven else 0.25 * tie
        return search.radius(proven, guess, self.end, plan.tolerance)

    def _exact(self) -> tuple[float, Status]:
        found = nearest_boundary(
            self.plan.network,
            self.point,
            self.order,
            self.plan.box,
            time_limit=self.plan.time_limit,
            n_threads=1,
        )
        self.upper = found.upper
        return found.lower, found.status
