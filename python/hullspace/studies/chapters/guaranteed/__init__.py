"""Regions that are guaranteed a class: the hulls of the training features of each."""

from hullspace.studies.chapters.chapter import Chapter
from hullspace.studies.chapters.guaranteed import draw, say, tables

CHAPTER = Chapter(
    "Guaranteed regions",
    "A class's region is convex, so the whole hull of any of its features is certain to be of "
    "that class.",
    say=say.say,
    tabulate=tables.tabulate,
    draw=draw.draw,
    uses=("hulls", "partition"),
)
