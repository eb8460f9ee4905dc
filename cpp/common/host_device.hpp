// Functions that run on the CPU and on devices, or on devices only.
#pragma once

#ifdef __CUDACC__
#define HULLSPACE_DEVICE __device__
#define HULLSPACE_HOST_DEVICE __host__ __device__
#else
#define HULLSPACE_DEVICE
#define HULLSPACE_HOST_DEVICE
#endif

// Before the formulas of decide/. They are always inlined and so have no code of their own: units
// that are compiled for different instruction sets (common/kernels.hpp) may all include them.
#define HULLSPACE_DECIDE [[gnu::always_inline]] HULLSPACE_HOST_DEVICE inline
