"""Which devices there are, and which one a call means."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from hullspace import _core

# Kinds of memory in DLPack: https://dmlc.github.io/dlpack/latest/c_api.html
_HOST_MEMORY = (1, 3)
CUDA_MEMORY = (2, 13)


@dataclass(frozen=True)
class Device:
    """A GPU.

    Attributes
    ----------
    name : str
        What the argument `device` of operations takes: "cuda:0".
    product : str
        What its maker calls it.
    capability : (int, int)
        Compute capability.
    n_multiprocessors : int
        Number of multiprocessors.
    total_memory, free_memory : int
        Bytes.
    """

    name: str
    product: str
    capability: tuple[int, int]
    n_multiprocessors: int
    total_memory: int
    free_memory: int

    def __str__(self) -> str:
        free, total = self.free_memory / 2**30, self.total_memory / 2**30
        major, minor = self.capability
        return f"{self.name} {self.product} (sm_{major}{minor}, {free:.1f} of {total:.1f} GiB free)"


@dataclass(frozen=True)
class Devices:
    """The GPUs that operations can run on.

    Attributes
    ----------
    available : tuple of Device
        The GPUs; empty if there are none.
    reason : str
        Why there are none; empty if there are.
    """

    available: tuple[Device, ...]
    reason: str

    def __len__(self) -> int:
        return len(self.available)

    def __repr__(self) -> str:
        return f"Devices({', '.join(map(str, self.available)) or 'none: ' + self.reason})"


def devices() -> Devices:
    """Tell which GPUs there are, or why there are none.

    Returns
    -------
    Devices
        `available`, a tuple of records, and `reason`.

    Notes
    -----
    Opens the CUDA library, which nothing does before a GPU is asked for: the file that the
    environment variable ``HULLSPACE_CUDA_LIBRARY`` names or, by default, the one that hullspace was
    installed with. To see how much memory is free takes a little on each of the GPUs, once.

    Examples
    --------
    >>> import hullspace
    >>> found = hullspace.devices()
    >>> bool(found.available) != bool(found.reason)
    True
    """
    count = _core.count_devices()
    return Devices(tuple(_describe(i) for i in range(count.n)), count.reason)


def _describe(device: int) -> Device:
    found = _core.describe_device(device)
    return Device(
        name_of(device),
        found.name,
        divmod(found.capability, 10),
        found.n_multiprocessors,
        found.total_memory,
        found.free_memory,
    )


def name_of(device: int | None) -> str:
    """Return the name of a device by its number; None is the CPU."""
    return "cpu" if device is None else f"cuda:{device}"


def device_of(value: Any) -> int | None:
    """Return the number of the CUDA device on which an array lives, None for the host."""
    if isinstance(value, np.ndarray) or not hasattr(value, "__dlpack_device__"):
        return None
    kind, number = value.__dlpack_device__()
    if int(kind) in _HOST_MEMORY:
        return None
    if int(kind) in CUDA_MEMORY:
        return int(number)
    raise ValueError(
        f"arrays must be in memory of the host or of a CUDA device, got {type(value).__name__} "
        "elsewhere"
    )


def choose_device(device: Any, value: Any) -> int | None:
    """Return the number of the device that a user means for an array, None for the CPU.

    Raises
    ------
    ValueError
        If `device` is no device.
    RuntimeError
        If it is one that there is not.
    """
    home = device_of(value)
    name = name_of(home) if device is None else str(device)
    if name == "cpu":
        return None
    match = re.fullmatch(r"auto|cuda(?::(\d+))?", name)
    if match is None:
        raise ValueError(f"device must be 'cpu', 'cuda', 'cuda:N' or 'auto', got {device!r}")
    count = _core.count_devices()
    if name == "auto" and count.n == 0:
        return None
    if count.n == 0:
        raise RuntimeError(
            f"there is no device {name!r}: {count.reason}; use device='cpu', or device='auto' "
            "for a GPU where there is one"
        )
    number = _current_device(home) if match[1] is None else int(match[1])
    if number >= count.n:
        names = ", ".join(map(name_of, range(count.n)))
        raise RuntimeError(f"there is no device {name_of(number)!r}, only {names}")
    return number


def _current_device(home: int | None) -> int:
    """Where the array lives, or the current device of a library that has chosen one."""
    if home is not None:
        return home
    torch, cupy = sys.modules.get("torch"), sys.modules.get("cupy")
    if torch is not None and torch.cuda.is_initialized():
        return int(torch.cuda.current_device())
    if cupy is not None:
        return int(cupy.cuda.runtime.getDevice())
    return 0


def as_memory_limit(memory_limit: int | None) -> int:
    """Return a number of bytes, where 0 stands for the default."""
    if memory_limit is None:
        return 0
    if isinstance(memory_limit, bool) or not isinstance(memory_limit, int | np.integer):
        raise TypeError(f"memory_limit must be a number of bytes or None, got {memory_limit!r}")
    if not 0 < memory_limit < 2**63:
        raise ValueError(f"memory_limit must be positive, got {memory_limit}")
    return int(memory_limit)
