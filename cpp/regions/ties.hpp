// Outputs that tie along one hyperplane.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "regions/exact.hpp"

namespace hullspace {

// Of classes that tie with class c along the same hyperplane, the one that is farthest ahead beyond
// it, the first of several; the first of all if exact arithmetic takes too much work.
std::int32_t steepest(ExactGeometry& exact, std::int32_t c, const std::vector<std::int32_t>& tied,
                      std::ptrdiff_t n_outputs);

// Whether two rows vanish on the same hyperplane.
bool are_parallel(const ExactRow& a, const ExactRow& b);

}  // namespace hullspace
