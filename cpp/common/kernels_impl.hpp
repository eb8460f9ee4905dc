// The kernels, written once. Each kernels_<set>.cpp includes this and is compiled for its set.
#pragma once

#include "common/kernels.hpp"
#include "common/kernels_scan.hpp"
#include "common/kernels_simplex.hpp"
#include "common/kernels_units.hpp"
#include "common/kernels_vectors.hpp"

#define HULLSPACE_DEFINE_KERNELS(table, label)              \
  namespace hullspace {                                     \
  extern const Kernels table;                               \
  const Kernels table = {label,                             \
                         Floats::kTileDirections,           \
                         &score_tile,                       \
                         score_byte_tile,                   \
                         &dots,                             \
                         &dots_of_many,                     \
                         &combine,                          \
                         kProductRows,                      \
                         kProductVectors * Doubles::kWidth, \
                         &add_product,                      \
                         &solve_upper,                      \
                         &solve_upper_transposed,           \
                         &center_row<float>,                \
                         &center_row<double>,               \
                         &blocking_row,                     \
                         &steepest_edge,                    \
                         &pivot,                            \
                         &bound_units,                      \
                         &rotate};                          \
  }
