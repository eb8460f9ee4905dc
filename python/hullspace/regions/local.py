"""The linear region of one input, of networks whose constraints may not fit in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace.arguments import as_positive
from hullspace.bounds.gradients import (
    UnitDistances,
    rounding_factor,
    unit_distances,
    unit_gradients,
)
from hullspace.networks import pack, region_constraints, unpack
from hullspace.polyhedron import Irredundant, Polyhedron
from hullspace.regions.arguments import Domain, as_network, as_point, as_polyhedron, require_inside
from hullspace.regions.redundancy import irredundant_rows

if TYPE_CHECKING:
    from hullspace.networks import ReluNetwork

__all__ = ["LinearRegion", "region_at"]

_Floats = npt.NDArray[np.float64]
_Bytes = npt.NDArray[np.uint8]

# Bytes of the largest matrix of constraints that `polyhedron` makes.
_LARGEST = 2**32


@dataclass(frozen=True)
class LinearRegion:
    """The linear region of one input, as `region_at` returns it.

    Every radius is rounded down: it holds for the network's numbers in exact arithmetic.

    Attributes
    ----------
    network : ReluNetwork
        The network.
    point : (n_inputs,) float64
        The input.
    domain : Polyhedron or None
        What the region is cut with. The radii do not depend on it.
    pattern : (ceil(n_hidden / 8),) uint8
        The packed activation pattern.
    label : int
        The class: the largest output's place, or -1 where several tie.
    affine_map : ((n_outputs, n_inputs), (n_outputs,)) float64
        W and b: in the region the outputs are ``W @ x + b``.
    radius, radius_inf : float
        The network is affine within this distance of the point, in the 2-norm and in the largest
        norm: the distance to the nearest hyperplane of a unit. 0 on a hyperplane.
    class_radius, class_radius_inf : float
        Within this distance the class does not change: the smaller of the radius and the distance
        to the nearest tie of the region's affine map.
    exact, exact_inf : bool
        Whether that tie lies within the radius. Then no point where the class changes is nearer,
        and, in all of space, one is as near but for rounding.
    """

    network: ReluNetwork = field(repr=False)
    point: _Floats = field(repr=False)
    domain: Polyhedron | None = field(repr=False)
    pattern: _Bytes = field(repr=False)
    label: int
    affine_map: tuple[_Floats, _Floats] = field(repr=False)
    radius: float
    radius_inf: float
    class_radius: float
    class_radius_inf: float
    exact: bool
    exact_inf: bool

    @cached_property
    def bits(self) -> npt.NDArray[np.bool_]:
        """The pattern as (n_hidden,) bool."""
        found: npt.NDArray[np.bool_] = unpack(self.pattern[None], self.network.n_hidden)[0]
        return found

    def contains(self, points: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Tell which inputs lie in the region and have its pattern.

        Parameters
        ----------
        points : (n, *input_shape) array
            The inputs.

        Returns
        -------
        (n,) bool
            Whether each is in the domain and its pattern is the region's.

        Raises
        ------
        TypeError, ValueError
            If `points` has the wrong type, shape or values.
        """
        same = np.all(self.network.bits(points) == self.bits, axis=1)
        if self.domain is not None:
            same = same & self.domain.contains(
                np.reshape(points, (len(same), self.network.n_inputs))
            )
        return np.asarray(same, dtype=bool)

    def polyhedron(self) -> Polyhedron:
        """Return the region's closure: one row for each hidden unit, then the domain's.

        Row j says on which side of unit j's hyperplane the region lies.

        Raises
        ------
        ValueError
            If the matrix would take more than 4 GiB.
        """
        network = self.network
        extra = 0 if self.domain is None else self.domain.n_constraints
        size = 8 * (network.n_hidden + extra) * network.n_inputs
        if size > _LARGEST:
            raise ValueError(
                f"the region's {network.n_hidden + extra:,} constraints of {network.n_inputs:,} "
                f"inputs take {size / 2**30:,.1f} GiB, more than {_LARGEST // 2**30}; "
                "radius and class_radius need no matrix"
            )
        A, b, _ = region_constraints(network, self.bits)
        if self.domain is not None:
            A, b = np.vstack([A, self.domain.A]), np.concatenate([b, self.domain.b])
        return Polyhedron(A, b)

    def irredundant(self, *, n_threads: int | None = None) -> Irredundant:
        """Find the units, and the domain's constraints, that bound the region.

        Rows that no others combine to are settled by linear algebra; linear programs in the
        dimension that is left decide about the rest.

        Parameters
        ----------
        n_threads : int, optional
            Threads to use; all cores by default.

        Returns
        -------
        Irredundant
            Rows of `polyhedron`: hidden units, and from `n_hidden` on the domain's constraints; of
            equal ones the first. Each with a point that breaks it alone.

        Raises
        ------
        ValueError
            If the region is empty but for rounding, or too large for `polyhedron`.
        RuntimeError
            If a linear program reached its limit of steps.
        """
        return irredundant_rows(self.polyhedron(), self.point, n_threads)


def region_at(
    network: ReluNetwork, x: npt.ArrayLike, domain: Domain = None, *, memory: float = 2**28
) -> LinearRegion:
    """Find the linear region of an input and how far it certainly reaches.

    Takes one evaluation of `n_inputs` inputs: the gradient of every unit is carried forward, some
    inputs at a time, and only its norms are kept.

    Parameters
    ----------
    network : ReluNetwork
        The network.
    x : array of the network's input shape
        The input.
    domain : (lower, upper), Polyhedron or None
        What the region is cut with; nothing by default.
    memory : float, default 2**28
        Bytes that the gradients under way may take, besides the operators' own.

    Returns
    -------
    LinearRegion
        Pattern, class, affine map and certified radii.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, shape or values, or `x` is not in the domain.

    Examples
    --------
    >>> import hullspace
    >>> network = hullspace.ReluNetwork.from_arrays(
    ...     [[[1.0, 1.0], [1.0, -1.0]], [[1.0, 0.0], [0.0, 1.0]]], [[0, 0], [0, 0.5]]
    ... )
    >>> region = hullspace.regions.region_at(network, [1.0, 0.5])
    >>> region.label, round(region.radius, 6), round(region.class_radius, 6), region.exact
    (0, 0.353553, 0.25, True)
    >>> region.irredundant().indices.tolist()
    [0, 1]
    """
    model = as_network(network)
    point = as_point(x, model)
    body = as_polyhedron(domain, model)
    require_inside(point, body)
    limit = as_positive(memory, "memory")
    gradients = unit_gradients(model, point, limit, rounding_factor(model))
    return _assembled(model, point, body, unit_distances(model, gradients))


def _assembled(
    network: ReluNetwork, point: _Floats, domain: Polyhedron | None, found: UnitDistances
) -> LinearRegion:
    outputs = found.outputs
    top = np.flatnonzero(outputs == outputs.max())
    label = int(top[0]) if len(top) == 1 else -1
    radii = [float(values.min(initial=np.inf)) for values in (found.euclidean, found.largest)]
    ties = [0.0, 0.0] if label < 0 else list(found.ties(label))
    return LinearRegion(
        network=network,
        point=point,
        domain=domain,
        pattern=pack(found.bits[None])[0],
        label=label,
        affine_map=found.affine_map,
        radius=radii[0],
        radius_inf=radii[1],
        class_radius=min(radii[0], ties[0]),
        class_radius_inf=min(radii[1], ties[1]),
        exact=ties[0] <= radii[0],
        exact_inf=ties[1] <= radii[1],
    )
