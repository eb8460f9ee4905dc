// CUDA for tests on machines without a GPU: the part of its runtime and its device functions that
// the library uses, and the execution of kernels on the CPU.
//
// The threads of a block are fibers of one thread of the system, which change over only at barriers
// and collectives (execution.cpp); kernels and copies are finished when their calls return. Nothing
// is lenient: what the CUDA manual leaves undefined (threads that do not come to a barrier, lanes
// that are missing from a collective, memory of another device) ends the program with a message.
//
// Read from the environment:
//   HULLSPACE_EMULATED_ORDER       forward, backward or shuffled:SEED, in which blocks, warps and
//                                  lanes run: results that differ between orders show a race
//   HULLSPACE_EMULATED_DEVICES     how many devices there are (2)
//   HULLSPACE_EMULATED_CAPABILITY  10 * major + minor of all of them (90)
//   HULLSPACE_EMULATED_MEMORY      bytes that each of them has (2^30)
#ifndef HULLSPACE_EMULATED_CUDA_RUNTIME_H
#define HULLSPACE_EMULATED_CUDA_RUNTIME_H

#include <cstddef>
#include <tuple>
#include <utility>

#include "device_functions.h"

// The runtime, with the values of CUDA's own header.
enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInvalidConfiguration = 9,
  cudaErrorInsufficientDriver = 35,
  cudaErrorNoDevice = 100,
  cudaErrorInvalidDevice = 101,
  cudaErrorNotReady = 600,
};
const char* cudaGetErrorString(cudaError_t error);
const char* cudaGetErrorName(cudaError_t error);
cudaError_t cudaGetLastError();
cudaError_t cudaPeekAtLastError();

struct cudaDeviceProp {
  char name[256];
  std::size_t totalGlobalMem;
  std::size_t sharedMemPerBlock;
  std::size_t sharedMemPerBlockOptin;
  std::size_t sharedMemPerMultiprocessor;
  int major, minor;
  int multiProcessorCount;
  int maxThreadsPerBlock;
  int warpSize;
  int l2CacheSize;
};
enum cudaDeviceAttr {
  cudaDevAttrMultiProcessorCount = 16,
  cudaDevAttrL2CacheSize = 38,
  cudaDevAttrComputeCapabilityMajor = 75,
  cudaDevAttrComputeCapabilityMinor = 76,
  cudaDevAttrMaxSharedMemoryPerMultiprocessor = 81,
  cudaDevAttrMaxSharedMemoryPerBlockOptin = 97,
};
cudaError_t cudaDriverGetVersion(int* version);
cudaError_t cudaGetDeviceCount(int* count);
cudaError_t cudaGetDevice(int* device);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* out, int device);
cudaError_t cudaDeviceGetAttribute(int* out, cudaDeviceAttr attribute, int device);
cudaError_t cudaDeviceSynchronize();

// New memory is filled as fill_unset says. Under AddressSanitizer a device's memory can be touched
// by copies and by the device's own kernels only.
cudaError_t cudaMalloc(void** out, std::size_t n_bytes);
template <class T>
cudaError_t cudaMalloc(T** out, std::size_t n_bytes) {
  void* memory = nullptr;
  const cudaError_t error = cudaMalloc(&memory, n_bytes);
  if (error == cudaSuccess) *out = static_cast<T*>(memory);
  return error;
}
cudaError_t cudaFree(void* memory);
cudaError_t cudaMallocHost(void** out, std::size_t n_bytes);
cudaError_t cudaFreeHost(void* memory);
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total);

enum cudaMemoryType { cudaMemoryTypeUnregistered = 0, cudaMemoryTypeDevice = 2 };
struct cudaPointerAttributes {
  cudaMemoryType type;
  int device;
  void* devicePointer;
  void* hostPointer;
};
cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* out, const void* memory);

typedef struct CUstream_st* cudaStream_t;
typedef struct CUevent_st* cudaEvent_t;
inline const cudaStream_t cudaStreamLegacy = reinterpret_cast<cudaStream_t>(1);
inline const cudaStream_t cudaStreamPerThread = reinterpret_cast<cudaStream_t>(2);
enum : unsigned {
  cudaStreamDefault = 0,
  cudaStreamNonBlocking = 1,
  cudaEventDefault = 0,
  cudaEventDisableTiming = 2,
};

enum cudaMemcpyKind {
  cudaMemcpyHostToHost = 0,
  cudaMemcpyHostToDevice = 1,
  cudaMemcpyDeviceToHost = 2,
  cudaMemcpyDeviceToDevice = 3,
  cudaMemcpyDefault = 4,
};
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t n_bytes, cudaMemcpyKind kind,
                            cudaStream_t stream = nullptr);
cudaError_t cudaMemcpy(void* to, const void* from, std::size_t n_bytes, cudaMemcpyKind kind);
cudaError_t cudaMemsetAsync(void* to, int value, std::size_t n_bytes,
                            cudaStream_t stream = nullptr);
cudaError_t cudaMemset(void* to, int value, std::size_t n_bytes);

cudaError_t cudaStreamCreate(cudaStream_t* out);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* out, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags = 0);
cudaError_t cudaEventCreate(cudaEvent_t* out);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* out, unsigned flags);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream = nullptr);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaEventQuery(cudaEvent_t event);
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t from, cudaEvent_t to);

// Kernels.
enum cudaFuncAttribute {
  cudaFuncAttributeMaxDynamicSharedMemorySize = 8,
  cudaFuncAttributePreferredSharedMemoryCarveout = 9,
};
struct cudaLaunchAttribute;
struct cudaLaunchConfig_t {
  dim3 gridDim;
  dim3 blockDim;
  std::size_t dynamicSmemBytes;
  cudaStream_t stream;
  cudaLaunchAttribute* attrs;
  unsigned numAttrs;
};

namespace hullspace::emulation {
cudaError_t allow_block_memory(const void* kernel, cudaFuncAttribute attribute, int n_bytes);
// Whether a kernel may start, or why not, and its execution: every thread of it calls run(data).
cudaError_t launch(const void* kernel, const cudaLaunchConfig_t& config, void (*run)(void*),
                   void* data);
void execute(const cudaLaunchConfig_t& config, void (*run)(void*), void* data);
}  // namespace hullspace::emulation

template <class... Parameters>
cudaError_t cudaFuncSetAttribute(void (*kernel)(Parameters...), cudaFuncAttribute attribute,
                                 int value) {
  return hullspace::emulation::allow_block_memory(reinterpret_cast<const void*>(kernel), attribute,
                                                  value);
}
template <class... Parameters, class... Arguments>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Parameters...),
                               Arguments&&... arguments) {
  using Call = std::pair<void (*)(Parameters...), std::tuple<Parameters...>>;
  Call call(kernel, std::tuple<Parameters...>(std::forward<Arguments>(arguments)...));
  const auto run = [](void* data) {
    const Call& called = *static_cast<const Call*>(data);
    std::apply(called.first, called.second);
  };
  return hullspace::emulation::launch(reinterpret_cast<const void*>(kernel), *config, run, &call);
}
template <class... Parameters>
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* out, void (*)(Parameters...),
                                                          int n_threads, std::size_t n_bytes) {
  const std::size_t by_memory = (std::size_t{228} << 10U) / (n_bytes + 1024);
  const std::size_t by_threads = 2048U / static_cast<unsigned>(n_threads);
  *out = static_cast<int>(by_memory < by_threads ? by_memory : by_threads);
  return cudaSuccess;
}

#endif
