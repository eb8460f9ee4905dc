// Points as they were given, and the coordinates that everything is computed in.
#pragma once

#include <cstdint>
#include <limits>

#include "cuda/team.hpp"

namespace hullspace::cuda {

inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

// How the points' own coordinates follow from the data: (x - center) * high * low, see PointSet.
struct Frame {
  const double* center = nullptr;  // (n_features), on the device
  double high = 1.0;
  double low = 1.0;
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
  return (matrix.element(row, column) - frame.center[column]) * frame.high * frame.low;
}

}  // namespace hullspace::cuda
