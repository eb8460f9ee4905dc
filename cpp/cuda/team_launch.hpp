// Kernels in which every team has a problem of its own.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include "cuda/runtime.hpp"
#include "cuda/team.hpp"

namespace hullspace::cuda {

template <class Team>
inline constexpr bool kIsWarp = std::is_same_v<Team, WarpTeam>;

// Threads of a block at most.
template <class Team>
inline constexpr int kTeamThreads = kIsWarp<Team> ? 128 : 256;

// Block memory that the teams of a block may take together, so that several blocks share a
// multiprocessor. Every device has 99 KiB for a block, of which kernels declare a little.
inline constexpr std::size_t kMostBlockMemory = std::size_t{98} << 10U;

// In a kernel started by launch_teams: call body(team, i) if the thread's team has a problem i < n.
template <class Team, class Body>
HULLSPACE_DEVICE void with_team(int n, const Body& body) {
  if constexpr (kIsWarp<Team>) {
    const int i = static_cast<int>(blockIdx.x * (blockDim.x / kWarpSize) + threadIdx.x / kWarpSize);
    if (i < n) body(WarpTeam(), i);
  } else {
    __shared__ BlockTeam::Scratch scratch;
    body(BlockTeam(scratch), static_cast<int>(blockIdx.x));
  }
}

// Start a kernel with a team for each of n problems and so much block memory for each.
template <class Team, class... Parameters, class... Arguments>
void launch_teams(void (*kernel)(Parameters...), int n, std::size_t n_bytes, cudaStream_t stream,
                  Arguments&&... arguments) {
  if (n == 0) return;
  int n_teams = kIsWarp<Team> ? kTeamThreads<Team> / kWarpSize : 1;
  while (n_teams > 1 && n_bytes * static_cast<std::size_t>(n_teams) > kMostBlockMemory)
    n_teams /= 2;
  const int n_threads = kIsWarp<Team> ? n_teams * kWarpSize : kTeamThreads<Team>;
  const int n_blocks = (n + n_teams - 1) / n_teams;
  launch(kernel, dim3(static_cast<unsigned>(n_blocks)), dim3(static_cast<unsigned>(n_threads)),
         n_bytes * static_cast<std::size_t>(n_teams), stream,
         std::forward<Arguments>(arguments)...);
}

}  // namespace hullspace::cuda
