"""Exact, provable geometry of the feature space that a neural network has learned.

The names in ``__init__.pyi`` load on first use, so that ``import hullspace`` stays light.
"""

from __future__ import annotations

import lazy_loader

from hullspace import _core

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__version__: str = _core.__version__
