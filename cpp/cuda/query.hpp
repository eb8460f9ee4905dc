// One query of a batch between scans, by a team of threads: what the points that a scan listed say,
// and what the next scan is to find. The counterpart of hull/batch_solver.cpp.
#pragma once

#include <cstdint>

#include "cuda/active_set.hpp"
#include "cuda/ray.hpp"
#include "hullspace/status.hpp"

namespace hullspace::cuda {

// Nearest points that a query starts from, and points that a scan lists beyond the support, which
// scores lowest at the optimum.
inline constexpr int kStartPoints = 32;
inline constexpr int kListedBeyondSupport = 96;

// What the scan that a query waits for is to find.
enum class Stage : std::int8_t {
  kStart,  // points near the query
  kFull,   // points that improve on the nearest one: their absence is the proof
  kExact,  // the lowest point, in double precision
  kLast,   // the same, and what comes of it is the answer
  kAnswered,
  kOverflowed  // the support needs more memory than there is
};

// What a call asks about all queries, and the bounds of rounding errors that decide it.
struct Question {
  Goal goal = Goal::kProject;
  double tolerance = 0.0;      // in the set's coordinates
  double scan_error = 0.0;     // of the scan's scores
  double point_error = 0.0;    // of a point's score in double precision
  double error_of_unit = 0.0;  // of the score of a query of norm one
  RayBounds ray;
};

// About a set of this radius, with a tolerance that is relative to it.
inline Question make_question(Goal goal, double relative, int n_features, double radius,
                              const double* half_widths, double scan_error) {
  const double tolerance = decide::absolute_tolerance(radius, relative, n_features);
  const double error_of_unit = tolerances::double_score_error(n_features, 1.0);
  const RayBounds ray{radius, tolerance, error_of_unit, tolerances::smallest_tolerance(n_features),
                      half_widths};
  return {goal,          tolerance, scan_error, tolerances::double_score_error(n_features, radius),
          error_of_unit, ray};
}

// What a query is between scans besides its active set.
struct QueryState {
  double far_unit;  // length of a unit in the data if the query was moved in, else 0
  double gap;       // verified: the distance is at least the active set's less this
  double margin;    // verified: every point scores this much above the query, if positive
  Stage stage;
  Status status;
  int place;  // among the queries that wait for the next scan
};

struct QueryShape {
  ActiveSetShape active;
  bool is_ray = false;

  // Longest list that a scan makes for a query.
  HULLSPACE_HOST_DEVICE int most_listed() const {
    return active.most_support + kListedBeyondSupport;
  }
};

struct QueryMemory {
  QueryState* state;
  double* proof;   // (n_features): unit vector that the gap was verified with, or zero
  double* scores;  // (most_listed), read too seldom to keep other blocks from near memory
  ActiveSetMemory active;
  RayMemory ray;

  // What every step reads comes out of `near`.
  HULLSPACE_HOST_DEVICE QueryMemory(const QueryShape& shape, Carver& near, Carver& far)
      : state(near.take<QueryState>(1)),
        proof(far.take<double>(shape.active.n_features)),
        scores(far.take<double>(shape.most_listed())),
        active(shape.active, near, far),
        ray(shape.active.n_features, shape.is_ray, far) {}
};

// What a scan listed for the query.
struct Listed {
  DeviceMatrix rows;                  // in which the points are found,
  const std::int32_t* ids = nullptr;  // by their indices in the set, less `first`,
  std::int64_t first = 0;
  bool in_order = false;  // or one after the other from row -first on
  int count = 0;
  double bound = 0.0;    // every point that is not listed scores at least this,
  bool is_part = false;  // unless only a part of the points was looked at, which proves nothing

  HULLSPACE_DEVICE std::int64_t row(int i) const { return (in_order ? i : ids[i]) - first; }
};

// What rays need beside the rest is nearly as much code again, which kernels without rays omit.
template <class Team, bool kMayBeRay>
class Query {
 public:
  HULLSPACE_DEVICE Query(const Team& team, const QueryMemory& memory, const QueryShape& shape,
                         const Frame& frame, const Question& question)
      : team_(team),
        m_(memory),
        n_(shape.active.n_features),
        frame_(frame),
        question_(question),
        active_(team, memory.active, shape.active, frame),
        ray_(team, memory.ray, question.ray, n_, memory.active.query) {}

