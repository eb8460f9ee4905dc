"""A point set that is prepared on a GPU, and what operations return from there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from hullspace import _core
from hullspace.arguments import as_matrix
from hullspace.devices import (
    NUMPY,
    ArrayLibrary,
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

    from hullspace.arguments import FloatArray


class DeviceSet:
    """Points on a GPU; see `PointSet`. Threads are those of the GPU, whatever is asked for.

    Attributes
    ----------
    given : array
        The points as the user gave them.
    points : array
        As the core takes them: NumPy's, or one on the device.
    core : _core.DeviceHull
        Holds the points.
    memory_limit : int
        Bytes that the hull and its calls may hold there; 0 for the default.
    """

    method = "active-set"

    def __init__(self, points: Any, device: int, memory_limit: int) -> None:
        if device_of(points) not in (None, device):
            points = on_host(points)
        placed = place_matrix(points, "points", device)
        self.points, self.memory_limit = placed.array, memory_limit
        self.given = points if placed.on_device else self.points
        self._number, self._library, self._stream = device, placed.library, placed.stream
        self.core = _core.DeviceHull(self.points, device, placed.stream, memory_limit)

    @property
    def host_points(self) -> npt.NDArray[Any]:
        """The points in the host's memory."""
        points: npt.NDArray[Any] = on_host(self.given)
        return points

    @property
    def shape(self) -> tuple[int, int]:
        """Number of points and of features."""
        n_points, n_features = self.points.shape
        return n_points, n_features

    @property
    def scale(self) -> float:
        """Unit of tolerances."""
        return self.core.scale

    @property
    def device(self) -> str:
        """The device's name."""
        return name_of(self._number)

    @property
    def options(self) -> dict[str, Any]:
        """What `Hull` takes besides the points to make the same."""
        limit = self.memory_limit or None
        return {"method": self.method, "device": self.device, "memory_limit": limit}

    def project(self, queries: Any, tolerance: float, _threads: int) -> Projection:
        """See `Hull.project`."""
        placed = self._place(queries, "queries")
        wrap = placed.library.wrap
        found = self.core.project(placed.array, tolerance, placed.stream, placed.on_device)
        return Projection(
            wrap(found.points),
            wrap(found.distances),
            self._csr(found.weights, placed.library, len(placed)),
            wrap(found.normals),
            wrap(found.gaps),
            wrap(found.status),
            self.device,
        )

    def contains(self, queries: Any, tolerance: float, _threads: int) -> Membership:
        """See `Hull.contains`."""
        placed = self._place(queries, "queries")
        found = self.core.contains(placed.array, tolerance, placed.stream, placed.on_device)
        return self._membership(found, placed.library)

    def leave_one_out(self, tolerance: float, _threads: int) -> Membership:
        """Tell which points are in the hull of the others; the answer is on the host."""
        found = self.core.leave_one_out(tolerance, self._stream, to_device=False)
        return self._membership(found, NUMPY)

    def _membership(self, found: _core.Memberships, library: ArrayLibrary) -> Membership:
        wrap, status = library.wrap, library.wrap(found.status)
        certificate = Certificate(
            self._csr(found.weights, library, len(status)),
            wrap(found.normals),
            wrap(found.margins),
            wrap(found.residuals),
            found.tolerance,
        )
        inside = library.equals(status, int(Status.INSIDE))
        return Membership(inside, status, certificate, self.device)

    def ray(self, origins: Any, directions: Any, tolerance: float, _threads: int) -> Ray:
        """See `Hull.ray`."""
        starts, along = self._place(origins, "origins"), self._place(directions, "directions")
        stream = along.stream if along.on_device else starts.stream
        wrap = along.library.wrap
        found = self.core.ray(starts.array, along.array, tolerance, stream, along.on_device)
        return Ray(
            wrap(found.steps),
            wrap(found.points),
            self._csr(found.weights, along.library, len(along)),
            wrap(found.normals),
            wrap(found.offsets),
            wrap(found.status),
            self.device,
        )

    def support(self, directions: Any, _threads: int) -> Support:
        """See `Hull.support`."""
        placed = self._place(directions, "directions")
        found = self.core.support(placed.array, placed.stream, to_device=False)
        indices = np.asarray(found).astype(np.int64)
        along = placed.library.numpy(directions) if placed.on_device else placed.array
        reached = self._library.rows(self.given, indices)
        values = np.einsum("ij,ij->i", along, reached, dtype=np.float64)
        return Support(beside(directions, values), beside(directions, indices), self.device)

    def read(self, queries: Any, name: str) -> FloatArray:
        """Return queries in the host's memory."""
        return as_matrix(
            on_host(queries), name, columns=self.shape[1], allow_empty=True, check_finite=False
        )

    def prepare(self, points: npt.NDArray[Any], _threads: int) -> DeviceSet:
        """Prepare other points on the same device."""
        return DeviceSet(points, self._number, self.memory_limit)

    def on_cpu(self, wanted: str) -> NoReturn:
        """Say that a GPU does not do what is wanted."""
        raise NotImplementedError(
            f"{wanted} runs on the CPU alone, but the hull is on {self.device}; use "
            'Hull(points, device="cpu")'
        )

    def _place(self, matrix: Any, name: str) -> Placed:
        return place_matrix(matrix, name, self._number, columns=self.shape[1], allow_empty=True)

    def _csr(self, weights: _core.Csr, library: ArrayLibrary, n_queries: int) -> Any:
        return library.csr(weights, (n_queries, self.shape[0]))
