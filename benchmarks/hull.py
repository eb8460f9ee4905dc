"""Hull operations against one matrix product and against what else answers the same questions.

Usage: ``python benchmarks/hull.py [--queries 10000] [--threads N] [TABLE ...]``; the tables are
all of `TABLES` by default. Every answer is compared as well; a wrong one ends the run.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass

import numpy as np
from scipy.spatial import ConvexHull
from threadpoolctl import threadpool_limits

import hullspace
import peers
from common import best_time, load_features, load_labels, one_product, print_table
from hullspace import certificates

MEMORY_SCRIPT = """
    import sys, threading, time
    from pathlib import Path
    import numpy as np
    from common import load_features
    import hullspace
    _, points, queries = load_features(10_000)
    queries = np.resize(queries, (int(sys.argv[1]), points.shape[1]))
    hull = hullspace.Hull(points)
    resident = lambda: int(Path("/proc/self/statm").read_text().split()[1]) * 4096
    before, sizes, done = resident(), [], threading.Event()
    def sample():
        while not done.wait(0.002):
            sizes.append(resident())
    sampler = threading.Thread(target=sample)
    sampler.start()
    p = hull.project(queries)
    done.set()
    sampler.join()
    weights = (p.weights.data, p.weights.indices, p.weights.indptr)
    results = sum(a.nbytes for a in (p.points, p.distances, p.normals, p.gaps, p.status, *weights))
    print((max(sizes) - before - results) / 1e6)
