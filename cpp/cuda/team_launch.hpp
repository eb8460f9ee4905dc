// Kernels in which every team has a problem of its own.
#pragma once

#include <type_traits>

#include "cuda/runtime.hpp"
#include "cuda/team.hpp"

namespace hullspace::cuda {

template <class Team>
inline constexpr bool kIsWarp = std::is_same_v<Team, WarpTeam>;

// Threads of a block, and teams among them.
template <class Team>
inline constexpr int kTeamThreads = kIsWarp<Team> ? 128 : 256;
template <class Team>
inline constexpr int kTeamsPerBlock = kIsWarp<Team> ? kTeamThreads<Team> / kWarpSize : 1;

// In a kernel started by launch_teams: call body(team, i) if the thread's team has a problem i < n.
template <class Team, class Body>
HULLSPACE_DEVICE void with_team(int n, const Body& body) {
  if constexpr (kIsWarp<Team>) {
    const int i = static_cast<int>(blockIdx.x * kTeamsPerBlock<Team> + threadIdx.x / kWarpSize);
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
  const int n_blocks = (n + kTeamsPerBlock<Team> - 1) / kTeamsPerBlock<Team>;
  launch(kernel, dim3(static_cast<unsigned>(n_blocks)), dim3(kTeamThreads<Team>),
         n_bytes * kTeamsPerBlock<Team>, stream, std::forward<Arguments>(arguments)...);
}

}  // namespace hullspace::cuda
