// Scores of kTile points and kTile directions in the registers of a block, eight warps that hold 32
// points by 64 directions each. The two classes, of which one is in tensor_tile.hpp, differ in who
// multiplies and in which scores a thread holds: its Patch of the tile tells which.
#pragma once

#include <cstdint>

#include "cuda/scan.hpp"
#include "cuda/team.hpp"

// Before loops over registers, which have no addresses.
#ifdef __CUDACC__
#define HULLSPACE_UNROLL _Pragma("unroll")
#else
#define HULLSPACE_UNROLL
#endif

namespace hullspace::cuda {

inline constexpr int kTileThreads = 256;
inline constexpr int kWarpPoints = 32;
inline constexpr int kWarpDirections = 64;

// Where a warp's points and directions begin.
HULLSPACE_DEVICE inline int warp_point(int thread) {
  return thread / kWarpSize % (kTile / kWarpPoints) * kWarpPoints;
}
HULLSPACE_DEVICE inline int warp_direction(int thread) {
  return thread / kWarpSize / (kTile / kWarpPoints) * kWarpDirections;
}

// Rows of slabs in the block's memory lie this far apart, so that the elements that a warp loads
// for a tensor core, four rows of eight, are in different banks.
inline constexpr int kRowStride = kTile + 8;
inline constexpr int kSlabSize = kSlab * kRowStride;

// Float32 multiply-adds.
class CoreTile {
 public:
  static constexpr int kPoints = 8;
  static constexpr int kDirections = 8;
  static constexpr int kVector = 4;

  // Which points and directions a thread has. Of lanes that differ in the lowest bit, or in the
  // next one, they are the same directions or points, which lets the hardware serve more lanes at a
  // time.
  struct Patch {
    HULLSPACE_DEVICE explicit Patch(int thread)
        : first_point(warp_point(thread) + ((thread & 1) | (thread >> 2 & 2)) * kVector),
          first_direction(warp_direction(thread) +
                          ((thread >> 1 & 3) | (thread >> 2 & 4)) * kVector) {}
    HULLSPACE_DEVICE int point(int i) const {
      return first_point + i / kVector * (kWarpPoints / 2) + i % kVector;
    }
    HULLSPACE_DEVICE int direction(int j) const {
      return first_direction + j / kVector * (kWarpDirections / 2) + j % kVector;
    }

    int first_point;
    int first_direction;
  };

  HULLSPACE_DEVICE explicit CoreTile(int thread) : patch_(thread) {}

  HULLSPACE_DEVICE float score(int i, int j) const { return scores_[i][j]; }

  HULLSPACE_DEVICE void clear() {
    HULLSPACE_UNROLL
    for (int i = 0; i < kPoints; ++i) {
      HULLSPACE_UNROLL
      for (int j = 0; j < kDirections; ++j) scores_[i][j] = 0.0F;
    }
  }

  HULLSPACE_DEVICE void add(const float* points, const float* directions) {
    HULLSPACE_UNROLL
    for (int k = 0; k < kSlab; ++k) {
      float p[kPoints];
      float d[kDirections];
      load(points + k * kRowStride + patch_.first_point, kWarpPoints / 2, p);
      load(directions + k * kRowStride + patch_.first_direction, kWarpDirections / 2, d);
      HULLSPACE_UNROLL
      for (int i = 0; i < kPoints; ++i) {
        HULLSPACE_UNROLL
        for (int j = 0; j < kDirections; ++j) scores_[i][j] = fmaf(p[i], d[j], scores_[i][j]);
      }
    }
  }

 private:
  HULLSPACE_DEVICE static void load(const float* from, int apart, float (&to)[2 * kVector]) {
    HULLSPACE_UNROLL
    for (int half = 0; half < 2; ++half) {
      const float4 four = *reinterpret_cast<const float4*>(from + half * apart);
      to[half * kVector] = four.x;
      to[half * kVector + 1] = four.y;
      to[half * kVector + 2] = four.z;
      to[half * kVector + 3] = four.w;
    }
  }

  Patch patch_;
  float scores_[kPoints][kDirections];
};

}  // namespace hullspace::cuda
