"""From a model and its images to features, head and files of them."""

from hullspace.features.colours import normalization
from hullspace.features.sources import Images, load_images
from hullspace.features.space import FeatureSpace
from hullspace.features.store import FeatureSet, FeatureSplit, Head

__all__ = [
    "FeatureSet",
    "FeatureSpace",
    "FeatureSplit",
    "Head",
    "Images",
    "load_images",
    "normalization",
]
