# The names of the package, each listed once: lazy_loader reads them here.
from . import (
    certificates as certificates,
)
from . import (
    comparison as comparison,
)
from . import (
    datasets as datasets,
)
from . import (
    features as features,
)
from . import (
    hull as hull,
)
from . import (
    partition as partition,
)
from . import (
    pixels as pixels,
)
from . import (
    polyhedron as polyhedron,
)
from . import (
    regions as regions,
)
from . import (
    studies as studies,
)
from .build import build_info as build_info
from .comparison import SpaceComparison as SpaceComparison
from .comparison import compare_spaces as compare_spaces
from .devices import devices as devices
from .features import FeatureSet as FeatureSet
from .features import FeatureSpace as FeatureSpace
from .features import FeatureSplit as FeatureSplit
from .features import Head as Head
from .hull import (
    Certificate as Certificate,
)
from .hull import (
    ClassHulls as ClassHulls,
)
from .hull import (
    Hull as Hull,
)
from .hull import (
    Membership as Membership,
)
from .hull import (
    Projection as Projection,
)
from .hull import (
    hull_distance as hull_distance,
)
from .networks import ReluNetwork as ReluNetwork
from .partition import DecisionPartition as DecisionPartition
from .polyhedron import (
    ChebyshevCenter as ChebyshevCenter,
)
from .polyhedron import (
    ChebyshevCenters as ChebyshevCenters,
)
from .polyhedron import (
    Polyhedron as Polyhedron,
)
from .polyhedron import (
    chebyshev_centers as chebyshev_centers,
)
from .regions import (
    DecisionBoundary as DecisionBoundary,
)
from .regions import (
    LinearRegion as LinearRegion,
)
from .regions import (
    NearestBoundary as NearestBoundary,
)
from .regions import (
    RegionComplex as RegionComplex,
)
from .regions import (
    RegionCount as RegionCount,
)
from .regions import (
    RegionSlice as RegionSlice,
)
from .regions import (
    SearchInterrupted as SearchInterrupted,
)
from .regions import (
    SegmentWalk as SegmentWalk,
)
from .regions import (
    SegmentWalks as SegmentWalks,
)
from .regions import (
    count_regions as count_regions,
)
from .regions import (
    decision_boundary as decision_boundary,
)
from .regions import (
    enumerate_regions as enumerate_regions,
)
from .regions import (
    iterate_regions as iterate_regions,
)
from .regions import (
    nearest_boundary as nearest_boundary,
)
from .regions import (
    region_at as region_at,
)
from .regions import (
    slice_regions as slice_regions,
)
from .regions import (
    slice_through as slice_through,
)
from .regions import (
    walk_segment as walk_segment,
)
from .status import Proof as Proof
from .status import Status as Status
from .studies import Study as Study
from .studies import study as study
from .studies import study_features as study_features

__version__: str
