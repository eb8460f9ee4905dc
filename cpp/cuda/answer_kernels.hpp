// The kernel that writes the answers of queries, in the data's units; see rounds.hpp.
#pragma once

#include <cmath>
#include <cstdint>

#include "cuda/step_kernels.hpp"

namespace hullspace::cuda {

// Points where queries have their nearest, and what proves it.
template <class Team>
HULLSPACE_DEVICE void write_projection(const Team& team, const Step& step,
                                       const QueryMemory& memory, std::int64_t query,
                                       const AnswerArrays& answers) {
  const QueryState& state = *memory.state;
  const decide::AnswerUnits units{step.frame.unit, state.far_unit};
  const int n = step.slots.shape.active.n_features;
  const bool is_membership = step.call.question.goal == Goal::kContain;
  const bool is_outside = state.status == Status::kOutside;
  double square = 0.0;
  for (int j = team.lane(); j < n; j += team.size()) {
    const double nearest = memory.active.nearest[j];
    const double difference = memory.active.query[j] - nearest * units.shrink();
    square += difference * difference;
    if (!is_membership) {
      answers.points[query * n + j] = step.frame.center[j] + step.frame.unit.to_data(nearest);
    }
    answers.normals[query * n + j] =
        is_membership ? (is_outside ? -memory.active.direction[j] : 0.0) : -memory.proof[j];
  }
  const double distance = units.distance(sqrt(team.sum(square)));
  if (team.lane() != 0) return;
  if (is_membership) {
    answers.gaps[query] = is_outside ? units.margin(state.margin) : 0.0;
    answers.residuals[query] = state.status == Status::kInside ? distance : NAN;
  } else {
    answers.distances[query] = distance;
    answers.gaps[query] = units.gap(state.gap, distance);
  }
}

// Where rays leave the hull, and the hyperplane that proves it.
template <class Team>
HULLSPACE_DEVICE void write_ray(const Team& team, const Step& step, const QueryMemory& memory,
                                std::int64_t query, const AnswerArrays& answers) {
  const QueryState& state = *memory.state;
  const decide::Unit& unit = step.frame.unit;
  const int n = step.slots.shape.active.n_features;
  const bool is_known = state.status != Status::kUndecided;
  double offset = 0.0;
  for (int j = team.lane(); j < n; j += team.size()) {
    const double point = step.frame.center[j] + unit.to_data(memory.active.query[j]);
    const double normal = is_known ? -memory.ray.exit[j] : 0.0;
    offset += normal * point;
    answers.normals[query * n + j] = normal;
    answers.points[query * n + j] = state.status == Status::kOptimal ? point : NAN;
  }
  offset = team.sum(offset);
  if (team.lane() != 0) return;
  if (state.status == Status::kOutside) offset -= unit.to_data(state.margin);
  const RayState& ray = *memory.ray.state;
  answers.gaps[query] = is_known ? offset : NAN;
  answers.distances[query] =
      state.status == Status::kOptimal ? unit.to_data(ray.step - ray.first) / ray.length : NAN;
}

template <class Team>
HULLSPACE_DEVICE void write_weights(const Team& team, const Step& step, const QueryMemory& memory,
                                    std::int64_t query, const AnswerArrays& answers) {
  const Goal goal = step.call.question.goal;
  const Status status = memory.state->status;
  const bool wanted = goal == Goal::kProject ||
                      status == (goal == Goal::kContain ? Status::kInside : Status::kOptimal);
  const ActiveSetMemory& active = memory.active;
  const int count = wanted ? active.state->n_support : 0;
  double total = 0.0;
  for (int i = team.lane(); i < count; i += team.size()) total += active.weights[i];
  total = team.sum(total);
  if (team.lane() == 0) {
    answers.counts[query] = count;
    answers.places[query] = static_cast<std::int64_t>(
        atomicAdd(answers.n_weights, static_cast<unsigned long long>(count)));
  }
  team.sync();
  const std::int64_t place = answers.places[query];
  for (int i = team.lane(); i < count; i += team.size()) {
    answers.values[place + i] = active.weights[i] / total;
    answers.columns[place + i] = active.ids[active.support[i]];
  }
}

template <class Team>
__global__ void __launch_bounds__(kTeamThreads<Team>)
    write_answers(Step step, int n_slots, AnswerArrays answers) {
  with_team<Team>(n_slots, [&](const Team& team, int slot) {
    Carver near(step.slots.at(slot));
    Carver far(step.slots.at(slot) + step.slots.near_bytes);
    const QueryShape& shape = step.slots.shape;
    const QueryMemory memory(shape, near, far);
    if (memory.state->stage == Stage::kOverflowed) return;
    const std::int64_t query = step.slots.queries[slot];
    if (step.call.question.goal == Goal::kRay) {
      write_ray(team, step, memory, query, answers);
    } else {
      write_projection(team, step, memory, query, answers);
    }
    if (team.lane() == 0) answers.status[query] = static_cast<std::int8_t>(memory.state->status);
    write_weights(team, step, memory, query, answers);
  });
}

}  // namespace hullspace::cuda
