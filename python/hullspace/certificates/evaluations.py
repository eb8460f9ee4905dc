"""A network's values and slopes at points, with bounds of all rounding errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hullspace.certificates.regions_floating import BLOCK, FloatingNetwork, Frame
from hullspace.certificates.regions_tree import Units
from hullspace.certificates.rounding import Bools, Floats, gamma

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hullspace.certificates.regions_floating import Bounded
    from hullspace.networks.network import ReluNetwork


class Evaluation:
    """A network that is evaluated at any number of points, some at a time.

    Raises
    ------
    TypeError
        If `subject` is no network.
    """

    def __init__(self, subject: Any) -> None:
        if not all(hasattr(subject, name) for name in ("stages", "n_inputs", "n_hidden")):
            raise TypeError(f"subject must be a ReluNetwork, got {type(subject).__name__}")
        self.network: ReluNetwork = subject
        self.units = Units.of(subject)
        n = subject.n_inputs
        # No coordinates but the inputs themselves, so that no basis is needed.
        frame = Frame(np.zeros(n), np.zeros((n, 0)), np.zeros((0, n)), np.zeros(0), True)
        self._floating = FloatingNetwork(subject, self.units, frame)

    @property
    def is_reliable(self) -> bool:
        """Whether the weights are neither so small nor so large that bounds would break down."""
        return self._floating.is_reliable

    def point_of(self, queries: Any) -> Floats:
        """Return the one input that a result is about; ValueError if it is none."""
        network, shape = self.network, tuple(np.shape(queries))
        if shape not in {network.input_shape, (network.n_inputs,)}:
            raise ValueError(
                f"queries must be one input, of shape {network.input_shape}, got {shape}"
            )
        point: Floats = network.as_rows(np.asarray(queries)[None], "queries")[0]
        return point

    def at(self, points: Floats, errors: Floats | None = None) -> tuple[Bounded, Bounded]:
        """Return the inputs of hidden units, (n, n_hidden), and the outputs, with their errors.

        Points may be off by `errors`.
        """
        off = np.zeros_like(points) if errors is None else errors
        stages, step = self.network.stages, max(BLOCK // self._floating.width, 1)
        shapes = (len(points), len(self.units)), (len(points), self.network.n_outputs)
        hidden, outputs = (tuple(np.empty(shape) for _ in range(2)) for shape in shapes)
        for first in range(0, len(points), step):
            some = slice(first, first + step)
            found = self._floating.evaluate(points[some], off[some])
            for which in (0, 1):
                parts = [each[which][:, s.hidden] for each, s in zip(found, stages, strict=True)]
                hidden[which][some] = np.concatenate(parts, axis=1)
                outputs[which][some] = found[-1][which]
        return (hidden[0], hidden[1]), (outputs[0], outputs[1])

    def slopes(self, bits: Bools) -> Iterator[tuple[slice, list[Bounded]]]:
        """Yield some inputs, and the slopes of all stages' units along each, under one pattern."""
        n, stages = self.network.n_inputs, self.network.stages
        step = max(BLOCK // max(self._floating.width, 1), 1)
        for first in range(0, n, step):
            rows = np.eye(min(step, n - first), n, first)[None]
            zero = np.zeros_like(rows)
            constants = np.zeros(rows.shape[1])
            found = self._floating.forward(rows, zero, constants, bits[None], len(stages))
            yield (
                slice(first, first + rows.shape[1]),
                [(values[0], doubts[0]) for values, doubts in found],
            )


class Lengths:
    """Norms of slopes that come some at a time, with bounds of their errors.

    Attributes
    ----------
    squares, sizes, doubts : (n,) float64
        Sums of squares and of absolute values, and of the slopes' errors.
    """

    def __init__(self, n: int) -> None:
        self.squares, self.sizes, self.doubts = np.zeros(n), np.zeros(n), np.zeros(n)
        self._n_terms = 4

    def add(self, slopes: Floats, doubts: Floats) -> None:
        """Take the slopes along some more inputs, (n_inputs, n)."""
        self.squares += np.einsum("ij,ij->j", slopes, slopes)
        self.sizes += np.abs(slopes).sum(axis=0)
        self.doubts += doubts.sum(axis=0)
        self._n_terms += len(slopes)

    def bounds(self, *, largest: bool) -> tuple[Floats, Floats]:
        """Least and greatest lengths: dual to the 2-norm, or to the largest norm of a move."""
        lengths = self.sizes if largest else np.sqrt(self.squares)
        doubt = self.doubts + gamma(self._n_terms) * lengths
        return np.maximum(lengths - doubt, 0.0), lengths + doubt
