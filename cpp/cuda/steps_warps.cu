// Steps of projections and memberships, a warp for each query.
#include "cuda/step_kernels.hpp"

namespace hullspace::cuda {

template void advance<WarpTeam, false>(const Step&, cudaStream_t);

}  // namespace hullspace::cuda
