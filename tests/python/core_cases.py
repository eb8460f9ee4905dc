"""Calls of the compiled core with wrong arguments, and the word that names what is wrong.

They must raise ArgumentError, or TypeError where that is said. As a script this makes
them all and prints what became of each, up to the first that crashes.
"""

import json

import numpy as np

from hullspace import _core

SQUARE = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
# x <= 1, -x <= 1, y <= 1, -y <= 1
A = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
B = np.ones(4)
STARTS = np.array([0, 4])
NONE, ONE = np.zeros(0, np.int64), np.zeros(1, np.int64)
HUGE = 2**62


def hull():
    return _core.Hull(SQUARE, 1)


def dense(matrix, source=0):
    return _core.Term.dense(source, np.asarray(matrix, dtype=np.float64))


def sparse(values=(1.0, 1.0), columns=(0, 1), starts=(0, 1, 2), n_in=2):
    return _core.Term.sparse(
        0,
        n_in,
        np.array(values, dtype=np.float64),
        np.array(columns, dtype=np.int32),
        np.array(starts, dtype=np.int64),
    )


def convolution(**changes):
    usual = {
        "source": 0,
        "weight": np.ones((2, 1, 2, 2)),
        "input_shape": (1, 3, 3),
        "stride": (1, 1),
        "padding": (0, 0, 0, 0),
        "dilation": (1, 1),
        "groups": 1,
    }
    return _core.Term.convolution(**(usual | changes))


def stage(term, n=2, slope=0.0):
    return _core.Stage([term], np.zeros(n), np.full(n, slope))


def network():
    """max(x, 0) + max(y, 0) of two inputs."""
    return _core.ReluNetwork(2, [stage(dense(np.eye(2))), stage(dense([[1.0, 1.0]], 1), 1, 1.0)])


def search(**changes):
    usual = {
        "network": network(),
        "basis": np.eye(2),
        "origin": np.zeros(2),
        "rows": A,
        "bounds": B,
        "by_vertices": True,
        "with_proof": True,
    }
    return _core.RegionSearch(**(usual | changes))


def misaligned(array):
    """The same elements, one byte too far to the right."""
    memory = np.zeros(array.nbytes + 1, np.uint8)
    view = memory[1:].view(array.dtype).reshape(array.shape)
    view[...] = array
    return view


def wrong_matrices(make, name):
    """Calls of `make` with what is no matrix of the core's."""
    return {
        f"{name} of integers": (name, lambda: make(SQUARE.astype(np.int64))),
        f"{name} of halves": (name, lambda: make(SQUARE.astype(np.float16))),
        f"{name} of complex numbers": (name, lambda: make(SQUARE.astype(complex))),
        f"{name} of objects": (name, lambda: make(SQUARE.astype(object))),
        f"{name} of the other byte order": (name, lambda: make(SQUARE.astype(">f8"))),
        f"{name} in Fortran's order": (name, lambda: make(np.asfortranarray(A))),
        f"{name} of every other row": (name, lambda: make(A[::2])),
        f"{name} backwards": (name, lambda: make(A[::-1])),
        f"{name} misaligned": (name, lambda: make(misaligned(SQUARE))),
        f"{name} with one dimension": (name, lambda: make(np.ones(2))),
        f"{name} with three dimensions": (name, lambda: make(np.ones((1, 2, 2)))),
        f"{name} with no dimension": (name, lambda: make(np.array(1.0))),
        f"{name} in a list": ("incompatible", lambda: make([[1.0, 0.0]]), TypeError),
        f"{name} missing": ("incompatible", lambda: make(None), TypeError),
    }


def wrong_vectors(make, name, kind):
    """Calls of `make` with what is no vector of one of the core's types."""
    other = np.float32 if kind is np.float64 else np.float64
    return {
        f"{name} of another type": (name, lambda: make(np.zeros(4, other))),
        f"{name} as a column": (name, lambda: make(np.zeros((4, 1), kind))),
        f"{name} as a number": (name, lambda: make(np.zeros((), kind))),
        f"{name} with gaps": (name, lambda: make(np.zeros(8, kind)[::2])),
        f"{name} missing": ("incompatible", lambda: make(None), TypeError),
    }


