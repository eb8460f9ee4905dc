"""The whole analysis of one model, as tables and as a page."""

from hullspace.studies.analyses import ClassResult, HullResult, Settings, TrainingResult
from hullspace.studies.run import Study, study

__all__ = ["ClassResult", "HullResult", "Settings", "Study", "TrainingResult", "study"]
