// What the batched operations on polyhedra share.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "common/parallel.hpp"
#include "decide/ball.hpp"
#include "hullspace/polyhedron.hpp"
#include "polyhedron/simplex.hpp"
#include "polyhedron/system.hpp"

namespace hullspace {

// Throw ArgumentError if shapes do not belong together or a number is not finite.
void require_finite(std::span<const double> values, const char* name);
void require_valid(const Polyhedra& polyhedra);

// The system of one polyhedron after the other; rows that all share are prepared once.
class SystemReader {
 public:
  SystemReader(const Polyhedra& polyhedra, bool with_radius)
      : polyhedra_(polyhedra),
        with_radius_(with_radius),
        shared_(polyhedra.n_polyhedra() > 1 && polyhedra.starts.back() != polyhedra.rows.rows) {}

  const System& read(std::ptrdiff_t i) {
    if (i == current_) return system_;
    const std::int64_t first = polyhedra_.starts[i];
    if (current_ < 0 || !shared_) {
      system_.set_rows(rows(i), polyhedra_.starts[i + 1] - first, polyhedra_.rows.cols,
                       with_radius_);
    }
    system_.set_bounds(bounds(i));
    current_ = i;
    return system_;
  }
  // Rows as given.
  const double* rows(std::ptrdiff_t i) const {
    return polyhedra_.rows.data + (shared_ ? 0 : polyhedra_.starts[i] * polyhedra_.rows.cols);
  }
  const double* bounds(std::ptrdiff_t i) const {
    return polyhedra_.bounds.data() + polyhedra_.starts[i];
  }

 private:
  const Polyhedra& polyhedra_;
  bool with_radius_;
  bool shared_;
  std::ptrdiff_t current_ = -1;
  System system_;
};

// Run `body(first, last, stop)` of a body made for each worker over [0, n), `step` at a time. Tasks
// are the same for any number of threads, and so is what depends on the ones before within a task.
template <class MakeBody>
void for_tasks(const Context& context, std::ptrdiff_t n, std::ptrdiff_t step,
               const MakeBody& make_body) {
  std::atomic<std::ptrdiff_t> next{0};
  run_workers(context, worker_count(context, (n + step - 1) / step),
              [&](int, const StopFlag& stop) {
                auto body = make_body();
                for (std::ptrdiff_t first = next.fetch_add(step); first < n && !stop;
                     first = next.fetch_add(step)) {
                  body(first, std::min(first + step, n), stop);
                }
              });
}

// Problems that a worker takes at a time: few of few, so that all workers have some.
inline std::ptrdiff_t problems_per_task(std::ptrdiff_t n) {
  return std::clamp<std::ptrdiff_t>(n / 8, 1, 64);
}

// Multipliers with the rows, as given, that they belong to, and many of them as a sparse matrix.
using Entries = std::vector<std::pair<std::int32_t, double>>;
SparseMultipliers gather(std::vector<Entries>& rows);

// The largest ball, by the linear program max r over a_i . x + |a_i| r <= b_i.
class CenterSolver {
 public:
  Simplex::Outcome solve(const System& system, const StopFlag& stop);
  const Simplex& simplex() const { return simplex_; }
  // Call body(row, multiplier) for each row of the system that has a positive one.
  template <class Body>
  void each_multiplier(const Body& body) const {
    for (std::size_t k = 0; k < simplex_.active().size(); ++k) {
      const std::ptrdiff_t row = simplex_.active()[k];
      if (row >= 0 && simplex_.multipliers()[k] > 0.0) body(row, simplex_.multipliers()[k]);
    }
  }
  // What the multipliers say of the radius, and whether they prove that there is no feasible point.
  decide::RadiusBound bound(const System& system) const;
  bool proves_empty(const System& system) const;
  // After kUnbounded: a point with a ball of positive radius around it.
  std::vector<double> point_inside(const System& system) const;

 private:
  Simplex simplex_;
  std::vector<double> start_;
  std::vector<double> objective_;
};

// A point of one polyhedron to start linear programs from, or the proof that there is none.
struct Interior {
  Status status = Status::kOptimal;  // kOptimal if there is a point, kEmpty or kLimit
  std::vector<double> point;         // in the system's units
  Entries proof;                     // Farkas multipliers of the rows as given
};
Interior find_interior(const Polyhedra& polyhedron, const Context& context);

}  // namespace hullspace
