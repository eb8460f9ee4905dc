// Dyadic rationals as sums of doubles: what leaves the exact arithmetic, and what it is cut down
// to.
#pragma once

#include <vector>

#include "regions/exact.hpp"

namespace hullspace {

// Scale numbers by a power of two, so that the largest is between a half and one.
void normalize(ExactRow& numbers);

// A multiple of the numbers, rounded, the largest near one.
std::vector<double> to_doubles(const ExactRow& numbers);

// A multiple of the numbers, the largest near one, each cut off after some 53 * n_parts bits of the
// largest: n_parts doubles for each, whose sum it is.
std::vector<double> expand(const ExactRow& numbers, int n_parts);
// What they sum up to.
ExactRow sum_up(const std::vector<double>& parts, int n_parts);

}  // namespace hullspace
