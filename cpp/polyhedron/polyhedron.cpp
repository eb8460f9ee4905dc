#include "hullspace/polyhedron.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "common/kernels.hpp"
#include "common/parallel.hpp"
#include "common/tolerances.hpp"
#include "hullspace/error.hpp"
#include "polyhedron/dual_projection.hpp"
#include "polyhedron/interior_point.hpp"
#include "polyhedron/simplex.hpp"
#include "polyhedron/system.hpp"

namespace hullspace {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// Problems that a worker takes at a time, at most; objectives that start from one another's
// optimum.
constexpr std::ptrdiff_t kMostPerTask = 64;
constexpr std::ptrdiff_t kObjectivesPerTask = 32;

// With fewer variables the simplex method finds largest balls faster.
constexpr std::ptrdiff_t kFewestFeaturesForInteriorPoint = 128;

void require_finite(const double* values, std::ptrdiff_t n, const char* name) {
  const double* bad = std::find_if(values, values + n, [](double x) { return !std::isfinite(x); });
  if (bad == values + n) return;
  throw ArgumentError(std::string(name) + " must be finite, got " + std::to_string(*bad) +
                      " at element " + std::to_string(bad - values));
}

void require_shapes(const Polyhedra& polyhedra) {
  const std::int64_t n_bounds = polyhedra.starts[polyhedra.n_polyhedra];
  bool shared = true;
  for (std::ptrdiff_t i = 0; i < polyhedra.n_polyhedra; ++i) {
    const std::int64_t count = polyhedra.starts[i + 1] - polyhedra.starts[i];
    if (count < 0) throw ArgumentError("starts must not descend");
    shared = shared && count == polyhedra.rows.rows;
  }
  if (!shared && n_bounds != polyhedra.rows.rows) {
    throw ArgumentError("A must have one row for each of the " + std::to_string(n_bounds) +
                        " elements of b, got " + std::to_string(polyhedra.rows.rows));
  }
  require_finite(polyhedra.rows.data, polyhedra.rows.rows * polyhedra.rows.cols, "A");
  require_finite(polyhedra.bounds, n_bounds, "b");
}

// The system of one polyhedron after the other; rows that all share are prepared once.
class SystemReader {
 public:
  SystemReader(const Polyhedra& polyhedra, bool with_radius)
      : polyhedra_(polyhedra),
        with_radius_(with_radius),
        shared_(polyhedra.n_polyhedra > 1 &&
                polyhedra.starts[polyhedra.n_polyhedra] != polyhedra.rows.rows) {}

  const System& read(std::ptrdiff_t i) {
    if (i == current_) return system_;
    const std::int64_t first = polyhedra_.starts[i];
    if (current_ < 0 || !shared_) {
      system_.set_rows(rows(i), polyhedra_.starts[i + 1] - first, polyhedra_.rows.cols,
                       with_radius_);
    }
    system_.set_bounds(polyhedra_.bounds + first);
    current_ = i;
    return system_;
  }
  // Rows as given.
  const double* rows(std::ptrdiff_t i) const {
    return polyhedra_.rows.data + (shared_ ? 0 : polyhedra_.starts[i] * polyhedra_.rows.cols);
  }
  const double* bounds(std::ptrdiff_t i) const { return polyhedra_.bounds + polyhedra_.starts[i]; }

 private:
  const Polyhedra& polyhedra_;
  bool with_radius_;
  bool shared_;
  std::ptrdiff_t current_ = -1;
  System system_;
};

// Run `body(first, last, stop)` of a body made for each worker, over tasks of up to `most` of n.
template <class MakeBody>
void for_tasks(const Context& context, std::ptrdiff_t n, std::ptrdiff_t most,
               const MakeBody& make_body) {
  const std::ptrdiff_t step = std::clamp<std::ptrdiff_t>(n / 8, 1, most);
  std::atomic<std::ptrdiff_t> next{0};
  run_workers(context, worker_count(context, (n + step - 1) / step),
              [&](int, const StopFlag& stop) {
                auto body = make_body();
                for (std::ptrdiff_t first = next.fetch_add(step); first < n && !stop;
                     first = next.fetch_add(step)) {
                  body(first, std::min(first + step, n), stop);
                }
              });
}

// The largest ball, by the linear program max r over a_i . x + |a_i| r <= b_i.
class CenterSolver {
 public:
  Simplex::Outcome solve(const System& system, const StopFlag& stop) {
    const std::ptrdiff_t n = system.n_features();
    start_.assign(static_cast<std::size_t>(n + 1), 0.0);
    double& radius = start_.back();
    radius = kInfinity;
    for (const double bound : system.bounds()) radius = std::min(radius, bound);
    if (!std::isfinite(radius)) radius = 0.0;
    objective_.assign(static_cast<std::size_t>(system.stride()), 0.0);
    objective_[n] = 1.0;
    simplex_.start(system, start_.data());
    return simplex_.maximize(objective_.data(), stop);
  }
  const Simplex& simplex() const { return simplex_; }

