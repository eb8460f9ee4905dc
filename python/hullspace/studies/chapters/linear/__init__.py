"""The linear regions of a network: in a plane, between images, around images."""

from hullspace.studies.chapters.chapter import Chapter
from hullspace.studies.chapters.linear import draw, find, say, tables

CHAPTER = Chapter(
    "Linear regions in image space",
    "A network of ReLU units is affine on each of many convex polyhedra.",
    say=say.say,
    tabulate=tables.tabulate,
    draw=draw.draw,
    finds="linear",
    find=find.find,
    lacks=find.lacks,
)
