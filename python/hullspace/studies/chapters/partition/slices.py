"""Two-dimensional slices of feature space: the partition, hulls and balls that a plane cuts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace.hull import Hull
from hullspace.status import Status
from hullspace.studies.plane import Plane

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hullspace.partition import ChebyshevBalls, DecisionPartition, GuaranteedRegions
    from hullspace.studies.settings import Settings

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]

# The window reaches this far beyond the points and their balls, and this far beyond the domain.
_REACH, _MARGIN = 0.35, 0.04
# Classes whose logits differ by less than this of the logits' size all over the window are equal.
_EQUAL = 1e-12
# Rays towards the outline of a hull: a few to find its middle, then many from there.
_FEW_RAYS, _MANY_RAYS = 32, 360


@dataclass(frozen=True)
class Slice:
    """What a plane through three points cuts.

    Polygons are (n, 2) float64 in the coordinates of the plane, counterclockwise; without any
    corner where there is nothing.

    Attributes
    ----------
    kind : str
        What kind of points they are.
    plane : Plane
        Through the three points.
    names : tuple of str
        What the points are.
    points : (3, 2) float64
        Where they are.
    classes : (3,) int64
        Their regions.
    radii : (3,) float64
        Radii of the guaranteed balls around them: within, every feature of the domain is of the
        point's class, in the plane and out of it.
    window : polygon
        What is shown: a rectangle.
    domain : polygon
        The part of the window in the domain.
    regions : dict of int to polygon
        The part of each class's region, for those that have any: together they tile the domain.
    hulls : dict of int to polygon
        Where the plane cuts the hull of each of those classes.
    hull_status : dict of int to Status
        INSIDE where the plane meets the hull, OUTSIDE where it is proven to miss it, UNDECIDED.
    balls : dict of int to (float, float, float)
        x, y and radius of the disk in which the plane cuts the largest ball of a region.
    """

    kind: str
    plane: Plane
    names: tuple[str, ...]
    points: _Floats
    classes: _Ints
    radii: _Floats
    window: _Floats
    domain: _Floats
    regions: dict[int, _Floats]
    hulls: dict[int, _Floats]
    hull_status: dict[int, Status]
    balls: dict[int, tuple[float, float, float]]


def make_slice(
    partition: DecisionPartition,
    guaranteed: GuaranteedRegions,
    balls: ChebyshevBalls,
    kind: str,
    points: _Floats,
    names: Sequence[str],
    settings: Settings,
) -> Slice | None:
    """Cut the partition by the plane through three points; None if they are on a line."""
    plane = Plane.through(points)
    if plane is None:
        return None
    around = partition.guaranteed_balls(points, n_threads=settings.n_threads)
    xy = plane.coordinates(points)
    domain = partition.domain.polyhedron
    reach = _window(xy, around.radii)
    inside = clip(reach, *plane.cut(domain.A, domain.b))
    window = _trimmed(reach, inside)
    regions = _regions(partition, plane, inside)
    hulls, status = {}, {}
    for c in regions:
        hull = guaranteed.hull(c) if guaranteed.n_points[c] else None
        hulls[c], status[c] = _outline(hull, plane, settings)
    disks = _disks(plane, balls)
    shown = {c: disks[c] for c in regions if c in disks}
    return Slice(
        kind,
        plane,
        tuple(names),
        xy,
        around.classes,
        around.radii,
        window,
        inside,
        regions,
        hulls,
        status,
        shown,
    )


def clip(polygon: _Floats, normals: _Floats, offsets: _Floats) -> _Floats:
    """Return the part of a convex polygon where ``normals @ point <= offsets``.

    One half-plane after the other (Sutherland and Hodgman 1974).
    """
    for normal, offset in zip(normals, offsets, strict=True):
        excess = polygon @ normal - offset
        outside = excess > 0.0
        if not outside.any():
            continue
        if outside.all():
            return np.empty((0, 2))
        corners = []
        for i, j in zip(range(len(polygon)), np.roll(range(len(polygon)), -1), strict=True):
            if not outside[i]:
                corners.append(polygon[i])
            if outside[i] != outside[j]:
                t = excess[i] / (excess[i] - excess[j])
                corners.append(polygon[i] + t * (polygon[j] - polygon[i]))
        polygon = np.array(corners)
    return polygon


def area(polygon: _Floats) -> float:
    """Return the area of a polygon, positive if it is counterclockwise."""
    if len(polygon) < 3:
        return 0.0
    (x, y), (next_x, next_y) = polygon.T, np.roll(polygon, -1, axis=0).T
    return float(0.5 * np.sum(x * next_y - next_x * y))


def _window(xy: _Floats, radii: _Floats) -> _Floats:
    """Return a rectangle around points and the balls around them."""
    around = np.where(np.isfinite(radii), radii, 0.0)[:, None]
    lower, upper = (xy - around).min(axis=0), (xy + around).max(axis=0)
    margin = _REACH * float((upper - lower).max())
    return _rectangle(lower - margin, upper + margin)


def _trimmed(window: _Floats, domain: _Floats) -> _Floats:
    """Return the part of a window around the domain."""
    if not len(domain):
        return window
    lower, upper = domain.min(axis=0), domain.max(axis=0)
    margin = _MARGIN * float((upper - lower).max())
    return _rectangle(
        np.maximum(window.min(axis=0), lower - margin),
        np.minimum(window.max(axis=0), upper + margin),
    )


def _rectangle(lower: _Floats, upper: _Floats) -> _Floats:
    (left, bottom), (right, top) = lower, upper
    return np.array([[left, bottom], [right, bottom], [right, top], [left, top]])


def _regions(partition: DecisionPartition, plane: Plane, domain: _Floats) -> dict[int, _Floats]:
    """Cut the domain's polygon into those of the regions; of equal classes the lowest counts."""
    if not len(domain):
        return {}
    head = partition.head
    slopes, levels = head.weight @ plane.basis.T, head.weight @ plane.origin + head.bias
    logits = domain @ slopes.T + levels
    regions: dict[int, _Floats] = {}
    least = _EQUAL * np.abs(logits).max(initial=0.0)
    for c in range(partition.n_classes):
        same = np.abs(logits - logits[:, [c]]).max(axis=0) <= least
        if same[:c].any():
            continue
        others = np.flatnonzero(~same)
        polygon = clip(domain, slopes[others] - slopes[c], levels[c] - levels[others])
        if area(polygon) > 0.0:
            regions[c] = polygon
    return regions


