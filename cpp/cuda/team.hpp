// Groups of threads that work on one problem together.
//
// What a device does for one problem (thin_qr.hpp, active_set.hpp, ray.hpp, query.hpp, answers.hpp;
// system.hpp, simplex.hpp, center.hpp; selection.hpp) is written once for all teams: every thread
// of one runs the same code, loops take every size()-th element from lane() on, and sync() stands
// between writing and reading by others. A team is a warp or a block of a GPU, or one thread of the
// CPU, by which this code is tested against the core. Results of the reductions are the same on all
// threads and in every run.
//
// The core has loops of its own for the same methods, as it works with vector kernels and growing
// memory where this code works with lanes and memory carved beforehand. The formulas that decide
// are those of decide/ in both.
#pragma once

#include <cstdint>

#include "common/host_device.hpp"

// Before loops with long bodies, which are to be there once.
#ifdef __CUDACC__
#define HULLSPACE_ROLL _Pragma("unroll 1")
#else
#define HULLSPACE_ROLL
#endif

#if defined(__CUDACC__) || defined(HULLSPACE_EMULATED_CUDA)
#include <cuda_runtime.h>
#define HULLSPACE_HAS_THREADS
#endif

namespace hullspace::cuda {

// A value and the place where it was found; no place is -1.
struct Extreme {
  double value;
  int place;
};

// Whether `a` is lower; of equal values the first.
HULLSPACE_DEVICE inline bool is_lower(const Extreme& a, const Extreme& b) {
  if (a.place < 0 || b.place < 0) return a.place >= 0;
  return a.value != b.value ? a.value < b.value : a.place < b.place;
}

class SerialTeam {
 public:
  // A team falls into parts, which do what takes no more of them each on its own.
  using Part = SerialTeam;
  HULLSPACE_DEVICE Part own_part() const { return {}; }
  HULLSPACE_DEVICE static constexpr int part() { return 0; }
  HULLSPACE_DEVICE static constexpr int n_parts() { return 1; }
  // A part falls into groups of a few threads, for sums that are short. All groups of a part call
  // together.
  using Group = SerialTeam;
  HULLSPACE_DEVICE Group own_group() const { return {}; }
  HULLSPACE_DEVICE static constexpr int group() { return 0; }
  HULLSPACE_DEVICE static constexpr int n_groups() { return 1; }

  HULLSPACE_DEVICE static constexpr int lane() { return 0; }
  HULLSPACE_DEVICE static constexpr int size() { return 1; }
  HULLSPACE_DEVICE void sync() const {}
  HULLSPACE_DEVICE double sum(double x) const { return x; }
  HULLSPACE_DEVICE int sum(int x) const { return x; }
  HULLSPACE_DEVICE double largest(double x) const { return x; }
  // The lowest of all threads' candidates.
  HULLSPACE_DEVICE Extreme lowest(const Extreme& mine) const { return mine; }
  // How many threads before this one say yes, and how many do in all.
  HULLSPACE_DEVICE int rank(bool yes, int& total) const {
    total = yes ? 1 : 0;
    return 0;
  }
};

#ifdef HULLSPACE_HAS_THREADS

inline constexpr unsigned kWholeWarp = 0xffffffffU;
inline constexpr int kWarpSize = 32;

// Neighbouring threads of a warp.
class GroupTeam {
 public:
  HULLSPACE_DEVICE int lane() const { return static_cast<int>(threadIdx.x) % size(); }
  HULLSPACE_DEVICE static constexpr int size() { return 4; }

  HULLSPACE_DEVICE double sum(double x) const {
    for (int step = size() / 2; step > 0; step /= 2) x += __shfl_xor_sync(kWholeWarp, x, step);
    return x;
  }
  HULLSPACE_DEVICE double largest(double x) const {
    for (int step = size() / 2; step > 0; step /= 2) {
      const double other = __shfl_xor_sync(kWholeWarp, x, step);
      x = other > x ? other : x;
    }
    return x;
  }
};

// The warp of the calling thread, in a block of one dimension.
class WarpTeam {
 public:
  using Part = WarpTeam;
  HULLSPACE_DEVICE Part own_part() const { return {}; }
  HULLSPACE_DEVICE static constexpr int part() { return 0; }
  HULLSPACE_DEVICE static constexpr int n_parts() { return 1; }
  using Group = GroupTeam;
  HULLSPACE_DEVICE Group own_group() const { return {}; }
  HULLSPACE_DEVICE int group() const { return lane() / Group::size(); }
  HULLSPACE_DEVICE static constexpr int n_groups() { return kWarpSize / Group::size(); }

  HULLSPACE_DEVICE int lane() const { return static_cast<int>(threadIdx.x) % kWarpSize; }
  HULLSPACE_DEVICE static constexpr int size() { return kWarpSize; }
  HULLSPACE_DEVICE void sync() const { __syncwarp(); }

