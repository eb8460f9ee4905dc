"""All linear regions of a network in a domain: kept as a complex, or one batch after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace.arguments import as_threads, require_count
from hullspace.regions.arguments import Domain, as_network
from hullspace.regions.complex import RegionComplex
from hullspace.regions.running import search_on
from hullspace.regions.search import Method, RegionSearch
from hullspace.regions.search_space import search_space

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike

    from hullspace.networks import ReluNetwork

_Floats = npt.NDArray[np.float64]
_Bytes = npt.NDArray[np.uint8]


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
    space = search_space(domain, as_network(network))
    search = RegionSearch.started(network, space, method, checkpoint, with_proof=verify)
    raised = search_on(
        search,
        max_regions=max_regions,
        time_limit=time_limit,
        n_threads=n_threads,
        checkpoint=checkpoint,
        progress=progress,
    )
    return RegionComplex(search).concluded(raised)


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
    search = RegionSearch(as_network(network), search_space(domain, network), method)
    while len(search.frontier):
        search.found = search.new_found()
        raised = search.step(batch_size, np.inf, threads)
        if raised is not None:
            raise raised
        if search.found.doubts:
            raise RuntimeError("cells are too thin for rounding to decide; use enumerate_regions")
        points = search.space.lift(search.found.all_points())
        if search.found.n_regions:
            yield search.found.all_patterns(), points
