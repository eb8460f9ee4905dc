"""Draw the README's picture: ``python docs/make_picture.py``."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from scipy.spatial import ConvexHull

import hullspace

generator = np.random.default_rng(4)
points = generator.normal(size=(120, 2)) @ [[1.6, 0.3], [0.0, 0.9]]
queries = generator.uniform([-5, -3.2], [5, 3.2], size=(34, 2))

hull = hullspace.Hull(points)
membership = hull.contains(queries)
nearest = hull.project(queries).points

figure = Figure(figsize=(8, 4.2), layout="constrained")
axes = figure.subplots()
outline = points[ConvexHull(points).vertices]
axes.fill(*outline.T, color="#3b7dd8", alpha=0.12)
axes.plot(*np.vstack([outline, outline[:1]]).T, color="#3b7dd8", lw=1.2)
axes.scatter(*points.T, s=8, color="#4c6a92", label="training features")
outside = ~membership.inside
for query, point in zip(queries[outside], nearest[outside], strict=True):
    axes.plot(*np.array([query, point]).T, color="#d1495b", lw=0.9)
axes.scatter(*nearest[outside].T, s=14, color="#d1495b", marker="x", label="nearest points")
axes.scatter(*queries[outside].T, s=26, color="#d1495b", label="outside, proven")
axes.scatter(*queries[~outside].T, s=26, color="#2a9d5c", label="inside, proven")
axes.set_aspect("equal")
axes.axis("off")
axes.legend(loc="upper left", frameon=False, bbox_to_anchor=(1.0, 0.9))
path = Path(__file__).parent / "images" / "hull.svg"
figure.savefig(path, metadata={"Date": None})
print(f"wrote {path}")  # noqa: T201