def of_hulls():
    pair, empty = np.ones((1, 2)), np.zeros((0, 2))
    calls = {
        "no points": ("points", lambda: _core.Hull(empty, 1)),
        "points without columns": ("points", lambda: _core.Hull(np.ones((3, 0)), 1)),
        "points that are nan": ("points", lambda: _core.Hull(pair * np.nan, 1)),
        "negative threads": ("n_threads", lambda: _core.Hull(SQUARE, -1)),
        "threads beyond integers": ("incompatible", lambda: _core.Hull(SQUARE, HUGE), TypeError),
        "queries too wide": ("queries", lambda: hull().project(np.ones((1, 3)), 0.1, 1)),
        "queries too narrow": ("queries", lambda: hull().contains(np.ones((1, 1)), 0.1, 1)),
        "queries that are infinite": ("queries", lambda: hull().project(pair * np.inf, 0.1, 1)),
        "two origins of three rays": (
            "origins",
            lambda: hull().ray(np.ones((2, 2)), np.ones((3, 2)), 0.1, 1),
        ),
        "no origin of a ray": ("origins", lambda: hull().ray(empty, pair, 0.1, 1)),
        "rays without direction": (
            "directions",
            lambda: hull().ray(pair, np.zeros((1, 2)), 0.1, 1),
        ),
        "rays too wide": ("dire", lambda: hull().ray(pair, np.ones((1, 3)), 0.1, 1)),
        "supports too wide": ("directions", lambda: hull().support(np.ones((1, 3)), 1)),
        "one point without itself": ("points", lambda: _core.Hull(pair, 1).leave_one_out(0.1, 1)),
        "append fewer points": ("points", lambda: hull().append(SQUARE[:2], 1)),
        "append wider points": ("points", lambda: hull().append(np.ones((5, 3)), 1)),
        "no pairs": ("incompatible", lambda: _core.hull_distances([None], 0.1, 1), TypeError),
        "pairs of nothing": ("pairs", lambda: _core.hull_distances([(hull(), None)], 0.1, 1)),
        "pairs of different dimensions": (
            "features",
            lambda: _core.hull_distances([(hull(), _core.Hull(np.ones((1, 3)), 1))], 0.1, 1),
        ),
    }
    return (
        calls
        | wrong_matrices(lambda m: _core.Hull(m, 1), "points")
        | wrong_matrices(lambda m: hull().project(m, 0.1, 1), "queries")
        | wrong_matrices(lambda m: hull().support(m, 1), "directions")
    )


def of_tolerances():
    pair, calls = np.ones((1, 2)), {}
    for tolerance in (-0.1, 1.0, np.inf, np.nan):
        named = {
            "project": lambda t=tolerance: hull().project(pair, t, 1),
            "contains": lambda t=tolerance: hull().contains(pair, t, 1),
            "ray": lambda t=tolerance: hull().ray(pair, pair, t, 1),
            "leave_one_out": lambda t=tolerance: hull().leave_one_out(t, 1),
            "hull_distances": lambda t=tolerance: _core.hull_distances([], t, 1),
        }
        for name, call in named.items():
            calls[f"{name} with tolerance {tolerance}"] = ("tolerance", call)
    return calls


def of_polyhedra():
    def centers(starts, a=A, b=B):
        return _core.chebyshev_centers(a, b, np.array(starts, dtype=np.int64), 1)

    calls = {
        "starts after 0": ("starts", lambda: centers([1, 4])),
        "starts below 0": ("starts", lambda: centers([-4, 4])),
        "starts that end early": ("starts", lambda: centers([0, 3])),
        "starts that end late": ("starts", lambda: centers([0, 5])),
        "starts that end far away": ("starts", lambda: centers([0, HUGE])),
        "starts that descend": ("starts", lambda: centers([0, 10**8, 4])),
        "starts that descend below 0": ("starts", lambda: centers([0, -5, 4])),
        "no starts": ("starts", lambda: centers([])),
        "fewer rows than bounds": ("A must", lambda: centers([0, 2, 4], A[:3].copy())),
        "more rows than bounds": ("A must", lambda: centers([0, 1, 2], A, B[:2])),
        "rows without columns": ("A must", lambda: centers([0, 4], np.ones((4, 0)))),
        "rows that are nan": ("A must", lambda: centers([0, 4], A * np.nan)),
        "bounds that are infinite": ("b must", lambda: centers([0, 4], A, B * np.inf)),
        "bounds of a program": ("b must", lambda: _core.maximize(A, np.ones(3), A, 1)),
        "objectives too wide": ("directions", lambda: _core.maximize(A, B, np.ones((1, 3)), 1)),
        "bounds of irredundant rows": ("b must", lambda: _core.irredundant(A, np.ones(5), 1)),
        "negative threads": ("n_threads", lambda: _core.irredundant(A, B, -2)),
    }
    return (
        calls
        | wrong_matrices(lambda m: _core.chebyshev_centers(m, B, STARTS, 1), "A")
        | wrong_matrices(lambda m: _core.maximize(A, B, m, 1), "directions")
        | wrong_vectors(lambda v: _core.chebyshev_centers(A, v, STARTS, 1), "b", np.float64)
        | wrong_vectors(lambda v: _core.irredundant(A, v, 1), "b", np.float64)
        | wrong_vectors(lambda v: _core.chebyshev_centers(A, B, v, 1), "starts", np.int64)
    )


