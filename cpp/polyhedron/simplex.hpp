// The simplex method for max c . x over {x : rows x <= bounds} with free x.
//
// A vertex is kept as n active rows B and the inverse of their matrix: edge k, a column of B^-1,
// moves along all active rows but the k-th. Pricing is steepest edge with exact lengths, which the
// explicit inverse gives for free (Goldfarb and Reid, Mathematical Programming 12, 1977). Places
// that no row has taken hold coordinates that are still free; they are filled along the gradient in
// the space that is left, so any feasible point is a start and no vertex has to exist. What
// rounding or shifted bounds leave infeasible is repaired by the dual simplex method on the same
// inverse.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/kernels.hpp"
#include "common/parallel.hpp"
#include "common/tolerances.hpp"
#include "polyhedron/system.hpp"

namespace hullspace {

class Simplex {
 public:
  enum class Outcome { kOptimal, kUnbounded, kLimit };

  Simplex() : kernels_(kernels()) {}

  // Work on this system, which must outlive the calls, from a feasible point, n_variables doubles,
  // with no row active.
  void start(const System& system, const double* point);
  // Relax the bound of a row by this much more than nothing; the point stays feasible.
  void relax(std::ptrdiff_t row, double offset);
  // Let the row count no longer; it must not be active.
  void leave_out(std::ptrdiff_t row) { relax(row, kNever); }
  // Take the bound of a row as it is again, and go from the last optimum to that of the objective
  // over what is feasible now. False if that fails; then only start() helps.
  bool tighten(std::ptrdiff_t row, const StopFlag& stop);

  // Go to an optimum for `objective`, n_variables doubles padded with zeros, from where the last
  // call ended. kLimit also if `stop` is set.
  Outcome maximize(const double* objective, const StopFlag& stop);

  const double* point() const { return point_.data(); }
  // After kUnbounded: a direction in which the objective grows for ever.
  const double* ray() const { return direction_.data(); }
  // Active rows, -1 where a place is free, and their multipliers.
  const std::vector<std::ptrdiff_t>& active() const { return active_; }
  const std::vector<double>& multipliers() const { return multipliers_; }
  double value() const;

 private:
  static constexpr double kNever = 1e308;

  Outcome climb(const StopFlag& stop);
  bool repair(const StopFlag& stop);
  std::ptrdiff_t choose_direction();
  std::ptrdiff_t blocking_row(double length);
  void move(std::ptrdiff_t row, std::ptrdiff_t place);
  void replace(std::ptrdiff_t place, std::ptrdiff_t row);
  std::ptrdiff_t leaving_place() const;
  void find_multipliers();
  void find_slacks();
  void settle();
  bool settle_point();
  bool settle_multipliers();
  void shift_bounds();
  void remove_shifts();
  bool refactor();
  bool invert(std::vector<double>& matrix, std::vector<double>& inverse) const;
  double size() const;
  double noise() const;
  std::int64_t most_steps() const;
  double* edge(std::ptrdiff_t k) { return &edges_[k * stride_]; }

  const Kernels& kernels_;
  const System* system_ = nullptr;
  std::ptrdiff_t n_ = 0;  // variables
  std::ptrdiff_t stride_ = 0;
  std::vector<std::ptrdiff_t> active_;  // row of each place, or -1
  std::vector<double> edges_;           // (n, stride): columns of the inverse
  std::vector<double> squares_;         // of the edges' lengths
  std::vector<double> multipliers_;     // (n)
  std::vector<double> priced_;          // the multipliers of active rows, zero for free places
  std::vector<double> objective_;
  double objective_length_ = 0.0;
  std::vector<double> point_;
  std::vector<double> direction_;
  std::vector<double> slacks_;
  std::vector<double> speeds_;
  std::vector<double> factors_;
  std::vector<double> slack_offsets_;  // what the bounds are relaxed by, kNever if left out
  std::vector<double> shifts_;         // against stalling, removed at the end
  bool shifted_ = false;
  double slow_ = tolerances::kSlowRow;  // speed of a row that is a poor pivot
  std::ptrdiff_t n_free_ = 0;
  std::ptrdiff_t n_stalled_ = 0;
  std::uint64_t seed_ = 0;
};

}  // namespace hullspace