  // What the multipliers say of the radius: an upper bound, and how much of it may be rounding.
  std::pair<double, double> bound(const System& system) const {
    double total = 0.0;
    double size = 0.0;
    double sum = 0.0;
    for (std::size_t k = 0; k < simplex_.active().size(); ++k) {
      const std::ptrdiff_t row = simplex_.active()[k];
      const double multiplier = row < 0 ? 0.0 : std::max(0.0, simplex_.multipliers()[k]);
      if (multiplier == 0.0) continue;
      total += multiplier * system.bounds()[row];
      size += multiplier * std::abs(system.bounds()[row]);
      sum += multiplier;
    }
    if (sum == 0.0) return {kInfinity, 0.0};
    const double reach = norm(simplex_.point(), system.n_features());
    return {total / sum, tolerances::kBalance * (size / sum + reach)};
  }

 private:
  Simplex simplex_;
  std::vector<double> start_;
  std::vector<double> objective_;
};

// Largest radius of a ball around a centre, in the data's units and from the data as given.
double radius_around(const double* center, const double* rows, const double* bounds,
                     const System& system) {
  double radius = kInfinity;
  const std::ptrdiff_t n = system.n_features();
  for (std::ptrdiff_t i = 0; i < system.n_rows(); ++i) {
    const double scale = system.scale(system.place_of(i));
    if (scale == 0.0) continue;
    double product = 0.0;
    for (std::ptrdiff_t j = 0; j < n; ++j) product += rows[i * n + j] * center[j];
    radius = std::min(radius, (bounds[i] - product) * scale);
  }
  return radius;
}

// Multipliers of the rows as given. Those of the objective r sum to one with the rows' lengths.
void write_duals(const Simplex& simplex, const System& system, double* duals) {
  for (std::size_t k = 0; k < simplex.active().size(); ++k) {
    const std::ptrdiff_t row = simplex.active()[k];
    if (row < 0) continue;
    duals[system.given(row)] = std::max(0.0, simplex.multipliers()[k]) * system.scale(row);
  }
}

// A point with a ball of positive radius around it, on an unbounded ray of balls.
void move_inside(const Simplex& simplex, std::ptrdiff_t n, std::vector<double>& point) {
  point.assign(simplex.point(), simplex.point() + n + 1);
  const double rise = simplex.ray()[n];
  if (point[n] > 0.0) return;
  const double step = (1.0 - 2.0 * point[n]) / rise;
  for (std::ptrdiff_t j = 0; j <= n; ++j) point[j] += step * simplex.ray()[j];
}

class CenterWriter {
 public:
  CenterWriter(const Polyhedra& polyhedra, ChebyshevCenters& out)
      : polyhedra_(polyhedra), out_(out), reader_(polyhedra, true) {}

  void operator()(std::ptrdiff_t first, std::ptrdiff_t last, const StopFlag& stop) {
    for (std::ptrdiff_t i = first; i < last && !stop; ++i) write(i, stop);
  }

