#include "common/cholesky.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "gaussian.hpp"

using namespace hullspace;

// The factor solves the normal equations of weighted rows, whatever the blocks' sizes.
TEST_CASE("solutions satisfy the equations") {
  for (const std::ptrdiff_t n : {1, 5, 24, 47, 48, 49, 130}) {
    const std::ptrdiff_t count = n + 250;
    const std::vector<double> rows = tests::gaussian<double>(count * n, 1);
    std::vector<double> weights = tests::gaussian<double>(count, 2);
    for (double& weight : weights) weight *= weight;
    std::vector<double> matrix(n * n, 0.0);
    for (std::ptrdiff_t k = 0; k < count; ++k) {
      for (std::ptrdiff_t i = 0; i < n; ++i) {
        for (std::ptrdiff_t j = 0; j < n; ++j) {
          matrix[i * n + j] += weights[k] * rows[k * n + i] * rows[k * n + j];
        }
      }
    }
    Cholesky cholesky;
    cholesky.reset(n);
    cholesky.add_products(rows.data(), n, count, weights.data());
    for (std::ptrdiff_t i = 0; i < n; ++i) {
      for (std::ptrdiff_t j = 0; j <= i; ++j) {
        CHECK(std::abs(cholesky.at(i, j) - matrix[i * n + j]) < 1e-9);
      }
    }
    cholesky.factor();
    const std::vector<double> rhs = tests::gaussian<double>(n, 3);
    std::vector<double> x = rhs;
    cholesky.solve(x.data());
    for (std::ptrdiff_t i = 0; i < n; ++i) {
      double value = -rhs[i];
      for (std::ptrdiff_t j = 0; j < n; ++j) value += matrix[i * n + j] * x[j];
      CHECK(std::abs(value) < 1e-9);
    }
  }
}
