// The CUDA runtime with exceptions, owned memory and launches; host code only.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

#include "cuda/interface.h"

namespace hullspace::cuda {

// What ends a call of the interface: its code and the message of last_error().
class Failure : public std::runtime_error {
 public:
  Failure(int code, const std::string& message) : std::runtime_error(message), code_(code) {}
  int code() const { return code_; }

 private:
  int code_;
};

inline void check(cudaError_t error, const char* doing) {
  if (error == cudaSuccess) return;
  static_cast<void>(cudaGetLastError());  // what is no failure of the device must not stay behind
  const int code = error == cudaErrorMemoryAllocation ? HSC_MEMORY : HSC_DEVICE;
  throw Failure(code, std::string(doing) + ": " + cudaGetErrorString(error));
}

// Makes a device the current one and puts back what was.
class CurrentDevice {
 public:
  explicit CurrentDevice(int device) {
    check(cudaGetDevice(&before_), "asking for the current device");
    if (before_ != device) check(cudaSetDevice(device), "choosing the device");
  }
  ~CurrentDevice() { static_cast<void>(cudaSetDevice(before_)); }
  CurrentDevice(const CurrentDevice&) = delete;
  CurrentDevice& operator=(const CurrentDevice&) = delete;

 private:
  int before_ = 0;
};

// Memory of the device that is current when it grows; it must be so when it is freed, too.
template <class T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::int64_t n) { reserve(n); }
  ~Buffer() { static_cast<void>(cudaFree(data_)); }
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }

  // Room for at least n elements. What was there is lost if that takes new memory.
  void reserve(std::int64_t n) {
    if (n <= size_) return;
    static_cast<void>(cudaFree(data_));
    data_ = nullptr;
    size_ = 0;
    void* memory = nullptr;
    check(cudaMalloc(&memory, static_cast<std::size_t>(n) * sizeof(T)), "allocating");
    data_ = static_cast<T*>(memory);
    size_ = n;
  }

  T* data() const { return data_; }
  std::int64_t size() const { return size_; }
  std::int64_t n_bytes() const { return size_ * static_cast<std::int64_t>(sizeof(T)); }

 private:
  T* data_ = nullptr;
  std::int64_t size_ = 0;
};

// Start a kernel. Blocks and threads are one- or two-dimensional; `n_bytes` of block memory beyond
// 48 KiB are asked for as the device wants it.
template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), dim3 blocks, dim3 threads, std::size_t n_bytes,
            cudaStream_t stream, Arguments&&... arguments) {
  constexpr std::size_t kAlwaysThere = std::size_t{48} << 10U;
  if (n_bytes > kAlwaysThere) {
    check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                               static_cast<int>(n_bytes)),
          "asking for block memory");
  }
  cudaLaunchConfig_t config{};
  config.gridDim = blocks;
  config.blockDim = threads;
  config.dynamicSmemBytes = n_bytes;
  config.stream = stream;
  check(cudaLaunchKernelEx(&config, kernel, std::forward<Arguments>(arguments)...),
        "starting a kernel");
}

// End the call if the caller wants it.
inline void poll(const HscCall& call) {
  if (call.interrupted != nullptr && call.interrupted(call.interrupted_data) != 0) {
    throw Failure(HSC_INTERRUPTED, "the call was interrupted");
  }
}

// Run what a call of the interface does, on its device; returns its code and keeps the message.
// Defined in device.cu.
void keep_message(const std::string& message);
template <class Body>
int guarded(int device, const Body& body) noexcept {
  try {
    const CurrentDevice current(device);
    body();
    return HSC_OK;
  } catch (const Failure& failure) {
    keep_message(failure.what());
    return failure.code();
  } catch (const std::bad_alloc&) {
    keep_message("out of host memory");
    return HSC_MEMORY;
  } catch (const std::exception& error) {
    keep_message(error.what());
    return HSC_DEVICE;
  }
}

}  // namespace hullspace::cuda
