// Linear systems of a few unknowns.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace hullspace {

// Bring the first n columns of an (n, width) matrix to the identity, with partial pivoting. Returns
// their determinant, or nothing if a pivot is no larger than `least`.
std::optional<double> eliminate(double* matrix, std::ptrdiff_t n, std::ptrdiff_t width,
                                double least);

// Multipliers of n of the rows, (n_rows, n), none below zero beyond rounding, that combine them to
// the target; the first choice of rows that has any. False if none was found.
bool find_cone_combination(const std::vector<double>& rows, std::ptrdiff_t n,
                           const std::vector<double>& target, std::vector<std::ptrdiff_t>& chosen,
                           std::vector<double>& factors);

// Correct a vector of n + 1 coordinates, none above one in size, so that n rows vanish there: one
// step of Newton's method on all coordinates but `kept`. Returns a bound on what they are off by,
// if each row's value is known up to its doubt, or nothing if the rows (nearly) depend on each
// other. `memory` keeps its size from call to call.
std::optional<double> refine_kernel(const double* rows, const double* doubts, std::ptrdiff_t n,
                                    std::ptrdiff_t kept, double* x, std::vector<double>& memory);

}  // namespace hullspace
