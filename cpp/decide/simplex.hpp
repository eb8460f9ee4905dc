// The simplex method: which edge it takes, which row stops it, and what rounding excuses. Rows and
// edges are those of polyhedron/simplex.hpp.
#pragma once

#include <cmath>
#include <cstdint>

#include "common/tolerances.hpp"
#include "decide/basics.hpp"

namespace hullspace::decide {

// Steps without progress until bounds are shifted.
inline constexpr int kMostStalled = 30;
// Rounds of climbing and repair until an answer is taken as it is.
inline constexpr int kMostRounds = 12;
// How often point and multipliers are put right before the active rows are factored again, or given
// up.
inline constexpr int kMostCorrections = 3;
// Which settling follows a factorization, the last of all.
inline constexpr int kMostSettlings = 3;

HULLSPACE_DECIDE std::int64_t most_steps(std::int64_t n_rows, std::int64_t n_variables) {
  return 1000 + 50 * (n_rows + n_variables);
}

// The speed of a row that is a poor pivot. Where rows that nearly equal each other take turns,
// poorer pivots have to do.
HULLSPACE_DECIDE double slow_speed(int round) {
  return round < kMostRounds / 3 ? tolerances::kSlowRow : tolerances::kSlowestRow;
}

// What slacks are measured against. At a vertex in the origin the norm itself is rounding.
HULLSPACE_DECIDE double point_size(double norm) { return norm + tolerances::kSmallestPoint; }
// What rounding may make of a slack.
HULLSPACE_DECIDE double slack_noise(double size) { return tolerances::kSlackNoise * size; }

// Slopes of the objective that count, along edges of unit length.
HULLSPACE_DECIDE double least_slope(double objective_length) {
  return tolerances::kLeastSlope * objective_length;
}
// Whether the objective changes along an edge, of this squared length, that no row blocks.
HULLSPACE_DECIDE bool is_slope(double multiplier, double square, double least) {
  return std::fabs(multiplier) > least * std::sqrt(square);
}
// The square of the slope against an edge whose row is left; only negative multipliers have one.
HULLSPACE_DECIDE double steepness(double multiplier, double square) {
  const double fall = multiplier < 0.0 ? multiplier : 0.0;
  return fall * fall / square;
}
HULLSPACE_DECIDE bool is_steep(double steepness, double least) { return steepness > least * least; }

// How far a row lets the point go that approaches it with this speed; with some noise, so that rows
// which all bind are told apart by their speeds.
HULLSPACE_DECIDE double blocking_step(double slack, double speed, double least, double noise) {
  const bool blocks = speed > least;
  const double room = slack > 0.0 ? slack : 0.0;
  const double step = (room + noise) / (blocks ? speed : 1.0);
  return blocks ? step : kInfinity;
}
// Whether a row stops the point as good as first, where the first one stops it after `first`; of
// those the fastest is taken.
HULLSPACE_DECIDE double last_step(double first) { return first * tolerances::kTie; }
HULLSPACE_DECIDE bool stops_by(double slack, double speed, double last) {
  return slack <= last * speed;
}
// The step that the row taken leaves.
HULLSPACE_DECIDE double step_to_row(double slack, double speed) {
  return larger(0.0, slack / speed);
}

// By about how much bounds are shifted against stalling, and which: those that bind, each by
// another share of that.
HULLSPACE_DECIDE double shift_unit(double norm) {
  return tolerances::kShift * (norm > tolerances::kSmallestPoint ? norm : 1.0);
}
HULLSPACE_DECIDE bool is_shifted(double slack, double unit) { return slack <= unit; }
HULLSPACE_DECIDE std::uint64_t next_seed(std::uint64_t seed) {
  return seed * 6364136223846793005U + 1442695040888963407U;
}
HULLSPACE_DECIDE double shift_share(std::uint64_t seed) {
  return 0.5 + static_cast<double>(seed >> 12U) * 0x1p-53;
}

// Whether a point that misses its active rows by this much is good as it is, and whether rounding
// explains it.
HULLSPACE_DECIDE bool is_settled(double miss, double noise) {
  return miss <= tolerances::kSettledShare * noise;
}
HULLSPACE_DECIDE bool is_noise(double miss, double noise) { return miss <= noise; }
// The same of multipliers that leave this much of the objective.
HULLSPACE_DECIDE bool are_settled(double rest, double objective_length, double multipliers_norm) {
  return rest <= tolerances::kSlackNoise * larger(objective_length, multipliers_norm);
}

// Whether the lowest slack leaves the point feasible.
HULLSPACE_DECIDE bool is_feasible(double lowest_slack, double size) {
  return lowest_slack >= -tolerances::kSlackRepaired * size;
}

// What a row that enters has as a pivot in a place, 0 if it is none: free places may go either way.
HULLSPACE_DECIDE double pivot_of(double factor, bool is_free, double square, double slow) {
  const double pivot = is_free ? std::fabs(factor) : factor;
  return pivot > slow * std::sqrt(square) ? pivot : 0.0;
}
// Of a place's multiplier, what counts.
HULLSPACE_DECIDE double positive_multiplier(double multiplier, bool is_free) {
  return is_free ? 0.0 : larger(0.0, multiplier);
}
// After which step of the row's multiplier that of a place is zero, and whether it is by then.
HULLSPACE_DECIDE double leaving_step(double multiplier, double pivot, double least) {
  return (multiplier + least) / pivot;
}
HULLSPACE_DECIDE bool leaves_by(double multiplier, double pivot, double step) {
  return multiplier <= step * pivot;
}

// Whether elimination cannot go on with the largest element that is left.
HULLSPACE_DECIDE bool is_singular(double pivot) {
  return !(std::fabs(pivot) > tolerances::kDependent);
}

}  // namespace hullspace::decide
