#include "polyhedron/system.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/thin_qr.hpp"
#include "decide/rows.hpp"

namespace hullspace {
namespace {

// Euclidean length, whatever the size of the numbers.
double length_of(const double* row, std::ptrdiff_t n) {
  double square = 0.0;
  for (std::ptrdiff_t j = 0; j < n; ++j) square += row[j] * row[j];
  if (decide::is_plain_square(square)) return std::sqrt(square);
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
  order_rows(rows);
  for (std::ptrdiff_t i = 0; i < n_rows; ++i)
    normalize(rows + given_[i] * n_features, i, with_radius);
}

// Rows of several features first, then the others with the feature that they hold, or the first.
void System::order_rows(const double* rows) {
  const auto size = static_cast<std::size_t>(n_rows_);
  given_.resize(size);
  places_.resize(size);
  features_.clear();
  n_dense_ = 0;
  single_.clear();
  for (std::ptrdiff_t i = 0; i < n_rows_; ++i) {
    const double* row = rows + i * n_features_;
    std::ptrdiff_t first = 0;
    while (first + 1 < n_features_ && row[first] == 0.0) ++first;
    std::ptrdiff_t next = first + 1;
    while (next < n_features_ && row[next] == 0.0) ++next;
    if (next < n_features_) {
      given_[n_dense_++] = i;
    } else {
      single_.push_back(i);
      features_.push_back(first);
    }
  }
  std::copy(single_.begin(), single_.end(), given_.begin() + n_dense_);
  for (std::ptrdiff_t i = 0; i < n_rows_; ++i) places_[given_[i]] = i;
}

void System::normalize(const double* given, std::ptrdiff_t i, bool with_radius) {
  double* row = &rows_[i * stride_];
  const double length =
      i < n_dense_ ? length_of(given, n_features_) : std::abs(given[features_[i - n_dense_]]);
  const double inverse = decide::row_scale(length);
  scales_[i] = inverse;
  if (length == 0.0) return;
  if (decide::must_divide(inverse)) {
    for (std::ptrdiff_t j = 0; j < n_features_; ++j) row[j] = given[j] / length;
  } else {
    for (std::ptrdiff_t j = 0; j < n_features_; ++j) row[j] = given[j] * inverse;
  }
  if (with_radius) row[n_features_] = 1.0;
}

void System::products(const double* x, double* out) const {
  kernels_.dots(rows_.data(), stride_, n_dense_, x, stride_, out);
  const double radius = n_variables_ > n_features_ ? x[n_features_] : 0.0;
  for (std::ptrdiff_t i = n_dense_; i < n_rows_; ++i) {
    const std::ptrdiff_t j = features_[i - n_dense_];
    out[i] = row(i)[j] * x[j] + (scales_[i] > 0.0 ? radius : 0.0);
  }
}

void System::row_products(std::ptrdiff_t i, const double* vectors, std::ptrdiff_t count,
                          double* out) const {
  if (i < n_dense_) return kernels_.dots(vectors, stride_, count, row(i), stride_, out);
  const std::ptrdiff_t j = features_[i - n_dense_];
  const double factor = row(i)[j];
  const std::ptrdiff_t last = n_variables_ - 1;
  const double radius = n_variables_ > n_features_ ? row(i)[last] : 0.0;
  for (std::ptrdiff_t k = 0; k < count; ++k) {
    out[k] = factor * vectors[k * stride_ + j] + radius * vectors[k * stride_ + last];
  }
}

void System::find_start(double* x) const {
  std::fill_n(x, stride_, 0.0);
  find_middle(x);
  std::vector<double> values(static_cast<std::size_t>(n_rows_));
  products(x, values.data());
  double radius = std::numeric_limits<double>::infinity();
  for (std::ptrdiff_t i = 0; i < n_rows_; ++i) radius = std::min(radius, bounds_[i] - values[i]);
  x[n_features_] = std::isfinite(radius) ? radius : 0.0;
}

// The middle of the box; on its side, or zero, where it is unbounded.
void System::find_middle(double* x) const {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  std::fill_n(x, n_features_, -kInfinity);
  std::vector<double> highs(static_cast<std::size_t>(n_features_), kInfinity);
  for (std::ptrdiff_t i = n_dense_; i < n_rows_; ++i) {
    const std::ptrdiff_t j = features_[i - n_dense_];
    const double side = row(i)[j];  // 1 or -1
    if (!std::isfinite(bounds_[i])) continue;
    if (side > 0.0) highs[j] = std::min(highs[j], bounds_[i]);
    if (side < 0.0) x[j] = std::max(x[j], -bounds_[i]);
  }
  for (std::ptrdiff_t j = 0; j < n_features_; ++j) {
    x[j] = decide::start_between(x[j], highs[j]);
  }
}

void System::add_combination(const double* factors, double* x) const {
  kernels_.combine(rows_.data(), stride_, n_dense_, factors, x, stride_);
  const bool with_radius = n_variables_ > n_features_;
  for (std::ptrdiff_t i = n_dense_; i < n_rows_; ++i) {
    const std::ptrdiff_t j = features_[i - n_dense_];
    x[j] += factors[i] * row(i)[j];
    if (with_radius) x[n_features_] += factors[i] * row(i)[n_features_];
  }
}

void System::add_products(const double* weights, Cholesky& matrix) const {
  matrix.add_products(rows_.data(), stride_, n_dense_, weights);
  const bool with_radius = n_variables_ > n_features_;
  for (std::ptrdiff_t i = n_dense_; i < n_rows_; ++i) {
    const std::ptrdiff_t j = features_[i - n_dense_];
    matrix.at(j, j) += weights[i] * row(i)[j] * row(i)[j];
    if (!with_radius) continue;
    const double radius = row(i)[n_features_];
    matrix.at(n_features_, j) += weights[i] * row(i)[j] * radius;
    matrix.at(n_features_, n_features_) += weights[i] * radius * radius;
  }
}

void System::set_bounds(const double* bounds) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  bounds_.resize(static_cast<std::size_t>(n_rows_));
  contradiction_ = -1;
  sizes_.clear();
  for (std::ptrdiff_t i = 0; i < n_rows_; ++i) {
    const double bound = bounds[given_[i]];
    bounds_[i] = bound * scales_[i];
    if (decide::is_contradiction(scales_[i], bound) && contradiction_ < 0) {
      contradiction_ = given_[i];
    }
    if (scales_[i] == 0.0) {
      bounds_[i] = kInfinity;
    } else if (decide::has_size(bounds_[i])) {
      sizes_.push_back(std::abs(bounds_[i]));
    }
  }
  int exponent = 0;
  if (!sizes_.empty()) {
    const auto middle = sizes_.begin() + decide::quartile(std::ssize(sizes_));
    std::nth_element(sizes_.begin(), middle, sizes_.end());
    std::frexp(*middle, &exponent);
  }
  exponent = std::clamp(exponent, -decide::kMostExponent, decide::kMostExponent);
  unit_ = std::ldexp(1.0, exponent);
  const double inverse = std::ldexp(1.0, -exponent);
  for (double& bound : bounds_) bound *= inverse;
}

}  // namespace hullspace
