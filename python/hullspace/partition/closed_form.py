"""Distances to decision boundaries in closed form, the domain aside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace.arguments import as_matrix

if TYPE_CHECKING:
    from hullspace.features import Head


@dataclass(frozen=True)
class BoundaryDistances:
    """Distances of features to the decision boundaries, as `boundary_distances` returns them.

    Attributes
    ----------
    nearest : (n,) float64
        Distance to the nearest decision boundary, in the units of the features.
    competitors : (n,) int64
        Class on the other side of that boundary; -1 where there is no boundary.
    predictions : (n,) int64
        Class of the region that the feature lies in.
    distances : (n, n_classes) float64
        Distance to the hyperplane where each class ties with the predicted one; infinity for the
        predicted class itself and for classes that tie nowhere.
    """

    nearest: npt.NDArray[np.float64]
    competitors: npt.NDArray[np.int64]
    predictions: npt.NDArray[np.int64]
    distances: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.nearest)


def boundary_distances(features: npt.ArrayLike, head: Head) -> BoundaryDistances:
    """Compute how far features are from the decision boundaries of a head.

    Parameters
    ----------
    features : (n, n_features) array
        Points of feature space.
    head : Head
        The affine map from features to logits.

    Returns
    -------
    BoundaryDistances
        In double precision.

    Raises
    ------
    TypeError, ValueError
        If `features` has the wrong type, shape or values.

    Notes
    -----
    The distance to the hyperplane where class j ties with the predicted class c is
    ``((W_c - W_j) z + b_c - b_j) / |W_c - W_j|``. The smallest one is the distance to the boundary
    of the region: the region is the intersection of the half-spaces, so the nearest point of its
    complement lies on the nearest hyperplane.

    Examples
    --------
    >>> import hullspace
    >>> head = hullspace.Head([[1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    >>> found = hullspace.partition.boundary_distances([[3.0, 1.0]], head)
    >>> found.nearest.round(3), found.competitors
    (array([1.414]), array([1]))
    """
    matrix = as_matrix(features, "features", columns=head.n_features, allow_empty=True)
    weight = head.weight.astype(np.float64)
    logits = matrix.astype(np.float64) @ weight.T + head.bias.astype(np.float64)
    predictions = logits.argmax(axis=1)
    distances = np.full(logits.shape, np.inf)
    for c in np.unique(predictions):
        rows = predictions == c
        lengths = np.linalg.norm(weight[c] - weight, axis=1)
        margins = logits[rows, c, None] - logits[rows]
        # Parallel hyperplanes: the classes tie everywhere or nowhere.
        ties_nowhere = np.where(margins > 0.0, np.inf, 0.0)
        quotients = margins / np.where(lengths > 0.0, lengths, 1.0)
        distances[rows] = np.where(lengths > 0.0, quotients, ties_nowhere)
        distances[rows, c] = np.inf
    nearest = distances.min(axis=1)
    competitors = np.where(np.isfinite(nearest), distances.argmin(axis=1), -1)
    return BoundaryDistances(nearest, competitors, predictions, distances)
