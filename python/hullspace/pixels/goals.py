"""What counts as another answer: a margin between logits that must not be negative."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hullspace.extras import require

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


@dataclass(frozen=True)
class Goals:
    """For each image the largest logit of some classes must reach the largest of others.

    Attributes
    ----------
    rise, fall : tensor, (n, n_classes) bool
        The classes that shall win and those that shall lose.
    lead : tensor, (n,), or None
        By how much: so that rounding does not decide.
    """

    rise: Tensor
    fall: Tensor
    lead: Tensor | None = None

    @classmethod
    def leave(cls, sources: Tensor, n_classes: int) -> Goals:
        """Let any class but the source reach it."""
        fall = _one_hot(sources, n_classes)
        return cls(~fall, fall)

    @classmethod
    def reach(cls, targets: Tensor, n_classes: int) -> Goals:
        """Let the target reach all others."""
        rise = _one_hot(targets, n_classes)
        return cls(rise, ~rise)

    def toward(self, classes: Tensor) -> Goals:
        """Keep only one of the classes that shall win."""
        return Goals(_one_hot(classes, self.rise.shape[1]), self.fall, self.lead)

    def take(self, rows: Tensor | slice) -> Goals:
        """Select the goals of some of the images."""
        lead = None if self.lead is None else self.lead[rows]
        return Goals(self.rise[rows], self.fall[rows], lead)

    @classmethod
    def together(cls, goals: Sequence[Goals]) -> Goals:
        """Put goals behind one another."""
        torch = require("torch", "torch")
        leads = [goal.lead for goal in goals if goal.lead is not None]
        return cls(
            torch.cat([goal.rise for goal in goals]),
            torch.cat([goal.fall for goal in goals]),
            torch.cat(leads) if leads else None,
        )

    def margins(self, logits: Tensor) -> Tensor:
        """Return what must not be negative, (n,)."""
        margins = _largest(logits, self.rise) - _largest(logits, self.fall)
        return margins if self.lead is None else margins - self.lead

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
