// Constraints made ready for the solvers: rows of unit length, padded, and bounds near one. Rows
// that hold a single feature, as those of boxes do, come last, where products with them cost
// nothing.
#pragma once

#include <cstddef>
#include <vector>

#include "common/cholesky.hpp"
#include "common/kernels.hpp"

namespace hullspace {

// {x : rows x <= bounds}, where x is in units of `unit`. With a radius, x has one more coordinate,
// r, and the rows say that the ball of radius r around x lies in the polyhedron.
class System {
 public:
  // Take `n_rows` rows of `n_features` numbers. A row of zeros stays one and binds nothing.
  void set_rows(const double* rows, std::ptrdiff_t n_rows, std::ptrdiff_t n_features,
                bool with_radius);
  void set_bounds(const double* bounds);

  std::ptrdiff_t n_rows() const { return n_rows_; }
  std::ptrdiff_t n_features() const { return n_features_; }
  std::ptrdiff_t n_variables() const { return n_variables_; }
  std::ptrdiff_t stride() const { return stride_; }
  const double* row(std::ptrdiff_t i) const { return &rows_[i * stride_]; }
  // Where the row was given, and the other way round.
  std::ptrdiff_t given(std::ptrdiff_t i) const { return given_[i]; }
  std::ptrdiff_t place_of(std::ptrdiff_t given) const { return places_[given]; }
  // With a radius: the largest ball around the middle of the box that the rows of single features
  // make, stride() doubles; its radius may be negative, and is 0 if no row binds it.
  void find_start(double* x) const;
  // out[i] = row i . x, for x padded with zeros.
  void products(const double* x, double* out) const;
  // out[k] = row i . (vectors + k * stride()) for `count` vectors.
  void row_products(std::ptrdiff_t i, const double* vectors, std::ptrdiff_t count,
                    double* out) const;
  // x += sum over i of factors[i] * row i, for x padded to stride().
  void add_combination(const double* factors, double* x) const;
  // Add the sum over i of weights[i] * (row i)^T (row i) to an (n_variables, n_variables) matrix.
  void add_products(const double* weights, Cholesky& matrix) const;
  const std::vector<double>& bounds() const { return bounds_; }
  double unit() const { return unit_; }
  // A multiplier of a row here, times this, is one of the row as given, in the data's units of
  // objectives; of a distance the unit comes on top.
  double scale(std::ptrdiff_t i) const { return scales_[i]; }
  // A row of zeros, as given, with a negative bound, which proves that the polyhedron is empty, or
  // -1.
  std::ptrdiff_t contradiction() const { return contradiction_; }

 private:
  void order_rows(const double* rows);
  void find_middle(double* x) const;
  void normalize(const double* given, std::ptrdiff_t i, bool with_radius);

  const Kernels& kernels_ = kernels();
  std::ptrdiff_t n_rows_ = 0;
  std::ptrdiff_t n_dense_ = 0;  // rows of several features come first
  std::ptrdiff_t n_features_ = 0;
  std::ptrdiff_t n_variables_ = 0;
  std::ptrdiff_t stride_ = 0;
  std::vector<double> rows_;
  std::vector<std::ptrdiff_t> given_;
  std::vector<std::ptrdiff_t> places_;
  std::vector<std::ptrdiff_t> single_;    // rows as given of one feature at most
  std::vector<std::ptrdiff_t> features_;  // the only one of each row after the dense ones
  std::vector<double> bounds_;
  std::vector<double> sizes_;   // of the bounds that are not zero
  std::vector<double> scales_;  // inverse lengths of the rows as given, or 0
  double unit_ = 1.0;
  std::ptrdiff_t contradiction_ = -1;
};

}  // namespace hullspace
