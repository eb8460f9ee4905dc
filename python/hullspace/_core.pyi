"""
The compiled core of hullspace.
"""
from __future__ import annotations
import collections.abc
import numpy
import numpy.typing
import typing
__all__: list[str] = ['ArgumentError', 'Hull', 'RegionSearch', 'ReluNetwork', 'build_info', 'chebyshev_centers', 'hull_distances', 'irredundant', 'maximize', 'project_onto']
class ArgumentError(ValueError):
    pass
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
        Return (vertices, vertex starts, regions, classes).
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
        Return (patterns, points, doubts, streams, raised); Ctrl-C keeps what was found.
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
