"""Enumeration of linear regions: the one place where the search of the compiled core is called."""

from __future__ import annotations

import time
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, cast
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from hullspace import _core
from hullspace.arguments import as_threads, require_count
from hullspace.extras import require
from hullspace.networks import Convolution, Dense, ReluNetwork
from hullspace.regions.arguments import Domain, as_network
from hullspace.regions.domain import Place, place_of
from hullspace.regions.found import FORMAT, Found, Frontier, Stream, fingerprint, read, write
from hullspace.regions.stored import fault_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hullspace.networks import Operator, Stage
    from hullspace.regions.complex import RegionComplex

_Floats = npt.NDArray[np.float64]
_Bytes = npt.NDArray[np.uint8]
Method = Literal["auto", "vertices", "lp"]
Result = TypeVar("Result", bound="RegionComplex")

# Cells carry their vertices up to this dimension unless told otherwise.
_VERTEX_DIMS, _MOST_VERTEX_DIMS = 6, 12
_NO_LIMIT = 2**62
# Seconds of a step of the search, after which progress is shown; of those between checkpoints.
_STEP, _BETWEEN = 0.5, 5.0
# Writing checkpoints takes at most this share of the time.
_WRITING = 0.05

_networks: WeakKeyDictionary[ReluNetwork, Any] = WeakKeyDictionary()


