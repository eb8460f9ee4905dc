// Cholesky factorization of dense symmetric positive definite matrices that are sums of products,
// in blocks, every part of it a product of packed panels: Golub and Van Loan, "Matrix
// Computations", 4th ed., section 4.2.6.
#pragma once

#include <cstddef>
#include <vector>

#include "common/kernels.hpp"

namespace hullspace {

class Cholesky {
 public:
  Cholesky() : kernels_(kernels()) {}

  // A matrix of zeros, (n, n).
  void reset(std::ptrdiff_t n);
  // Add the sum over k of weights[k] * (row k)^T (row k), for rows of n elements `stride` apart.
  void add_products(const double* rows, std::ptrdiff_t stride, std::ptrdiff_t count,
                    const double* weights);
  // Element of the lower triangle, row >= column.
  double& at(std::ptrdiff_t row, std::ptrdiff_t column) { return matrix_[row * stride_ + column]; }
  // Replace the matrix by its factor. A pivot that is not positive counts as infinite, which leaves
  // its unknown at zero.
  void factor();
  // Solve for one right-hand side in place.
  void solve(double* x) const;

 private:
  void pack(const double* rows, std::ptrdiff_t row_step, std::ptrdiff_t column_step,
            std::ptrdiff_t depth, std::ptrdiff_t width, const double* weights, int panel,
            std::vector<double>& out) const;
  void factor_block(std::ptrdiff_t first, std::ptrdiff_t size);
  void solve_panel(std::ptrdiff_t first, std::ptrdiff_t size);
  void update_rest(std::ptrdiff_t first, std::ptrdiff_t size);

  const Kernels& kernels_;
  std::ptrdiff_t n_ = 0;
  std::ptrdiff_t stride_ = 0;  // a multiple of every tile's sides
  std::vector<double> matrix_;
  std::vector<double> left_;  // packed
  std::vector<double> right_;
  std::vector<double> inverse_;  // of a factored block on the diagonal, transposed
};

}  // namespace hullspace
