#include "common/kernels_impl.hpp"

HULLSPACE_DEFINE_KERNELS(kAvx512Kernels, "avx512")
