// Devices, their memory, and the library's table of functions.
#include <algorithm>
#include <cstdio>
#include <string>

#include "cuda/calls.hpp"
#include "cuda/runtime.hpp"

namespace hullspace::cuda {
namespace {

// No std::string: keeping a message must not fail, nor leave a destructor to threads that outlive
// the library.
thread_local char message_of_thread[1024] = "";

// Between pieces of a copy the caller may end it; a device copies one in far less than 0.1 s.
constexpr std::int64_t kCopiedAtOnce = std::int64_t{256} << 20;

void require(bool holds, const char* message) {
  if (!holds) throw Failure(HSC_ARGUMENT, message);
}

const char* last_error() { return message_of_thread; }

int count_devices(int* count) {
  *count = 0;
  return caught([&] { check(cudaGetDeviceCount(count), "counting devices"); });
}

// Devices without code are described, too.
int describe_device(int device, HscDevice* out) {
  return caught([&] {
    const CurrentDevice current(device);
    cudaDeviceProp properties;
    check(cudaGetDeviceProperties(&properties, device), "asking for the device's properties");
    std::size_t free = 0;
    std::size_t total = 0;
    check(cudaMemGetInfo(&free, &total), "asking for the device's memory");
    *out = {};
    std::snprintf(out->name, sizeof out->name, "%s", properties.name);
    out->capability = 10 * properties.major + properties.minor;
    out->n_multiprocessors = properties.multiProcessorCount;
    out->total_memory = static_cast<std::int64_t>(total);
    out->free_memory = static_cast<std::int64_t>(free);
  });
}

int allocate(const HscCall* call, std::int64_t n_bytes, void** out) {
  *out = nullptr;
  return guarded(call->device, [&] {
    require(n_bytes >= 0, "n_bytes must not be negative");
    const std::string doing = "allocating " + std::to_string(n_bytes) + " bytes";
    check(cudaMalloc(out, static_cast<std::size_t>(n_bytes)), doing.c_str());
  });
}

void release(int device, void* memory) {
  static_cast<void>(caught([&] {
    const CurrentDevice current(device);
    check(cudaFree(memory), "releasing memory");
  }));
}

int copy(const HscCall* call, void* to, const void* from, std::int64_t n_bytes) {
  return guarded(call->device, [&] {
    require(n_bytes >= 0, "n_bytes must not be negative");
    require(n_bytes == 0 || (to != nullptr && from != nullptr), "there is nothing to copy");
    auto* stream = static_cast<cudaStream_t>(call->stream);
    for (std::int64_t at = 0; at < n_bytes; at += kCopiedAtOnce) {
      poll(*call);
      const std::int64_t n = std::min(kCopiedAtOnce, n_bytes - at);
      check(cudaMemcpyAsync(static_cast<char*>(to) + at, static_cast<const char*>(from) + at,
                            static_cast<std::size_t>(n), cudaMemcpyDefault, stream),
            "copying");
      check(cudaStreamSynchronize(stream), "copying");
    }
  });
}

}  // namespace

void keep_message(const char* message) noexcept {
  std::snprintf(message_of_thread, sizeof message_of_thread, "%s", message);
}

}  // namespace hullspace::cuda

extern "C" __attribute__((visibility("default"))) const HscInterface* hullspace_cuda(int version) {
  namespace cuda = hullspace::cuda;
  static const HscInterface table = {
      .version = HULLSPACE_CUDA_VERSION,
      .last_error = cuda::last_error,
      .count_devices = cuda::count_devices,
      .describe_device = cuda::describe_device,
      .allocate = cuda::allocate,
      .release = cuda::release,
      .copy = cuda::copy,
      .make_hull = cuda::make_hull,
      .free_hull = cuda::free_hull,
      .describe_hull = cuda::describe_hull,
      .most_queries = cuda::most_queries,
      .solve_hull = cuda::solve_hull,
      .count_weights = cuda::count_weights,
      .fetch_answers = cuda::fetch_answers,
      .free_answers = cuda::free_answers,
      .find_supports = cuda::find_supports,
      .chebyshev_centers = cuda::chebyshev_centers,
  };
  return version == HULLSPACE_CUDA_VERSION ? &table : nullptr;
}
