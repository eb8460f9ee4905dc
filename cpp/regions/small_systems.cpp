#include "regions/small_systems.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "common/tolerances.hpp"

namespace hullspace {
namespace {

// Solve sum of factors[i] * rows[chosen[i]] = target by elimination. False if the rows depend on
// each other or a factor is negative.
bool solve_combination(const std::vector<double>& rows, std::ptrdiff_t n,
                       const std::vector<double>& target, const std::vector<std::ptrdiff_t>& chosen,
                       std::vector<double>& factors) {
  std::vector<double> matrix(static_cast<std::size_t>(n * (n + 1)));
  const auto at = [&](std::ptrdiff_t i, std::ptrdiff_t j) -> double& {
    return matrix[i * (n + 1) + j];
  };
  for (std::ptrdiff_t j = 0; j < n; ++j) {
    double size = 0.0;
    for (std::ptrdiff_t i = 0; i < n; ++i) size = std::max(size, std::abs(rows[chosen[j] * n + i]));
    if (size == 0.0) return false;
    for (std::ptrdiff_t i = 0; i < n; ++i) at(i, j) = rows[chosen[j] * n + i] / size;
  }
  for (std::ptrdiff_t i = 0; i < n; ++i) at(i, n) = target[i];
  if (!eliminate(matrix.data(), n, n + 1, tolerances::kDependentRow)) return false;
  factors.resize(static_cast<std::size_t>(n));
  double largest = 0.0;
  for (std::ptrdiff_t k = 0; k < n; ++k) {
    factors[k] = at(k, n);
    largest = std::max(largest, std::abs(factors[k]));
  }
  for (std::ptrdiff_t k = 0; k < n; ++k) {
    if (factors[k] < -tolerances::kNegativeMultiplier * largest) return false;
    if (factors[k] < tolerances::kNoMultiplier * largest) factors[k] = 0.0;
    double size = 0.0;
    for (std::ptrdiff_t i = 0; i < n; ++i) size = std::max(size, std::abs(rows[chosen[k] * n + i]));
    factors[k] = std::max(factors[k], 0.0) / size;
  }
  return true;
}

}  // namespace

std::optional<double> eliminate(double* matrix, std::ptrdiff_t n, std::ptrdiff_t width,
                                double least) {
  double determinant = 1.0;
  for (std::ptrdiff_t k = 0; k < n; ++k) {
    std::ptrdiff_t best = k;
    for (std::ptrdiff_t i = k + 1; i < n; ++i) {
      if (std::abs(matrix[i * width + k]) > std::abs(matrix[best * width + k])) best = i;
    }
    const double pivot = matrix[best * width + k];
    if (!(std::abs(pivot) > least)) return std::nullopt;
    determinant *= pivot;
    if (best != k) {
      determinant = -determinant;
      std::swap_ranges(matrix + k * width, matrix + (k + 1) * width, matrix + best * width);
    }
    for (std::ptrdiff_t j = k; j < width; ++j) matrix[k * width + j] /= pivot;
    for (std::ptrdiff_t i = 0; i < n; ++i) {
      const double factor = matrix[i * width + k];
      if (i == k || factor == 0.0) continue;
      for (std::ptrdiff_t j = k; j < width; ++j) {
        matrix[i * width + j] -= factor * matrix[k * width + j];
      }
    }
  }
  return determinant;
}

bool find_cone_combination(const std::vector<double>& rows, std::ptrdiff_t n,
                           const std::vector<double>& target, std::vector<std::ptrdiff_t>& chosen,
                           std::vector<double>& factors) {
  constexpr int kMostChoices = 20000;
  const auto n_rows = n > 0 ? static_cast<std::ptrdiff_t>(rows.size()) / n : 0;
  chosen.resize(static_cast<std::size_t>(n));
  std::iota(chosen.begin(), chosen.end(), 0);
  factors.clear();
  if (n_rows < n) return false;
  for (int choice = 0; choice < kMostChoices; ++choice) {
    if (solve_combination(rows, n, target, chosen, factors)) return true;
    // The next choice in lexicographic order.
    std::ptrdiff_t place = n - 1;
    while (place >= 0 && chosen[place] == n_rows - n + place) --place;
    if (place < 0) return false;
    ++chosen[place];
    for (std::ptrdiff_t i = place + 1; i < n; ++i) chosen[i] = chosen[i - 1] + 1;
  }
  return false;
}

}  // namespace hullspace
