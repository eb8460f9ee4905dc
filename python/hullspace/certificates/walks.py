"""Checks of walks along segments: every region on the way, and every change of the class.

A region is convex. So a pattern that holds at both ends of a piece holds all along it, and pieces
without a gap between them leave room for no other region. Breakpoints are rounded, and those that
rounding cannot tell apart are one: values at the ends may be off by what so small a step changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hullspace.certificates.evaluations import Evaluation
from hullspace.certificates.fields import array_of, float_of, floats_of
from hullspace.certificates.rounding import gamma
from hullspace.networks.network import pack, unpack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hullspace.certificates.regions_floating import Bounded
    from hullspace.certificates.rounding import Bools, Floats, Ints

# Places on a segment that a walk does not tell apart.
_SAME_PLACE = 8e-15
# Elements of units at breakpoints that are handled at a time.
_BLOCK = 2**21
_CAUTION = 32.0


def check_walk(subject: Any, queries: Any, result: Any, tolerance: float) -> Bools:
    """Check a `SegmentWalk`; see `hullspace.certificates.check`."""
    del tolerance  # everything is right but for rounding
    evaluation = Evaluation(subject)
    start, stop = _ends(evaluation, queries, 1)
    return np.array([_holds(evaluation, result, start[0], stop[0])])


def check_walks(subject: Any, queries: Any, result: Any, tolerance: float) -> Bools:
    """Check `SegmentWalks`; see `hullspace.certificates.check`."""
    del tolerance
    evaluation = Evaluation(subject)
    starts, stops = _ends(evaluation, queries, len(result))
    ends = zip(result, starts, stops, strict=True)
    return np.array([_holds(evaluation, *each) for each in ends], dtype=bool)


def _ends(evaluation: Evaluation, queries: Any, n: int) -> tuple[Floats, Floats]:
    """Return where segments begin and end, as rows."""
    if not isinstance(queries, tuple | list) or len(queries) != 2:
        raise TypeError("queries must be the pair (a, b) for a walk")
    rows = []
    for name, value in zip("ab", queries, strict=True):
        array = np.asarray(value)
        one = array.shape in {evaluation.network.input_shape, (evaluation.network.n_inputs,)}
        points = evaluation.network.as_rows(array[None] if one else array, name)
        if len(points) not in {1, n}:
            raise ValueError(f"{name} must have one row or {n} rows, got {len(points)}")
        rows.append(np.broadcast_to(points, (n, points.shape[1])))
    return rows[0], rows[1]


def _holds(evaluation: Evaluation, walk: Any, start: Floats, stop: Floats) -> bool:
    """Whether everything that a walk says is right."""
    track = _Track.of(evaluation, walk)
    same = np.array_equal(track.start, start) and np.array_equal(track.stop, stop)
    return bool(
        same
        and track.is_ordered()
        and evaluation.is_reliable
        and track.patterns_hold()
        and track.classes_hold()
    )


@dataclass(frozen=True)
class _Track:
    """A walk whose arrays fit together.

    Attributes
    ----------
    knots : (m + 2,) float64
        0, the breakpoints, and where the walk ends.
    others
        As in a `SegmentWalk`.
    """

    evaluation: Evaluation
    start: Floats
    stop: Floats
    knots: Floats
    indptr: Ints
    indices: Ints
    first: Bools
    padding: bool
    logits: Floats
    class_changes: Floats
    classes: Ints

    @classmethod
    def of(cls, evaluation: Evaluation, walk: Any) -> _Track:
        """Take the arrays of a walk; errors as in `hullspace.certificates.fields`."""
        network = evaluation.network
        n, m = network.n_inputs, len(np.asarray(walk.breakpoints))
        breakpoints = floats_of(walk, "breakpoints", (m,))
        indptr = array_of(walk, "indptr", (m + 1,), "iu").astype(np.int64)
        indices = array_of(walk, "indices", (len(np.asarray(walk.indices)),), "iu")
        if indptr[0] != 0 or indptr[-1] != len(indices) or (np.diff(indptr) < 1).any():
            raise ValueError("result must have units that change at every breakpoint")
        if not ((indices >= 0) & (indices < network.n_hidden)).all():
            raise ValueError(f"result must have indices of {network.n_hidden} hidden units")
        packed = array_of(walk, "first_pattern", (-(-network.n_hidden // 8),), "u")
        first = unpack(packed[None].astype(np.uint8), network.n_hidden)
        k = len(np.asarray(walk.class_changes))
        return cls(
            evaluation,
            floats_of(walk, "start", (n,)),
            floats_of(walk, "stop", (n,)),
            np.concatenate([[0.0], breakpoints, [float_of(walk, "end")]]),
            indptr,
            indices.astype(np.int64),
            first[0],
            bool(np.array_equal(pack(first)[0], packed)),
            floats_of(walk, "logits", (m + 2, network.n_outputs)),
            floats_of(walk, "class_changes", (k,)),
            array_of(walk, "classes", (k + 1,), "iu"),
        )

    def is_ordered(self) -> bool:
        """Whether places ascend, units change once at a place, and classes do change."""
        ascending = bool((np.diff(self.knots) > 0.0).all() and self.knots[-1] <= 1.0)
        at = np.concatenate([[0.0], self.class_changes, self.knots[-1:]])
        owners = np.repeat(np.arange(len(self.indptr) - 1), np.diff(self.indptr))
        places = owners * len(self.first) + self.indices
        once = len(np.unique(places)) == len(places)
        changing = bool((self.classes[1:] != self.classes[:-1]).all())
        return self.padding and ascending and once and changing and bool((np.diff(at) > 0.0).all())

    def _evaluate(self, t: Floats) -> tuple[Bounded, Bounded]:
        """Return inputs of units, and outputs, at places on the segment."""
        points = (1.0 - t)[:, None] * self.start + t[:, None] * self.stop
        sizes = np.abs(self.start) + np.abs(self.stop)
        errors = np.broadcast_to(gamma(4) * sizes, points.shape)
        return self.evaluation.at(points, errors)

    def _blocks(self) -> Iterator[tuple[slice, Bools]]:
        """Yield some pieces at a time, with the pattern of each."""
        n_hidden, n = len(self.first), len(self.knots) - 1
        step = max(_BLOCK // max(n_hidden + len(self.start), 1), 1)
        bits = self.first.copy()
        for begin in range(0, n, step):
            end = min(begin + step, n)
            patterns = np.empty((end - begin, n_hidden), dtype=bool)
            for i in range(begin, end):
                if i:
                    bits[self.indices[self.indptr[i - 1] : self.indptr[i]]] ^= True
                patterns[i - begin] = bits
            yield slice(begin, end + 1), patterns

    def patterns_hold(self) -> bool:
        """Whether each piece's pattern, and the logits, are right at both of its ends."""
        for some, patterns in self._blocks():
            t = self.knots[some]
            (values, doubts), (outputs, output_doubts) = self._evaluate(t)
            slack = np.abs(np.diff(values, axis=0)) * (_SAME_PLACE / np.diff(t))[:, None]
            for ends in (slice(None, -1), slice(1, None)):
                signed = np.where(patterns, values[ends], -values[ends])
                if not (signed >= -(doubts[ends] + slack)).all():
                    return False
            slack = self._slack(t, outputs)
            allowed = _CAUTION * output_doubts + slack
            if not (np.abs(self.logits[some] - outputs) <= allowed).all():
                return False
        return True

    @staticmethod
    def _slack(t: Floats, outputs: Floats) -> Floats:
        """Return what outputs at knots change by within rounding of the knots."""
        steps = np.abs(np.diff(outputs, axis=0)) * (_SAME_PLACE / np.diff(t))[:, None]
        slack = np.zeros_like(outputs)
        slack[:-1] = steps
        slack[1:] = np.maximum(slack[1:], steps)
        return slack

    def classes_hold(self) -> bool:
        """Whether each class is at the top at the ends of its interval, and at knots between."""
        n_classes = max(self.logits.shape[1], 2)
        if not ((self.classes >= 0) & (self.classes < n_classes)).all():
            return False
        changes = self.class_changes
        t = np.concatenate([self.knots, changes])
        order = np.argsort(t, kind="stable")
        at = t[order]
        _, (outputs, doubts) = self._evaluate(at)
        gaps = np.maximum(np.diff(at), _SAME_PLACE)
        steps = np.abs(np.diff(outputs, axis=0)) * (_SAME_PLACE / gaps)[:, None]
        doubts = _CAUTION * doubts
        doubts[:-1] += steps
        doubts[1:] += steps
        if outputs.shape[1] == 1:
            outputs, doubts = (np.column_stack([np.zeros(len(a)), a]) for a in (outputs, doubts))
        bounds = np.concatenate([[0.0], changes, self.knots[-1:]])
        for i, c in enumerate(self.classes.tolist()):
            first = np.searchsorted(at, bounds[i])
            within = slice(first, np.searchsorted(at, bounds[i + 1], side="right"))
            behind = outputs[within] - doubts[within] - outputs[within, c][:, None]
            if not (behind <= doubts[within, c][:, None]).all():
                return False
        return True