  HULLSPACE_DEVICE double sum(double x) const {
    for (int step = kWarpSize / 2; step > 0; step /= 2) x += __shfl_xor_sync(kWholeWarp, x, step);
    return x;
  }
  HULLSPACE_DEVICE int sum(int x) const {
    for (int step = kWarpSize / 2; step > 0; step /= 2) x += __shfl_xor_sync(kWholeWarp, x, step);
    return x;
  }
  HULLSPACE_DEVICE double largest(double x) const {
    for (int step = kWarpSize / 2; step > 0; step /= 2) {
      const double other = __shfl_xor_sync(kWholeWarp, x, step);
      x = other > x ? other : x;
    }
    return x;
  }
  HULLSPACE_DEVICE Extreme lowest(Extreme mine) const {
    for (int step = kWarpSize / 2; step > 0; step /= 2) {
      const Extreme other{__shfl_xor_sync(kWholeWarp, mine.value, step),
                          __shfl_xor_sync(kWholeWarp, mine.place, step)};
      if (is_lower(other, mine)) mine = other;
    }
    return mine;
  }
  HULLSPACE_DEVICE int rank(bool yes, int& total) const {
    const unsigned mask = __ballot_sync(kWholeWarp, yes);
    total = __popc(mask);
    return __popc(mask & ((1U << static_cast<unsigned>(lane())) - 1U));
  }
};

// All threads of a block of one dimension, whole warps. Everything is combined through a few words
// of shared memory, one for each warp.
class BlockTeam {
 public:
  static constexpr int kMostWarps = 8;
  struct Scratch {
    Extreme extremes[kMostWarps];
    int counts[kMostWarps];
  };

  HULLSPACE_DEVICE explicit BlockTeam(Scratch& scratch) : scratch_(scratch) {}

  using Part = WarpTeam;
  HULLSPACE_DEVICE Part own_part() const { return {}; }
  HULLSPACE_DEVICE int part() const { return lane() / kWarpSize; }
  HULLSPACE_DEVICE int n_parts() const { return size() / kWarpSize; }

  HULLSPACE_DEVICE int lane() const { return static_cast<int>(threadIdx.x); }
  HULLSPACE_DEVICE int size() const { return static_cast<int>(blockDim.x); }
  HULLSPACE_DEVICE void sync() const { __syncthreads(); }

  HULLSPACE_DEVICE double sum(double x) const {
    x = WarpTeam().sum(x);
    share({x, 0});
    double total = scratch_.extremes[0].value;
    for (int i = 1; i < n_parts(); ++i) total += scratch_.extremes[i].value;
    sync();
    return total;
  }
  HULLSPACE_DEVICE int sum(int x) const {
    int total = 0;
    count(WarpTeam().sum(x), total);
    return total;
  }
  HULLSPACE_DEVICE double largest(double x) const {
    x = WarpTeam().largest(x);
    share({x, 0});
    double most = scratch_.extremes[0].value;
    for (int i = 1; i < n_parts(); ++i) {
      most = scratch_.extremes[i].value > most ? scratch_.extremes[i].value : most;
    }
    sync();
    return most;
  }
  HULLSPACE_DEVICE Extreme lowest(const Extreme& mine) const {
    share(WarpTeam().lowest(mine));
    Extreme best = scratch_.extremes[0];
    for (int i = 1; i < n_parts(); ++i) {
      if (is_lower(scratch_.extremes[i], best)) best = scratch_.extremes[i];
    }
    sync();
    return best;
  }
  HULLSPACE_DEVICE int rank(bool yes, int& total) const {
    int in_warp = 0;
    const int before = WarpTeam().rank(yes, in_warp);
    return count(in_warp, total) + before;
  }

 private:
  // Show every thread what each warp has.
  HULLSPACE_DEVICE void share(const Extreme& mine) const {
    if (lane() % kWarpSize == 0) scratch_.extremes[part()] = mine;
    sync();
  }
  // The sum over the warps before this one, and over all.
  HULLSPACE_DEVICE int count(int in_warp, int& total) const {
    if (lane() % kWarpSize == 0) scratch_.counts[part()] = in_warp;
    sync();
    int before = 0;
    total = 0;
    for (int i = 0; i < n_parts(); ++i) {
      before += i < part() ? scratch_.counts[i] : 0;
      total += scratch_.counts[i];
    }
    sync();
    return before;
  }

  Scratch& scratch_;
};

// Memory of the block whose size the launch sets, aligned to 16 bytes.
HULLSPACE_DEVICE inline unsigned char* block_memory() {
#ifdef __CUDACC__
  extern __shared__ __align__(16) unsigned char memory[];
  return memory;
#else
  return emulated_block_memory();
#endif
}

#endif  // HULLSPACE_HAS_THREADS

}  // namespace hullspace::cuda
