// Whether a linear function is positive on a cell by multipliers of the cell's rows, found in
// double precision, with all rounding accounted for. What this leaves open, exact arithmetic
// decides.
//
// In a bounded domain the slopes that the combination leaves over count with the farthest point. In
// one that is not, multipliers near the given ones must exist with which the slopes cancel: with as
// many rows as unknowns an approximate inverse encloses them (Rump, "Verification methods", Acta
// Numerica 19, 2010, section 10).
#pragma once

#include <cstddef>
#include <vector>

namespace hullspace {

class FloatProof {
 public:
  // Constraints are (n_constraints, n_coefficients) rows, at least zero inside.
  FloatProof(std::ptrdiff_t n_coefficients, const std::vector<double>& constraints);

  // The function, off by at most `error` at points of size one, and its sign.
  void start(const double* function, double sign, double error);
  // A row, times its sign nonnegative inside, and its multiplier, which is positive.
  void add(const double* row, double sign, double error, double multiplier);
  bool is_positive();

 private:
  void sum_up();
  bool cancels();

  std::ptrdiff_t d_;
  bool bounded_;  // the domain lies within [-1, 1] in all coordinates
  std::vector<double> function_;
  std::vector<double> terms_;   // (n_terms, d): rows times multipliers
  std::vector<double> errors_;  // (n_terms)
  std::vector<double> rest_;    // function less terms
  double function_error_ = 0.0;
  double error_ = 0.0;  // of the rest at points of size one
  std::vector<double> matrix_;
};

}  // namespace hullspace
