"""What a file of regions must hold: names, types, shapes, and how they belong together."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace.networks import unpack

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hullspace.networks import ReluNetwork

_Array = npt.NDArray[Any]

# Kind and shape of each array. Words stand for lengths, "*" for any.
_ARRAYS: dict[str, tuple[str, tuple[str, ...]]] = {
    "fingerprint": ("U", ()),
    "by_vertices": ("b", ()),
    "with_proof": ("b", ()),
    "next_id": ("i", ()),
    "open_ids": ("i", ("open",)),
    "open_decided": ("u", ("open", "bytes")),
    "open_values": ("u", ("open", "bytes")),
    "patterns": ("u", ("regions", "bytes")),
    "points": ("f", ("regions", "dims")),
    "doubt_values": ("u", ("doubts", "bytes")),
    "doubt_heads": ("i", ("doubts", "2")),
    "doubt_places": ("f", ("doubts", "dims")),
    "doubt_rows": ("i", ("*",)),
    "doubt_multipliers": ("f", ("*",)),
    "fine_regions": ("i", ("fine",)),
    "fine_points": ("f", ("*",)),
    "stream_heads": ("i", ("streams", "2")),
    "stream_tokens": ("i", ("*",)),
    "stream_indptr": ("i", ("*",)),
    "stream_rows": ("i", ("*",)),
    "stream_multipliers": ("f", ("*",)),
    "origin": ("f", ("inputs",)),
    "basis": ("f", ("inputs", "dims")),
    "A": ("f", ("constraints", "dims")),
    "b": ("f", ("constraints",)),
    "is_whole": ("b", ()),
}
_DOMAIN = {
    "domain_A": ("f", ("given", "inputs")),
    "domain_b": ("f", ("given",)),
    "domain_E": ("f", ("equalities", "inputs")),
    "domain_d": ("f", ("equalities",)),
}
# Arrays that are made of parts, and how many of them.
_PARTS = {
    "doubt_rows": "doubts",
    "doubt_multipliers": "doubts",
    "fine_points": "fine",
    "stream_tokens": "streams",
    "stream_indptr": "streams",
    "stream_rows": "streams",
    "stream_multipliers": "streams",
}


def digest(arrays: Mapping[str, _Array]) -> str:
    """Identify the content of a file, but for the digest itself."""
    found = hashlib.blake2b(digest_size=32)
    for name in sorted(arrays):
        if name != "digest":
            array = np.ascontiguousarray(arrays[name])
            found.update(f"{name} {array.dtype.str} {array.shape} ".encode())
            found.update(array.tobytes())
    return found.hexdigest()


def fault(arrays: Mapping[str, _Array]) -> str | None:
    """Return what is wrong with the arrays of a file of regions, None if they are sound."""
    expected = _ARRAYS | {f"{name}_starts": ("i", ("*",)) for name in _PARTS}
    if any(name in arrays for name in _DOMAIN):
        expected = expected | _DOMAIN
    lengths = {"2": 2}
    for name, (kind, shape) in expected.items():
        if name not in arrays:
            return f"{name} is missing"
        array = arrays[name]
        if array.dtype.kind != kind or array.ndim != len(shape):
            return f"{name} has the wrong type or number of dimensions"
        for word, length in zip(shape, array.shape, strict=True):
            if word != "*" and lengths.setdefault(word, length) != length:
                return f"{name} has the wrong length"
        if kind == "f" and not np.isfinite(array).all():
            return f"{name} has numbers that are not finite"
    for name, word in _PARTS.items():
        starts = arrays[f"{name}_starts"]
        whole = len(starts) == lengths[word] + 1 and starts[0] == 0
        if not whole or (np.diff(starts) < 0).any() or starts[-1] != len(arrays[name]):
            return f"{name} has parts that do not fit"
    return _fault_in_parts(arrays)


def _fault_in_parts(arrays: Mapping[str, _Array]) -> str | None:
    n_regions, n_dims = arrays["points"].shape
    fine, ids = arrays["fine_regions"], arrays["open_ids"]
    packed = ("patterns", "open_decided", "open_values", "doubt_values")
    faults = (
        (any(arrays[name].dtype != np.uint8 for name in packed), "patterns must be bytes"),
        (((fine < 0) | (fine >= n_regions)).any(), "fine_regions are none of the regions"),
        (len(np.unique(fine)) < len(fine), "fine_regions has a region twice"),
        (
            (np.diff(arrays["fine_points_starts"]) % (n_dims + 1) != 0).any(),
            "fine_points has parts that do not fit",
        ),
        (
            not np.isin(arrays["doubt_heads"][:, 1], [0, 1]).all(),
            "doubt_heads has sides that are none",
        ),
        (len(np.unique(ids)) < len(ids), "open_ids has a branch twice"),
        ((ids >= arrays["next_id"]).any(), "open_ids are not those of branches so far"),
    )
    return next((words for wrong, words in faults if wrong), None)


def fault_for(arrays: Mapping[str, _Array], network: ReluNetwork) -> str | None:
    """Return what keeps sound arrays from being about a network."""
    n = network.n_hidden
    if arrays["patterns"].shape[1] != (n + 7) // 8 or len(arrays["origin"]) != network.n_inputs:
        return "patterns has the wrong length"
    units = arrays["doubt_heads"][:, 0]
    if ((units < 0) | (units >= n)).any():
        return "doubt_heads has units that are none"
    # Units are decided stage by stage.
    stages = np.repeat(np.arange(len(network.stages)), [len(s.hidden) for s in network.stages])
    decided = unpack(arrays["open_decided"], n)
    latest = np.where(decided, stages, -1).max(axis=1, initial=-1)
    earliest = np.where(decided, len(network.stages), stages).min(
        axis=1, initial=len(network.stages)
    )
    if (latest > earliest).any():
        return "open_decided has units decided before those of an earlier stage"
    return None
