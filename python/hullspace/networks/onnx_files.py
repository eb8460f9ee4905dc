"""Loading and running ONNX models; what cannot be loaded is named."""

from __future__ import annotations

import os
from typing import Any, TypeAlias

from hullspace.extras import require

OnnxSource: TypeAlias = "str | os.PathLike[str] | bytes | Any"


def load_onnx(source: OnnxSource, name: str) -> Any:
    """Load an ONNX model.

    Parameters
    ----------
    source : path, bytes or onnx.ModelProto
        The model.
    name : str
        What the caller's argument is called, for messages.

    Raises
    ------
    TypeError
        If the source is none of the above.
    ValueError
        If it holds no ONNX model, or one without its weights.
    OSError
        If the file cannot be read.
    """
    onnx = require("onnx", "onnx")
    if isinstance(source, onnx.ModelProto):
        model, where = source, name
    elif isinstance(source, str | os.PathLike | bytes):
        where = name if isinstance(source, bytes) else f"{name} {os.fspath(source)!r}"
        model = _parsed(source, where)
    else:
        raise TypeError(
            f"{name} must be a path, bytes or an onnx.ModelProto, got {type(source).__name__}"
        )
    # To protobuf an empty file, and many another one, is a model in which everything is left out.
    if not model.graph.output:
        raise ValueError(f"{where} is not an ONNX model: it has no graph with an output")
    for tensor in model.graph.initializer:
        if onnx.external_data_helper.uses_external_data(tensor):
            raise ValueError(
                f"{where} keeps the weights {tensor.name!r} in another file; pass the model's path"
            )
    return model


def _parsed(source: str | os.PathLike[str] | bytes, where: str) -> Any:
    onnx = require("onnx", "onnx")
    try:
        return onnx.load_from_string(source) if isinstance(source, bytes) else onnx.load(source)
    except OSError:
        raise
    except Exception as error:  # protobuf's own errors, which have no public base class
        raise ValueError(f"{where} is not an ONNX model: {error}") from error


def only_input(model: Any) -> Any:
    """Return the only input of a model's graph that is not a constant.

    Raises
    ------
    ValueError
        If there is none, or there are several.
    """
    constants = {tensor.name for tensor in model.graph.initializer}
    return only([entry for entry in model.graph.input if entry.name not in constants], "input")


def only(items: list[Any], what: str) -> Any:
    """Return the only one of some named items.

    Raises
    ------
    ValueError
        If there is none, or there are several.
    """
    if len(items) != 1:
        names = ", ".join(repr(item.name) for item in items) or "none"
        raise ValueError(f"the model must have one {what}, got {names}")
    return items[0]


def inference_session(model: Any) -> Any:
    """Return an onnxruntime session of a model, or of the file at a path, that logs errors only."""
    runtime = require("onnxruntime", "onnx")
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    is_path = isinstance(model, str | os.PathLike)
    data = os.fspath(model) if is_path else model.SerializeToString()
    return runtime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
