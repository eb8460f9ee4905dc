// Where tests of the CUDA library run: on emulated devices, or on real ones if there are any.
#pragma once

#include <cuda_runtime.h>

#include <cstdio>

#include "check.hpp"

namespace check {

// The last device, so that none is taken for the first by mistake.
inline int last_device() {
  int count = 0;
  static_cast<void>(cudaGetDeviceCount(&count));
  return count - 1;
}

// run_all(), or the code by which CTest knows a test that was skipped.
inline int run_all_on_devices() {
  constexpr int kSkipped = 77;
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error == cudaSuccess && count > 0) return run_all();
  std::printf("skipped: %s\n", cudaGetErrorString(error));
  return kSkipped;
}

}  // namespace check
