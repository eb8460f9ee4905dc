#include "common/kernels_impl.hpp"

HULLSPACE_DEFINE_KERNELS(kAvx512VnniKernels, "avx512vnni")
