#include "common/kernels_impl.hpp"

HULLSPACE_DEFINE_KERNELS(kBaselineKernels, "baseline")
