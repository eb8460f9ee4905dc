// Emulated devices' memory: what is allocated where, and who may touch it when.
#include <cstdlib>
#include <cstring>
#include <map>
#include <new>

#include "state.h"

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

using namespace hullspace::emulation;

namespace {

constexpr std::size_t kAlignment = 256;

struct Allocation {
  std::size_t n_bytes;
  int device;
};

struct Memory {
  std::mutex mutex;
  std::map<const char*, Allocation> allocations;

  // The allocation that holds an address, or null.
  const std::pair<const char* const, Allocation>* find(const void* at) const {
    const auto* place = static_cast<const char*>(at);
    auto next = allocations.upper_bound(place);
    if (next == allocations.begin()) return nullptr;
    --next;
    return place < next->first + next->second.n_bytes ? &*next : nullptr;
  }
  std::size_t used(int device) const {
    std::size_t sum = 0;
    for (const auto& [place, allocation] : allocations) {
      if (allocation.device == device) sum += allocation.n_bytes;
    }
    return sum;
  }
};
Memory& all_memory() {
  static Memory all;
  return all;
}

// Memory of a device that a copy may touch, and what lies beyond it may not.
struct Piece {
  Piece(const void* at_, std::size_t n_bytes_, const char* what) : at(at_), n_bytes(n_bytes_) {
    const std::lock_guard lock(all_memory().mutex);
    const auto* found = all_memory().find(at);
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

}  // namespace

namespace hullspace::emulation {

void fill_unset(void* memory, std::size_t n_bytes) {
  constexpr unsigned char kPattern[] = {0xff, 0xff, 0xf7, 0x7f};
  auto* bytes = static_cast<unsigned char*>(memory);
  for (std::size_t i = 0; i < n_bytes; ++i) bytes[i] = kPattern[i % sizeof kPattern];
}

OpenMemory::OpenMemory() {
  const std::lock_guard lock(all_memory().mutex);
  for (const auto& [place, allocation] : all_memory().allocations) {
    if (allocation.device == current_device()) {
      __asan_unpoison_memory_region(place, allocation.n_bytes);
    }
  }
}
OpenMemory::~OpenMemory() {
  const std::lock_guard lock(all_memory().mutex);
  for (const auto& [place, allocation] : all_memory().allocations) {
    __asan_poison_memory_region(place, allocation.n_bytes);
  }
}

std::mutex& work() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace hullspace::emulation

cudaError_t cudaMalloc(void** out, std::size_t n_bytes) {
  *out = nullptr;
  if (const cudaError_t error = check_device(current_device()); error != cudaSuccess) {
    return returned(error);
  }
  if (n_bytes == 0) return cudaSuccess;
  const std::lock_guard lock(all_memory().mutex);
  const std::size_t used = all_memory().used(current_device());
  if (used > total_memory() || n_bytes > total_memory() - used) {
    return returned(cudaErrorMemoryAllocation);
  }
  void* memory = ::operator new(n_bytes, std::align_val_t{kAlignment}, std::nothrow);
  if (memory == nullptr) return returned(cudaErrorMemoryAllocation);
  hullspace::emulation::fill_unset(memory, n_bytes);
  all_memory().allocations[static_cast<const char*>(memory)] = {n_bytes, current_device()};
  __asan_poison_memory_region(memory, n_bytes);
  *out = memory;
  return cudaSuccess;
}
cudaError_t cudaFree(void* memory) {
  if (memory == nullptr) return cudaSuccess;
  const std::lock_guard lock(all_memory().mutex);
  const auto found = all_memory().allocations.find(static_cast<const char*>(memory));
  if (found == all_memory().allocations.end()) fail("cudaFree of what cudaMalloc did not return");
  if (found->second.device != current_device()) {
    fail("cudaFree of memory of device %d while device %d is current", found->second.device,
         current_device());
  }
  __asan_unpoison_memory_region(memory, found->second.n_bytes);
  all_memory().allocations.erase(found);
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
  if (const cudaError_t error = check_device(current_device()); error != cudaSuccess) {
    return returned(error);
  }
  const std::lock_guard lock(all_memory().mutex);
  const std::size_t used = all_memory().used(current_device());
  *total = total_memory();
  *free = used > *total ? 0 : *total - used;
  return cudaSuccess;
}
cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* out, const void* memory) {
  const std::lock_guard lock(all_memory().mutex);
  const auto* found = all_memory().find(memory);
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
  const bool is_remote = target.device != current_device() && source.device != current_device();
  if (is_remote && (target.device >= 0 || source.device >= 0)) {
    fail("cudaMemcpy of memory of device %d while device %d is current",
         target.device >= 0 ? target.device : source.device, current_device());
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
  if (target.device != current_device()) {
    fail("cudaMemset of memory of device %d while device %d is current", target.device,
         current_device());
  }
  std::memset(to, value, n_bytes);
  return cudaSuccess;
}
cudaError_t cudaMemset(void* to, int value, std::size_t n_bytes) {
  return cudaMemsetAsync(to, value, n_bytes, nullptr);
}
