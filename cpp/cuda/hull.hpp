// What the handles of the interface hold.
#pragma once

#include <cstdint>
#include <mutex>

#include "cuda/point_set.hpp"
#include "cuda/rounds.hpp"
#include "cuda/runtime.hpp"

// One call at a time works on a hull; its memory stays for the next.
struct HscHull {
  HscHull(const HscMatrix& matrix, const HscCall& call)
      : device(call.device), points(matrix, call) {}

  int device;
  hullspace::cuda::PointSet points;
  std::mutex mutex;
  hullspace::cuda::Buffer<unsigned char> workspace;
  hullspace::cuda::Buffer<unsigned char> answers;
  hullspace::cuda::Buffer<double> values;  // of weights
  hullspace::cuda::Buffer<std::int32_t> columns;
  hullspace::cuda::FoundPlace found;

  // Device memory that a call may use beside what the points take.
  std::int64_t room(const HscCall& call) const { return call.memory_limit - points.n_bytes(); }
};

namespace hullspace::cuda {

// The largest n up to `most` for which fits(n) holds, which it does for all smaller ones, or 0.
template <class Fits>
std::int64_t largest_that_fits(std::int64_t most, const Fits& fits) {
  std::int64_t low = 0;
  std::int64_t high = most + 1;
  while (high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    (fits(middle) ? low : high) = middle;
  }
  return low;
}

}  // namespace hullspace::cuda
