#include "polyhedron/system.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/kernels.hpp"
#include "common/thin_qr.hpp"

namespace hullspace {
namespace {

// Squares of numbers between these neither overflow nor lose what matters.
constexpr double kTiny = 0x1p-500;
constexpr double kHuge = 0x1p500;

// Euclidean length, whatever the size of the numbers.
double length_of(const double* row, std::ptrdiff_t n) {
  double square = 0.0;
  for (std::ptrdiff_t j = 0; j < n; ++j) square += row[j] * row[j];
  if (square > kTiny && square < kHuge) return std::sqrt(square);
  double largest = 0.0;
  for (std::ptrdiff_t j = 0; j < n; ++j) largest = std::max(largest, std::abs(row[j]));
  if (largest == 0.0) return 0.0;
  square = 0.0;
  for (std::ptrdiff_t j = 0; j < n; ++j) square += (row[j] / largest) * (row[j] / largest);
  return largest * std::sqrt(square);
}

}  // namespace

void System::set_rows(const double* rows, std::ptrdiff_t n_rows, std::ptrdiff_t n_features,
                      bool with_radius) {
  n_rows_ = n_rows;
  n_features_ = n_features;
  n_variables_ = n_features + (with_radius ? 1 : 0);
  stride_ = ThinQr::padded(n_variables_);
  rows_.assign(static_cast<std::size_t>(n_rows * stride_), 0.0);
  scales_.resize(static_cast<std::size_t>(n_rows));
  for (std::ptrdiff_t i = 0; i < n_rows; ++i) {
    const double* given = rows + i * n_features;
    double* row = &rows_[i * stride_];
    const double length = length_of(given, n_features);
    const double inverse = length > 0.0 ? 1.0 / length : 0.0;
    scales_[i] = inverse;
    if (length == 0.0) continue;
    if (std::isinf(inverse) || inverse == 0.0) {
      for (std::ptrdiff_t j = 0; j < n_features; ++j) row[j] = given[j] / length;
    } else {
      for (std::ptrdiff_t j = 0; j < n_features; ++j) row[j] = given[j] * inverse;
    }
    if (with_radius) row[n_features] = 1.0;
  }
}

void System::set_bounds(const double* bounds) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  bounds_.resize(static_cast<std::size_t>(n_rows_));
  contradiction_ = -1;
  double largest = 0.0;
  for (std::ptrdiff_t i = 0; i < n_rows_; ++i) {
    bounds_[i] = bounds[i] * scales_[i];
    if (scales_[i] == 0.0) {
      if (bounds[i] < 0.0 && contradiction_ < 0) contradiction_ = i;
      bounds_[i] = kInfinity;
    } else if (std::isfinite(bounds_[i])) {
      largest = std::max(largest, std::abs(bounds_[i]));
    }
  }
  int exponent = 0;
  if (largest > 0.0) std::frexp(largest, &exponent);
  exponent = std::clamp(exponent, -1000, 1000);
  unit_ = std::ldexp(1.0, exponent);
  const double inverse = std::ldexp(1.0, -exponent);
  for (double& bound : bounds_) bound *= inverse;
}

}  // namespace hullspace
