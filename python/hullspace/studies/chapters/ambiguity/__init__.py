"""Ties of several classes: in features, and at images."""

from hullspace.studies.chapters.ambiguity import draw, find, say, tables
from hullspace.studies.chapters.chapter import Chapter

CHAPTER = Chapter(
    "Ambiguity",
    "Where several classes tie for the largest logit, and images there.",
    say=say.say,
    tabulate=tables.tabulate,
    draw=draw.draw,
    finds="ties",
    find=find.find,
    lacks=find.lacks,
    needs=("partition",),
    uses=("ties",),
)
