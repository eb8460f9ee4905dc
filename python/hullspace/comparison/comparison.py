"""The whole comparison of feature space with pixel space, in one call."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from hullspace.comparison.adversarial import AdversarialRegions, adversarial_regions
from hullspace.comparison.controls import Controls, controls
from hullspace.comparison.flips import FlipComparison, FlipLike, compare_flips, require_flips
from hullspace.comparison.hull_shares import HullShares, hull_estimates, hull_shares
from hullspace.comparison.prediction import (
    Classifiers,
    ErrorPrediction,
    classifiers,
    error_prediction,
)
from hullspace.comparison.problem import Problem, known_problem, make_problem, notes_of
from hullspace.comparison.representations import SPACES
from hullspace.comparison.searches import find_flips, invert_points
from hullspace.comparison.segments import SegmentComparison, compare_segments
from hullspace.comparison.statistics import Bootstrap, Estimate
from hullspace.comparison.ways import WayAngles, way_angles
from hullspace.extras import require

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    import numpy.typing as npt

    from hullspace.facts import FeatureFacts
    from hullspace.features import FeatureSpace


@dataclass(frozen=True)
class SpaceComparison:
    """Feature space beside pixel space, as `compare_spaces` returns it.

    Attributes
    ----------
    estimates : tuple of Estimate
        Every figure, with its interval and its sentence; of the controls those at the dimension
        of feature space.
    spaces : dict of str to HullShares
        Test samples against hulls in each space.
    controls : dict of str to Controls
        Shares outside for few dimensions of each space to all of them, and their estimates.
    flips : FlipComparison or None
        Flips in pixels beside flips in features; None without a search.
    angles : WayAngles
        Angles between the ways to different classes.
    segments : SegmentComparison
        Classes along segments.
    adversarial : AdversarialRegions or None
        Adversarial images against guaranteed regions; None without a search.
    prediction : ErrorPrediction or None
        Scores that may tell the model's errors; None without labels of the test images.
    classifiers : dict of str to Classifiers
        Nearest hulls and means in each space; empty without labels of the test images.
    rows : (n_rows,) int64
        The sample: the test images that the costly parts looked at.
    notes : tuple of str
        What was left out, and why.
    seconds : dict of str to float
        How long each part took.
    """

    estimates: tuple[Estimate, ...]
    spaces: dict[str, HullShares]
    controls: dict[str, Controls]
    flips: FlipComparison | None
    angles: WayAngles
    segments: SegmentComparison
    adversarial: AdversarialRegions | None
    prediction: ErrorPrediction | None
    classifiers: dict[str, Classifiers]
    rows: npt.NDArray[np.int64]
    notes: tuple[str, ...]
    seconds: dict[str, float]

    def estimate(self, name: str, space: str | None = None) -> Estimate:
        """Return the estimate of this name; `space` is needed where several spaces have it.

        Raises
        ------
        KeyError
            If there is none, or more than one.
        """
        found = [e for e in self.estimates if e.name == name and space in {None, e.space}]
        if len(found) != 1:
            where = ", ".join(e.space for e in self.estimates if e.name == name) or "no space"
            raise KeyError(f"{name!r} is in {where}; asked for {space!r}")
        return found[0]

    def to_frame(self) -> Any:
        """Return the estimates as a pandas DataFrame, one row each.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        pandas = require("pandas", "study")
        return pandas.DataFrame([vars(estimate) for estimate in self.estimates])

    def __repr__(self) -> str:
        return (
            f"SpaceComparison({', '.join(self.spaces)}: {len(self.estimates)} estimates, "
            f"{sum(self.seconds.values()):.1f} s)"
        )


