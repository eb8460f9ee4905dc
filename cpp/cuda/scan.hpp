// The scan on a device: which points of a set score lowest against each of many directions?
//
// One fused kernel multiplies panels of points with tiles of directions and lists what scores below
// a direction's threshold; scores are never written to memory. Lists that grow too long are thinned
// out by dropping the highest scores, and the threshold falls to what was dropped. Which points are
// listed after merge_lists does not depend on the order in which threads ran.
#pragma once

#include <cstdint>

#include "cuda/frame.hpp"
#include "cuda/runtime.hpp"

namespace hullspace::cuda {

// Points and directions are packed this many at a time, coordinate by coordinate.
inline constexpr int kTile = 128;
// The number of rows of a panel or tile is a multiple of this; those that are too many are zeros.
inline constexpr int kSlab = 8;

// Rows of a panel of points with n_features coordinates: the coordinates, half the squared norm,
// and zeros.
constexpr int n_scan_rows(std::int64_t n_features) {
  return static_cast<int>((n_features + 1 + kSlab - 1) / kSlab * kSlab);
}

// Packed points: (ceil(n_points / kTile), n_rows, kTile), aligned to 16 bytes as directions are;
// missing points are zeros.
struct Panels {
  const float* data = nullptr;
  std::int64_t n_points = 0;
  std::int64_t first_point = 0;  // the index in the set of the first of them
  int n_rows = 0;
  int step = 1;  // only every so many panels are looked at
};

// Packed directions: (ceil(n / kTile), n_rows, kTile), the last coordinate row being the weight of
// half the squared norm. What is beyond n may hold anything finite.
struct Directions {
  const float* data = nullptr;
  int n = 0;
  int n_rows = 0;
  // (n): a point that is not listed for the direction, or -1
  const std::int32_t* excluded = nullptr;
};

// Where direction i's coordinate k lies in the packed directions.
HULLSPACE_DEVICE inline std::int64_t packed_place(std::int64_t i, int k, int n_rows) {
  return (i / kTile * n_rows + k) * kTile + i % kTile;
}

// What a scan lists. A key holds score and index so that keys are in the order of scores, of equal
// scores in that of indices (selection.hpp).
struct Lists {
  std::uint64_t* keys = nullptr;  // (n directions, n_splits, capacity)
  int* counts = nullptr;          // (n directions, n_splits); zero before the first scan
  // (n directions): points that score no less are not listed. They fall as lists are thinned out,
  // to just above what was dropped.
  float* thresholds = nullptr;
  int n_splits = 0;  // shares of the points, each with lists of its own
  int capacity = 0;  // at least list_capacity(most)
  int most = 0;      // no direction's merged list is to be longer
};

// Places that a list needs so that the `most` lowest of its share are never lost.
constexpr int list_capacity(int most) { return 2 * most + 2 * kTile; }

// Merged lists: of each direction the `keep` lowest, ascending.
struct Merged {
  std::int32_t* points = nullptr;  // (n directions, stride)
  int* counts = nullptr;           // (n directions)
  // (n directions): the lowest score that is not listed of those below the first threshold, or else
  // that threshold: every point that is not listed scores at least this, but for the scan's error
  float* bounds = nullptr;
  int stride = 0;
};

// Pack `n_points` rows of a matrix, from `first` on, in the frame's coordinates.
void pack_points(const DeviceMatrix& points, std::int64_t first, std::int64_t n_points,
                 const Frame& frame, int n_rows, float* panels, cudaStream_t stream);

// A number of shares that keeps the device busy.
int choose_splits(int n_directions, std::int64_t n_points, int n_multiprocessors);

// Add what scores below the thresholds to the lists; scores err by single_score_error.
void scan(const Panels& points, const Directions& directions, const Lists& lists,
          cudaStream_t stream);

// The same on tensor cores, in three products of TF32 halves; scores err by tensor_score_error.
void scan_on_tensor_cores(const Panels& points, const Directions& directions, const Lists& lists,
                          cudaStream_t stream);

// Which of the two scans hulls use, with the error of its scores for points of at most this norm:
// the first, or what the environment variable HULLSPACE_CUDA_SCAN names ("float32" or "tensor").
struct ScanKind {
  void (*scan)(const Panels&, const Directions&, const Lists&, cudaStream_t);
  double (*error)(std::ptrdiff_t n_features, double radius);
};
ScanKind choose_scan();

// keep: (n directions), each at most lists.most. The lists are used up.
void merge_lists(const Lists& lists, int n_directions, const int* keep, const Merged& merged,
                 cudaStream_t stream);

// Scan in double precision, for the rare direction that single precision cannot settle: which point
// scores lowest, and how low. The rows of `points` are those from index `first` of the set on.
// directions: (n, n_features); excluded: (n), or null; lowest: (n, kExactShares), to which the
// answers are compared, each of a share of the rows.
inline constexpr int kExactShares = 32;
void scan_exactly(const DeviceMatrix& points, std::int64_t first, const Frame& frame,
                  const double* directions, int n, const std::int32_t* excluded, Extreme* lowest,
                  cudaStream_t stream);

}  // namespace hullspace::cuda