 private:
  void write(std::ptrdiff_t i, const StopFlag& stop) {
    const System& system = reader_.read(i);
    const std::ptrdiff_t n = system.n_features();
    double* duals = out_.duals.data() + polyhedra_.starts[i];
    if (system.contradiction() >= 0) {
      duals[system.contradiction()] = 1.0;
      return write_empty(i);
    }
    double* center = &out_.centers[i * n];
    if (system.n_variables() >= kFewestFeaturesForInteriorPoint && interior_.solve(system, stop)) {
      return write_interior(i, system);
    }
    const Simplex::Outcome outcome = solver_.solve(system, stop);
    const Simplex& simplex = solver_.simplex();
    if (outcome == Simplex::Outcome::kUnbounded || system.n_rows() == 0) {
      move_inside(simplex, n, point_);
      for (std::ptrdiff_t j = 0; j < n; ++j) center[j] = point_[j] * system.unit();
      std::copy_n(simplex.ray(), n, &out_.rays[i * n]);
      out_.radii[i] = kInfinity;
      out_.gaps[i] = 0.0;
      out_.status[i] = Status::kUnbounded;
      return;
    }
    write_duals(simplex, system, duals);
    const auto [bound, rounding] = solver_.bound(system);
    if (bound < -rounding) return write_empty(i);
    for (std::ptrdiff_t j = 0; j < n; ++j) center[j] = simplex.point()[j] * system.unit();
    const double radius = radius_around(center, reader_.rows(i), reader_.bounds(i), system);
    const bool flat = radius <= rounding * system.unit();
    out_.radii[i] = flat ? std::max(0.0, radius) : radius;
    out_.gaps[i] = std::max(0.0, bound * system.unit() - out_.radii[i]);
    out_.status[i] = outcome == Simplex::Outcome::kOptimal ? Status::kOptimal : Status::kLimit;
  }

  void write_interior(std::ptrdiff_t i, const System& system) {
    double* center = &out_.centers[i * system.n_features()];
    for (std::ptrdiff_t j = 0; j < system.n_features(); ++j) {
      center[j] = interior_.point()[j] * system.unit();
    }
    double bound = 0.0;
    double sum = 0.0;
    for (std::ptrdiff_t k = 0; k < system.n_rows(); ++k) {
      const double multiplier = interior_.multipliers()[k];
      if (multiplier == 0.0) continue;
      out_.duals[polyhedra_.starts[i] + system.given(k)] = multiplier * system.scale(k);
      bound += multiplier * system.bounds()[k];
      sum += multiplier;
    }
    out_.radii[i] = radius_around(center, reader_.rows(i), reader_.bounds(i), system);
    out_.gaps[i] = std::max(0.0, bound / sum * system.unit() - out_.radii[i]);
    out_.status[i] = Status::kOptimal;
  }

  void write_empty(std::ptrdiff_t i) {
    const std::ptrdiff_t n = polyhedra_.rows.cols;
    std::fill_n(&out_.centers[i * n], n, kNaN);
    out_.radii[i] = kNaN;
    out_.gaps[i] = 0.0;
    out_.status[i] = Status::kEmpty;
  }

  const Polyhedra& polyhedra_;
  ChebyshevCenters& out_;
  SystemReader reader_;
  CenterSolver solver_;
  InteriorPoint interior_;
  std::vector<double> point_;
};

using Entries = std::vector<std::pair<std::int32_t, double>>;

SparseMultipliers gather(std::vector<Entries>& rows) {
  SparseMultipliers out;
  std::size_t size = 0;
  for (const Entries& row : rows) size += row.size();
  out.values.reserve(size);
  out.columns.reserve(size);
  out.row_starts.reserve(rows.size() + 1);
  for (Entries& row : rows) {
    std::sort(row.begin(), row.end());
    for (const auto& [column, value] : row) {
      out.columns.push_back(column);
      out.values.push_back(value);
    }
    out.row_starts.push_back(std::ssize(out.values));
    row = {};
  }
  return out;
}

// A point of one polyhedron to start linear programs from, or the proof that there is none.
struct Interior {
  Status status = Status::kOptimal;  // kOptimal if there is a point, kEmpty or kLimit
  std::vector<double> point;         // in the system's units
  Entries proof;                     // Farkas multipliers of the rows as given
};

Interior find_interior(const Polyhedra& polyhedron, const Context& context) {
  Interior interior;
  SystemReader reader(polyhedron, true);
  const System& system = reader.read(0);
  if (system.contradiction() >= 0) {
    interior.status = Status::kEmpty;
    interior.proof.emplace_back(static_cast<std::int32_t>(system.contradiction()), 1.0);
    return interior;
  }
  run_workers(context, 1, [&](int, const StopFlag& stop) {
    CenterSolver solver;
    const Simplex::Outcome outcome = solver.solve(system, stop);
    const Simplex& simplex = solver.simplex();
    if (outcome == Simplex::Outcome::kUnbounded) {
      move_inside(simplex, system.n_features(), interior.point);
      return;
    }
    interior.point.assign(simplex.point(), simplex.point() + system.n_features() + 1);
    const auto [bound, rounding] = solver.bound(system);
    if (bound < -rounding) {
      interior.status = Status::kEmpty;
      for (std::size_t k = 0; k < simplex.active().size(); ++k) {
        const std::ptrdiff_t row = simplex.active()[k];
        if (row < 0 || !(simplex.multipliers()[k] > 0.0)) continue;
        interior.proof.emplace_back(static_cast<std::int32_t>(system.given(row)),
                                    simplex.multipliers()[k] * system.scale(row));
      }
    } else if (outcome == Simplex::Outcome::kLimit && interior.point.back() < -rounding) {
      interior.status = Status::kLimit;
    }
  });
  return interior;
}

class OptimumWriter {
 public:
  OptimumWriter(const System& system, const Interior& interior,
                const MatrixView<double>& objectives, LinearOptima& out,
                std::vector<Entries>& duals)
      : system_(system), interior_(interior), objectives_(objectives), out_(out), duals_(duals) {}

