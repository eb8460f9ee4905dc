// A placeholder.
#include "cuda/calls.hpp"
#include "cuda/runtime.hpp"

namespace hullspace::cuda {

int chebyshev_centers(const HscCall* call, const HscPolyhedra*, const HscCenters*) {
  return guarded(call->device,
                 [] { throw Failure(HSC_DEVICE, "Chebyshev centers are not built for CUDA yet"); });
}

}  // namespace hullspace::cuda
