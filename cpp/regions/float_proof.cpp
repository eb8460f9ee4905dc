#include "regions/float_proof.hpp"

#include <algorithm>
#include <cmath>

#include "common/tolerances.hpp"
#include "regions/small_systems.hpp"

namespace hullspace {
namespace {

constexpr double kRoundoff = tolerances::kRoundoffDouble;
// Systems with more unknowns are not inverted.
constexpr std::ptrdiff_t kLargestSystem = 32;

// Whether the constraints on single coordinates keep all of them within [-1, 1].
bool is_in_box(std::ptrdiff_t d, const std::vector<double>& constraints) {
  std::vector<char> above(static_cast<std::size_t>(d), 0);
  std::vector<char> below(static_cast<std::size_t>(d), 0);
  for (std::size_t first = 0; first < constraints.size(); first += static_cast<std::size_t>(d)) {
    const double* row = &constraints[first];
    const std::ptrdiff_t n_slopes =
        std::count_if(row, row + d - 1, [](double x) { return x != 0.0; });
    if (n_slopes != 1) continue;
    const std::ptrdiff_t c =
        std::find_if(row, row + d - 1, [](double x) { return x != 0.0; }) - row;
    if (!(row[d - 1] <= std::abs(row[c]))) continue;
    (row[c] < 0.0 ? above : below)[c] = 1;
  }
  return std::count(above.begin(), above.end() - 1, 1) == d - 1 &&
         std::count(below.begin(), below.end() - 1, 1) == d - 1;
}

}  // namespace

FloatProof::FloatProof(std::ptrdiff_t n_coefficients, const std::vector<double>& constraints)
    : d_(n_coefficients), bounded_(is_in_box(n_coefficients, constraints)) {}

void FloatProof::start(const double* function, double sign, double error) {
  function_.assign(function, function + d_);
  for (double& x : function_) x *= sign;
  function_error_ = error;
  terms_.clear();
  errors_.clear();
}

void FloatProof::add(const double* row, double sign, double error, double multiplier) {
  for (std::ptrdiff_t c = 0; c < d_; ++c) terms_.push_back(sign * multiplier * row[c]);
  errors_.push_back(multiplier * error);
}

bool FloatProof::is_positive() {
  sum_up();
  if (!std::isfinite(error_)) return false;
  if (bounded_) {
    double least = rest_[d_ - 1] - error_;
    for (std::ptrdiff_t c = 0; c + 1 < d_; ++c) least -= std::abs(rest_[c]);
    if (least > 0.0) return true;
  }
  return static_cast<std::ptrdiff_t>(errors_.size()) == d_ - 1 && cancels();
}

// What the terms leave of the function, and how far it may be off, here and in sums of it.
void FloatProof::sum_up() {
  const auto n_terms = static_cast<std::ptrdiff_t>(errors_.size());
  rest_ = function_;
  error_ = function_error_;
  double size = 0.0;
  for (const double x : function_) size += std::abs(x);
  for (std::ptrdiff_t i = 0; i < n_terms; ++i) {
    error_ += errors_[i];
    for (std::ptrdiff_t c = 0; c < d_; ++c) {
      rest_[c] -= terms_[i * d_ + c];
      size += std::abs(terms_[i * d_ + c]);
    }
  }
  const double roundings = 2.0 * static_cast<double>(n_terms + d_) + 8.0;
  error_ = (error_ + roundings * kRoundoff * size) * 1.01 + tolerances::kTiny;
}

// Whether factors near one of the terms, 1 + z, make the slopes cancel and leave what is positive.
// With the terms' slopes as columns of B and an approximate inverse X, |I - X B| <= defect < 1
// bounds z by |X| |rest| / (1 - defect).
bool FloatProof::cancels() {
  const std::ptrdiff_t n = d_ - 1;
  if (n == 0 || n > kLargestSystem) return false;
  const std::ptrdiff_t width = 2 * n;
  matrix_.assign(static_cast<std::size_t>(n * width), 0.0);
  for (std::ptrdiff_t c = 0; c < n; ++c) {
    for (std::ptrdiff_t i = 0; i < n; ++i) matrix_[c * width + i] = terms_[i * d_ + c];
    matrix_[c * width + n + c] = 1.0;
  }
  if (!eliminate(matrix_.data(), n, width, tolerances::kTiny)) return false;
  const double roundings = 2.0 * (static_cast<double>(n) + 4.0) * kRoundoff;
  double defect = 0.0;
  double most = 0.0;
  for (std::ptrdiff_t i = 0; i < n; ++i) {
    const double* inverse = &matrix_[i * width + n];
    double own = 0.0;
    double step = 0.0;
    for (std::ptrdiff_t c = 0; c < n; ++c) {
      step += std::abs(inverse[c]) * (std::abs(rest_[c]) + error_);
    }
    for (std::ptrdiff_t k = 0; k < n; ++k) {
      double entry = i == k ? -1.0 : 0.0;
      double doubt = roundings;
      for (std::ptrdiff_t c = 0; c < n; ++c) {
        const double x = inverse[c] * terms_[k * d_ + c];
        entry += x;
        doubt += roundings * std::abs(x) + std::abs(inverse[c]) * errors_[k];
      }
      own += std::abs(entry) + doubt;
    }
    defect = std::max(defect, own);
    most = std::max(most, step);
  }
  const double z = 1.01 * most / (1.0 - defect);
  if (!(defect < 0.5 && z < 0.5)) return false;
  double constants = 0.0;
  for (std::ptrdiff_t i = 0; i < n; ++i) constants += std::abs(terms_[i * d_ + n]) + errors_[i];
  return rest_[n] - error_ - 1.01 * z * constants > 0.0;
}

}  // namespace hullspace
