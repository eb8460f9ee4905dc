"""What counts as another answer: a margin between logits that must become positive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hullspace._extras import require

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Goals:
    """For each image the largest logit of some classes must reach the largest of others.

    Attributes
    ----------
    rise, fall : tensor, (n, n_classes) bool
        The classes that shall win and those that shall lose.
    """

    rise: Tensor
    fall: Tensor

    @classmethod
    def leave(cls, sources: Tensor, n_classes: int) -> Goals:
        """Any other class than the source reaches it."""
        fall = _one_hot(sources, n_classes)
        return cls(~fall, fall)

    @classmethod
    def reach(cls, targets: Tensor, n_classes: int) -> Goals:
        """The target reaches all others."""
        rise = _one_hot(targets, n_classes)
        return cls(rise, ~rise)

    def toward(self, classes: Tensor) -> Goals:
        """The same, but of the classes that shall win only one."""
        return Goals(_one_hot(classes, self.rise.shape[1]), self.fall)

    def take(self, rows: Tensor | slice) -> Goals:
        """The goals of some of the images."""
        return Goals(self.rise[rows], self.fall[rows])

    def margins(self, logits: Tensor) -> Tensor:
        """What must become positive, (n,)."""
        return _largest(logits, self.rise) - _largest(logits, self.fall)

    def winners(self, logits: Tensor) -> Tensor:
        """Which of the classes that shall win is highest, (n,)."""
        winners: Tensor = logits.masked_fill(~self.rise, -np.inf).argmax(1)
        return winners


def as_targets(to: Any, n: int, n_classes: int) -> np.ndarray[Any, np.dtype[np.int64]] | None:
    """Return one class an image, or None for "nearest"."""
    if isinstance(to, str):
        if to != "nearest":
            raise ValueError(f'to must be "nearest" or classes, got {to!r}')
        return None
    torch = require("torch", "torch")
    array = np.asarray(to.detach().cpu() if isinstance(to, torch.Tensor) else to)
    if array.dtype.kind not in "iu":
        raise TypeError(f'to must be "nearest" or integers, got {to!r}')
    if array.shape not in {(), (n,)}:
        raise ValueError(f"to must be one class or have shape ({n},), got shape {array.shape}")
    wrong = array[(array < 0) | (array >= n_classes)]
    if wrong.size:
        raise ValueError(f"to must be between 0 and {n_classes - 1}, got {wrong.flat[0]}")
    return np.broadcast_to(array, (n,)).astype(np.int64)


def _one_hot(classes: Tensor, n_classes: int) -> Tensor:
    functional = require("torch.nn.functional", "torch")
    one_hot: Tensor = functional.one_hot(classes, n_classes).bool()
    return one_hot


def _largest(logits: Tensor, classes: Tensor) -> Tensor:
    return logits.masked_fill(~classes, -np.inf).amax(1)
