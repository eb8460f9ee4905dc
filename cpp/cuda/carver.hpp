// Pieces of a block of memory, on the host or a device.
#pragma once

#include <cstdint>

#include "cuda/team.hpp"

namespace hullspace::cuda {

// Hands out consecutive pieces of memory, or adds up their sizes if there is none.
class Carver {
 public:
  HULLSPACE_HOST_DEVICE explicit Carver(unsigned char* memory) : memory_(memory) {}

  template <class T>
  HULLSPACE_HOST_DEVICE T* take(std::int64_t n) {
    const std::int64_t at = used_;
    used_ += (n * static_cast<std::int64_t>(sizeof(T)) + 15) / 16 * 16;
    return memory_ == nullptr ? nullptr : reinterpret_cast<T*>(memory_ + at);
  }
  HULLSPACE_HOST_DEVICE std::int64_t used() const { return used_; }

 private:
  unsigned char* memory_;
  std::int64_t used_ = 0;
};

}  // namespace hullspace::cuda
