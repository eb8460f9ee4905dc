// What the parts of the emulated runtime share.
#pragma once

#include <cstddef>
#include <mutex>

#include "cuda_runtime.h"

namespace hullspace::emulation {

inline constexpr std::size_t kPlainBlockMemory = std::size_t{48} << 10U;
inline constexpr std::size_t kMostBlockMemory = std::size_t{227} << 10U;

int current_device();
std::size_t total_memory();  // of each device

// The error, which cudaGetLastError() returns from now on if it is one.
cudaError_t returned(cudaError_t error);
cudaError_t check_device(int device);
// The stream must be one of the current device.
void check_stream(cudaStream_t stream, const char* what);

// Whoever copies, or runs a kernel, does so alone, so that nobody closes memory that another one
// uses.
std::mutex& work();

// While a kernel runs, the memory of its device can be used.
class OpenMemory {
 public:
  OpenMemory();
  ~OpenMemory();
  OpenMemory(const OpenMemory&) = delete;
  OpenMemory& operator=(const OpenMemory&) = delete;
};

}  // namespace hullspace::emulation
