// Rays: where BatchSolver's queries move along lines.
#include <algorithm>
#include <cmath>
#include <limits>

#include "common/kernels.hpp"
#include "common/tolerances.hpp"
#include "decide/ray.hpp"
#include "hull/batch_solver.hpp"

namespace hullspace {
// Put the query where the ray leaves the bounding box.
void BatchSolver::start_ray(Slot& slot) const {
  const std::ptrdiff_t n = points_.n_features();
  Ray& ray = slot.ray;
  points_.load_direction(problem_.directions, slot.index, ray.direction.data());
  if (slot.far_unit > 0.0) return answer_far_ray(slot);
  ray.first = decide::first_step(norm(slot.query.data(), n),
                                 dot(slot.query.data(), ray.direction.data(), n), points_.radius());
  for (std::ptrdiff_t j = 0; j < n; ++j) {
    ray.base[j] = slot.query[j] - ray.first * ray.direction[j];
  }
  const double slack = decide::wall_slack(points_.radius(), tolerances::smallest_tolerance(n));
  ray.bound = std::numeric_limits<double>::infinity();
  std::ptrdiff_t side = 0;
  for (std::ptrdiff_t j = 0; j < n; ++j) {
    if (ray.direction[j] == 0.0) continue;
    const double step =
        decide::step_to_wall(points_.half_widths()[j], slack, ray.base[j], ray.direction[j]);
    if (step >= ray.bound) continue;
    ray.bound = step;
    side = j;
  }
  ray.bound = std::max(ray.bound, ray.first);
  ray.step = ray.bound;
  std::fill(ray.exit.begin(), ray.exit.end(), 0.0);
  ray.exit[side] = decide::wall_direction(ray.direction[side]);
  place_query(slot, ray.step);
}

void BatchSolver::place_query(Slot& slot, double step) const {
  for (std::ptrdiff_t j = 0; j < points_.n_features(); ++j) {
    slot.query[j] = slot.ray.base[j] + step * slot.ray.direction[j];
  }
}

// How fast the scores along the scanned direction fall along the ray.
double BatchSolver::ray_slope(const Slot& slot) const {
  return -dot(direction(slot), slot.ray.direction.data(), points_.n_features());
}

// Move a ray's query to where the hyperplane with the verified margin cuts the ray. A part of the
// set proves nothing, but its guess is a good place to start from. False if nothing moved.
bool BatchSolver::follow_ray(Slot& slot) {
  if (problem_.goal != Goal::kRay) return false;
  Ray& ray = slot.ray;
  const std::ptrdiff_t n = points_.n_features();
  const double slope = ray_slope(slot);
  const double cut = decide::cut(slope, slot.margin, ray.step, ray.first);
  double next = ray.step;
  if (slot.stage == Stage::kFull) {
    if (cut < ray.bound) {
      ray.bound = cut;
      std::copy_n(direction(slot), n, ray.exit.begin());
    }
    next = ray.bound;
  } else if (cut < ray.step) {
    std::copy_n(direction(slot), n, ray.guess.begin());
    next = cut;
  } else if (slope <= 0.0 && slot.margin > 0.0 && ray.step != ray.bound) {
    // Only with a move: what the part said must not pass for what the whole set says.
    slot.stage = Stage::kFull;
    next = ray.bound;
  }
  if (next == ray.step) return false;
  ray.step = next;
  place_query(slot, ray.step);
  slot.gap = std::numeric_limits<double>::infinity();
  slot.active.retarget(slot.query.data());
  return true;
}

// Whether the hyperplane with the verified margin at the query proves that no point of the ray is
// in the hull, by itself or together with the bound. Then the query ends at the origin.
bool BatchSolver::ray_misses(Slot& slot) const {
  Ray& ray = slot.ray;
  const std::ptrdiff_t n = points_.n_features();
  const double slope = ray_slope(slot);
  const double extent =
      decide::ray_extent(points_.radius(), norm(slot.query.data(), n), ray.step, ray.first);
  const double rounding = tolerances::double_score_error(n, extent);
  std::vector<double> normal(direction(slot), direction(slot) + n);
  double margin = 0.0;
  if (slope >= 0.0) {
    margin = decide::margin_at_origin(slot.margin, slope, ray.step, ray.first, rounding);
  } else if (ray.step == ray.bound) {
    const double fall = -dot(ray.exit.data(), ray.direction.data(), n);
    for (std::ptrdiff_t j = 0; j < n; ++j) {
      normal[j] = decide::level_normal(fall, normal[j], slope, ray.exit[j]);
    }
    const double length = norm(normal.data(), n);
    for (double& x : normal) x /= length;
    margin = decide::level_margin(fall, slot.margin, slope, rounding, length);
  }
  const double tilt = decide::ray_tilt(tolerances::smallest_tolerance(n));
  margin -= tilt * extent;
  if (!decide::is_outside(margin, decide::is_optimal(slot.gap, tolerance_), tolerance_)) {
    return false;
  }
  for (std::ptrdiff_t j = 0; j < n; ++j) normal[j] -= tilt * ray.direction[j];
  const double length = norm(normal.data(), n);
  for (std::ptrdiff_t j = 0; j < n; ++j) ray.exit[j] = normal[j] / length;
  place_query(slot, ray.first);
  slot.margin = margin;
  slot.status = Status::kOutside;
  return true;
}

// A ray from very far away, of which the origin's direction is all that is known.
void BatchSolver::answer_far_ray(Slot& slot) const {
  const std::ptrdiff_t n = points_.n_features();
  const double distance = norm(slot.query.data(), n);
  const double along = dot(slot.query.data(), slot.ray.direction.data(), n);
  if (!decide::misses_from_afar(along)) return;
  for (std::ptrdiff_t j = 0; j < n; ++j) slot.ray.exit[j] = -slot.query[j] / distance;
  slot.margin = decide::margin_from_afar(distance);
  slot.status = Status::kOutside;
}

}  // namespace hullspace
