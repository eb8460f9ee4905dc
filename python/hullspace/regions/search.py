"""The search for linear regions: the one place where that of the compiled core is called."""

from __future__ import annotations

from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from hullspace import _core
from hullspace.networks import Convolution, Dense, ReluNetwork
from hullspace.regions.found import FORMAT, Found, Frontier, Stream, fingerprint, read
from hullspace.regions.stored import fault_for

if TYPE_CHECKING:
    from hullspace.networks import Operator, Stage
    from hullspace.regions.search_space import SearchSpace

_Floats = npt.NDArray[np.float64]
_Bytes = npt.NDArray[np.uint8]
Method = Literal["auto", "vertices", "lp"]

# Cells carry their vertices up to this dimension unless told otherwise.
_VERTEX_DIMS, _MOST_VERTEX_DIMS = 6, 12

_networks: WeakKeyDictionary[ReluNetwork, Any] = WeakKeyDictionary()


def core_network(network: ReluNetwork) -> Any:
    """Return the network as the core has it; a single output becomes class 1, against zero."""
    if network not in _networks:
        stages = [
            _core.Stage([_term(t.source, t.operator) for t in stage.terms], *_units(stage))
            for stage in network.stages
        ]
        if network.n_outputs == 1:
            stages[-1] = _against_zero(network.stages[-1])
        _networks[network] = _core.ReluNetwork(network.n_inputs, stages)
    return _networks[network]


def _units(stage: Stage) -> tuple[_Floats, _Floats]:
    return (
        np.ascontiguousarray(stage.bias, dtype=np.float64),
        np.ascontiguousarray(stage.slopes, dtype=np.float64),
    )


def _term(source: int, operator: Operator) -> _core.Term:
    if isinstance(operator, Dense):
        return _core.Term.dense(source, np.ascontiguousarray(operator.matrix, dtype=np.float64))
    if isinstance(operator, Convolution):
        return _core.Term.convolution(
            source,
            np.ascontiguousarray(operator.weight, dtype=np.float64),
            operator.input_shape,
            operator.stride,
            operator.padding,
            operator.dilation,
            operator.groups,
        )
    matrix = operator.matrix
    return _core.Term.sparse(
        source,
        operator.n_in,
        np.ascontiguousarray(matrix.data, dtype=np.float64),
        np.ascontiguousarray(matrix.indices, dtype=np.int32),
        np.ascontiguousarray(matrix.indptr, dtype=np.int64),
    )


def _against_zero(stage: Stage) -> _core.Stage:
    terms = []
    for term in stage.terms:
        row = term.operator.apply_transposed(np.ones((1, 1)))
        terms.append(_core.Term.dense(term.source, np.vstack([np.zeros_like(row), row])))
    return _core.Stage(terms, np.array([0.0, stage.bias[0]]), np.ones(2))


