// Steps of rays, a block for each query.
#include "cuda/step_kernels.hpp"

namespace hullspace::cuda {

template void advance<BlockTeam, true>(const Step&, cudaStream_t);

}  // namespace hullspace::cuda
