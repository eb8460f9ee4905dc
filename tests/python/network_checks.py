"""What every network must fulfil, however it was made."""

import numpy as np
from numpy.testing import assert_allclose

from hullspace.networks import unpack


def assert_consistent(network, inputs):
    """Patterns and affine maps must say what the evaluation gives."""
    bits = network.bits(inputs)
    assert bits.shape == (len(inputs), network.n_hidden)
    packed = network.pattern(inputs)
    assert packed.shape == (len(inputs), -(-network.n_hidden // 8))
    assert (unpack(packed, network.n_hidden) == bits).all()
    found = network.preactivations(inputs)
    for i, x in enumerate(np.reshape(inputs, (len(inputs), -1))):
        maps = network.affine_maps(bits[i])
        for (rows, offsets), a in zip(maps, found, strict=True):
            scale = max(np.abs(a[i]).max(initial=0.0), 1.0)
            assert_allclose(rows @ x + offsets, a[i], rtol=0, atol=1e-11 * scale)
    for stage in network.stages:
        for term in stage.terms:
            assert_operator(term.operator)


def assert_operator(operator):
    """All that an operator does must be that of one matrix."""
    if operator.n_in * operator.n_out > 20_000:
        return
    matrix = operator.apply(np.eye(operator.n_in)).T
    assert matrix.shape == (operator.n_out, operator.n_in)
    assert_allclose(operator.apply_transposed(np.eye(operator.n_out)), matrix, atol=1e-14)
    assert_allclose(operator.absolute().apply(np.eye(operator.n_in)).T, np.abs(matrix), atol=1e-14)
    for i in {0, operator.n_out // 2, operator.n_out - 1}:
        places, values = operator.row(i)
        assert len(places) <= operator.longest_row
        dense = np.zeros(operator.n_in)
        dense[places] = values
        assert_allclose(dense, matrix[i], atol=1e-14)