"""


@dataclass(frozen=True)
class Setting:
    """What every table works on; times are the best of three."""

    name: str
    points: np.ndarray
    queries: np.ndarray
    threads: int
    hull: hullspace.Hull

    def product(self, points: np.ndarray, queries: np.ndarray) -> float:
        """Seconds of one product on this many threads."""
        with threadpool_limits(self.threads):
            return one_product(points, queries)

    def title(self, what: str, n_queries: int, points: np.ndarray) -> str:
        """Say what was measured on what."""
        shape = f"{len(points):,} x {points.shape[1]} points"
        return f"{what}: {n_queries:,} queries, {shape}, {self.threads} threads"


def hull_table(s: Setting) -> None:
    """Projection and membership against the product and against one thread."""
    product = s.product(s.points, s.queries)
    projection, membership = s.hull.project(s.queries), s.hull.contains(s.queries)
    assert certificates.check(s.points, s.queries, projection).all()
    assert certificates.check(s.points, s.queries, membership).all()
    outside = ~membership.inside
    assert np.all(projection.gaps[outside] <= 1e-6 * projection.distances[outside])
    seconds = {
        "Hull(points)": best_time(lambda: hullspace.Hull(s.points, n_threads=s.threads)),
        "project": best_time(lambda: s.hull.project(s.queries, n_threads=s.threads)),
        "contains": best_time(lambda: s.hull.contains(s.queries, n_threads=s.threads)),
        "project, 1 thread": best_time(lambda: s.hull.project(s.queries, n_threads=1)),
        "contains, 1 thread": best_time(lambda: s.hull.contains(s.queries, n_threads=1)),
        "certificates.check": best_time(
            lambda: certificates.check(s.points, s.queries, membership), 1
        ),
    }
    print_table(s.title(s.name, len(s.queries), s.points), seconds, len(s.queries), product)
    for name in ("project", "contains"):
        print(f"{name}: {seconds[f'{name}, 1 thread'] / seconds[name]:.2f} times as fast as on one")


def checks_table(s: Setting) -> None:
    """Time checks of certificates, in double-precision products of points with the queries."""
    points, queries = s.points.astype(float), s.queries[:1000].astype(float)
    checker = certificates.Checker(s.points)
    results = {"memberships": s.hull.contains(queries), "projections": s.hull.project(queries)}
    seconds = {"Checker(points)": best_time(lambda: certificates.Checker(s.points))}
    with threadpool_limits(s.threads):
        product = best_time(lambda: points @ queries.T)
        for name, result in results.items():
            assert checker.check(queries, result).all()
            seconds[f"Checker.check of {name}"] = best_time(
                lambda r=result: checker.check(queries, r)
            )
            seconds[f"certificates.check of {name}"] = best_time(
                lambda r=result: certificates.check(s.points, queries, r)
            )
    title = s.title("Checks, in double-precision products", len(queries), s.points)
    print_table(title, seconds, len(queries), product)


def proofs_table(s: Setting) -> None:
    """Proofs with tolerance zero: all queries, convex combinations, and next to the boundary."""
    membership = s.hull.contains(s.queries)
    proofs = certificates.prove(s.points, s.queries, membership)
    assert np.all(proofs != hullspace.Proof.UNPROVEN)
    assert np.array_equal(proofs == hullspace.Proof.PROVEN_INSIDE, membership.inside)
    seconds = {
        "certificates.prove": best_time(
            lambda: certificates.prove(s.points, s.queries, membership)
        ),
    }
    product = s.product(s.points, s.queries)
    print_table(s.title("Exact proofs", len(s.queries), s.points), seconds, len(s.queries), product)
    generator = np.random.default_rng(0)
    exact = combinations(s.points, generator, 2000)
    inside = prove_and_print("convex combinations, exact in float64", s, exact)
    assert np.all(inside == hullspace.Proof.PROVEN_INSIDE)
    # Rounded, a combination of the vertices of a small face may be outside.
    noise = np.spacing(exact) * generator.integers(-1, 2, size=exact.shape)
    rounded = prove_and_print("the same, up to one unit in the last place off", s, exact + noise)
    assert np.all(rounded != hullspace.Proof.UNPROVEN)
    prove_next_to_faces(s, s.queries[~membership.inside][:250], 1e-9 * s.hull.scale)


def prove_next_to_faces(s: Setting, queries: np.ndarray, step: float) -> None:
    """Points a step off the boundary, to either side of the faces that queries are nearest to."""
    nearest = s.hull.project(queries, tolerance=1e-13)
    assert np.all(nearest.gaps <= 1e-3 * step)
    outward = prove_and_print(
        "1e-9 of the scale off a face, along its normal",
        s,
        nearest.points + step * nearest.normals,
    )
    # The hyperplane at the nearest point has all the points behind it, up to the gap.
    assert np.all(outward == hullspace.Proof.PROVEN_OUTSIDE)
    # Against the normal is not always inwards: at a sharp edge it leads out on the other side.
    back = nearest.points - step * nearest.normals
    against = prove_and_print("as far against its normal", s, back)
    again = s.hull.project(back, tolerance=1e-13)
    clear = again.distances - again.gaps > 1e-3 * step
    assert np.all(against[clear] == hullspace.Proof.PROVEN_OUTSIDE)
    # Towards the middle is inwards, as the middle has a hundredth of the scale around it.
    middle = s.points.mean(axis=0, dtype=np.float64)
    around = middle + 0.01 * s.hull.scale * np.vstack([np.eye(len(middle)), -np.eye(len(middle))])
    assert s.hull.contains(around).inside.all()
    ways = middle - nearest.points
    ways *= step / np.linalg.norm(ways, axis=1, keepdims=True)
    inward = prove_and_print("as far towards the middle", s, nearest.points + ways)
    assert np.all(inward == hullspace.Proof.PROVEN_INSIDE)


def prove_and_print(name: str, s: Setting, queries: np.ndarray) -> np.ndarray:
    """Proofs of queries; prints how many say what, and the time."""
    membership = s.hull.contains(queries)
    start = time.perf_counter()
    proofs = certificates.prove(s.points, queries, membership)
    milliseconds = 1e3 * (time.perf_counter() - start) / len(queries)
    unproven, inside, outside = np.bincount(proofs, minlength=3)
    print(
        f"{len(queries):,} {name}: {inside:,} inside, {outside:,} outside, {unproven:,} unproven, "
        f"{milliseconds:.2g} ms a query"
    )
    return proofs


def combinations(points: np.ndarray, generator: np.random.Generator, n: int) -> np.ndarray:
    """Random convex combinations of 3 to 200 points that float64 holds exactly.

    The weights are multiples of 1/1024 and the points' last digits are not too small, so that
    all products and sums are multiples of one number below ``2**-53`` of the largest.
    """
    exponent = np.frexp(np.abs(points).max())[1]
    whole = (np.ldexp(points, 43 - exponent) % 1 == 0).all(axis=1)
    points = points[whole].astype(np.float64)
    rows = np.empty((n, points.shape[1]))
    for row in rows:
        size = generator.integers(3, 201)
        weights = generator.multinomial(1024 - size, generator.dirichlet(np.ones(size))) + 1
        row[:] = weights / 1024 @ points[generator.choice(len(points), size, replace=False)]
    return rows


def peers_table(s: Setting) -> None:
    """One query at a time elsewhere, and batched Frank-Wolfe, against the batch."""
    projection, membership = s.hull.project(s.queries), s.hull.contains(s.queries)
    n = len(s.queries)
    seconds = {
        "project": best_time(lambda: s.hull.project(s.queries, n_threads=s.threads)) / n,
        "contains": best_time(lambda: s.hull.contains(s.queries, n_threads=s.threads)) / n,
    }

    def time_of(peer, rows, expected, error) -> float:
        def run() -> None:
            for row in rows:
                difference = abs(float(peer(s.points, s.queries[row])) - float(expected[row]))
                assert difference <= error * s.hull.scale, f"{peer.__name__} disagrees"

        return best_time(run, 1) / len(rows)

    distances, inside = projection.distances, membership.inside
    nnls = time_of(peers.nnls_distance, range(20), distances, 1e-6)
    highs = time_of(peers.highs_contains, range(3), inside, 0.0)
    seconds["NNLS (scipy), projection"] = nnls
    seconds["Wolfe (numpy), projection"] = time_of(peers.wolfe_distance, range(20), distances, 1e-6)
    seconds["Clarabel, projection"] = time_of(peers.clarabel_distance, range(1), distances, 1e-4)
    seconds["HiGHS (scipy), membership"] = highs
    few = s.queries[:500]
    for n_steps in (100, 400):
        found = peers.frank_wolfe_distances(s.points, few, n_steps)
        excess = np.median(found / distances[: len(few)] - 1.0)
        label = f"Frank-Wolfe (torch), {n_steps} steps: {excess:.1e} too far"
        seconds[label] = best_time(
            lambda k=n_steps: peers.frank_wolfe_distances(s.points, few, k), 1
        ) / len(few)
    product = s.product(s.points, s.queries) / n
    print_table(s.title("Peers, a query", n, s.points), seconds, 1, product)
    print(f"project is {nnls / seconds['project']:,.0f} times as fast as NNLS")
    print(f"contains is {highs / seconds['contains']:,.0f} times as fast as HiGHS")


def classes_table(s: Setting) -> None:
    """Every query against the hull of every class, and all pairs of classes."""
    hulls = hullspace.ClassHulls(s.points, load_labels())
    distances = hulls.project(s.queries).distances
    for hull, column in zip(hulls.hulls, distances.T, strict=True):
        projection = hull.project(s.queries)
        assert certificates.check(hull.points, s.queries, projection).all()
        assert np.array_equal(projection.distances, column)
    pairs = hulls.hull_distances()
    seconds = {
        "ClassHulls.project": best_time(lambda: hulls.project(s.queries, n_threads=s.threads)),
        "ClassHulls.contains": best_time(lambda: hulls.contains(s.queries, n_threads=s.threads)),
        "ClassHulls.nearest": best_time(lambda: hulls.nearest(s.queries, n_threads=s.threads)),
        f"ClassHulls.hull_distances, {len(hulls) * (len(hulls) - 1) // 2} pairs": best_time(
            lambda: hulls.hull_distances(n_threads=s.threads)
        ),
    }
    title = s.title(f"{len(hulls)} class hulls", len(s.queries), s.points)
    print_table(title, seconds, len(s.queries), s.product(s.points, s.queries))
    print(repr(pairs))


def vertices_table(s: Setting) -> None:
    """Each point against all others; a product is that of the points with themselves."""
    found = s.hull.vertices()
    scores = found.directions[::500] @ s.points.T.astype(np.float64)
    assert np.array_equal(scores.argmax(axis=1), found.indices[::500])
    seconds = {"vertices": best_time(lambda: s.hull.vertices(n_threads=s.threads), 2)}
    title = s.title("Extreme points", len(s.points), s.points)
    print_table(title, seconds, len(s.points), s.product(s.points, s.points))
    print(f"{len(found):,} of {len(s.points):,} points are extreme")


def operations_table(s: Setting) -> None:
    """Measure the other questions."""
    queries = s.queries[:1000]
    center = s.points.mean(axis=0, dtype=np.float64)
    gauge = s.hull.gauge(queries, center=center)
    assert np.array_equal(gauge.values > 1.0, ~s.hull.contains(queries).inside)
    support = s.hull.support(queries)
    scores = queries.astype(np.float64) @ s.points.T.astype(np.float64)
    assert np.allclose(support.values, scores.max(axis=1), rtol=1e-12)
    seconds = {
        "gauge": best_time(lambda: s.hull.gauge(queries, center=center, n_threads=s.threads)),
        "support": best_time(lambda: s.hull.support(queries, n_threads=s.threads)),
    }
    title = s.title("Other operations", len(queries), s.points)
    print_table(title, seconds, len(queries), s.product(s.points, queries))
    for epsilon in (0.2, 0.1):
        coreset = s.hull.coreset(epsilon)
        time = best_time(lambda e=epsilon: s.hull.coreset(e, n_threads=s.threads), 1)
        print(
            f"coreset({epsilon}): {len(coreset):,} points, error {coreset.error:.3f}, {time:.1f} s"
        )


def gaussian_table(s: Setting) -> None:
    """One query of a normal distribution, twice as far out as the points."""
    generator = np.random.default_rng(0)
    points, query = generator.normal(size=(50_000, 64)), 2.0 * generator.normal(size=64)
    hull = hullspace.Hull(points)
    truth = float(hull.project(query[None]).distances[0])
    seconds = {"project": best_time(lambda: hull.project(query[None], n_threads=s.threads))}
    for peer in (peers.wolfe_distance, peers.nnls_distance, peers.sketching_distance):
        error = peer(points, query) / truth - 1.0
        assert abs(error) <= 1e-4, f"{peer.__name__} disagrees"
        seconds[f"{peer.__name__}, relative error {error:.0e}"] = best_time(
            lambda p=peer: p(points, query), 2
        )
    single = points.astype(np.float32)
    product = s.product(single, query.astype(np.float32)[None])
    print_table(s.title("Normal distribution", 1, points), seconds, 1, product)


def facets_table(s: Setting) -> None:
    """Few dimensions: through Qhull's vertices, and through all points."""
    for n_features in range(2, 8):
        few_dimensions(s, n_features)


