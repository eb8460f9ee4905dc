// Emulated devices: how many there are, which one is current, their streams, and starts of kernels.
#include "cuda_runtime.h"

#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <utility>

#include "state.h"

struct CUstream_st {
  int device;
};
struct CUevent_st {
  int device;
};

using namespace hullspace::emulation;

namespace {

constexpr int kMostThreads = 1024;

thread_local int chosen_device = 0;
thread_local cudaError_t last_error = cudaSuccess;

// Block memory that kernels may have.
struct BlockMemory {
  std::mutex mutex;
  std::map<const void*, std::size_t> limits;
};
BlockMemory& block_memory() {
  static BlockMemory all;
  return all;
}

std::size_t setting(const char* name, std::size_t usual) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? usual : std::strtoull(value, nullptr, 10);
}
int n_devices() { return static_cast<int>(setting("HULLSPACE_EMULATED_DEVICES", 2)); }

}  // namespace

namespace hullspace::emulation {

int current_device() { return chosen_device; }
std::size_t total_memory() { return setting("HULLSPACE_EMULATED_MEMORY", std::size_t{1} << 30U); }

cudaError_t returned(cudaError_t error) {
  if (error != cudaSuccess) last_error = error;
  return error;
}

cudaError_t check_device(int device) {
  if (n_devices() == 0) return cudaErrorNoDevice;
  return device < 0 || device >= n_devices() ? cudaErrorInvalidDevice : cudaSuccess;
}

void check_stream(cudaStream_t stream, const char* what) {
  const bool is_default =
      stream == nullptr || stream == cudaStreamLegacy || stream == cudaStreamPerThread;
  if (!is_default && stream->device != current_device()) {
    fail("%s on a stream of device %d while device %d is current", what, stream->device,
         current_device());
  }
}

}  // namespace hullspace::emulation

const char* cudaGetErrorName(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "cudaSuccess";
    case cudaErrorInvalidValue:
      return "cudaErrorInvalidValue";
    case cudaErrorMemoryAllocation:
      return "cudaErrorMemoryAllocation";
    case cudaErrorInvalidConfiguration:
      return "cudaErrorInvalidConfiguration";
    case cudaErrorInsufficientDriver:
      return "cudaErrorInsufficientDriver";
    case cudaErrorNoDevice:
      return "cudaErrorNoDevice";
    case cudaErrorInvalidDevice:
      return "cudaErrorInvalidDevice";
    case cudaErrorNotReady:
      return "cudaErrorNotReady";
  }
  return "unrecognized error code";
}
const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "no error";
    case cudaErrorInvalidValue:
      return "invalid argument";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorInvalidConfiguration:
      return "invalid configuration argument";
    case cudaErrorNoDevice:
      return "no CUDA-capable device is detected";
    case cudaErrorInvalidDevice:
      return "invalid device ordinal";
    default:
      return cudaGetErrorName(error);
  }
}
cudaError_t cudaGetLastError() { return std::exchange(last_error, cudaSuccess); }
cudaError_t cudaPeekAtLastError() { return last_error; }