  void operator()(std::ptrdiff_t first, std::ptrdiff_t last, const StopFlag& stop) {
    simplex_.start(system_, interior_.point.data());
    for (std::ptrdiff_t i = first; i < last && !stop; ++i) write(i, stop);
  }

 private:
  void write(std::ptrdiff_t i, const StopFlag& stop) {
    const std::ptrdiff_t n = system_.n_features();
    const double* given = objectives_.row(i);
    double largest = 0.0;
    for (std::ptrdiff_t j = 0; j < n; ++j) largest = std::max(largest, std::abs(given[j]));
    int exponent = 0;
    if (largest > 0.0) std::frexp(largest, &exponent);
    objective_.assign(static_cast<std::size_t>(system_.stride()), 0.0);
    for (std::ptrdiff_t j = 0; j < n; ++j) objective_[j] = std::ldexp(given[j], -exponent);
    const Simplex::Outcome outcome = simplex_.maximize(objective_.data(), stop);
    double* point = &out_.points[i * n];
    for (std::ptrdiff_t j = 0; j < n; ++j) point[j] = simplex_.point()[j] * system_.unit();
    if (outcome == Simplex::Outcome::kUnbounded) {
      std::copy_n(simplex_.ray(), n, &out_.rays[i * n]);
      out_.values[i] = kInfinity;
      out_.gaps[i] = 0.0;
      out_.status[i] = Status::kUnbounded;
      return;
    }
    double value = 0.0;
    double bound = 0.0;
    for (std::ptrdiff_t j = 0; j < n; ++j) value += given[j] * point[j];
    for (std::size_t k = 0; k < simplex_.active().size(); ++k) {
      const std::ptrdiff_t row = simplex_.active()[k];
      if (row < 0 || !(simplex_.multipliers()[k] > 0.0)) continue;
      bound += simplex_.multipliers()[k] * system_.bounds()[row];
      duals_[i].emplace_back(static_cast<std::int32_t>(row),
                             std::ldexp(simplex_.multipliers()[k] * system_.scale(row), exponent));
    }
    out_.values[i] = value;
    out_.gaps[i] = std::max(0.0, std::ldexp(bound, exponent) * system_.unit() - value);
    out_.status[i] = outcome == Simplex::Outcome::kOptimal ? Status::kOptimal : Status::kLimit;
  }

  const System& system_;
  const Interior& interior_;
  const MatrixView<double>& objectives_;
  LinearOptima& out_;
  std::vector<Entries>& duals_;
  Simplex simplex_;
  std::vector<double> objective_;
};

class ProjectionWriter {
 public:
  ProjectionWriter(const Polyhedra& polyhedra, const std::int64_t* which,
                   const MatrixView<double>& queries, PolyhedronProjections& out,
                   std::vector<Entries>& duals)
      : which_(which),
        queries_(queries),
        out_(out),
        duals_(duals),
        reader_(polyhedra, false),
        projection_(polyhedra.rows.cols),
        query_(static_cast<std::size_t>(polyhedra.rows.cols)) {}

