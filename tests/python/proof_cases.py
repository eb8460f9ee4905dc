"""Domains and proofs of completeness that the tests of their check share."""

import numpy as np

import hullspace
from hullspace.certificates.regions import RegionProof, check_regions
from region_oracles import ReferenceSearch


def cube(d, half=1.0):
    return hullspace.Polyhedron(np.vstack([np.eye(d), -np.eye(d)]), np.full(2 * d, half))


def simplex(d):
    return hullspace.Polyhedron(np.vstack([np.ones((1, d)), -np.eye(d)]), np.ones(d + 1))


def checked(network, domain=None, **keywords):
    search = ReferenceSearch(network, domain, **keywords)
    return search, check_regions(network, domain, search.patterns, search.points, search.proof)


DOMAINS = {
    "all": lambda _: None,
    "box": cube,
    "triangle": simplex,
    "half": lambda d: hullspace.Polyhedron(np.ones((1, d)), [0.25]),
}


def one_stream(tokens, leaves, certificates):
    counts = [len(rows) for rows, _ in certificates]
    return RegionProof(
        (np.array(tokens, dtype=np.int32),),
        (np.array([], dtype=np.int64),),
        (np.array(leaves, dtype=np.int64),),
        (np.cumsum([0, *counts]),),
        (np.array([r for rows, _ in certificates for r in rows], dtype=np.int64),),
        (np.array([y for _, ys in certificates for y in ys], dtype=float),),
    )
