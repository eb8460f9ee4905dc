"""A point set prepared on a GPU, and what operations return from there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hullspace import _core
from hullspace.devices import (
    Placed,
    beside,
    device_of,
    name_of,
    on_host,
    place_matrix,
)
from hullspace.hull.results import Certificate, Membership, Projection, Ray, Support
from hullspace.status import Status

if TYPE_CHECKING:
    import numpy.typing as npt


class DeviceSet:
    """The points, and what the core works on; the counterpart of `PreparedSet`.

    Attributes
    ----------
    given : array
        The points as the user gave them.
    points : array
        As the core takes them: NumPy's, or one on the device.
    core : _core.DeviceHull
        Holds the points.
    device : int
        Number of the device.
    memory_limit : int
        Bytes that the hull and its calls may hold there; 0 for the default.
    """

    def __init__(self, points: Any, device: int, memory_limit: int) -> None:
        if device_of(points) not in (None, device):
            points = on_host(points)
        placed = place_matrix(points, "points", device)
        self.points, self.device, self.memory_limit = placed.array, device, memory_limit
        self.given = points if placed.on_device else self.points
        self._library = placed.library
        self.core = _core.DeviceHull(self.points, device, placed.stream, memory_limit)

    @property
    def name(self) -> str:
        """The device's name."""
        return name_of(self.device)

    def project(self, queries: Any, tolerance: float) -> Projection:
        """See `Hull.project`."""
        placed = self._place(queries, "queries")
        wrap = placed.library.wrap
        found = self.core.project(placed.array, tolerance, placed.stream, placed.on_device)
        return Projection(
            wrap(found.points),
            wrap(found.distances),
            self._csr(placed, found.weights),
            wrap(found.normals),
            wrap(found.gaps),
            wrap(found.status),
            self.name,
        )

    def contains(self, queries: Any, tolerance: float) -> Membership:
        """See `Hull.contains`."""
        placed = self._place(queries, "queries")
        wrap = placed.library.wrap
        found = self.core.contains(placed.array, tolerance, placed.stream, placed.on_device)
        certificate = Certificate(
            self._csr(placed, found.weights),
            wrap(found.normals),
            wrap(found.margins),
            wrap(found.residuals),
            found.tolerance,
        )
        status = wrap(found.status)
        inside = placed.library.equals(status, int(Status.INSIDE))
        return Membership(inside, status, certificate, self.name)

    def ray(self, origins: Any, directions: Any, tolerance: float) -> Ray:
        """See `Hull.ray`."""
        starts, along = self._place(origins, "origins"), self._place(directions, "directions")
        stream = along.stream if along.on_device else starts.stream
        wrap = along.library.wrap
        found = self.core.ray(starts.array, along.array, tolerance, stream, along.on_device)
        return Ray(
            wrap(found.steps),
            wrap(found.points),
            self._csr(along, found.weights),
            wrap(found.normals),
            wrap(found.offsets),
            wrap(found.status),
            self.name,
        )

    def support(self, directions: Any) -> Support:
        """See `Hull.support`."""
        placed = self._place(directions, "directions")
        found = self.core.support(placed.array, placed.stream, to_device=False)
        indices = np.asarray(found).astype(np.int64)
        along = placed.library.numpy(directions) if placed.on_device else placed.array
        reached = self._library.rows(self.given, indices)
        values = np.einsum("ij,ij->i", along, reached, dtype=np.float64)
        return Support(beside(directions, values), beside(directions, indices), self.name)

    def prepare(self, points: npt.NDArray[Any], _threads: int) -> HostAnswers:
        """Prepare other points on the same device."""
        return HostAnswers(points, self.device, self.memory_limit)

    def _place(self, matrix: Any, name: str) -> Placed:
        n_features = self.points.shape[1]
        return place_matrix(matrix, name, self.device, columns=n_features, allow_empty=True)

    def _csr(self, placed: Placed, weights: _core.Csr) -> Any:
        return placed.library.csr(weights, (len(placed), self.points.shape[0]))


class HostAnswers:
    """A point set on a device with the methods of `_core.Hull`, for NumPy's arrays."""

    def __init__(self, points: npt.NDArray[Any], device: int, memory_limit: int) -> None:
        self._core = _core.DeviceHull(points, device, 0, memory_limit)

    def contains(self, queries: npt.NDArray[Any], tolerance: float, _threads: int) -> Any:
        """See `_core.Hull.contains`."""
        return self._core.contains(queries, tolerance, 0, to_device=False)

    def leave_one_out(self, tolerance: float, _threads: int) -> Any:
        """See `_core.Hull.leave_one_out`."""
        return self._core.leave_one_out(tolerance, 0, to_device=False)