class RegionSearch:
    """A search that goes on where it ended, and describes what it found."""

    def __init__(
        self, network: ReluNetwork, space: SearchSpace, method: Method, *, with_proof: bool = False
    ) -> None:
        self.network = network
        self.space = space
        self.with_proof = with_proof
        self.by_vertices = _by_vertices(space, method)
        try:
            self._core = self._started()
        except ValueError:
            # Cells may have no vertices where nothing bounds them.
            if method != "auto" or not self.by_vertices:
                raise
            self.by_vertices = False
            self._core = self._started()
        self.found = self.new_found()
        if with_proof:
            self.found.streams.append(Stream.of(self._core.root()))

    def new_found(self) -> Found:
        """Return a record of what is found."""
        return Found((self.network.n_hidden + 7) // 8, self.space.n_dims)

    def _started(self) -> Any:
        space = self.space
        return _core.RegionSearch(
            core_network(self.network),
            np.ascontiguousarray(space.basis),
            np.ascontiguousarray(space.origin),
            np.ascontiguousarray(space.A),
            np.ascontiguousarray(space.b),
            self.by_vertices,
            self.with_proof,
        )

    @classmethod
    def started(
        cls,
        network: ReluNetwork,
        space: SearchSpace,
        method: Method,
        checkpoint: str | PathLike[str] | None,
        *,
        with_proof: bool,
    ) -> RegionSearch:
        """Make a search, or go on from a checkpoint if there is one.

        Raises
        ------
        ValueError
            If the checkpoint is of something else.
        """
        if checkpoint is not None and not isinstance(checkpoint, str | PathLike):
            raise TypeError(f"checkpoint must be a path, got {checkpoint!r}")
        if checkpoint is None or not Path(checkpoint).exists():
            return cls(network, space, method, with_proof=with_proof)
        arrays = read(checkpoint, "checkpoint")
        try:
            search = cls.from_arrays(arrays, network, space)
        except ValueError as error:
            raise ValueError(f"checkpoint {error}, got {checkpoint}") from error
        if with_proof and not search.with_proof:
            raise ValueError("checkpoint must be of a search with verify=True")
        return search

    @property
    def method(self) -> Method:
        """How cut tests are made: "vertices" or "lp"."""
        return "vertices" if self.by_vertices else "lp"

    @property
    def frontier(self) -> Frontier:
        """Branches that are still open."""
        nodes = self._core.open()
        return Frontier(nodes.ids, nodes.decided, nodes.values, self._core.next_id)

    def restore(self, found: Found, frontier: Frontier) -> None:
        """Go on from an earlier search."""
        self.found = found
        self._core.set_open(frontier.ids, frontier.decided, frontier.values, frontier.next_id)

    def copy(self) -> RegionSearch:
        """Return a search that goes on from here, apart from this one."""
        other = RegionSearch(self.network, self.space, self.method, with_proof=self.with_proof)
        other.restore(self.found.copy(), self.frontier)
        return other

    @cached_property
    def _fingerprint(self) -> str:
        return fingerprint(self.network, self.space)

    def step(self, max_regions: int, seconds: float, n_threads: int) -> BaseException | None:
        """Search on. Returns what a signal handler raised meanwhile."""
        batch = self._core.run(max_regions, seconds, n_threads)
        self.found.add(batch)
        return cast("BaseException | None", batch.raised)

    def shapes(self, patterns: _Bytes, *, volumes: bool = False, n_threads: int = 0) -> Any:
        """Return vertices, facets, labels and volumes of regions, in the search's coordinates."""
        return self._core.shapes(np.ascontiguousarray(patterns), volumes, n_threads)

    def boundary(self, patterns: _Bytes, n_threads: int = 0) -> Any:
        """Return pieces of the decision boundary in regions, and facets that they are along."""
        return self._core.boundary(np.ascontiguousarray(patterns), n_threads)

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return everything that a file needs to go on from here."""
        frontier = self.frontier
        return {
            "format": np.array(FORMAT),
            "fingerprint": np.array(self._fingerprint),
            "by_vertices": np.array(self.by_vertices),
            "with_proof": np.array(self.with_proof),
            "open_ids": frontier.ids,
            "open_decided": frontier.decided,
            "open_values": frontier.values,
            "next_id": np.array(frontier.next_id),
            **self.space.to_arrays(),
            **self.found.to_arrays(),
        }

    @classmethod
    def from_arrays(
        cls, arrays: dict[str, npt.NDArray[Any]], network: ReluNetwork, space: SearchSpace
    ) -> RegionSearch:
        """Undo `to_arrays`.

        Raises
        ------
        ValueError
            If the arrays are those of another network or domain.
        """
        if str(arrays["fingerprint"]) != fingerprint(network, space):
            raise ValueError("must be of the same network and domain")
        wrong = fault_for(arrays, network)
        if wrong is not None:
            raise ValueError(f"must be a file of regions of the network: {wrong}")
        method: Method = "vertices" if arrays["by_vertices"] else "lp"
        search = cls(network, space, method, with_proof=bool(arrays["with_proof"]))
        frontier = Frontier(
            arrays["open_ids"],
            arrays["open_decided"],
            arrays["open_values"],
            int(arrays["next_id"]),
        )
        search.restore(Found.from_arrays(arrays), frontier)
        return search


def _by_vertices(space: SearchSpace, method: Method) -> bool:
    if method not in {"auto", "vertices", "lp"}:
        raise ValueError(f'method must be "auto", "vertices" or "lp", got {method!r}')
    if method == "vertices" and space.n_dims > _MOST_VERTEX_DIMS:
        raise ValueError(
            f'method must be "lp" or "auto" beyond {_MOST_VERTEX_DIMS} dimensions, '
            f"got {method!r} for {space.n_dims}"
        )
    return method == "vertices" or (method == "auto" and space.n_dims <= _VERTEX_DIMS)
