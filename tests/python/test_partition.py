"""Distances to decision boundaries against a solver and hand-made cases."""

import numpy as np
import pytest
from scipy.optimize import minimize

from hullspace import Head
from hullspace.partition import boundary_distances


def test_known_distances():
    head = Head(np.eye(3), [0.0, 0.0, -5.0])
    found = boundary_distances([[3.0, 1.0, 0.0], [0.0, 0.0, 9.0], [2.0, 2.0, 0.0]], head)
    assert found.predictions.tolist() == [0, 2, 0]
    assert found.nearest == pytest.approx([2**0.5, 4 / 2**0.5, 0.0])
    assert found.competitors.tolist() == [1, 0, 1]
    assert found.distances[0] == pytest.approx([np.inf, 2**0.5, 8 / 2**0.5])


def test_distances_agree_with_a_quadratic_program():
    generator = np.random.default_rng(0)
    head = Head(generator.normal(size=(5, 4)), generator.normal(size=5))
    features = 2 * generator.normal(size=(10, 4))
    found = boundary_distances(features, head)
    for z, c, nearest in zip(features, found.predictions, found.nearest, strict=True):
        best = np.inf
        for j in set(range(5)) - {int(c)}:
            tie = {
                "type": "eq",
                "fun": lambda x, c=c, j=j: (
                    (head.weight[c] - head.weight[j]) @ x + head.bias[c] - head.bias[j]
                ),
            }
            result = minimize(lambda x, z=z: ((x - z) ** 2).sum(), z, constraints=tie)
            best = min(best, result.fun**0.5)
        assert nearest == pytest.approx(best, rel=1e-5)


def test_moving_by_the_distance_reaches_a_tie():
    generator = np.random.default_rng(1)
    head = Head(generator.normal(size=(7, 6)).astype(np.float32))
    features = generator.normal(size=(50, 6)).astype(np.float32)
    found = boundary_distances(features, head)
    direction = head.weight[found.competitors] - head.weight[found.predictions]
    direction = direction / np.linalg.norm(direction, axis=1, keepdims=True)
    moved = features + found.nearest[:, None] * direction
    logits = np.sort(moved.astype(np.float64) @ head.weight.T.astype(np.float64), axis=1)
    assert np.allclose(logits[:, -1], logits[:, -2], atol=1e-5)


def test_equal_rows_tie_everywhere_or_nowhere():
    head = Head([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [0.0, -1.0, 0.0])
    found = boundary_distances([[2.0, 0.0]], head)
    assert found.distances[0].tolist() == pytest.approx([np.inf, np.inf, 2**0.5])
    tied = Head([[1.0, 0.0], [1.0, 0.0]])
    found = boundary_distances([[2.0, 0.0]], tied)
    assert found.nearest[0] == 0.0
    assert found.competitors[0] == 1


def test_one_class_has_no_boundary():
    found = boundary_distances([[1.0]], Head([[2.0]]))
    assert found.nearest[0] == np.inf
    assert found.competitors[0] == -1


def test_misuse_is_named():
    head = Head(np.eye(3))
    with pytest.raises(ValueError, match=r"features must have 3 columns.*\(2, 2\)"):
        boundary_distances(np.ones((2, 2)), head)
    with pytest.raises(ValueError, match="features must be finite"):
        boundary_distances([[np.nan, 1, 1]], head)
    assert len(boundary_distances(np.empty((0, 3)), head)) == 0
