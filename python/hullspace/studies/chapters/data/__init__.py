"""What was studied, and how good it is at its task."""

from hullspace.studies.chapters.chapter import Chapter
from hullspace.studies.chapters.data import draw, say, tables

CHAPTER = Chapter(
    "Data and model",
    "What was studied, and how good it is at its task.",
    say=say.say,
    tabulate=tables.tabulate,
    draw=draw.draw,
)
