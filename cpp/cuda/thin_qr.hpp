// Thin QR factorization of lifted points that come and go, by a team of threads. The counterpart of
// common/thin_qr.hpp, in memory that the caller carves.
//
// A lifted point has one more coordinate, which is one: lifted points are linearly independent
// exactly when the points are affinely independent.
#pragma once

#include <cmath>
#include <cstdint>

#include "cuda/products.hpp"
#include "cuda/team.hpp"
#include "decide/support.hpp"

namespace hullspace::cuda {

struct ThinQrMemory {
  double* q;     // (most columns, n_rows)
  double* r;     // a triangle's columns one after the other, with the inverse diagonal
  double* work;  // (most columns): between calls for anything
};

template <class Team>
class ThinQr {
 public:
  HULLSPACE_DEVICE ThinQr(const Team& team, const ThinQrMemory& memory, int n_rows)
      : team_(team), m_(memory), n_rows_(n_rows) {}

  HULLSPACE_DEVICE int size() const { return size_; }
  // Of the columns that are in memory, how many count.
  HULLSPACE_DEVICE void set_size(int size) { size_ = size; }

  // Column i of Q.
  HULLSPACE_DEVICE double* q(int i) const { return m_.q + std::int64_t{n_rows_} * i; }

  // Append the column with these elements: Gram-Schmidt, repeated where needed. False, leaving
  // everything as it was, if it depends on the others.
  template <class Element>
  HULLSPACE_DEVICE bool append(const Element& element) {
    const int k = size_;
    double* column = q(k);
    double square = 0.0;
    for (int j = team_.lane(); j < n_rows_; j += team_.size()) {
      const double x = element(j);
      column[j] = x;
      square += x * x;
    }
    for (int i = team_.lane(); i < k; i += team_.size()) r(i, k) = 0.0;
    square = team_.sum(square);
    team_.sync();
    const double whole = square;
    for (int pass = 0; pass < decide::kMostProjections && k > 0; ++pass) {
      const double before = square;
      coordinates(column, m_.work);
      for (int i = team_.lane(); i < k; i += team_.size()) r(i, k) += m_.work[i];
      square = subtract(m_.work, n_rows_, column);
      if (decide::is_orthogonal(square, before)) break;
    }
    const double norm = sqrt(square);
    if (decide::is_dependent(norm, whole)) return false;
    const double inverse = 1.0 / norm;
    for (int j = team_.lane(); j < n_rows_; j += team_.size()) column[j] *= inverse;
    if (team_.lane() == 0) r(k, k) = inverse;
    ++size_;
    team_.sync();
    return true;
  }

  // Remove a column and restore the triangle by Givens rotations of rows i and i + 1. Also turns
  // `coordinates` into those along the new columns; its last element becomes void.
  HULLSPACE_DEVICE void remove(int removed, double* coordinates) {
    for (int i = removed; i + 1 < size_; ++i) {
      const double a = r(i, i + 1);
      const double b = 1.0 / r(i + 1, i + 1);
      const double inverse = 1.0 / sqrt(a * a + b * b);
      team_.sync();
      rotate(i, a * inverse, b * inverse, coordinates);
      // What was column i + 1 takes the place of column i, which is no longer needed.
      for (int k = team_.lane(); k < i; k += team_.size()) r(k, i) = r(k, i + 1);
      if (team_.lane() == 0) r(i, i) = inverse;
      team_.sync();
    }
    --size_;
  }

  // out = Q^T v
  HULLSPACE_DEVICE void coordinates(const double* v, double* out) const {
    dots(team_, size_, n_rows_, [this](int i, int j) { return q(i)[j]; }, v, out);
  }

  // v -= Q coordinates; returns the square of what is left in the first n_squared rows.
  HULLSPACE_DEVICE double subtract(const double* coordinates, int n_squared, double* v) const {
    double square = 0.0;
    for (int j = team_.lane(); j < n_rows_; j += team_.size()) {
      double rest = v[j];
      for (int i = 0; i < size_; ++i) rest -= coordinates[i] * q(i)[j];
      v[j] = rest;
      square += j < n_squared ? rest * rest : 0.0;
    }
    square = team_.sum(square);
    team_.sync();
    return square;
  }

  // Solve R x = rhs; x must be elsewhere.
  HULLSPACE_DEVICE void solve(const double* rhs, double* x) const {
    for (int i = team_.lane(); i < size_; i += team_.size()) m_.work[i] = rhs[i];
    team_.sync();
    for (int i = size_ - 1; i >= 0; --i) {
      const double value = m_.work[i] * r(i, i);
      for (int k = team_.lane(); k < i; k += team_.size()) m_.work[k] -= value * r(k, i);
      if (team_.lane() == 0) x[i] = value;
      team_.sync();
    }
  }

 private:
  HULLSPACE_DEVICE double& r(int row, int column) const {
    return m_.r[static_cast<std::int64_t>(column) * (column + 1) / 2 + row];
  }

  // Rotate what belongs to rows i and i + 1 of the triangle, from column i + 2 on.
  HULLSPACE_DEVICE void rotate(int i, double c, double s, double* coordinates) const {
    const auto turn = [c, s](double& a, double& b) {
      const double x = a;
      a = c * x + s * b;
      b = c * b - s * x;
    };
    for (int j = i + 2 + team_.lane(); j < size_; j += team_.size()) turn(r(i, j), r(i + 1, j));
    for (int j = team_.lane(); j < n_rows_; j += team_.size()) turn(q(i)[j], q(i + 1)[j]);
    if (team_.lane() == 0) turn(coordinates[i], coordinates[i + 1]);
  }

  Team team_;
  const ThinQrMemory& m_;
  int n_rows_;
  int size_ = 0;
};

}  // namespace hullspace::cuda