def core_network(network: ReluNetwork) -> Any:
    """Return the network as the core has it; a single output becomes class 1, against zero."""
    if network not in _networks:
        stages = [
            ([_term(term.source, term.operator) for term in stage.terms], *_units(stage))
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


def _term(source: int, operator: Operator) -> tuple[Any, ...]:
    if isinstance(operator, Dense):
        return "dense", source, np.ascontiguousarray(operator.matrix, dtype=np.float64)
    if isinstance(operator, Convolution):
        return (
            "convolution",
            source,
            np.ascontiguousarray(operator.weight, dtype=np.float64),
            operator.input_shape,
            operator.stride,
            operator.padding,
            operator.dilation,
            operator.groups,
        )
    matrix = operator.matrix
    return (
        "sparse",
        source,
        operator.n_in,
        np.ascontiguousarray(matrix.data, dtype=np.float64),
        np.ascontiguousarray(matrix.indices, dtype=np.int32),
        np.ascontiguousarray(matrix.indptr, dtype=np.int64),
    )


def _against_zero(stage: Stage) -> tuple[list[tuple[Any, ...]], _Floats, _Floats]:
    terms: list[tuple[Any, ...]] = []
    for term in stage.terms:
        row = term.operator.apply_transposed(np.ones((1, 1)))
        terms.append(("dense", term.source, np.vstack([np.zeros_like(row), row])))
    return terms, np.array([0.0, stage.bias[0]]), np.ones(2)


class Search:
    """A search that goes on where it ended, and describes what it found."""

    def __init__(
        self, network: ReluNetwork, place: Place, method: Method, *, with_proof: bool = False
    ) -> None:
        self.network = network
        self.place = place
        self.with_proof = with_proof
        self.by_vertices = _by_vertices(place, method)
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
            self.found.streams.append(Stream(0, *self._core.root()[1:]))

    def new_found(self) -> Found:
        """Return a place for what is found."""
        return Found((self.network.n_hidden + 7) // 8, self.place.n_dims)

    def _started(self) -> Any:
        place = self.place
        return _core.RegionSearch(
            core_network(self.network),
            np.ascontiguousarray(place.basis),
            np.ascontiguousarray(place.origin),
            np.ascontiguousarray(place.A),
            np.ascontiguousarray(place.b),
            self.by_vertices,
            self.with_proof,
        )

    @classmethod
    def started(
        cls,
        network: ReluNetwork,
        place: Place,
        method: Method,
        checkpoint: str | PathLike[str] | None,
        *,
        with_proof: bool,
    ) -> Search:
        """Make a search, or go on from a checkpoint if there is one.

        Raises
        ------
        ValueError
            If the checkpoint is of something else.
        """
        if checkpoint is not None and not isinstance(checkpoint, str | PathLike):
            raise TypeError(f"checkpoint must be a path, got {checkpoint!r}")
        if checkpoint is None or not Path(checkpoint).exists():
            return cls(network, place, method, with_proof=with_proof)
        arrays = read(checkpoint, "checkpoint")
        try:
            search = cls.from_arrays(arrays, network, place)
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
        ids, decided, values = self._core.open()
        return Frontier(ids, decided, values, self._core.next_id)

    def restore(self, found: Found, frontier: Frontier) -> None:
        """Go on from an earlier search."""
        self.found = found
        self._core.set_open(frontier.ids, frontier.decided, frontier.values, frontier.next_id)

    def copy(self) -> Search:
        """Return a search that goes on from here, apart from this one."""
        other = Search(self.network, self.place, self.method, with_proof=self.with_proof)
        other.restore(self.found.copy(), self.frontier)
        return other

    @cached_property
    def _fingerprint(self) -> str:
        return fingerprint(self.network, self.place)

    def step(self, max_regions: int, seconds: float, n_threads: int) -> BaseException | None:
        """Search on. Returns what a signal handler raised meanwhile."""
        *found, raised = self._core.run(max_regions, seconds, n_threads)
        self.found.add(*found)
        return cast("BaseException | None", raised)

    def shapes(self, patterns: _Bytes, *, volumes: bool = False, n_threads: int = 0) -> Any:
        """Return vertices, facets, labels and volumes of regions, in the search's coordinates."""
        return self._core.shapes(np.ascontiguousarray(patterns), volumes, n_threads)

    def boundary(self, patterns: _Bytes, n_threads: int = 0) -> Any:
        """Return pieces of the decision boundary in regions.

        Vertices, where they start, regions, classes, and facets along which they are, or -1.
        """
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
            **self.place.to_arrays(),
            **self.found.to_arrays(),
        }

    @classmethod
    def from_arrays(
        cls, arrays: dict[str, npt.NDArray[Any]], network: ReluNetwork, place: Place
    ) -> Search:
        """Undo `to_arrays`.

        Raises
        ------
        ValueError
            If the arrays are those of another network or domain.
        """
        if str(arrays["fingerprint"]) != fingerprint(network, place):
            raise ValueError("must be of the same network and domain")
        wrong = fault_for(arrays, network)
        if wrong is not None:
            raise ValueError(f"must be a file of regions of the network: {wrong}")
        method: Method = "vertices" if arrays["by_vertices"] else "lp"
        search = cls(network, place, method, with_proof=bool(arrays["with_proof"]))
        frontier = Frontier(
            arrays["open_ids"],
            arrays["open_decided"],
            arrays["open_values"],
            int(arrays["next_id"]),
        )
        search.restore(Found.from_arrays(arrays), frontier)
        return search


def _by_vertices(place: Place, method: Method) -> bool:
    if method not in {"auto", "vertices", "lp"}:
        raise ValueError(f'method must be "auto", "vertices" or "lp", got {method!r}')
    if method == "vertices" and place.n_dims > _MOST_VERTEX_DIMS:
        raise ValueError(
            f'method must be "lp" or "auto" beyond {_MOST_VERTEX_DIMS} dimensions, '
            f"got {method!r} for {place.n_dims}"
        )
    return method == "vertices" or (method == "auto" and place.n_dims <= _VERTEX_DIMS)


def iterate_regions(
    network: ReluNetwork,
    domain: Domain = None,
    *,
    batch_size: int = 65536,
    n_threads: int | None = None,
    method: Method = "auto",
) -> Iterator[tuple[_Bytes, _Floats]]:
    """Find every linear region of a network in a domain, and keep none.

    Parameters
    ----------
    network, domain, n_threads, method
        As in `enumerate_regions`.
    batch_size : int, default 65536
        Regions of a batch.

    Yields
    ------
    patterns : (n, ceil(n_hidden / 8)) uint8
        Packed activation patterns of the next regions, `batch_size` of them but for the last batch.
    interior_points : (n, n_inputs) float64
        A point inside each.

    Raises
    ------
    TypeError, ValueError
        As in `enumerate_regions`, when the first batch is asked for.
    RuntimeError
        If rounding leaves a cell undecided, which only `enumerate_regions` can tell about.

    Examples
    --------
    >>> import hullspace
    >>> network = hullspace.ReluNetwork.from_arrays([[[1.0], [1.0]], [[1.0, 1.0]]], [[0, -1], [0]])
    >>> sum(len(patterns) for patterns, _ in hullspace.iterate_regions(network))
    3
    """
    require_count(batch_size, "batch_size")
    threads = as_threads(n_threads)
    search = Search(as_network(network), place_of(domain, network), method)
    while len(search.frontier):
        search.found = search.new_found()
        raised = search.step(batch_size, np.inf, threads)
        if raised is not None:
            raise raised
        if search.found.doubts:
            raise RuntimeError("cells are too thin for rounding to decide; use enumerate_regions")
        points = search.place.lift(search.found.all_points())
        if search.found.n_regions:
            yield search.found.all_patterns(), points


class SearchInterrupted(KeyboardInterrupt):
    """Ctrl-C during a search; `complex` holds what was found until then."""

    def __init__(self, found: RegionComplex) -> None:
        super().__init__(f"the search was interrupted after {len(found)} regions")
        self.complex = found


def enumerate_regions(
    network: ReluNetwork,
    domain: Domain = None,
    *,
    max_regions: int | None = None,
    time_limit: float | None = None,
    n_threads: int | None = None,
    checkpoint: str | PathLike[str] | None = None,
    progress: bool = False,
    method: Method = "auto",
    verify: bool = False,
) -> RegionComplex:
    """Find every linear region of a network in a domain, each exactly once.

    A region is the closure of the points of the domain's interior with one activation pattern,
    as far as it has interior points. The domain is split along the units' hyperplanes, stage by
    stage and depth first, so nothing is visited twice and no neighbour is missed.

    Parameters
    ----------
    network : ReluNetwork
        The network. Its numbers in double precision are taken for exact.
    domain : None, (lower, upper) or Polyhedron
        Where to look: everywhere, in a box (ends of the input's shape, or numbers), or in a
        polyhedron, which may be unbounded and, with equalities, flat.
    max_regions : int, optional
        Stop after so many regions.
    time_limit : float, optional
        Stop after about so many seconds.
    n_threads : int, optional
        Threads to use; all cores by default. The result does not depend on it.
    checkpoint : path, optional
        File to which the search is written every few seconds and at its end, and from which it goes
        on if the file exists.
    progress : bool, default False
        Show the number of regions and of open branches.
    method : {"auto", "vertices", "lp"}
        How a cell is tested: by its vertices, or by linear programs behind known points. Exact
        arithmetic decides where rounding leaves doubt. The former is chosen up to six dimensions.
    verify : bool, default False
        Record a proof of completeness, and check it with `RegionComplex.verify`.

    Returns
    -------
    RegionComplex
        The regions, with `status` COMPLETE only if no branch is open and no cell in doubt.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, shape or values, the domain has no interior points, or
        the checkpoint is of another search.
    SearchInterrupted
        On Ctrl-C, a `KeyboardInterrupt` that holds what was found in `complex`.

    Notes
    -----
    Memory is the depth of the tree plus a packed pattern and a point for each region.

    Examples
    --------
    >>> import hullspace
    >>> weights = [[[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [[1.0, 1.0, 1.0]]]
    >>> network = hullspace.ReluNetwork.from_arrays(weights, [[0.0, 0.0, -1.0], [0.0]])
    >>> hullspace.enumerate_regions(network)  # three lines in general position
    RegionComplex(7 regions, COMPLETE)
    >>> hullspace.enumerate_regions(network, (0, 1), verify=True).check.complete
    True
    """
    place = place_of(domain, as_network(network))
    from hullspace.regions.complex import RegionComplex  # noqa: PLC0415 - it resumes searches

    search = Search.started(network, place, method, checkpoint, with_proof=verify)
    return continue_search(
        search,
        RegionComplex,
        max_regions=max_regions,
        time_limit=time_limit,
        n_threads=n_threads,
        checkpoint=checkpoint,
        progress=progress,
    )


def continue_search(
    search: Search,
    make: Callable[[Search], Result],
    *,
    max_regions: int | None,
    time_limit: float | None,
    n_threads: int | None,
    checkpoint: str | PathLike[str] | None,
    progress: bool,
) -> Result:
    """Search until it is complete or a limit is reached, and make a result of it.

    See `enumerate_regions`.
    """
    if max_regions is not None:
        require_count(max_regions, "max_regions")
    if time_limit is not None:
        _require_seconds(time_limit)
    threads = as_threads(n_threads)
    most = _NO_LIMIT if max_regions is None else max_regions
    end = np.inf if time_limit is None else time.monotonic() + time_limit
    longest = _STEP if progress or checkpoint is not None else np.inf
    raised = None
    with _Watcher(search, checkpoint, progress=progress) as watcher:
        while raised is None and len(search.frontier) and search.found.n_regions < most:
            left = end - time.monotonic()
            if left <= 0.0:
                break
            raised = search.step(most - search.found.n_regions, min(left, longest), threads)
            watcher.look()
    result = make(search)
    if isinstance(raised, KeyboardInterrupt):
        raise SearchInterrupted(result) from raised
    if raised is not None:
        raise raised
    if search.with_proof and not len(search.frontier):
        result.verify()
    return result


def _require_seconds(time_limit: float) -> None:
    number = isinstance(time_limit, int | float | np.integer | np.floating)
    if not number or isinstance(time_limit, bool):
        raise TypeError(f"time_limit must be a number of seconds, got {time_limit!r}")
    if not time_limit >= 0.0:
        raise ValueError(f"time_limit must be at least 0, got {time_limit}")


class _Watcher:
    """Shows progress, and writes a search to a file from time to time and at the end."""

    def __init__(self, search: Search, path: str | PathLike[str] | None, *, progress: bool) -> None:
        self._search = search
        self._path = path
        self._bar = require("tqdm", "torch").tqdm(unit=" regions") if progress else None
        self._due = time.monotonic() + _BETWEEN

    def __enter__(self) -> Self:
        return self

    def look(self) -> None:
        if self._bar is not None:
            self._bar.n = self._search.found.n_regions
            self._bar.set_postfix(open=len(self._search.frontier))
        if time.monotonic() >= self._due:
            self._write()

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
        self._write()

    def _write(self) -> None:
        start = time.monotonic()
        if self._path is not None:
            write(self._path, self._search.to_arrays())
        self._due = time.monotonic() + max(_BETWEEN, (time.monotonic() - start) / _WRITING)
