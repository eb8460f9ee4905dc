#include "common/thin_qr.hpp"

#include <algorithm>
#include <cmath>

#include "decide/support.hpp"

namespace hullspace {
ThinQr::ThinQr(std::ptrdiff_t n_rows) : kernels_(kernels()), n_rows_(padded(n_rows)) {}

bool ThinQr::append(const double* column) {
  double* r = r_.next_column();
  q_.resize(std::max(q_.size(), static_cast<std::size_t>(r_.capacity() * n_rows_)));
  work_.resize(static_cast<std::size_t>(r_.capacity()));
  double* q = &q_[size() * n_rows_];
  std::copy_n(column, n_rows_, q);
  double square = 0.0;
  kernels_.dots(q, n_rows_, 1, q, n_rows_, &square);
  const double whole = square;
  for (int pass = 0; pass < decide::kMostProjections && size() > 0; ++pass) {
    const double before = square;
    coordinates(q, work_.data());
    for (std::ptrdiff_t i = 0; i < size(); ++i) r[i] += work_[i];
    subtract(work_.data(), q);
    kernels_.dots(q, n_rows_, 1, q, n_rows_, &square);
    if (decide::is_orthogonal(square, before)) break;
  }
  const double norm = std::sqrt(square);
  if (decide::is_dependent(norm, whole)) return false;
  const double inverse = 1.0 / norm;
  r[size()] = inverse;
  for (std::ptrdiff_t i = 0; i < n_rows_; ++i) q[i] *= inverse;
  r_.commit();
  return true;
}

void ThinQr::remove(std::ptrdiff_t column, double* coordinates) {
  r_.remove(column, [&](std::ptrdiff_t i, double c, double s) {
    kernels_.rotate(&q_[i * n_rows_], &q_[(i + 1) * n_rows_], n_rows_, c, s);
    kernels_.rotate(coordinates + i, coordinates + i + 1, 1, c, s);
  });
}

void ThinQr::coordinates(const double* v, double* out) const {
  kernels_.dots(q_.data(), n_rows_, size(), v, n_rows_, out);
}

double ThinQr::last_coordinate(const double* v) const {
  return dot(&q_[(size() - 1) * n_rows_], v, n_rows_);
}

void ThinQr::subtract(double* coordinates, double* v) const {
  for (std::ptrdiff_t i = 0; i < size(); ++i) coordinates[i] = -coordinates[i];
  kernels_.combine(q_.data(), n_rows_, size(), coordinates, v, n_rows_);
}

}  // namespace hullspace