def compare_spaces(
    space: FeatureSpace,
    train_images: Any,
    test_images: Any,
    train_labels: npt.ArrayLike | None = None,
    test_labels: npt.ArrayLike | None = None,
    *,
    spaces: Sequence[str] = SPACES,
    layers: Sequence[str] = (),
    pool: Literal["none", "mean"] = "none",
    flips: FlipLike | Literal[False] | None = None,
    sample: int | npt.ArrayLike = 300,
    bounds: tuple[float, float] = (0.0, 1.0),
    wavelet: str = "haar",
    n_bootstrap: int = 1000,
    random_state: int = 0,
    n_threads: int | None = None,
    progress: bool | Callable[[str], object] = False,
) -> SpaceComparison:
    """Compare feature space with pixel space: hulls, boundaries, flips, segments, errors.

    Parameters
    ----------
    space : FeatureSpace
        The model.
    train_images, test_images : (n, ...) array or tensor
        Pixels within `bounds`, as the space takes them.
    train_labels, test_labels : (n,) integers, optional
        True classes. Where they are not given, "class" is the model's class, and what is about
        the model's errors is left out.
    spaces : sequence of str, default ("pixels", "wavelets", "features")
        Which of these to compare.
    layers : sequence of str, optional
        Names of hidden layers, as in `FeatureSpace.extract`, whose flattened outputs are further
        spaces.
    pool : {"none", "mean"}, default "none"
        "mean" averages the outputs of layers over the axes of space.
    flips : Flip, False or None
        Flips in pixels of the sample, as `hullspace.pixels.flip` finds them; None looks for them,
        False leaves out what needs a search in pixels.
    sample : int or (n,) integers, default 300
        Test images that the costly parts look at: how many to draw, or which, ascending.
    bounds : (float, float), default (0, 1)
        Smallest and largest value of a pixel.
    wavelet : str, default "haar"
        A discrete wavelet of PyWavelets.
    n_bootstrap : int, default 1000
        Resamples of each interval.
    random_state : int, default 0
        Seed of everything that is drawn.
    n_threads : int, optional
        Threads to use; all cores by default.
    progress : bool or callable, default False
        Show a progress bar, or call this with the name of each part as it starts.

    Returns
    -------
    SpaceComparison
        Estimates with bootstrap intervals and sentences, and the arrays that they come from.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, shape or values; the message names it.
    ImportError
        If the extra ``study`` is not installed.

    Notes
    -----
    Verdicts on hulls are proven and cover all test images; distances in spaces of more than 512
    dimensions, and what needs a search in pixels, cover the sample, of which inversions and ways
    to several classes look at every fourth image. Membership in a hull vanishes
    with dimension for almost any data (arXiv 2110.09485): each share outside has controls of equal
    dimension in `SpaceComparison.controls`. A flip found in pixels is an upper bound of the
    distance to the boundary.

    Examples
    --------
    >>> import torch
    >>> from hullspace import FeatureSpace, compare_spaces
    >>> generator = torch.Generator().manual_seed(0)
    >>> images = torch.rand(120, 1, 4, 4, generator=generator)
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 3))
    >>> space = FeatureSpace.from_torch(model, images)
    >>> found = compare_spaces(space, images[:80], images[80:], flips=False, n_bootstrap=100)
    >>> print(found.estimate("outside_training_hull", "features").sentence)
    100.0 % of 40 test samples lie outside the hull of the training set in features: for these \
the model extrapolates there.
    """
    with _Parts(progress) as parts:
        with parts.part("features"):
            problem = make_problem(
                space, (train_images, test_images), (train_labels, test_labels), spaces=spaces,
                layers=layers, pool=pool, wavelet=wavelet, sample=sample, bounds=bounds,
                bootstrap=Bootstrap(n_bootstrap, random_state), n_threads=n_threads,
            )  # fmt: skip
        if flips is not None and flips is not False:
            require_flips(flips, problem)
        return _compare(problem, parts, flips)


