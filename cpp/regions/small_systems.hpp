// Linear systems of a few unknowns.
#pragma once

#include <cstddef>
#include <vector>

namespace hullspace {

// Bring the left half of an (n, 2n) matrix to the identity. False if it is singular.
bool invert(double* matrix, std::ptrdiff_t n);

// Multipliers of n of the rows, (n_rows, n), none below zero beyond rounding, that combine them to
// the target; the first choice of rows that has any. False if none was found.
bool find_cone_combination(const std::vector<double>& rows, std::ptrdiff_t n,
                           const std::vector<double>& target, std::vector<std::ptrdiff_t>& chosen,
                           std::vector<double>& factors);

}  // namespace hullspace