  void operator()(std::ptrdiff_t first, std::ptrdiff_t last, const StopFlag& stop) {
    for (std::ptrdiff_t i = first; i < last && !stop; ++i) write(i, stop);
  }

 private:
  void write(std::ptrdiff_t i, const StopFlag& stop) {
    const System& system = reader_.read(which_[i]);
    const std::ptrdiff_t n = system.n_features();
    double* point = &out_.points[i * n];
    Status status = Status::kEmpty;
    if (system.contradiction() >= 0) {
      duals_[i].emplace_back(static_cast<std::int32_t>(system.contradiction()), 1.0);
    } else {
      for (std::ptrdiff_t j = 0; j < n; ++j) query_[j] = queries_.row(i)[j] / system.unit();
      status = projection_.project(system, query_.data(), stop);
      const double unit = status == Status::kEmpty ? 1.0 : system.unit();
      for (std::size_t k = 0; k < projection_.active().size(); ++k) {
        const std::ptrdiff_t row = projection_.active()[k];
        if (!(projection_.multipliers()[k] > 0.0)) continue;
        duals_[i].emplace_back(static_cast<std::int32_t>(system.given(row)),
                               projection_.multipliers()[k] * system.scale(row) * unit);
      }
    }
    out_.status[i] = status;
    if (status == Status::kEmpty) {
      std::fill_n(point, n, kNaN);
      out_.distances[i] = kInfinity;
      return;
    }
    for (std::ptrdiff_t j = 0; j < n; ++j) point[j] = projection_.point()[j] * system.unit();
    // A query in the polyhedron stays as it is, to the last bit.
    if (projection_.active().empty()) std::copy_n(queries_.row(i), n, point);
    out_.distances[i] = projection_.distance() * system.unit();
    out_.gaps[i] = projection_.gap() * system.unit();
  }

  const std::int64_t* which_;
  const MatrixView<double>& queries_;
  PolyhedronProjections& out_;
  std::vector<Entries>& duals_;
  SystemReader reader_;
  DualProjection projection_;
  std::vector<double> query_;
};

// Looks for rows that the others imply.
class RedundancyFinder {
 public:
  RedundancyFinder(const System& system, const Interior& interior, Irredundant& out,
                   const StopFlag& stop)
      : system_(system), interior_(interior), out_(out), stop_(stop) {}

  // From the last row to the first, so that of equal ones the first stays.
  void run() {
    for (std::ptrdiff_t i = 0; i < system_.n_rows(); ++i) {
      out_.kept[system_.given(i)] = system_.scale(i) > 0.0 ? 1 : 0;
    }
    start();
    for (std::ptrdiff_t i = system_.n_rows() - 1; i >= 0 && !stop_; --i) {
      if (out_.kept[i] != 0) test(i);
    }
  }

 private:
  void start() {
    simplex_.start(system_, interior_.point.data());
    for (std::ptrdiff_t i = 0; i < system_.n_rows(); ++i) {
      if (out_.kept[system_.given(i)] == 0) simplex_.leave_out(i);
    }
  }

  // Let the row reach farther, and see whether it can be broken.
  void test(std::ptrdiff_t given) {
    const std::ptrdiff_t i = system_.place_of(given);
    const double bound = system_.bounds()[i];
    simplex_.relax(i, std::max(1.0, std::abs(bound)));
    const Simplex::Outcome outcome = simplex_.maximize(system_.row(i), stop_);
    const double* point = simplex_.point();
    const double size = std::max(norm(point, system_.n_features()), std::abs(bound));
    if (simplex_.value() > bound + tolerances::kSlackRepaired * size) {
      for (std::ptrdiff_t j = 0; j < system_.n_features(); ++j) {
        out_.witnesses[given * system_.n_features() + j] = point[j] * system_.unit();
      }
      if (!simplex_.tighten(i, stop_)) start();
    } else if (outcome == Simplex::Outcome::kOptimal) {
      out_.kept[given] = 0;
      simplex_.leave_out(i);
    } else {
      out_.status = Status::kLimit;
      start();
    }
  }

  const System& system_;
  const Interior& interior_;
  Irredundant& out_;
  const StopFlag& stop_;
  Simplex simplex_;
};

}  // namespace

