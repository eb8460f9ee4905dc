#include "common/thin_qr.hpp"

#include <algorithm>
#include <cmath>

#include "common/tolerances.hpp"

namespace hullspace {
ThinQr::ThinQr(std::ptrdiff_t n_rows) : kernels_(kernels()), n_rows_(padded(n_rows)) {}

void ThinQr::grow() {
  const std::ptrdiff_t capacity = std::max<std::ptrdiff_t>(16, 2 * capacity_);
  std::vector<double> r(static_cast<std::size_t>(capacity * capacity));
  for (std::ptrdiff_t j = 0; j < size_; ++j) {
    std::copy_n(&r_[j * capacity_], j + 1, &r[j * capacity]);
  }
  r_ = std::move(r);
  q_.resize(static_cast<std::size_t>(capacity * n_rows_));
  work_.resize(static_cast<std::size_t>(capacity));
  capacity_ = capacity;
}

bool ThinQr::append(const double* column) {
  if (size_ == capacity_) grow();
  double* q = &q_[size_ * n_rows_];
  double* r = &r_[size_ * capacity_];
  std::copy_n(column, n_rows_, q);
  std::fill_n(r, size_, 0.0);
  double square = 0.0;
  kernels_.dots(q, n_rows_, 1, q, n_rows_, &square);
  const double whole = square;
  // A third pass is never needed in exact "twice is enough"; it only costs when rounding says so.
  for (int pass = 0; pass < 3 && size_ > 0; ++pass) {
    const double before = square;
    coordinates(q, work_.data());
    for (std::ptrdiff_t i = 0; i < size_; ++i) r[i] += work_[i];
    subtract(work_.data(), q);
    kernels_.dots(q, n_rows_, 1, q, n_rows_, &square);
    if (square > tolerances::kReorthogonalize * before) break;
  }
  const double norm = std::sqrt(square);
  if (!(norm > tolerances::kDependent * std::sqrt(whole))) return false;
  const double inverse = 1.0 / norm;
  r[size_] = inverse;
  for (std::ptrdiff_t i = 0; i < n_rows_; ++i) q[i] *= inverse;
  ++size_;
  return true;
}

void ThinQr::remove(std::ptrdiff_t column, double* coordinates) {
  for (std::ptrdiff_t j = column; j + 1 < size_; ++j) {
    std::copy_n(&r_[(j + 1) * capacity_], j + 2, &r_[j * capacity_]);
  }
  --size_;
  for (std::ptrdiff_t i = column; i < size_; ++i) {
    // Rotate rows i and i + 1 so that the element below the diagonal vanishes.
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
    kernels_.rotate(&q_[i * n_rows_], &q_[(i + 1) * n_rows_], n_rows_, c, s);
    kernels_.rotate(coordinates + i, coordinates + i + 1, 1, c, s);
  }
}

void ThinQr::coordinates(const double* v, double* out) const {
  kernels_.dots(q_.data(), n_rows_, size_, v, n_rows_, out);
}

double ThinQr::last_coordinate(const double* v) const {
  return dot(&q_[(size_ - 1) * n_rows_], v, n_rows_);
}

void ThinQr::subtract(double* coordinates, double* v) const {
  for (std::ptrdiff_t i = 0; i < size_; ++i) coordinates[i] = -coordinates[i];
  kernels_.combine(q_.data(), n_rows_, size_, coordinates, v, n_rows_);
}

void ThinQr::solve(double* rhs) const { kernels_.solve_upper(r_.data(), capacity_, size_, rhs); }

}  // namespace hullspace
