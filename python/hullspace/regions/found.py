"""What a search has found so far, in arrays that go to disk as they are."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from hullspace.certificates.regions import RegionProof
from hullspace.networks import storage
from hullspace.regions.stored import digest, fault

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from hullspace.networks import ReluNetwork
    from hullspace.regions.search_space import SearchSpace

_Floats = npt.NDArray[np.float64]
_Bytes = npt.NDArray[np.uint8]
_Ints = npt.NDArray[np.int64]
_Array = npt.NDArray[Any]

FORMAT = 2
# What NumPy raises where a file is no archive of arrays.
_UNREADABLE = (ValueError, EOFError, BadZipFile, KeyError, RuntimeError, zlib.error)


@dataclass(frozen=True)
class Frontier:
    """Branches of the search that are still open.

    Attributes
    ----------
    ids : (n_open,) int64
        Their numbers.
    decided, values : (n_open, ceil(n_hidden / 8)) uint8
        Which hidden units are decided, and how, packed as patterns are.
    next_id : int
        Number of the next branch.
    """

    ids: _Ints
    decided: _Bytes
    values: _Bytes
    next_id: int

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"Frontier({len(self)} open branches)"


@dataclass(frozen=True)
class Doubt:
    """A branch of which rounding does not tell whether it has interior points."""

    values: _Bytes
    unit: int
    side: bool
    point: _Floats
    rows: npt.NDArray[np.int32]
    multipliers: _Floats


@dataclass
class Stream:
    """What became of one branch, as `RegionProof` has it."""

    id: int
    first_child: int
    tokens: npt.NDArray[np.int32]
    indptr: _Ints
    rows: npt.NDArray[np.int32]
    multipliers: _Floats

    @classmethod
    def of(cls, stream: Any) -> Stream:
        """Take what the core's search returned."""
        return cls(
            stream.id,
            stream.first_child,
            stream.tokens,
            stream.starts,
            stream.rows,
            stream.multipliers,
        )


@dataclass
class Found:
    """Regions, doubts and proof of a search, in the order in which they were found.

    `fine_points` are those of regions too thin for doubles, as `RegionProof` has them.
    """

    width: int
    n_dims: int
    patterns: list[_Bytes] = field(default_factory=list)
    points: list[_Floats] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)
    fine_points: dict[int, _Floats] = field(default_factory=dict)
    n_regions: int = 0

    def add(self, batch: Any) -> None:
        """Take what a run of the core's search returned."""
        self.patterns.append(batch.patterns)
        self.points.append(batch.points)
        self.fine_points.update((self.n_regions + p.region, p.parts) for p in batch.fine_points)
        self.doubts.extend(
            Doubt(d.values, d.unit, d.side, d.place, d.rows, d.multipliers) for d in batch.doubts
        )
        self.streams.extend(Stream.of(stream) for stream in batch.streams)
        self.n_regions += len(batch.patterns)

    def copy(self) -> Found:
        """Return a copy that grows apart from this one."""
        return replace(
            self,
            patterns=self.patterns.copy(),
            points=self.points.copy(),
            doubts=self.doubts.copy(),
            streams=self.streams.copy(),
            fine_points=self.fine_points.copy(),
        )

    def all_patterns(self) -> _Bytes:
        """All patterns, (n, width)."""
        joined = np.concatenate([np.zeros((0, self.width), np.uint8), *self.patterns])
        self.patterns = [joined]
        return joined

    def all_points(self) -> _Floats:
        """All interior points in the coordinates of the search, (n, n_dims)."""
        joined = np.concatenate([np.zeros((0, self.n_dims)), *self.points])
        self.points = [joined]
        return joined

    def proof(self) -> RegionProof:
        """Join the streams to a proof."""
        places = {stream.id: k for k, stream in enumerate(self.streams)}
        children, leaves, first = [], [], 0
        for stream in self.streams:
            n_open = int(np.count_nonzero(stream.tokens == -3))
            ids = range(stream.first_child, stream.first_child + n_open)
            children.append(np.array([places.get(i, -1) for i in ids], dtype=np.int64))
            n_leaves = int(np.count_nonzero(stream.tokens == -1))
            leaves.append(np.arange(first, first + n_leaves))
            first += n_leaves
        return RegionProof(
            streams=tuple(stream.tokens for stream in self.streams),
            children=tuple(children),
            leaves=tuple(leaves),
            indptr=tuple(stream.indptr for stream in self.streams),
            rows=tuple(stream.rows.astype(np.int64) for stream in self.streams),
            multipliers=tuple(stream.multipliers for stream in self.streams),
            fine_points=self.fine_points,
        )

    def to_arrays(self) -> dict[str, _Array]:
        """Everything as arrays by name."""
        doubts, streams = self.doubts, self.streams
        return {
            "patterns": self.all_patterns(),
            "points": self.all_points(),
            "doubt_values": np.array([d.values for d in doubts], np.uint8).reshape(
                len(doubts), self.width
            ),
            "doubt_heads": np.array([(d.unit, d.side) for d in doubts], np.int64).reshape(-1, 2),
            "doubt_places": np.array([d.point for d in doubts]).reshape(len(doubts), self.n_dims),
            **_joined("doubt_rows", [d.rows for d in doubts], np.int32),
            **_joined("doubt_multipliers", [d.multipliers for d in doubts], np.float64),
            "fine_regions": np.array(list(self.fine_points), np.int64),
            **_joined("fine_points", [x.ravel() for x in self.fine_points.values()], np.float64),
            "stream_heads": np.array([(s.id, s.first_child) for s in streams], np.int64).reshape(
                -1, 2
            ),
            **_joined("stream_tokens", [s.tokens for s in streams], np.int32),
            **_joined("stream_indptr", [s.indptr for s in streams], np.int64),
            **_joined("stream_rows", [s.rows for s in streams], np.int32),
            **_joined("stream_multipliers", [s.multipliers for s in streams], np.float64),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, _Array]) -> Found:
        """Undo `to_arrays`."""
        patterns, points = arrays["patterns"], arrays["points"]
        found = cls(patterns.shape[1], points.shape[1], [patterns], [points])
        found.n_regions = len(patterns)
        rows, factors = _split(arrays, "doubt_rows"), _split(arrays, "doubt_multipliers")
        for k, (unit, side) in enumerate(arrays["doubt_heads"].tolist()):
            point = arrays["doubt_places"][k]
            found.doubts.append(
                Doubt(arrays["doubt_values"][k], unit, bool(side), point, rows[k], factors[k])
            )
        flat = _split(arrays, "fine_points")
        for region, numbers in zip(arrays["fine_regions"].tolist(), flat, strict=True):
            found.fine_points[region] = numbers.reshape(found.n_dims + 1, -1)
        parts = [
            _split(arrays, f"stream_{name}") for name in ("tokens", "indptr", "rows", "multipliers")
        ]
        for k, (number, first_child) in enumerate(arrays["stream_heads"].tolist()):
            found.streams.append(Stream(number, first_child, *(part[k] for part in parts)))
        return found


