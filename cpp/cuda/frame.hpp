// Points as they were given, and the coordinates that everything is computed in.
#pragma once

#include <cmath>
#include <cstdint>

#include "cuda/team.hpp"
#include "decide/units.hpp"

namespace hullspace::cuda {

using decide::kInfinity;

// How the points' own coordinates follow from the data: (x - center) in this unit.
struct Frame {
  const double* center = nullptr;  // (n_features), on the device
  decide::Unit unit;
};

// Rows of a matrix on the device.
struct DeviceMatrix {
  const void* data = nullptr;
  std::int64_t n_rows = 0;
  std::int64_t n_columns = 0;
  bool is_double = false;

  HULLSPACE_DEVICE double element(std::int64_t at) const {
    return is_double ? static_cast<const double*>(data)[at]
                     : static_cast<double>(static_cast<const float*>(data)[at]);
  }
  HULLSPACE_DEVICE double element(std::int64_t row, std::int64_t column) const {
    return element(row * n_columns + column);
  }
};

// Element (row, column) of a matrix in the frame's coordinates.
HULLSPACE_DEVICE inline double framed(const DeviceMatrix& matrix, const Frame& frame,
                                      std::int64_t row, std::int64_t column) {
  return frame.unit.to_set(matrix.element(row, column) - frame.center[column]);
}

// A row of a matrix as a unit vector, or zero; returns its length.
template <class Team>
HULLSPACE_DEVICE double load_direction(const Team& team, const DeviceMatrix& matrix,
                                       std::int64_t row, double* out) {
  const int n = static_cast<int>(matrix.n_columns);
  double largest = 0.0;
  for (int j = team.lane(); j < n; j += team.size()) {
    out[j] = matrix.element(row, j);
    largest = fabs(out[j]) > largest ? fabs(out[j]) : largest;
  }
  largest = team.largest(largest);
  if (largest == 0.0) return 0.0;
  double square = 0.0;
  for (int j = team.lane(); j < n; j += team.size()) {
    out[j] /= largest;
    square += out[j] * out[j];
  }
  const double length = sqrt(team.sum(square));
  for (int j = team.lane(); j < n; j += team.size()) out[j] /= length;
  team.sync();
  return largest * length;
}

// A row of queries in the coordinates of a set of this radius. Returns the data's length of a unit
// of them if it is far and was moved in, or 0.
template <class Team>
HULLSPACE_DEVICE double load_query(const Team& team, const DeviceMatrix& queries,
                                   const Frame& frame, double radius, std::int64_t row,
                                   double* out) {
  const std::int64_t n = queries.n_columns;
  double largest = 0.0;
  for (std::int64_t j = team.lane(); j < n; j += team.size()) {
    const double x = queries.element(row, j);
    const double quarter = decide::quarter_offset(x, frame.center[j]);
    largest = fabs(quarter) > largest ? fabs(quarter) : largest;
    out[j] = decide::query_coordinate(x, frame.center[j], frame.unit);
  }
  largest = team.largest(largest);
  const double farthest = decide::farthest_coordinate(radius);
  if (!decide::is_far(largest, farthest, frame.unit)) return 0.0;
  for (std::int64_t j = team.lane(); j < n; j += team.size()) {
    const double quarter = decide::quarter_offset(queries.element(row, j), frame.center[j]);
    out[j] = decide::moved_in(quarter, largest, farthest);
  }
  return decide::far_unit(largest, farthest);
}

}  // namespace hullspace::cuda
