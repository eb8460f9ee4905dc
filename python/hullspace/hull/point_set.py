"""What a hull asks of its points, wherever they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy.typing as npt

    from hullspace.arguments import FloatArray
    from hullspace.hull.host_set import HostSet
    from hullspace.hull.results import Membership, Projection, Ray, Support


class PointSet(Protocol):
    """Points that are prepared for questions, in the memory of the host or of a device.

    Queries are the user's, and answers are where they are. A tolerance is relative to `scale`, and
    0 threads stand for all cores.
    """

    @property
    def given(self) -> Any:
        """The points, as the user gave them where they are on a device."""

    @property
    def host_points(self) -> npt.NDArray[Any]:
        """The points in the host's memory."""

    @property
    def shape(self) -> tuple[int, int]:
        """Number of points and of features."""

    @property
    def scale(self) -> float:
        """Unit of tolerances."""

    @property
    def device(self) -> str:
        """Where the points are: "cpu", or a device as in "cuda:0"."""

    @property
    def method(self) -> str:
        """What is in use: "facets" or "active-set"."""

    @property
    def options(self) -> dict[str, Any]:
        """What `Hull` takes besides the points to make the same."""

    def project(self, queries: Any, tolerance: float, threads: int) -> Projection:
        """See `Hull.project`."""

    def contains(self, queries: Any, tolerance: float, threads: int) -> Membership:
        """See `Hull.contains`."""

    def leave_one_out(self, tolerance: float, threads: int) -> Membership:
        """Tell which points are in the hull of the others; the answer is on the host."""

    def ray(self, origins: Any, directions: Any, tolerance: float, threads: int) -> Ray:
        """See `Hull.ray`."""

    def support(self, directions: Any, threads: int) -> Support:
        """See `Hull.support`."""

    def read(self, queries: Any, name: str) -> FloatArray:
        """Return queries in the host's memory, with as many columns as the points."""

    def prepare(self, points: npt.NDArray[Any], threads: int) -> PointSet:
        """Prepare other points in the same place."""

    def on_cpu(self, wanted: str) -> HostSet:
        """Return the set on the CPU, for what no device does.

        Raises
        ------
        NotImplementedError
            If it is on a device; the message names what was `wanted`.
        """
