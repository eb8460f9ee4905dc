"""The study of one model: every analysis, part after part."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hullspace.features import FeatureSplit
from hullspace.hull import DEFAULT_TOLERANCE
from hullspace.partition import boundary_distances
from hullspace.studies.adversarial import adversarial_study
from hullspace.studies.analyses import Settings, hulls_study
from hullspace.studies.linear import linear_part
from hullspace.studies.morphing import morphing_study
from hullspace.studies.partition import partition_study
from hullspace.studies.plan import CHAPTER_PARTS, chosen_chapters
from hullspace.studies.progress import Steps
from hullspace.studies.result import Study, StudyInterrupted
from hullspace.studies.spaces import spaces_study
from hullspace.studies.subject import from_features, from_model
from hullspace.studies.ties import ties_study

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import numpy.typing as npt
    from torch import nn

    from hullspace.features import FeatureSpace
    from hullspace.networks import ReluNetwork


def study(
    model: FeatureSplit | FeatureSpace | nn.Module,
    train: Any = None,
    test: Any = None,
    *,
    title: str = "Features",
    chapters: Iterable[str] | None = None,
    sample: int = 100,
    seed: int = 0,
    class_names: Sequence[str] | None = None,
    head: str | nn.Module | None = None,
    preprocess: Callable[[Any], Any] | None = None,
    features: FeatureSplit | None = None,
    rows: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
    layers: Sequence[str] = (),
    images: npt.ArrayLike | None = None,
    network: ReluNetwork | None = None,
    tolerance: float = DEFAULT_TOLERANCE,
    n_threads: int | None = None,
    progress: bool = True,
) -> Study:
    """Study a model, or the features that some model gave.

    Parameters
    ----------
    model : FeatureSplit, FeatureSpace or torch.nn.Module
        Features of training and test images; or the model, with its images as `train` and `test`.
    train, test : array, tensor, DataLoader, Dataset, folder or file, optional
        The images, with pixels between 0 and 1, and labels where there are any: all that
        `features.load_images` takes. Only with a model.
    title : str, default "Features"
        Heads the report.
    chapters : iterable of str, optional
        Which chapters to write, of ``data``, ``partition``, ``guaranteed``, ``extrapolation``,
        ``ambiguity``, ``adversarial``, ``morphing``, ``linear``, ``spaces`` and ``methods``; all
        that there is enough given for by default.
    sample : int, default 100
        Test images at which searches in pixel space start, of those that are there.
    seed : int, default 0
        Of everything that is drawn at random.
    class_names : sequence of str, optional
        Names of the classes; those of the data or their numbers by default. Only with a model.
    head, preprocess
        As in `FeatureSpace.from_torch`. Only with a torch module.
    features : FeatureSplit, optional
        The model's features of these and more images, for the chapters about feature space;
        `rows` says which of them `train` and `test` are. Only with a model.
    rows : tuple of two (n,) integer arrays, optional
        For each image of `train` and of `test`, its row in `features`.
    layers : sequence of str, default ()
        Hidden layers of a model that are compared with pixels and features, by name.
    images : (n_test, channels, height, width) array, optional
        The test images, with pixels between 0 and 1. Only with features.
    network : ReluNetwork, optional
        The network from `images` to logits, for the chapter about linear regions. Only with
        features; that of a model is read from it.
    tolerance : float, default 1e-9
        As in `Hull.project` and `Hull.contains`.
    n_threads : int, optional
        Threads to use; all cores by default.
    progress : bool, default True
        Show progress bars.

    Returns
    -------
    Study
        ``study.save("report.html")`` writes the report, ``study.print()`` its tables.

    Raises
    ------
    ValueError
        If something does not belong together, or a chapter is not known.
    StudyInterrupted
        On Ctrl-C; its ``study`` has the chapters that were finished.
    ImportError
        If the extra ``study`` is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> import hullspace
    >>> from hullspace import FeatureSet, FeatureSplit, Head
    >>> head = Head(np.eye(2))
    >>> train = FeatureSet.of([[1, 0], [3, 0], [3, 2], [0, 1], [0, 3]], head, [0, 0, 0, 1, 1])
    >>> test = FeatureSet.of([[2.5, 0.5], [0, 4]], head, [0, 1])
    >>> found = hullspace.study(FeatureSplit(train, test), progress=False)
    >>> found.training.outside
    array([False,  True])
    """
    wanted = chosen_chapters(chapters)
    settings = Settings(tolerance, n_threads, sample, seed, tuple(layers))
    start = time.perf_counter()
    if isinstance(model, FeatureSplit):
        if train is not None or test is not None or features is not None or rows is not None:
            raise ValueError("train, test, features and rows only go with a model")
        subject = from_features(model, images, network)
    else:
        if train is None or test is None:
            raise ValueError("a model needs its images: train and test")
        if images is not None or network is not None:
            raise ValueError("images and network only go with features; a model has train and test")
        subject = from_model(
            model, train, test, features=features, rows=rows, class_names=class_names, head=head,
            preprocess=preprocess, progress=progress,
        )  # fmt: skip
    boundaries = boundary_distances(subject.split.test.features, subject.split.head)
    seconds = {"data": time.perf_counter() - start}
    found = Study(title, subject, settings, wanted, boundaries, seconds=seconds)
    return _write_parts(found, progress)


_TOO_MANY = "there are too many classes and features"


@dataclass(frozen=True)
class _Part:
    """A field of the study: how it is found, and why it may have to be left out."""

    find: Callable[[Study, Steps], Any]
    lacks: Callable[[Study], str | None] = lambda _: None


def _needs_pixels(found: Study) -> str | None:
    return None if found.subject.space is not None else "that needs the model and its images"


def _needs_network(found: Study) -> str | None:
    return None if found.subject.network is not None else found.subject.no_network


def _needs_partition(found: Study) -> str | None:
    if found.partition is None:
        return _TOO_MANY
    return _needs_pixels(found)


_PARTS = {
    "hulls": _Part(lambda found, steps: hulls_study(found.split, found.settings, steps)),
    "partition": _Part(lambda found, steps: partition_study(found.split, found.settings, steps)),
    "ties": _Part(ties_study, _needs_partition),
    "adversarial": _Part(adversarial_study, _needs_pixels),
    "morphing": _Part(morphing_study, _needs_pixels),
    "linear": _Part(linear_part, _needs_network),
    "spaces": _Part(spaces_study, _needs_pixels),
}


def _write_parts(found: Study, progress: bool) -> Study:
    """Find the parts that the chapters need, one after the other."""
    needed = {part for chapter in found.chapters for part in CHAPTER_PARTS[chapter]}
    with Steps(shown=progress) as steps:
        for name in (name for name in _PARTS if name in needed):
            part, start = _PARTS[name], time.perf_counter()
            if (reason := part.lacks(found)) is not None:
                found = replace(found, missing={**found.missing, name: reason})
                continue
            try:
                result = part.find(found, steps)
            except KeyboardInterrupt as error:
                raise StudyInterrupted(replace(found, interrupted=name)) from error
            seconds = {**found.seconds, name: time.perf_counter() - start}
            # Only the partition can be too large.
            missing = found.missing if result is not None else {**found.missing, name: _TOO_MANY}
            found = replace(found, seconds=seconds, missing=missing, **{name: result})
    return found
