// Scores of a tile on tensor cores. A factor is split in two halves of TF32, 11 bits each, and
// three of the four products of halves are added up; see tolerances::tensor_score_error.
#pragma once

#include "cuda/score_tile.hpp"

namespace hullspace::cuda {

// x is high + low but for its last bits. Halves are TF32 numbers, the bits of floats.
struct Halves {
  std::uint32_t high;
  std::uint32_t low;
};

// To the nearest TF32 number, of two the larger in size. The instruction for it looks for
// infinities and what is none, which costs more than the rounding.
HULLSPACE_DEVICE inline std::uint32_t round_to_tf32(float x) {
  constexpr std::uint32_t kDropped = 0x1fff;
  return (__builtin_bit_cast(std::uint32_t, x) + (kDropped + 1) / 2) & ~kDropped;
}

HULLSPACE_DEVICE inline Halves split(float x) {
  const std::uint32_t high = round_to_tf32(x);
  return {high, round_to_tf32(x - __builtin_bit_cast(float, high))};
}

// sums += left * right, of 16 by 8 and 8 by 8 elements that the lanes of a warp hold as the
// instruction mma.m16n8k8 has it: with row = lane / 4 and column = lane % 4,
// left: (row, column), (row + 8, column), (row, column + 4), (row + 8, column + 4);
// right: (column, row), (column + 4, row);
// sums: (row, 2 column), (row, 2 column + 1), (row + 8, 2 column), (row + 8, 2 column + 1).
using Left = std::uint32_t[4];
using Right = std::uint32_t[2];
using Sums = float[4];
#ifdef __CUDACC__
HULLSPACE_DEVICE inline void multiply_add(Sums& sums, const Left& left, const Right& right) {
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
      "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(left[0]), "r"(left[1]), "r"(left[2]), "r"(left[3]), "r"(right[0]), "r"(right[1]));
}
#else
void multiply_add(Sums& sums, const Left& left, const Right& right);
#endif

class TensorTile {
 public:
  static constexpr int kPoints = 4;
  static constexpr int kDirections = 16;

  struct Patch {
    HULLSPACE_DEVICE explicit Patch(int thread)
        : first_point(warp_point(thread) + thread % kWarpSize / 4),
          first_direction(warp_direction(thread) + thread % 4 * 2) {}
    HULLSPACE_DEVICE int point(int i) const { return first_point + i * 8; }
    HULLSPACE_DEVICE int direction(int j) const { return first_direction + j / 2 * 8 + j % 2; }

    int first_point;
    int first_direction;
  };

  HULLSPACE_DEVICE explicit TensorTile(int thread)
      : first_point_(own_place(warp_point(thread), thread)),
        first_direction_(own_place(warp_direction(thread), thread)) {}

  HULLSPACE_DEVICE float score(int i, int j) const {
    return scores_[i / 2][j / 2][i % 2 * 2 + j % 2];
  }

  HULLSPACE_DEVICE void clear() {
    HULLSPACE_UNROLL
    for (int m = 0; m < kLefts; ++m) {
      HULLSPACE_UNROLL
      for (int n = 0; n < kRights; ++n) {
        HULLSPACE_UNROLL
        for (int i = 0; i < 4; ++i) scores_[m][n][i] = 0.0F;
      }
    }
  }

  HULLSPACE_DEVICE void add(const float* points, const float* directions) {
    std::uint32_t left_high[kLefts][4];
    std::uint32_t left_low[kLefts][4];
    HULLSPACE_UNROLL
    for (int m = 0; m < kLefts; ++m)
      load(points + first_point_ + m * 16, left_high[m], left_low[m]);
    HULLSPACE_UNROLL
    for (int n = 0; n < kRights; ++n) {
      std::uint32_t high[2];
      std::uint32_t low[2];
      load(directions + first_direction_ + n * 8, high, low);
      HULLSPACE_UNROLL
      for (int m = 0; m < kLefts; ++m) {
        // Tensor cores do not round but cut off. A sum of their own for each slab, the small
        // products first, keeps that error from growing with the number of slabs.
        float sums[4] = {0.0F, 0.0F, 0.0F, 0.0F};
        multiply_add(sums, left_low[m], high);
        multiply_add(sums, left_high[m], low);
        multiply_add(sums, left_high[m], high);
        HULLSPACE_UNROLL
        for (int i = 0; i < 4; ++i) scores_[m][n][i] += sums[i];
      }
    }
  }

 private:
  static constexpr int kLefts = kWarpPoints / 16;
  static constexpr int kRights = kWarpDirections / 8;

  // Where in a slab the thread's first element is, given the warp's first.
  HULLSPACE_DEVICE static int own_place(int first, int thread) {
    return first + thread % kWarpSize / 4 + thread % 4 * kRowStride;
  }

  // The thread's elements of 8 coordinates of 8 or 16 points or directions.
  template <int kCount>
  HULLSPACE_DEVICE static void load(const float* from, std::uint32_t (&high)[kCount],
                                    std::uint32_t (&low)[kCount]) {
    constexpr int kGroups = kCount / 2;
    HULLSPACE_UNROLL
    for (int i = 0; i < kCount; ++i) {
      const Halves halves = split(from[i / kGroups * 4 * kRowStride + i % kGroups * 8]);
      high[i] = halves.high;
      low[i] = halves.low;
    }
  }

  int first_point_;
  int first_direction_;
  float scores_[kLefts][kRights][4];
};

}  // namespace hullspace::cuda
