"""Which three test images a slice of feature space is laid through."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from hullspace.partition import Ambiguity

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]
_Bools = npt.NDArray[np.bool_]

# Images of each class among which three are chosen: all triples of them are compared.
_CANDIDATES = 20


def choose_samples(
    z: _Floats,
    logits: _Floats,
    radii: _Floats,
    correct: _Bools,
    triples: Ambiguity | None,
) -> _Ints:
    """Choose three images whose plane shows much of the partition.

    They are of the three classes that tie nearest to any image, and near to that tie; of those,
    the ones between which the three classes tie, with large guaranteed balls compared with their
    distances. Without such a tie, three images that are far from each other.

    Parameters
    ----------
    z : (n, n_features) float64
        The features.
    logits : (n, n_classes) float64
        Their logits.
    radii : (n,) float64
        Radii of their guaranteed balls.
    correct : (n,) bool
        Whether the prediction is right; such images are preferred.
    triples : Ambiguity or None
        How near they are to a tie of three classes.

    Returns
    -------
    (3,) int64
        Rows, in the order of the classes; fewer if there are fewer.
    """
    if triples is not None and len(nearest := triples.most_ambiguous(1)):
        classes, tie = triples.classes[nearest[0]], triples.points[nearest[0]]
        distances = np.linalg.norm(z - tie, axis=1)
        predictions = logits.argmax(axis=1)
        order = np.lexsort((distances, ~correct))
        candidates = [order[predictions[order] == c][:_CANDIDATES] for c in classes]
        chosen = _around_a_tie(z, logits, radii, candidates, classes)
        if chosen is not None:
            return chosen
    return _far_apart(z, logits.argmax(axis=1), radii)


def _around_a_tie(
    z: _Floats, logits: _Floats, radii: _Floats, candidates: list[_Ints], classes: _Ints
) -> _Ints | None:
    """Of one candidate of each class, the triple with large balls and a tie between them."""
    triples = np.stack(np.meshgrid(*candidates, indexing="ij"), axis=-1).reshape(-1, 3)
    if not len(triples):
        return None
    values = logits[triples]  # (n, 3 images, n_classes)
    a, b, c = (values[:, :, k] for k in classes)
    # The weights of the images where the classes tie are at a right angle to both differences.
    weights = np.cross(a - b, a - c)
    totals = weights.sum(axis=1, keepdims=True)
    weights = np.divide(weights, totals, where=totals != 0.0, out=np.full(weights.shape, -1.0))
    tied = np.einsum("ij,ijk->ik", weights, values)
    top = tied.max(axis=1) <= tied[:, classes].max(axis=1)
    fits = (weights > 0.0).all(axis=1) & top
    longest = np.max(
        [np.linalg.norm(z[triples[:, i]] - z[triples[:, j]], axis=1) for i, j in _SIDES], axis=0
    )
    smallest = np.minimum(radii[triples].min(axis=1), longest)  # balls may be infinite
    score = np.divide(smallest, longest, where=longest > 0.0, out=np.zeros(len(longest)))
    if not fits.any():
        return None
    best: _Ints = triples[np.where(fits, score, -1.0).argmax()]
    return best


_SIDES = tuple(combinations(range(3), 2))


def _far_apart(z: _Floats, predictions: _Ints, radii: _Floats) -> _Ints:
    """Return an image near a boundary, the farthest of another class, that farthest from both."""
    if len(z) < 3:
        return np.arange(len(z))
    first = int(radii.argmin())
    lengths = np.linalg.norm(z - z[first], axis=1)
    other = predictions != predictions[first]
    second = int(np.where(other | ~other.any(), lengths, -1.0).argmax())
    along = (z[second] - z[first]) / max(lengths[second], np.finfo(float).tiny)
    heights = np.linalg.norm(z - z[first] - np.outer((z - z[first]) @ along, along), axis=1)
    third = int(heights.argmax())
    return np.array([first, second, third])
