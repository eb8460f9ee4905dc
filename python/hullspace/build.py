"""What the compiled core was built with."""

from __future__ import annotations

from typing import Any

from hullspace import _core


def build_info() -> dict[str, Any]:
    """Describe the compiled core: what it was built with and what it uses on this machine.

    Returns
    -------
    dict
        ``version``, ``compiler``, ``instruction_sets`` (``found`` on this machine, ``built``
        into the core, ``used`` by it), ``threads`` (used by default), ``cuda`` (``built`` and,
        where not, the ``reason``; the ``architectures`` that there is machine code for; and the
        path of the ``library``, empty where it is not there). `devices` says which GPUs there are.

    Examples
    --------
    >>> import hullspace
    >>> hullspace.build_info()["version"] == hullspace.__version__
    True
    """
    return _core.build_info()
