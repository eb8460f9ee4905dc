"""The whole analysis of one model, as tables, arrays and a page."""

from hullspace.studies.chapters.extrapolation.find import ClassResult, HullResult, TrainingResult
from hullspace.studies.finding import Basis, Finding
from hullspace.studies.result import Study, StudyInterrupted
from hullspace.studies.run import study, study_features
from hullspace.studies.settings import Settings

__all__ = [
    "Basis",
    "ClassResult",
    "Finding",
    "HullResult",
    "Settings",
    "Study",
    "StudyInterrupted",
    "TrainingResult",
    "study",
    "study_features",
]
