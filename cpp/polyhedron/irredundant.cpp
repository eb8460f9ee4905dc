#include <algorithm>
#include <cmath>

#include "common/kernels.hpp"
#include "common/tolerances.hpp"
#include "polyhedron/batch.hpp"

namespace hullspace {
namespace {

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
    Simplex::Outcome outcome = simplex_.maximize(system_.row(i), stop_);
    if (outcome == Simplex::Outcome::kLimit) {
      // From afar, what rounding has lost on the way here counts no longer.
      start();
      simplex_.relax(i, std::max(1.0, std::abs(bound)));
      outcome = simplex_.maximize(system_.row(i), stop_);
    }
    const double* point = simplex_.point();
    const double size =
        std::max({norm(point, system_.n_features()), std::abs(bound), tolerances::kSmallestSize});
    if (simplex_.value() > bound + tolerances::kSlackRepaired * size) {
      write_witness(given, i);
      if (!simplex_.tighten(i, stop_)) start();
    } else if (outcome == Simplex::Outcome::kOptimal) {
      out_.kept[given] = 0;
      simplex_.leave_out(i);
    } else {
      out_.status = Status::kLimit;
      start();
    }
  }

  // Halfway from the optimum, which other rows touch, to where the way to the start keeps this row.
  void write_witness(std::ptrdiff_t given, std::ptrdiff_t i) {
    const std::ptrdiff_t n = system_.n_features();
    const double* from = simplex_.point();
    const double* to = interior_.point.data();
    const double excess = dot(system_.row(i), from, n) - system_.bounds()[i];
    const double slack = std::max(0.0, system_.bounds()[i] - dot(system_.row(i), to, n));
    const double share = 0.5 * excess / (excess + slack);
    for (std::ptrdiff_t j = 0; j < n; ++j) {
      out_.witnesses[given * n + j] = (from[j] + share * (to[j] - from[j])) * system_.unit();
    }
  }

  const System& system_;
  const Interior& interior_;
  Irredundant& out_;
  const StopFlag& stop_;
  Simplex simplex_;
};

}  // namespace

Irredundant irredundant(const MatrixView<double>& rows, std::span<const double> bounds,
                        const Context& context) {
  const std::int64_t starts[] = {0, rows.rows};
  const Polyhedra polyhedron{rows, bounds, starts};
  require_valid(polyhedron);
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

}  // namespace hullspace
