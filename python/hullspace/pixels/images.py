"""Images as rows of numbers within a box, and the way back to what the caller gave."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from hullspace.arguments import require_count
from hullspace.extras import require

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt
    from torch import Tensor

    from hullspace.features import FeatureSpace

Bounds: TypeAlias = "tuple[npt.ArrayLike, npt.ArrayLike]"

# Pixels this far outside the box, relative to its width, are taken for rounding and moved into it.
_SLACK = 1e-6


@dataclass(frozen=True)
class Images:
    """A batch of images as rows of the model's type on its device.

    Attributes
    ----------
    rows : tensor, (n, d)
        Pixels.
    shape : tuple of int
        Of one image.
    low, high : tensor, (d,)
        The box.
    """

    rows: Tensor
    shape: tuple[int, ...]
    low: Tensor
    high: Tensor
    given: Any

    @classmethod
    def of(
        cls, space: FeatureSpace, images: Any, bounds: Bounds = (0, 1), name: str = "images"
    ) -> Images:
        """Check images and lay them out as rows; errors name the argument."""
        torch = require("torch", "torch")
        given = images if isinstance(images, torch.Tensor) else np.asarray(images)
        tensor = torch.as_tensor(given)
        if not tensor.is_floating_point():
            raise TypeError(
                f"{name} must hold floating-point pixels within bounds, got dtype {given.dtype}"
            )
        if tensor.ndim < 2 or prod(tensor.shape[1:]) == 0:
            raise ValueError(f"{name} must have shape (n, ...), got {tuple(tensor.shape)}")
        shape = tuple(int(size) for size in tensor.shape[1:])
        device, dtype = space.placement(tensor)
        with torch.inference_mode(mode=False):
            rows = tensor.detach().to(device=device, dtype=dtype, copy=True)
            rows = rows.reshape(len(tensor), prod(shape))
        low, high = _as_box(bounds, shape, rows)
        _require_inside(rows, low, high, name)
        return cls(rows.clamp(low, high), shape, low, high, given)

    def __len__(self) -> int:
        return len(self.rows)

    def restore(self, rows: Tensor) -> Any:
        """Give rows the shape, kind, device and type of the images that the caller gave.

        Double precision stays, whatever the type of the images was.
        """
        torch = require("torch", "torch")
        images = rows.detach().reshape(len(rows), *self.shape)
        double = images.dtype == torch.float64
        if isinstance(self.given, torch.Tensor):
            dtype = images.dtype if double else self.given.dtype
            return images.to(device=self.given.device, dtype=dtype)
        array = images.double().cpu().numpy()
        return array if double else array.astype(self.given.dtype)

    def chunks(self, size: int, name: str, *, progress: bool) -> Iterator[slice]:
        """Slices of the batch, with a bar that shows how far they are."""
        tqdm = require("tqdm.auto", "torch").tqdm
        with tqdm(total=len(self), desc=name, unit="image", disable=not progress) as bar:
            for start in range(0, len(self), size):
                stop = min(start + size, len(self))
                yield slice(start, stop)
                bar.update(stop - start)


def to_array(tensor: Tensor) -> npt.NDArray[Any]:
    """Copy a tensor to a NumPy array, floating-point ones in single or double precision."""
    torch = require("torch", "torch")
    tensor = tensor.detach().cpu()
    if tensor.is_floating_point() and tensor.dtype != torch.float64:
        tensor = tensor.float()
    array: npt.NDArray[Any] = tensor.numpy()
    return array


def as_count(value: int, name: str, least: int = 1) -> int:
    """Return an integer argument that is `least` or more."""
    require_count(value, name, least)
    return int(value)


def _as_box(bounds: Bounds, shape: tuple[int, ...], rows: Tensor) -> tuple[Tensor, Tensor]:
    torch = require("torch", "torch")
    try:
        low, high = (
            torch.as_tensor(np.broadcast_to(np.asarray(bound, np.float64), shape).copy())
            .to(device=rows.device, dtype=rows.dtype)
            .reshape(-1)
            for bound in bounds
        )
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"bounds must be (lower, upper), numbers or arrays that fit images of shape {shape}, "
            f"got {bounds!r}"
        ) from error
    if not bool((low <= high).all()) or not bool((low.isfinite() & high.isfinite()).all()):
        raise ValueError(f"bounds must be finite and lower at most upper, got {bounds!r}")
    return low, high


def _require_inside(rows: Tensor, low: Tensor, high: Tensor, name: str) -> None:
    slack = _SLACK * (high - low)
    wrong = ~((rows >= low - slack) & (rows <= high + slack))  # so that NaN is wrong
    if bool(wrong.any()):
        row, column = (int(i) for i in wrong.nonzero()[0])
        raise ValueError(
            f"{name} must be finite and within bounds, got a pixel of "
            f"{float(rows[row, column]):.6g} in image {row}"
        )


def rounding(logits: Tensor) -> Tensor:
    """Return what logits may be off by, with some room, (n,)."""
    epsilon = require("torch", "torch").finfo(logits.dtype).eps
    off: Tensor = logits.abs().amax(1) * (64 * epsilon)
    return off
