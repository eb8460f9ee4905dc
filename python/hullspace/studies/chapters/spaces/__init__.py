"""Feature space compared with pixel space."""

from hullspace.studies.chapters.chapter import Chapter, needs_pixels
from hullspace.studies.chapters.spaces import draw, find, say, tables

CHAPTER = Chapter(
    "Feature space against pixel space",
    "The same questions in pixels, wavelets, hidden layers and features, each with the controls "
    "that tell geometry from dimension.",
    say=say.say,
    tabulate=tables.tabulate,
    draw=draw.draw,
    n_summary=2,
    finds="spaces",
    find=find.find,
    lacks=needs_pixels,
)
