"""Checks that linear regions are all there are, by code that shares nothing with the search.

A search hands over a `RegionProof`: binary trees whose branches decide the hidden units one by one.
Each branch ends in a region or is claimed to have no interior points. Three things are checked.

1. The trees are one tree that covers all patterns, and each region is the leaf of its own pattern.
2. Each region has an interior point: given, strictly on its pattern's side of every unit's
   hyperplane and strictly inside the domain; in numbers of more digits where doubles are too
   coarse for that. Where a unit's input is zero in the whole region, the
   unit is off.
3. Each other branch has none: a sum of constraints, all of which would be positive there, is at
   most zero in the whole domain.

The network, the domain and the points mean the numbers that they hold, exactly. Points and sums are
computed in double precision with bounds of all rounding errors, and what these leave in doubt in
integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hullspace.arguments import as_bounds, as_double_matrix
from hullspace.certificates.regions_exact import ExactRegions
from hullspace.certificates.regions_floating import FloatingNetwork, Frame
from hullspace.certificates.regions_pruned import Sums, are_empty
from hullspace.certificates.regions_tree import OFF, ON, RegionProof, TreeReader, Units, malformed
from hullspace.networks.network import pack, unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from hullspace.certificates.regions_floating import Floats
    from hullspace.certificates.regions_tree import Branches, Bytes, Ints
    from hullspace.networks.network import ReluNetwork
    from hullspace.polyhedron import Polyhedron

__all__ = ["RegionCheck", "RegionProof", "check_regions"]

# Units and constraints of regions that are looked at at a time.
_BLOCK = 2**21
# Problems of one kind that are listed.
_LISTED = 10


@dataclass(frozen=True)
class RegionCheck:
    """What is proven about a set of linear regions.

    Attributes
    ----------
    complete : bool
        True where everything is proven: the regions are all linear regions of the network in the
        domain, each once.
    n_regions, n_pruned : int
        Regions, and branches without interior points, that were looked at.
    n_exact : int
        Those that were decided in integers, for double precision left doubt.
    unproven_regions : tuple of int
        Regions whose interior point is not proven to be one.
    unproven_prunes : tuple of (int, int)
        Stream and position of certificates that prove nothing.
    problems : tuple of str
        All that is wrong, in words.
    """

    complete: bool
    n_regions: int
    n_pruned: int
    n_exact: int
    unproven_regions: tuple[int, ...]
    unproven_prunes: tuple[tuple[int, int], ...]
    problems: tuple[str, ...]

    def __bool__(self) -> bool:
        return self.complete

    def __repr__(self) -> str:
        verdict = "complete" if self.complete else "not proven complete"
        counts = f"{self.n_regions} regions, {self.n_pruned} pruned branches"
        words = "".join(f"; {problem}" for problem in self.problems[:_LISTED])
        rest = len(self.problems) - _LISTED
        more = f"; {rest} more problems" if rest > 0 else ""
        return f"RegionCheck({verdict}: {counts}, {self.n_exact} decided in integers{words}{more})"


def check_regions(
    network: ReluNetwork,
    domain: Polyhedron | None,
    patterns: npt.ArrayLike,
    points: npt.ArrayLike,
    proof: RegionProof,
    *,
    origin: npt.ArrayLike | None = None,
    basis: npt.ArrayLike | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> RegionCheck:
    """Check a proof that linear regions are all that a network has in a domain.

    Parameters
    ----------
    network : ReluNetwork
        The network.
    domain : Polyhedron or None
        Where the regions are; None for all of space. One with equalities is no set of full
        dimension: give the rest of its constraints in coordinates of its affine set, together with
        `origin` and `basis`.
    patterns : (n_regions, ceil(n_hidden / 8)) uint8 array
        Activation patterns, packed with the lowest bit first.
    points : (n_regions, d) array
        A point in the interior of each region.
    proof : RegionProof
        The proof.
    origin, basis : (n_inputs,) and (n_inputs, d) arrays, optional
        The domain and the points are in coordinates y of the set of inputs
        ``x = origin + basis @ y``. Without them, y is x.
    progress : callable, optional
        Called now and then with the number of regions and branches that were looked at, and how
        many there are.

    Returns
    -------
    RegionCheck
        Whether the regions are proven to be complete, and if not, what is missing.

    Raises
    ------
    TypeError, ValueError
        If an argument other than the proof has the wrong type, shape or values. What is wrong with
        the proof is a problem that the result lists.

    Notes
    -----
    Costs an evaluation of the network for each region, and one of the affine functions for each
    pattern of the stages before the last one that a pruned branch decided; what rounding leaves in
    doubt, some 0.1 to 1 ms in integers each. Bounds of the rounding errors are described in
    `hullspace.certificates.regions_floating`. A certificate that would take more than a million
    products of integers counts as unproven.

    Examples
    --------
    >>> import numpy as np
    >>> import hullspace
    >>> from hullspace.certificates.regions import RegionProof, check_regions
    >>> weights, biases = [[[1.0], [1.0]], [[1.0, 1.0]]], [[0.0, -1.0], [0.0]]
    >>> network = hullspace.ReluNetwork.from_arrays(weights, biases)  # kinks at 0 and 1
    >>> patterns, points = np.array([[3], [1], [0]], dtype=np.uint8), [[2.0], [0.5], [-1.0]]
    >>> proof = RegionProof(
    ...     streams=(np.array([0, 1, -1, -1, 1, -2, -1], dtype=np.int32),),
    ...     children=(np.array([], dtype=np.int64),),
    ...     leaves=(np.array([0, 1, 2]),),
    ...     indptr=(np.array([0, 2]),),
    ...     rows=(np.array([0, 1]),),  # -x > 0 and x - 1 > 0 cannot both be
    ...     multipliers=(np.array([1.0, 1.0]),),
    ... )
    >>> check_regions(network, None, patterns, points, proof)
    RegionCheck(complete: 3 regions, 1 pruned branches, 0 decided in integers)
    """
    frame = frame_of(network, domain, origin, basis)
    packed = np.asarray(patterns)
    if packed.dtype != np.uint8:
        raise TypeError(f"patterns must be uint8, got {packed.dtype}")
    n_bytes = -(-network.n_hidden // 8)
    if packed.ndim != 2 or packed.shape[1] != n_bytes:
        raise ValueError(f"patterns must have shape (n, {n_bytes}), got {packed.shape}")
    places = as_double_matrix(points, "points", frame.A.shape[1])
    if len(places) != len(packed):
        raise ValueError(f"points must have a row for each of {len(packed)} patterns")
    return _Check(network, frame, packed, places, proof, progress).run()


def prove_branches(
    network: ReluNetwork,
    domain: Polyhedron | None,
    branches: Sequence[tuple[Bytes, int, bool]],
    certificates: Sequence[tuple[npt.NDArray[np.integer], Floats]],
    *,
    origin: npt.ArrayLike | None = None,
    basis: npt.ArrayLike | None = None,
) -> npt.NDArray[np.bool_]:
    """Try to prove in integers that branches have no interior points.

    Parameters
    ----------
    network, domain, origin, basis
        As in `check_regions`.
    branches : sequence of (pattern, unit, side)
        What is decided: a packed pattern, in which hidden unit `unit` is on `side`.
    certificates : sequence of (rows, multipliers)
        For each of them, as in `RegionProof`.

    Returns
    -------
    (n_branches,) bool
        Whether each is proven to have none.
    """
    units = Units.of(network)
    exact = ExactRegions(network, units, frame_of(network, domain, origin, basis))
    proven = np.zeros(len(branches), dtype=bool)
    for k, ((pattern, unit, side), (rows, multipliers)) in enumerate(
        zip(branches, certificates, strict=True)
    ):
        states = np.where(unpack(pattern[None], network.n_hidden)[0], ON, OFF).astype(np.uint8)
        states[unit] = ON if side else OFF
        proven[k] = len(rows) > 0 and exact.is_empty(states, rows.astype(np.int64), multipliers)
    return proven


def frame_of(network: ReluNetwork, domain: Polyhedron | None, origin: Any, basis: Any) -> Frame:
    """Sort out the coordinates and the domain."""
    n_inputs = network.n_inputs
    if (origin is None) != (basis is None):
        raise ValueError("origin and basis must be given together")
    if basis is None:
        columns, start = np.eye(n_inputs), np.zeros(n_inputs)
    else:
        columns, start = as_double_matrix(basis, "basis"), as_bounds(origin, "origin", n_inputs)
        if len(columns) != n_inputs:
            raise ValueError(f"basis must have {n_inputs} rows, got shape {columns.shape}")
    d = columns.shape[1]
    if domain is None:
        return Frame(start, columns, np.zeros((0, d)), np.zeros(0), basis is None)
    if len(domain.E):
        raise ValueError(
            "domain must have no equalities: give it in coordinates of its affine set, with origin "
            "and basis"
        )
    if domain.A.shape[1] != d:
        raise ValueError(f"domain must have {d} features, got {domain.A.shape[1]}")
    return Frame(start, columns, domain.A, domain.b, basis is None)


class _Check:
    """One check: what it is about, and what it found so far."""

    def __init__(
        self,
        network: ReluNetwork,
        frame: Frame,
        patterns: Bytes,
        points: Floats,
        proof: RegionProof,
        progress: Callable[[int, int], object] | None,
    ) -> None:
        self.network, self.frame, self.proof = network, frame, proof
        self.patterns, self.points = patterns, points
        self.units = Units.of(network)
        self.floating = FloatingNetwork(network, self.units, frame)
        self.exact = ExactRegions(network, self.units, frame)
        self.progress = progress
        self.n_exact, self.n_pruned, self.done = 0, 0, 0
        self.unproven_regions: list[int] = []
        self.unproven_prunes: list[int] = []
        self.n_missing = 0
        self.problems: list[str] = []

    def run(self) -> RegionCheck:
        """Check regions, trees and branches."""
        self._check_points()
        self.problems += malformed(self.proof)
        prunes: tuple[tuple[int, int], ...] = ()
        if not self.problems:
            self._check_trees()
            prunes = self._named(sorted(self.unproven_prunes))
        for kind, unproven in (
            ("regions have no proven interior point", self.unproven_regions),
            ("pruned branches are not proven to have no interior", self.unproven_prunes),
        ):
            if unproven:
                self.problems.append(f"{len(unproven)} {kind}")
        if self.n_missing:
            self.problems.append(f"{self.n_missing} of them have no certificate at all")
        return RegionCheck(
            not self.problems,
            len(self.patterns),
            self.n_pruned,
            self.n_exact,
            tuple(self.unproven_regions),
            prunes,
            tuple(self.problems),
        )

    def _named(self, numbers: list[int]) -> tuple[tuple[int, int], ...]:
        """Stream and position of branches among all that were pruned."""
        starts = np.cumsum([0, *(len(x) - 1 for x in self.proof.indptr)])
        streams = np.searchsorted(starts, numbers, side="right") - 1
        return tuple(
            (int(stream), int(number - starts[stream]))
            for stream, number in zip(streams, numbers, strict=True)
        )

    def _report(self, n: int) -> None:
        self.done += n
        if self.progress is not None:
            pruned = sum(len(x) - 1 for x in self.proof.indptr)
            self.progress(self.done, len(self.patterns) + pruned)

    def _check_points(self) -> None:
        """Check that points are interior to the regions of their patterns."""
        size = len(self.units) + self.points.shape[1] + len(self.frame.b)
        step = max(_BLOCK // size, 1)
        for first in range(0, len(self.patterns), step):
            some = slice(first, first + step)
            bits, points = unpack(self.patterns[some], len(self.units)), self.points[some]
            units = self.floating.doubtful_units(points, bits)
            constraints = self.frame.outside(points)
            doubtful = np.flatnonzero(units.any(axis=1) | constraints.any(axis=1))
            for i in doubtful.tolist():
                states = np.where(bits[i], ON, OFF).astype(np.uint8)
                fine = self.proof.fine_points.get(first + i)
                if self.exact.is_interior(
                    points[i], states, np.flatnonzero(units[i]), np.flatnonzero(constraints[i])
                ) or (fine is not None and self.exact.is_fine_interior(np.asarray(fine), states)):
                    self.n_exact += 1
                else:
                    self.unproven_regions.append(first + i)
            self._report(len(points))

    def _check_trees(self) -> None:
        """Check that the trees cover all patterns, and their ends are what they claim."""
        proof = self.proof
        regions = np.concatenate(proof.leaves).astype(np.int64)
        counts = np.concatenate([np.diff(x) for x in proof.indptr]).astype(np.int64)
        rows = np.concatenate(proof.rows).astype(np.int64)
        sums = Sums(counts, rows, np.concatenate(proof.multipliers).astype(np.float64))
        self._check_use(regions)
        reader = TreeReader(self.units, proof)
        for leaves, pruned in reader.blocks():
            self._check_leaves(regions[leaves.numbers], leaves.states)
            if len(pruned):
                self._check_pruned(pruned, sums.select(pruned.numbers))
            self.n_pruned += len(pruned)
            self._report(len(pruned))
        self.problems += reader.problems

    def _check_use(self, regions: Ints) -> None:
        """Check that each region is a leaf, once."""
        known = (regions >= 0) & (regions < len(self.patterns))
        used = np.bincount(regions[known], minlength=len(self.patterns))
        for count, what in (
            (np.count_nonzero(~known), "leaves are none of the regions"),
            (np.count_nonzero(used == 0), "regions are no leaf"),
            (np.count_nonzero(used > 1), "regions are leaves more than once"),
        ):
            if count:
                self.problems.append(f"{count} {what}")

    def _check_leaves(self, regions: Ints, states: Bytes) -> None:
        """Check that leaves decide the patterns of their regions."""
        known = (regions >= 0) & (regions < len(self.patterns))
        decided = pack(states[known] == ON)
        wrong = (decided != self.patterns[regions[known]]).any(axis=1)
        if wrong.any():
            self.problems.append(
                f"{np.count_nonzero(wrong)} leaves decide another pattern than their region's, "
                f"the first is region {regions[known][wrong][0]}"
            )

    def _check_pruned(self, branches: Branches, sums: Sums) -> None:
        """Check that branches have no interior points."""
        sound = np.flatnonzero(sums.are_sound(branches, len(self.frame.b)))
        proven = np.zeros(len(branches), dtype=bool)
        proven[sound] = are_empty(self.floating, branches.select(sound), sums.select(sound))
        starts = sums.starts
        for i in sound[~proven[sound]].tolist():
            entries = slice(starts[i], starts[i + 1])
            proven[i] = self.exact.is_empty(
                branches.states[i], sums.rows[entries], sums.multipliers[entries]
            )
            self.n_exact += bool(proven[i])
        self.unproven_prunes += branches.numbers[~proven].tolist()
        self.n_missing += int(np.count_nonzero(sums.counts == 0))
