#include "regions/exact_cells.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "regions/bits.hpp"
#include "regions/exact_cone.hpp"
#include "regions/expansions.hpp"

namespace hullspace {

std::optional<std::vector<ExactRow>> inward_rows(ExactGeometry& exact, const std::uint64_t* sides,
                                                 const std::vector<std::int32_t>& refs) {
  std::vector<ExactRow> rows;
  rows.reserve(refs.size());
  for (const std::int32_t ref : refs) {
    const ExactRow* row = exact.row(ref);
    if (row == nullptr) return std::nullopt;
    rows.push_back(*row);
    if (ref >= 0 && !get_bit(sides, ref)) {
      for (Dyadic& x : rows.back()) x = -x;
    }
  }
  return rows;
}

bool is_interior(const std::vector<ExactRow>& rows, const ExactRow& point) {
  return point.back().sign() > 0 && std::all_of(rows.begin(), rows.end(), [&](const ExactRow& row) {
           return product(row, point).sign() > 0;
         });
}

std::vector<double> shorten(const std::vector<ExactRow>& rows, const ExactRow& point) {
  for (const int n_parts : {1, 2, 3, 4, 6, 9, 13}) {
    std::vector<double> parts = expand(point, n_parts);
    if (is_interior(rows, sum_up(parts, n_parts))) return parts;
  }
  return {};
}

void write_point(const std::vector<ExactRow>& rows, const ExactRow& point, double* y,
                 std::vector<double>& parts) {
  constexpr double kLargest = std::numeric_limits<double>::max();
  const std::vector<double> near = to_doubles(point);
  const auto n = static_cast<std::ptrdiff_t>(point.size()) - 1;
  for (std::ptrdiff_t c = 0; c < n; ++c) {
    const double ratio = near[c] / near[n];
    y[c] = std::isnan(ratio) ? 0.0 : std::clamp(ratio, -kLargest, kLargest);
  }
  parts.clear();
  if (!is_interior(rows, exact_point(y, n))) parts = shorten(rows, point);
}

ExactRow advanced(ExactRow point, ExactRow towards, const ExactRow& row) {
  normalize(point);
  normalize(towards);
  const Dyadic here = product(row, point);
  if (here.sign() > 0) return point;
  const Dyadic there = product(row, towards);
  Dyadic step(1.0);
  while (there.sign() > 0 && (here + step * there).sign() <= 0) step = step * Dyadic(0x1p8);
  step = step * Dyadic(2.0);
  for (std::size_t c = 0; c < point.size(); ++c) point[c] = point[c] + step * towards[c];
  return point;
}

ExactRow exact_point(const double* y, std::ptrdiff_t n) {
  ExactRow point;
  point.reserve(static_cast<std::size_t>(n) + 1);
  for (std::ptrdiff_t c = 0; c < n; ++c) point.emplace_back(y[c]);
  point.emplace_back(1.0);
  return point;
}

}  // namespace hullspace
