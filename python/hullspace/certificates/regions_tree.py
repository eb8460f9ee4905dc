"""The trees of a proof that linear regions are all there are, and the branches they end in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hullspace.networks.network import ReluNetwork

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

LEAF, PRUNED, ELSEWHERE = -1, -2, -3
UNDECIDED, OFF, ON = 0, 1, 2
_OPEN = -1
# Bytes of branches that are handed on at a time.
_BLOCK = 2**23
_MOST = 2**15


@dataclass(frozen=True)
class RegionProof:
    """Trees that split the domain unit by unit until each branch is a region or has no interior.

    Attributes
    ----------
    streams : tuple of int32 arrays
        Each is a binary tree in preorder; the first is the root. A token ``u >= 0`` branches on
        hidden unit u: first comes the subtree where its input is at least zero ("on"), then the one
        where it is at most zero ("off"). A unit is branched on after all units of all earlier
        stages. -1 is a leaf, the stream's next region; -2 a branch without interior points, proven
        by the stream's next certificate; -3 stands for the stream that is next in `children`.
    children : tuple of int64 arrays
        Numbers of streams, in order of the -3 tokens of each stream; -1 for a subtree that was not
        searched.
    leaves : tuple of int64 arrays
        Indices of regions, in order of the -1 tokens of each stream.
    indptr, rows, multipliers : tuples of arrays
        Certificates as CSR arrays, in order of the -2 tokens of each stream. Row ``r < n_hidden``
        is the constraint that hidden unit r is on the side that the branch decided (``a_r >= 0``
        or ``-a_r >= 0``, where all earlier units are on theirs), row ``n_hidden + j`` is the
        domain's ``b_j - A_j x >= 0``. The multipliers, not negative, claim that the sum of the
        rows is at most zero in the whole domain, so that not all of them can be positive.
    fine_points : dict of int to (d + 1, n_parts) float64
        Interior points of regions that are too thin for doubles: homogeneous coordinates
        ``(t y, t)`` with t positive, each the exact sum of its parts.
    """

    streams: tuple[npt.NDArray[np.int32], ...]
    children: tuple[Ints, ...]
    leaves: tuple[Ints, ...]
    indptr: tuple[Ints, ...]
    rows: tuple[Ints, ...]
    multipliers: tuple[npt.NDArray[np.float64], ...]
    fine_points: Mapping[int, npt.NDArray[np.float64]] = field(default_factory=dict)

    def __repr__(self) -> str:
        leaves, pruned = (sum(map(len, arrays)) for arrays in (self.leaves, self.indptr))
        return (
            f"RegionProof({len(self.streams)} streams, {leaves} regions, "
            f"{pruned - len(self.indptr)} pruned branches)"
        )


@dataclass(frozen=True)
class Units:
    """Where the hidden units of a network are.

    Attributes
    ----------
    stages, places : (n_hidden,) int64
        The stage of each hidden unit, and its place among the units of the stage.
    first : (n_stages + 1,) int64
        The first hidden unit of each stage, and their number.
    """

    stages: Ints
    places: Ints
    first: Ints

    @classmethod
    def of(cls, network: ReluNetwork) -> Units:
        """Find the hidden units of a network."""
        counts = [len(stage.hidden) for stage in network.stages]
        return cls(
            np.repeat(np.arange(len(counts)), counts),
            np.concatenate([stage.hidden for stage in network.stages]),
            np.concatenate([[0], np.cumsum(counts)]),
        )

    def __len__(self) -> int:
        return len(self.stages)


@dataclass(frozen=True)
class Branches:
    """Branches that end, and the side that each decided for each unit.

    Attributes
    ----------
    numbers : (n,) int64
        Which of all leaves or of all pruned branches, stream by stream, each is.
    states : (n, n_hidden) uint8
        ON, OFF or UNDECIDED.
    """

    numbers: Ints
    states: Bytes

    def __len__(self) -> int:
        return len(self.numbers)

    def select(self, which: npt.NDArray[Any] | slice) -> Branches:
        """Return some of the branches."""
        return Branches(self.numbers[which], self.states[which])


class _Ends:
    """Collects the ends of branches of one kind."""

    def __init__(self, n_hidden: int) -> None:
        self.n_hidden = n_hidden
        self.numbers: list[int] = []
        self.states: list[bytes] = []

    def take(self) -> Branches:
        """Hand on what was collected."""
        states = np.zeros((len(self.states), self.n_hidden), dtype=np.uint8)
        if states.size:
            states[:] = np.frombuffer(b"".join(self.states), np.uint8).reshape(states.shape)
        branches = Branches(np.array(self.numbers, dtype=np.int64), states)
        self.numbers.clear()
        self.states.clear()
        return branches


def malformed(proof: RegionProof) -> list[str]:
    """Return what keeps the arrays of a proof from belonging together."""
    n = len(proof.streams)
    fields = (proof.children, proof.leaves, proof.indptr, proof.rows, proof.multipliers)
    if not n or any(len(field) != n for field in fields):
        return ["the proof must have at least one stream, and arrays for each"]
    problems = []
    for i, arrays in enumerate(zip(proof.streams, *fields, strict=True)):
        tokens, children, leaves, indptr, rows, multipliers = arrays
        integers = all(np.asarray(x).dtype.kind in "iu" for x in arrays[:-1])
        if not integers or any(np.ndim(x) != 1 for x in arrays):
            problems.append(f"stream {i} has arrays that are no vectors of the right type")
            continue
        counts = [int(np.count_nonzero(tokens == kind)) for kind in (LEAF, PRUNED, ELSEWHERE)]
        if counts != [len(leaves), len(indptr) - 1, len(children)]:
            problems.append(f"stream {i} has more or fewer tokens than ends of branches")
        elif indptr[0] != 0 or (np.diff(indptr) < 0).any() or indptr[-1] != len(rows):
            problems.append(f"stream {i} has certificates that form no CSR array")
        elif len(rows) != len(multipliers) or multipliers.dtype.kind != "f":
            problems.append(f"stream {i} must have a number for each row of its certificates")
    return problems


class TreeReader:
    """Reads the trees of a proof that is not malformed, from the root.

    Attributes
    ----------
    problems : list of str
        What keeps the streams from being one tree that covers all patterns; known once all is read.
    """

    def __init__(self, units: Units, proof: RegionProof) -> None:
        self.problems: list[str] = []
        self._proof = proof
        self._n_hidden = len(units)
        # A unit can be branched on at this depth at the least. Below it, a unit of an earlier stage
        # is undecided; from it on none is, for units of its own and later stages had to wait too.
        self._depths = units.first[units.stages].tolist()
        self._limit = min(max(_BLOCK // max(self._n_hidden, 1), 1), _MOST)
        self._ends = {LEAF: _Ends(self._n_hidden), PRUNED: _Ends(self._n_hidden)}
        self._starts = {
            LEAF: np.cumsum([0, *map(len, proof.leaves)]).tolist(),
            PRUNED: np.cumsum([0, *(len(x) - 1 for x in proof.indptr)]).tolist(),
        }

    def blocks(self) -> Iterator[tuple[Branches, Branches]]:
        """Yield leaves and pruned branches, some at a time."""
        waiting, used, n_open = [(0, bytes(self._n_hidden))], {0}, 0
        while waiting:
            number, start = waiting.pop()
            below: list[bytes] = []
            yield from self._stream(number, start, below)
            for child, state in zip(self._proof.children[number].tolist(), below, strict=False):
                if child == _OPEN:
                    n_open += 1
                elif not 0 <= child < len(self._proof.streams):
                    self.problems.append(f"stream {number} leads to stream {child}, which is none")
                elif child in used:
                    self.problems.append(f"stream {child} is in more than one place")
                else:
                    used.add(child)
                    waiting.append((child, state))
        yield self._take()
        if n_open:
            self.problems.append(f"{n_open} subtrees were not searched")
        unused = len(self._proof.streams) - len(used)
        if unused:
            self.problems.append(f"{unused} streams are in no place of the tree")

    def _take(self) -> tuple[Branches, Branches]:
        return self._ends[LEAF].take(), self._ends[PRUNED].take()

    def _stream(
        self, number: int, start: bytes, below: list[bytes]
    ) -> Iterator[tuple[Branches, Branches]]:
        """Read one stream from the branch that leads to it."""
        state, path, base = bytearray(start), list[int](), len(start) - start.count(UNDECIDED)
        n_hidden, depths, ends = self._n_hidden, self._depths, self._ends
        following = {kind: starts[number] for kind, starts in self._starts.items()}
        tokens = self._proof.streams[number].tolist()
        for place, token in enumerate(tokens):
            if token >= 0:
                if token >= n_hidden or state[token] or depths[token] > base + len(path):
                    self.problems.append(self._misplaced(number, token, state))
                    return
                state[token] = ON
                path.append(token)
                continue
            if token == ELSEWHERE:
                below.append(bytes(state))
            elif token in ends and (token == PRUNED or base + len(path) == n_hidden):
                ends[token].numbers.append(following[token])
                ends[token].states.append(bytes(state))
                following[token] += 1
                if len(ends[token].numbers) == self._limit:
                    yield self._take()
            else:
                what = "a leaf with undecided units" if token == LEAF else f"a token {token}"
                self.problems.append(f"stream {number} has {what}")
                return
            while path and state[path[-1]] == OFF:
                state[path.pop()] = UNDECIDED
            if not path:
                if place + 1 < len(tokens):
                    self.problems.append(f"stream {number} goes on after its tree")
                return
            state[path[-1]] = OFF
        self.problems.append(f"stream {number} ends before its tree")

    def _misplaced(self, number: int, unit: int, state: bytearray) -> str:
        if unit >= self._n_hidden:
            return f"stream {number} branches on unit {unit}, which is none"
        if state[unit] != UNDECIDED:
            return f"stream {number} decides unit {unit} twice on one path"
        return f"stream {number} branches on unit {unit} before all units of earlier stages"
