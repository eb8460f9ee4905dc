// A ray whose last point in the hull is sought, by a team of threads: the query moves along it
// towards the hull, to where the hyperplanes found so far cut it. The counterpart of hull/ray.cpp.
#pragma once

#include <cmath>
#include <cstdint>

#include "cuda/active_set.hpp"
#include "decide/query.hpp"
#include "decide/ray.hpp"

namespace hullspace::cuda {

struct RayState {
  double length;  // of the direction as given, in the data's units
  double first;   // step of the origin, at most 0
  double step;    // of the query
  double bound;   // proven: no larger step leads to a point of the hull
};

// Empty unless rays are asked for.
struct RayMemory {
  double* base;       // (n_features): the point of the ray where steps are zero
  double* direction;  // unit
  double* exit;       // direction of the scan that proved the bound
  RayState* state;

  HULLSPACE_HOST_DEVICE RayMemory(int n_features, bool is_ray, Carver& far)
      : base(far.take<double>(is_ray ? n_features : 0)),
        direction(far.take<double>(is_ray ? n_features : 0)),
        exit(far.take<double>(is_ray ? n_features : 0)),
        state(far.take<RayState>(is_ray ? 1 : 0)) {}
};

// What is the same for all rays of a call.
struct RayBounds {
  double radius = 0.0;
  double tolerance = 0.0;               // in the set's coordinates
  double error_of_unit = 0.0;           // of a score in double precision, for norms of one
  double smallest_tolerance = 0.0;      // for this many features
  const double* half_widths = nullptr;  // (n_features), of the box around the points
};

template <class Team>
class Ray {
 public:
  HULLSPACE_DEVICE Ray(const Team& team, const RayMemory& memory, const RayBounds& bounds, int n,
                       double* query)
      : team_(team), m_(memory), bounds_(bounds), n_(n), query_(query) {}

  // From the origin, which is the query, and the direction of this length: put the query where the
  // ray leaves the bounding box.
  HULLSPACE_DEVICE void start(double length) {
    const double distance = sqrt(inner_product(team_, query_, query_, n_));
    const double along = inner_product(team_, query_, m_.direction, n_);
    const double first = decide::first_step(distance, along, bounds_.radius);
    const double slack = decide::wall_slack(bounds_.radius, bounds_.smallest_tolerance);
    Extreme wall{kInfinity, -1};
    for (int j = team_.lane(); j < n_; j += team_.size()) {
      const double slope = m_.direction[j];
      m_.base[j] = query_[j] - first * slope;
      m_.exit[j] = 0.0;
      if (slope == 0.0) continue;
      const Extreme mine{decide::step_to_wall(bounds_.half_widths[j], slack, m_.base[j], slope), j};
      if (is_lower(mine, wall)) wall = mine;
    }
    wall = team_.lowest(wall);
    team_.sync();
    const double bound = decide::larger(wall.value, first);
    if (team_.lane() == 0) {
      m_.exit[wall.place] = decide::wall_direction(m_.direction[wall.place]);
      *m_.state = {length, first, bound, bound};
    }
    team_.sync();
    place_query(bound);
  }

  // A ray from very far away, of which the origin's direction is all that is known. True, with the
  // margin, if it misses the hull.
  HULLSPACE_DEVICE bool misses_from_afar(double& margin) {
    const double distance = sqrt(inner_product(team_, query_, query_, n_));
    const bool misses = decide::misses_from_afar(inner_product(team_, query_, m_.direction, n_));
    for (int j = team_.lane(); j < n_ && misses; j += team_.size()) {
      m_.exit[j] = -query_[j] / distance;
    }
    team_.sync();
    margin = decide::margin_from_afar(distance);
    return misses;
  }

  // Move the query to where the hyperplane along `direction`, from which every point keeps the
  // margin, cuts the ray. False if nothing moved.
  HULLSPACE_DEVICE bool follow(const double* direction, double margin) {
    RayState state = *m_.state;
    team_.sync();
    const double slope = -inner_product(team_, direction, m_.direction, n_);
    const double cut = decide::cut(slope, margin, state.step, state.first);
    if (!(cut < state.bound)) return false;
    const bool moves = cut != state.step;
    state.bound = cut;
    state.step = cut;
    for (int j = team_.lane(); j < n_; j += team_.size()) m_.exit[j] = direction[j];
    if (team_.lane() == 0) *m_.state = state;
    team_.sync();
    if (moves) place_query(cut);
    return moves;
  }

  // Whether the hyperplane with the margin proves that no point of the ray is in the hull, by
  // itself or together with the bound. Then the query ends at the origin.
  HULLSPACE_DEVICE bool misses(const double* direction, bool is_optimal, double& margin,
                               double* normal) {
    const RayState state = *m_.state;
    const double slope = -inner_product(team_, direction, m_.direction, n_);
    const double extent = decide::ray_extent(
        bounds_.radius, sqrt(inner_product(team_, query_, query_, n_)), state.step, state.first);
    const double rounding = bounds_.error_of_unit * extent;
    const double fall = -inner_product(team_, m_.exit, m_.direction, n_);
    const bool combined = slope < 0.0;
    double square = 0.0;
    for (int j = team_.lane(); j < n_; j += team_.size()) {
      normal[j] =
          combined ? decide::level_normal(fall, direction[j], slope, m_.exit[j]) : direction[j];
      square += normal[j] * normal[j];
    }
    const double length = combined ? sqrt(team_.sum(square)) : 1.0;
    double rest = combined
                      ? decide::level_margin(fall, margin, slope, rounding, length)
                      : decide::margin_at_origin(margin, slope, state.step, state.first, rounding);
    const double tilt = decide::ray_tilt(bounds_.smallest_tolerance);
    rest -= tilt * extent;
    if (!decide::is_outside(rest, is_optimal, bounds_.tolerance)) return false;
    square = 0.0;
    for (int j = team_.lane(); j < n_; j += team_.size()) {
      normal[j] = normal[j] / length - tilt * m_.direction[j];
      square += normal[j] * normal[j];
    }
    const double tilted = sqrt(team_.sum(square));
    for (int j = team_.lane(); j < n_; j += team_.size()) m_.exit[j] = normal[j] / tilted;
    place_query(state.first);
    margin = rest;
    return true;
  }

 private:
  HULLSPACE_DEVICE void place_query(double step) {
    for (int j = team_.lane(); j < n_; j += team_.size()) {
      query_[j] = m_.base[j] + step * m_.direction[j];
    }
    team_.sync();
  }

  Team team_;
  const RayMemory& m_;
  const RayBounds& bounds_;
  int n_;
  double* query_;
};

}  // namespace hullspace::cuda
