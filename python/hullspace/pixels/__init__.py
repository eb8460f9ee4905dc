"""From features back to pixels: searches for images, by gradients of the model.

Every search is heuristic: what it finds is checked, but what it does not find may exist.
"""

from hullspace.pixels.flip import Flip, flip
from hullspace.pixels.invert import Inversion, invert

__all__ = ["Flip", "Inversion", "flip", "invert"]
