// The simplex method for the largest last variable, the radius, over a system, by a team of
// threads. The counterpart of polyhedron/simplex.hpp, which says what is kept and why.
//
// Results of reductions are the same on all threads, and so every thread takes the same branches.
// As with a block's threads, reductions stand between writing and reading by others, too.
#pragma once

#include <cmath>
#include <cstdint>

#include "common/tolerances.hpp"
#include "cuda/carver.hpp"
#include "cuda/system.hpp"
#include "cuda/team.hpp"
#include "decide/simplex.hpp"

namespace hullspace::cuda {

// Memory for one problem of up to n_rows rows.
struct SimplexMemory {
  double* edges;           // (n, vector_stride(n)): columns of the inverse
  double* squares;         // (n): of the edges' lengths
  double* multipliers;     // (n)
  double* factors;         // (n)
  double* point;           // (n)
  double* direction;       // (n)
  double* entering;        // (n): the edge of a row that enters
  std::int32_t* active;    // (n): row of each place, or -1
  double* slacks;          // (n_rows)
  double* speeds;          // (n_rows)
  double* shifts;          // (n_rows): against stalling, removed at the end
  std::int8_t* is_active;  // (n_rows)
  double* matrix;          // (n, vector_stride(n)): rows, while they are factored again

  // What every step uses lies in `vectors` and `edges`, what few use in `rest`.
  HULLSPACE_HOST_DEVICE SimplexMemory(int n_rows, int n, Carver& for_edges, Carver& for_vectors,
                                      Carver& rest) {
    const std::int64_t size = std::int64_t{n} * vector_stride(n);
    edges = for_edges.take<double>(size);
    squares = for_vectors.take<double>(n);
    multipliers = for_vectors.take<double>(n);
    factors = for_vectors.take<double>(n);
    point = for_vectors.take<double>(n);
    direction = for_vectors.take<double>(n);
    entering = for_vectors.take<double>(n);
    active = for_vectors.take<std::int32_t>(n);
    slacks = for_vectors.take<double>(n_rows);
    speeds = for_vectors.take<double>(n_rows);
    is_active = for_vectors.take<std::int8_t>(n_rows);
    shifts = rest.take<double>(n_rows);
    matrix = rest.take<double>(size);
  }
};

template <class Team>
class Simplex {
 public:
  enum class Outcome { kOptimal, kUnbounded, kLimit };

  HULLSPACE_DEVICE Simplex(const Team& team, const System<Team>& system,
                           const SimplexMemory& memory)
      : team_(team),
        system_(system),
        m_(memory),
        n_rows_(system.n_rows()),
        n_(system.n_variables()),
        stride_(vector_stride(n_)) {}

  // Go from the system's start to an optimum.
  HULLSPACE_DEVICE Outcome maximize();

  HULLSPACE_DEVICE int n_variables() const { return n_; }
  HULLSPACE_DEVICE const double* point() const { return m_.point; }
  // After kUnbounded: a direction in which the objective grows for ever.
  HULLSPACE_DEVICE const double* ray() const { return m_.direction; }
  // The row of each place, -1 where it is free, and its multiplier, or 0.
  HULLSPACE_DEVICE int active(int k) const { return m_.active[k]; }
  HULLSPACE_DEVICE double multiplier(int k) const {
    return decide::positive_multiplier(m_.multipliers[k], m_.active[k] < 0);
  }

 private:
  HULLSPACE_DEVICE std::int64_t most_steps() const { return decide::most_steps(n_rows_, n_); }
  HULLSPACE_DEVICE double* edge(int k) const { return m_.edges + stride_ * k; }
  HULLSPACE_DEVICE double size() const { return decide::point_size(length_); }
  HULLSPACE_DEVICE double noise() const { return decide::slack_noise(size()); }

  // Run body(i) for i < count, each on one thread.
  template <class Body>
  HULLSPACE_DEVICE void each(int count, const Body& body) const {
    for (int i = team_.lane(); i < count; i += team_.size()) body(i);
  }
  // The lowest of what value(i) says, or no place if all say infinity.
  template <class Value>
  HULLSPACE_DEVICE Extreme lowest(int count, const Value& value) const {
    Extreme best{kInfinity, -1};
    each(count, [&](int i) {
      const Extreme mine{value(i), i};
      if (mine.value < best.value) best = mine;
    });
    return team_.lowest(best);
  }
  template <class Value>
  HULLSPACE_DEVICE double sum(int count, const Value& value) const {
    double total = 0.0;
    each(count, [&](int i) { total += value(i); });
    return team_.sum(total);
  }
  // Coordinate j of the combination of edges by factors.
  HULLSPACE_DEVICE double combined(int j) const {
    double total = 0.0;
    for (int k = 0; k < n_; ++k) total += m_.factors[k] * edge(k)[j];
    return total;
  }

