// Writing the answer of a query in the data's units, by a team of threads.
#pragma once

#include <cmath>
#include <cstdint>

#include "cuda/frame.hpp"
#include "cuda/query.hpp"
#include "decide/query.hpp"
#include "decide/units.hpp"

namespace hullspace::cuda {

// Answers of all queries of a call, on the device, as HscHullAnswers wants them; weights lie
// wherever there was room.
struct AnswerArrays {
  double* points;
  double* distances;
  double* normals;
  double* gaps;
  double* residuals;
  std::int8_t* status;
  std::int32_t* counts;  // of weights
  std::int64_t* places;  // where a query's weights begin
  double* values;
  std::int32_t* columns;
  unsigned long long* n_weights;
};

template <class Team>
class AnswerWriter {
 public:
  HULLSPACE_DEVICE AnswerWriter(const Team& team, const Frame& frame, int n_features, Goal goal,
                                const AnswerArrays& out)
      : team_(team), frame_(frame), n_(n_features), goal_(goal), out_(out) {}

  // All but the weights.
  HULLSPACE_DEVICE void write(const QueryMemory& memory, std::int64_t query) const {
    if (team_.lane() == 0) out_.status[query] = static_cast<std::int8_t>(memory.state->status);
    if (goal_ == Goal::kRay) {
      write_ray(memory, query);
    } else {
      write_projection(memory, query);
    }
  }

  HULLSPACE_DEVICE int n_weights(const QueryMemory& memory) const {
    return decide::has_weights(goal_, memory.state->status) ? memory.active.state->n_support : 0;
  }
  // So many of them, from this place on.
  HULLSPACE_DEVICE void write_weights(const QueryMemory& memory, int count,
                                      std::int64_t place) const {
    const ActiveSetMemory& active = memory.active;
    double total = 0.0;
    for (int i = team_.lane(); i < count; i += team_.size()) total += active.weights[i];
    total = team_.sum(total);
    for (int i = team_.lane(); i < count; i += team_.size()) {
      out_.values[place + i] = active.weights[i] / total;
      out_.columns[place + i] = active.ids[active.support[i]];
    }
  }

 private:
  // Where the query has its nearest point, and what proves it.
  HULLSPACE_DEVICE void write_projection(const QueryMemory& memory, std::int64_t query) const {
    const QueryState& state = *memory.state;
    const decide::AnswerUnits units{frame_.unit, state.far_unit};
    const bool is_membership = goal_ == Goal::kContain;
    const bool is_outside = state.status == Status::kOutside;
    double square = 0.0;
    for (int j = team_.lane(); j < n_; j += team_.size()) {
      const double nearest = memory.active.nearest[j];
      const double difference = memory.active.query[j] - nearest * units.shrink();
      square += difference * difference;
      if (!is_membership) {
        out_.points[query * n_ + j] = frame_.center[j] + frame_.unit.to_data(nearest);
      }
      out_.normals[query * n_ + j] =
          is_membership ? (is_outside ? -memory.active.direction[j] : 0.0) : -memory.proof[j];
    }
    const double distance = units.distance(sqrt(team_.sum(square)));
    if (team_.lane() != 0) return;
    if (is_membership) {
      out_.gaps[query] = is_outside ? units.margin(state.margin) : 0.0;
      out_.residuals[query] = state.status == Status::kInside ? distance : NAN;
    } else {
      out_.distances[query] = distance;
      out_.gaps[query] = units.gap(state.gap, distance);
    }
  }

  // Where the ray leaves the hull, and the hyperplane that proves it.
  HULLSPACE_DEVICE void write_ray(const QueryMemory& memory, std::int64_t query) const {
    const QueryState& state = *memory.state;
    const decide::Unit& unit = frame_.unit;
    const bool is_known = state.status != Status::kUndecided;
    double offset = 0.0;
    for (int j = team_.lane(); j < n_; j += team_.size()) {
      const double point = frame_.center[j] + unit.to_data(memory.active.query[j]);
      const double normal = is_known ? -memory.ray.exit[j] : 0.0;
      offset += normal * point;
      out_.normals[query * n_ + j] = normal;
      out_.points[query * n_ + j] = state.status == Status::kOptimal ? point : NAN;
    }
    offset = team_.sum(offset);
    if (team_.lane() != 0) return;
    if (state.status == Status::kOutside) offset -= unit.to_data(state.margin);
    const RayState& ray = *memory.ray.state;
    out_.gaps[query] = is_known ? offset : NAN;
    out_.distances[query] =
        state.status == Status::kOptimal ? unit.to_data(ray.step - ray.first) / ray.length : NAN;
  }

  Team team_;
  const Frame& frame_;
  int n_;
  Goal goal_;
  const AnswerArrays& out_;
};

}  // namespace hullspace::cuda