def _outline(hull: Hull | None, plane: Plane, settings: Settings) -> tuple[_Floats, Status]:
    """Find where a plane cuts a hull.

    It meets the hull if and only if zero is in the hull of the points' steps away from the plane;
    the same weights on the points themselves give a point of both. Rays lead from there outwards.
    """
    nothing = np.empty((0, 2))
    if hull is None:
        return nothing, Status.OUTSIDE
    tolerance, threads = settings.tolerance, settings.n_threads
    steps = Hull(plane.away(hull.points), n_threads=threads)
    zero = np.zeros((1, hull.n_features))
    found = steps.contains(zero, tolerance=tolerance, n_threads=threads)
    status = Status(found.status[0])
    if status != Status.INSIDE:
        return nothing, status
    middle = plane.coordinates(found.certificate.weights @ hull.points)
    corners = nothing
    for n_rays in (_FEW_RAYS, _MANY_RAYS):
        angles = 2.0 * np.pi * np.arange(n_rays) / n_rays
        directions = np.column_stack([np.cos(angles), np.sin(angles)])
        rays = hull.ray(
            plane.lift(middle), directions @ plane.basis, tolerance=tolerance, n_threads=threads
        )
        hit = rays.status == Status.OPTIMAL
        corners = plane.coordinates(rays.points[hit])
        if len(corners):
            middle = corners.mean(axis=0, keepdims=True)
    return corners, status


def _disks(plane: Plane, balls: ChebyshevBalls) -> dict[int, tuple[float, float, float]]:
    """Cut the largest balls of the regions."""
    centers = plane.coordinates(balls.centers)
    heights = np.linalg.norm(plane.away(balls.centers), axis=1)
    cut = np.isfinite(balls.radii) & (heights < balls.radii)
    return {
        int(c): (*centers[c].tolist(), float(np.sqrt(balls.radii[c] ** 2 - heights[c] ** 2)))
        for c in np.flatnonzero(cut)
    }


def hull_word(cut: Slice, c: int) -> str:
    """Say whether a slice's plane meets the hull of a class."""
    words = {Status.INSIDE: "met", Status.OUTSIDE: "missed"}
    return words.get(cut.hull_status.get(c, Status.OUTSIDE), "undecided")
