"""
The compiled core of hullspace.
"""
from __future__ import annotations
import collections.abc
import numpy
import numpy.typing
import typing
import typing_extensions
__all__: list[str] = ['ArgumentError', 'DeviceArray', 'DeviceHull', 'Hull', 'RegionSearch', 'ReluNetwork', 'build_info', 'chebyshev_centers', 'count_devices', 'describe_device', 'device_chebyshev_centers', 'hull_distances', 'irredundant', 'maximize', 'project_onto']
class ArgumentError(ValueError):
    pass
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
    def __dlpack__(self, *, stream: typing.Any = None, max_version: typing.Any = None, dl_device: typing.Any = None, copy: typing.Any = None) -> typing_extensions.CapsuleType:
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
    def contains(self, queries: typing.Any, tolerance: typing.SupportsFloat | typing.SupportsIndex, stream: typing.SupportsInt | typing.SupportsIndex, to_device: bool) -> tuple:
        """
        Return (status, normals, margins, residuals, (data, indices, indptr), tolerance).
        """
    def leave_one_out(self, tolerance: typing.SupportsFloat | typing.SupportsIndex, stream: typing.SupportsInt | typing.SupportsIndex, to_device: bool) -> tuple:
        """
        Return what `contains` does for each point and the hull of the others.
        """
    def project(self, queries: typing.Any, tolerance: typing.SupportsFloat | typing.SupportsIndex, stream: typing.SupportsInt | typing.SupportsIndex, to_device: bool) -> tuple:
        """
        Return (points, distances, normals, gaps, status, (data, indices, indptr)).
        """
    def ray(self, origins: typing.Any, directions: typing.Any, tolerance: typing.SupportsFloat | typing.SupportsIndex, stream: typing.SupportsInt | typing.SupportsIndex, to_device: bool) -> tuple:
        """
        Return (points, steps, normals, offsets, status, (data, indices, indptr)).
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
    def contains(self, queries: numpy.ndarray, tolerance: typing.SupportsFloat | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> tuple:
        """
        Return (status, normals, margins, residuals, (data, indices, indptr), tolerance).
        """
    def leave_one_out(self, tolerance: typing.SupportsFloat | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> tuple:
        """
        Return what `contains` does for each point and the hull of the others.
        """
    def project(self, queries: numpy.ndarray, tolerance: typing.SupportsFloat | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> tuple:
        """
        Return (points, distances, normals, gaps, status, (data, indices, indptr)).
        """
    def ray(self, origins: numpy.ndarray, directions: numpy.ndarray, tolerance: typing.SupportsFloat | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> tuple:
        """
        Return (steps, points, normals, offsets, status, (data, indices, indptr)).
        """
    def support(self, directions: numpy.ndarray, n_threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.ndarray:
        """
        Return the index of the point that scores highest against each direction.
        """
    @property
    def scale(self) -> float:
        ...
class ReluNetwork:
    def __init__(self, n_inputs: typing.SupportsInt | typing.SupportsIndex, stages: list) -> None:
        ...
class RegionSearch:
    def __init__(self, network: ReluNetwork, basis: typing.Annotated[numpy.typing.ArrayLike, numpy.float64], origin: typing.Annotated[numpy.typing.ArrayLike, numpy.float64], rows: typing.Annotated[numpy.typing.ArrayLike, numpy.float64], bounds: typing.Annotated[numpy.typing.ArrayLike, numpy.float64], by_vertices: bool, with_proof: bool) -> None:
        ...
    def boundary(self, patterns: typing.Annotated[numpy.typing.ArrayLike, numpy.uint8], n_threads: typing.SupportsInt | typing.SupportsIndex) -> tuple:
        """
        Return (vertices, vertex starts, regions, classes, facets).
        """
    def open(self) -> tuple:
        """
        Return (ids, decided, values) of the open branches.
        """
    def root(self) -> tuple:
        """
        Return the proof's tree above the branches that are open at first.
        """
    def run(self, max_regions: typing.SupportsInt | typing.SupportsIndex, seconds: typing.SupportsFloat | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> tuple:
        """
        Return (patterns, points, fine points, doubts, streams, raised); Ctrl-C keeps what was found.
        """
    def set_open(self, ids: typing.Annotated[numpy.typing.ArrayLike, numpy.int64], decided: typing.Annotated[numpy.typing.ArrayLike, numpy.uint8], values: typing.Annotated[numpy.typing.ArrayLike, numpy.uint8], next_id: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    def shapes(self, patterns: typing.Annotated[numpy.typing.ArrayLike, numpy.uint8], with_volumes: bool, n_threads: typing.SupportsInt | typing.SupportsIndex) -> dict:
        ...
    @property
    def next_id(self) -> int:
        ...
def build_info() -> dict:
    """
    Describe the core and what it uses on this machine.
    """
def chebyshev_centers(a: typing.Annotated[numpy.typing.ArrayLike, numpy.float64], b: typing.Annotated[numpy.typing.ArrayLike, numpy.float64], starts: typing.Annotated[numpy.typing.ArrayLike, numpy.int64], n_threads: typing.SupportsInt | typing.SupportsIndex) -> tuple:
    """
    Return (centers, radii, duals, gaps, rays, status).
    """
def count_devices() -> tuple:
    """
    Return (count, why there are none).
    """
def describe_device(device: typing.SupportsInt | typing.SupportsIndex) -> tuple:
    """
    Return (name, capability, n_multiprocessors, total_memory, free_memory).
    """
def device_chebyshev_centers(a: typing.Any, b: typing.Any, starts: typing.Annotated[numpy.typing.ArrayLike, numpy.int64], device: typing.SupportsInt | typing.SupportsIndex, stream: typing.SupportsInt | typing.SupportsIndex, memory_limit: typing.SupportsInt | typing.SupportsIndex, to_device: bool) -> tuple:
    """
    Return (centers, radii, duals, gaps, rays, status).
    """
def hull_distances(pairs: collections.abc.Sequence[tuple[Hull, Hull]], tolerance: typing.SupportsFloat | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> tuple:
    """
    Return (distances, gaps, first, second, normals, status, weights, weights).
    """
def irredundant(a: typing.Annotated[numpy.typing.ArrayLike, numpy.float64], b: typing.Annotated[numpy.typing.ArrayLike, numpy.float64], n_threads: typing.SupportsInt | typing.SupportsIndex) -> tuple:
    """
    Return (kept, witnesses, status).
    """
def maximize(a: typing.Annotated[numpy.typing.ArrayLike, numpy.float64], b: typing.Annotated[numpy.typing.ArrayLike, numpy.float64], objectives: typing.Annotated[numpy.typing.ArrayLike, numpy.float64], n_threads: typing.SupportsInt | typing.SupportsIndex) -> tuple:
    """
    Return (values, points, (data, indices, indptr), rays, gaps, status).
    """
def project_onto(a: typing.Annotated[numpy.typing.ArrayLike, numpy.float64], b: typing.Annotated[numpy.typing.ArrayLike, numpy.float64], starts: typing.Annotated[numpy.typing.ArrayLike, numpy.int64], which: typing.Annotated[numpy.typing.ArrayLike, numpy.int64], queries: typing.Annotated[numpy.typing.ArrayLike, numpy.float64], n_threads: typing.SupportsInt | typing.SupportsIndex) -> tuple:
    """
    Return (points, distances, (data, indices, indptr), gaps, status).
    """
__version__: str = '0.1.0'
