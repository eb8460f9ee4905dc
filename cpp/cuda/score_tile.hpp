// Scores of kTile points and kTile directions in the registers of a block, eight warps that hold 32
// points by 64 directions each. The two classes differ in who multiplies and in which scores a
// thread holds: point(i) and direction(j) tell which.
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
inline constexpr int kWarpRows = kTile / kWarpPoints;

// Rows of slabs in the block's memory lie this far apart, so that the elements that a warp loads
// for a tensor core, four rows of eight, are in different banks.
inline constexpr int kRowStride = kTile + 8;
inline constexpr int kSlabSize = kSlab * kRowStride;

// Float32 multiply-adds.
class CoreTile {
 public:
  static constexpr int kPoints = 8;
  static constexpr int kDirections = 8;

  // Of lanes that differ in the lowest bit, or in the next one, the same directions or points are
  // loaded, which lets the hardware serve more lanes at a time.
  HULLSPACE_DEVICE explicit CoreTile(int thread) {
    const int warp = thread / kWarpSize;
    const int row = (thread & 1) | (thread >> 2 & 2);
    const int column = (thread >> 1 & 3) | (thread >> 2 & 4);
    first_point_ = warp % kWarpRows * kWarpPoints + row * kVector;
    first_direction_ = warp / kWarpRows * kWarpDirections + column * kVector;
  }

  HULLSPACE_DEVICE int point(int i) const {
    return first_point_ + i / kVector * (kWarpPoints / 2) + i % kVector;
  }
  HULLSPACE_DEVICE int direction(int j) const {
    return first_direction_ + j / kVector * (kWarpDirections / 2) + j % kVector;
  }
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
      load(points + k * kRowStride + first_point_, kWarpPoints / 2, p);
      load(directions + k * kRowStride + first_direction_, kWarpDirections / 2, d);
      HULLSPACE_UNROLL
      for (int i = 0; i < kPoints; ++i) {
        HULLSPACE_UNROLL
        for (int j = 0; j < kDirections; ++j) scores_[i][j] = fmaf(p[i], d[j], scores_[i][j]);
      }
    }
  }

 private:
  static constexpr int kVector = 4;

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

  int first_point_;
  int first_direction_;
  float scores_[kPoints][kDirections];
};

}  // namespace hullspace::cuda
