// The CUDA runtime with exceptions, owned memory and launches; host code only.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>
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

// What an error means. The runtime calls a driver that is not there an old one.
inline std::string reason(cudaError_t error) {
  if (error != cudaErrorInsufficientDriver) return cudaGetErrorString(error);
  int version = 0;
  static_cast<void>(cudaDriverGetVersion(&version));
  if (version == 0) return "there is no CUDA driver";
  return "the CUDA driver is for CUDA " + std::to_string(version / 1000) + "." +
         std::to_string(version % 1000 / 10) + ", which is too old";
}

inline void check(cudaError_t error, const char* doing) {
  if (error == cudaSuccess) return;
  static_cast<void>(cudaGetLastError());  // what is no failure of the device must not stay behind
  const int code = error == cudaErrorMemoryAllocation ? HSC_MEMORY : HSC_DEVICE;
  throw Failure(code, std::string(doing) + ": " + reason(error));
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

// Ask for more of a block's memory than is always there, 48 KiB less what kernels declare. What is
// asked for belongs to the kernel: until the lock is given up no other thread may ask for less.
template <class... Parameters>
std::unique_lock<std::mutex> ask_for_block_memory(void (*kernel)(Parameters...),
                                                  std::size_t n_bytes) {
  constexpr std::size_t kAlwaysThere = std::size_t{47} << 10U;
  static std::mutex asking;
  std::unique_lock<std::mutex> lock(asking, std::defer_lock);
  if (n_bytes <= kAlwaysThere) return lock;
  lock.lock();
  check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                             static_cast<int>(n_bytes)),
        "asking for block memory");
  return lock;
}

inline int n_multiprocessors(int device) {
  int n = 0;
  check(cudaDeviceGetAttribute(&n, cudaDevAttrMultiProcessorCount, device),
        "asking for multiprocessors");
  return n;
}

// Copy n elements from anywhere to anywhere, in the stream's order.
template <class T>
void copy_elements(T* to, const T* from, std::int64_t n, cudaStream_t stream) {
  if (n == 0) return;
  check(
      cudaMemcpyAsync(to, from, static_cast<std::size_t>(n) * sizeof(T), cudaMemcpyDefault, stream),
      "copying");
}

// Start a kernel. Blocks and threads are one- or two-dimensional.
template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), dim3 blocks, dim3 threads, std::size_t n_bytes,
            cudaStream_t stream, Arguments&&... arguments) {
  const std::unique_lock<std::mutex> lock = ask_for_block_memory(kernel, n_bytes);
  cudaLaunchConfig_t config{};
  config.gridDim = blocks;
  config.blockDim = threads;
  config.dynamicSmemBytes = n_bytes;
  config.stream = stream;
  check(cudaLaunchKernelEx(&config, kernel, std::forward<Arguments>(arguments)...),
        "starting a kernel");
}

// End the call if the caller wants it, when nothing works on its memory any more.
inline void poll(const HscCall& call) {
  if (call.interrupted != nullptr && call.interrupted(call.interrupted_data) != 0) {
    static_cast<void>(cudaStreamSynchronize(static_cast<cudaStream_t>(call.stream)));
    throw Failure(HSC_INTERRUPTED, "the call was interrupted");
  }
}

// Whether the library has code for a device; what is newer than all that it was built for runs what
// the driver makes of its PTX.
inline void require_code(int device) {
  int major = 0;
  int minor = 0;
  check(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device),
        "asking for the device's compute capability");
  check(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device),
        "asking for the device's compute capability");
  if (major >= 8) return;
  throw Failure(HSC_DEVICE, "device " + std::to_string(device) + " has compute capability " +
                                std::to_string(major) + "." + std::to_string(minor) +
                                ", but 8.0 or more is needed");
}

// Defined in device.cu.
void keep_message(const char* message) noexcept;

// The code of what `body` does, whose message is kept.
template <class Body>
int caught(const Body& body) noexcept {
  try {
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

// Run what a call of the interface does, on its device.
template <class Body>
int guarded(int device, const Body& body) noexcept {
  return caught([&] {
    const CurrentDevice current(device);
    require_code(device);
    body();
  });
}

}  // namespace hullspace::cuda
