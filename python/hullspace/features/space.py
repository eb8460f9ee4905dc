"""The feature space of a model: its last hidden layer and its affine head."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal

from hullspace.extras import require
from hullspace.features.collect import Collector
from hullspace.features.onnx import OnnxModel
from hullspace.features.sources import as_batch, is_array, open_source
from hullspace.features.store import as_labels
from hullspace.features.torch import TorchModel

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    import numpy.typing as npt
    import onnx
    import torch
    from torch import Tensor, nn

    from hullspace.features.folders import Size
    from hullspace.features.store import FeatureSet, Head
    from hullspace.features.torch import Preprocess
    from hullspace.networks import ReluNetwork


class FeatureSpace:
    """The last hidden layer of a model and the affine head on top of it.

    Made by `FeatureSpace.from_torch` or `FeatureSpace.from_onnx`.

    Attributes
    ----------
    head : Head
        The affine map from features to logits, as it was when the space was made. A model with
        one logit gets two classes, whose logits are 0 and that logit.
    head_name : str
        Name of the head's layer in ``model.named_modules()``, or of its node.
    model : torch.nn.Module or onnx.ModelProto
        The model.
    preprocess : callable or None
        What is done with images before the model sees them.
    """

    def __init__(self, backend: TorchModel | OnnxModel) -> None:
        self._backend = backend
        self.model: Any = backend.model
        self.preprocess = backend.preprocess
        self.head: Head = backend.head
        self.head_name = backend.head_name

    @property
    def n_features(self) -> int:
        """Number of features of an image."""
        return self.head.n_features

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return self.head.n_classes

    def __repr__(self) -> str:
        return (
            f"FeatureSpace({type(self.model).__name__}, head={self.head_name!r}, "
            f"n_features={self.n_features}, n_classes={self.n_classes})"
        )

    @classmethod
    def from_torch(
        cls,
        model: nn.Module,
        example_input: Any,
        *,
        head: str | nn.Module | None = None,
        preprocess: Preprocess | None = None,
    ) -> FeatureSpace:
        """Find the last hidden layer and the affine head of a torch model by running it once.

        The head is the last `Linear` layer, or convolution that sees its whole input at once or
        is averaged over space afterwards, whose output is the model's output: up to rounding,
        and up to a softmax, log-softmax or sigmoid, which leave decision boundaries as they are.

        Parameters
        ----------
        model : torch.nn.Module
            Any model whose output is a tensor of logits, (n, n_classes), or has them as its
            attribute or key ``logits``, or is a tuple or mapping that holds them.
        example_input : tensor or array, (n, ...)
            A batch that the model accepts, of one image or more.
        head : str or torch.nn.Module, optional
            The head's layer, or its name in ``model.named_modules()``, where ``module.`` of
            DataParallel may be left out; its output is then not compared with the model's.
        preprocess : callable, optional
            Maps a batch of images, as a tensor of the model's type, to what the model takes, such
            as `normalization` of colours. Gradients must pass through it.

        Raises
        ------
        ValueError
            If no layer's output is the model's output, or several outputs come from several
            layers; the message lists the candidates. If `head` is not a layer of the model that
            can be a head.
        TypeError
            If `model` is not a torch module.
        ImportError
            If torch is not installed.

        Examples
        --------
        >>> import torch
        >>> from hullspace import FeatureSpace
        >>> model = torch.nn.Sequential(
        ...     torch.nn.Linear(6, 4), torch.nn.ReLU(), torch.nn.Linear(4, 3)
        ... )
        >>> FeatureSpace.from_torch(model, torch.zeros(1, 6))
        FeatureSpace(Sequential, head='2', n_features=4, n_classes=3)
        """
        return cls(TorchModel(model, example_input, head, preprocess))

    @classmethod
    def from_onnx(
        cls,
        path: str | os.PathLike[str] | bytes | onnx.ModelProto,
        *,
        head: str | None = None,
        preprocess: Preprocess | None = None,
    ) -> FeatureSpace:
        """Find the last hidden layer and the affine head of an ONNX model in its graph.

        The head is the ``Gemm``, ``MatMul`` (and ``Add``) or ``Conv`` from which the output
        comes by nothing but a softmax, log-softmax or sigmoid, changes of shape and, after a 1x1
        convolution, averages over space. Features are computed by onnxruntime; with gradients,
        by torch operations made of the graph where `ReluNetwork.from_onnx` can read it.

        Parameters
        ----------
        path : path, bytes or onnx.ModelProto
            The model, with one input, whose first axis is the batch: open or of a fixed size.
        head : str, optional
            Name of the head's node or of its output.
        preprocess : callable, optional
            Maps a batch of images, as a torch tensor, to what the model takes.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the output comes from no such node or, with several outputs none of which is called
            ``logits``, from several; the message lists the candidates. If `head` is none.
        TypeError
            If `path` is none of the above.
        ImportError
            If onnx or onnxruntime is not installed.

        Examples
        --------
        >>> import numpy as np
        >>> from onnx import TensorProto, helper, numpy_helper
        >>> from hullspace import FeatureSpace
        >>> x, y = (helper.make_tensor_value_info(k, TensorProto.FLOAT, None) for k in "xy")
        >>> x.type.tensor_type.shape.dim.add().dim_param = "n"
        >>> x.type.tensor_type.shape.dim.add().dim_value = 4
        >>> weight = numpy_helper.from_array(np.ones((4, 2), dtype=np.float32), "w")
        >>> nodes = [helper.make_node("Relu", ["x"], ["z"])]
        >>> nodes += [helper.make_node("MatMul", ["z", "w"], ["y"], name="fc")]
        >>> graph = helper.make_graph(nodes, "g", [x], [y], [weight])
        >>> opset = helper.make_opsetid("", 13)
        >>> model = helper.make_model(graph, opset_imports=[opset], ir_version=8)
        >>> space = FeatureSpace.from_onnx(model)
        >>> space
        FeatureSpace(ModelProto, head='fc', n_features=4, n_classes=2)
        >>> images = np.array([[-1, 2, 0, 3]], dtype=np.float32)
        >>> space.extract(images, progress=False).features.tolist()
        [[0.0, 2.0, 0.0, 3.0]]
        """
        return cls(OnnxModel(path, head, preprocess))

    def extract(
        self,
        images: Any,
        *,
        labels: npt.ArrayLike | None = None,
        layers: Sequence[str] = (),
        pool: Literal["none", "mean"] = "none",
        part: str | None = None,
        size: Size | None = None,
        out: str | os.PathLike[str] | None = None,
        batch_size: int = 256,
        progress: bool = True,
    ) -> FeatureSet:
        """Compute the features, logits and predictions of images.

        A torch model runs in evaluation mode without gradients, on the device of its parameters;
        its mode, gradients and hooks are as before afterwards.

        Parameters
        ----------
        images : tensor or array, (n, ...), Images, path, Dataset or iterable of batches
            A `DataLoader` or any other iterable gives batches, or tuples that start with a batch
            and its labels; a torch `Dataset` gives images, or tuples that start with an image and
            its label. The path of a folder of images or of an ``.npz`` file is read as
            `load_images` says, with pixels between 0 and 1. Tensors and arrays are converted to
            the model's type, without rescaling.
        labels : (n,) integers, optional
            True classes, where `images` is a tensor or array.
        layers : sequence of str, optional
            Modules whose outputs are wanted, too, by their names in ``model.named_modules()``;
            nodes or tensors of an ONNX model.
        pool : {"none", "mean"}, default "none"
            With "mean" the outputs of `layers` that have axes of space after the batch and the
            channels, (n, channels, height, width), are averaged over them. Outputs are flattened
            in any case.
        part, size
            For a path, as in `load_images`.
        out : path, optional
            A new directory to which everything is written batch by batch, so that it need not fit
            in memory; the arrays of the set are then memory maps. `FeatureSet.load` opens it
            again. An extraction that was interrupted leaves a directory that is marked as
            incomplete: loading it is an error, extracting into it again starts anew.
        batch_size : int, default 256
            Images at a time, where `images` is not an iterable of batches.
        progress : bool, default True
            Show a progress bar.

        Returns
        -------
        FeatureSet
            float64 for a double-precision model, else float32.

        Raises
        ------
        FileNotFoundError
            If there is no such path.
        FileExistsError
            If `out` holds anything else than an incomplete set.
        TypeError, ValueError
            If there is no image, a batch is not a tensor or array, labels do not fit, the model
            gives features that are not finite, or a layer is unknown.

        Examples
        --------
        >>> import torch
        >>> from hullspace import FeatureSpace
        >>> model = torch.nn.Sequential(
        ...     torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU(), torch.nn.Flatten(),
        ...     torch.nn.Linear(72, 3),
        ... )
        >>> space = FeatureSpace.from_torch(model, torch.zeros(1, 1, 8, 8))
        >>> found = space.extract(
        ...     torch.zeros(5, 1, 8, 8), layers=["0"], pool="mean", progress=False
        ... )
        >>> found.features.shape, found.layers["0"].shape
        ((5, 72), (5, 2))
        """
        if pool not in {"none", "mean"}:
            raise ValueError(f"pool must be 'none' or 'mean', got {pool!r}")
        if labels is not None and is_array(images):
            labels = as_labels(labels, "labels", len(images), self.head)
        source = open_source(images, labels=labels, batch_size=batch_size, part=part, size=size)
        names = self._layer_names(layers)
        bar = _progress_bar(source.batches, source.n_batches) if progress else source.batches
        with Collector(self.head, out) as collector, self._backend.running(names) as run:
            for number, item in enumerate(bar):
                batch, own = as_batch(item, number)
                features, outputs = run(batch, f"batch {number} of images")
                flat = {name: _flattened(array, pool) for name, array in outputs.items()}
                collector.add(features, own, flat)
            return collector.finish()

    def _layer_names(self, layers: Sequence[str]) -> dict[str, str]:
        """Return the model's names of layers by what the user calls them."""
        if isinstance(layers, str):
            raise TypeError(f"layers must be a sequence of names, got {layers!r}")
        found = {}
        for name in layers:
            own = self._backend.find_layer(name)
            if own is None:
                known = self._backend.layer_names()
                near = get_close_matches(str(name), known, n=3, cutoff=0.5) or known[:10]
                raise ValueError(
                    f"layers must be names of the model's layers, got {name!r}; "
                    f"near to it: {', '.join(map(repr, near)) or 'none'}"
                )
            found[name] = own
        return found

    def features(self, images: Tensor) -> Tensor:
        """Compute the features of images as a tensor, through which gradients flow back.

        Parameters
        ----------
        images : tensor, (n, ...)
            As in `extract`.

        Returns
        -------
        tensor, (n, n_features)
            On the device and of the type of a torch model; for an ONNX model on the device of
            `images`, float64 if they or the model are, else float32.

        Raises
        ------
        ValueError
            If the head does not run on the images, or sees other than one vector an image; if an
            ONNX model is not piecewise affine.

        Examples
        --------
        >>> import torch
        >>> from hullspace import FeatureSpace
        >>> model = torch.nn.Sequential(torch.nn.Linear(6, 4), torch.nn.Linear(4, 3))
        >>> space = FeatureSpace.from_torch(model, torch.zeros(1, 6))
        >>> images = torch.zeros(2, 6, requires_grad=True)
        >>> features = space.features(images)
        >>> bool(torch.allclose(space.logits(features), model(images)))
        True
        """
        return self._backend.features(images)

    def placement(self, images: Tensor) -> tuple[torch.device, torch.dtype]:
        """Return on which device, and in which type, `features` computes for such images."""
        return self._backend.placement(images)

    def logits(self, features: Tensor) -> Tensor:
        """Apply the head to features, (n, n_features), as `Head.logits` does; gradients flow."""
        torch = require("torch", "torch")
        weight, bias = (
            torch.as_tensor(array, dtype=features.dtype, device=features.device)
            for array in (self.head.weight, self.head.bias)
        )
        logits: Tensor = features @ weight.T + bias
        return logits

    def network(self, input_shape: Sequence[int], *, check: bool = True) -> ReluNetwork:
        """Import preprocessing, model and head as one piecewise affine network.

        Its outputs are the logits of `head`, whatever the model does after its head.

        Parameters
        ----------
        input_shape : tuple of int
            Shape of one image, without the batch.
        check : bool, default True
            As in `ReluNetwork.from_torch`.

        Returns
        -------
        ReluNetwork
            From images, before preprocessing, to logits.

        Raises
        ------
        ValueError
            If the model or its preprocessing is not piecewise affine, or does something that
            cannot be followed; the message says what.
        RuntimeError
            If the network does not give what the model gives.

        Examples
        --------
        >>> import torch
        >>> from hullspace import FeatureSpace
        >>> from hullspace.features import normalization
        >>> model = torch.nn.Sequential(
        ...     torch.nn.Flatten(), torch.nn.Linear(12, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2)
        ... )
        >>> example, normalize = torch.zeros(1, 3, 2, 2), normalization([0.5] * 3, [0.2] * 3)
        >>> space = FeatureSpace.from_torch(model, example, preprocess=normalize)
        >>> space.network((3, 2, 2))
        ReluNetwork(input_shape=(3, 2, 2), n_hidden=4, n_outputs=2)
        """
        return self._backend.network(input_shape, check)


def _flattened(array: npt.NDArray[Any], pool: str) -> npt.NDArray[Any]:
    """Return outputs of a layer as one row an image."""
    if pool == "mean" and array.ndim > 3:
        array = array.mean(axis=tuple(range(2, array.ndim)))
    rows: npt.NDArray[Any] = array.reshape(len(array), -1)
    return rows


def _progress_bar(batches: Any, n_batches: int | None) -> Any:
    tqdm = require("tqdm.auto", "torch").tqdm
    return tqdm(batches, desc="features", unit="batch", total=n_batches)
