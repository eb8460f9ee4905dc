"""
The compiled core of hullspace.
"""
from __future__ import annotations
import collections.abc
import numpy
import typing
__all__: list[str] = ['ArgumentError', 'Hull', 'build_info', 'hull_distances']
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
def build_info() -> dict:
    """
    Describe the core and what it uses on this machine.
    """
def hull_distances(pairs: collections.abc.Sequence[tuple[Hull, Hull]], tolerance: typing.SupportsFloat | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> tuple:
    """
    Return (distances, gaps, first, second, normals, status, weights, weights).
    """
__version__: str = '0.1.0'
