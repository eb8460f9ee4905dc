// Kernels of polyhedron.cu: a block of threads finds the largest ball in one polyhedron after the
// other.
//
// Every step of the simplex method reads all rows of several features once, from the device's
// memory or, while it has room for those of all blocks, its cache; the edges of the inverse, which
// are read twice and written, lie in the block's memory.
#pragma once

#include <cmath>
#include <cstdint>

#include "cuda/carver.hpp"
#include "cuda/center.hpp"
#include "cuda/interface.h"

namespace hullspace::cuda {
namespace {

constexpr int kMostThreads = BlockTeam::kMostWarps * kWarpSize;

// What all blocks' workspaces look like.
struct Layout {
  int n_features = 0;
  int most_rows = 0;
  bool own_rows = false;      // whether each polyhedron has rows of its own
  bool edges_near = false;    // whether edges lie in the block's memory,
  bool vectors_near = false;  // and vectors
  std::int64_t n_near = 0;    // bytes of a block's memory
  std::int64_t n_far = 0;     // bytes of the device's memory for each block
};

// The workspace of one block.
struct Workspace {
  double* bounds;
  RowsMemory rows;
  SimplexMemory simplex;

  HULLSPACE_HOST_DEVICE Workspace(const Layout& layout, Carver& near, Carver& far)
      : bounds(far.take<double>(layout.most_rows)),
        rows(layout.own_rows ? RowsMemory(layout.most_rows, layout.n_features, far) : RowsMemory()),
        simplex(layout.most_rows, layout.n_features + 1, layout.edges_near ? near : far,
                layout.vectors_near ? near : far, far) {}
};

// Polyhedra in the device's memory, and room for their answers.
struct Piece {
  const double* rows;          // of the first polyhedron, or of all
  const double* bounds;        // of the first
  const std::int64_t* starts;  // (n_polyhedra + 1), from any number on
  HscCenters out;              // of the first
  std::int64_t n_polyhedra;
};

__global__ void prepare_rows(const double* rows, int n_rows, int n_features, RowsMemory memory) {
  __shared__ BlockTeam::Scratch scratch;
  System<BlockTeam>(BlockTeam(scratch), memory, n_rows, n_features).set_rows(rows);
}

// Polyhedron number i of a piece. `rows` is memory for its rows, or holds those that all share.
__device__ void solve_one(const BlockTeam& team, const Piece& piece, const Layout& layout,
                          const Workspace& work, const RowsMemory& rows, std::int64_t i) {
  const std::int64_t n = layout.n_features;
  const std::int64_t start = piece.starts[i] - piece.starts[0];
  const int n_rows = static_cast<int>(piece.starts[i + 1] - piece.starts[i]);
  const Halfspaces given{piece.rows + (layout.own_rows ? start * n : 0), piece.bounds + start,
                         n_rows, layout.n_features};
  System<BlockTeam> system(team, rows, n_rows, layout.n_features);
  if (layout.own_rows) {
    system.set_rows(given.rows);
  } else {
    system.use_rows();
  }
  system.set_bounds(given.bounds, work.bounds);
  const HscCenters& to = piece.out;
  const Center out{to.centers + i * n, to.radii + i,    to.duals + start,
                   to.gaps + i,        to.rays + i * n, reinterpret_cast<Status*>(to.status) + i};
  CenterSolver<BlockTeam>(team, given, system, work.simplex, out).solve();
}

// Each block takes the next polyhedron until none is left.
__global__ void __launch_bounds__(kMostThreads)
    solve_piece(Piece piece, Layout layout, RowsMemory shared_rows, unsigned char* memory,
                unsigned long long* next) {
  __shared__ BlockTeam::Scratch scratch;
  __shared__ std::int64_t taken;
  const BlockTeam team(scratch);
  Carver near(block_memory());
  Carver far(memory + layout.n_far * blockIdx.x);
  const Workspace work(layout, near, far);
  for (;;) {
    if (team.lane() == 0) taken = static_cast<std::int64_t>(atomicAdd(next, 1ULL));
    team.sync();
    const std::int64_t i = taken;
    if (i >= piece.n_polyhedra) return;
    solve_one(team, piece, layout, work, layout.own_rows ? work.rows : shared_rows, i);
    team.sync();
  }
}

// The index of the first number that is none, to which `first` is lowered.
__global__ void find_bad(const double* values, std::int64_t n, unsigned long long* first) {
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < n; i += step) {
    if (std::isfinite(values[i])) continue;
    atomicMin(first, static_cast<unsigned long long>(i));
    return;
  }
}

}  // namespace
}  // namespace hullspace::cuda
