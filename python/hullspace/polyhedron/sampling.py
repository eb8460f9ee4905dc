"""Random points of bounded full-dimensional polyhedra, and volumes that follow from them."""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt

_Floats = npt.NDArray[np.float64]

_LARGEST_R_HAT = 1.05
# Groups of chains that a volume's interval comes from, and one that chooses where to measure.
_GROUPS = 8


class HitAndRun:
    """Chains of hit-and-run steps, side by side, in a polyhedron and possibly a ball.

    Directions are those of the features or follow the extents of the polyhedron, later the spread
    of the chains.
    """

    def __init__(
        self,
        A: _Floats,
        b: _Floats,
        center: _Floats,
        extent: _Floats,
        n_chains: int,
        generator: np.random.Generator,
    ) -> None:
        self.A, self.b, self.center, self.generator = A, b, center, generator
        self.points = np.tile(center, (n_chains, 1))
        self.radius = np.inf
        self._shape = np.diag(extent)
        for _ in range(12):
            self.run(5 * len(center) + 20)
            self.adapt()

    def adapt(self) -> None:
        """Let directions follow the spread of the chains."""
        n = len(self.center)
        own = self._shape @ self._shape.T
        spread = np.cov(self.points, rowvar=False, ddof=1).reshape(n, n)
        share = len(self.points) / (len(self.points) + 2.0 * n)
        # The shape so far, at the size of the spread, where the chains are too few to tell.
        own *= np.trace(np.linalg.solve(own, spread)) / n
        values, vectors = np.linalg.eigh(share * spread + (1.0 - share) * own)
        self._shape = vectors * np.sqrt(np.maximum(values, 1e-24 * values.max()))

    def run(self, n_steps: int) -> None:
        """Make steps."""
        for _ in range(n_steps):
            self.step()

    def _directions(self) -> _Floats:
        """Draw unit vectors: half along features, which leads out of corners, half anywhere."""
        n_chains, n_features = self.points.shape
        directions = self.generator.normal(size=self.points.shape) @ self._shape.T
        axes = self.generator.integers(n_features, size=n_chains)
        along = self.generator.uniform(size=n_chains) < 0.5
        directions[along] = np.eye(n_features)[np.asarray(axes)[along]]
        unit: _Floats = directions / np.linalg.norm(directions, axis=1, keepdims=True)
        return unit

    def step(self) -> None:
        """Move every chain to a random point of a random chord."""
        directions = self._directions()
        slacks = np.maximum(self.b - self.points @ self.A.T, 0.0)
        speeds = directions @ self.A.T
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = slacks / speeds
        last = np.where(speeds > 0.0, ratios, np.inf).min(axis=1)
        first = np.where(speeds < 0.0, ratios, -np.inf).max(axis=1)
        if np.isfinite(self.radius):
            offsets = self.points - self.center
            half = (offsets * directions).sum(axis=1)
            inside = np.maximum(self.radius**2 - (offsets**2).sum(axis=1), 0.0)
            root = np.sqrt(half**2 + inside)
            first, last = np.maximum(first, -half - root), np.minimum(last, -half + root)
        share = self.generator.uniform(size=len(self.points))
        lengths = first + share * np.maximum(last - first, 0.0)
        self.points = self.points + lengths[:, None] * directions

    def distances(self) -> _Floats:
        """Distance of every chain's point from the centre."""
        found: _Floats = np.linalg.norm(self.points - self.center, axis=1)
        return found

    def shrink(self, radius: float, groups: npt.NDArray[np.int64]) -> None:
        """Stay within a smaller ball; chains outside go on from those inside of their group."""
        inside = self.distances() <= radius
        for group in groups:
            within, outside = group[inside[group]], group[~inside[group]]
            if len(within):
                self.points[outside] = self.points[self.generator.choice(within, len(outside))]
            else:
                self.points[outside] = self.center
        self.radius = radius


def sample(chains: HitAndRun, n: int, thin: int | None) -> tuple[_Floats, _Floats]:
    """Draw points and say how well the chains agree."""
    n_chains, n_features = chains.points.shape
    draws = max(-(-n // n_chains), 8)
    kept = np.empty((draws, n_chains, n_features))
    for i in range(draws):
        chains.run(thin or 20 * n_features)
        kept[i] = chains.points
    values = split_r_hat(kept)
    if values.max() > _LARGEST_R_HAT:
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


def estimate_volume(chains: HitAndRun, n_samples: int) -> tuple[float, tuple[float, float]]:
    """Multiply the shares that shrinking balls around the centre have in one another.

    Dyer, Frieze and Kannan, "A random polynomial-time algorithm for approximating the volume of
    convex bodies", Journal of the ACM 38 (1991), from the whole polyhedron inwards: points that are
    spread over a body and lie in a smaller ball are spread over what the ball cuts out of it, so no
    chain has to find its way into a part that it has not seen.

    One chain's points depend on one another, also from ball to ball, and so do chains that go on
    from one another. So chains form groups that know nothing of each other. The first one chooses
    the balls, and the others measure: the interval is that of the jackknife over them [1]_, which
    takes no more for granted than that groups are alike.

    References
    ----------
    .. [1] R. G. Miller, "The jackknife: a review", Biometrika 61 (1974).
    """
    from scipy.special import gammaln, stdtrit  # noqa: PLC0415 - take long to import

    groups = np.arange(len(chains.points)).reshape(_GROUPS, -1)
    n = len(chains.center)
    lengths = np.linalg.norm(chains.A, axis=1)
    rows = lengths > 0.0
    inner = float(((chains.b - chains.A @ chains.center)[rows] / lengths[rows]).min())
    log_volume = float(n / 2 * np.log(np.pi) - gammaln(n / 2 + 1) + n * np.log(inner))
    n_steps = max(20, n_samples // len(chains.points))
    measured = []
    while chains.radius > inner:
        chains.run(10 * n)
        chains.adapt()
        radius = max(inner, _median_distance(chains, groups[0], n_steps))
        measured.append(_shares_within(chains, radius, n_steps)[groups[1:]].mean(axis=1))
        chains.shrink(radius, groups)
    shares = np.array(measured).reshape(-1, _GROUPS - 1)
    whole = -np.log(shares.mean(axis=1)).sum()
    others = (shares.sum(axis=1, keepdims=True) - shares) / (_GROUPS - 2)
    without = -np.log(others).sum(axis=0)
    pseudo = (_GROUPS - 1) * whole - (_GROUPS - 2) * without
    deviation = stdtrit(_GROUPS - 2, 0.975) * pseudo.std(ddof=1) / (_GROUPS - 1) ** 0.5
    log_volume += float(pseudo.mean())
    ends = np.exp([log_volume - deviation, log_volume + deviation])
    return float(np.exp(log_volume)), (float(ends[0]), float(ends[1]))


def _median_distance(chains: HitAndRun, group: npt.NDArray[np.int64], n_steps: int) -> float:
    """Find the distance from the centre within which half of a group's points lie."""
    seen = []
    for _ in range(max(5, n_steps // 10)):
        chains.step()
        seen.append(chains.distances()[group])
    return float(np.median(seen))


def _shares_within(chains: HitAndRun, radius: float, n_steps: int) -> _Floats:
    """Share of each chain's points that lie within a ball."""
    within = np.zeros(len(chains.points))
    for _ in range(n_steps):
        chains.step()
        within += chains.distances() <= radius
    shares: _Floats = within / n_steps
    return shares
