"""What a study found: a record of the results of its chapters, and what is made of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

import hullspace
from hullspace.extras import require
from hullspace.studies import page, terminal
from hullspace.studies.arrays import arrays_of
from hullspace.studies.chapters import written

if TYPE_CHECKING:
    from os import PathLike

    from hullspace.comparison import SpaceComparison
    from hullspace.features import FeatureSplit
    from hullspace.partition import BoundaryDistances
    from hullspace.studies.chapters.adversarial.find import AdversarialResult
    from hullspace.studies.chapters.ambiguity.find import TiesResult
    from hullspace.studies.chapters.extrapolation.find import (
        ClassResult,
        HullsResult,
        TrainingResult,
    )
    from hullspace.studies.chapters.linear.find import LinearResult
    from hullspace.studies.chapters.morphing.find import MorphingResult
    from hullspace.studies.chapters.partition.find import PartitionResult
    from hullspace.studies.finding import Finding
    from hullspace.studies.settings import Settings
    from hullspace.studies.subject import Subject
    from hullspace.studies.table import Table

_Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Study:
    """Everything that a study of one model found.

    What belongs to a chapter that was not asked for, or that could not be written, is not there;
    `missing` says why.

    Attributes
    ----------
    title : str
        What was studied.
    subject : Subject
        The model and its data.
    settings : Settings
        Tolerance, threads, sample size and seed.
    chapters : tuple of str
        The chapters that were asked for, in the order of reading.
    boundaries : BoundaryDistances
        The test features' distances to the decision boundaries, in closed form.
    boundaries_checked : (n_test,) bool
        Whether these passed the independent check.
    results : dict of str to record
        What was found, by name. The attributes `hulls`, `partition`, `adversarial`, `ties`,
        `morphing`, `linear` and `spaces` are these, or None.
    seconds : dict of str to float
        Time that each result took.
    missing : dict of str to str
        Why results that were asked for are not there.
    interrupted : str or None
        The result at which the study was stopped before its end.
    """

    title: str
    subject: Subject
    settings: Settings
    chapters: tuple[str, ...]
    boundaries: BoundaryDistances
    boundaries_checked: _Bools
    results: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    interrupted: str | None = None

    @property
    def hulls(self) -> HullsResult | None:
        """The test features against the hulls of all training features and of each class."""
        return self.results.get("hulls")

    @property
    def partition(self) -> PartitionResult | None:
        """The decision regions and where the test features are in them."""
        return self.results.get("partition")

    @property
    def adversarial(self) -> AdversarialResult | None:
        """The nearest images where the model's answer changes, and radii where it cannot."""
        return self.results.get("adversarial")

    @property
    def ties(self) -> TiesResult | None:
        """Images at which several classes tie."""
        return self.results.get("ties")

    @property
    def morphing(self) -> MorphingResult | None:
        """Ways between images, straight in features and in pixels."""
        return self.results.get("morphing")

    @property
    def linear(self) -> LinearResult | None:
        """The network's linear regions around the test images."""
        return self.results.get("linear")

    @property
    def spaces(self) -> SpaceComparison | None:
        """Feature space compared with pixel space."""
        return self.results.get("spaces")

    @property
    def split(self) -> FeatureSplit:
        """The features."""
        return self.subject.split

    @property
    def training(self) -> TrainingResult:
        """The test features against the hull of all training features; LookupError without."""
        return self._hulls().training

    @property
    def classes(self) -> ClassResult:
        """The test features against the hull of each class; LookupError without."""
        return self._hulls().classes

    def _hulls(self) -> HullsResult:
        if self.hulls is None:
            raise LookupError("the study has no hulls: no chapter that needs them was asked for")
        return self.hulls

    @property
    def correct(self) -> _Bools:
        """Where the model's prediction for a test image is right; ValueError without labels."""
        if self.split.test.labels is None:
            raise ValueError("the study has no labels of test images to compare predictions with")
        return np.asarray(self.split.test.predictions == self.split.test.labels)

    def outcomes(self) -> list[tuple[str, _Bools]]:
        """Return (name, rows) of right and of wrong predictions; nothing without labels."""
        if self.split.test.labels is None:
            return []
        return [("predicted right", self.correct), ("predicted wrong", ~self.correct)]

    @property
    def total_seconds(self) -> float:
        """Time that the whole study took."""
        return sum(self.seconds.values())

    def findings(self) -> list[Finding]:
        """Return what was found, in sentences, each with what it rests on."""
        return [finding for chapter in written(self).values() for finding in chapter.say(self)]

    def tables(self) -> dict[str, Table]:
        """Return every table by name, in the order of reading."""
        made: dict[str, Table] = {}
        for chapter in written(self).values():
            made |= chapter.tabulate(self)
        return made

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return every array of the results, named by its place, as in ``hulls/training/status``.

        Returns
        -------
        dict of str to array
            Rows that are about test images are in the order of `split.test`, or in that of the
            ``images`` or ``rows`` beside them. The features and images studied are not among them.
        """
        return dict(arrays_of({"boundaries": self.boundaries, **self.results}))

    def to_frame(self) -> Any:
        """Return one row for each test image, with what was found about it.

        Returns
        -------
        pandas.DataFrame

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        pandas = require("pandas", "study")
        test = self.split.test
        columns: dict[str, Any] = {"prediction": test.predictions}
        if test.labels is not None:
            columns |= {"label": test.labels}
        columns["boundary_distance"] = self.boundaries.nearest
        if self.hulls is not None:
            for name, hull in (("training", self.training), ("class", self.classes.own)):
                columns |= {f"{name}_hull_status": hull.status, f"{name}_hull_proven": hull.proven}
                columns[f"{name}_hull_distance"] = hull.distances
            columns |= {"gauge": self.training.gauge, "nearest_class_hull": self.classes.nearest}
        frame = pandas.DataFrame(columns)
        if self.partition is not None:
            rows = self.partition.scope.images
            frame.loc[rows, "flip_distance"] = self.partition.flips.nearest
            frame.loc[rows, "flip_class"] = self.partition.flips.targets
        return frame

    def print(self) -> None:
        """Print the findings and the tables to the terminal."""
        terminal.show(self.findings(), self.tables())

    def to_html(self) -> str:
        """Return the report as one self-contained page.

        Raises
        ------
        ImportError
            If the extra ``study`` is not installed.
        """
        return page.render(self)

    def to_dict(self) -> dict[str, Any]:
        """Return findings, tables, settings and timings as what JSON can hold."""
        test = self.split.test
        return {
            "title": self.title,
            "version": hullspace.__version__,
            "n_train": len(self.split.train),
            "n_test": len(test),
            "n_features": self.split.head.n_features,
            "class_names": list(self.split.names),
            "accuracy": test.accuracy,
            "chapters": list(self.chapters),
            "findings": [{"text": f.text, "basis": str(f.basis)} for f in self.findings()],
            "tables": {name: table.to_dict() for name, table in self.tables().items()},
            "settings": {f.name: getattr(self.settings, f.name) for f in fields(self.settings)},
            "seconds": self.seconds,
            "missing": self.missing,
            "interrupted": self.interrupted,
        }

    def save(self, path: str | PathLike[str]) -> None:
        """Write the study to a file or a folder.

        Parameters
        ----------
        path : path
            ``.html`` for the page, ``.json`` for findings, tables and settings, ``.npz`` for the
            arrays. Anything else is a folder, made if need be, that gets all three, as
            ``report.html``, ``study.json`` and ``arrays.npz``.

        Raises
        ------
        OSError
            If a file cannot be written.
        """
        target = Path(path)
        if target.suffix == ".html":
            target.write_text(self.to_html(), encoding="utf-8")
        elif target.suffix == ".json":
            target.write_text(json.dumps(self.to_dict(), indent=1) + "\n", encoding="utf-8")
        elif target.suffix == ".npz":
            np.savez_compressed(target, allow_pickle=False, **self.arrays())
        else:
            target.mkdir(parents=True, exist_ok=True)
            for name in ("report.html", "study.json", "arrays.npz"):
                self.save(target / name)

    def __repr__(self) -> str:
        n, end = len(self.split.test), "" if self.interrupted is None else ", interrupted"
        return f"Study({self.title!r}, {n} test images, {self.total_seconds:.1f} s{end})"


class StudyInterrupted(KeyboardInterrupt):
    """The study was stopped; what was finished is kept.

    Attributes
    ----------
    study : Study
        The chapters that were finished.
    """

    def __init__(self, study: Study) -> None:
        super().__init__(f"stopped at {study.interrupted}; .study has what was finished")
        self.study = study
