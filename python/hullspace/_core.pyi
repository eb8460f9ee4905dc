"""
The compiled core of hullspace.
"""
from __future__ import annotations
import collections.abc
import numpy
import numpy.typing
import typing
import typing_extensions
__all__: list[str] = ['ArgumentError', 'BoundaryPieces', 'ChebyshevCenters', 'Csr', 'DeviceArray', 'DeviceCount', 'DeviceHull', 'DeviceInfo', 'Hull', 'HullDistances', 'Irredundant', 'LinearOptima', 'Memberships', 'PolyhedronProjections', 'Projections', 'Rays', 'RegionBatch', 'RegionDoubt', 'RegionNodes', 'RegionPoint', 'RegionProofStream', 'RegionSearch', 'RegionShapes', 'ReluNetwork', 'Stage', 'Status', 'Term', 'build_info', 'chebyshev_centers', 'count_devices', 'describe_device', 'device_chebyshev_centers', 'hull_distances', 'irredundant', 'maximize', 'project_onto']
class ArgumentError(ValueError):
    pass
class Status:
    """
    Outcome of one problem; results hold its numbers.
    
    Members:
    
      OPTIMAL
    
      INSIDE
    
      OUTSIDE
    
      UNDECIDED
    
      EMPTY
    
      UNBOUNDED
    
      LIMIT
    """
    EMPTY: typing.ClassVar[Status]
    INSIDE: typing.ClassVar[Status]
    LIMIT: typing.ClassVar[Status]
    OPTIMAL: typing.ClassVar[Status]
    OUTSIDE: typing.ClassVar[Status]
    UNBOUNDED: typing.ClassVar[Status]
    UNDECIDED: typing.ClassVar[Status]
    __members__: typing.ClassVar[dict[str, Status]]
    @typing.overload
    def __eq__(self, other: Status) -> bool:
        ...
    @typing.overload
    def __eq__(self, other: typing.Any) -> bool:
        ...
    def __getstate__(self) -> int:
        ...
    def __hash__(self) -> int:
        ...
    def __index__(self) -> int:
        ...
    def __init__(self, value: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    def __int__(self) -> int:
        ...
    @typing.overload
    def __ne__(self, other: Status) -> bool:
        ...
    @typing.overload
    def __ne__(self, other: typing.Any) -> bool:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, state: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    def __str__(self) -> str:
        ...
    @property
    def name(self) -> str:
        ...
    @property
    def value(self) -> int:
        ...
class Csr:
    """
    A matrix as compressed sparse rows.
    """
    @property
    def data(self) -> typing.Any:
        """
        (n_stored,) float64
        """
    @property
    def indices(self) -> typing.Any:
        """
        (n_stored,) columns, of indptr's type
        """
    @property
    def indptr(self) -> typing.Any:
        """
        (n_rows + 1,) where rows start
        """
class Projections:
    """
    The nearest points of a hull to queries.
    """
    @property
    def distances(self) -> typing.Any:
        """
        (n_queries,) float64
        """
    @property
    def gaps(self) -> typing.Any:
        """
        (n_queries,) float64; the truth is in [distance - gap, distance]
        """
    @property
    def normals(self) -> typing.Any:
        """
        (n_queries, n_features) float64, from hull to query; proves the gap
        """
    @property
    def points(self) -> typing.Any:
        """
        (n_queries, n_features) float64
        """
    @property
    def status(self) -> typing.Any:
        """
        (n_queries,) int8
        """
    @property
    def weights(self) -> Csr:
        """
        (n_queries, n_points)
        """
class Memberships:
    """
    Whether queries are in a hull.
    """
    @property
    def margins(self) -> typing.Any:
        """
        (n_queries,) float64, verified separation; zero unless outside
        """
    @property
    def normals(self) -> typing.Any:
        """
        (n_queries, n_features) float64, unit; zero unless outside
        """
    @property
    def residuals(self) -> typing.Any:
        """
        (n_queries,) float64, of the weights; NaN unless inside
        """
    @property
    def status(self) -> typing.Any:
        """
        (n_queries,) int8
        """
    @property
    def tolerance(self) -> float:
        """
        The largest residual that counted as inside, in the units of the data.
        """
    @property
    def weights(self) -> Csr:
        """
        (n_queries, n_points); empty rows unless inside
        """
class Rays:
    """
    Where rays leave a hull.
    """
    @property
    def normals(self) -> typing.Any:
        """
        (n_rays, n_features) float64, unit; no point of the hull scores higher
        """
    @property
    def offsets(self) -> typing.Any:
        """
        (n_rays,) float64, that highest score
        """
    @property
    def points(self) -> typing.Any:
        """
        (n_rays, n_features) float64
        """
    @property
    def status(self) -> typing.Any:
        """
        (n_rays,) int8
        """
    @property
    def steps(self) -> typing.Any:
        """
        (n_rays,) float64, in units of the direction's length; NaN if outside
        """
    @property
    def weights(self) -> Csr:
        """
        (n_rays, n_points); empty rows unless optimal
        """
class ChebyshevCenters:
    """
    Largest balls in polyhedra.
    """
    @property
    def centers(self) -> typing.Any:
        """
        (n_polyhedra, n_features) float64; NaN if empty
        """
    @property
    def duals(self) -> typing.Any:
        """
        (n_bounds,) float64; Farkas multipliers if empty
        """
    @property
    def gaps(self) -> typing.Any:
        """
        (n_polyhedra,) float64; no ball has a radius above radius + gap
        """
    @property
    def radii(self) -> typing.Any:
        """
        (n_polyhedra,) float64; NaN if empty, infinity if unbounded
        """
    @property
    def rays(self) -> typing.Any:
        """
        (n_polyhedra, n_features) float64; zero unless unbounded
        """
    @property
    def status(self) -> typing.Any:
        """
        (n_polyhedra,) int8
        """
class DeviceArray:
    """
    An array in memory of a GPU, for any library that speaks DLPack.
    """
    @staticmethod
    def of_dlpack(capsule: typing_extensions.CapsuleType, name: str, stream: typing.SupportsInt | typing.SupportsIndex) -> DeviceArray:
        """
        Borrow what a capsule lends; errors name the argument `name`.
        """
    @staticmethod
    def of_numpy(array: numpy.ndarray, device: typing.SupportsInt | typing.SupportsIndex, stream: typing.SupportsInt | typing.SupportsIndex) -> DeviceArray:
        """
        Copy an array to a device.
        """
    def __dlpack__(self, *, stream: typing.Any = None, max_version: tuple[typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex] | None = None, dl_device: tuple[typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex] | None = None, copy: bool | None = None) -> typing_extensions.CapsuleType:
        ...
    def __dlpack_device__(self) -> tuple[int, int]:
        ...
    def __len__(self) -> int:
        ...
    def __repr__(self) -> str:
        ...
    def numpy(self) -> numpy.ndarray:
        """
        Copy the array to the host.
        """
    def reshaped(self, shape: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex]) -> DeviceArray:
        """
        Return the same elements, not copied.
        """
    @property
    def device(self) -> str:
        ...
    @property
    def dtype(self) -> typing.Any:
        ...
    @property
    def nbytes(self) -> int:
        ...
    @property
    def ndim(self) -> int:
        ...
    @property
    def shape(self) -> tuple:
        ...
    @property
    def size(self) -> int:
        ...
