"""From features back to images: how far an image is from another class, in pixels."""

from hullspace.pixels.guaranteed import GuaranteedRadius, RadiusBracket, guaranteed_radius

__all__ = ["GuaranteedRadius", "RadiusBracket", "guaranteed_radius"]
