// The largest ball by Mehrotra's predictor-corrector method ("On the implementation of a
// primal-dual interior point method", SIAM Journal on Optimization 2, 1992), for problems of so
// many features that a few factorizations cost less than the simplex method's steps.
//
// max c . v over rows v + s = bounds, s >= 0, with v = (x, r). A point strictly inside the
// constraints is at hand, so primal residuals stay zero.
#pragma once

#include <cstddef>
#include <vector>

#include "common/cholesky.hpp"
#include "common/parallel.hpp"
#include "polyhedron/system.hpp"

namespace hullspace {

class InteriorPoint {
 public:
  // False if it does not converge to a ball of positive radius, which the simplex method can
  // explain, or `stop` is set.
  bool solve(const System& system, const StopFlag& stop);

  const double* point() const { return point_.data(); }                    // with the radius last
  const std::vector<double>& multipliers() const { return multipliers_; }  // (n_rows)

 private:
  void start(const System& system);
  double find_dual_residual(const System& system);
  void iterate(const System& system, double product);
  void factor(const System& system);
  void find_step(const System& system);
  double longest(const std::vector<double>& values, const std::vector<double>& steps) const;

  Cholesky cholesky_;
  std::vector<double> point_;
  std::vector<double> slacks_;
  std::vector<double> multipliers_;
  std::vector<double> dual_residual_;
  std::vector<double> targets_;  // what slack times multiplier is to change by
  std::vector<double> weights_;
  std::vector<double> point_step_;
  std::vector<double> slack_steps_;
  std::vector<double> multiplier_steps_;
  std::vector<double> row_values_;
};

}  // namespace hullspace
