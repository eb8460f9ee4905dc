"""The nearest point where a network's class changes, with bounds that meet."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace.arguments import as_norm, as_positive, as_threads
from hullspace.bounds.gradients import relaxation_rounding
from hullspace.bounds.norms import Euclidean, Largest, Norm
from hullspace.bounds.reduction import Reduced, reduce_network
from hullspace.extras import require
from hullspace.regions.arguments import Box, as_box, as_class, as_network, as_point
from hullspace.regions.nearest.branching import Branching
from hullspace.regions.nearest.crossing import many_approaches
from hullspace.regions.nearest.projections import Regions
from hullspace.status import Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from hullspace.networks import ReluNetwork

__all__ = ["NearestBoundary", "nearest_boundary"]

_Floats = npt.NDArray[np.float64]

# The bounds meet when they differ by no more than this, relative; the search prunes at half.
_GAP = 1e-6
# A logit reaches another when it is lower by no more than this, relative to the largest.
_TIE = 1e-9
# Steps of ascent for each bound of the reduced network, and rounds of reducing it.
_REDUCTION_STEPS, _REDUCTIONS = 15, 4
# Where nothing bounds the search, it begins with this radius and gives up at that.
_FIRST_RADIUS, _LAST_RADIUS = 1.0, 2.0**40
# Bytes of the largest matrix that a reduced network may need.
_LARGEST = 2**32


@dataclass(frozen=True)
class NearestBoundary:
    """The nearest point where the class changes, as `nearest_boundary` returns it.

    Attributes
    ----------
    point : (n_inputs,) float64
        Where another class reaches the top; NaN if no such point was found.
    upper : float
        Its distance; infinite if none was found.
    lower : float
        Proven: no point where the class changes is nearer.
    classes : (int, int)
        The input's class, and the one that reaches it at the point (-1 if no point was found).
    status : Status
        `OPTIMAL` if the bounds differ by at most 1e-6, relative; `EMPTY` if the class never changes
        in the domain; `LIMIT` if time ran out.
    n_nodes : int
        Nodes that were branched on.
    seconds : float
        Time taken.
    history : tuple of (seconds, lower, upper)
        The bounds as they improved.
    norm : float
        2 or infinity, what distances are measured in.
    domain : ((n_inputs,), (n_inputs,)) float64, or None
        The box that points must be in, infinite where it is open; None for all of space.
    target : int or None
        The class that must reach the input's; None for any.
    """

    point: _Floats = field(repr=False)
    upper: float
    lower: float
    classes: tuple[int, int]
    status: Status
    n_nodes: int
    seconds: float
    history: tuple[tuple[float, float, float], ...] = field(repr=False)
    norm: float = 2.0
    domain: tuple[_Floats, _Floats] | None = field(default=None, repr=False)
    target: int | None = None

    @property
    def gap(self) -> float:
        """Relative difference of the bounds."""
        if self.upper in {0.0, self.lower}:
            return 0.0
        return (self.upper - self.lower) / self.upper if np.isfinite(self.upper) else np.inf


def nearest_boundary(
    network: ReluNetwork,
    x: npt.ArrayLike,
    norm: float = 2,
    domain: Box | None = (0, 1),
    time_limit: float = 60.0,
    target: int | None = None,
    n_threads: int | None = None,
    progress: bool = False,
) -> NearestBoundary:
    """Find the nearest point where the class changes, and prove that none is nearer.

    A branch and bound over sets of linear regions. Only units that may change sign within the best
    distance so far take part; distances are bounded below by Lagrangian duals, and above by exact
    projections onto regions.

    Parameters
    ----------
    network : ReluNetwork
        With at least two outputs.
    x : array of the network's input shape
        The input.
    norm : 2 or numpy.inf, default 2
        What distances are measured in.
    domain : (lower, upper) or None, default (0, 1)
        The box that the point must be in, or None for all of space.
    time_limit : float, default 60
        Seconds after which the best bounds so far are returned.
    target : int, optional
        The class that must reach the input's, whatever others do; any by default.
    n_threads : int, optional
        Threads that search for several classes side by side; all cores by default.
    progress : bool, default False
        Show the bounds while they improve.

    Returns
    -------
    NearestBoundary
        The point, its distance, and a proven lower bound of all distances.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, shape or values, or `x` is not in the domain.

    Examples
    --------
    >>> import hullspace
    >>> network = hullspace.ReluNetwork.from_arrays(
    ...     [[[1.0, 1.0], [1.0, -1.0]], [[1.0, 0.0], [0.0, 1.0]]], [[0, 0], [0, 0.5]]
    ... )
    >>> found = hullspace.regions.nearest_boundary(network, [1.0, 0.5], domain=(-2, 2))
    >>> found.status.name, round(found.upper, 6), found.point.round(6).tolist(), found.classes
    ('OPTIMAL', 0.25, [1.0, 0.25], (0, 1))
    """
    model = as_network(network)
    if model.n_outputs < 2:
        raise ValueError(f"network must have at least two outputs, got {model.n_outputs}")
    point = as_point(x, model)
    lower, upper = as_box(domain, model)
    if not ((lower <= point) & (point <= upper)).all():
        raise ValueError("x must be in the domain")
    box = (lower - point, upper - point)
    kind = Euclidean if as_norm(norm) == 2.0 else Largest
    limit = as_positive(time_limit, "time_limit")
    outputs = model(point[None])[0]
    label = int(outputs.argmax())
    others = [k for k in range(model.n_outputs) if k != label]
    chosen = as_class(target, "target", others)
    _require_fitting(model)
    search = _BoundarySearch(
        model,
        point,
        kind(*box, relaxation_rounding(model)),
        label,
        others if chosen is None else [chosen],
        limit,
    )
    with _Progress(shown=progress) as shown:
        found = search.run(as_threads(n_threads), shown.show)
    return replace(found, norm=as_norm(norm), domain=(lower, upper), target=chosen)


def _require_fitting(network: ReluNetwork) -> None:
    widest = max(stage.n_units for stage in network.stages)
    size = 8 * network.n_inputs * widest
    if size > _LARGEST:
        raise ValueError(
            f"network must have stages whose units times inputs fit in {_LARGEST // 2**30} GiB, "
            f"got {widest:,} x {network.n_inputs:,}"
        )


class _Progress:
    """A line that shows the bounds, if wanted."""

    def __init__(self, *, shown: bool) -> None:
        self._status = None
        if shown:
            self._status = require("rich.console", "study").Console().status("bounds")

    def __enter__(self) -> _Progress:
        if self._status is not None:
            self._status.__enter__()
        return self

    def __exit__(self, *details: object) -> None:
        if self._status is not None:
            self._status.__exit__(*details)

    def show(self, lower: float, upper: float, n_nodes: int) -> None:
        if self._status is not None:
            self._status.update(f"distance {lower:.6g} to {upper:.6g}, {n_nodes:,} nodes")


class _BoundarySearch:
    """The search for all targets: one `Branching` each, and the best point of all."""

    def __init__(
        self,
        network: ReluNetwork,
        x: _Floats,
        norm: Norm,
        label: int,
        targets: list[int],
        time_limit: float,
    ) -> None:
        self.network, self.x, self.norm = network, x, norm
        self.label, self.targets = label, np.array(targets)
        self.start, self.limit = time.perf_counter(), time_limit
        self.upper, self.point, self.reached = np.inf, np.full(len(x), np.nan), -1
        self.size = float(np.abs(network(x[None])).max())
        self.radius = np.inf  # beyond it nothing is looked for
        self.lower = 0.0
        self.n_nodes = 0
        self.history: list[tuple[float, float, float]] = []
        self.guesses: dict[int, list[_Floats]] = {}

    def found(self, y: _Floats | None) -> float:
        """Note a point if it is better, once the network agrees; return what values to beat."""
        if y is not None:
            self._note(y)
        return self.norm.value(min(self.upper * (1.0 - 0.5 * _GAP), self.radius))

    def _note(self, y: _Floats) -> None:
        distance = self.norm.length(y)
        if not distance < self.upper:
            return
        outputs = self.network((self.x + y)[None])[0]
        best = int(self.targets[outputs[self.targets].argmax()])
        size = max(np.abs(outputs).max(), self.size)
        if outputs[self.label] - outputs[best] <= _TIE * size:
            self.upper, self.point, self.reached = distance, self.x + y, best

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.start

    def run(self, n_threads: int, show: Callable[[float, float, int], None]) -> NearestBoundary:
        """Find points, then search balls that grow until one holds the nearest point."""
        self._note(np.zeros(len(self.x)))
        self.guesses = many_approaches(self.network, self.x, self.norm, self.label, self.targets)
        for points in self.guesses.values():
            for y in points[:1]:
                self._note(y)
        self._record(show)
        order = list(self.guesses)
        corner = self.norm.length(np.maximum(-self.norm.lower, self.norm.upper))
        last = min(corner * (1.0 + 1e-9), _LAST_RADIUS)
        self.radius = last if np.isfinite(self.upper) else min(_FIRST_RADIUS, last)
        while self.upper > 0.0:
            if not self._within(order, n_threads, show):
                return self._result(finished=False)
            if self.upper <= self.radius:
                break
            if self.radius >= last:
                bounded = last < _LAST_RADIUS
                self.lower = np.inf if bounded else self.radius
                return self._result(finished=bounded)
            self.radius = last if np.isfinite(self.upper) else min(2.0 * self.radius, last)
        return self._result(finished=True)

    def _result(self, *, finished: bool) -> NearestBoundary:
        self._record(lambda *_: None)
        status = Status.OPTIMAL if np.isfinite(self.upper) else Status.EMPTY
        gap = self.upper - self.lower if np.isfinite(self.upper) else 0.0
        if not finished or gap > _GAP * self.upper:
            status = Status.LIMIT
        return NearestBoundary(
            self.point,
            self.upper,
            min(self.lower, self.upper),
            (self.label, self.reached),
            status,
            self.n_nodes,
            self.seconds,
            tuple(self.history),
        )

    def _record(self, show: Callable[[float, float, int], None]) -> None:
        last = self.history[-1][1:] if self.history else (-1.0, -1.0)
        if (self.lower, self.upper) != last:
            self.history.append((self.seconds, self.lower, self.upper))
        show(self.lower, self.upper, self.n_nodes)

    def _within(
        self, order: list[int], n_threads: int, show: Callable[[float, float, int], None]
    ) -> bool:
        """Search the ball of the present radius or upper bound; tell whether it is finished."""
        known = np.full(self.network.n_hidden, np.inf)
        reduced = self._reduce(-known, known)
        searches: dict[int, Branching] = {}
        done = self.n_nodes

        def lowest(default: float) -> float:
            value = min([search.value for search in searches.values()], default=np.inf)
            return min(self.norm.distance(value) if value < np.inf else np.inf, default)

        def update() -> None:
            self.n_nodes = done + sum(search.n_nodes for search in searches.values())
            pending = 0.0 if len(searches) < len(order) else np.inf
            certain = min(self.upper * (1.0 - 0.5 * _GAP), self.radius)
            self.lower = max(self.lower, min(lowest(pending), certain))
            self._record(show)

        try:
            for target in order:
                if self.seconds >= self.limit:
                    return False
                searches[target] = self._root(reduced, target)
                update()
            return self._finish(searches, n_threads, update)
        finally:
            update()

    def _finish(
        self, searches: dict[int, Branching], n_threads: int, update: Callable[[], None]
    ) -> bool:
        """Branch, for the targets with the lowest values first."""
        workers = n_threads or os.cpu_count() or 1
        with ThreadPoolExecutor(workers) as pool:
            while self.seconds < self.limit:
                left = sorted(
                    (s for s in searches.values() if s.open), key=lambda search: search.value
                )
                if not left:
                    return True
                if workers == 1 or len(left) == 1:
                    left[0].step()
                else:
                    list(pool.map(Branching.step, left[:workers]))
                update()
        return False

    def _reduce(self, low: _Floats, high: _Floats) -> Reduced:
        zones = self.norm.zones(min(self.upper, self.radius) * (1.0 + 1e-12))
        return reduce_network(self.network, self.x, self.norm, zones, (low, high), _REDUCTION_STEPS)

    def _root(self, reduced: Reduced, target: int) -> Branching:
        """Start a target's search, in ever smaller networks."""
        for _ in range(_REDUCTIONS):
            goal = reduced.outputs.take([self.label]).minus(reduced.outputs.take([target]))
            regions = Regions(reduced.model, goal, self.norm, self.found)
            units = reduced.model.units
            search = Branching(regions, reduced.low[units], reduced.high[units])
            for y in self.guesses[target]:
                regions.descend(y)
            if not search.open:
                break
            zones = search.zones(search.heap[:1])
            smaller = reduce_network(
                self.network,
                self.x,
                self.norm,
                zones,
                (reduced.low, reduced.high),
                _REDUCTION_STEPS,
            )
            if len(smaller.model) > 0.9 * len(units):
                break
            reduced = smaller
        return search
