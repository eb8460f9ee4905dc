// A query against a hull: which points count, what is verified, and when it is answered. Lengths
// are in the set's coordinates, scores those of the unit vector from the query to its nearest
// point, of which the level is that of the nearest point itself.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/tolerances.hpp"
#include "decide/basics.hpp"
#include "hullspace/status.hpp"

namespace hullspace {

enum class Goal : std::int8_t { kProject, kContain, kRay };

namespace decide {

// The tolerance in the coordinates of a set, from one that is relative to its radius.
inline double absolute_tolerance(double radius, double relative, std::ptrdiff_t n_features) {
  return radius * larger(relative, tolerances::smallest_tolerance(n_features));
}

// Pools are solved up to this, so that what they leave is less than what may be left.
HULLSPACE_DECIDE double pool_tolerance(double tolerance) {
  return tolerances::kPoolShare * tolerance;
}

// Points that score lower than this enter the pool.
HULLSPACE_DECIDE double entering_score(double level, double tolerance) {
  return level - pool_tolerance(tolerance);
}

// A scan must list the points that score lower than this. Unlisted points then lower a gap by half
// the tolerance at most; a ray's end is to be exact.
HULLSPACE_DECIDE double scan_threshold(Goal goal, double level, double tolerance,
                                       double scan_error) {
  const double slack = goal == Goal::kRay ? 0.0 : tolerances::kUnlistedShare * tolerance;
  return level - slack + scan_error;
}

// What points that a scan with this threshold did not list score at least.
HULLSPACE_DECIDE double unlisted_score(double threshold, double scan_error) {
  return threshold - scan_error;
}

struct Separation {
  double lowest;  // no point scores lower
  double margin;  // every point scores this much above the query, if positive
};

// From the lowest score that was found or bounds those that were not, and the query's own.
HULLSPACE_DECIDE Separation separate(double found, double point_error, double of_query,
                                     double query_error) {
  const double lowest = found - point_error;
  return {lowest, lowest - of_query - query_error};
}

// How much of a distance is not verified: what is left without the separation along the direction.
// That may differ by rounding from the direction of the nearest point, which costs half the square
// of the angle; `misfit` is the square of the difference.
HULLSPACE_DECIDE double unverified(double level, double lowest, double distance, double misfit) {
  return larger(0.0, level - lowest) + 0.5 * distance * misfit;
}

HULLSPACE_DECIDE bool is_optimal(double gap, double tolerance) { return gap <= tolerance; }

// With an optimal distance, which is more than the tolerance, any separation will do.
HULLSPACE_DECIDE bool is_outside(double margin, bool is_optimal, double tolerance) {
  return margin > tolerance || (is_optimal && margin > 0.0);
}

struct Verdict {
  bool is_final;  // more scans would not change it
  Status status;
};

// What gap and margin say about a query that is farther than the tolerance; not for rays.
HULLSPACE_DECIDE Verdict judge(Goal goal, double gap, double margin, double tolerance) {
  const bool optimal = is_optimal(gap, tolerance);
  if (goal == Goal::kProject) return {optimal, optimal ? Status::kOptimal : Status::kUndecided};
  const bool outside = is_outside(margin, optimal, tolerance);
  return {optimal || outside, outside ? Status::kOutside : Status::kUndecided};
}

HULLSPACE_DECIDE bool is_within(double distance, double tolerance) { return distance <= tolerance; }

// Of a query that is, or of a ray's end.
HULLSPACE_DECIDE Status status_within(Goal goal) {
  return goal == Goal::kContain ? Status::kInside : Status::kOptimal;
}

// Whether an answer has weights: those of a nearest point always, else those that prove something.
HULLSPACE_DECIDE bool has_weights(Goal goal, Status status) {
  return goal == Goal::kProject || status == status_within(goal);
}

}  // namespace decide
}  // namespace hullspace
