#include <algorithm>
#include <cmath>
#include <limits>

#include "polyhedron/batch.hpp"

namespace hullspace {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// Objectives that start from one another's optimum.
constexpr std::ptrdiff_t kObjectivesPerTask = 32;

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
      duals_[i].emplace_back(static_cast<std::int32_t>(system_.given(row)),
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

}  // namespace

LinearOptima maximize(const MatrixView<double>& rows, std::span<const double> bounds,
                      const MatrixView<double>& objectives, const Context& context) {
  const std::int64_t starts[] = {0, rows.rows};
  const Polyhedra polyhedron{rows, bounds, starts};
  require_valid(polyhedron);
  require_finite(objectives.elements(), "directions");
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
  for_tasks(context, objectives.rows, kObjectivesPerTask,
            [&] { return OptimumWriter(system, interior, objectives, out, duals); });
  out.duals = gather(duals);
  return out;
}

}  // namespace hullspace
