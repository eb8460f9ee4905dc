"""Points near an input where the class changes: upper bounds for the exact search.

Steps along linearizations go back and forth across the boundary and closer to the input (F. Croce,
M. Hein, "Minimally distorted adversarial examples with a fast adaptive boundary attack", ICML
2020); exact nearest points of linear regions, and of the regions beyond the units that hold them
back, end it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace.bounds.relaxation import Lines

if TYPE_CHECKING:
    from hullspace.bounds.norms import Norm
    from hullspace.networks import ReluNetwork

_Floats = npt.NDArray[np.float64]

# Random starts for each target.
_STARTS = 8


def gradients(network: ReluNetwork, points: _Floats, weights: _Floats) -> tuple[_Floats, _Floats]:
    """Return the outputs at points, and the gradients of weighted sums of them, (n, n_inputs)."""
    inputs = network.preactivations(points)
    back: list[_Floats | None] = [None] * len(inputs)
    back[-1] = weights
    ahead = np.zeros_like(points)
    for k in range(len(network.stages) - 1, -1, -1):
        gradient = back[k]
        if gradient is None:
            continue
        stage = network.stages[k]
        gradient = gradient * np.where(inputs[k] > 0.0, 1.0, stage.slopes)
        for term in stage.terms:
            part = term.operator.apply_transposed(gradient)
            if term.source == 0:
                ahead = ahead + part
            else:
                before = back[term.source - 1]
                back[term.source - 1] = part if before is None else before + part
    return inputs[-1], ahead


def approach(
    network: ReluNetwork,
    x: _Floats,
    norm: Norm,
    label: int,
    targets: npt.NDArray[np.int64],
    starts: _Floats,
    steps: int = 60,
) -> tuple[_Floats, _Floats]:
    """Look for near points where targets reach the class, from one start for each, all at once.

    Parameters
    ----------
    targets : (n,) int64
        Classes, repeated for several starts.
    starts : (n, n_inputs) float64
        Where to start, relative to x. Every other one first goes straight ahead until it has
        crossed; the others keep close to x from the beginning.

    Returns
    -------
    points (n, n_inputs), distances (n,)
        Relative to x; infinite distances where no point was found.
    """
    n = len(targets)
    weights = np.zeros((n, network.n_outputs))
    weights[:, label] = 1.0
    weights[np.arange(n), targets] = -1.0
    y = np.clip(starts, norm.lower, norm.upper)
    best, found = np.full(n, np.inf), np.zeros((n, len(x)))
    empty, nothing = np.zeros((n, 0)), np.zeros(n)
    for _ in range(steps):
        outputs, normals = gradients(network, x + y, weights)
        values = (weights * outputs).sum(axis=1)
        distances = np.array([norm.length(row) for row in y])
        better = (values <= 0.0) & (distances < best)
        best[better], found[better] = distances[better], y[better]
        offsets = values - (normals * y).sum(axis=1)
        lines = Lines(normals, offsets, nothing, empty, empty, empty)
        _, near, _ = norm.nearest(lines, nothing, 10)
        # A little beyond the linearization's nearest point, and back towards x once across.
        here = type(norm)(norm.lower - y, norm.upper - y, norm.rounding)
        _, ahead, _ = here.nearest(
            Lines(normals, values, nothing, empty, empty, empty), nothing, 10
        )
        straight = (np.isinf(best) & (np.arange(n) % 2 == 0))[:, None]
        across = (values <= 0.0)[:, None]
        y = np.where(across, 0.5 * (y + near), np.where(straight, y + 1.05 * ahead, 1.01 * near))
        y = np.clip(y, norm.lower, norm.upper)
    return found, best


def many_approaches(
    network: ReluNetwork, x: _Floats, norm: Norm, label: int, targets: npt.NDArray[np.int64]
) -> dict[int, list[_Floats]]:
    """Look for near points of each target, from x and from points about as far as those found.

    Returns
    -------
    dict
        For each target points relative to x, the nearest first; targets with near points first.
    """
    generator = np.random.default_rng(0)
    twice, many = np.repeat(targets, 2), np.repeat(targets, _STARTS)
    zeros = np.zeros((len(twice), len(x)))
    points, distances = approach(network, x, norm, label, twice, zeros)
    reach = distances.reshape(-1, 2).min(axis=1)
    reach[np.isinf(reach)] = 1.0
    starts = generator.normal(size=(len(many), len(x)))
    starts *= (np.repeat(reach, _STARTS) / [norm.length(row) for row in starts])[:, None]
    more, farther = approach(network, x, norm, label, many, starts)
    points, distances = np.vstack([points, more]), np.append(distances, farther)
    owners = np.append(twice, many)
    order = np.argsort(distances, kind="stable")
    found: dict[int, list[_Floats]] = {}
    for k in order.tolist():
        found.setdefault(int(owners[k]), [])
        if np.isfinite(distances[k]):
            found[int(owners[k])].append(points[k])
    return found
