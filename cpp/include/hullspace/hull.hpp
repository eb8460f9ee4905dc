// The convex hull of a point set in any dimension: projection and membership, in batches.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
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

 private:
  std::unique_ptr<PointSet> points_;
  std::unique_ptr<BytePanels> bytes_;
};

}  // namespace hullspace
