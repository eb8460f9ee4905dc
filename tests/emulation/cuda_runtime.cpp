// Emulated devices: their memory, streams, and who may use them when.
#include "cuda_runtime.h"

#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <new>

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
static void __asan_poison_memory_region(const volatile void*, std::size_t) {}
static void __asan_unpoison_memory_region(const volatile void*, std::size_t) {}
#endif

struct CUstream_st {
  int device;
};
struct CUevent_st {
  int device;
};

namespace {

using hullspace::emulation::fail;

constexpr std::size_t kAlignment = 256;
constexpr std::size_t kPlainBlockMemory = std::size_t{48} << 10U;
constexpr std::size_t kMostBlockMemory = std::size_t{227} << 10U;
constexpr int kMostThreads = 1024;

struct Allocation {
  std::size_t n_bytes;
  int device;
};

struct Devices {
  std::mutex mutex;
  std::map<const char*, Allocation> memory;
  std::map<const void*, std::size_t> block_memory;  // that kernels may have

  // The allocation that holds an address, or null.
  const std::pair<const char* const, Allocation>* find(const void* at) const {
    const auto* place = static_cast<const char*>(at);
    auto next = memory.upper_bound(place);
    if (next == memory.begin()) return nullptr;
    --next;
    return place < next->first + next->second.n_bytes ? &*next : nullptr;
  }
  std::size_t used(int device) const {
    std::size_t sum = 0;
    for (const auto& [place, allocation] : memory) {
      if (allocation.device == device) sum += allocation.n_bytes;
    }
    return sum;
  }
};
Devices& devices() {
  static Devices all;
  return all;
}

thread_local int current_device = 0;
thread_local cudaError_t last_error = cudaSuccess;

cudaError_t returned(cudaError_t error) {
  if (error != cudaSuccess) last_error = error;
  return error;
}

std::size_t setting(const char* name, std::size_t usual) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? usual : std::strtoull(value, nullptr, 10);
}
int n_devices() { return static_cast<int>(setting("HULLSPACE_EMULATED_DEVICES", 2)); }
std::size_t total_memory() { return setting("HULLSPACE_EMULATED_MEMORY", std::size_t{1} << 30U); }

cudaError_t check_device(int device) {
  if (n_devices() == 0) return cudaErrorNoDevice;
  return device < 0 || device >= n_devices() ? cudaErrorInvalidDevice : cudaSuccess;
}

void check_stream(cudaStream_t stream, const char* what) {
  const bool is_default =
      stream == nullptr || stream == cudaStreamLegacy || stream == cudaStreamPerThread;
  if (!is_default && stream->device != current_device) {
    fail("%s on a stream of device %d while device %d is current", what, stream->device,
         current_device);
  }
}

// Memory of a device that a copy may touch, and what lies beyond it may not.
struct Piece {
  Piece(const void* at_, std::size_t n_bytes_, const char* what) : at(at_), n_bytes(n_bytes_) {
    const std::lock_guard lock(devices().mutex);
    const auto* found = devices().find(at);
    if (found == nullptr) return;
    device = found->second.device;
    if (static_cast<const char*>(at) + n_bytes > found->first + found->second.n_bytes) {
      fail("%s of %zu bytes goes beyond its memory of device %d", what, n_bytes, device);
    }
    __asan_unpoison_memory_region(at, n_bytes);
  }
  ~Piece() {
    if (device >= 0) __asan_poison_memory_region(at, n_bytes);
  }
  Piece(const Piece&) = delete;
  Piece& operator=(const Piece&) = delete;

  const void* at;
  std::size_t n_bytes;
  int device = -1;  // the host's
};

// While a kernel runs, the memory of its device can be used.
class OpenMemory {
 public:
  OpenMemory() {
    const std::lock_guard lock(devices().mutex);
    for (const auto& [place, allocation] : devices().memory) {
      if (allocation.device == current_device) {
        __asan_unpoison_memory_region(place, allocation.n_bytes);
      }
    }
  }
  ~OpenMemory() {
    const std::lock_guard lock(devices().mutex);
    for (const auto& [place, allocation] : devices().memory) {
      __asan_poison_memory_region(place, allocation.n_bytes);
    }
  }
  OpenMemory(const OpenMemory&) = delete;
  OpenMemory& operator=(const OpenMemory&) = delete;
};

