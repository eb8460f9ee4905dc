// The CUDA library, opened on first use, and calls of it.
#pragma once

#include <chrono>
#include <functional>

#include "cuda/interface.h"
#include "hullspace/device.hpp"

namespace hullspace {

// The library's table; throws DeviceError where there is none.
const HscInterface& cuda_library();

// Throw what a code stands for.
void check(int code);

// A context as the library takes it, which may ask about interruption as often as it likes.
class Call {
 public:
  explicit Call(const DeviceContext& context);
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  const HscCall* get() const { return &call_; }
  // Throw Interrupted if the caller wants that.
  void poll();

 private:
  static int is_interrupted(void* self);

  const std::function<bool()>& interrupted_;
  std::chrono::steady_clock::time_point next_poll_;
  HscCall call_{};
};

// The context's memory limit, or what stands for it.
std::int64_t memory_limit(const DeviceContext& context);

}  // namespace hullspace
