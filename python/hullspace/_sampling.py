"""Bounded full-dimensional polyhedra: random points, volumes, corners."""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt

_Floats = npt.NDArray[np.float64]

# Qhull's work grows too fast beyond.
MAX_DIMENSIONS = 8

_LARGEST_R_HAT = 1.05


class Walk:
    """Chains of hit-and-run steps, side by side, in a polyhedron and possibly a ball.

    Directions are differences of other chains' points once these have spread, which follow the
    shape of the polyhedron, and random ones otherwise.
    """

    def __init__(
        self, A: _Floats, b: _Floats, starts: _Floats, generator: np.random.Generator
    ) -> None:
        self.A, self.b, self.points, self.generator = A, b, starts.copy(), generator
        self.center, self.radius = np.zeros(A.shape[1]), np.inf
        self.shape = np.eye(A.shape[1])

    def adapt(self) -> None:
        """Let directions follow the spread of the chains."""
        spread = np.cov(self.points, rowvar=False, ddof=1).reshape(self.shape.shape)
        own = np.trace(spread) / len(spread)
        share = len(self.points) / (len(self.points) + 2.0 * len(spread))
        values, vectors = np.linalg.eigh(share * spread + (1.0 - share) * own * np.eye(len(spread)))
        self.shape = vectors * np.sqrt(np.maximum(values, 1e-12 * values.max()))

    def step(self) -> None:
        """Move every chain to a random point of a random chord."""
        directions = self.generator.normal(size=self.points.shape) @ self.shape.T
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        slacks = np.maximum(self.b - self.points @ self.A.T, 0.0)
        speeds = directions @ self.A.T
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = slacks / speeds
        last = np.where(speeds > 0.0, ratios, np.inf).min(axis=1)
        first = np.where(speeds < 0.0, ratios, -np.inf).max(axis=1)
        if np.isfinite(self.radius):
            offsets = self.points - self.center
            half = (offsets * directions).sum(axis=1)
            inside = self.radius**2 - (offsets**2).sum(axis=1)
            root = np.sqrt(np.maximum(half**2 + np.maximum(inside, 0.0), 0.0))
            first, last = np.maximum(first, -half - root), np.minimum(last, -half + root)
        share = self.generator.uniform(size=len(self.points))
        lengths = first + share * np.maximum(last - first, 0.0)
        self.points = self.points + lengths[:, None] * directions


