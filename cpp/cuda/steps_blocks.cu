// Steps of projections and memberships, a block for each query.
#include "cuda/step_kernels.hpp"

namespace hullspace::cuda {

template void advance<BlockTeam, false>(const Step&, cudaStream_t);

}  // namespace hullspace::cuda
