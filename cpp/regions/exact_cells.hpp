// Cells by the rows of their hyperplanes, in exact arithmetic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "regions/exact.hpp"

namespace hullspace {

// Rows of hyperplanes, nonnegative inside as the sides of the units among them have it. Nothing if
// that takes too much work.
std::optional<std::vector<ExactRow>> inward_rows(ExactGeometry& exact, const std::uint64_t* sides,
                                                 const std::vector<std::int32_t>& refs);

// Whether all rows are positive at a point (y, t), and t is.
bool is_interior(const std::vector<ExactRow>& rows, const ExactRow& point);

// An interior point near an interior point, of numbers that are short: (n, n_parts) doubles, whose
// sums are a multiple of it. Empty if sums of so many do not reach.
std::vector<double> shorten(const std::vector<ExactRow>& rows, const ExactRow& point);

// Write an interior point as doubles y, and if these are not inside, as `parts` like those above;
// they stay empty if that does not help either.
void write_point(const std::vector<ExactRow>& rows, const ExactRow& point, double* y,
                 std::vector<double>& parts);

// From a point inside a cone towards another one of it, where a row is positive, as far as it takes
// for the row to be positive. The point stays inside.
ExactRow advanced(ExactRow point, ExactRow towards, const ExactRow& row);

// The point (y, 1).
ExactRow exact_point(const double* y, std::ptrdiff_t n);

}  // namespace hullspace
