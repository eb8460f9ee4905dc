"""From a model and its images to features, head and files of them."""

from hullspace.features.store import FeatureSet, FeatureSplit, Head
from hullspace.features.torch import FeatureSpace

__all__ = ["FeatureSet", "FeatureSpace", "FeatureSplit", "Head"]
