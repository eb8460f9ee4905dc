// What a block lists for its tile of directions.
#pragma once

#include "cuda/scan.hpp"
#include "cuda/score_tile.hpp"
#include "cuda/selection.hpp"

namespace hullspace::cuda {

// Lower a number to `value`, whoever else does so. The bits of positive floats are in the order of
// their values as signed integers, those of negative ones against it as unsigned ones.
HULLSPACE_DEVICE inline void lower(float* number, float value) {
  const auto bits = __builtin_bit_cast(std::uint32_t, value);
  if ((bits & kSignBit) == 0) {
    atomicMin(reinterpret_cast<int*>(number), static_cast<int>(bits));
  } else {
    atomicMax(reinterpret_cast<unsigned*>(number), bits);
  }
}

// A number that the compiler does not know: what depends on it is computed where it is needed, and
// not kept in registers that other loops are short of.
HULLSPACE_DEVICE inline int hidden(int x) {
#ifdef __CUDACC__
  asm volatile("mov.b32 %0, %0;" : "+r"(x));
#endif
  return x;
}

class TileLists {
 public:
  // Memory that the threads of the block share.
  struct Shared {
    float thresholds[kTile];  // scores that are not below are not listed
    Key limits[kTile];        // nor are keys
    int counts[kTile];
    std::int32_t excluded[kTile];
  };

  HULLSPACE_DEVICE TileLists(Shared& shared, const Directions& directions, const Lists& lists)
      : shared_(shared),
        directions_(directions),
        lists_(lists),
        first_(static_cast<int>(blockIdx.x) * kTile),
        split_(static_cast<int>(blockIdx.y)),
        longest_(lists.capacity - kTile) {}

  HULLSPACE_DEVICE void load() const {
    const int d = static_cast<int>(threadIdx.x);
    if (d >= kTile) return;
    // A direction that only fills up the tile lists nothing.
    const bool is_real = is_direction(d);
    const float threshold = is_real ? lists_.thresholds[first_ + d] : -INFINITY;
    shared_.thresholds[d] = threshold;
    shared_.limits[d] = key_of(threshold, 0);
    shared_.counts[d] = is_real ? lists_.counts[list(d)] : 0;
    shared_.excluded[d] =
        is_real && directions_.excluded != nullptr ? directions_.excluded[first_ + d] : -1;
  }

  HULLSPACE_DEVICE void store() const {
    const int d = static_cast<int>(threadIdx.x);
    if (d < kTile && is_direction(d)) lists_.counts[list(d)] = shared_.counts[d];
  }

  // The threshold of the thread's direction, which other shares' blocks may have lowered.
  HULLSPACE_DEVICE float common_threshold() const {
    const int d = static_cast<int>(threadIdx.x);
    if (d >= kTile || !is_direction(d)) return -INFINITY;
    return *const_cast<const volatile float*>(lists_.thresholds + first_ + d);
  }
  HULLSPACE_DEVICE void use_threshold(float common) const {
    const int d = static_cast<int>(threadIdx.x);
    if (d < kTile && common < shared_.thresholds[d]) shared_.thresholds[d] = common;
  }

  // List the first `n_points` points of the tile, which have indices from `first` on, as far as
  // they score below the thresholds. Returns whether a list is longer than it should be.
  template <class Tile>
  HULLSPACE_DEVICE bool add(const Tile& tile, std::int32_t first, int n_points) const {
    bool is_long = false;
    const typename Tile::Patch patch(hidden(static_cast<int>(threadIdx.x)));
    HULLSPACE_UNROLL
    for (int j = 0; j < Tile::kDirections; ++j) {
      const int d = patch.direction(j);
      const float threshold = shared_.thresholds[d];
      bool is_below = false;
      HULLSPACE_UNROLL
      for (int i = 0; i < Tile::kPoints; ++i) is_below |= tile.score(i, j) < threshold;
      if (!is_below) continue;
      HULLSPACE_UNROLL
      for (int i = 0; i < Tile::kPoints; ++i) {
        const std::int32_t index = first + patch.point(i);
        if (!(tile.score(i, j) < threshold) || patch.point(i) >= n_points) continue;
        if (index == shared_.excluded[d]) continue;
        is_long |= append(d, key_of(tile.score(i, j), static_cast<std::uint32_t>(index)));
      }
    }
    return is_long;
  }

  // Warps thin out the lists that are too long.
  HULLSPACE_DEVICE void shorten() const {
    const WarpTeam warp;
    for (int d = static_cast<int>(threadIdx.x) / kWarpSize; d < kTile;
         d += kTileThreads / kWarpSize) {
      const int count = shared_.counts[d];
      if (count <= longest_) continue;
      // One more than is to be listed: whoever merges the lists sees that there are more.
      const Thinned thinned = thin_out(warp, keys(d), count, lists_.most + 1, longest_);
      if (warp.lane() != 0) continue;
      shared_.counts[d] = thinned.count;
      shared_.limits[d] = thinned.pivot;
      const float threshold = threshold_of(thinned.pivot);
      if (threshold < shared_.thresholds[d]) shared_.thresholds[d] = threshold;
      lower(lists_.thresholds + first_ + d, threshold);
    }
  }

 private:
  HULLSPACE_DEVICE bool is_direction(int d) const { return first_ + d < directions_.n; }
  HULLSPACE_DEVICE std::int64_t list(int d) const {
    return static_cast<std::int64_t>(first_ + d) * lists_.n_splits + split_;
  }
  HULLSPACE_DEVICE Key* keys(int d) const { return lists_.keys + list(d) * lists_.capacity; }

  // Points that tie with the threshold are told apart by their keys: of thousands of duplicates,
  // those that come after the pivot are not listed again and again.
  HULLSPACE_DEVICE bool append(int d, Key key) const {
    if (key >= shared_.limits[d]) return false;
    const int place = atomicAdd(&shared_.counts[d], 1);
    keys(d)[place] = key;
    return place >= longest_;
  }

  Shared& shared_;
  const Directions& directions_;
  const Lists& lists_;
  int first_;
  int split_;
  int longest_;
};

}  // namespace hullspace::cuda
