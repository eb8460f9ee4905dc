"""The partition of feature space into decision regions."""

from hullspace.studies.chapters.chapter import Chapter
from hullspace.studies.chapters.partition import draw, find, say, tables

CHAPTER = Chapter(
    "The partition of feature space",
    "The last layer cuts feature space into one convex polyhedron for each class.",
    say=say.say,
    tabulate=tables.tabulate,
    draw=draw.draw,
    n_summary=2,
    finds="partition",
    find=find.find,
    lacks=find.lacks,
)
