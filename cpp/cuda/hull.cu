// Placeholders.
#include "cuda/calls.hpp"
#include "cuda/runtime.hpp"

namespace hullspace::cuda {

static int missing(int device) {
  return guarded(device, [] { throw Failure(HSC_DEVICE, "hulls are not built for CUDA yet"); });
}

int make_hull(const HscCall* call, const HscMatrix*, HscHull**) { return missing(call->device); }
void free_hull(HscHull*) {}
int describe_hull(const HscHull*, HscHullInfo*) { return missing(0); }
int most_queries(HscHull*, const HscCall* call, std::int64_t*) { return missing(call->device); }
int solve_hull(HscHull*, const HscCall* call, int, const HscMatrix*, std::int64_t, double,
               HscAnswers**) {
  return missing(call->device);
}
std::int64_t count_weights(const HscAnswers*) { return 0; }
int fetch_answers(const HscAnswers*, const HscCall* call, const HscHullAnswers*) {
  return missing(call->device);
}
void free_answers(HscAnswers*) {}
int find_supports(HscHull*, const HscCall* call, const HscMatrix*, std::int32_t*) {
  return missing(call->device);
}

}  // namespace hullspace::cuda
