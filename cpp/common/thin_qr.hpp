// Thin QR factorization of a matrix whose columns come and go.
//
// Appending orthogonalizes against the kept columns (Gram-Schmidt, repeated where needed),
// removing restores the triangle with Givens rotations: Golub and Van Loan, "Matrix
// Computations", 4th ed., sections 5.2.8 and 6.5.2.
#pragma once

#include <cstddef>
#include <vector>

#include "common/kernels.hpp"
#include "common/triangle.hpp"

namespace hullspace {

class ThinQr {
 public:
  explicit ThinQr(std::ptrdiff_t n_rows);

  // Length to which vectors given to a factorization with `n_rows` rows are padded with zeros.
  static std::ptrdiff_t padded(std::ptrdiff_t n_rows) {
    return (n_rows + kColumnAlignment - 1) / kColumnAlignment * kColumnAlignment;
  }

  std::ptrdiff_t size() const { return r_.size(); }
  void clear() { r_.clear(); }

  // False, leaving everything as it was, if the column depends on the others.
  bool append(const double* column);
  // Also turns `coordinates` into those along the new columns; its last element becomes void.
  void remove(std::ptrdiff_t column, double* coordinates);

  // out = Q^T v
  void coordinates(const double* v, double* out) const;
  // v -= Q coordinates, overwriting `coordinates` with their negation
  void subtract(double* coordinates, double* v) const;
  // Solve R x = rhs in place.
  void solve(double* rhs) const { r_.solve(rhs); }
  // Solve R^T R x = rhs in place: the normal equations of the matrix itself.
  void solve_normal(double* rhs) const {
    r_.solve_transposed(rhs);
    r_.solve(rhs);
  }
  // The inner product of v with the last column of Q.
  double last_coordinate(const double* v) const;
  double q(std::ptrdiff_t row, std::ptrdiff_t column) const { return q_[column * n_rows_ + row]; }

 private:
  const Kernels& kernels_;
  std::ptrdiff_t n_rows_;  // padded
  std::vector<double> q_;
  Triangle r_;
  std::vector<double> work_;
};

}  // namespace hullspace
