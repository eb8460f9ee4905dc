#include "hullspace/build_info.hpp"

#include <limits>

#include "common/kernels.hpp"
#include "common/parallel.hpp"
#include "hullspace/device.hpp"

namespace hullspace {

BuildInfo build_info() {
  BuildInfo info;
  info.version = HULLSPACE_VERSION;
  info.compiler = HULLSPACE_COMPILER;
  info.instruction_sets_built = built_instruction_sets();
  info.instruction_sets_found = found_instruction_sets();
  info.instruction_set_used = kernels().name;
  info.n_threads = worker_count(Context{}, std::numeric_limits<std::ptrdiff_t>::max());
  info.cuda_built = HULLSPACE_CUDA_BUILT != 0;
  info.cuda_reason = HULLSPACE_CUDA_REASON;
  info.cuda_architectures = HULLSPACE_CUDA_ARCHITECTURES;
  info.cuda_library = cuda_library_path();
  return info;
}

}  // namespace hullspace
