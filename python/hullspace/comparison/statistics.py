"""Figures with bootstrap intervals, each with the sentence that says what it means."""

from __future__ import annotations

import warnings
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import stats

from hullspace.arguments import require_count

if TYPE_CHECKING:
    from collections.abc import Callable

Kind = Literal["proven", "measured", "heuristic"]
Unit = Literal[
    "share", "points", "ratio", "degrees", "changes", "dimensions", "correlation", "area"
]

# Elements of the resamples that are in memory at a time.
_RESAMPLED = 2**22

_FORMATS = {
    "points": "{:+.1f} percentage points",
    "degrees": "{:.1f} degrees",
    "correlation": "{:.2f}",
    "area": "{:.2f}",
}


@dataclass(frozen=True)
class Estimate:
    """One figure of a comparison.

    Attributes
    ----------
    name : str
        What it is, such as ``outside_training_hull``; unique within a space.
    space : str
        Where it was measured: "pixels", "wavelets", a layer's name, "features", or two of them,
        as in "pixels and features".
    value : float
        NaN where there was nothing to measure it on.
    low, high : float
        Ends of the bootstrap interval; NaN for fewer than two observations.
    n : int
        Observations: samples, pairs or points.
    unit : str
        "share" (0 to 1), "points" (a difference of shares), "ratio", "degrees", "changes",
        "dimensions", "correlation" or "area" (under a ROC curve).
    sentence : str
        What the figure means.
    kind : {"proven", "measured", "heuristic"}
        Each observation has a certificate that passed `certificates.check`; is a measurement; or
        is what a search found, which may not be the best there is. The interval is statistical in
        any case: it says how the figure may differ for other samples of the same kind.
    p_value : float or None
        Of a test that the true value is zero, where one was made.
    """

    name: str
    space: str
    value: float
    low: float
    high: float
    n: int
    unit: Unit
    sentence: str
    kind: Kind
    p_value: float | None = None

    def __str__(self) -> str:
        if np.isnan(self.value):
            return self.sentence
        low, high = (formatted(end, self.unit) for end in (self.low, self.high))
        return f"{self.sentence} [{low} to {high}; n = {self.n}; {self.kind}]"


def formatted(value: float, unit: Unit) -> str:
    """Write a value the way its unit is read."""
    if np.isnan(value):
        return "unknown"
    if unit == "share":
        # All and none are only said of all and none.
        if 0.0 < value < 0.0005:
            return "less than 0.1 %"
        return "more than 99.9 %" if 0.9995 <= value < 1.0 else f"{100.0 * value:.1f} %"
    if abs(value) >= 1000.0:
        return f"{value:,.0f}"
    return _FORMATS.get(unit, "{:.3g}").format(100.0 * value if unit == "points" else value)


