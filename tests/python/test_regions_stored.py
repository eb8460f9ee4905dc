"""Files of regions that were changed, or never were any: a ValueError that names the file."""

import numpy as np
import pytest

import hullspace
from hullspace.regions import RegionComplex
from hullspace.regions.stored import digest
from network_cases import arrangement, random_network


@pytest.fixture(scope="module")
def network():
    return random_network(3, 2, 5, 4, 2)


def written(network, path, **options):
    hullspace.enumerate_regions(network, (-1.0, 1.0), checkpoint=path, max_regions=7, **options)
    with np.load(path) as data:
        return dict(data)


def rewritten(path, arrays, *, sealed=True):
    arrays = {name: array for name, array in arrays.items() if name != "digest"}
    arrays["digest"] = np.array(digest(arrays) if sealed else "0" * 64)
    np.savez(path, **arrays)


def refused(network, path):
    """Neither way of reading the file takes it, and both name it."""
    with pytest.raises(ValueError, match=path.name) as raised:
        hullspace.enumerate_regions(network, (-1.0, 1.0), checkpoint=path)
    assert str(raised.value).startswith("checkpoint must be")
    with pytest.raises(ValueError, match=path.name):
        RegionComplex.load(path, network)


def test_a_file_that_is_rewritten_as_it_is(network, tmp_path):
    path = tmp_path / "some.npz"
    arrays = written(network, path, verify=True)
    rewritten(path, arrays)
    found = hullspace.enumerate_regions(network, (-1.0, 1.0), checkpoint=path, verify=True)
    assert found.check
    assert len(found) == len(hullspace.enumerate_regions(network, (-1.0, 1.0)))


def test_any_change_of_the_content(network, tmp_path):
    path = tmp_path / "changed.npz"
    arrays = written(network, path, verify=True)
    for name, array in arrays.items():
        if array.dtype.kind not in "iufb" or not array.size:
            continue
        changed = array.copy()
        flat = changed.reshape(-1)
        flat[-1] = ~flat[-1] if array.dtype.kind == "b" else flat[-1] + 1
        rewritten(path, {**arrays, name: changed}, sealed=False)
        refused(network, path)


def test_arrays_that_are_missing_or_do_not_belong_together(network, tmp_path):
    path = tmp_path / "wrong.npz"
    arrays = written(network, path, verify=True)
    for name in sorted(set(arrays) - {"digest"}):
        rewritten(path, {key: array for key, array in arrays.items() if key != name})
        refused(network, path)
        array = arrays[name]
        wrong = [array[None], np.zeros(array.shape, complex)]
        if array.ndim and len(array):
            wrong += [array[:-1], np.concatenate([array, array])]
        if array.dtype.kind == "f" and array.size:
            wrong.append(np.full_like(array, np.nan))
        for each in wrong:
            if name not in {"fingerprint", "format"} or each.ndim:
                rewritten(path, {**arrays, name: each})
                refused(network, path)


def test_branches_that_cannot_be(network, tmp_path):
    path = tmp_path / "branches.npz"
    arrays = written(network, path)
    decided = np.zeros_like(arrays["open_decided"])
    decided[:, 1] = 1  # the last unit before all others
    none = np.zeros_like(decided)
    for changed in (
        {"open_decided": decided, "open_values": none},
        {"open_ids": arrays["open_ids"] * 0},
        {"next_id": np.array(0)},
    ):
        rewritten(path, {**arrays, **changed})
        if len(arrays["open_ids"]) < 2 and "open_ids" in changed:
            continue
        with pytest.raises(ValueError, match=r"branch|decided"):
            hullspace.enumerate_regions(network, (-1.0, 1.0), checkpoint=path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x93NUMPY\x01\x00v\x00", b"text" * 99])
def test_what_is_no_file_of_regions(network, tmp_path, content):
    path = tmp_path / "other.npz"
    path.write_bytes(content)
    refused(network, path)
    with path.open("wb") as file:
        np.save(file, np.arange(3))
    refused(network, path)


def test_points_in_more_digits_are_kept(tmp_path):
    """The cell between 1 and the next double."""
    network = arrangement([[1.0], [1.0]], [-1.0, -1.0 - 2.0**-52])
    found = hullspace.enumerate_regions(network, verify=True)
    assert found.check
    found.save(tmp_path / "thin.npz")
    assert RegionComplex.load(tmp_path / "thin.npz").verify()
