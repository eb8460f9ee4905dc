"""Where the model extrapolates: test features outside the hulls of training features."""

from hullspace.studies.chapters.chapter import Chapter
from hullspace.studies.chapters.extrapolation import draw, find, say, tables

CHAPTER = Chapter(
    "Extrapolation",
    "Inside the convex hull of the training set a test image is an interpolation of training "
    "images as far as the last layer can tell; outside, the model extrapolates.",
    say=say.say,
    tabulate=tables.tabulate,
    draw=draw.draw,
    n_summary=2,
    finds="hulls",
    find=find.find,
)
