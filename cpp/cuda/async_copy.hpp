// Copies from the device's memory to the block's that go on while the threads compute.
#pragma once

#include "cuda/team.hpp"

namespace hullspace::cuda {

inline constexpr int kCopied = 4;  // floats, which is as much as the hardware copies at a time

HULLSPACE_DEVICE inline void copy_later(float* to, const float* from) {
#ifdef __CUDACC__
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(
                   static_cast<unsigned>(__cvta_generic_to_shared(to))),
               "l"(__cvta_generic_to_global(from))
               : "memory");
#else
  for (int i = 0; i < kCopied; ++i) to[i] = from[i];
#endif
}

// What the thread has asked for since the last call is a group.
HULLSPACE_DEVICE inline void end_group() {
#ifdef __CUDACC__
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

// Wait for the thread's groups but the `kLater` last ones.
template <int kLater>
HULLSPACE_DEVICE inline void wait_for_groups() {
#ifdef __CUDACC__
  asm volatile("cp.async.wait_group %0;" ::"n"(kLater) : "memory");
#endif
}

}  // namespace hullspace::cuda
