#include "polyhedron/interior_point.hpp"

#include <algorithm>
#include <cmath>

#include "common/tolerances.hpp"

namespace hullspace {
namespace {

constexpr int kMostIterations = 60;
// Share of the way to the boundary that a step goes.
constexpr double kShare = 0.995;

}  // namespace

void InteriorPoint::start(const System& system) {
  const auto n_rows = static_cast<std::size_t>(system.n_rows());
  const auto stride = static_cast<std::size_t>(system.stride());
  point_.resize(stride);
  system.find_start(point_.data());
  point_[system.n_features()] -= 1.0;
  row_values_.resize(n_rows);
  system.products(point_.data(), row_values_.data());
  slacks_.resize(n_rows);
  // Rows of zeros have infinite bounds: they get no weight and no multiplier.
  double n_real = 0.0;
  for (const double bound : system.bounds()) n_real += std::isfinite(bound) ? 1.0 : 0.0;
  multipliers_.resize(n_rows);
  for (std::size_t i = 0; i < n_rows; ++i) {
    const bool real = std::isfinite(system.bounds()[i]);
    slacks_[i] = real ? system.bounds()[i] - row_values_[i] : 1.0;
    multipliers_[i] = real ? 1.0 / n_real : 0.0;
  }
  targets_.resize(n_rows);
  weights_.resize(n_rows);
  slack_steps_.resize(n_rows);
  multiplier_steps_.resize(n_rows);
  dual_residual_.resize(stride);
  point_step_.resize(stride);
}

// The matrix of the normal equations: rows^T diag(multiplier / slack) rows.
void InteriorPoint::factor(const System& system) {
  for (std::size_t i = 0; i < weights_.size(); ++i) weights_[i] = multipliers_[i] / slacks_[i];
  cholesky_.reset(system.n_variables());
  system.add_products(weights_.data(), cholesky_);
  cholesky_.factor();
}

// The Newton step for the targets and the residual that is left.
void InteriorPoint::find_step(const System& system) {
  const std::size_t n_rows = slacks_.size();
  for (std::size_t i = 0; i < n_rows; ++i) row_values_[i] = -targets_[i] / slacks_[i];
  std::copy(dual_residual_.begin(), dual_residual_.end(), point_step_.begin());
  system.add_combination(row_values_.data(), point_step_.data());
  cholesky_.solve(point_step_.data());
  std::fill(point_step_.begin() + system.n_variables(), point_step_.end(), 0.0);
  system.products(point_step_.data(), row_values_.data());
  for (std::size_t i = 0; i < n_rows; ++i) {
    slack_steps_[i] = weights_[i] > 0.0 ? -row_values_[i] : 0.0;
    multiplier_steps_[i] = (targets_[i] - multipliers_[i] * slack_steps_[i]) / slacks_[i];
  }
}

// The largest step, at most one, that keeps all values from turning negative.
double InteriorPoint::longest(const std::vector<double>& values,
                              const std::vector<double>& steps) const {
  double length = 1.0 / kShare;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (steps[i] < 0.0) length = std::min(length, -values[i] / steps[i]);
  }
  return std::min(1.0, kShare * length);
}

bool InteriorPoint::solve(const System& system, const StopFlag& stop) {
  start(system);
  for (int iteration = 0; iteration < kMostIterations && !stop; ++iteration) {
    const double residual = find_dual_residual(system);
    const double product = dot(slacks_.data(), multipliers_.data(), std::ssize(slacks_));
    const double size = norm(point_.data(), system.n_variables());
    if (product <= tolerances::kInteriorGap * size && residual <= tolerances::kInteriorResidual) {
      return point_[system.n_features()] > tolerances::kInteriorLeastRadius * size;
    }
    iterate(system, product);
  }
  return false;
}

// The objective less the rows' combination by the multipliers; returns its norm.
double InteriorPoint::find_dual_residual(const System& system) {
  for (std::size_t i = 0; i < multipliers_.size(); ++i) row_values_[i] = -multipliers_[i];
  std::fill(dual_residual_.begin(), dual_residual_.end(), 0.0);
  dual_residual_[system.n_features()] = 1.0;
  system.add_combination(row_values_.data(), dual_residual_.data());
  return norm(dual_residual_.data(), system.n_variables());
}

// Predictor, corrector, step; `product` is that of slacks and multipliers.
void InteriorPoint::iterate(const System& system, double product) {
  factor(system);
  // As if the products could vanish.
  for (std::size_t i = 0; i < targets_.size(); ++i) targets_[i] = -slacks_[i] * multipliers_[i];
  find_step(system);
  const double primal = longest(slacks_, slack_steps_);
  const double dual = longest(multipliers_, multiplier_steps_);
  double left = 0.0;
  double n_real = 0.0;
  for (std::size_t i = 0; i < targets_.size(); ++i) {
    n_real += multipliers_[i] > 0.0 ? 1.0 : 0.0;
    left +=
        (slacks_[i] + primal * slack_steps_[i]) * (multipliers_[i] + dual * multiplier_steps_[i]);
  }
  const double ratio = left / product;
  const double center = ratio * ratio * ratio * product / n_real;
  for (std::size_t i = 0; i < targets_.size(); ++i) {
    if (weights_[i] > 0.0) targets_[i] += center - slack_steps_[i] * multiplier_steps_[i];
  }
  find_step(system);
  const double primal_length = longest(slacks_, slack_steps_);
  const double dual_length = longest(multipliers_, multiplier_steps_);
  for (std::ptrdiff_t j = 0; j < system.n_variables(); ++j) {
    point_[j] += primal_length * point_step_[j];
  }
  for (std::size_t i = 0; i < slacks_.size(); ++i) {
    slacks_[i] += primal_length * slack_steps_[i];
    multipliers_[i] += dual_length * multiplier_steps_[i];
  }
}

}  // namespace hullspace
