"""What a check owes each field of each result. A field that is not here fails the tests."""

# Every corruption is refused, but for those below that leave what is said true.
_CLAIMS = {
    "Adjacency": "matrix radii witnesses",
    "Ambiguity": "classes distances gaps points status",
    "AmbiguityTable": "exists points radii status subsets",
    "AmbiguousPoints": "classes distances exists gaps points radius status",
    "BoundaryDistances": "competitors distances nearest predictions",
    "BoundaryPoints": "distances gaps lower_bounds points predictions status targets",
    "Boxes": "classes half_widths lower status upper",
    "Certificate": (
        "margins normals residuals tolerance weights.data weights.indices weights.indptr"
    ),
    "ChebyshevBalls": "centers radii status",
    "ChebyshevCenter": "center duals equality_duals gap radius ray status",
    "ChebyshevCenters": "centers duals equality_duals gaps radii rays status",
    "ClassDistances": "disjoint distances gaps",
    "ClassMemberships": "status",
    "ClassProjections": "distances gaps status",
    "Coreset": "diameter ends error indices weights.data weights.indices weights.indptr",
    "Gauge": "center values",
    "GuaranteedBalls": "centers classes outside radii status",
    "GuaranteedProjections": "classes distances gaps points status",
    "Guarantees": "classes inside status",
    "HullDistance": "distance gap normal offset point_a point_b status weights_a weights_b",
    "Irredundant": "indices witnesses",
    "LinearRegion": (
        "affine_map class_radius class_radius_inf exact exact_inf label pattern point "
        "radius radius_inf"
    ),
    "Membership": "inside status",
    "Multipliers": "duals.data duals.indices duals.indptr equality_duals samples sets",
    "NearestBoundary": "classes lower point status upper",
    "NearestClass": "distances labels unique",
    "PolyhedronProjection": (
        "distances duals.data duals.indices duals.indptr equality_duals gaps points status"
    ),
    "PolyhedronSupport": (
        "duals.data duals.indices duals.indptr equality_duals gaps points rays status values"
    ),
    "Projection": (
        "distances gaps normals points status weights.data weights.indices weights.indptr"
    ),
    "Ray": "normals offsets points status steps weights.data weights.indices weights.indptr",
    "RegionDistances": "distances gaps points status",
    "SegmentWalk": (
        "breakpoints class_changes classes end first_pattern indices indptr logits start stop"
    ),
    "Segments": "classes offsets starts",
    "Support": "indices values",
    "Vertices": "directions indices margins status",
}
CLAIMS = [f"{kind}.{name}" for kind, names in _CLAIMS.items() for name in names.split()]

# Fields that no corruption of numbers fits: changed by tests of their own.
OTHERS = {
    "Adjacency.equal_classes": "a list of classes",
    "AmbiguousPoints.polyhedron": "a polyhedron",
}

# What was asked: it changes what is proven, but is not said by the answer.
QUESTIONS = {
    "BoundaryPoints.norm": "the norm asked for",
    "BoundaryPoints.to": "the class asked for",
    "LinearRegion.domain": "what the region is cut with; the radii do not depend on it",
    "LinearRegion.network": "the check is given the network",
    "NearestBoundary.domain": "the box asked for",
    "NearestBoundary.norm": "the norm asked for",
    "NearestBoundary.target": "the class asked for",
    "SegmentWalk.network": "the check is given the network",
}

# What nothing is proven of.
LABELS = {
    "AmbiguityTable._ties": "makes polyhedra on demand",
    "BoundaryPoints._ties": "names constraints on demand",
    "ChebyshevCenter.device": "where it was computed",
    "ChebyshevCenters.device": "where it was computed",
    "Gauge.device": "where it was computed",
    "Membership.device": "where it was computed",
    "NearestBoundary.history": "how the search went",
    "NearestBoundary.n_nodes": "how the search went",
    "NearestBoundary.seconds": "how the search went",
    "Projection.device": "where it was computed",
    "Ray.device": "where it was computed",
    "Support.device": "where it was computed",
    "Vertices.device": "where it was computed",
}

# Parts of results within results, of which not all are needed for the proof: what is proven without
# them is proven. No corruption may crash, and some must be refused.
EVIDENCE = {
    ("*", "Multipliers"): "bounds in closed form may do",
    ("Ambiguity", "AmbiguityTable"): "that a set is empty is needed, what else is in it is not",
    ("Ambiguity", "ChebyshevCenters"): "the same",
    ("GuaranteedBalls", "RegionDistances"): "a sample's distance to its own region is not needed",
}

# Corruptions that leave what is said true: (field, change, status or None for any), and why.
TRUE = {
    ("Certificate.tolerance", "beyond", None): "the tolerance is that of the check",
    ("Certificate.tolerance", "large", None): "the same",
    ("Certificate.tolerance", "zero", None): "the same",
    ("ChebyshevBalls.centers", "*", 5): "balls of radius 1 are in many places",
    ("ChebyshevCenters.centers", "*", 5): "any point of the set will do",
    ("ChebyshevCenters.rays", "*", 5): "many rays lead to ever larger balls",
    ("Irredundant.witnesses", "*", None): "many points violate a row alone",
    ("PolyhedronSupport.points", "*", 5): "any point of the set will do",
    ("PolyhedronSupport.rays", "*", 5): "many rays lead to ever larger scores",
    ("Projection.gaps", "zero", 0): "the hyperplane may prove more than the gap says",
    ("Projection.gaps", "swapped", 0): "the same",
    ("Ray.offsets", "beyond", 2): "there is room for other hyperplanes between hull and ray",
}
