// The kernel of a scan: a block multiplies its tile of directions with the panels of its share.
#pragma once

#include "cuda/async_copy.hpp"
#include "cuda/scan.hpp"
#include "cuda/score_tile.hpp"
#include "cuda/tile_lists.hpp"

namespace hullspace::cuda {

inline constexpr int kBlocksPerMultiprocessor = 2;  // as many as there are registers for

// Slabs of points and directions on their way into the block's memory, a few ahead of use. They
// are one sequence over all panels, so that nothing waits where a panel ends.
class SlabStream {
 public:
  static constexpr int kAhead = 2;
  static constexpr int kStages = kAhead + 1;
  struct Shared {
    alignas(16) float points[kStages][kSlabSize];
    alignas(16) float directions[kStages][kSlabSize];
  };

  // `skipped` elements lie between the panels that are looked at.
  HULLSPACE_DEVICE SlabStream(Shared& shared, const float* points, std::int64_t skipped,
                              const float* directions, int n_slabs, int n)
      : shared_(shared),
        points_(points),
        directions_(directions),
        skipped_(skipped),
        n_slabs_(n_slabs),
        left_(n) {
    const int thread = static_cast<int>(threadIdx.x);
    to_ = thread / (kTile / kCopied) * kRowStride + thread % (kTile / kCopied) * kCopied;
    points_ += thread * kCopied;
    directions_ += thread * kCopied;
    for (int i = 0; i < kAhead; ++i) fetch(i, i < left_);
  }

  // The next slab is there for all threads, and nobody needs the one before.
  HULLSPACE_DEVICE void advance() {
    wait_for_groups<kAhead - 1>();
    __syncthreads();
    const int before = stage_;
    stage_ = stage_ + 1 < kStages ? stage_ + 1 : 0;
    fetch(before, left_ > kAhead);
    --left_;
  }
  HULLSPACE_DEVICE bool is_at_end() const { return left_ == 0; }
  HULLSPACE_DEVICE const float* points() const { return shared_.points[stage_]; }
  HULLSPACE_DEVICE const float* directions() const { return shared_.directions[stage_]; }

 private:
  HULLSPACE_DEVICE void fetch(int stage, bool is_there) {
    if (is_there) {
      copy_later(&shared_.points[stage][to_], points_);
      copy_later(&shared_.directions[stage][to_], directions_ + slab_ * (kSlab * kTile));
      points_ += kSlab * kTile;
      if (++slab_ == n_slabs_) {
        slab_ = 0;
        points_ += skipped_;
      }
    }
    end_group();
  }

  static_assert(kSlab * kTile == kTileThreads * kCopied, "each thread copies once");

  Shared& shared_;
  const float* points_;
  const float* directions_;
  std::int64_t skipped_;
  int n_slabs_;
  int left_;  // not used yet
  int to_;
  int slab_ = 0;
  int stage_ = kStages - 1;
};

// Where share i of n begins in a sequence of `size`.
HULLSPACE_DEVICE inline int share_begin(int size, int i, int n) {
  return static_cast<int>(static_cast<std::int64_t>(size) * i / n);
}

// On sm_90 a warp's slab of float32 multiply-adds is 592 instructions, 512 of which multiply and
// add, and the end of a panel 250 where nothing is listed: at most 83 % of the peak with 72 rows
// and 86 % with 2056. On tensor cores it is 287 instructions with 48 products of matrices.
template <class Tile>
__global__ void __launch_bounds__(kTileThreads, kBlocksPerMultiprocessor)
    scan_kernel(const Panels panels, const Directions directions, const Lists lists) {
  __shared__ SlabStream::Shared slabs;
  __shared__ TileLists::Shared listed;
  const std::int64_t step = std::int64_t{kTile} * panels.step;  // points
  const auto n_panels = static_cast<int>((panels.n_points + step - 1) / step);
  const auto share = static_cast<int>(blockIdx.y);
  const int begin = share_begin(n_panels, share, lists.n_splits);
  const int end = share_begin(n_panels, share + 1, lists.n_splits);
  const std::int64_t panel_size = static_cast<std::int64_t>(panels.n_rows) * kTile;
  const int n_slabs = panels.n_rows / kSlab;

  const TileLists found(listed, directions, lists);
  found.load();
  SlabStream stream(slabs, panels.data + begin * panels.step * panel_size,
                    (panels.step - 1) * panel_size, directions.data + blockIdx.x * panel_size,
                    n_slabs, (end - begin) * n_slabs);
  Tile tile(static_cast<int>(threadIdx.x));
  float threshold = INFINITY;
  for (int panel = begin; !stream.is_at_end(); ++panel) {
    // Asked for one panel before it is used, so that nobody waits.
    found.use_threshold(threshold);
    threshold = found.common_threshold();
    tile.clear();
    for (int slab = 0; slab < n_slabs; ++slab) {
      stream.advance();
      tile.add(stream.points(), stream.directions());
    }
    const std::int64_t first = panel * step;
    const bool is_long =
        found.add(tile, static_cast<std::int32_t>(panels.first_point + first),
                  static_cast<int>(min(panels.n_points - first, std::int64_t{kTile})));
    if (__syncthreads_or(is_long ? 1 : 0) == 0) continue;
    found.shorten();
    __syncthreads();
  }
  found.store();
}

}  // namespace hullspace::cuda
