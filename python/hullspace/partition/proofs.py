"""The proof of a guaranteed region, built on exact signs of affine functions at points."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace.arguments import as_matrix, require_finite
from hullspace.certificates.signs import (
    class_rows,
    doubled,
    in_domain,
    never_positive,
    winners,
)

if TYPE_CHECKING:
    from os import PathLike

    from hullspace.partition.ties import Ties

_Floats = npt.NDArray[np.float64]
_Bools = npt.NDArray[np.bool_]


def exact_winners(ties: Ties, points: _Floats) -> npt.NDArray[np.int64]:
    """Class with the largest logit in exact arithmetic; the lowest index of those that tie."""
    return winners(ties.weight, ties.bias, points)


@dataclass(frozen=True)
class GuaranteeProof:
    """All that it takes to check that the hull of some points is one class, and nothing else.

    A region is convex: if the logit of the class is at the top at every point, and every point is
    in the domain, then so it is in the hull of the points.

    Attributes
    ----------
    class_index : int
        The class.
    points : (n_points, n_features) float64
        Points whose hull is guaranteed the class.
    weight, bias : (n_classes, n_features) and (n_classes,) float64
        The head.
    A, b, E, d : float64 arrays
        The domain: ``A x <= b`` and ``E x = d``.

    Examples
    --------
    >>> import hullspace
    >>> partition = hullspace.DecisionPartition([[1.0, 0.0], [0.0, 1.0]], domain="orthant")
    >>> proof = partition.guaranteed([[1.0, 0.0], [1.0, 1.0], [3.0, 2.0], [0.0, 1.0]]).proof(0)
    >>> proof
    GuaranteeProof(class 0: 3 points)
    >>> proof.check()
    True
    """

    class_index: int
    points: _Floats
    weight: _Floats
    bias: _Floats
    A: _Floats
    b: _Floats
    E: _Floats
    d: _Floats

    def holds(self) -> _Bools:
        """Check each point in exact arithmetic, (n_points,)."""
        rows = class_rows(self.weight, self.bias, self.class_index)
        top = never_positive(rows, doubled(self.points))
        return np.asarray(top & in_domain(self.A, self.b, self.E, self.d, self.points))

    def check(self) -> bool:
        """Check in exact arithmetic that every point has no negative margin."""
        return bool(self.holds().all())

    def save(self, path: str | PathLike[str]) -> None:
        """Write a ``.npz`` file that `load` and any reader of NumPy arrays understands."""
        target = Path(path)
        if target.suffix != ".npz":
            raise ValueError(f"path must end in .npz, got {path}")
        arrays = {name: getattr(self, name) for name in _NAMES}
        np.savez_compressed(target, allow_pickle=False, class_index=self.class_index, **arrays)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> GuaranteeProof:
        """Read what `save` wrote; says nothing about whether it holds.

        Raises
        ------
        FileNotFoundError, ValueError
            If there is no such file, or it is not of this kind.
        """
        with np.load(path, allow_pickle=False) as file:
            missing = [name for name in ("class_index", *_NAMES) if name not in file.files]
            if missing:
                raise ValueError(f"{path} is no proof of a region; missing: {', '.join(missing)}")
            arrays = {name: np.asarray(file[name], dtype=np.float64) for name in _NAMES}
            proof = cls(class_index=int(file["class_index"]), **arrays)
        proof._require_shapes(path)
        return proof

    def _require_shapes(self, path: str | PathLike[str]) -> None:
        as_matrix(self.points, "points", columns=as_matrix(self.weight, "weight").shape[1])
        n_classes, n_features = self.weight.shape
        shapes = {
            "bias": (n_classes,),
            "A": (len(self.b), n_features),
            "b": (len(self.b),),
            "E": (len(self.d), n_features),
            "d": (len(self.d),),
        }
        for name, shape in shapes.items():
            array = getattr(self, name)
            require_finite(array, name)
            if array.shape != shape:
                raise ValueError(f"{path}: {name} must have shape {shape}, got {array.shape}")
        if not 0 <= self.class_index < n_classes:
            raise ValueError(f"{path}: class_index must be below {n_classes}")

    def __repr__(self) -> str:
        return f"GuaranteeProof(class {self.class_index}: {len(self.points)} points)"


_NAMES = ("points", "weight", "bias", "A", "b", "E", "d")
