"""What every part of a study is given."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """What every part of a study is given.

    Attributes
    ----------
    tolerance, n_threads
        For every call of the core.
    sample : int
        Test images at which searches in pixel space start.
    random_state : int
        Seed of everything that is drawn.
    layers : tuple of str
        Hidden layers that are compared with pixels and features.
    """

    tolerance: float
    n_threads: int | None
    sample: int = 100
    random_state: int = 0
    layers: tuple[str, ...] = ()