def few_dimensions(s: Setting, n_features: int) -> None:
    """Both methods on a normal distribution."""
    generator = np.random.default_rng(0)
    points, queries = (generator.normal(size=(n, n_features)) for n in (50_000, 10_000))
    answers, seconds = [], {}
    for method in ("facets", "active-set"):
        hull = hullspace.Hull(points, method=method)
        answers.append(hull.project(queries).distances)
        seconds[f"Hull, {method}"] = best_time(lambda m=method: hullspace.Hull(points, method=m), 1)
        for call in ("project", "contains"):
            operation = getattr(hull, call)
            seconds[f"{call}, {method}"] = best_time(
                lambda f=operation: f(queries, n_threads=s.threads)
            )
    assert np.allclose(*answers, rtol=0, atol=1e-8)
    chosen = hullspace.Hull(points)
    if n_features < 7:
        assert np.array_equal(chosen.vertices().indices, np.sort(ConvexHull(points).vertices))
    product = s.product(points.astype(np.float32), queries.astype(np.float32))
    print_table(s.title(f"auto is {chosen.method}", 10_000, points), seconds, 10_000, product)


def memory_table(s: Setting) -> None:
    """Megabytes that projecting needs beyond data and results, in a fresh process (Linux)."""
    for n_queries in (10_000, 100_000):
        command = [sys.executable, "-c", textwrap.dedent(MEMORY_SCRIPT), str(n_queries)]
        done = subprocess.run(command, cwd=sys.path[0], check=True, capture_output=True, text=True)
        print(f"extra memory for {n_queries:,} queries: {float(done.stdout):.0f} MB")


TABLES = {
    "hull": hull_table,
    "checks": checks_table,
    "proofs": proofs_table,
    "peers": peers_table,
    "classes": classes_table,
    "vertices": vertices_table,
    "operations": operations_table,
    "gaussian": gaussian_table,
    "facets": facets_table,
    "memory": memory_table,
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=f"of {', '.join(TABLES)}")
    parser.add_argument("--queries", type=int, default=10_000)
    parser.add_argument("--threads", type=int, default=hullspace.build_info()["threads"])
    arguments = parser.parse_args()
    unknown = set(arguments.tables) - set(TABLES)
    if unknown:
        parser.error(f"no such table: {', '.join(sorted(unknown))}")
    name, points, queries = load_features(arguments.queries)
    setting = Setting(name, points, queries, arguments.threads, hullspace.Hull(points))
    print(f"{hullspace.build_info()['instruction_sets']['used']}, numpy {np.__version__}")
    for table in arguments.tables or TABLES:
        TABLES[table](setting)


if __name__ == "__main__":
    main()