def sample(
    A: _Floats,
    b: _Floats,
    center: _Floats,
    n: int,
    generator: np.random.Generator,
    *,
    n_chains: int,
    thin: int | None,
) -> tuple[_Floats, _Floats]:
    """Draw points and say how well the chains agree."""
    n_features = len(center)
    steps = thin or 3 * n_features
    walk = Walk(A, b, np.tile(center, (n_chains, 1)), generator)
    for _ in range(8):
        for _ in range(2 * n_features + 10):
            walk.step()
        walk.adapt()
    draws = max(-(-n // n_chains), 8)
    kept = np.empty((draws, n_chains, n_features))
    for i in range(draws):
        for _ in range(steps):
            walk.step()
        kept[i] = walk.points
    values = split_r_hat(kept)
    if values.max() > _LARGEST_R_HAT and draws >= 16:
        warnings.warn(
            f"the chains have not mixed: the largest split R-hat is {values.max():.3f}; "
            "more steps between draws (thin) help",
            UserWarning,
            stacklevel=3,
        )
    return kept.reshape(-1, n_features)[:n], values


def split_r_hat(draws: _Floats) -> _Floats:
    """Split R-hat of (n_draws, n_chains, n_features) draws.

    Gelman et al., "Bayesian data analysis", 3rd ed., section 11.4.
    """
    half = len(draws) // 2
    halves = np.concatenate([draws[:half], draws[half : 2 * half]], axis=1)
    within = halves.var(axis=0, ddof=1).mean(axis=0)
    between = halves.mean(axis=0).var(axis=0, ddof=1)
    ratio: _Floats = np.sqrt((half - 1) / half + between / np.where(within > 0.0, within, 1.0))
    return ratio


def exact_vertices(A: _Floats, b: _Floats, center: _Floats) -> _Floats:
    """Corners in lexicographic order."""
    if len(center) > MAX_DIMENSIONS:
        raise ValueError(
            f"vertices are listed in up to {MAX_DIMENSIONS} dimensions, got {len(center)}"
        )
    if len(center) == 1:
        ends = b[:, None] / np.where(A != 0.0, A, np.nan)
        return np.array([[np.nanmax(ends[A < 0.0])], [np.nanmin(ends[A > 0.0])]])
    from scipy.spatial import HalfspaceIntersection  # noqa: PLC0415 - takes long to import

    lengths = np.linalg.norm(A, axis=1)
    rows = lengths > 0.0
    slacks = (b - A @ center)[rows] / lengths[rows]
    unit = slacks.min()
    halfspaces = np.column_stack([A[rows] / lengths[rows, None], -slacks / unit])
    corners = HalfspaceIntersection(halfspaces, np.zeros(len(center))).intersections
    # Where more halfspaces meet than dimensions, Qhull lists a corner more than once.
    _, first = np.unique(np.round(corners, 9), axis=0, return_index=True)
    points: _Floats = center + corners[first] * unit + 0.0  # no negative zeros
    return points


def exact_volume(A: _Floats, b: _Floats, center: _Floats) -> float | None:
    """Volume by Qhull, or None in too many dimensions."""
    if len(center) > MAX_DIMENSIONS:
        return None
    corners = exact_vertices(A, b, center)
    if len(center) == 1:
        return float(corners[1, 0] - corners[0, 0])
    from scipy.spatial import ConvexHull  # noqa: PLC0415 - takes long to import

    return float(ConvexHull(corners).volume)


def estimate_volume(
    A: _Floats, b: _Floats, center: _Floats, n_samples: int, generator: np.random.Generator
) -> tuple[float, tuple[float, float]]:
    """Multiply the shares that growing balls around the centre have in one another.

    Dyer, Frieze and Kannan, "A random polynomial-time algorithm for approximating the volume of
    convex bodies", Journal of the ACM 38 (1991), with the polyhedron cut by balls.
    """
    from scipy.special import gammaln  # noqa: PLC0415 - takes long to import

    n = len(center)
    lengths = np.linalg.norm(A, axis=1)
    rows = lengths > 0.0
    radius = float(((b - A @ center)[rows] / lengths[rows]).min())
    log_volume = n / 2 * np.log(np.pi) - gammaln(n / 2 + 1) + n * np.log(radius)
    n_chains = 64
    walk = Walk(A, b, np.tile(center, (n_chains, 1)), generator)
    walk.center = center
    variance = 0.0
    while True:
        larger = radius * 2.0 ** (1.0 / n)
        walk.radius = larger
        shares = _shares_within(walk, radius, max(10, n_samples // n_chains))
        share = float(shares.mean())
        if share >= 1.0:
            # The ball that was enough already: nothing lies beyond it.
            break
        log_volume -= np.log(share)
        variance += float(shares.var(ddof=1)) / n_chains / share**2
        radius = larger
    deviation = 1.959964 * np.sqrt(variance)
    ends = np.exp([log_volume - deviation, log_volume + deviation])
    return float(np.exp(log_volume)), (float(ends[0]), float(ends[1]))


def _shares_within(walk: Walk, radius: float, n_steps: int) -> _Floats:
    """Share of each chain's points that lie within the smaller ball."""
    for _ in range(2 * len(walk.center)):
        walk.step()
    walk.adapt()
    within = np.zeros(len(walk.points))
    for _ in range(n_steps):
        walk.step()
        within += np.linalg.norm(walk.points - walk.center, axis=1) <= radius
    shares: _Floats = within / n_steps
    return shares