  // Begin with the query that is in memory, moved in by `far_unit`, and for rays with the
  // direction, of this length in the data.
  HULLSPACE_DEVICE void start(double far_unit, double length) {
    active_.reset();
    active_.save();
    state_ = {far_unit, kInfinity, 0.0, Stage::kStart, Status::kUndecided, 0};
    for (int j = team_.lane(); j < n_; j += team_.size()) m_.proof[j] = 0.0;
    if (is_ray() && far_unit == 0.0) ray_.start(length);
    if (is_ray() && far_unit > 0.0 && ray_.misses_from_afar(state_.margin)) {
      state_.status = Status::kOutside;
    }
    if (team_.lane() == 0) *m_.state = state_;
    team_.sync();
  }

  // Use what was listed, and tell what the next scan is to find.
  HULLSPACE_DEVICE Stage advance(const Listed& listed) {
    active_.restore();
    state_ = *m_.state;
    state_.stage = use(listed);
    active_.save();
    if (team_.lane() == 0) *m_.state = state_;
    team_.sync();
    return state_.stage;
  }

  // Of the next scan, after advance(): only points that score lower matter, and so many of them.
  HULLSPACE_DEVICE double threshold() {
    return decide::scan_threshold(question_.goal, level(), question_.tolerance,
                                  question_.scan_error);
  }
  HULLSPACE_DEVICE int n_wanted() const { return active_.n_support() + kListedBeyondSupport; }

 private:
  HULLSPACE_DEVICE bool is_ray() const { return kMayBeRay && question_.goal == Goal::kRay; }

  HULLSPACE_DEVICE Stage use(const Listed& listed) {
    if (is_ray() && state_.far_unit > 0.0) return Stage::kAnswered;
    const double before = active_.distance();
    bool moved = false;
    const bool starts = state_.stage == Stage::kStart;
    if (!starts) score(listed);
    if (starts) {
      add_nearest(listed);
    } else if (listed.is_part) {
      if (!add_violators(listed)) return Stage::kFull;
    } else {
      update_bounds(listed);
      if (decided()) return Stage::kAnswered;
      moved = follow_ray();
      if (!moved && state_.stage == Stage::kLast) return Stage::kAnswered;
      if (!moved && !add_violators(listed)) {
        // Rounding leaves too much open, and what double precision leaves is the answer.
        return state_.stage == Stage::kFull ? Stage::kExact : Stage::kAnswered;
      }
    }
    solve_listed(listed, moved ? kInfinity : before);
    if (active_.overflowed()) return Stage::kOverflowed;
    if (decide::is_within(active_.distance(), question_.tolerance)) {
      return settle_within_tolerance();
    }
    // Where the distance does not fall any more rounding has the last word.
    return moved || listed.is_part || active_.distance() < before ? Stage::kFull : Stage::kLast;
  }

  // False if the query stays where it is.
  HULLSPACE_DEVICE bool follow_ray() {
    if (!is_ray() || !ray_.follow(m_.active.direction, state_.margin)) return false;
    state_.gap = kInfinity;
    active_.retarget();
    return true;
  }

  // Solve on the pool, letting listed points enter until none improves on the nearest point, which
  // was at distance `before`.
  HULLSPACE_DEVICE void solve_listed(const Listed& listed, double before) {
    const double tolerance = decide::pool_tolerance(question_.tolerance);
    while (active_.solve(tolerance) && active_.distance() < before) {
      before = active_.distance();
      if (decide::is_within(before, question_.tolerance)) return;
      score(listed);
      if (!add_violators(listed)) return;
    }
  }

  // The query is as good as in the hull.
  HULLSPACE_DEVICE Stage settle_within_tolerance() {
    state_.gap = active_.distance();
    for (int j = team_.lane(); j < n_; j += team_.size()) m_.proof[j] = 0.0;
    state_.status = decide::status_within(question_.goal);
    return Stage::kAnswered;
  }

