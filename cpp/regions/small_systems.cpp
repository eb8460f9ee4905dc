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

// A bound on |x - y| where y is orthogonal to all rows and equals x in the kept coordinate, for x
// that misses the rows by so much. `inverse`, whose rows are 2 n apart, is an approximate inverse X
// of the rows' matrix M without that coordinate: |X| |missed| / (1 - |I - X M|) (Higham,
// section 7.1).
std::optional<double> kernel_error(const double* rows, const double* inverse, std::ptrdiff_t n,
                                   std::ptrdiff_t kept, const double* missed,
                                   const double* doubts) {
  const double roundings = 2.0 * (static_cast<double>(n) + 5.0) * tolerances::kRoundoffDouble;
  double reach = 0.0;
  double rest = 0.0;
  for (std::ptrdiff_t c = 0; c < n; ++c) {
    const double* x = inverse + c * 2 * n;
    double own_reach = 0.0;
    for (std::ptrdiff_t i = 0; i < n; ++i) {
      own_reach += std::abs(x[i]) * (std::abs(missed[i]) + doubts[i]);
    }
    double own_rest = 0.0;
    for (std::ptrdiff_t i = 0; i < n; ++i) {
      double product = c == i ? -1.0 : 0.0;
      double size = 1.0;
      for (std::ptrdiff_t j = 0; j < n; ++j) {
        const double term = x[j] * rows[j * (n + 1) + i + (i < kept ? 0 : 1)];
        product += term;
        size += std::abs(term);
      }
      own_rest += std::abs(product) + roundings * size;
    }
    reach = std::max(reach, own_reach);
    rest = std::max(rest, own_rest);
  }
  if (!(rest < 0.5)) return std::nullopt;
  return 1.01 * reach / (1.0 - rest) + 2.0 * tolerances::kRoundoffDouble;
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

std::optional<double> refine_kernel(const double* rows, const double* doubts, std::ptrdiff_t n,
                                    std::ptrdiff_t kept, double* x, std::vector<double>& memory) {
  const std::ptrdiff_t width = 2 * n;
  memory.assign(static_cast<std::size_t>(n * width + n), 0.0);
  double* matrix = memory.data();
  double* missed = matrix + n * width;
  for (std::ptrdiff_t i = 0; i < n; ++i) {
    const double* row = rows + i * (n + 1);
    std::copy_n(row, kept, matrix + i * width);
    std::copy_n(row + kept + 1, n - kept, matrix + i * width + kept);
    matrix[i * width + n + i] = 1.0;
  }
  if (!eliminate(matrix, n, width, tolerances::kTiny)) return std::nullopt;
  const double* inverse = matrix + n;
  const auto miss = [&] {
    for (std::ptrdiff_t i = 0; i < n; ++i)
      missed[i] = std::inner_product(x, x + n + 1, rows + i * (n + 1), 0.0);
  };
  miss();
  for (std::ptrdiff_t c = 0; c < n; ++c) {
    const double step = std::inner_product(missed, missed + n, inverse + c * width, 0.0);
    double& own = x[c < kept ? c : c + 1];
    own = std::clamp(own - step, -1.0, 1.0);
  }
  miss();
  return kernel_error(rows, inverse, n, kept, missed, doubts);
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