def of_projections():
    def project(which, queries=None):
        return _core.project_onto(A, B, STARTS, which, SQUARE if queries is None else queries, 1)

    zeros = np.zeros(4, np.int64)
    calls = {
        "queries too wide": ("points", lambda: project(zeros, np.ones((4, 3)))),
        "fewer numbers than queries": ("which", lambda: project(zeros[:3])),
        "more numbers than queries": ("which", lambda: project(np.zeros(5, np.int64))),
        "numbers of no polyhedron": ("which", lambda: project(zeros + 1)),
        "negative numbers of polyhedra": ("which", lambda: project(zeros - 1)),
        "queries of no polyhedron": (
            "which",
            lambda: _core.project_onto(A[:0], B[:0], np.zeros(1, np.int64), zeros, SQUARE, 1),
        ),
    }
    return calls | wrong_vectors(project, "which", np.int64)


def of_terms():
    calls = {
        "rows far away": ("row_starts", lambda: sparse(starts=(0, 10**8, 2))),
        "rows below 0": ("row_starts", lambda: sparse(starts=(0, -1, 2))),
        "rows after 0": ("row_starts", lambda: sparse(starts=(1, 2, 2))),
        "rows that end early": ("row_starts", lambda: sparse(starts=(0, 1, 1))),
        "rows that end late": ("row_starts", lambda: sparse(starts=(0, 1, HUGE))),
        "no rows": ("row_starts", lambda: sparse(starts=())),
        "columns beyond": ("columns", lambda: sparse(columns=(0, 2))),
        "columns below 0": ("columns", lambda: sparse(columns=(0, -1))),
        "columns of nothing": ("columns", lambda: sparse(n_in=0)),
        "fewer columns than values": ("columns", lambda: sparse(columns=(0,))),
        "more columns than values": ("columns", lambda: sparse(values=(1.0,))),
        "values that are nan": ("values", lambda: sparse(values=(1.0, np.nan))),
        "matrices that are nan": ("matrix", lambda: dense([[np.nan]])),
    }
    return calls | wrong_matrices(lambda m: _core.Term.dense(0, m), "matrix")


def of_convolutions():
    ones = np.ones((2, 1, 2, 2))
    return {
        "kernels with three dimensions": ("weight", lambda: convolution(weight=ones[0])),
        "kernels of single precision": (
            "weight",
            lambda: convolution(weight=ones.astype(np.float32)),
        ),
        "kernels with gaps": ("weight", lambda: convolution(weight=ones[:, :, ::2])),
        "kernels of no size": ("weight", lambda: convolution(weight=ones[:, :, :0])),
        "kernels that are nan": ("weight", lambda: convolution(weight=ones * np.nan)),
        "inputs with two dimensions": (
            "incompatible",
            lambda: convolution(input_shape=(3, 3)),
            TypeError,
        ),
        "strides of three": ("incompatible", lambda: convolution(stride=(1, 1, 1)), TypeError),
        "inputs of no size": ("input_sh", lambda: convolution(input_shape=(1, 0, 3))),
        "inputs of negative size": ("input_shape", lambda: convolution(input_shape=(-1, -3, 3))),
        "inputs too large": ("input_shape", lambda: convolution(input_shape=(1, 2**20, 2**20))),
        "inputs beyond all sizes": (
            "input_shape",
            lambda: convolution(input_shape=(2**31, 2**31, 2**31)),
        ),
        "no stride": ("stride", lambda: convolution(stride=(1, 0))),
        "negative stride": ("stride", lambda: convolution(stride=(-1, 1))),
        "negative padding": ("padding", lambda: convolution(padding=(0, 0, -1, 0))),
        "padding without end": ("padding", lambda: convolution(padding=(HUGE,) * 4)),
        "padding too large": ("output", lambda: convolution(padding=(2**20,) * 4)),
        "no dilation": ("dilation", lambda: convolution(dilation=(0, 1))),
        "dilation without end": ("dilation", lambda: convolution(dilation=(HUGE, 1))),
        "no groups": ("groups", lambda: convolution(groups=0)),
    }


