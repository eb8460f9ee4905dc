"""Ways between test images: straight in pixels, and straight in features."""

from hullspace.studies.chapters.chapter import Chapter, needs_pixels
from hullspace.studies.chapters.morphing import draw, find, say, tables

CHAPTER = Chapter(
    "Morphing",
    "From one image to another there is a straight way in pixels, and one on which the features "
    "go straight.",
    say=say.say,
    tabulate=tables.tabulate,
    draw=draw.draw,
    finds="morphing",
    find=find.find,
    lacks=needs_pixels,
)
