// Where tests of the CUDA library run: on emulated devices, or on real ones if there are any.
#pragma once

#include <cuda_runtime.h>
#include <doctest/doctest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "cuda/runtime.hpp"

namespace tests {

// A variable of the environment for as long as this lives.
class Setting {
 public:
  Setting(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  ~Setting() { unsetenv(name_); }
  Setting(const Setting&) = delete;
  Setting& operator=(const Setting&) = delete;

 private:
  const char* name_;
};

// The order in which the threads of emulated devices run, from now on.
inline void set_order(const char* order) { setenv("HULLSPACE_EMULATED_ORDER", order, 1); }

template <class T>
hullspace::cuda::Buffer<T> to_device(const std::vector<T>& values) {
  hullspace::cuda::Buffer<T> buffer(static_cast<std::int64_t>(values.size()));
  hullspace::cuda::copy_elements(buffer.data(), values.data(), std::ssize(values), nullptr);
  hullspace::cuda::check(cudaStreamSynchronize(nullptr), "copying");
  return buffer;
}
template <class T>
std::vector<T> to_host(const hullspace::cuda::Buffer<T>& buffer) {
  std::vector<T> values(static_cast<std::size_t>(buffer.size()));
  hullspace::cuda::copy_elements(values.data(), buffer.data(), std::ssize(values), nullptr);
  hullspace::cuda::check(cudaStreamSynchronize(nullptr), "copying");
  return values;
}

// The last device, so that none is taken for the first by mistake.
inline int last_device() {
  int count = 0;
  static_cast<void>(cudaGetDeviceCount(&count));
  return count - 1;
}

// Whether a message says something; it is shown where it does not.
inline bool mentions(const std::string& message, const std::string& what) {
  if (message.find(what) != std::string::npos) return true;
  MESSAGE(message);
  return false;
}

}  // namespace tests
