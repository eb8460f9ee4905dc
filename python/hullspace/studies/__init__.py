"""The whole analysis of one model, as tables, arrays and a page."""

from hullspace.studies.analyses import ClassResult, HullResult, Settings, TrainingResult
from hullspace.studies.finding import Basis, Finding
from hullspace.studies.result import Study, StudyInterrupted
from hullspace.studies.run import study

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
]