def compare_known(
    space: FeatureSpace,
    train_images: Any,
    test_images: Any,
    facts: FeatureFacts,
    flips: FlipLike,
    *,
    layers: Sequence[str],
    sample: npt.ArrayLike,
    random_state: int,
    progress: Callable[[str], object],
) -> SpaceComparison:
    """Compare spaces as `compare_spaces` does, without finding again what is known.

    Parameters
    ----------
    space, train_images, test_images, layers, sample, random_state, progress
        As in `compare_spaces`.
    facts : FeatureFacts
        What the model makes of the images, with the outputs of `layers`, and what is known of
        that.
    flips : FlipLike
        Flips in pixels of the sample.

    Returns
    -------
    SpaceComparison
        As `compare_spaces` returns it.
    """
    with _Parts(progress) as parts:
        with parts.part("features"):
            problem = known_problem(
                space, (train_images, test_images), facts, layers=layers, sample=sample,
                bootstrap=Bootstrap(random_state=random_state),
            )  # fmt: skip
        return _compare(problem, parts, flips)


class _Parts:
    """Times the parts, and says which one is under way."""

    def __init__(self, progress: bool | Callable[[str], object]) -> None:
        if not (isinstance(progress, bool) or callable(progress)):
            raise TypeError(f"progress must be a bool or a callable, got {progress!r}")
        self.seconds: dict[str, float] = {}
        self._tell = progress if callable(progress) else None
        self._bar: Any = None
        if progress is True:
            self._bar = require("tqdm.auto", "study").tqdm(desc="comparison", unit="part")

    def __enter__(self) -> _Parts:
        return self

    def __exit__(self, *details: object) -> None:
        if self._bar is not None:
            self._bar.close()

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        if self._tell is not None:
            self._tell(name)
        if self._bar is not None:
            self._bar.set_description(name)
        start = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - start
        if self._bar is not None:
            self._bar.update()


def _compare(
    problem: Problem, parts: _Parts, flips: FlipLike | Literal[False] | None
) -> SpaceComparison:
    shares, dimensions, estimates, notes = {}, {}, list[Estimate](), notes_of(problem)
    for name, where in problem.representations.items():
        with parts.part(f"hulls of {name}"):
            shares[name] = hull_shares(problem, where)
            estimates += hull_estimates(problem, shares[name])
        with parts.part(f"controls of {name}"):
            dimensions[name] = controls(problem, where, shares[name])
            estimates += dimensions[name].main
    with parts.part("segments"):
        segments = compare_segments(problem)
    prediction, known = None, {}
    if problem.test.labels is None:
        notes.append("what is about the model's errors is left out: there are no test_labels")
    else:
        with parts.part("errors"):
            prediction = error_prediction(problem, shares)
            known = {name: classifiers(problem, share) for name, share in shares.items()}
    if flips is False:
        notes.append("what needs a search in pixels is left out, as asked for")
    found, angles, adversarial = _searched(problem, parts, shares, flips)
    results = [found, angles, segments, adversarial, prediction]
    for result in [*results, *known.values()]:
        estimates += [] if result is None else result.estimates
    return SpaceComparison(
        tuple(estimates), shares, dimensions, found, angles, segments, adversarial, prediction,
        known, problem.rows, tuple(notes), parts.seconds,
    )  # fmt: skip


def _searched(
    problem: Problem,
    parts: _Parts,
    shares: dict[str, HullShares],
    flips: FlipLike | Literal[False] | None,
) -> tuple[FlipComparison | None, WayAngles, AdversarialRegions | None]:
    """Do what needs a search in pixels, and angles, which need none in features."""
    if flips is False:
        with parts.part("angles"):
            return None, way_angles(problem, None), None
    if flips is None:
        with parts.part("flips"):
            flips = find_flips(problem, problem.rows)
    with parts.part("inversions"):
        inverted = invert_points(problem)
    with parts.part("angles"):
        angles = way_angles(problem, find_flips)
    with parts.part("adversarial"):
        found = compare_flips(problem, shares, flips, inverted)
        return found, angles, adversarial_regions(problem, found)
