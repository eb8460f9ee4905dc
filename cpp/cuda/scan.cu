#include "cuda/scan.hpp"

#include <algorithm>
#include <cstdlib>
#include <string>

#include "common/tolerances.hpp"
#include "cuda/scan_kernel.hpp"
#include "cuda/score_tile.hpp"
#include "cuda/selection.hpp"
#include "cuda/tensor_tile.hpp"

namespace hullspace::cuda {
namespace {

constexpr int kExactThreads = 256;
constexpr int kMergeThreads = 128;
// No more than this many times the blocks that the device runs at a time are started.
constexpr int kMostWaves = 4;
// Starting a share costs about as much time as this many panels.
constexpr std::int64_t kShareCost = 4;

std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

// One block packs one panel, a thread a point, in the order of PointSet::pack_panel.
__global__ void pack_kernel(const DeviceMatrix points, std::int64_t first, std::int64_t n_points,
                            const Frame frame, int n_rows, float* panels) {
  const int place = static_cast<int>(threadIdx.x);
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kTile + place;
  const auto n_features = static_cast<int>(points.n_columns);
  const bool is_point = i < n_points;
  float* out = panels + static_cast<std::int64_t>(blockIdx.x) * n_rows * kTile + place;
  double square = 0.0;
  for (int k = 0; k < n_features; ++k) {
    const double x = is_point ? framed(points, frame, first + i, k) : 0.0;
    square += x * x;
    out[static_cast<std::int64_t>(k) * kTile] = static_cast<float>(x);
  }
  out[static_cast<std::int64_t>(n_features) * kTile] = static_cast<float>(0.5 * square);
  for (int k = n_features + 1; k < n_rows; ++k) out[static_cast<std::int64_t>(k) * kTile] = 0.0F;
}

// One block merges the lists of one direction.
__global__ void merge_kernel(const Lists lists, const int* keep, const Merged merged) {
  __shared__ BlockTeam::Scratch scratch;
  const BlockTeam team(scratch);
  const auto direction = static_cast<std::int64_t>(blockIdx.x);
  const int wanted = keep[direction];
  Key* keys = lists.keys + direction * lists.n_splits * lists.capacity;
  const int count =
      join(team, keys, lists.capacity, lists.counts + direction * lists.n_splits, lists.n_splits);
  // Lists that were ever thinned out have more than `most` keys left. So if there are no more than
  // are wanted, then these are all that score below the first threshold, which is still the same.
  if (team.lane() == 0) {
    merged.counts[direction] = count < wanted ? count : wanted;
    if (count <= wanted) merged.bounds[direction] = lists.thresholds[direction];
  }
  std::int32_t* out = merged.points + direction * merged.stride;
  select_lowest(team, keys, count, wanted + 1, [&](int rank, Key key) {
    if (rank < wanted) {
      out[rank] = index_of(key);
    } else {
      merged.bounds[direction] = score_of(key);
    }
  });
}

// One block scans a share of the rows for one direction, as few directions have to fill the device.
__global__ void exact_kernel(const DeviceMatrix points, std::int64_t first, const Frame frame,
                             const double* directions, const std::int32_t* excluded,
                             Extreme* lowest) {
  __shared__ BlockTeam::Scratch scratch;
  const BlockTeam team(scratch);
  const auto direction = static_cast<std::int64_t>(blockIdx.x);
  const double* d = directions + direction * points.n_columns;
  const int left_out = excluded == nullptr ? -1 : excluded[direction];
  Extreme best{0.0, -1};
  const std::int64_t n_threads = std::int64_t{gridDim.y} * team.size();
  for (std::int64_t i = std::int64_t{blockIdx.y} * team.size() + team.lane(); i < points.n_rows;
       i += n_threads) {
    const auto index = static_cast<int>(first + i);
    if (index == left_out) continue;
    double score = 0.0;
    for (std::int64_t k = 0; k < points.n_columns; ++k) score += d[k] * framed(points, frame, i, k);
    if (is_lower({score, index}, best)) best = {score, index};
  }
  best = team.lowest(best);
  Extreme& before = lowest[direction * kExactShares + blockIdx.y];
  if (team.lane() == 0 && is_lower(best, before)) before = best;
}

template <class Tile>
void scan_with(const Panels& points, const Directions& directions, const Lists& lists,
               cudaStream_t stream) {
  if (points.n_points == 0 || directions.n == 0) return;
  const auto n_tiles = static_cast<unsigned>(divide_up(directions.n, kTile));
  launch(&scan_kernel<Tile>, dim3(n_tiles, static_cast<unsigned>(lists.n_splits)),
         dim3(kTileThreads), 0, stream, points, directions, lists);
}

}  // namespace

void pack_points(const DeviceMatrix& points, std::int64_t first, std::int64_t n_points,
                 const Frame& frame, int n_rows, float* panels, cudaStream_t stream) {
  if (n_points == 0) return;
  launch(&pack_kernel, dim3(static_cast<unsigned>(divide_up(n_points, kTile))), dim3(kTile), 0,
         stream, points, first, n_points, frame, n_rows, panels);
}

int choose_splits(int n_directions, std::int64_t n_points, int n_multiprocessors) {
  const std::int64_t n_tiles = std::max<std::int64_t>(1, divide_up(n_directions, kTile));
  const std::int64_t n_panels = std::max<std::int64_t>(1, divide_up(n_points, kTile));
  const std::int64_t at_a_time = std::int64_t{kBlocksPerMultiprocessor} * n_multiprocessors;
  const std::int64_t most = std::clamp<std::int64_t>(kMostWaves * at_a_time / n_tiles, 1, n_panels);
  const auto cost = [&](std::int64_t splits) {
    return divide_up(n_tiles * splits, at_a_time) * (divide_up(n_panels, splits) + kShareCost);
  };
  std::int64_t best = 1;
  for (std::int64_t splits = 2; splits <= most; ++splits) {
    // Lists take memory: more of them have to be worth it.
    if (20 * cost(splits) < 19 * cost(best)) best = splits;
  }
  return static_cast<int>(best);
}

void scan(const Panels& points, const Directions& directions, const Lists& lists,
          cudaStream_t stream) {
  scan_with<CoreTile>(points, directions, lists, stream);
}

void scan_on_tensor_cores(const Panels& points, const Directions& directions, const Lists& lists,
                          cudaStream_t stream) {
  scan_with<TensorTile>(points, directions, lists, stream);
}

ScanKind choose_scan() {
  const char* asked = std::getenv("HULLSPACE_CUDA_SCAN");
  const std::string name = asked == nullptr ? "float32" : asked;
  if (name == "float32") return {&scan, &tolerances::single_score_error};
  if (name == "tensor") return {&scan_on_tensor_cores, &tolerances::tensor_score_error};
  throw Failure(HSC_ARGUMENT,
                "HULLSPACE_CUDA_SCAN must be 'float32' or 'tensor', got '" + name + "'");
}

void merge_lists(const Lists& lists, int n_directions, const int* keep, const Merged& merged,
                 cudaStream_t stream) {
  if (n_directions == 0) return;
  launch(&merge_kernel, dim3(static_cast<unsigned>(n_directions)), dim3(kMergeThreads), 0, stream,
         lists, keep, merged);
}

void scan_exactly(const DeviceMatrix& points, std::int64_t first, const Frame& frame,
                  const double* directions, int n, const std::int32_t* excluded, Extreme* lowest,
                  cudaStream_t stream) {
  if (n == 0 || points.n_rows == 0) return;
  const auto n_shares =
      std::min<std::int64_t>(kExactShares, divide_up(points.n_rows, kExactThreads));
  launch(&exact_kernel, dim3(static_cast<unsigned>(n), static_cast<unsigned>(n_shares)),
         dim3(kExactThreads), 0, stream, points, first, frame, directions, excluded, lowest);
}

}  // namespace hullspace::cuda
