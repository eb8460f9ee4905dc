#include "common/cholesky.hpp"

#include <algorithm>
#include <cmath>

namespace hullspace {
namespace {

// Sides of all tiles divide this, and the blocks of the factorization are as large.
constexpr std::ptrdiff_t kBlock = 48;
// Rows whose products are added together: their panels fit the cache.
constexpr std::ptrdiff_t kDepth = 192;
constexpr double kInfinitePivot = 1e64;

std::ptrdiff_t round_up(std::ptrdiff_t n) { return (n + kBlock - 1) / kBlock * kBlock; }

}  // namespace

void Cholesky::reset(std::ptrdiff_t n) {
  n_ = n;
  stride_ = round_up(n);
  matrix_.assign(static_cast<std::size_t>(stride_ * stride_), 0.0);
}

// Panels of `panel` columns, zeros beyond the width: element (k, j) is that at k * row_step + j *
// column_step, times the weight of k if there are weights.
void Cholesky::pack(const double* rows, std::ptrdiff_t row_step, std::ptrdiff_t column_step,
                    std::ptrdiff_t depth, std::ptrdiff_t width, const double* weights, int panel,
                    std::vector<double>& out) const {
  const std::ptrdiff_t padded = (width + panel - 1) / panel * panel;
  out.resize(static_cast<std::size_t>(padded * depth));
  double* to = out.data();
  for (std::ptrdiff_t first = 0; first < padded; first += panel) {
    const std::ptrdiff_t real = std::min<std::ptrdiff_t>(panel, width - first);
    for (std::ptrdiff_t k = 0; k < depth; ++k, to += panel) {
      const double weight = weights == nullptr ? 1.0 : weights[k];
      const double* from = rows + k * row_step + first * column_step;
      for (std::ptrdiff_t j = 0; j < real; ++j) to[j] = weight * from[j * column_step];
      std::fill(to + real, to + panel, 0.0);
    }
  }
}

void Cholesky::add_products(const double* rows, std::ptrdiff_t stride, std::ptrdiff_t count,
                            const double* weights) {
  const int height = kernels_.product_rows;
  const int width = kernels_.product_columns;
  for (std::ptrdiff_t first = 0; first < count; first += kDepth) {
    const std::ptrdiff_t depth = std::min(kDepth, count - first);
    const double* part = rows + first * stride;
    pack(part, stride, 1, depth, n_, weights + first, height, left_);
    pack(part, stride, 1, depth, n_, nullptr, width, right_);
    for (std::ptrdiff_t j = 0; j < n_; j += width) {
      for (std::ptrdiff_t i = j / height * height; i < n_; i += height) {
        kernels_.add_product(&left_[i * depth], &right_[j * depth], depth, &at(i, j), stride_);
      }
    }
  }
}

void Cholesky::factor() {
  for (std::ptrdiff_t first = 0; first < n_; first += kBlock) {
    const std::ptrdiff_t size = std::min(kBlock, n_ - first);
    factor_block(first, size);
    if (first + size == n_) return;
    solve_panel(first, size);
    update_rest(first, size);
  }
}

// Factor a block on the diagonal and invert the factor.
void Cholesky::factor_block(std::ptrdiff_t first, std::ptrdiff_t size) {
  for (std::ptrdiff_t i = 0; i < size; ++i) {
    double* row = &at(first + i, first);
    for (std::ptrdiff_t j = 0; j < i; ++j) {
      const double* other = &at(first + j, first);
      row[j] = (row[j] - dot(row, other, j)) / other[j];
    }
    const double square = row[i] - dot(row, row, i);
    row[i] = square > 0.0 ? std::sqrt(square) : kInfinitePivot;
  }
  inverse_.assign(static_cast<std::size_t>(size * size), 0.0);
  for (std::ptrdiff_t j = 0; j < size; ++j) {
    double* column = &inverse_[j * size];
    column[j] = 1.0 / at(first + j, first + j);
    for (std::ptrdiff_t i = j + 1; i < size; ++i) {
      const double* row = &at(first + i, first);
      column[i] = -dot(row + j, column + j, i - j) / row[i];
    }
  }
}

// Rows below the block times the inverse of its factor, transposed.
void Cholesky::solve_panel(std::ptrdiff_t first, std::ptrdiff_t size) {
  const int height = kernels_.product_rows;
  const int width = kernels_.product_columns;
  const std::ptrdiff_t below = first + size;
  pack(&at(below, first), 1, stride_, size, n_ - below, nullptr, height, left_);
  pack(inverse_.data(), size, 1, size, size, nullptr, width, right_);
  for (std::ptrdiff_t i = below; i < n_; ++i) std::fill_n(&at(i, first), size, 0.0);
  for (std::ptrdiff_t i = 0; i < n_ - below; i += height) {
    for (std::ptrdiff_t j = 0; j < size; j += width) {
      kernels_.add_product(&left_[i * size], &right_[j * size], size, &at(below + i, first + j),
                           stride_);
    }
  }
}

void Cholesky::update_rest(std::ptrdiff_t first, std::ptrdiff_t size) {
  const int height = kernels_.product_rows;
  const int width = kernels_.product_columns;
  const std::ptrdiff_t below = first + size;
  const std::vector<double> minus(static_cast<std::size_t>(size), -1.0);
  pack(&at(below, first), 1, stride_, size, n_ - below, minus.data(), height, left_);
  pack(&at(below, first), 1, stride_, size, n_ - below, nullptr, width, right_);
  for (std::ptrdiff_t j = 0; j < n_ - below; j += width) {
    for (std::ptrdiff_t i = j / height * height; i < n_ - below; i += height) {
      kernels_.add_product(&left_[i * size], &right_[j * size], size, &at(below + i, below + j),
                           stride_);
    }
  }
}

void Cholesky::solve(double* x) const {
  for (std::ptrdiff_t i = 0; i < n_; ++i) {
    const double* row = &matrix_[i * stride_];
    x[i] = (x[i] - dot(row, x, i)) / row[i];
  }
  for (std::ptrdiff_t i = n_ - 1; i >= 0; --i) {
    const double* row = &matrix_[i * stride_];
    x[i] /= row[i];
    const double back = -x[i];
    kernels_.combine(row, 0, 1, &back, x, i);
  }
}

}  // namespace hullspace
