"""Images at ties of several classes."""

import numpy as np
import pytest
from torch import nn

from hullspace import DecisionPartition, Status, pixels
from pixel_cases import linear, relu_space, space_of, unchanged

START = np.random.default_rng(0).uniform(size=(5, 2))


def three_classes():
    """Classes x, y, and 1.5 - x - y, which tie at (0.5, 0.5) only."""
    model = linear([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]], [0.0, 0.0, 1.5])
    space = space_of(model, 2)
    return space, DecisionPartition.from_head(space.head, domain=None)


@pytest.mark.parametrize("classes", [3, (0, 1, 2), np.array([2, 1, 0])])
def test_three_classes_tie_in_one_point(classes):
    space, partition = three_classes()
    found = pixels.ambiguous_images(space, partition, classes, START)
    np.testing.assert_allclose(found.images, 0.5, atol=1e-6)
    np.testing.assert_array_equal(found.classes, [[0, 1, 2]] * 5)
    assert found.reached.all()
    assert found.spreads.max() <= 1e-6
    np.testing.assert_allclose(found.distances, np.linalg.norm(START - 0.5, axis=1), atol=1e-6)


def test_two_classes_tie_at_the_top_on_a_line():
    space, partition = three_classes()
    found = pixels.ambiguous_images(space, partition, [0, 1], START)
    assert found.reached.all()
    np.testing.assert_allclose(found.images[:, 0], found.images[:, 1], atol=1e-4)
    assert (found.images[:, 0] >= 0.5 - 1e-4).all()
    assert found.at_top.all()


def test_a_tie_outside_the_box_is_not_reached():
    space, partition = three_classes()
    found = pixels.ambiguous_images(space, partition, 3, START * 0.2, bounds=(0, 0.4))
    assert (found.status == Status.NOT_REACHED).all()
    assert (found.spreads > 0.1).all()
    assert (found.images <= 0.4).all()


def test_classes_that_never_tie():
    # The third class is below the others everywhere in the domain.
    model = linear([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]], [0.0, 0.0, -1.0])
    space = space_of(model, 2)
    partition = DecisionPartition.from_head(space.head, domain="orthant")
    for classes in (3, (0, 1, 2)):
        found = pixels.ambiguous_images(space, partition, classes, START)
        assert (found.classes == -1).all()
        assert (found.status == Status.NOT_REACHED).all()
        assert np.isnan(found.images).all()


def test_networks_reach_ties_of_three():
    space, _ = relu_space(8, 24, 5, 4, seed=2)
    partition = DecisionPartition.from_head(space.head, domain=None)
    start = np.random.default_rng(1).uniform(size=(6, 8))
    space.model.train()
    with unchanged(space.model):
        found = pixels.ambiguous_images(space, partition, 2, start)
    again = pixels.ambiguous_images(space, partition, 2, start)
    np.testing.assert_array_equal(found.images, again.images)
    for i in np.flatnonzero(found.reached):
        logits = np.sort(found.logits[i])[::-1]
        assert logits[0] - logits[1] <= 1e-4
    assert (found.spreads[found.reached] <= 1e-4).all()
    assert "ties of 2" in repr(found) or "tie of 2" in repr(found)


def test_no_start():
    space, partition = three_classes()
    assert len(pixels.ambiguous_images(space, partition, 2, START[:0])) == 0


def test_misuse_is_named():
    space, partition = three_classes()
    other = space_of(nn.Linear(2, 4).double(), 2)
    for change, match in (
        ({"space": other}, "partition must have"),
        ({"classes": 1}, "k must be between 2 and 3"),
        ({"classes": (0, 5)}, "classes must be between"),
        ({"start": START + 1}, "start must be finite and within"),
        ({"tie": -1}, "tie must be"),
    ):
        options = {"space": space, "partition": partition, "classes": 3, "start": START, **change}
        with pytest.raises((TypeError, ValueError), match=match):
            pixels.ambiguous_images(**options)
