// The kernel that writes the answers of queries.
#pragma once

#include <cstdint>

#include "cuda/answers.hpp"
#include "cuda/steps.hpp"
#include "cuda/team_launch.hpp"

namespace hullspace::cuda {

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
    const AnswerWriter<Team> writer(team, step.frame, shape.active.n_features,
                                    step.call.question.goal, answers);
    writer.write(memory, query);
    const int count = writer.n_weights(memory);
    if (team.lane() == 0) {
      answers.counts[query] = count;
      answers.places[query] = static_cast<std::int64_t>(
          atomicAdd(answers.n_weights, static_cast<unsigned long long>(count)));
    }
    team.sync();
    writer.write_weights(memory, count, answers.places[query]);
  });
}

template <class Team>
void write(const Step& step, int n, const AnswerArrays& answers, cudaStream_t stream) {
  launch_teams<Team>(write_answers<Team>, n, 0, stream, step, n, answers);
}

}  // namespace hullspace::cuda
