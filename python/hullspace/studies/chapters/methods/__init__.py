"""How far the numbers can be relied on: proofs, tolerances, versions, seeds, timings."""

from hullspace.studies.chapters.chapter import Chapter
from hullspace.studies.chapters.methods import say, tables

CHAPTER = Chapter(
    "Methods and proofs",
    "How far the numbers can be relied on, and what it takes to get them again.",
    say=say.say,
    tabulate=tables.tabulate,
)
