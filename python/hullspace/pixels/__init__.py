"""From features back to pixels: searches for images, and radii in which nothing changes.

Searches are heuristic: what they find is checked, but what they do not find may exist. Guaranteed
radii are proven.
"""

from hullspace.pixels.ambiguous import AmbiguousImages, ambiguous_images
from hullspace.pixels.flip import Flip, flip
from hullspace.pixels.guaranteed import GuaranteedRadius, RadiusBracket, guaranteed_radius
from hullspace.pixels.invert import Inversion, invert
from hullspace.pixels.morph import Morph, MorphPath, morph

__all__ = [
    "AmbiguousImages",
    "Flip",
    "GuaranteedRadius",
    "Inversion",
    "Morph",
    "MorphPath",
    "RadiusBracket",
    "ambiguous_images",
    "flip",
    "guaranteed_radius",
    "invert",
    "morph",
]