  HULLSPACE_DEVICE double level() const {
    return inner_product(team_, m_.active.nearest, m_.active.direction, n_);
  }

  // Score the listed points against the direction in double precision.
  HULLSPACE_DEVICE void score(const Listed& listed) {
    const auto element = [&](int i, int j) {
      return framed(listed.rows, frame_, listed.row(i), j);
    };
    dots(team_, listed.count, n_, element, m_.active.direction, m_.scores);
  }

  // Update the verified gap and margin from the scores and the bound for all points without one.
  HULLSPACE_DEVICE void update_bounds(const Listed& listed) {
    Extreme least{listed.bound, 0};
    for (int i = team_.lane(); i < listed.count; i += team_.size()) {
      if (m_.scores[i] < least.value) least.value = m_.scores[i];
    }
    const double* query = m_.active.query;
    const double query_norm = sqrt(inner_product(team_, query, query, n_));
    const decide::Separation found = decide::separate(
        team_.lowest(least).value, question_.point_error,
        inner_product(team_, query, m_.active.direction, n_), question_.error_of_unit * query_norm);
    state_.margin = found.margin;
    const double distance = active_.distance();
    if (decide::is_within(distance, question_.tolerance)) return;
    double misfit = 0.0;
    for (int j = team_.lane(); j < n_; j += team_.size()) {
      const double difference =
          (m_.active.nearest[j] - query[j]) / distance - m_.active.direction[j];
      misfit += difference * difference;
    }
    const double gap = decide::unverified(level(), found.lowest, distance, team_.sum(misfit));
    // An earlier gap still holds, since the distance has only fallen.
    if (!(gap < state_.gap)) return;
    state_.gap = gap;
    for (int j = team_.lane(); j < n_; j += team_.size()) m_.proof[j] = m_.active.direction[j];
  }

  // Set the status if the verified bounds settle it.
  HULLSPACE_DEVICE bool decided() {
    if (is_ray()) {
      const bool is_optimal = decide::is_optimal(state_.gap, question_.tolerance);
      const bool misses = state_.margin > 0.0 &&
                          ray_.misses(m_.active.direction, is_optimal, state_.margin, m_.proof);
      if (misses) state_.status = Status::kOutside;
      return misses;
    }
    const decide::Verdict verdict =
        decide::judge(question_.goal, state_.gap, state_.margin, question_.tolerance);
    if (verdict.is_final) state_.status = verdict.status;
    return verdict.is_final;
  }

  // Add the listed points that improve most on the nearest one to the pool; false if none does.
  HULLSPACE_DEVICE bool add_violators(const Listed& listed) {
    const double entering = decide::entering_score(level(), question_.tolerance);
    std::int64_t rows[kEnteringPoints];
    std::int32_t ids[kEnteringPoints];
    int count = 0;
    Extreme last{-kInfinity, -1};
    HULLSPACE_ROLL
    while (count < kEnteringPoints) {
      Extreme next{0.0, -1};
      for (int i = team_.lane(); i < listed.count; i += team_.size()) {
        const Extreme mine{m_.scores[i], i};
        const bool is_new = last.place < 0 || is_lower(last, mine);
        if (is_new && mine.value < entering && is_lower(mine, next)) next = mine;
      }
      last = team_.lowest(next);
      if (last.place < 0) break;
      rows[count] = listed.row(last.place);
      ids[count++] = listed.ids[last.place];
    }
    if (count > 0) active_.exchange_idle(listed.rows, rows, ids, count);
    return count > 0;
  }

  HULLSPACE_DEVICE void add_nearest(const Listed& listed) {
    const std::int64_t row = listed.row(0);
    active_.exchange_idle(listed.rows, &row, listed.ids, 1);
  }

  Team team_;
  const QueryMemory& m_;
  int n_;
  const Frame& frame_;
  const Question& question_;
  ActiveSet<Team> active_;
  Ray<Team> ray_;
  QueryState state_{};
};

}  // namespace hullspace::cuda