class DeviceHull:
    """
    A point set prepared on a device.
    """
    def __init__(self, points: typing.Any, device: typing.SupportsInt | typing.SupportsIndex, stream: typing.SupportsInt | typing.SupportsIndex, memory_limit: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    def contains(self, queries: typing.Any, tolerance: typing.SupportsFloat | typing.SupportsIndex, stream: typing.SupportsInt | typing.SupportsIndex, to_device: bool) -> Memberships:
        """
        Tell which queries are in the hull.
        """
    def leave_one_out(self, tolerance: typing.SupportsFloat | typing.SupportsIndex, stream: typing.SupportsInt | typing.SupportsIndex, to_device: bool) -> Memberships:
        """
        Tell which points are in the hull of the others.
        """
    def project(self, queries: typing.Any, tolerance: typing.SupportsFloat | typing.SupportsIndex, stream: typing.SupportsInt | typing.SupportsIndex, to_device: bool) -> Projections:
        """
        Find the nearest point of the hull to each query.
        """
    def ray(self, origins: typing.Any, directions: typing.Any, tolerance: typing.SupportsFloat | typing.SupportsIndex, stream: typing.SupportsInt | typing.SupportsIndex, to_device: bool) -> Rays:
        """
        Find where rays leave the hull.
        """
    def support(self, directions: typing.Any, stream: typing.SupportsInt | typing.SupportsIndex, to_device: bool) -> typing.Any:
        """
        Return the index of the point that scores highest against each direction.
        """
    @property
    def is_streamed(self) -> bool:
        ...
    @property
    def memory_limit(self) -> int:
        ...
    @property
    def scale(self) -> float:
        ...
class DeviceCount:
    """
    How many devices there are.
    """
    @property
    def n(self) -> int:
        ...
    @property
    def reason(self) -> str:
        """
        Why there are none, else empty.
        """
class DeviceInfo:
    """
    A device.
    """
    @property
    def capability(self) -> int:
        """
        10 * major + minor
        """
    @property
    def free_memory(self) -> int:
        """
        Bytes.
        """
    @property
    def n_multiprocessors(self) -> int:
        ...
    @property
    def name(self) -> str:
        ...
    @property
    def total_memory(self) -> int:
        """
        Bytes.
        """
class Hull:
    """
    A prepared point set.
    """
    def __init__(self, points: numpy.ndarray, n_threads: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    def append(self, points: numpy.ndarray, n_threads: typing.SupportsInt | typing.SupportsIndex) -> None:
        """
        Look at `points`, whose first rows are those of before.
        """
    def contains(self, queries: numpy.ndarray, tolerance: typing.SupportsFloat | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> Memberships:
        """
        Tell which queries are in the hull.
        """
    def leave_one_out(self, tolerance: typing.SupportsFloat | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> Memberships:
        """
        Tell which points are in the hull of the others.
        """
    def project(self, queries: numpy.ndarray, tolerance: typing.SupportsFloat | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> Projections:
        """
        Find the nearest point of the hull to each query.
        """
    def ray(self, origins: numpy.ndarray, directions: numpy.ndarray, tolerance: typing.SupportsFloat | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> Rays:
        """
        Find where rays leave the hull.
        """
    def support(self, directions: numpy.ndarray, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.int32]:
        """
        Return the index of the point that scores highest against each direction.
        """
    @property
    def scale(self) -> float:
        ...
class HullDistances:
    """
    The nearest points of pairs of hulls.
    """
    @property
    def distances(self) -> numpy.typing.NDArray[numpy.float64]:
        """
        (n_pairs,)
        """
    @property
    def first(self) -> numpy.typing.NDArray[numpy.float64]:
        """
        (n_pairs, n_features), points of the first hulls
        """
    @property
    def first_weights(self) -> Csr:
        """
        Rows of the first hulls' n_points.
        """
    @property
    def gaps(self) -> numpy.typing.NDArray[numpy.float64]:
        """
        (n_pairs,); the truth is in [distance - gap, distance]
        """
    @property
    def normals(self) -> numpy.typing.NDArray[numpy.float64]:
        """
        (n_pairs, n_features), from second to first; zero where hulls meet
        """
    @property
    def second(self) -> numpy.typing.NDArray[numpy.float64]:
        """
        (n_pairs, n_features), points of the second hulls
        """
    @property
    def second_weights(self) -> Csr:
        """
        Rows of the second hulls' n_points.
        """
    @property
    def status(self) -> numpy.typing.NDArray[numpy.int8]:
        """
        (n_pairs,)
        """
class LinearOptima:
    """
    Largest values of linear functions.
    """
    @property
    def duals(self) -> Csr:
        """
        (n_objectives, n_rows); Farkas multipliers if empty
        """
    @property
    def gaps(self) -> numpy.typing.NDArray[numpy.float64]:
        """
        (n_objectives,)
        """
    @property
    def points(self) -> numpy.typing.NDArray[numpy.float64]:
        """
        (n_objectives, n_features); NaN if empty
        """
    @property
    def rays(self) -> numpy.typing.NDArray[numpy.float64]:
        """
        (n_objectives, n_features); zero unless unbounded
        """
    @property
    def status(self) -> numpy.typing.NDArray[numpy.int8]:
        """
        (n_objectives,)
        """
    @property
    def values(self) -> numpy.typing.NDArray[numpy.float64]:
        """
        (n_objectives,); infinity if unbounded, -infinity if empty
        """
class Irredundant:
    """
    Rows that no others imply.
    """
    @property
    def kept(self) -> numpy.typing.NDArray[numpy.int8]:
        """
        (n_rows,), 1 or 0
        """
    @property
    def status(self) -> int:
        """
        A number of `Status`.
        """
    @property
    def witnesses(self) -> numpy.typing.NDArray[numpy.float64]:
        """
        (n_rows, n_features), breaks this row and no other kept one
        """
class PolyhedronProjections:
    """
    The nearest points of polyhedra.
    """
    @property
    def distances(self) -> numpy.typing.NDArray[numpy.float64]:
        """
        (n_queries,); infinity if empty
        """
    @property
    def duals(self) -> Csr:
        """
        (n_queries, n_rows), query - point = duals * rows; Farkas multipliers if empty
        """
    @property
    def gaps(self) -> numpy.typing.NDArray[numpy.float64]:
        """
        (n_queries,); the truth is in [distance - gap, distance]
        """
    @property
    def points(self) -> numpy.typing.NDArray[numpy.float64]:
        """
        (n_queries, n_features); NaN if empty, and for a query too far away
        """
    @property
    def status(self) -> numpy.typing.NDArray[numpy.int8]:
        """
        (n_queries,)
        """
class Term:
    """
    A linear operator of a stage, on the input (source 0) or on the outputs of stage source - 1.
    """
    @staticmethod
    def convolution(source: typing.SupportsInt | typing.SupportsIndex, weight: numpy.ndarray, input_shape: typing.Annotated[collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], "FixedSize(3)"], stride: typing.Annotated[collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], "FixedSize(2)"], padding: typing.Annotated[collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], "FixedSize(4)"], dilation: typing.Annotated[collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], "FixedSize(2)"], groups: typing.SupportsInt | typing.SupportsIndex) -> Term:
        """
        Channels, height and width go in; padding is at the top, left, bottom, right.
        """
    @staticmethod
    def dense(source: typing.SupportsInt | typing.SupportsIndex, matrix: numpy.ndarray) -> Term:
        ...
    @staticmethod
    def sparse(source: typing.SupportsInt | typing.SupportsIndex, n_in: typing.SupportsInt | typing.SupportsIndex, values: numpy.ndarray, columns: numpy.ndarray, row_starts: numpy.ndarray) -> Term:
        ...
class Stage:
    """
    Units with inputs a, the sum of the terms and the bias, and outputs max(a, 0) + slope * min(a, 0).
    """
    def __init__(self, terms: collections.abc.Sequence[Term], bias: numpy.ndarray, slopes: numpy.ndarray) -> None:
        ...
class ReluNetwork:
    """
    Stages, copied, in order of evaluation.
    """
    def __init__(self, n_inputs: typing.SupportsInt | typing.SupportsIndex, stages: collections.abc.Sequence[Stage]) -> None:
        ...
class RegionProofStream:
    """
    What became of one branch: a tree of branches in preorder.
    """
    @property
    def first_child(self) -> int:
        """
        The first branch that it leaves open.
        """
    @property
    def id(self) -> int:
        """
        The branch that it is about.
        """
    @property
    def multipliers(self) -> numpy.typing.NDArray[numpy.float64]:
        ...
    @property
    def rows(self) -> numpy.typing.NDArray[numpy.int32]:
        """
        Hidden units, then the domain's constraints.
        """
    @property
    def starts(self) -> numpy.typing.NDArray[numpy.int64]:
        """
        Where the multipliers of each -2 start.
        """
    @property
    def tokens(self) -> numpy.typing.NDArray[numpy.int32]:
        """
        A hidden unit to branch on, its positive side first; -1 a region, -2 a branch without interior points, -3 an open one.
        """
class RegionNodes:
    """
    Branches that are open.
    """
    @property
    def decided(self) -> numpy.typing.NDArray[numpy.uint8]:
        """
        (n_open, n_bytes), packed as patterns are
        """
    @property
    def ids(self) -> numpy.typing.NDArray[numpy.int64]:
        """
        (n_open,)
        """
    @property
    def values(self) -> numpy.typing.NDArray[numpy.uint8]:
        """
        (n_open, n_bytes)
        """
class RegionDoubt:
    """
    A cell that rounding cannot decide.
    """
    @property
    def multipliers(self) -> numpy.typing.NDArray[numpy.float64]:
        ...
    @property
    def place(self) -> numpy.typing.NDArray[numpy.float64]:
        """
        (n_dims,)
        """
    @property
    def rows(self) -> numpy.typing.NDArray[numpy.int32]:
        """
        Multipliers that would prove it empty.
        """
    @property
    def side(self) -> bool:
        ...
    @property
    def unit(self) -> int:
        """
        The hidden unit that may cut it off.
        """
    @property
    def values(self) -> numpy.typing.NDArray[numpy.uint8]:
        """
        (n_bytes,)
        """
class RegionPoint:
    """
    A point inside a thin region, in more digits.
    """
    @property
    def parts(self) -> numpy.typing.NDArray[numpy.float64]:
        """
        (n_dims + 1, n_parts): homogeneous coordinates (t y, t), each the sum of its parts.
        """
    @property
    def region(self) -> int:
        """
        Which of the batch.
        """
class RegionBatch:
    """
    What a run of a search has found.
    """
    @property
    def doubts(self) -> list[RegionDoubt]:
        ...
    @property
    def fine_points(self) -> list[RegionPoint]:
        """
        Where points are not inside.
        """
    @property
    def patterns(self) -> numpy.typing.NDArray[numpy.uint8]:
        """
        (n_regions, n_bytes), lowest bit first
        """
    @property
    def points(self) -> numpy.typing.NDArray[numpy.float64]:
        """
        (n_regions, n_dims), inside
        """
    @property
    def raised(self) -> typing.Any:
        """
        What a signal handler raised meanwhile, or None.
        """
    @property
    def streams(self) -> list[RegionProofStream]:
        """
        With a proof: of branches that were open.
        """
class RegionShapes:
    """
    What regions look like, one after the other as the starts say.
    """
    @property
    def facet_rows(self) -> numpy.typing.NDArray[numpy.float64]:
        """
        (n_facets, n_dims + 1)
        """
    @property
    def facet_starts(self) -> numpy.typing.NDArray[numpy.int64]:
        ...
    @property
    def facet_vertex_starts(self) -> numpy.typing.NDArray[numpy.int64]:
        ...
    @property
    def facet_vertices(self) -> numpy.typing.NDArray[numpy.int32]:
        """
        Of each facet, counted within the region.
        """
    @property
    def facets(self) -> numpy.typing.NDArray[numpy.int32]:
        """
        Hidden units, then the domain's constraints.
        """
    @property
    def labels(self) -> numpy.typing.NDArray[numpy.int32]:
        """
        Class of the largest output, -1 if several share the region.
        """
    @property
    def vertex_starts(self) -> numpy.typing.NDArray[numpy.int64]:
        ...
    @property
    def vertices(self) -> numpy.typing.NDArray[numpy.float64]:
        """
        (n_vertices, n_dims + 1): (y, 1), or (direction, 0)
        """
    @property
    def volumes(self) -> numpy.typing.NDArray[numpy.float64]:
        """
        Empty unless asked for.
        """
class BoundaryPieces:
    """
    Where two outputs are equal and no other is larger.
    """
    @property
    def classes(self) -> numpy.typing.NDArray[numpy.int32]:
        """
        (n_pieces, 2)
        """
    @property
    def facets(self) -> numpy.typing.NDArray[numpy.int32]:
        """
        (n_pieces,): the facet that each piece is along, or -1
        """
    @property
    def regions(self) -> numpy.typing.NDArray[numpy.int64]:
        """
        (n_pieces,), of the given ones
        """
    @property
    def vertex_starts(self) -> numpy.typing.NDArray[numpy.int64]:
        ...
    @property
    def vertices(self) -> numpy.typing.NDArray[numpy.float64]:
        """
        As those of RegionShapes.
        """
class RegionSearch:
    """
    A search that goes on where it ended.
    """
    def __init__(self, network: ReluNetwork, basis: numpy.ndarray, origin: numpy.ndarray, rows: numpy.ndarray, bounds: numpy.ndarray, by_vertices: bool, with_proof: bool) -> None:
        ...
    def boundary(self, patterns: numpy.ndarray, n_threads: typing.SupportsInt | typing.SupportsIndex) -> BoundaryPieces:
        """
        Find the pieces of the decision boundary in regions with these patterns.
        """
    def open(self) -> RegionNodes:
        """
        Return the branches that are still open.
        """
    def root(self) -> RegionProofStream:
        """
        Return the proof's tree above the branches that are open at first.
        """
    def run(self, max_regions: typing.SupportsInt | typing.SupportsIndex, seconds: typing.SupportsFloat | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> RegionBatch:
        """
        Find more regions; Ctrl-C keeps what was found.
        """
    def set_open(self, ids: numpy.ndarray, decided: numpy.ndarray, values: numpy.ndarray, next_id: typing.SupportsInt | typing.SupportsIndex) -> None:
        """
        Go on with these branches; new ones are numbered from there on.
        """
    def shapes(self, patterns: numpy.ndarray, with_volumes: bool, n_threads: typing.SupportsInt | typing.SupportsIndex) -> RegionShapes:
        """
        Say what regions with these patterns look like.
        """
    @property
    def next_id(self) -> int:
        ...
def build_info() -> dict:
    """
    Describe the core and what it uses on this machine.
    """
def chebyshev_centers(a: numpy.ndarray, b: numpy.ndarray, starts: numpy.ndarray, n_threads: typing.SupportsInt | typing.SupportsIndex) -> ChebyshevCenters:
    """
    Find a largest ball in each polyhedron.
    """
def count_devices() -> DeviceCount:
    """
    Count the devices.
    """
def describe_device(device: typing.SupportsInt | typing.SupportsIndex) -> DeviceInfo:
    """
    Describe one of the devices.
    """
def device_chebyshev_centers(a: typing.Any, b: typing.Any, starts: numpy.ndarray, device: typing.SupportsInt | typing.SupportsIndex, stream: typing.SupportsInt | typing.SupportsIndex, memory_limit: typing.SupportsInt | typing.SupportsIndex, to_device: bool) -> ChebyshevCenters:
    """
    Find a largest ball in each polyhedron.
    """
def hull_distances(pairs: collections.abc.Sequence[tuple[Hull, Hull]], tolerance: typing.SupportsFloat | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> HullDistances:
    """
    Find the nearest points of each pair of hulls.
    """
def irredundant(a: numpy.ndarray, b: numpy.ndarray, n_threads: typing.SupportsInt | typing.SupportsIndex) -> Irredundant:
    """
    Find the rows that no others imply.
    """
def maximize(a: numpy.ndarray, b: numpy.ndarray, objectives: numpy.ndarray, n_threads: typing.SupportsInt | typing.SupportsIndex) -> LinearOptima:
    """
    Maximize linear functions over a polyhedron.
    """
def project_onto(a: numpy.ndarray, b: numpy.ndarray, starts: numpy.ndarray, which: numpy.ndarray, queries: numpy.ndarray, n_threads: typing.SupportsInt | typing.SupportsIndex) -> PolyhedronProjections:
    """
    Find the point of polyhedron which[i] nearest to query i.
    """
__version__: str = '0.1.0'
