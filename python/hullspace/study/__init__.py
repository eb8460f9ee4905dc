"""The whole analysis of one model, as tables and as a page."""

from hullspace.study.analyses import ClassHulls, HullResult, Settings
from hullspace.study.study import Study, run

__all__ = ["ClassHulls", "HullResult", "Settings", "Study", "run"]
