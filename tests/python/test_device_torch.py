"""Tensors of torch on devices: real ones, and ones that only say so where there is no GPU.

A tensor that only says so lies in the host's memory, but lends an array of a device, and what torch
makes of an array of a device is such a tensor again. So everything runs but torch's own part.
"""

from types import SimpleNamespace

import numpy as np
import pytest

from devices import number_of
from hullspace import Hull, certificates, chebyshev_centers
from hullspace.devices import DeviceArray, on_host

torch = pytest.importorskip("torch")


class DeviceTensor(torch.Tensor):
    """A tensor that says that it is on a device."""

    number = 0
    streams: list = []  # noqa: RUF012 - of all tensors

    def __dlpack_device__(self):
        return (2, self.number)

    def __dlpack__(self, *, stream=None, max_version=None):
        self.streams.append(stream)
        assert not self.requires_grad
        assert self.is_contiguous()
        memory = DeviceArray.of_numpy(self.as_subclass(torch.Tensor).numpy(), self.number, 0)
        return memory.__dlpack__(max_version=max_version)


def on_device(array):
    return torch.as_tensor(array).as_subclass(DeviceTensor)


@pytest.fixture
def pretended(devices, monkeypatch):
    """Let torch believe that tensors of this class are on the last device."""
    number = number_of(devices[-1].name)
    monkeypatch.setattr(DeviceTensor, "number", number)
    monkeypatch.setattr(DeviceTensor, "streams", [])
    monkeypatch.setattr(torch, "from_dlpack", lambda array: on_device(array.numpy()))
    asked = []

    def current_stream(device):
        asked.append(device)
        return SimpleNamespace(cuda_stream=0)

    monkeypatch.setattr(torch.cuda, "current_stream", current_stream)
    yield devices[-1].name
    assert set(asked) == {number}


@pytest.fixture
def small():
    generator = np.random.default_rng(0)
    return generator.normal(size=(50, 3)), 1.5 * generator.normal(size=(20, 3))


def test_tensors_in_and_out(pretended, small):
    points, queries = small
    hull = Hull(on_device(points))
    assert hull.device == pretended
    found, expected = hull.project(on_device(queries)), Hull(points).project(queries)
    assert isinstance(found.points, DeviceTensor)
    assert np.allclose(on_host(found.points), expected.points, rtol=0, atol=1e-7)
    assert found.weights.layout == torch.sparse_csr
    assert found.weights.shape == (20, 50)
    assert found.weights.crow_indices().dtype == found.weights.col_indices().dtype == torch.int32
    assert np.allclose(found.weights.to_dense().numpy() @ points, expected.points, atol=1e-7)
    assert set(DeviceTensor.streams) == {-1}  # work is done on torch's stream: nothing to wait for
    member = hull.contains(on_device(queries))
    assert isinstance(member.inside, DeviceTensor)
    assert member.inside.dtype == torch.bool
    assert repr(member) == repr(Hull(points).contains(queries))
    support = hull.support(on_device(queries))
    assert np.allclose(on_host(support.values), Hull(points).support(queries).values)
    assert isinstance(support.indices, DeviceTensor)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "int32", "bool"])
def test_types_of_elements(pretended, small, dtype):
    points = on_device(4 * small[0]).to(getattr(torch, dtype))
    plain = points.as_subclass(torch.Tensor).double().numpy()
    found = Hull(points).project(on_device(small[1]))
    expected = Hull(plain).project(small[1])
    assert np.allclose(on_host(found.distances), expected.distances, atol=1e-6)


def test_order_gradients_and_given_points(pretended, small):
    points, queries = (on_device(np.asfortranarray(x)).requires_grad_() for x in small)
    assert not points.is_contiguous()
    hull = Hull(points)
    assert hull.points is points
    assert len(hull.project(queries)) == 20


def test_largest_balls(pretended):
    A = np.vstack([np.eye(3), -np.eye(3)])
    b = np.arange(1.0, 13.0).reshape(2, 6)
    for dtype in (torch.float32, torch.float64, torch.int64):
        found = chebyshev_centers(on_device(A).to(dtype), on_device(b).to(dtype))
        assert isinstance(found.duals, DeviceTensor)
        assert found.duals.shape == (2, 6)
        assert certificates.check(A, b, found).all()
        assert found[0].radius == pytest.approx(chebyshev_centers(A, b)[0].radius)


def test_memory_of_the_host_is_of_the_host(devices, small):
    points, queries = (torch.as_tensor(x) for x in small)
    hull = Hull(points, device="cuda")
    assert hull.device == "cuda:0"
    assert isinstance(hull.project(queries).points, np.ndarray)
    assert Hull(points).device == "cpu"


@pytest.fixture
def cuda():
    """The last CUDA device of torch."""
    if not torch.cuda.is_available():
        pytest.skip("needs a GPU that torch can use; torch.cuda.is_available() is False")
    return f"cuda:{torch.cuda.device_count() - 1}"


def test_real_tensors(cuda, small):
    points, queries = (torch.as_tensor(x, device=cuda) for x in small)
    hull = Hull(points)
    assert hull.device == cuda
    found, expected = hull.project(queries), Hull(small[0]).project(small[1])
    assert found.points.device == points.device
    assert torch.allclose(found.points.cpu(), torch.as_tensor(expected.points), atol=1e-7)
    dense = found.weights.to_dense()
    assert torch.allclose(dense @ points, found.points, atol=1e-9)
    assert certificates.check(points, queries, found).all()
    assert hull.contains(queries).inside.device == points.device
    assert np.array_equal(found.cpu().status, expected.status)


def test_real_streams(cuda, small):
    """Queries that are still being computed on the caller's stream are waited for."""
    points = torch.as_tensor(small[0], device=cuda)
    hull = Hull(points)
    expected = hull.project(torch.as_tensor(small[1], device=cuda)).distances
    stream = torch.cuda.Stream(device=cuda)
    with torch.cuda.device(cuda), torch.cuda.stream(stream):
        queries = torch.as_tensor(small[1], device=cuda)
        slow = torch.rand(4000, 4000, device=cuda)
        for _ in range(20):
            slow = slow @ slow / slow.norm()
        queries = queries + 0.0 * slow[0, 0].double()
        found = hull.project(queries)
    assert torch.equal(found.distances, expected)
