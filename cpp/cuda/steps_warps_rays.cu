// Steps of rays, a warp for each query.
#include "cuda/step_kernels.hpp"

namespace hullspace::cuda {

template void advance<WarpTeam, true>(const Step&, cudaStream_t);

}  // namespace hullspace::cuda
