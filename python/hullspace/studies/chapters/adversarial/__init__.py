"""How little changes the model's answer in pixels, and how far nothing can."""

from hullspace.studies.chapters.adversarial import draw, find, say, tables
from hullspace.studies.chapters.chapter import Chapter, needs_pixels

CHAPTER = Chapter(
    "Adversarial vulnerability",
    "The nearest image where the answer changes lies between a radius in which that is proven "
    "to be impossible and the nearest change that a search found.",
    say=say.say,
    tabulate=tables.tabulate,
    draw=draw.draw,
    n_summary=2,
    finds="adversarial",
    find=find.find,
    lacks=needs_pixels,
)