def _joined(name: str, parts: list[_Array], dtype: Any) -> dict[str, _Array]:
    return {
        name: np.concatenate([np.zeros(0, dtype), *parts]),
        f"{name}_starts": np.cumsum([0, *(len(part) for part in parts)]),
    }


def _split(arrays: Mapping[str, _Array], name: str) -> list[_Array]:
    return (
        np.split(arrays[name], arrays[f"{name}_starts"][1:-1])
        if len(arrays[f"{name}_starts"]) > 1
        else []
    )


def fingerprint(network: ReluNetwork, space: SearchSpace) -> str:
    """Identify a network and a domain."""
    digest = hashlib.sha256(storage.fingerprint(network).encode())
    for array in (space.origin, space.basis, space.A, space.b):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def write(path: str | os.PathLike[str], arrays: Mapping[str, _Array]) -> None:
    """Write arrays to a file that is there whole or not at all."""
    target = Path(path)
    part = target.with_name(target.name + ".part")
    with part.open("wb") as file:
        np.savez(file, **arrays, digest=np.array(digest(arrays)))  # type: ignore[arg-type]
    part.replace(target)


def read(path: str | os.PathLike[str], name: str) -> dict[str, _Array]:
    """Read what `write` wrote.

    Raises
    ------
    ValueError
        If it is something else, or was changed; the message starts with `name`.
    """
    problem = f"{name} must be a file of regions in a format of this version, got {path}"
    try:
        # Opened here, for NumPy leaves a file open that is no archive.
        with Path(path).open("rb") as file:
            arrays = dict(np.load(file, allow_pickle=False))
    except (*_UNREADABLE, TypeError) as error:
        raise ValueError(problem) from error
    wrong = None
    if "format" not in arrays or arrays["format"].shape or str(arrays["format"]) != str(FORMAT):
        raise ValueError(problem)
    if "digest" not in arrays or str(arrays.pop("digest")) != digest(arrays):
        wrong = "its content is not what was written"
    wrong = wrong or fault(arrays)
    if wrong is not None:
        raise ValueError(f"{problem}: {wrong}")
    return arrays
