"""The linear regions that a search found, and what they look like."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from hullspace.certificates.regions import check_regions, prove_branches
from hullspace.extras import require
from hullspace.networks import ReluNetwork, pack, storage, unpack
from hullspace.polyhedron import Polyhedron
from hullspace.regions.adjacency import facet_neighbors
from hullspace.regions.found import read, write
from hullspace.regions.running import search_on
from hullspace.regions.search import RegionSearch
from hullspace.regions.search_space import SearchSpace
from hullspace.regions.shapes import Shapes, class_outputs, shapes_of
from hullspace.status import Status

if TYPE_CHECKING:
    from os import PathLike

    from scipy import sparse

    from hullspace.certificates.regions import RegionCheck, RegionProof
    from hullspace.regions.found import Frontier

_Floats = npt.NDArray[np.float64]
_Bytes = npt.NDArray[np.uint8]
_Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TooThin:
    """Cells of which it was not found out whether they have interior points.

    Attributes
    ----------
    patterns : (n, ceil(n_hidden / 8)) uint8
        Packed activation patterns, as far as they are decided.
    units : (n,) int64
        The hidden unit whose hyperplane would cut the cell off.
    points : (n, n_inputs) float64
        Where the cell would be.
    """

    patterns: _Bytes
    units: _Ints
    points: _Floats

    def __len__(self) -> int:
        return len(self.units)

    def __repr__(self) -> str:
        return f"TooThin({len(self)} cells)"


class SearchInterrupted(KeyboardInterrupt):
    """Ctrl-C during a search; `complex` holds what was found until then."""

    def __init__(self, found: RegionComplex) -> None:
        super().__init__(f"the search was interrupted after {len(found)} regions")
        self.complex = found


class RegionComplex:
    """Linear regions of a network in a domain, as `enumerate_regions` returns them.

    Attributes
    ----------
    network : ReluNetwork
        The network.
    domain : Polyhedron or None
        Where regions were looked for; None for everywhere.
    patterns : (n_regions, ceil(n_hidden / 8)) uint8
        Activation patterns, bit j for hidden unit j, packed lowest bit first.
    interior_points : (n_regions, n_inputs) float64
        A point inside each region.
    status : Status
        COMPLETE if these are all regions, LIMIT if branches are still open, UNDECIDED if cells are
        left of which exact arithmetic could not tell, within its limits, whether they are regions.
    frontier : Frontier
        The open branches, from which `resume` goes on.
    too_thin : TooThin
        Those cells; the regions next to them are found all the same.
    method : {"vertices", "lp"}
        How cut tests were made.
    check : RegionCheck or None
        What `verify` last found.

    Notes
    -----
    A network with a single output is taken for a classifier whose class is 1 where the output is
    positive and 0 elsewhere.
    """

    def __init__(self, search: RegionSearch) -> None:
        self._search = search
        self.network = search.network
        self.domain = search.space.polyhedron
        self.method = search.method
        self.frontier: Frontier = search.frontier
        self.patterns = search.found.all_patterns()
        self._coordinates = search.found.all_points()
        self.status = self._status()
        self.check: RegionCheck | None = None

    def __len__(self) -> int:
        return len(self.patterns)

    def __repr__(self) -> str:
        thin = f", {len(self.too_thin)} cells too thin" if len(self.too_thin) else ""
        return f"{type(self).__name__}({len(self)} regions, {self.status.name}{thin})"

    def _status(self) -> Status:
        if len(self.frontier):
            return Status.LIMIT
        return Status.UNDECIDED if len(self.too_thin) else Status.COMPLETE

    def _like(self, search: RegionSearch) -> Self:
        """Make a result of the same kind."""
        return type(self)(search)

    @property
    def _space(self) -> SearchSpace:
        return self._search.space

    def _index(self, i: int) -> int:
        if not -len(self) <= i < len(self):
            raise IndexError(f"index {i} is out of range for {len(self)} regions")
        return int(i) % len(self)

    @cached_property
    def interior_points(self) -> _Floats:
        """A point inside each region, (n_regions, n_inputs)."""
        return self._space.lift(self._coordinates)

    @cached_property
    def too_thin(self) -> TooThin:
        """Cells that exact arithmetic could not decide within its limits."""
        doubts = self._search.found.doubts
        space = self._space
        empty = prove_branches(
            self.network,
            Polyhedron(space.A, space.b) if len(space.A) else None,
            [(doubt.values, doubt.unit, doubt.side) for doubt in doubts],
            [(doubt.rows, doubt.multipliers) for doubt in doubts],
            origin=space.origin,
            basis=space.basis,
        )
        left = [doubt for doubt, proven in zip(doubts, empty, strict=True) if not proven]
        width, n_dims = self.patterns.shape[1], space.n_dims
        return TooThin(
            np.array([doubt.values for doubt in left], np.uint8).reshape(len(left), width),
            np.array([doubt.unit for doubt in left], np.int64),
            space.lift(np.array([doubt.point for doubt in left]).reshape(len(left), n_dims)),
        )

    # Single regions

    def bits(self, i: int) -> npt.NDArray[np.bool_]:
        """Return which hidden units are on in region `i`, (n_hidden,) bool."""
        index = self._index(i)
        bits: npt.NDArray[np.bool_] = unpack(
            self.patterns[index : index + 1], self.network.n_hidden
        )[0]
        return bits

    def affine_map(self, i: int) -> tuple[_Floats, _Floats]:
        """Return (W, b) of the outputs in region `i`: they are ``W @ x + b`` there."""
        return self.network.affine_maps(self.bits(i))[-1]

    def polyhedron(self, i: int) -> Polyhedron:
        """Return region `i` as a polyhedron without redundant constraints."""
        shapes, index = self._shape(i)
        return self._embedded(*shapes.constraints(index))

    def vertices(self, i: int) -> _Floats:
        """Return the vertices of region `i`, (n_vertices, n_inputs).

        Raises
        ------
        ValueError
            If there are too many dimensions for vertices.
        """
        self._vertex_search("vertices")
        shapes, index = self._shape(i)
        return self.lifted(shapes.vertices(index))

    def lifted(self, coordinates: _Floats) -> _Floats:
        """Return coordinates of the search as those that users see."""
        return self._space.lift(coordinates)

    def outputs(self, i: int) -> tuple[_Floats, _Floats]:
        """Return (W, b) of the classes' outputs in the coordinates of `polyhedron`.

        A single output is that of class 1, against zero.
        """
        space = self._space
        whole = space.is_whole or space.polyhedron is not None
        maps = self.network.affine_maps(
            self.bits(i), None if whole else space.origin, None if whole else space.basis
        )
        return class_outputs(*maps[-1])

    def boundary_pieces(self) -> tuple[_Floats, _Ints, _Ints, _Ints, _Ints]:
        """Return corners, where they start, regions, classes and facets of the decision boundary.

        As the search has them; without corners in too many dimensions for vertices.
        """
        search = self._by_vertices or self._search
        found = search.boundary(self.patterns)
        starts = found.vertex_starts if search.by_vertices else np.zeros(0, np.int64)
        return (
            found.vertices,
            starts,
            found.regions,
            found.classes.astype(np.int64),
            found.facets.astype(np.int64),
        )

    @property
    def search_space(self) -> SearchSpace:
        """The coordinates of the search."""
        return self._space

    def region_of(self, bits: npt.NDArray[np.bool_]) -> int:
        """Return the region of a pattern, -1 if there is none."""
        return int(self._lookup(pack(bits[None]))[0])

    def _embedded(self, A: _Floats, b: _Floats) -> Polyhedron:
        """Constraints on the coordinates as constraints on the input."""
        space = self._space
        given = space.polyhedron
        if space.is_whole or given is None:
            return Polyhedron(A, b)
        along = A @ space.basis.T
        return Polyhedron(along, b + along @ space.origin, (given.E, given.d))

    @cached_property
    def _by_vertices(self) -> RegionSearch | None:
        """A search that knows vertices, or None if there are too many dimensions for that."""
        if self.method == "vertices":
            return self._search
        other = RegionSearch(self.network, self._space, "auto")
        return other if other.method == "vertices" else None

    def _vertex_search(self, what: str) -> RegionSearch:
        if self._by_vertices is None:
            raise ValueError(f"{what} are known in few dimensions only, got {self._space.n_dims}")
        return self._by_vertices

    # All regions

    @cached_property
    def _shapes(self) -> Shapes:
        return self._describe(self.patterns)

    def _shape(self, i: int) -> tuple[Shapes, int]:
        """Shapes that hold region `i`, and its index there: all of them if they are known."""
        index = self._index(i)
        if "_shapes" in self.__dict__:
            return self._shapes, index
        return self._describe(self.patterns[index : index + 1]), 0

    def _describe(self, patterns: _Bytes) -> Shapes:
        return shapes_of(self._by_vertices or self._search, patterns)

    @cached_property
    def labels(self) -> _Ints:
        """Class of the largest output in each region, (n_regions,); -1 where several share it."""
        return self._shapes.labels

    @cached_property
    def inradii(self) -> _Floats:
        """Radius of a largest ball in each region, (n_regions,); infinity where unbounded."""
        return self._shapes.inradii()

    @cached_property
    def volumes(self) -> _Floats:
        """Volume of each region, within the domain's equalities; infinity where unbounded.

        By triangulation from the vertices, so in few dimensions.
        """
        search = self._vertex_search("volumes")
        found: _Floats = search.shapes(self.patterns, volumes=True).volumes
        return found

    def adjacency(self) -> sparse.csr_array:
        """Return which regions share a facet: (n_regions, n_regions) symmetric CSR array, bool."""
        return facet_neighbors(self._search, self.patterns, self._coordinates, self._shapes)

    def find(self, points: npt.ArrayLike, tolerance: float = 1e-9) -> _Ints:
        """Tell which region each point is in.

        Parameters
        ----------
        points : (n, *input_shape) or (n, n_inputs) array
            The points.
        tolerance : float, default 1e-9
            A point may be this far outside the domain, as in `Polyhedron.contains`.

        Returns
        -------
        (n,) int64
            Indices of regions; -1 for points outside the domain and of regions that were not found.

        Raises
        ------
        TypeError, ValueError
            If the points have the wrong type, shape or values.
        """
        rows = self.network.as_rows(points, "points")
        if not self._space.is_whole:
            rows_along = (rows - self._space.origin) @ self._space.basis
        else:
            rows_along = rows
        found = self._located(rows, rows_along)
        if self.domain is not None:
            found[~self.domain.contains(rows, tolerance)] = -1
        return found

    def _located(self, inputs: _Floats, coordinates: _Floats) -> _Ints:
        """Find regions by pattern; by their constraints where a unit is zero up to rounding."""
        found = self._lookup(self.network.pattern(inputs))
        missing = np.flatnonzero(found < 0)
        if len(missing) and len(self):
            shapes = self._shapes
            for k in missing.tolist():
                found[k] = shapes.locate(coordinates[k])
        return found

    def _lookup(self, patterns: _Bytes) -> _Ints:
        found = [self._indices.get(pattern.tobytes(), -1) for pattern in patterns]
        return np.array(found, dtype=np.int64)

    @cached_property
    def _indices(self) -> dict[bytes, int]:
        return {pattern.tobytes(): i for i, pattern in enumerate(self.patterns)}

    # Going on, proof, files

    def resume(
        self,
        *,
        max_regions: int | None = None,
        time_limit: float | None = None,
        n_threads: int | None = None,
        checkpoint: str | PathLike[str] | None = None,
        progress: bool = False,
    ) -> Self:
        """Search on from the open branches; arguments as in `enumerate_regions`.

        Returns
        -------
        RegionComplex
            These regions and those that were found since.
        """
        search = self._search.copy()
        raised = search_on(
            search,
            max_regions=max_regions,
            time_limit=time_limit,
            n_threads=n_threads,
            checkpoint=checkpoint,
            progress=progress,
        )
        return self._like(search).concluded(raised)

    def concluded(self, raised: BaseException | None) -> Self:
        """Return this result of a search, checked if that is complete and recorded a proof.

        Raises
        ------
        BaseException
            What ended the search, if anything; Ctrl-C as `SearchInterrupted`.
        """
        if isinstance(raised, KeyboardInterrupt):
            raise SearchInterrupted(self) from raised
        if raised is not None:
            raise raised
        if self._search.with_proof and not len(self.frontier):
            self.verify()
        return self

    @cached_property
    def proof(self) -> RegionProof:
        """The proof of completeness; recorded by searching once more if the search kept none."""
        search = self._search
        if search.with_proof:
            return search.found.proof()
        again = RegionSearch(self.network, self._space, self._search.method, with_proof=True)
        raised = again.step(len(self) + 1, np.inf, 0)
        if raised is not None:
            raise raised
        proof = again.found.proof()
        places = [self._indices.get(p.tobytes(), -1) for p in again.found.all_patterns()]
        numbers = np.array(places, dtype=np.int64)
        return replace(
            proof,
            leaves=tuple(numbers[leaves] for leaves in proof.leaves),
            fine_points=search.found.fine_points,
        )

    def verify(self) -> RegionCheck:
        """Check that these are all regions, each once, by code apart from the search.

        Returns
        -------
        RegionCheck
            Whether every region has its point and every branch that was given up has none; also
            kept as `check`. See `hullspace.certificates.regions.check_regions`.
        """
        space = self._space
        self.check = check_regions(
            self.network,
            Polyhedron(space.A, space.b) if len(space.A) else None,
            self.patterns,
            self._coordinates,
            self.proof,
            origin=space.origin,
            basis=space.basis,
        )
        return self.check

    def save(self, path: str | PathLike[str]) -> None:
        """Write the regions, the network and the open branches to an ``.npz`` file."""
        network = {f"network.{k}": a for k, a in storage.to_arrays(self.network).items()}
        write(path, {**self._search.to_arrays(), **network})

    @classmethod
    def load(cls, path: str | PathLike[str], network: ReluNetwork | None = None) -> Self:
        """Read what `save` wrote, or a checkpoint.

        Parameters
        ----------
        path : path
            The file.
        network : ReluNetwork, optional
            The network, for a checkpoint, which does not hold it.

        Raises
        ------
        ValueError
            If the file is something else, or of another network.
        """
        arrays = read(path, "path")
        prefix = "network."
        own = {k[len(prefix) :]: a for k, a in arrays.items() if k.startswith(prefix)}
        if network is None and not own:
            raise ValueError(f"network must be given, for path {path} does not hold it")
        try:
            model = storage.from_arrays(own) if network is None else network
            return cls(RegionSearch.from_arrays(arrays, model, SearchSpace.from_arrays(arrays)))
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise ValueError(f"path must be a file of the same network, got {path}") from error

    def to_parquet(self, path: str | PathLike[str]) -> None:
        """Write a table with one row for each region to a Parquet file.

        Columns: ``region``, ``pattern`` (packed bytes), ``label``, ``inradius``, and ``x0`` to the
        last coordinate of the interior point. Needs the extra ``parquet``.
        """
        arrow = require("pyarrow", "parquet")
        parquet = require("pyarrow.parquet", "parquet")
        columns: dict[str, Any] = {
            "region": np.arange(len(self)),
            "pattern": [pattern.tobytes() for pattern in self.patterns],
            "label": self.labels,
            "inradius": self.inradii,
        }
        columns |= {f"x{j}": column for j, column in enumerate(self.interior_points.T)}
        parquet.write_table(arrow.table(columns), path)