@dataclass(frozen=True)
class Bootstrap:
    """Makes estimates with percentile intervals (Efron, "Bootstrap methods", 1979).

    Each estimate has its own random numbers, derived from its name: leaving one out does not
    change the others.

    Attributes
    ----------
    n_resamples : int
        Resamples of each interval.
    random_state : int
        Seed.
    confidence : float
        Of the intervals.
    """

    n_resamples: int = 1000
    random_state: int = 0
    confidence: float = 0.95

    def __post_init__(self) -> None:
        for value, name, least in (
            (self.n_resamples, "n_bootstrap", 1),
            (self.random_state, "random_state", 0),
        ):
            require_count(value, name, least)

    def share(
        self, name: str, space: str, hits: npt.ArrayLike, sentence: str, kind: Kind
    ) -> Estimate:
        """Estimate the mean of numbers from 0 to 1.

        Where all are 0 or all are 1 no resample differs; the interval is then the exact binomial
        one (Clopper and Pearson, 1934).
        """
        values = np.asarray(hits, dtype=np.float64)
        found = self._estimate(name, space, "share", (values,), np.mean, sentence, kind)
        if len(values) and found.value in (0.0, 1.0):
            test = stats.binomtest(round(found.value * len(values)), len(values))
            exact = test.proportion_ci(self.confidence)
            return Estimate(
                name, space, found.value, exact.low, exact.high, found.n, "share",
                found.sentence, kind,
            )  # fmt: skip
        return found

    def mean(
        self, name: str, space: str, values: npt.ArrayLike, unit: Unit, sentence: str, kind: Kind
    ) -> Estimate:
        """Estimate a mean; values that are not finite are left out."""
        return self._estimate(name, space, unit, (finite(values),), np.mean, sentence, kind)

    def median(
        self, name: str, space: str, values: npt.ArrayLike, unit: Unit, sentence: str, kind: Kind
    ) -> Estimate:
        """Estimate a median; values that are not finite are left out."""
        return self._estimate(name, space, unit, (finite(values),), np.median, sentence, kind)

    def inverse_mean(
        self, name: str, space: str, values: npt.ArrayLike, unit: Unit, sentence: str, kind: Kind
    ) -> Estimate:
        """Estimate one over a mean; values that are not finite are left out."""
        return self._estimate(name, space, unit, (finite(values),), _inverse_mean, sentence, kind)

    def correlation(
        self,
        name: str,
        space: str,
        x: npt.NDArray[Any],
        y: npt.NDArray[Any],
        sentence: str,
        kind: Kind,
    ) -> Estimate:
        """Estimate Spearman's rank correlation; pairs that are not finite are left out."""
        both = np.isfinite(x) & np.isfinite(y)
        return self._estimate(
            name, space, "correlation", (x[both], y[both]), _spearman, sentence, kind, paired=True
        )

    def area(
        self,
        name: str,
        space: str,
        scores: npt.NDArray[Any],
        positive: npt.NDArray[np.bool_],
        sentence: str,
        kind: Kind,
    ) -> Estimate:
        """Estimate the area under the ROC curve of scores; NaN are left out.

        Positive and negative samples are resampled apart, so no resample lacks either.
        """
        known = ~np.isnan(scores)
        parts = scores[known & positive], scores[known & ~positive]
        return self._estimate(name, space, "area", parts, _area, sentence, kind)

    def _estimate(
        self,
        name: str,
        space: str,
        unit: Unit,
        parts: tuple[npt.NDArray[Any], ...],
        statistic: Callable[..., Any],
        sentence: str,
        kind: Kind,
        *,
        paired: bool = False,
    ) -> Estimate:
        sizes = [len(part) for part in parts]
        n = sizes[0] if paired else sum(sizes)
        value = low = high = float("nan")
        if min(sizes) > 0:
            value = float(statistic(*parts, axis=-1))
            value = value if np.isfinite(value) else float("nan")
        if min(sizes) > 1 and not np.isnan(value):
            low, high = self._interval(f"{space}/{name}", parts, statistic, paired=paired)
        if np.isnan(value):
            sentence = f"{name.replace('_', ' ').capitalize()} ({space}): nothing to measure it on."
        text = sentence.format(value=formatted(value, unit), n=n, space=space)
        return Estimate(name, space, value, low, high, n, unit, text, kind)

    def _interval(
        self,
        key: str,
        parts: tuple[npt.NDArray[Any], ...],
        statistic: Callable[..., Any],
        *,
        paired: bool,
    ) -> tuple[float, float]:
        seed = [self.random_state, zlib.crc32(key.encode())]
        with warnings.catch_warnings():
            # Resamples may be degenerate, as of constant ranks; they are left out below.
            warnings.simplefilter("ignore", stats.DegenerateDataWarning)
            found = stats.bootstrap(
                parts,
                statistic,
                n_resamples=self.n_resamples,
                batch=max(1, _RESAMPLED // max(len(part) for part in parts)),
                paired=paired,
                vectorized=True,
                method="percentile",
                rng=np.random.default_rng(seed),
            )
        values = finite(found.bootstrap_distribution)
        if not len(values):
            return float("nan"), float("nan")
        tail = 0.5 * (1.0 - self.confidence)
        low, high = np.quantile(values, [tail, 1.0 - tail])
        return float(low), float(high)


def proven_if(checked: npt.NDArray[np.bool_]) -> Kind:
    """Return what observations are whose certificates passed the check, or did not."""
    return "proven" if checked.all() else "measured"


def finite(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return the finite ones of values, in a row."""
    array = np.asarray(values, dtype=np.float64).ravel()
    return array[np.isfinite(array)]


def _inverse_mean(values: npt.NDArray[Any], axis: int = -1) -> Any:
    with np.errstate(divide="ignore"):
        return 1.0 / np.mean(values, axis=axis)


def _spearman(x: npt.NDArray[Any], y: npt.NDArray[Any], axis: int = -1) -> Any:
    """Pearson's correlation of ranks; NaN where one of the two is constant."""
    a, b = (stats.rankdata(part, axis=axis) for part in (x, y))
    a, b = (part - part.mean(axis=axis, keepdims=True) for part in (a, b))
    lengths = np.sqrt((a * a).sum(axis=axis) * (b * b).sum(axis=axis))
    with np.errstate(invalid="ignore"):
        return (a * b).sum(axis=axis) / lengths


def _area(positive: npt.NDArray[Any], negative: npt.NDArray[Any], axis: int = -1) -> Any:
    """Probability that a positive sample scores higher, ties counting half."""
    sizes = positive.shape[axis], negative.shape[axis]
    ranks = stats.rankdata(np.concatenate([positive, negative], axis=axis), axis=axis)
    own = np.take(ranks, np.arange(sizes[0]), axis=axis).sum(axis=axis)
    return (own - sizes[0] * (sizes[0] + 1) / 2.0) / (sizes[0] * sizes[1])
