// The point of a polyhedron nearest to a query, by the dual active-set method of Goldfarb and
// Idnani, "A numerically stable dual method for solving strictly convex quadratic programs",
// Mathematical Programming 27 (1983), for the identity as Hessian: start at the query, let the most
// violated row enter, drop rows whose multipliers would turn negative.
#pragma once

#include <cstddef>
#include <vector>

#include "common/kernels.hpp"
#include "common/parallel.hpp"
#include "common/thin_qr.hpp"
#include "hullspace/status.hpp"
#include "polyhedron/system.hpp"

namespace hullspace {

class DualProjection {
 public:
  explicit DualProjection(std::ptrdiff_t n_features);

  // The query is in the system's units, n_features doubles. kOptimal, kEmpty, or kLimit, also if
  // `stop` is set.
  Status project(const System& system, const double* query, const StopFlag& stop);

  const double* point() const { return point_.data(); }
  double distance() const { return distance_; }
  // A verified lower bound of the distance is distance() - gap().
  double gap() const { return gap_; }
  // Rows with multipliers: query - point is their combination, or, if the polyhedron is empty,
  // their combination is zero and that of the bounds negative.
  const std::vector<std::ptrdiff_t>& active() const { return active_; }
  const std::vector<double>& multipliers() const { return multipliers_; }

 private:
  std::ptrdiff_t most_violated(const System& system);
  Status let_in(const System& system, std::ptrdiff_t row);
  bool is_feasible(const System& system);
  void go_back(const System& system);
  bool is_contradiction(const System& system, std::ptrdiff_t row) const;
  double find_step(const double* normal);
  std::ptrdiff_t first_dropped() const;
  void drop(std::ptrdiff_t place);
  void refine(const System& system);
  void combine_rows(const System& system);
  void find_misses(const System& system);
  void measure(const System& system);

  const Kernels& kernels_;
  std::ptrdiff_t n_;
  std::ptrdiff_t stride_;
  std::vector<double> query_;
  std::vector<double> point_;
  double distance_ = 0.0;
  double gap_ = 0.0;
  ThinQr qr_;  // of the active rows
  std::vector<std::ptrdiff_t> active_;
  std::vector<double> multipliers_;
  std::vector<std::ptrdiff_t> active_before_;
  std::vector<double> multipliers_before_;
  std::vector<std::ptrdiff_t> spared_;  // rows that the active ones imply up to rounding
  std::vector<double> coordinates_;
  std::vector<double> step_;  // change of the multipliers
  std::vector<double> along_;
  std::vector<double> values_;
};

}  // namespace hullspace
