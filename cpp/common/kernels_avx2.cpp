#include "common/kernels_impl.hpp"

HULLSPACE_DEFINE_KERNELS(kAvx2Kernels, "avx2")
