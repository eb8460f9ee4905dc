// The kernels in which queries start and go on from what a scan listed. Files that start them
// include this, one for each of those that take long to compile.
#pragma once

#include <cmath>
#include <cstdint>

#include "cuda/steps.hpp"
#include "cuda/team_launch.hpp"
#include "decide/scan.hpp"

namespace hullspace::cuda {

HULLSPACE_DEVICE inline std::int32_t excluded_point(const Step& step, int slot) {
  const std::int64_t first = step.call.first_point;
  return first < 0 ? -1 : static_cast<std::int32_t>(first + step.slots.queries[slot]);
}

template <class Team>
__global__ void __launch_bounds__(kTeamThreads<Team>) start_queries(Step step, int n_slots) {
  with_team<Team>(n_slots, [&](const Team& team, int slot) {
    Carver near(step.slots.at(slot));
    Carver far(step.slots.at(slot) + step.slots.near_bytes);
    const QueryShape& shape = step.slots.shape;
    const QueryMemory memory(shape, near, far);
    const std::int64_t row = step.slots.queries[slot];
    const DeviceMatrix& queries = step.call.queries;
    const double far_unit = load_query(team, queries, step.frame, step.radius,
                                       queries.n_rows == 1 ? 0 : row, memory.active.query);
    const double length =
        shape.is_ray ? load_direction(team, step.call.directions, row, memory.ray.direction) : 0.0;
    Query<Team, true>(team, memory, shape, step.frame, step.call.question).start(far_unit, length);
    const int n = shape.active.n_features;
    // |p - q|^2 / 2 = |p|^2 / 2 - q . p + |q|^2 / 2: nearest points score lowest against -q.
    for (int k = team.lane(); k < step.n_rows; k += team.size()) {
      const double x = k < n ? -memory.active.query[k] : k == n;
      step.next.directions[packed_place(slot, k, step.n_rows)] = static_cast<float>(x);
    }
    if (team.lane() != 0) return;
    step.next.slots[slot] = slot;
    step.next.thresholds[slot] = INFINITY;
    step.next.keep[slot] = kStartPoints;
    step.next.excluded[slot] = excluded_point(step, slot);
  });
}

// What the scan listed for the i-th of the queries that waited.
HULLSPACE_DEVICE inline Listed listed_for(const Step& step, int i) {
  const std::int64_t first = static_cast<std::int64_t>(step.merged.stride) * i;
  const double bound = i < step.n_waiting ? decide::unlisted_score(step.merged.bounds[i],
                                                                   step.call.question.scan_error)
                                          : step.lowest[(i - step.n_waiting) * kExactShares].value;
  return {step.rows,     step.merged.points + first, step.in_order ? -first : 0,
          step.in_order, step.merged.counts[i],      bound,
          step.is_part};
}

// Queue a query for the next single-precision scan.
template <class Team, bool kRays>
HULLSPACE_DEVICE void expect_scan(const Team& team, const Step& step, Query<Team, kRays>& query,
                                  const QueryMemory& memory, int slot) {
  const float threshold = decide::rounded_up(query.threshold());
  const int wanted = query.n_wanted();
  if (team.lane() == 0) {
    const int place = atomicAdd(&step.counts->n_waiting, 1);
    atomicMax(&step.counts->most_wanted, wanted);
    memory.state->place = place;
    step.next.slots[place] = slot;
    step.next.thresholds[place] = threshold;
    step.next.keep[place] = wanted;
    step.next.excluded[place] = excluded_point(step, slot);
  }
  team.sync();
  const int place = memory.state->place;
  const int n = step.slots.shape.active.n_features;
  for (int k = team.lane(); k < step.n_rows; k += team.size()) {
    step.next.directions[packed_place(place, k, step.n_rows)] =
        k < n ? static_cast<float>(memory.active.direction[k]) : 0.0F;
  }
}

// Queue a query for the next scan in double precision.
template <class Team>
HULLSPACE_DEVICE void expect_exact_scan(const Team& team, const Step& step,
                                        const QueryMemory& memory, int slot) {
  if (team.lane() == 0) {
    const int place = atomicAdd(&step.counts->n_exact, 1);
    memory.state->place = place;
    step.next.exact_slots[place] = slot;
    step.next.exact_excluded[place] = excluded_point(step, slot);
  }
  team.sync();
  const int n = step.slots.shape.active.n_features;
  double* out = step.next.exact_directions + static_cast<std::int64_t>(memory.state->place) * n;
  for (int j = team.lane(); j < n; j += team.size()) out[j] = memory.active.direction[j];
}

// Copy what is used most to or from block memory, in whole words of 16 bytes.
template <class Team>
HULLSPACE_DEVICE void copy_near(const Team& team, const unsigned char* from, unsigned char* to,
                                std::int64_t n_bytes) {
  team.sync();
  for (std::int64_t i = team.lane(); i < n_bytes / 16; i += team.size()) {
    reinterpret_cast<int4*>(to)[i] = reinterpret_cast<const int4*>(from)[i];
  }
  team.sync();
}

template <class Team, bool kRays>
__global__ void __launch_bounds__(kTeamThreads<Team>, kIsWarp<Team> ? 4 : 2)
    step_queries(Step step, std::int64_t block_bytes) {
  with_team<Team>(step.n_waiting + step.n_exact, [&](const Team& team, int i) {
    const int slot =
        i < step.n_waiting ? step.now.slots[i] : step.now.exact_slots[i - step.n_waiting];
    unsigned char* home = step.slots.at(slot);
    unsigned char* place = home;
    if (block_bytes > 0) {
      place = block_memory() + block_bytes * (kIsWarp<Team> ? threadIdx.x / kWarpSize : 0);
      copy_near(team, home, place, block_bytes);
    }
    Carver near(place);
    Carver far(home + step.slots.near_bytes);
    const QueryShape& shape = step.slots.shape;
    const QueryMemory memory(shape, near, far);
    Query<Team, kRays> query(team, memory, shape, step.frame, step.call.question);
    const Stage stage = query.advance(listed_for(step, i));
    if (stage == Stage::kFull) expect_scan(team, step, query, memory, slot);
    if (stage == Stage::kExact || stage == Stage::kLast) {
      expect_exact_scan(team, step, memory, slot);
    }
    if (stage == Stage::kOverflowed && team.lane() == 0) {
      step.overflowed[atomicAdd(&step.counts->n_overflowed, 1)] = step.slots.queries[slot];
    }
    if (block_bytes > 0) copy_near(team, place, home, block_bytes);
  });
}

template <class Team>
void start(const Step& step, int n, cudaStream_t stream) {
  launch_teams<Team>(start_queries<Team>, n, 0, stream, step, n);
}

template <class Team, bool kRays>
void advance(const Step& step, cudaStream_t stream) {
  const auto near_bytes = static_cast<std::size_t>(step.slots.near_bytes);
  const std::size_t bytes = near_bytes <= kMostBlockMemory ? near_bytes : 0;
  launch_teams<Team>(step_queries<Team, kRays>, step.n_waiting + step.n_exact, bytes, stream, step,
                     static_cast<std::int64_t>(bytes));
}

}  // namespace hullspace::cuda
