"""Import of torch modules: the module runs on a symbolic input, which records what it does."""

from __future__ import annotations

import copy
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from hullspace.extras import require
from hullspace.networks.agreement import require_agreement
from hullspace.networks.lowering import Affine, Builder
from hullspace.networks.operands import join
from hullspace.networks.torch_operations import (
    CONSTANTS,
    COPIES,
    INERT,
    MOVES,
    OPERATIONS,
    places_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt
    from torch import nn

    from hullspace.networks.network import ReluNetwork
    from hullspace.networks.stages import Stage


class _RefusedError(ValueError):
    """What cannot be imported, with the module's path and the operation's name."""


class _Recorder:
    """Turns the operations that a module does on symbolic tensors into stages."""

    def __init__(self, input_shape: tuple[int, ...]) -> None:
        self.builder = Builder((1, *input_shape))
        self.path: list[str] = []

    def refuse(self, what: str) -> _RefusedError:
        return _RefusedError(f"module {(self.path and self.path[-1]) or '(root)'}: {what}")

    @contextmanager
    def watching(self, model: nn.Module) -> Iterator[None]:
        """Keep the path of the module that runs, for messages."""
        handles = []
        for name, module in model.named_modules():
            enter = partial(_push, self.path, name)
            handles.append(module.register_forward_pre_hook(enter, prepend=True))
            handles.append(module.register_forward_hook(partial(_pop, self.path)))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def call(self, function: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Do one operation of torch, on symbolic tensors among others."""
        kwargs = dict(kwargs)
        args = (*(kwargs.pop(key) for key in ("input", "tensors") if key in kwargs), *args)
        in_place = bool(kwargs.pop("inplace", False))
        if any(symbol.is_stale for symbol in _symbols((args, tuple(kwargs.values())))):
            raise self.refuse(f"{name} of a tensor that was written to through another view of it")
        plain = name.removeprefix("__").removesuffix("__") if name.startswith("__") else name
        if plain.endswith("_") or (plain.startswith("i") and plain[1:] in OPERATIONS):
            plain = plain.rstrip("_") if plain.endswith("_") else plain[1:]
            in_place = True
        try:
            result = self._result(function, plain, args, kwargs)
        except _RefusedError:
            raise
        except (ValueError, TypeError, RuntimeError, IndexError) as error:
            raise self.refuse(f"{plain}: {error}") from error
        if not in_place:
            return result
        target = args[0]
        if not isinstance(target, _Symbol) or result.shape != target.shape:
            raise self.refuse(f"{name} writes into a constant or changes a shape in place")
        if result.value is not target.value:
            target.write(result.value)
        return target

    def _result(
        self, function: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if name in INERT:
            return _unchanged(name, args, kwargs)
        if name in {"cat", "concat", "concatenate", "stack", "hstack", "vstack"}:
            return self._joined(function, args, kwargs)
        if name in CONSTANTS:
            torch = require("torch", "torch")
            return function(torch.empty(args[0].shape, dtype=torch.float64), *args[1:], **kwargs)
        if name in MOVES and isinstance(args[0], _Symbol):
            return self._moved(function, name, args, kwargs)
        if name not in OPERATIONS:
            hint = "; pass the part of the model that gives logits" if "softmax" in name else ""
            raise self.refuse(
                f"{name} is not piecewise affine or not supported, it cannot be imported{hint}"
            )
        keywords = {key: _lowered(item) for key, item in kwargs.items()}
        value = OPERATIONS[name](*map(_lowered, args), **keywords)
        return _Symbol(self, value)

    def _moved(self, function: Any, name: str, args: tuple[Any, ...], kwargs: Any) -> Any:
        """Do an operation that moves elements: on their numbers, counted from 1; 0 is fill."""
        torch = require("torch", "torch")
        value = args[0].value
        if name.endswith("_as"):
            args = (args[0], torch.empty(args[1].shape))
        if len(_symbols((args, tuple(kwargs.values())))) > 1:
            raise self.refuse(f"{name} by values that depend on the input")
        fill = 0.0
        if name == "interpolate" and not str(kwargs.get("mode", "nearest")).startswith("nearest"):
            raise self.refuse(f"interpolate with mode {kwargs['mode']!r} is not supported")
        if name == "pad" and kwargs.get("value"):
            fill, kwargs = float(kwargs["value"]), {**kwargs, "value": 0.0}
        numbers = torch.arange(1, len(value.bias) + 1, dtype=torch.float64).reshape(value.shape)
        moved = function(numbers, *args[1:], **kwargs)
        memory = None if name in COPIES else args[0].memory
        if isinstance(moved, torch.Tensor):
            return _Symbol(self, value.select(places_of(moved), fill), memory)
        parts = [value.select(places_of(part), fill) for part in moved]
        return type(moved)(_Symbol(self, part, memory) for part in parts)

    def _joined(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Symbol:
        """Concatenate: as the same concatenation of the elements' numbers."""
        torch = require("torch", "torch")

        def concatenate(numbers: list[npt.NDArray[np.int64]]) -> Any:
            return function([*map(torch.from_numpy, numbers)], *args[1:], **kwargs).numpy()

        parts = [_lowered(part) for part in args[0]]
        return _Symbol(self, join(self.builder, parts, concatenate))


def _push(path: list[str], name: str, *_: Any) -> None:
    path.append(name)


def _pop(path: list[str], *_: Any) -> None:
    path.pop()


@dataclass
class _Memory:
    """What tensors that are views of one another share."""

    writes: int = 0


class _Symbol:
    """Stands for a tensor while the module runs; torch hands operations on it back to here."""

    def __init__(self, recorder: _Recorder, value: Affine, memory: _Memory | None = None) -> None:
        self.recorder = recorder
        self.value = value
        self.memory = _Memory() if memory is None else memory
        self._writes = self.memory.writes

    @property
    def is_stale(self) -> bool:
        """Whether a view of the same memory was written to since the value was found."""
        return self._writes != self.memory.writes

    def write(self, value: Affine) -> None:
        """Change the value in place."""
        self.value = value
        self.memory.writes += 1
        self._writes = self.memory.writes

    @classmethod
    def __torch_function__(
        cls, function: Any, _types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        symbols = [*_symbols(args), *_symbols((kwargs or {}).values())]
        return symbols[0].recorder.call(function, function.__name__, args, kwargs or {})

    @property
    def shape(self) -> Any:
        return require("torch", "torch").Size(self.value.shape)

    @property
    def dtype(self) -> Any:
        return require("torch", "torch").float64

    @property
    def device(self) -> Any:
        return require("torch", "torch").device("cpu")

    @property
    def ndim(self) -> int:
        return len(self.value.shape)

    is_cuda = is_sparse = is_nested = is_quantized = requires_grad = False
    layout = property(lambda _: require("torch", "torch").strided)
    T = property(lambda self: self.t())
    mT = property(lambda self: self.transpose(-2, -1))  # noqa: N815  torch's name

    def dim(self) -> int:
        return self.ndim

    ndimension = dim

    def size(self, dim: int | None = None) -> Any:
        return self.shape if dim is None else self.shape[dim]

    def numel(self) -> int:
        return len(self.value.bias)

    def is_floating_point(self) -> bool:
        return True

    def is_complex(self) -> bool:
        return False

    def __len__(self) -> int:
        return self.value.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.unbind(0))

    def __bool__(self) -> bool:
        raise self.recorder.refuse("a branch depends on the values of a tensor")

    def __getattr__(self, name: str) -> Any:
        function = getattr(require("torch", "torch").Tensor, name)
        if not callable(function):
            raise self.recorder.refuse(f"a tensor's {name} is not supported")
        return partial(_method, self, function, name)


def _method(symbol: _Symbol, function: Any, name: str, *args: Any, **kwargs: Any) -> Any:
    return symbol.recorder.call(function, name, (symbol, *args), kwargs)


def _operator(name: str, reflected: bool = False) -> Any:
    def method(self: _Symbol, *args: Any) -> Any:
        function = getattr(require("torch", "torch").Tensor, name, None)
        operands = (*args, self) if reflected else (self, *args)
        return self.recorder.call(function, name, operands, {})

    return method


for _name in ("add", "sub", "mul", "truediv", "matmul", "floordiv", "mod", "pow"):
    setattr(_Symbol, f"__{_name}__", _operator(f"__{_name}__"))
    setattr(_Symbol, f"__i{_name}__", _operator(f"__i{_name}__"))
    setattr(_Symbol, f"__r{_name}__", _operator(f"__{_name}__", reflected=True))
for _name in ("neg", "abs", "getitem", "setitem", "lt", "le", "gt", "ge", "invert", "and", "or"):
    setattr(_Symbol, f"__{_name}__", _operator(f"__{_name}__"))


def _symbols(items: Any) -> list[_Symbol]:
    found = []
    for item in items:
        if isinstance(item, _Symbol):
            found.append(item)
        elif isinstance(item, tuple | list):
            found += _symbols(item)
    return found


def _unchanged(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return a tensor that an operation leaves as it is in evaluation mode."""
    torch = require("torch", "torch")
    if (
        kwargs.get("training")
        or kwargs.get("train")
        or (name.endswith("dropout") and len(args) > 2 and args[2])
    ):
        raise ValueError("it drops elements at random even in evaluation mode")
    kinds = [item for item in (*args[1:], *kwargs.values()) if isinstance(item, torch.dtype)]
    if any(not kind.is_floating_point for kind in kinds):
        raise ValueError(f"conversion to {kinds[0]} is not piecewise affine")
    if not isinstance(args[0], _Symbol):
        return args[0]
    return _Symbol(args[0].recorder, args[0].value, None if name in COPIES else args[0].memory)


def _lowered(item: Any) -> Any:
    """Return symbols as affine values and tensors as arrays, the rest as it is."""
    if isinstance(item, _Symbol):
        return item.value
    if isinstance(item, require("torch", "torch").Tensor):
        return item.detach().double().cpu().numpy()
    return item


@dataclass(frozen=True)
class LoweredModule:
    """A torch module as stages of a network.

    Attributes
    ----------
    stages : list of Stage
        The network's.
    input_shape : tuple of int
        Shape of one input.
    module, double : torch.nn.Module
        The module, and a copy of it in double precision.
    """

    stages: list[Stage]
    input_shape: tuple[int, ...]
    module: nn.Module
    double: Any

    def check(self, network: ReluNetwork) -> None:
        """Compare with the module in double precision, or else in its own."""
        torch = require("torch", "torch")
        name = f"the torch module {type(self.module).__name__}"
        with torch.no_grad():
            try:
                output = self.double(torch.zeros((1, *self.input_shape), dtype=torch.float64))
            except RuntimeError:  # a constant of another type in its code
                tensors = [*self.module.parameters(), *self.module.buffers()]
                kinds = (tensor.dtype for tensor in tensors if tensor.is_floating_point())
                kind = next(kinds, torch.get_default_dtype())
                own = copy.deepcopy(self.module).cpu().eval()
                precision = str(kind).removeprefix("torch.")
                require_agreement(network, _runner(own, kind), precision, name)
            else:
                precision = str(output.dtype).removeprefix("torch.")  # lower where it converts
                require_agreement(network, _runner(self.double, torch.float64), precision, name)


def _runner(module: Any, kind: Any) -> Any:
    """Return what computes the module's outputs of one input, in a precision."""
    torch = require("torch", "torch")

    def run(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        output = module(torch.tensor(x[None], dtype=kind))
        array: npt.NDArray[np.float64] = output.double().numpy()
        return array

    return run


def lowered_module(module: nn.Module, input_shape: Sequence[int]) -> LoweredModule:
    """Follow a torch module on a symbolic input; see `ReluNetwork.from_torch`."""
    torch = require("torch", "torch")
    if not isinstance(module, torch.nn.Module):
        raise TypeError(f"module must be a torch.nn.Module, got {type(module).__name__}")
    shape = _as_shape(input_shape)
    module = getattr(module, "_orig_mod", module)  # what torch.compile wraps
    for name, part in module.named_modules():
        if isinstance(part, torch.jit.ScriptModule):
            raise ValueError(f"module {name or '(root)'}: a script module cannot be followed")
    with torch.no_grad():
        try:
            double = copy.deepcopy(module).cpu().double().eval()
        except (RuntimeError, NotImplementedError) as error:
            raise ValueError(f"module must be one that can be copied: {error}") from error
        return LoweredModule(_record(double, shape), shape, module, double)


def _as_shape(input_shape: Any) -> tuple[int, ...]:
    try:
        shape = tuple(input_shape)
    except TypeError:
        shape = (input_shape,)
    integers = all(isinstance(n, int | np.integer) and not isinstance(n, bool) for n in shape)
    if not integers or not shape or min(shape) < 1:
        raise ValueError(
            "input_shape must hold the positive sizes of one input, without the batch, "
            f"got {input_shape!r}"
        )
    return tuple(int(n) for n in shape)


def _record(model: Any, shape: tuple[int, ...]) -> list[Stage]:
    """Run a model on a symbolic input and return what it did."""
    recorder = _Recorder(shape)
    try:
        with recorder.watching(model):
            output = model(_Symbol(recorder, recorder.builder.input))
    except _RefusedError as error:
        raise ValueError(str(error)) from error.__cause__
    except Exception as error:  # whatever the module's own code raises on a symbolic tensor
        reason = f"{type(error).__name__} on a symbolic input of shape {(1, *shape)}: {error}"
        raise ValueError(str(recorder.refuse(f"cannot be followed, {reason}"))) from error
    if not isinstance(output, _Symbol):
        raise ValueError(
            "module must return one tensor that depends on its input through operations of torch, "
            f"got {type(output).__name__}"
        )
    if output.is_stale:
        raise ValueError("module returns a tensor that was written to through another view of it")
    return recorder.builder.stages_to(output.value)
