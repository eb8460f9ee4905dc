"""The whole analysis of one model, as tables and as a page."""

from hullspace.study.analyses import ClassResult, HullResult, Settings, TrainingResult
from hullspace.study.study import Study, run

__all__ = ["ClassResult", "HullResult", "Settings", "Study", "TrainingResult", "run"]
