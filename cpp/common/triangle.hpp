// An upper triangle whose columns come and go, with what solving with it needs.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "common/kernels.hpp"

namespace hullspace {

// Columns are contiguous; in place of the diagonal stand its inverses.
class Triangle {
 public:
  Triangle() : kernels_(kernels()) {}

  std::ptrdiff_t size() const { return size_; }
  std::ptrdiff_t capacity() const { return capacity_; }
  void clear() { size_ = 0; }

  // Room for one more column, size() + 1 zeros, which the next commit() makes part of the triangle.
  double* next_column() {
    if (size_ == capacity_) grow();
    double* column = &r_[size_ * capacity_];
    std::fill_n(column, size_ + 1, 0.0);
    return column;
  }
  void commit() { ++size_; }

  // Remove a column and restore the triangle by Givens rotations of rows i and i + 1, ascending:
  // rotate(i, cosine, sine) is to do the same to what belongs to the rows.
  template <typename Rotate>
  void remove(std::ptrdiff_t column, Rotate rotate) {
    for (std::ptrdiff_t j = column; j + 1 < size_; ++j) {
      std::copy_n(&r_[(j + 1) * capacity_], j + 2, &r_[j * capacity_]);
    }
    --size_;
    for (std::ptrdiff_t i = column; i < size_; ++i) {
      const double a = r_[i * capacity_ + i];
      const double b = 1.0 / r_[i * capacity_ + i + 1];
      const double inverse = 1.0 / std::sqrt(a * a + b * b);
      const double c = a * inverse;
      const double s = b * inverse;
      r_[i * capacity_ + i] = inverse;
      for (std::ptrdiff_t j = i + 1; j < size_; ++j) {
        double* pair = &r_[j * capacity_ + i];
        const double x = pair[0];
        const double y = pair[1];
        pair[0] = c * x + s * y;
        pair[1] = c * y - s * x;
      }
      rotate(i, c, s);
    }
  }

  // Solve R x = rhs in place.
  void solve(double* rhs) const { kernels_.solve_upper(r_.data(), capacity_, size_, rhs); }

  // Solve R^T x = rhs in place.
  void solve_transposed(double* rhs) const {
    kernels_.solve_upper_transposed(r_.data(), capacity_, size_, rhs);
  }

 private:
  void grow() {
    const std::ptrdiff_t capacity = std::max<std::ptrdiff_t>(16, 2 * capacity_);
    std::vector<double> r(static_cast<std::size_t>(capacity * capacity));
    for (std::ptrdiff_t j = 0; j < size_; ++j) {
      std::copy_n(&r_[j * capacity_], j + 1, &r[j * capacity]);
    }
    r_ = std::move(r);
    capacity_ = capacity;
  }

  const Kernels& kernels_;
  std::ptrdiff_t capacity_ = 0;  // columns; also their stride
  std::ptrdiff_t size_ = 0;
  std::vector<double> r_;
};

}  // namespace hullspace
