"""Networks one after another."""

from __future__ import annotations

from hullspace.networks.network import ReluNetwork
from hullspace.networks.stages import Stage, Term


def chained(first: ReluNetwork, second: ReluNetwork) -> ReluNetwork:
    """Return the network that gives a network the outputs of another one.

    Raises
    ------
    ValueError
        If they do not fit.
    """
    if first.n_outputs != second.n_inputs:
        raise ValueError(
            f"the second network must take {first.n_outputs} numbers, takes {second.n_inputs}"
        )
    n = len(first.stages)
    stages = [
        Stage(
            tuple(Term(term.source + n, term.operator) for term in stage.terms),
            stage.bias,
            stage.slopes,
        )
        for stage in second.stages
    ]
    return ReluNetwork([*first.stages, *stages], first.input_shape)
