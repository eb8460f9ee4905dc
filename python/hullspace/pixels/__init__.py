"""From features back to pixels: searches for images, by gradients of the model.

Every search is heuristic: what it finds is checked, but what it does not find may exist.
"""

from hullspace.pixels.ambiguous import AmbiguousImages, ambiguous_images
from hullspace.pixels.flip import Flip, flip
from hullspace.pixels.invert import Inversion, invert
from hullspace.pixels.morph import Morph, MorphPath, morph

__all__ = [
    "AmbiguousImages",
    "Flip",
    "Inversion",
    "Morph",
    "MorphPath",
    "ambiguous_images",
    "flip",
    "invert",
    "morph",
]
