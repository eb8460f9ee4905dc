"""The decision partition: a head over a domain, and every question about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from hullspace.arguments import as_matrix
from hullspace.features.store import Head
from hullspace.partition import (
    ambiguity,
    flips,
    guaranteed,
    neighborhoods,
    regions,
    segments,
)
from hullspace.partition import (
    domain as domains,
)
from hullspace.partition.ties import Ties

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hullspace.hull import ClassHulls
    from hullspace.partition.domain import Domain, DomainLike
    from hullspace.polyhedron import Polyhedron


class DecisionPartition:
    """The partition of a domain of feature space into the decision regions of an affine head.

    Parameters
    ----------
    weight : (n_classes, n_features) array
        One row per class.
    bias : (n_classes,) array, optional
        Zero by default.
    domain : "auto", "orthant", "observed", (lower, upper), Polyhedron or None, default "auto"
        Where features can be: where all are at least 0, as after a ReLU; in the range of the
        features given, widened by 10 %; in a box, of arrays (n_features,) or numbers, infinite
        where there is no bound; in any polyhedron; anywhere. "auto" is the orthant if features
        are given and none is negative, and all of space otherwise: never less than what the
        features can reach.
    features : (n, n_features) array, optional
        What "auto" and "observed" look at.

    Attributes
    ----------
    head : Head
        Weights and biases in double precision.
    domain : Domain
        The domain in use; `domain_reason` says why.
    equal_classes : list of tuple of int
        Groups of classes with the same weights and bias. They tie everywhere, so they share one
        region and are no neighbours; the lowest of them is the one that is predicted.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, shape or values; the message names it.

    Notes
    -----
    The region of a class is ``{z in domain : (W_c - W_j) z + (b_c - b_j) >= 0 for all j}``, a
    convex polyhedron (arXiv 2202.04052, section 3). Differences of rows are taken in double
    precision. All distances are in the units of the features.

    Examples
    --------
    >>> import hullspace
    >>> partition = hullspace.DecisionPartition([[1.0, 0.0], [0.0, 1.0]], domain=(0.0, 2.0))
    >>> partition
    DecisionPartition(2 classes, 2 features, box: asked for)
    >>> partition.chebyshev().radii.round(3)
    array([0.586, 0.586])
    >>> partition.boundary_points([[2.0, 1.0]]).points
    array([[1.5, 1.5]])
    """

    def __init__(
        self,
        weight: npt.ArrayLike,
        bias: npt.ArrayLike | None = None,
        *,
        domain: DomainLike = "auto",
        features: npt.ArrayLike | None = None,
    ) -> None:
        head = Head(as_matrix(weight, "weight").astype(np.float64), bias)  # type: ignore[arg-type]
        self._ties = Ties(head, domains.as_domain(domain, head.n_features, features))
        self.equal_classes = self._ties.equal_classes()

    @classmethod
    def from_head(
        cls,
        head: Head,
        *,
        domain: DomainLike = "auto",
        features: npt.ArrayLike | None = None,
    ) -> DecisionPartition:
        """Make the partition of a head; other parameters and errors as in the class."""
        if not isinstance(head, Head):
            raise TypeError(f"head must be a Head, got {type(head).__name__}")
        return cls(head.weight, head.bias, domain=domain, features=features)

    observed_box = staticmethod(domains.observed_box)

    @property
    def head(self) -> Head:
        """The head, in double precision."""
        return self._ties.head

    @property
    def domain(self) -> Domain:
        """The domain: its polyhedron, its bounds if it is a box, its name."""
        return self._ties.domain

    @property
    def domain_reason(self) -> str:
        """Why this domain was chosen."""
        return self.domain.reason

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return self._ties.n_classes

    @property
    def n_features(self) -> int:
        """Number of features."""
        return self._ties.n_features

    def __repr__(self) -> str:
        twins = f", equal classes {self.equal_classes}" if self.equal_classes else ""
        return (
            f"DecisionPartition({self.n_classes} classes, {self.n_features} features, "
            f"{self.domain.name}: {self.domain_reason}{twins})"
        )

    def region(self, c: int) -> Polyhedron:
        """Return the region of class c within the domain.

        Parameters
        ----------
        c : int
            The class.

        Returns
        -------
        Polyhedron
            Its rows are the other classes in ascending order, then those of the domain.

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong type, shape or values; the message names it.
        """
        if isinstance(c, bool) or not isinstance(c, int | np.integer):
            raise TypeError(f"c must be a class's index, got {c!r}")
        if not 0 <= c < self.n_classes:
            raise ValueError(f"c must be between 0 and {self.n_classes - 1}, got {c}")
        return self._ties.top((int(c),))

    def tie_set(self, classes: Iterable[int]) -> Polyhedron:
        """Return the set where given classes tie at the top within the domain.

        For two classes it is the facet between their regions. Whatever is said of ties and flip
        points can be proven with it: ``tie_set((c, j)).project(z)`` gives flip points with the
        multipliers that `hullspace.certificates.check` verifies.

        Parameters
        ----------
        classes : iterable of int
            Two or more classes.

        Returns
        -------
        Polyhedron
            Its rows are the other classes in ascending order, then those of the domain.

        Raises
        ------
        TypeError, ValueError
            If `classes` are not two or more different classes.
        """
        return self._ties.top(ambiguity.as_subset(classes, self.n_classes))

    def chebyshev(self, *, n_threads: int | None = None) -> regions.ChebyshevBalls:
        """Find the largest ball in every region, in one batch of linear programs.

        Parameters
        ----------
        n_threads : int, optional
            Threads to use; all cores by default.

        Returns
        -------
        ChebyshevBalls
            Centers and radii with their proofs; its `empty` and `flat` name the classes that win
            nowhere in the domain, or in no ball.
        """
        return regions.chebyshev(self._ties, n_threads)

    def adjacency(self, *, n_threads: int | None = None) -> regions.Adjacency:
        """Find which regions share a facet inside the domain.

        Parameters
        ----------
        n_threads : int, optional
            Threads to use; all cores by default.

        Returns
        -------
        Adjacency
            A symmetric matrix, with a point in each facet's relative interior and the radius of
            the largest ball of the facet. Contact in less than a facet is no adjacency, nor is
            contact with a region that has no interior; equal classes are named instead.

        Examples
        --------
        >>> import hullspace
        >>> weight = [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]]
        >>> found = hullspace.DecisionPartition(weight, domain=(-1.0, 1.0)).adjacency()
        >>> found.matrix.astype(int)
        array([[0, 1, 0, 1],
               [1, 0, 1, 0],
               [0, 1, 0, 1],
               [1, 0, 1, 0]])
        """
        return regions.adjacency(self._ties, n_threads)

    def volume_fractions(
        self, n_samples: int = 100_000, random_state: Any = None, *, confidence: float = 0.95
    ) -> regions.Shares:
        """Estimate each region's share of a bounded domain.

        Parameters
        ----------
        n_samples : int, default 100_000
            Uniform samples: independent in a box; from `Polyhedron.sample` in other polyhedra,
            where they are correlated and the intervals hold as far as they mix.
        random_state : optional
            What `numpy.random.default_rng` takes.
        confidence : float, default 0.95
            Of the Clopper-Pearson intervals.

        Returns
        -------
        Shares
            Values and intervals, one for each class.

        Raises
        ------
        TypeError, ValueError
            If an argument is unfit, or the domain is unbounded.
        """
        return regions.volume_fractions(self._ties, n_samples, random_state, confidence)

    def region_distances(
        self, z: npt.ArrayLike, *, n_threads: int | None = None
    ) -> regions.RegionDistances:
        """Find the nearest point of every class's region to features.

        Parameters
        ----------
        z : (n, n_features) array
            Points of feature space.
        n_threads : int, optional
            Threads to use; all cores by default.

        Returns
        -------
        RegionDistances
            Points, distances and gaps, (n, n_classes).

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong type, shape or values; the message names it.
        """
        return regions.region_distances(self._ties, self._ties.as_features(z, "z"), n_threads)

    def boundary_points(
        self,
        z: npt.ArrayLike,
        to: Literal["nearest", "all"] | int = "nearest",
        norm: float = 2,
        *,
        n_threads: int | None = None,
    ) -> flips.BoundaryPoints:
        """Find flip points: the nearest features where the model's answer changes.

        That is where the predicted class and another one tie, both are at the top, and the domain
        allows it; the hyperplane where the two tie may be nearer.

        Parameters
        ----------
        z : (n, n_features) array
            Points of feature space, in the domain or not.
        to : "nearest", "all" or int, default "nearest"
            Which class to flip to. "all" takes memory for n times n_classes points.
        norm : 1, 2 or infinity, default 2
            What "near" means.
        n_threads : int, optional
            Threads to use; all cores by default.

        Returns
        -------
        BoundaryPoints
            Points, distances, lower bounds in closed form, and what binds.

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong type, shape or values; the message names it.

        Notes
        -----
        The distance to the hyperplane is the lower bound; the answer is a projection onto a
        polyhedron, all of them in one batch. "nearest" tries classes in the order of their lower
        bounds and stops when these exceed the best distance so far. In the norms 1 and infinity
        the nearest point of the hyperplane is the answer where it is at the top and in the
        domain; else it takes a linear program a point, which costs a hundred projections.

        Examples
        --------
        >>> import hullspace
        >>> weight = [[1.0, 0.0], [0.0, 1.0], [0.6, 0.6]]
        >>> partition = hullspace.DecisionPartition(weight, domain="orthant")
        >>> found = partition.boundary_points([[3.0, 0.0]], to="all")
        >>> found.distances.round(3), found.lower_bounds.round(3)
        (array([[  inf, 3.   , 1.664]]), array([[  inf, 2.121, 1.664]]))
        """
        return flips.boundary_points(self._ties, z, to, norm, n_threads)

    def segment(self, z0: npt.ArrayLike, z1: npt.ArrayLike) -> segments.Segments:
        """Find where the class changes along straight segments, whether in the domain or not.

        Parameters
        ----------
        z0, z1 : (n, n_features) array
            Where the segments start and end. One row of `z0` serves all.

        Returns
        -------
        Segments
            Breakpoints, 0 at z0 and 1 at z1, and the classes between them.

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong type, shape or values; the message names it.

        Notes
        -----
        Along a segment every logit is a line, and the class is that of their upper envelope; at
        most n_classes - 1 steps find it, for all segments together.

        Examples
        --------
        >>> import hullspace
        >>> partition = hullspace.DecisionPartition([[-1.0], [0.0], [1.0]], [-1.0, 0.0, -1.0])
        >>> partition.segment([[-2.0]], [[2.0]])[0]
        (array([0.25, 0.75]), array([0, 1, 2]))
        """
        return segments.segment(self._ties, z0, z1)

    def guaranteed(
        self,
        features: npt.ArrayLike,
        labels: npt.ArrayLike | None = None,
        *,
        hulls: ClassHulls | None = None,
        n_threads: int | None = None,
    ) -> guaranteed.GuaranteedRegions:
        """Make the regions guaranteed a class: hulls of the features that the model puts in it.

        Parameters
        ----------
        features : (n, n_features) array
            Features of training images; those not in the domain are left out and counted.
        labels : (n,) integer array, optional
            True classes. They do not change the regions; `purity` is reported with them.
        hulls : ClassHulls, optional
            The hulls of the features of each class, where they are there already; they are taken
            if they are those of the classes that the model gives, in exact arithmetic.
        n_threads : int, optional
            Threads to use; all cores by default.

        Returns
        -------
        GuaranteedRegions
            Membership, distances, coverage, proofs.

        Raises
        ------
        TypeError, ValueError
            If an argument is unfit, or no feature lies in the domain.

        Examples
        --------
        >>> import hullspace
        >>> partition = hullspace.DecisionPartition([[1.0, 0.0], [0.0, 1.0]], domain="orthant")
        >>> regions = partition.guaranteed([[1.0, 0.0], [3.0, 0.0], [3.0, 2.0], [0.0, 1.0]])
        >>> regions
        GuaranteedRegions(2 of 2 classes, 4 points)
        >>> regions.contains([[2.0, 0.5], [1.0, 0.9]]).inside
        array([ True, False])
        """
        return guaranteed.guaranteed(self._ties, features, labels, hulls, n_threads)

    def guaranteed_balls(
        self, z: npt.ArrayLike, *, n_threads: int | None = None
    ) -> neighborhoods.GuaranteedBalls:
        """Find the largest balls around features whose part in the domain is one class.

        Parameters
        ----------
        z : (n, n_features) array
            Points of feature space.
        n_threads : int, optional
            Threads to use; all cores by default.

        Returns
        -------
        GuaranteedBalls
            Radii, which are proven distances to the nearest flip point, and classes.

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong type, shape or values; the message names it.
        """
        return neighborhoods.guaranteed_balls(self._ties, z, n_threads)

    def largest_boxes(
        self, z: npt.ArrayLike, *, n_threads: int | None = None
    ) -> neighborhoods.Boxes:
        """Find axis-aligned boxes around features, inside their class's region and the domain.

        Parameters
        ----------
        z : (n, n_features) array
            Points of feature space.
        n_threads : int, optional
            Threads to use; all cores by default.

        Returns
        -------
        Boxes
            The box with the largest sum of widths, by one linear program a feature, and the
            half-width of the largest cube that crosses no boundary, in closed form.

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong type, shape or values; the message names it.

        Examples
        --------
        >>> import hullspace
        >>> partition = hullspace.DecisionPartition([[1.0, 0.0], [0.0, 1.0]], domain=(0.0, 4.0))
        >>> box = partition.largest_boxes([[2.0, 1.0]])
        >>> box.half_widths
        array([0.5])
        """
        return neighborhoods.largest_boxes(self._ties, z, n_threads)

    def ambiguous_points(
        self,
        classes: Iterable[int],
        nearest_to: npt.ArrayLike | None = None,
        *,
        n_threads: int | None = None,
    ) -> ambiguity.AmbiguousPoints:
        """Find where given classes tie at the top within the domain, or prove that they do not.

        Parameters
        ----------
        classes : iterable of int
            Two or more classes.
        nearest_to : (n, n_features) array, optional
            Features to find the nearest ties to; by default the tie in the middle, the center of
            the largest ball of the set of ties.
        n_threads : int, optional
            Threads to use; all cores by default.

        Returns
        -------
        AmbiguousPoints
            The points, or the multipliers that prove that there are none.

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong type, shape or values; the message names it.

        Examples
        --------
        >>> import hullspace
        >>> weight = [[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]]
        >>> partition = hullspace.DecisionPartition(weight, [0.0, 0.0, 3.0], domain="orthant")
        >>> partition.ambiguous_points([0, 1, 2]).points
        array([[1., 1.]])
        """
        return ambiguity.ambiguous_points(self._ties, classes, nearest_to, n_threads)

    def ambiguity_table(
        self, k: int = 2, *, n_threads: int | None = None
    ) -> ambiguity.AmbiguityTable:
        """Decide for all subsets of k classes whether they tie at the top within the domain.

        Parameters
        ----------
        k : int, default 2
            Number of classes that tie; with n_classes, all of them.
        n_threads : int, optional
            Threads to use; all cores by default.

        Returns
        -------
        AmbiguityTable
            Existence with proof either way, and a point for each subset.

        Raises
        ------
        TypeError, ValueError
            If `k` is not between 2 and n_classes, or leaves more than 100,000 subsets.
        """
        return ambiguity.ambiguity_table(self._ties, k, n_threads)

    def ambiguity(
        self, z: npt.ArrayLike, k: int = 2, *, n_threads: int | None = None
    ) -> ambiguity.Ambiguity:
        """Find how near features are to a tie of k classes at the top within the domain.

        Parameters
        ----------
        z : (n, n_features) array
            Points of feature space.
        k : int, default 2
            Number of classes that tie.
        n_threads : int, optional
            Threads to use; all cores by default.

        Returns
        -------
        Ambiguity
            Distances, points, which classes; `Ambiguity.most_ambiguous` lists the nearest.

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong type, shape or values; the message names it.

        Notes
        -----
        Sets of ties are tried in the order of lower bounds: the distance to the affine set where
        the classes tie and, at a right angle to it, to the constraint that its nearest point
        breaks the most. About one projection a sample is left.

        Examples
        --------
        >>> import hullspace
        >>> weight = [[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]]
        >>> partition = hullspace.DecisionPartition(weight, [0.0, 0.0, 3.0], domain="orthant")
        >>> partition.ambiguity([[3.0, 0.0], [1.0, 1.5]], k=3).distances.round(3)
        array([2.236, 0.5  ])
        """
        return ambiguity.ambiguity(self._ties, z, k, n_threads)