  HULLSPACE_DEVICE void start();
  HULLSPACE_DEVICE Outcome climb();
  HULLSPACE_DEVICE bool repair();
  HULLSPACE_DEVICE int choose_direction();
  HULLSPACE_DEVICE int blocking_row(double least);
  HULLSPACE_DEVICE bool move(int row, int place);
  HULLSPACE_DEVICE void enter(int row, int place, double step);
  HULLSPACE_DEVICE void pivot(int place, double multiplier);
  HULLSPACE_DEVICE int leaving_place() const;
  HULLSPACE_DEVICE void find_slacks();
  HULLSPACE_DEVICE void settle();
  HULLSPACE_DEVICE bool settle_point();
  HULLSPACE_DEVICE bool settle_multipliers();
  HULLSPACE_DEVICE void shift_bounds();
  HULLSPACE_DEVICE bool refactor();
  HULLSPACE_DEVICE bool invert();
  HULLSPACE_DEVICE void measure_point() {
    length_ = sqrt(sum(n_, [this](int j) { return m_.point[j] * m_.point[j]; }));
  }

  Team team_;
  const System<Team>& system_;
  const SimplexMemory& m_;
  int n_rows_;
  int n_;
  std::int64_t stride_;
  double length_ = 0.0;  // of the point
  double direction_length_ = 0.0;
  double slow_ = tolerances::kSlowRow;  // speed of a row that is a poor pivot
  bool shifted_ = false;
  int n_free_ = 0;
  int n_stalled_ = 0;
  std::uint64_t seed_ = 0;
};

template <class Team>
HULLSPACE_DEVICE void Simplex<Team>::start() {
  system_.find_start(m_.point, m_.speeds);
  each(n_, [this](int k) {
    m_.active[k] = -1;
    m_.squares[k] = 1.0;
    for (int j = 0; j < n_; ++j) edge(j)[k] = j == k ? 1.0 : 0.0;
    m_.multipliers[k] = k == n_ - 1 ? 1.0 : 0.0;  // the edges' last coordinates
  });
  each(n_rows_, [this](int i) {
    m_.shifts[i] = 0.0;
    m_.is_active[i] = 0;
  });
  n_free_ = n_;
  measure_point();
  find_slacks();
}

template <class Team>
HULLSPACE_DEVICE void Simplex<Team>::find_slacks() {
  system_.products(m_.point, m_.slacks);
  each(n_rows_,
       [this](int i) { m_.slacks[i] = system_.bounds()[i] + m_.shifts[i] - m_.slacks[i]; });
  team_.sync();
}

template <class Team>
HULLSPACE_DEVICE typename Simplex<Team>::Outcome Simplex<Team>::maximize() {
  start();
  for (int round = 0; round < decide::kMostRounds; ++round) {
    slow_ = decide::slow_speed(round);
    const Outcome outcome = climb();
    if (shifted_) each(n_rows_, [this](int i) { m_.shifts[i] = 0.0; });
    shifted_ = false;
    team_.sync();
    if (outcome == Outcome::kUnbounded) settle_point();
    if (outcome != Outcome::kOptimal) return outcome;
    settle();
    if (!repair()) return Outcome::kLimit;
    if (choose_direction() < -1) return Outcome::kOptimal;
  }
  return Outcome::kLimit;
}

// The primal simplex method.
template <class Team>
HULLSPACE_DEVICE typename Simplex<Team>::Outcome Simplex<Team>::climb() {
  n_stalled_ = 0;
  for (std::int64_t step = 0; step < most_steps(); ++step) {
    const int place = choose_direction();
    if (place < -1) return Outcome::kOptimal;
    system_.products(m_.direction, m_.speeds);
    // Slow rows are poor pivots, to be used only if no other blocks.
    int row = blocking_row(slow_ * direction_length_);
    if (row < 0) row = blocking_row(tolerances::kStillRow * direction_length_);
    if (row < 0) return Outcome::kUnbounded;
    if (!move(row, place)) return Outcome::kLimit;
    if (n_stalled_ > decide::kMostStalled) shift_bounds();
  }
  return Outcome::kLimit;
}

// Set the direction to go in. Returns the place whose row it leaves, -1 if it leaves none, or -2 if
// no direction improves the objective.
template <class Team>
HULLSPACE_DEVICE int Simplex<Team>::choose_direction() {
  const double least = decide::least_slope(1.0);
  // Free edges come before all others.
  const Extreme steepest = lowest(n_, [&](int k) {
    const double slope = m_.multipliers[k];
    const double square = m_.squares[k];
    const bool free = m_.active[k] < 0;
    const bool usable = free && decide::is_slope(slope, square, least);
    m_.factors[k] = usable ? slope / square : 0.0;
    if (usable) return -kInfinity;
    const double steepness = free ? 0.0 : decide::steepness(slope, square);
    return decide::is_steep(steepness, least) ? -steepness : kInfinity;
  });
  if (steepest.place < 0) return -2;
  if (steepest.value == -kInfinity) {
    // The gradient, in the coordinates of the free edges.
    const double square = sum(n_, [this](int j) {
      const double x = combined(j);
      m_.direction[j] = x;
      return x * x;
    });
    direction_length_ = sqrt(square);
    return -1;
  }
  each(n_, [&](int j) { m_.direction[j] = -edge(steepest.place)[j]; });
  direction_length_ = sqrt(m_.squares[steepest.place]);
  team_.sync();
  return steepest.place;
}

// The row at which the direction leaves the polyhedron, of those that it approaches faster than
// `least`, or -1.
template <class Team>
HULLSPACE_DEVICE int Simplex<Team>::blocking_row(double least) {
  const Extreme first = lowest(n_rows_, [&](int i) {
    if (m_.is_active[i] != 0) m_.speeds[i] = 0.0;
    return decide::blocking_step(m_.slacks[i], m_.speeds[i], least, noise());
  });
  if (first.place < 0) return -1;
  const double last = decide::last_step(first.value);
  const Extreme fastest = lowest(n_rows_, [&](int i) {
    const double speed = m_.speeds[i];
    return speed > least && decide::stops_by(m_.slacks[i], speed, last) ? -speed : kInfinity;
  });
  return fastest.place;
}

// Go to the blocking row, which takes the place, or that of the free coordinate it depends on most.
// False if numbers fail.
template <class Team>
HULLSPACE_DEVICE bool Simplex<Team>::move(int row, int place) {
  const double step = decide::step_to_row(m_.slacks[row], m_.speeds[row]);
  n_stalled_ = step > 0.0 ? 0 : n_stalled_ + 1;
  system_.row_products(row, m_.edges, n_, m_.factors);
  if (place < 0) {
    place = lowest(n_, [this](int k) {
              return m_.active[k] < 0 ? -fabs(m_.factors[k]) : kInfinity;
            }).place;
  }
  if (place >= 0) enter(row, place, step);
  return place >= 0;
}

// Go this far along the direction, the place's edge turned round or one that leaves no row, to
// where the row is active, and put it into the place; factors hold its products with the edges.
template <class Team>
HULLSPACE_DEVICE void Simplex<Team>::enter(int row, int place, double step) {
  const double inverse = 1.0 / m_.factors[place];
  const double multiplier = m_.multipliers[place] * inverse;
  const int leaving = m_.active[place];
  const double square = sum(n_, [&](int j) {
    m_.entering[j] = edge(place)[j] * inverse;
    const double x = m_.point[j] + step * m_.direction[j];
    m_.point[j] = x;
    return x * x;
  });
  length_ = sqrt(square);
  each(n_rows_, [&](int i) {
    const double speed = i == leaving ? -1.0 : m_.speeds[i];
    m_.slacks[i] = i == row ? 0.0 : m_.slacks[i] - step * speed;
  });
  pivot(place, multiplier);
  if (team_.lane() == 0) {
    if (leaving >= 0) m_.is_active[leaving] = 0;
    m_.is_active[row] = 1;
    m_.active[place] = row;
  }
  if (leaving < 0) --n_free_;
  team_.sync();
}

// Take multiples of the entering edge from the others, so that they move along its row, and put it
// into its place; the same for multipliers.
template <class Team>
HULLSPACE_DEVICE void Simplex<Team>::pivot(int place, double multiplier) {
  const auto part = team_.own_part();
  const auto group = part.own_group();
  for (int first = part.n_groups() * team_.part(); first < n_;
       first += part.n_groups() * team_.n_parts()) {
    const int k = first + part.group();
    const bool exists = k < n_;
    const double factor = exists ? m_.factors[k] : 0.0;
    double square = 0.0;
    double* __restrict__ own = edge(exists ? k : 0);
    const double* __restrict__ entering = m_.entering;
    for (int j = group.lane(); j < n_ && exists; j += group.size()) {
      const double x = k == place ? entering[j] : own[j] - factor * entering[j];
      own[j] = x;
      square += x * x;
    }
    square = group.sum(square);
    if (group.lane() != 0 || !exists) continue;
    m_.squares[k] = square;
    m_.multipliers[k] = k == place ? multiplier : m_.multipliers[k] - multiplier * factor;
  }
}

// Stalling: relax every row that binds but is not active by a little, each by another amount (as in
// P. Wolfe, "A technique for resolving degeneracy in linear programming", SIAM Journal 11, 1963).
template <class Team>
HULLSPACE_DEVICE void Simplex<Team>::shift_bounds() {
  const double unit = decide::shift_unit(length_);
  for (int i = 0; i < n_rows_; ++i) {
    seed_ = decide::next_seed(seed_);
    if (i % team_.size() != team_.lane()) continue;
    if (decide::is_shifted(m_.slacks[i], unit)) {
      const double share = decide::shift_share(seed_);
      m_.shifts[i] += share * unit;
      m_.slacks[i] = larger(m_.slacks[i], 0.0) + share * unit;
    }
    if (m_.is_active[i] != 0) {
      // Active rows stay where they are.
      m_.shifts[i] -= m_.slacks[i];
      m_.slacks[i] = 0.0;
    }
  }
  shifted_ = true;
  n_stalled_ = 0;
  team_.sync();
}

}  // namespace hullspace::cuda

#include "cuda/simplex_settle.hpp"