def of_networks():
    eye, last = dense(np.eye(2)), stage(dense([[1.0, 1.0]], 1), 1, 1.0)

    def of_one(term, n=2, n_inputs=2):
        return _core.ReluNetwork(n_inputs, [stage(term, n, 1.0)])

    return {
        "no stages": ("last stage", lambda: _core.ReluNetwork(2, [])),
        "stages that are terms": ("incompatible", lambda: _core.ReluNetwork(2, [eye]), TypeError),
        "no inputs": ("n_inputs", lambda: of_one(eye, n_inputs=0)),
        "negative inputs": ("n_inputs", lambda: of_one(eye, n_inputs=-2)),
        "inputs without end": ("n_inputs", lambda: of_one(eye, n_inputs=HUGE)),
        "fewer inputs": ("operators that fit", lambda: of_one(eye, n_inputs=1)),
        "more units": ("operators that fit", lambda: of_one(eye, 3)),
        "sparse of more inputs": ("operators that fit", lambda: of_one(sparse(n_in=3))),
        "convolution of fewer outputs": ("operators that fit", lambda: of_one(convolution(), 7, 9)),
        "kernels larger than their input": (
            "kernels must fit",
            lambda: of_one(convolution(weight=np.ones((2, 1, 5, 5))), 8, 9),
        ),
        "groups that do not divide": (
            "kernels must fit",
            lambda: of_one(convolution(groups=3), 8, 9),
        ),
        "a later source": (
            "earlier stages",
            lambda: _core.ReluNetwork(2, [stage(dense(np.eye(2), 1)), last]),
        ),
        "a source below 0": ("earlier stages", lambda: of_one(dense(np.eye(2), -1))),
        "a source without end": ("earlier stages", lambda: of_one(dense(np.eye(2), HUGE))),
        "a last stage that bends": ("last stage", lambda: _core.ReluNetwork(2, [stage(eye)])),
    }


def of_stages():
    eye = dense(np.eye(2))
    calls = {
        "fewer slopes than units": ("slopes", lambda: _core.Stage([eye], np.zeros(2), np.zeros(1))),
        "no term": ("incompat", lambda: _core.Stage([None], np.zeros(2), np.zeros(2)), TypeError),
        "terms that are matrices": (
            "incompatible",
            lambda: _core.Stage([np.eye(2)], np.zeros(2), np.zeros(2)),
            TypeError,
        ),
        "biases that are nan": (
            "biases",
            lambda: _core.ReluNetwork(2, [_core.Stage([eye], np.full(2, np.nan), np.ones(2))]),
        ),
    }
    return (
        calls
        | wrong_vectors(lambda v: _core.Stage([], v, np.zeros(4)), "bias", np.float64)
        | wrong_vectors(lambda v: _core.Stage([], np.zeros(4), v), "slopes", np.float64)
    )


def of_searches():
    calls = {
        "no network": ("incompatible", lambda: search(network=None), TypeError),
        "a basis of another size": ("origin", lambda: search(basis=np.eye(3))),
        "a basis of more inputs": (
            "the domain",
            lambda: search(basis=np.ones((3, 2)), origin=np.zeros(3)),
        ),
        "a basis of nothing": (
            "basis",
            lambda: search(basis=np.ones((2, 0)), rows=np.ones((4, 0))),
        ),
        "an origin too short": ("origin", lambda: search(origin=np.zeros(1))),
        "an origin of nothing": ("origin", lambda: search(origin=np.zeros(0))),
        "bounds too short": ("bounds", lambda: search(bounds=np.ones(3))),
        "bounds too long": ("bounds", lambda: search(bounds=np.ones(5))),
        "rows too wide": ("the domain", lambda: search(rows=np.ones((4, 3)))),
        "a basis that is nan": ("basis", lambda: search(basis=np.eye(2) * np.nan)),
        "an origin that is nan": ("origin", lambda: search(origin=np.full(2, np.nan))),
        "rows that are nan": ("rows", lambda: search(rows=A * np.nan)),
        "bounds that are infinite": ("bounds", lambda: search(bounds=B * np.inf)),
        "negative threads": ("n_threads", lambda: search().run(1, 1.0, -1)),
    }
    return (
        calls
        | wrong_matrices(lambda m: search(basis=m), "basis")
        | wrong_matrices(lambda m: search(rows=m), "rows")
        | wrong_vectors(lambda v: search(origin=v), "origin", np.float64)
        | wrong_vectors(lambda v: search(bounds=v), "bounds", np.float64)
    )