cudaError_t cudaDriverGetVersion(int* version) {
  *version = 13000;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceCount(int* count) {
  *count = n_devices();
  return returned(*count == 0 ? cudaErrorNoDevice : cudaSuccess);
}
cudaError_t cudaGetDevice(int* device) {
  *device = current_device();
  return returned(n_devices() == 0 ? cudaErrorNoDevice : cudaSuccess);
}
cudaError_t cudaSetDevice(int device) {
  const cudaError_t error = check_device(device);
  if (error == cudaSuccess) chosen_device = device;
  return returned(error);
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* out, int device) {
  if (const cudaError_t error = check_device(device); error != cudaSuccess) return returned(error);
  *out = {};
  std::snprintf(out->name, sizeof out->name, "Emulated device %d", device);
  const int capability = static_cast<int>(setting("HULLSPACE_EMULATED_CAPABILITY", 90));
  out->major = capability / 10;
  out->minor = capability % 10;
  out->totalGlobalMem = total_memory();
  out->sharedMemPerBlock = kPlainBlockMemory;
  out->sharedMemPerBlockOptin = kMostBlockMemory;
  out->sharedMemPerMultiprocessor = kMostBlockMemory + 1024;
  out->multiProcessorCount = 4;
  out->maxThreadsPerBlock = kMostThreads;
  out->warpSize = 32;
  out->l2CacheSize = 1 << 20;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int* out, cudaDeviceAttr attribute, int device) {
  cudaDeviceProp all;
  if (const cudaError_t error = cudaGetDeviceProperties(&all, device); error != cudaSuccess) {
    return error;
  }
  switch (attribute) {
    case cudaDevAttrMultiProcessorCount:
      *out = all.multiProcessorCount;
      break;
    case cudaDevAttrL2CacheSize:
      *out = all.l2CacheSize;
      break;
    case cudaDevAttrComputeCapabilityMajor:
      *out = all.major;
      break;
    case cudaDevAttrComputeCapabilityMinor:
      *out = all.minor;
      break;
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
      *out = static_cast<int>(all.sharedMemPerMultiprocessor);
      break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      *out = static_cast<int>(all.sharedMemPerBlockOptin);
      break;
  }
  return cudaSuccess;
}
cudaError_t cudaDeviceSynchronize() { return cudaSuccess; }

cudaError_t cudaStreamCreate(cudaStream_t* out) { return cudaStreamCreateWithFlags(out, 0); }
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* out, unsigned /*flags*/) {
  const cudaError_t error = check_device(current_device());
  *out = error == cudaSuccess ? new CUstream_st{current_device()} : nullptr;
  return returned(error);
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  delete stream;
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t /*stream*/) {
  return returned(check_device(current_device()));
}
cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned) { return cudaSuccess; }
cudaError_t cudaEventCreate(cudaEvent_t* out) { return cudaEventCreateWithFlags(out, 0); }
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* out, unsigned /*flags*/) {
  const cudaError_t error = check_device(current_device());
  *out = error == cudaSuccess ? new CUevent_st{current_device()} : nullptr;
  return returned(error);
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  check_stream(stream, "cudaEventRecord");
  if (event->device != current_device()) {
    fail("cudaEventRecord of an event of device %d while device %d is current", event->device,
         current_device());
  }
  return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t) { return cudaSuccess; }
cudaError_t cudaEventQuery(cudaEvent_t) { return cudaSuccess; }
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t, cudaEvent_t) {
  *milliseconds = 0.0F;
  return cudaSuccess;
}

namespace hullspace::emulation {

cudaError_t allow_block_memory(const void* kernel, cudaFuncAttribute attribute, int n_bytes) {
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return cudaSuccess;
  if (n_bytes < 0 || static_cast<std::size_t>(n_bytes) > kMostBlockMemory) {
    return returned(cudaErrorInvalidValue);
  }
  const std::lock_guard lock(block_memory().mutex);
  block_memory().limits[kernel] = static_cast<std::size_t>(n_bytes);
  return cudaSuccess;
}

cudaError_t launch(const void* kernel, const cudaLaunchConfig_t& config, void (*run)(void*),
                   void* data) {
  if (const cudaError_t error = check_device(current_device()); error != cudaSuccess) {
    return returned(error);
  }
  check_stream(config.stream, "the start of a kernel");
  const dim3 threads = config.blockDim;
  const dim3 blocks = config.gridDim;
  const std::uint64_t n_threads = std::uint64_t{threads.x} * threads.y * threads.z;
  if (n_threads == 0 || n_threads > kMostThreads || threads.z > 64 || blocks.x == 0 ||
      blocks.x > 0x7fffffffU || blocks.y == 0 || blocks.y > 65535 || blocks.z == 0 ||
      blocks.z > 65535) {
    return returned(cudaErrorInvalidConfiguration);
  }
  {
    const std::lock_guard lock(block_memory().mutex);
    const auto& limits = block_memory().limits;
    const auto found = limits.find(kernel);
    const bool is_allowed = found != limits.end() && config.dynamicSmemBytes <= found->second;
    if (config.dynamicSmemBytes > kPlainBlockMemory && !is_allowed) {
      return returned(cudaErrorInvalidValue);
    }
  }
  const std::lock_guard lock(work());
  const OpenMemory open;
  execute(config, run, data);
  return cudaSuccess;
}

}  // namespace hullspace::emulation
