"""
The compiled core of hullspace.
"""
from __future__ import annotations
import numpy
import typing
__all__: list[str] = ['ArgumentError', 'Hull', 'build_info']
class ArgumentError(ValueError):
    pass
class Hull:
    """
    A prepared point set.
    """
    def __init__(self, points: numpy.ndarray, n_threads: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    def contains(self, queries: numpy.ndarray, tolerance: typing.SupportsFloat | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> tuple:
        """
        Return (status, normals, margins, residuals, (data, indices, indptr), tolerance).
        """
    def project(self, queries: numpy.ndarray, tolerance: typing.SupportsFloat | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex) -> tuple:
        """
        Return (points, distances, normals, gaps, status, (data, indices, indptr)).
        """
    @property
    def scale(self) -> float:
        ...
def build_info() -> dict:
    """
    Describe the core and what it uses on this machine.
    """
__version__: str = '0.1.0'
