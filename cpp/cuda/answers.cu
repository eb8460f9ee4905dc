// Where queries begin and their answers are written.
#include "cuda/answer_kernels.hpp"
#include "cuda/step_kernels.hpp"

namespace hullspace::cuda {

template void start<WarpTeam>(const Step&, int, cudaStream_t);
template void start<BlockTeam>(const Step&, int, cudaStream_t);
template void write<WarpTeam>(const Step&, int, const AnswerArrays&, cudaStream_t);
template void write<BlockTeam>(const Step&, int, const AnswerArrays&, cudaStream_t);

}  // namespace hullspace::cuda