ChebyshevCenters chebyshev_centers(const Polyhedra& polyhedra, const Context& context) {
  require_shapes(polyhedra);
  const auto n = static_cast<std::size_t>(polyhedra.n_polyhedra);
  const auto n_features = static_cast<std::size_t>(polyhedra.rows.cols);
  ChebyshevCenters out;
  out.centers.resize(n * n_features);
  out.radii.resize(n);
  out.gaps.resize(n);
  out.rays.resize(n * n_features);
  out.status.resize(n);
  out.duals.resize(static_cast<std::size_t>(polyhedra.starts[n]));
  for_tasks(context, polyhedra.n_polyhedra, kMostPerTask,
            [&] { return CenterWriter(polyhedra, out); });
  return out;
}

LinearOptima maximize(const MatrixView<double>& rows, const double* bounds,
                      const MatrixView<double>& objectives, const Context& context) {
  const std::int64_t starts[] = {0, rows.rows};
  const Polyhedra polyhedron{rows, bounds, starts, 1};
  require_shapes(polyhedron);
  require_finite(objectives.data, objectives.rows * objectives.cols, "directions");
  const auto n = static_cast<std::size_t>(objectives.rows);
  const auto n_features = static_cast<std::size_t>(rows.cols);
  LinearOptima out;
  std::vector<Entries> duals(n);
  out.rays.resize(n * n_features);
  const Interior interior = find_interior(polyhedron, context);
  if (interior.status != Status::kOptimal) {
    const bool empty = interior.status == Status::kEmpty;
    out.values.assign(n, empty ? -kInfinity : kNaN);
    out.points.assign(n * n_features, kNaN);
    out.gaps.assign(n, empty ? 0.0 : kInfinity);
    out.status.assign(n, interior.status);
    std::fill(duals.begin(), duals.end(), interior.proof);
    out.duals = gather(duals);
    return out;
  }
  out.values.resize(n);
  out.points.resize(n * n_features);
  out.gaps.resize(n);
  out.status.resize(n);
  SystemReader reader(polyhedron, false);
  const System& system = reader.read(0);
  // Tasks are the same for any number of threads, and so are the vertices that they end at.
  std::atomic<std::ptrdiff_t> next{0};
  const std::ptrdiff_t n_tasks = (objectives.rows + kObjectivesPerTask - 1) / kObjectivesPerTask;
  run_workers(context, worker_count(context, n_tasks), [&](int, const StopFlag& stop) {
    OptimumWriter writer(system, interior, objectives, out, duals);
    for (std::ptrdiff_t task = next.fetch_add(1); task < n_tasks && !stop;
         task = next.fetch_add(1)) {
      const std::ptrdiff_t first = task * kObjectivesPerTask;
      writer(first, std::min(first + kObjectivesPerTask, objectives.rows), stop);
    }
  });
  out.duals = gather(duals);
  return out;
}

Irredundant irredundant(const MatrixView<double>& rows, const double* bounds,
                        const Context& context) {
  const std::int64_t starts[] = {0, rows.rows};
  const Polyhedra polyhedron{rows, bounds, starts, 1};
  require_shapes(polyhedron);
  Irredundant out;
  out.kept.resize(static_cast<std::size_t>(rows.rows));
  out.witnesses.resize(static_cast<std::size_t>(rows.rows * rows.cols));
  const Interior interior = find_interior(polyhedron, context);
  out.status = interior.status;
  if (interior.status != Status::kOptimal) return out;
  SystemReader reader(polyhedron, false);
  const System& system = reader.read(0);
  run_workers(context, 1, [&](int, const StopFlag& stop) {
    RedundancyFinder(system, interior, out, stop).run();
  });
  return out;
}

PolyhedronProjections project_onto(const Polyhedra& polyhedra, const std::int64_t* which,
                                   const MatrixView<double>& queries, const Context& context) {
  require_shapes(polyhedra);
  require_finite(queries.data, queries.rows * queries.cols, "points");
  const auto n = static_cast<std::size_t>(queries.rows);
  PolyhedronProjections out;
  out.points.resize(n * static_cast<std::size_t>(queries.cols));
  out.distances.resize(n);
  out.gaps.resize(n);
  out.status.resize(n);
  std::vector<Entries> duals(n);
  for_tasks(context, queries.rows, kMostPerTask,
            [&] { return ProjectionWriter(polyhedra, which, queries, out, duals); });
  out.duals = gather(duals);
  return out;
}

}  // namespace hullspace
