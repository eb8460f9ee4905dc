#include <algorithm>
#include <limits>

#include "common/kernels.hpp"
#include "common/tolerances.hpp"
#include "hullspace/error.hpp"
#include "polyhedron/batch.hpp"
#include "polyhedron/dual_projection.hpp"

namespace hullspace {
namespace {

class ProjectionWriter {
 public:
  ProjectionWriter(const Polyhedra& polyhedra, std::span<const std::int64_t> which,
                   const MatrixView<double>& queries, PolyhedronProjections& out,
                   std::vector<Entries>& duals)
      : which_(which),
        queries_(queries),
        out_(out),
        duals_(duals),
        reader_(polyhedra, false),
        projection_(polyhedra.rows.cols),
        again_(polyhedra.rows.cols),
        query_(static_cast<std::size_t>(polyhedra.rows.cols)) {}

  void operator()(std::ptrdiff_t first, std::ptrdiff_t last, const StopFlag& stop) {
    for (std::ptrdiff_t i = first; i < last && !stop; ++i) write(i, stop);
  }

 private:
  void write(std::ptrdiff_t i, const StopFlag& stop) {
    const System& system = reader_.read(which_[i]);
    const std::ptrdiff_t n = system.n_features();
    if (system.contradiction() >= 0) {
      duals_[i].emplace_back(static_cast<std::int32_t>(system.contradiction()), 1.0);
      return write_empty(i);
    }
    for (std::ptrdiff_t j = 0; j < n; ++j) query_[j] = queries_.row(i)[j] / system.unit();
    if (!(norm(query_.data(), n) < tolerances::kFarthestProjected)) return give_up(i);
    const Status status = projection_.project(system, query_.data(), stop);
    const double unit = status == Status::kEmpty ? 1.0 : system.unit();
    for (std::size_t k = 0; k < projection_.active().size(); ++k) {
      const std::ptrdiff_t row = projection_.active()[k];
      if (!(projection_.multipliers()[k] > 0.0)) continue;
      duals_[i].emplace_back(static_cast<std::int32_t>(system.given(row)),
                             projection_.multipliers()[k] * system.scale(row) * unit);
    }
    if (status == Status::kEmpty) return write_empty(i);
    out_.status[i] = status;
    write_point(i, system, stop);
  }

  void write_point(std::ptrdiff_t i, const System& system, const StopFlag& stop) {
    const std::ptrdiff_t n = system.n_features();
    double* point = &out_.points[i * n];
    const double* found = projection_.point();
    double distance = projection_.distance();
    const double proven = distance - projection_.gap();
    if (norm(query_.data(), n) > tolerances::kFarProjected * norm(found, n) &&
        !projection_.active().empty()) {
      // What the query's rounding left outside is moved in, by less than that rounding.
      near_.assign(found, found + n);
      if (again_.project(system, near_.data(), stop) == Status::kOptimal) found = again_.point();
      for (std::ptrdiff_t j = 0; j < n; ++j) near_[j] = query_[j] - found[j];
      distance = norm(near_.data(), n);
    }
    for (std::ptrdiff_t j = 0; j < n; ++j) point[j] = found[j] * system.unit();
    // A query in the polyhedron stays as it is, to the last bit.
    if (projection_.active().empty()) std::copy_n(queries_.row(i), n, point);
    out_.distances[i] = distance * system.unit();
    out_.gaps[i] = std::max(0.0, distance - proven) * system.unit();
  }

  void write_empty(std::ptrdiff_t i) {
    std::fill_n(&out_.points[i * queries_.cols], queries_.cols,
                std::numeric_limits<double>::quiet_NaN());
    out_.distances[i] = std::numeric_limits<double>::infinity();
    out_.status[i] = Status::kEmpty;
  }

  // Nothing of the polyhedron is left in differences from a query so far away.
  void give_up(std::ptrdiff_t i) {
    std::fill_n(&out_.points[i * queries_.cols], queries_.cols,
                std::numeric_limits<double>::quiet_NaN());
    out_.distances[i] = std::numeric_limits<double>::quiet_NaN();
    out_.gaps[i] = std::numeric_limits<double>::infinity();
    out_.status[i] = Status::kLimit;
  }

  std::span<const std::int64_t> which_;
  const MatrixView<double>& queries_;
  PolyhedronProjections& out_;
  std::vector<Entries>& duals_;
  SystemReader reader_;
  DualProjection projection_;
  DualProjection again_;  // of a point that a far query led to
  std::vector<double> near_;
  std::vector<double> query_;
};

}  // namespace

PolyhedronProjections project_onto(const Polyhedra& polyhedra, std::span<const std::int64_t> which,
                                   const MatrixView<double>& queries, const Context& context) {
  require_valid(polyhedra);
  require_finite(queries.elements(), "points");
  if (std::ssize(which) != queries.rows) {
    throw ArgumentError("which must have one element for each of the points");
  }
  const auto n = static_cast<std::size_t>(queries.rows);
  PolyhedronProjections out;
  out.points.resize(n * static_cast<std::size_t>(queries.cols));
  out.distances.resize(n);
  out.gaps.resize(n);
  out.status.resize(n);
  std::vector<Entries> duals(n);
  for_tasks(context, queries.rows, problems_per_task(queries.rows),
            [&] { return ProjectionWriter(polyhedra, which, queries, out, duals); });
  out.duals = gather(duals);
  return out;
}

}  // namespace hullspace
