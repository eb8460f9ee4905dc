"""Import of optional dependencies, with an error that says how to install them."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType


def require(module: str, extra: str) -> ModuleType:
    """Import `module`, which the optional dependency group `extra` provides.

    Raises
    ------
    ImportError
        If it is missing; the message holds the pip command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not module.startswith(error.name):
            raise
        raise ImportError(
            f"this needs {module.partition('.')[0]}, which is not installed; "
            f"run: pip install 'hullspace[{extra}]'"
        ) from error
