// The convex hull of a point set in any dimension: projection and membership, in batches.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "hullspace/context.hpp"
#include "hullspace/status.hpp"
#include "hullspace/view.hpp"

namespace hullspace {

class BytePanels;
class PointSet;

// Convex weights of many queries as a compressed sparse row matrix.
struct SparseWeights {
  std::vector<double> values;
  std::vector<std::int32_t> columns;
  std::vector<std::int64_t> row_starts{0};
};

struct Projections {
  std::vector<double> points;     // (n_queries, n_features), nearest points of the hull
  std::vector<double> distances;  // (n_queries)
  std::vector<double> normals;    // (n_queries, n_features), from hull to query; proves the gap
  std::vector<double> gaps;       // (n_queries); the truth is in [distance - gap, distance]
  std::vector<Status> status;     // kOptimal or kUndecided
  SparseWeights weights;          // (n_queries, n_points)
};

struct Memberships {
  std::vector<Status> status;     // kInside, kOutside or kUndecided
  std::vector<double> normals;    // (n_queries, n_features), unit; zero unless outside
  std::vector<double> margins;    // (n_queries), verified separation; zero unless outside
  std::vector<double> residuals;  // (n_queries), |weights * points - query|; NaN unless inside
  SparseWeights weights;          // (n_queries, n_points); empty rows unless inside
  double tolerance = 0.0;         // the largest residual that counted as inside, in data units
};

struct Rays {
  std::vector<double> steps;    // (n_rays), in units of the direction's length; NaN if outside
  std::vector<double> points;   // (n_rays, n_features), where the ray leaves the hull
  std::vector<double> normals;  // (n_rays, n_features), unit; no point of the hull scores higher
  std::vector<double> offsets;  // (n_rays), that highest score
  std::vector<Status> status;   // kOptimal, kOutside if the ray misses the hull, or kUndecided
  SparseWeights weights;        // (n_rays, n_points); empty rows unless optimal
};

class Hull;

// The nearest points of pairs of hulls.
struct HullDistances {
  std::vector<double> distances;  // (n_pairs)
  std::vector<double> gaps;       // (n_pairs); the truth is in [distance - gap, distance]
  std::vector<double> first;      // (n_pairs, n_features), nearest points of the first hulls
  std::vector<double> second;     // (n_pairs, n_features), of the second ones
  std::vector<double> normals;    // (n_pairs, n_features), from second to first, or zero
  std::vector<Status> status;     // kOptimal or kUndecided
  SparseWeights first_weights;    // rows of the first hulls' n_points
  SparseWeights second_weights;
};

// The tolerance is relative to the scales of a pair's hulls together. Throws ArgumentError if
// hulls differ in n_features, and Interrupted as the context says.
HullDistances hull_distances(const std::vector<std::pair<const Hull*, const Hull*>>& pairs,
                             double tolerance, const Context& context);

class Hull {
 public:
  // The points must outlive the hull and must not change. Throws ArgumentError if the view is
  // empty or holds NaN or infinity.
  Hull(const AnyMatrix& points, const Context& context);
  ~Hull();
  Hull(Hull&&) noexcept;
  Hull& operator=(Hull&&) noexcept;

  std::ptrdiff_t n_points() const;
  std::ptrdiff_t n_features() const;
  // Largest distance of a point from the centre of the bounding box: the unit of tolerances.
  double scale() const;

  // The tolerance is relative to scale(). Throws ArgumentError if the number of columns differs
  // from n_features() or a query is not finite, and Interrupted as the context says.
  Projections project(const AnyMatrix& queries, double tolerance, const Context& context) const;
  Memberships contains(const AnyMatrix& queries, double tolerance, const Context& context) const;
  // Each point of the set against the hull of the others; there must be at least two.
  Memberships leave_one_out(double tolerance, const Context& context) const;
  // The last point in the hull of each ray; one origin for all directions, or one each.
  Rays ray(const AnyMatrix& origins, const AnyMatrix& directions, double tolerance,
           const Context& context) const;
  // Indices of points that score highest against each direction, the first where they tie.
  std::vector<std::int32_t> support(const AnyMatrix& directions, const Context& context) const;

  // Look at `points` from now on, whose first n_points() rows are those of before.
  void append(const AnyMatrix& points, const Context& context);

 private:
  friend class PairSolver;

  Memberships solve_memberships(const AnyMatrix& queries, bool against_others, double tolerance,
                                const Context& context) const;

  std::unique_ptr<PointSet> points_;
  std::unique_ptr<BytePanels> bytes_;
};

}  // namespace hullspace
