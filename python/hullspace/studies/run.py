"""The study of one model or of its features: every analysis, chapter after chapter."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hullspace.features import FeatureSplit
from hullspace.hull import DEFAULT_TOLERANCE
from hullspace.studies.chapters import chosen_chapters, finders
from hullspace.studies.knowledge import Knowledge
from hullspace.studies.progress import Steps
from hullspace.studies.result import Study, StudyInterrupted
from hullspace.studies.settings import Settings
from hullspace.studies.subject import from_features, from_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import numpy.typing as npt
    from torch import nn

    from hullspace.features import FeatureSpace
    from hullspace.networks import ReluNetwork
    from hullspace.studies.subject import Subject


def study(
    model: FeatureSpace | nn.Module,
    train: Any = None,
    test: Any = None,
    *,
    title: str = "Features",
    chapters: Iterable[str] | None = None,
    sample: int = 100,
    random_state: int = 0,
    class_names: Sequence[str] | None = None,
    head: str | nn.Module | None = None,
    preprocess: Callable[[Any], Any] | None = None,
    features: FeatureSplit | None = None,
    rows: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
    layers: Sequence[str] = (),
    tolerance: float = DEFAULT_TOLERANCE,
    n_threads: int | None = None,
    progress: bool = True,
) -> Study:
    """Study a model with its images; `study_features` studies features alone.

    Parameters
    ----------
    model : FeatureSpace or torch.nn.Module
        The model.
    train, test : array, tensor, DataLoader, Dataset, folder or file
        The images, with pixels between 0 and 1, and labels where there are any: all that
        `features.load_images` takes.
    title : str, default "Features"
        Heads the report.
    chapters : iterable of str, optional
        Which chapters to write, of ``data``, ``partition``, ``guaranteed``, ``extrapolation``,
        ``ambiguity``, ``adversarial``, ``morphing``, ``linear``, ``spaces`` and ``methods``; all
        that there is enough given for by default.
    sample : int, default 100
        Test images at which searches in pixel space start.
    random_state : int, default 0
        Seed of everything that is drawn.
    class_names : sequence of str, optional
        Names of the classes; those of the images or their numbers by default.
    head, preprocess
        As in `FeatureSpace.from_torch`. Only with a torch module.
    features : FeatureSplit, optional
        The model's features of these and more images, for the chapters about feature space;
        `rows` says which of them `train` and `test` are.
    rows : tuple of two (n,) integer arrays, optional
        For each image of `train` and of `test`, its row in `features`.
    layers : sequence of str, default ()
        Hidden layers that are compared with pixels and features, by name.
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
    TypeError
        If `model` is a FeatureSplit.
    ValueError
        If something does not belong together, or a chapter is not known.
    StudyInterrupted
        On Ctrl-C; its ``study`` has the chapters that were finished.
    ImportError
        If the extra ``study`` is not installed.

    Examples
    --------
    >>> import torch
    >>> import hullspace
    >>> generator = torch.Generator().manual_seed(0)
    >>> images = torch.rand(30, 1, 4, 4, generator=generator)
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 3))
    >>> found = hullspace.study(
    ...     model, images[:20], images[20:], chapters=["extrapolation"], progress=False
    ... )
    >>> len(found.training.distances)
    10
    """
    if isinstance(model, FeatureSplit):
        raise TypeError(
            "model must be a FeatureSpace or a torch module, got a FeatureSplit: "
            "hullspace.study_features studies features"
        )
    if train is None or test is None:
        raise ValueError("a model needs its images: train and test")
    wanted, start = chosen_chapters(chapters), time.perf_counter()
    subject = from_model(
        model, train, test, features=features, rows=rows, class_names=class_names, head=head,
        preprocess=preprocess, layers=tuple(layers) if "spaces" in wanted else (),
        progress=progress,
    )  # fmt: skip
    settings = Settings(tolerance, n_threads, sample, random_state, tuple(layers))
    return _write(title, subject, settings, wanted, start, progress)


def study_features(
    split: FeatureSplit,
    *,
    title: str = "Features",
    chapters: Iterable[str] | None = None,
    random_state: int = 0,
    images: npt.ArrayLike | None = None,
    network: ReluNetwork | None = None,
    tolerance: float = DEFAULT_TOLERANCE,
    n_threads: int | None = None,
    progress: bool = True,
) -> Study:
    """Study the features that some model gave; `study` studies a model with its images.

    Parameters
    ----------
    split : FeatureSplit
        Features of training and test images.
    title, chapters, random_state, tolerance, n_threads, progress
        As in `study`. Chapters about pixel space need the model, and are left out.
    images : (n_test, channels, height, width) array, optional
        The test images, with pixels between 0 and 1.
    network : ReluNetwork, optional
        The network from `images` to logits, for the chapter about linear regions.

    Returns
    -------
    Study
        As from `study`.

    Raises
    ------
    TypeError
        If `split` is no FeatureSplit.
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
    >>> found = hullspace.study_features(FeatureSplit(train, test), progress=False)
    >>> found.training.outside
    array([False,  True])
    """
    if not isinstance(split, FeatureSplit):
        raise TypeError(
            f"split must be a FeatureSplit, got {type(split).__name__}: hullspace.study studies "
            "a model with its images"
        )
    wanted, start = chosen_chapters(chapters), time.perf_counter()
    subject = from_features(split, images, network)
    settings = Settings(tolerance, n_threads, random_state=random_state)
    return _write(title, subject, settings, wanted, start, progress)


def _write(
    title: str,
    subject: Subject,
    settings: Settings,
    chapters: tuple[str, ...],
    start: float,
    progress: bool,
) -> Study:
    """Find what the chapters are written from, one after the other."""
    with Steps(shown=progress) as steps:
        known = Knowledge(subject, settings, steps)
        results, missing = dict[str, Any](), dict[str, str]()
        boundaries, checked = known.boundaries, known.boundaries_checked
        seconds = {"data": time.perf_counter() - start}
        found = Study(
            title, subject, settings, chapters, boundaries, checked, results, seconds, missing
        )
        for chapter in finders(chapters):
            name, start = chapter.finds, time.perf_counter()
            if (reason := chapter.lacks(known)) is not None:
                missing[name] = reason
                continue
            try:
                results[name] = chapter.find(known)
            except KeyboardInterrupt as error:
                raise StudyInterrupted(replace(found, interrupted=name)) from error
            seconds[name] = time.perf_counter() - start
    return found
