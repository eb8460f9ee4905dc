"""What else answers the questions of the benchmarks, for one query unless it says otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.optimize import linprog, nnls

if TYPE_CHECKING:
    import numpy.typing as npt

    Points = npt.NDArray[np.floating]


def nnls_weights(points: Points, query: Points) -> Points:
    """Convex weights of the nearest point, by least squares with a penalty row for the sum."""
    shifted = (points.astype(np.float64) - query).T
    penalty = 1e3 * np.abs(shifted).max()
    matrix = np.vstack([shifted, np.full(shifted.shape[1], penalty)])
    weights, _ = nnls(matrix, np.append(np.zeros(len(query)), penalty), maxiter=100_000)
    normalized: Points = weights / weights.sum()
    return normalized


def nnls_distance(points: Points, query: Points) -> float:
    """Projection by non-negative least squares."""
    return float(np.linalg.norm(nnls_weights(points, query) @ points - query))


def highs_contains(points: Points, query: Points) -> bool:
    """Membership as a feasibility linear program."""
    matrix = np.vstack([points.T.astype(np.float64), np.ones(len(points))])
    result = linprog(np.zeros(len(points)), A_eq=matrix, b_eq=np.append(query, 1.0), method="highs")
    return bool(result.status == 0)


def clarabel_distance(points: Points, query: Points, tolerance: float = 1e-8) -> float:
    """Projection by an interior-point method for quadratic programs."""
    import clarabel

    n_points, n_features = points.shape
    # Variables: the nearest point less the query, then the weights.
    differences = sparse.csc_array((points.astype(np.float64) - query).T)
    equations = sparse.block_array(
        [
            [-sparse.eye_array(n_features), differences],
            [None, np.ones((1, n_points))],
            [None, -sparse.eye_array(n_points)],
        ],
        format="csc",
    )
    cost = sparse.diags_array(np.repeat([1.0, 0.0], [n_features, n_points]), format="csc")
    target = np.zeros(equations.shape[0])
    target[n_features] = 1.0
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = tolerance
    cones = [clarabel.ZeroConeT(n_features + 1), clarabel.NonnegativeConeT(n_points)]
    arguments = (sparse.csc_matrix(cost), np.zeros(n_features + n_points))
    arguments += (sparse.csc_matrix(equations), target, cones, settings)
    weights = np.maximum(np.array(clarabel.DefaultSolver(*arguments).solve().x)[n_features:], 0.0)
    return float(np.linalg.norm(weights / weights.sum() @ points - query))


def frank_wolfe_distances(points: Points, queries: Points, n_steps: int) -> Points:
    """Projection of a batch by conditional gradients with exact line search, in torch.

    M. Jaggi, "Revisiting Frank-Wolfe: projection-free sparse convex optimization", ICML 2013.
    Arrays are NumPy's or torch's, on any device.
    """
    import torch

    matrix, targets = torch.as_tensor(points), torch.as_tensor(queries)
    nearest = matrix[torch.cdist(targets, matrix).argmin(dim=1)]
    for _ in range(n_steps):
        residual = nearest - targets
        steps = matrix[(residual @ matrix.T).argmin(dim=1)] - nearest
        lengths = -(residual * steps).sum(dim=1) / (steps * steps).sum(dim=1).clamp_min(1e-30)
        nearest = nearest + lengths.clamp(0.0, 1.0)[:, None] * steps
    distances: Points = (nearest - targets).norm(dim=1).cpu().numpy()
    return distances


def wolfe_distance(points: Points, query: Points, tolerance: float = 1e-12) -> float:
    """Projection by the minimum-norm-point method as published, one point a step.

    P. Wolfe, "Finding the nearest point in a polytope", Mathematical Programming 11 (1976).
    """
    shifted = points.astype(np.float64) - query
    corral = [int(np.einsum("ij,ij->i", shifted, shifted).argmin())]
    weights = np.ones(1)
    while True:
        nearest = weights @ shifted[corral]
        scores = shifted @ nearest
        entering = int(scores.argmin())
        if entering in corral or nearest @ nearest - scores[entering] <= tolerance:
            return float(np.linalg.norm(nearest))
        corral.append(entering)
        weights = np.append(weights, 0.0)
        while True:
            gram = 1.0 + shifted[corral] @ shifted[corral].T
            affine = np.linalg.solve(gram, np.ones(len(corral)))
            affine /= affine.sum()
            if affine.min() > 0.0:
                weights = affine
                break
            falling = affine <= 0.0
            share = (weights[falling] / (weights[falling] - affine[falling])).min()
            weights = weights + share * (affine - weights)
            kept = weights > 1e-14
            kept[falling.nonzero()[0][weights[falling].argmin()]] = False
            corral = [index for index, keep in zip(corral, kept, strict=True) if keep]
            weights = weights[kept] / weights[kept].sum()


def sketching_distance(points: Points, query: Points, n_sketches: int = 5) -> float:
    """Projection by growing sketches of the set, each solved in two steps.

    A Cauchy step of projected gradients on the weights' box chooses points, and a least-squares
    problem over these alone sets their weights: R. Yousefzadeh, "A sketching method for finding
    the closest point on a convex hull", arXiv 2102.10502. Here NNLS solves the latter, which is
    faster than an interior-point method.
    """
    matrix = points.astype(np.float64)
    weights = np.ones(1)
    for sketch in range(1, n_sketches + 1):
        part = matrix[: len(matrix) * sketch // n_sketches]
        weights = np.append(weights, np.zeros(len(part) - len(weights)))
        for _ in range(2):
            weights = _cauchy_step(part, query, weights)
            free = np.flatnonzero(weights >= 1e-6)
            weights = np.zeros(len(part))
            weights[free] = nnls_weights(part[free], query)
            weights[weights < 1e-6] = 0.0
    return float(np.linalg.norm(weights @ matrix - query))


def _cauchy_step(points: Points, query: Points, weights: Points) -> Points:
    """First minimum along the projected gradient's path, of the squared distance over a box.

    Nocedal and Wright, "Numerical optimization", section 16.7.
    """
    gradient = points @ (weights @ points - query)
    ends = np.full(len(weights), np.inf)
    ends[gradient < 0] = ((weights - 1.0) / gradient)[gradient < 0]
    ends[gradient > 0] = (weights / gradient)[gradient > 0]
    direction = np.where(ends > 0, -gradient, 0.0)
    along, place, time = direction @ points, weights @ points - query, 0.0
    order = np.argsort(ends)
    for index in order[np.searchsorted(ends[order], 0.0, side="right") :]:
        slope, curvature = place @ along, along @ along
        if slope >= 0.0 or curvature == 0.0:
            break
        if -slope / curvature < ends[index] - time:
            time -= slope / curvature
            break
        place = place + (ends[index] - time) * along
        time = ends[index]
        along = along - direction[index] * points[index]
    moved: Points = np.clip(weights - np.minimum(time, ends) * gradient, 0.0, 1.0)
    return np.where(ends > 0, moved, weights)
