// The largest ball in a polyhedron, by a team of threads: what CenterWriter in
// polyhedron/chebyshev.cpp does for one polyhedron.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#include "cuda/simplex.hpp"
#include "cuda/system.hpp"
#include "decide/ball.hpp"
#include "hullspace/status.hpp"

namespace hullspace::cuda {

// One polyhedron as given.
struct Halfspaces {
  const double* rows;    // (n_rows, n_features)
  const double* bounds;  // (n_rows)
  int n_rows;
  int n_features;
};

// Where the answer about one polyhedron goes.
struct Center {
  double* center;  // (n_features)
  double* radius;
  double* duals;  // (n_rows)
  double* gap;
  double* ray;  // (n_features)
  Status* status;
};

template <class Team>
class CenterSolver {
 public:
  HULLSPACE_DEVICE CenterSolver(const Team& team, const Halfspaces& given,
                                const System<Team>& system, const SimplexMemory& memory,
                                const Center& out)
      : team_(team), given_(given), system_(system), simplex_(team, system, memory), out_(out) {}

  HULLSPACE_DEVICE void solve() {
    each(given_.n_rows, [this](int i) { out_.duals[i] = 0.0; });
    each(given_.n_features, [this](int j) { out_.ray[j] = 0.0; });
    team_.sync();
    if (system_.contradiction() >= 0) {
      if (team_.lane() == 0) out_.duals[system_.contradiction()] = 1.0;
      return write_empty();
    }
    using Outcome = typename Simplex<Team>::Outcome;
    const Outcome outcome = simplex_.maximize();
    if (outcome == Outcome::kUnbounded || given_.n_rows == 0) return write_unbounded();
    write_duals();
    const decide::RadiusBound bound = find_bound();
    const bool seems_empty = decide::seems_empty(bound);
    if (seems_empty && proves_empty()) return write_empty();
    write_ball(bound, decide::ball_status(outcome == Outcome::kOptimal, seems_empty));
  }

 private:
  template <class Body>
  HULLSPACE_DEVICE void each(int count, const Body& body) const {
    for (int i = team_.lane(); i < count; i += team_.size()) body(i);
  }

  HULLSPACE_DEVICE decide::RadiusBound find_bound() const {
    double total = 0.0;
    double size = 0.0;
    double sum = 0.0;
    double square = 0.0;
    each(simplex_.n_variables(), [&](int k) {
      const double multiplier = simplex_.multiplier(k);
      const double bound = multiplier > 0.0 ? system_.bounds()[simplex_.active(k)] : 0.0;
      total += multiplier * bound;
      size += multiplier * fabs(bound);
      sum += multiplier;
    });
    each(given_.n_features, [&](int j) { square += simplex_.point()[j] * simplex_.point()[j]; });
    sum = team_.sum(sum);
    total = team_.sum(total);
    size = team_.sum(size);
    return decide::radius_bound(sum, total, size, sqrt(team_.sum(square)));
  }

  // Whether such a bound below zero proves that there is no feasible point.
  HULLSPACE_DEVICE bool proves_empty() const {
    double value = 0.0;
    double sum = 0.0;
    double farthest = 0.0;
    double square = 0.0;
    each(simplex_.n_variables(), [&](int k) {
      const double multiplier = simplex_.multiplier(k);
      if (multiplier == 0.0) return;
      const double bound = system_.bounds()[simplex_.active(k)];
      value += multiplier * bound;
      sum += multiplier;
      farthest = larger(farthest, fabs(bound));
    });
    each(given_.n_features, [&](int j) {
      double rest = 0.0;
      for (int k = 0; k < simplex_.n_variables(); ++k) {
        const double multiplier = simplex_.multiplier(k);
        if (multiplier > 0.0) rest += multiplier * system_.element(simplex_.active(k), j);
      }
      square += rest * rest;
    });
    value = team_.sum(value);
    sum = team_.sum(sum);
    farthest = team_.largest(farthest);
    return decide::proves_empty(sqrt(team_.sum(square)), value, sum, farthest, given_.n_features);
  }

  // Multipliers of the rows as given. Those of the objective r sum to one with the rows' lengths.
  HULLSPACE_DEVICE void write_duals() const {
    each(simplex_.n_variables(), [this](int k) {
      const int row = simplex_.active(k);
      if (row >= 0) out_.duals[system_.given(row)] = simplex_.multiplier(k) * system_.scale(row);
    });
  }

  // Largest radius of a ball around the centre, in the data's units and from the data as given.
  HULLSPACE_DEVICE double radius_around() const {
    const auto part = team_.own_part();
    const auto group = part.own_group();
    double negative = -kInfinity;
    for (int first = part.n_groups() * team_.part(); first < given_.n_rows;
         first += part.n_groups() * team_.n_parts()) {
      const int last = given_.n_rows - 1;
      const int i = first + part.group() < last ? first + part.group() : last;
      const int from = system_.given(i);
      const double* row = given_.rows + std::int64_t{given_.n_features} * from;
      double product = 0.0;
      for (int j = group.lane(); j < given_.n_features; j += group.size()) {
        product += row[j] * out_.center[j];
      }
      product = group.sum(product);
      const double scale = system_.scale(i);
      if (scale != 0.0) negative = larger(negative, (product - given_.bounds[from]) * scale);
    }
    return -team_.largest(negative);
  }

  HULLSPACE_DEVICE void write_ball(const decide::RadiusBound& bound, Status status) const {
    const double unit = system_.unit();
    each(given_.n_features, [&](int j) { out_.center[j] = simplex_.point()[j] * unit; });
    team_.sync();
    const double radius = decide::ball_radius(radius_around(), bound.rounding * unit);
    write(radius, decide::ball_gap(bound.radius * unit, radius), status);
  }

  // A point with a ball of positive radius around it, and the way to ever larger ones.
  HULLSPACE_DEVICE void write_unbounded() const {
    const double radius = simplex_.point()[given_.n_features];
    const double speed = simplex_.ray()[given_.n_features];
    const bool is_inside = decide::is_inside(radius);
    const double step = is_inside ? 0.0 : decide::step_inside(radius, speed);
    each(given_.n_features, [&](int j) {
      const double x = simplex_.point()[j];
      const double ray = simplex_.ray()[j];
      out_.center[j] = (is_inside ? x : x + step * ray) * system_.unit();
      out_.ray[j] = ray;
    });
    write(kInfinity, 0.0, Status::kUnbounded);
  }

  HULLSPACE_DEVICE void write_empty() const {
    constexpr double kNaN = __builtin_nan("");
    each(given_.n_features, [&](int j) { out_.center[j] = kNaN; });
    write(kNaN, 0.0, Status::kEmpty);
  }

  HULLSPACE_DEVICE void write(double radius, double gap, Status status) const {
    if (team_.lane() != 0) return;
    *out_.radius = radius;
    *out_.gap = gap;
    *out_.status = status;
  }

  Team team_;
  const Halfspaces& given_;
  const System<Team>& system_;
  Simplex<Team> simplex_;
  const Center& out_;
};

}  // namespace hullspace::cuda