def of_branches():
    bits = np.zeros((1, 1), np.uint8)
    wide = np.zeros((1, 2), np.uint8)

    def reopen(ids=ONE, decided=bits, values=bits):
        search().set_open(ids, decided, values, 1)

    calls = {
        "patterns too wide": ("patterns", lambda: search().shapes(wide, False, 1)),
        "patterns of no width": ("patterns", lambda: search().shapes(bits[:, :0], False, 1)),
        "patterns of one dimension": ("patterns", lambda: search().boundary(bits[0], 1)),
        "patterns of signed bytes": (
            "patterns",
            lambda: search().boundary(bits.astype(np.int8), 1),
        ),
        "patterns with gaps": (
            "patterns",
            lambda: search().boundary(np.zeros((3, 1), np.uint8)[::2], 1),
        ),
        "open branches without numbers": ("ids", lambda: reopen(NONE)),
        "open branches too wide": ("decided", lambda: reopen(decided=wide)),
        "open branches with wide values": ("values", lambda: reopen(values=wide)),
        "open branches with fewer values": ("values", lambda: reopen(values=bits[:0])),
        "open branches of integers": ("decided", lambda: reopen(decided=bits.astype(np.int64))),
    }
    return calls | wrong_vectors(reopen, "ids", np.int64)


def of_devices():
    """What is refused before a device is looked for."""

    def centers(a=A, b=B, starts=STARTS, device=0, memory_limit=0):
        return _core.device_chebyshev_centers(a, b, starts, device, 0, memory_limit, False)

    calls = {
        "a negative device": ("device", lambda: _core.DeviceHull(SQUARE, -1, 0, 0)),
        "a negative limit": ("memory_lim", lambda: _core.DeviceHull(SQUARE, 0, 0, -1)),
        "points of integers": ("points", lambda: _core.DeviceHull(SQUARE.astype(int), 0, 0, 0)),
        "points in a list": ("points", lambda: _core.DeviceHull([[1.0]], 0, 0, 0), TypeError),
        "points missing": ("points", lambda: _core.DeviceHull(None, 0, 0, 0), TypeError),
        "a device to describe": ("device", lambda: _core.describe_device(-1)),
        "a device to copy to": ("device", lambda: _core.DeviceArray.of_numpy(B, -1, 0)),
        "text to copy": ("array", lambda: _core.DeviceArray.of_numpy(np.array(["x"]), 0, 0)),
        "long numbers to copy": (
            "array",
            lambda: _core.DeviceArray.of_numpy(np.ones(1, np.longdouble), 0, 0),
        ),
        "swapped numbers to copy": (
            "array",
            lambda: _core.DeviceArray.of_numpy(np.ones(1, ">f8"), 0, 0),
        ),
        "no capsule": ("incompatible", lambda: _core.DeviceArray.of_dlpack(B, "b", 0), TypeError),
        "rows of single precision": ("A must", lambda: centers(A.astype(np.float32))),
        "rows in a list": ("A must", lambda: centers([[1.0]]), TypeError),
        "bounds in a list": ("b must", lambda: centers(b=[1.0]), TypeError),
        "bounds as a column": ("b must", lambda: centers(b=B[:, None])),
        "bounds of single precision": ("b must", lambda: centers(b=B.astype(np.float32))),
        "starts that descend": ("starts", lambda: centers(starts=np.array([0, 9, 4]))),
        "starts that end late": ("starts", lambda: centers(starts=np.array([0, 9]))),
        "centers on a negative device": ("device", lambda: centers(device=-3)),
        "centers in negative memory": ("memory_limit", lambda: centers(memory_limit=-3)),
    }
    return calls | wrong_vectors(lambda v: centers(starts=v), "starts", np.int64)


AREAS = {
    "hulls": of_hulls,
    "tolerances": of_tolerances,
    "polyhedra": of_polyhedra,
    "projections": of_projections,
    "terms": of_terms,
    "convolutions": of_convolutions,
    "networks": of_networks,
    "stages": of_stages,
    "searches": of_searches,
    "branches": of_branches,
    "devices": of_devices,
}
CALLS = {f"{area}: {name}": call for area, make in AREAS.items() for name, call in make().items()}


def outcome(call):
    """What a call raised, as the names of its types, and what it said."""
    try:
        call()
    except Exception as error:  # noqa: BLE001 - whatever it is
        return [kind.__name__ for kind in type(error).__mro__], str(error)
    return [], "nothing"


if __name__ == "__main__":
    for name, (_, call, *_) in CALLS.items():
        print(json.dumps([name, *outcome(call)]), flush=True)