// One at a time, so that nobody closes memory that another one uses.
std::mutex& work() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace

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
  *device = current_device;
  return returned(n_devices() == 0 ? cudaErrorNoDevice : cudaSuccess);
}
cudaError_t cudaSetDevice(int device) {
  const cudaError_t error = check_device(device);
  if (error == cudaSuccess) current_device = device;
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

cudaError_t cudaMalloc(void** out, std::size_t n_bytes) {
  *out = nullptr;
  if (const cudaError_t error = check_device(current_device); error != cudaSuccess) {
    return returned(error);
  }
  if (n_bytes == 0) return cudaSuccess;
  const std::lock_guard lock(devices().mutex);
  const std::size_t used = devices().used(current_device);
  if (used > total_memory() || n_bytes > total_memory() - used) {
    return returned(cudaErrorMemoryAllocation);
  }
  void* memory = ::operator new(n_bytes, std::align_val_t{kAlignment}, std::nothrow);
  if (memory == nullptr) return returned(cudaErrorMemoryAllocation);
  hullspace::emulation::fill_unset(memory, n_bytes);
  devices().memory[static_cast<const char*>(memory)] = {n_bytes, current_device};
  __asan_poison_memory_region(memory, n_bytes);
  *out = memory;
  return cudaSuccess;
}
cudaError_t cudaFree(void* memory) {
  if (memory == nullptr) return cudaSuccess;
  const std::lock_guard lock(devices().mutex);
  const auto found = devices().memory.find(static_cast<const char*>(memory));
  if (found == devices().memory.end()) fail("cudaFree of what cudaMalloc did not return");
  if (found->second.device != current_device) {
    fail("cudaFree of memory of device %d while device %d is current", found->second.device,
         current_device);
  }
  __asan_unpoison_memory_region(memory, found->second.n_bytes);
  devices().memory.erase(found);
  ::operator delete(memory, std::align_val_t{kAlignment});
  return cudaSuccess;
}
cudaError_t cudaMallocHost(void** out, std::size_t n_bytes) {
  *out = n_bytes == 0 ? nullptr : std::malloc(n_bytes);
  return returned(n_bytes > 0 && *out == nullptr ? cudaErrorMemoryAllocation : cudaSuccess);
}
cudaError_t cudaFreeHost(void* memory) {
  std::free(memory);
  return cudaSuccess;
}
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  if (const cudaError_t error = check_device(current_device); error != cudaSuccess) {
    return returned(error);
  }
  const std::lock_guard lock(devices().mutex);
  const std::size_t used = devices().used(current_device);
  *total = total_memory();
  *free = used > *total ? 0 : *total - used;
  return cudaSuccess;
}
cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* out, const void* memory) {
  const std::lock_guard lock(devices().mutex);
  const auto* found = devices().find(memory);
  void* place = const_cast<void*>(memory);
  if (found == nullptr) {
    *out = {cudaMemoryTypeUnregistered, -1, nullptr, place};
  } else {
    *out = {cudaMemoryTypeDevice, found->second.device, place, nullptr};
  }
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t n_bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  check_stream(stream, "cudaMemcpy");
  if (n_bytes == 0) return cudaSuccess;
  const std::lock_guard lock(work());
  const Piece target(to, n_bytes, "cudaMemcpy");
  const Piece source(from, n_bytes, "cudaMemcpy");
  const bool is_remote = target.device != current_device && source.device != current_device;
  if (is_remote && (target.device >= 0 || source.device >= 0)) {
    fail("cudaMemcpy of memory of device %d while device %d is current",
         target.device >= 0 ? target.device : source.device, current_device);
  }
  const int actual = (target.device >= 0 ? 1 : 0) + (source.device >= 0 ? 2 : 0);
  if (kind != cudaMemcpyDefault && kind != actual) return returned(cudaErrorInvalidValue);
  std::memmove(to, from, n_bytes);
  return cudaSuccess;
}
cudaError_t cudaMemcpy(void* to, const void* from, std::size_t n_bytes, cudaMemcpyKind kind) {
  return cudaMemcpyAsync(to, from, n_bytes, kind, nullptr);
}
cudaError_t cudaMemsetAsync(void* to, int value, std::size_t n_bytes, cudaStream_t stream) {
  check_stream(stream, "cudaMemset");
  if (n_bytes == 0) return cudaSuccess;
  const std::lock_guard lock(work());
  const Piece target(to, n_bytes, "cudaMemset");
  if (target.device < 0) return returned(cudaErrorInvalidValue);
  if (target.device != current_device) {
    fail("cudaMemset of memory of device %d while device %d is current", target.device,
         current_device);
  }
  std::memset(to, value, n_bytes);
  return cudaSuccess;
}
cudaError_t cudaMemset(void* to, int value, std::size_t n_bytes) {
  return cudaMemsetAsync(to, value, n_bytes, nullptr);
}

cudaError_t cudaStreamCreate(cudaStream_t* out) { return cudaStreamCreateWithFlags(out, 0); }
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* out, unsigned /*flags*/) {
  const cudaError_t error = check_device(current_device);
  *out = error == cudaSuccess ? new CUstream_st{current_device} : nullptr;
  return returned(error);
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  delete stream;
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t /*stream*/) {
  return returned(check_device(current_device));
}
cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned) { return cudaSuccess; }
cudaError_t cudaEventCreate(cudaEvent_t* out) { return cudaEventCreateWithFlags(out, 0); }
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* out, unsigned /*flags*/) {
  const cudaError_t error = check_device(current_device);
  *out = error == cudaSuccess ? new CUevent_st{current_device} : nullptr;
  return returned(error);
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  check_stream(stream, "cudaEventRecord");
  if (event->device != current_device) {
    fail("cudaEventRecord of an event of device %d while device %d is current", event->device,
         current_device);
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

void fill_unset(void* memory, std::size_t n_bytes) {
  constexpr unsigned char kPattern[] = {0xff, 0xff, 0xf7, 0x7f};
  auto* bytes = static_cast<unsigned char*>(memory);
  for (std::size_t i = 0; i < n_bytes; ++i) bytes[i] = kPattern[i % sizeof kPattern];
}

cudaError_t allow_block_memory(const void* kernel, cudaFuncAttribute attribute, int n_bytes) {
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return cudaSuccess;
  if (n_bytes < 0 || static_cast<std::size_t>(n_bytes) > kMostBlockMemory) {
    return returned(cudaErrorInvalidValue);
  }
  const std::lock_guard lock(devices().mutex);
  devices().block_memory[kernel] = static_cast<std::size_t>(n_bytes);
  return cudaSuccess;
}

cudaError_t launch(const void* kernel, const cudaLaunchConfig_t& config, void (*run)(void*),
                   void* data) {
  if (const cudaError_t error = check_device(current_device); error != cudaSuccess) {
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
    const std::lock_guard lock(devices().mutex);
    const auto found = devices().block_memory.find(kernel);
    const auto& limits = devices().block_memory;
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
