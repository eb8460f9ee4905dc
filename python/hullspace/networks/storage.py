"""Networks as named arrays, to store and to identify them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from hullspace.networks.network import ReluNetwork
from hullspace.networks.operators import Convolution, Dense, Operator, Sparse
from hullspace.networks.stages import Stage, Term

if TYPE_CHECKING:
    from collections.abc import Mapping

_Array = npt.NDArray[Any]


def to_arrays(network: ReluNetwork) -> dict[str, _Array]:
    """Return the network as arrays by name."""
    arrays: dict[str, _Array] = {"input_shape": np.array(network.input_shape, dtype=np.int64)}
    for k, stage in enumerate(network.stages):
        arrays[f"{k}.bias"] = stage.bias
        arrays[f"{k}.slopes"] = stage.slopes
        for i, term in enumerate(stage.terms):
            arrays[f"{k}.{i}.source"] = np.array(term.source)
            for name, array in _operator_arrays(term.operator).items():
                arrays[f"{k}.{i}.{name}"] = array
    return arrays


def from_arrays(arrays: Mapping[str, _Array]) -> ReluNetwork:
    """Undo `to_arrays`."""
    stages: list[Stage] = []
    while f"{len(stages)}.bias" in arrays:
        k = len(stages)
        terms: list[Term] = []
        while f"{k}.{len(terms)}.source" in arrays:
            prefix = f"{k}.{len(terms)}."
            own = {name[len(prefix) :]: a for name, a in arrays.items() if name.startswith(prefix)}
            terms.append(Term(int(own["source"]), _operator(own)))
        stages.append(Stage(tuple(terms), arrays[f"{k}.bias"], arrays[f"{k}.slopes"]))
    return ReluNetwork(stages, arrays["input_shape"].tolist())


def fingerprint(network: ReluNetwork) -> str:
    """Identify a network by its numbers."""
    digest = hashlib.sha256()
    for name, array in to_arrays(network).items():
        digest.update(f"{name} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _operator_arrays(operator: Operator) -> dict[str, _Array]:
    if isinstance(operator, Dense):
        return {"matrix": operator.matrix}
    if isinstance(operator, Sparse):
        matrix = operator.matrix
        return {
            "data": matrix.data,
            "indices": matrix.indices,
            "indptr": matrix.indptr,
            "shape": np.array(matrix.shape),
        }
    return {
        "weight": operator.weight,
        "input": np.array(operator.input_shape),
        "stride": np.array(operator.stride),
        "padding": np.array(operator.padding),
        "dilation": np.array(operator.dilation),
        "groups": np.array(operator.groups),
    }


def _operator(arrays: Mapping[str, _Array]) -> Operator:
    if "matrix" in arrays:
        return Dense(arrays["matrix"])
    if "indptr" in arrays:
        parts = (arrays["data"], arrays["indices"], arrays["indptr"])
        return Sparse(sparse.csr_array(parts, shape=tuple(arrays["shape"].tolist())))
    channels, height, width = arrays["input"].tolist()
    top, left, bottom, right = arrays["padding"].tolist()
    (down, along), (tall, wide) = arrays["stride"].tolist(), arrays["dilation"].tolist()
    return Convolution(
        arrays["weight"],
        (channels, height, width),
        (down, along),
        (top, left, bottom, right),
        (tall, wide),
        int(arrays["groups"]),
    )
