// Many queries against one point set: rounds of one shared scan, then each query's active set.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "common/parallel.hpp"
#include "decide/query.hpp"
#include "hull/active_set.hpp"
#include "hullspace/status.hpp"
#include "hullspace/view.hpp"
#include "scan/byte_panels.hpp"
#include "scan/point_set.hpp"
#include "scan/scan.hpp"

namespace hullspace {

// What a call asks about every row of `queries`.
struct Problem {
  Goal goal;
  AnyMatrix queries;
  double tolerance;             // in the set's coordinates
  bool against_others = false;  // query i is point i of the set, and left out of it
  // Of rays; queries are their origins, one for all or one each.
  AnyMatrix directions = MatrixView<float>{};
};

// What the scan that a slot waits for is to find.
enum class Stage {
  kStart,   // points near the query, among a part of the set
  kCoarse,  // points that improve on the nearest one, among a part of the set
  kFull,    // points that improve on the nearest one, among all: their absence is the proof
};

// A ray whose last point in the hull is sought: the query moves along it towards the hull, to where
// the hyperplanes found so far cut it (a discrete Newton method for the distance along the ray;
// G. van den Bergen, "Ray casting against general convex objects", 2004).
struct Ray {
  explicit Ray(std::ptrdiff_t n_features)
      : base(n_features), direction(n_features), exit(n_features), guess(n_features) {}

  std::vector<double> base;       // the point of the ray where steps are zero
  std::vector<double> direction;  // unit
  double first = 0.0;             // step of the origin, at most 0
  double step = 0.0;              // of the query
  double bound = 0.0;             // proven: no larger step leads to a point of the hull
  std::vector<double> exit;       // direction of the scan that proved it
  std::vector<double> guess;      // direction that led to `step` while that is larger than proven
};

// One query on its way to an answer. Lengths are in the set's coordinates.
struct Slot {
  Slot(std::ptrdiff_t n_features, Goal goal)
      : query(n_features),
        ray(goal == Goal::kRay ? n_features : 0),
        scan_direction(n_features),
        proof(n_features),
        active(n_features) {}

  std::ptrdiff_t index = 0;   // row of the query
  double far_unit = 0.0;      // length of a unit in the data if the query was moved in, else 0
  std::vector<double> query;  // as moved
  Ray ray;
  Stage stage = Stage::kStart;
  std::vector<double> scan_direction;
  std::vector<double> proof;  // unit vector to the hull that the gap was verified with, or zero
  ActiveSet active;
  Selection selection;
  bool in_bytes = false;  // whether the scan that it waits for is one of bytes
  BytePanels::Direction direction_bytes;
  double scan_error = 0.0;  // of that scan's scores
  int n_coarse_scans = 0;
  int n_full_scans = 0;
  bool bytes_suffice = true;  // false once their error left too many points
  Status status = Status::kUndecided;
  double gap = 0.0;     // verified: the distance is at least active.distance() - gap
  double margin = 0.0;  // verified: every point scores this much above the query, if positive
};

// Solves queries on one thread. Slots are refilled as soon as they are free, so every scan but
// the last ones serves a full batch. A query's answer depends on that query alone.
class BatchSolver {
 public:
  BatchSolver(const PointSet& points, const BytePanels& bytes, const Problem& problem);

  // Take queries from `next`, below `end`, until none is left; hand each answer to `emit`.
  void run(std::atomic<std::ptrdiff_t>& next, std::ptrdiff_t end, std::ptrdiff_t n_slots,
           const std::function<void(const Slot&)>& emit, const StopFlag& stop);

  // Slots that keep a call's memory in bounds and its scans efficient.
  static std::ptrdiff_t slots_per_worker(std::ptrdiff_t n_features, std::ptrdiff_t n_queries,
                                         int n_workers);

 private:
  // What came of a scan.
  enum class Use { kAnswered, kMoved, kNewPoints, kNothingNew };

  void start(Slot& slot, std::ptrdiff_t index);
  void expect_plain_scan(Slot& slot);
  bool advance(Slot& slot, const StopFlag& stop);
  Use use_list(Slot& slot, const StopFlag& stop);
  bool within_tolerance(Slot& slot) const;
  bool scan(std::span<Slot* const> slots, const StopFlag& stop);
  void solve_listed(Slot& slot, double before, const StopFlag& stop);
  bool settle(Slot& slot, const StopFlag& stop);
  bool settle_exactly(Slot& slot, const StopFlag& stop);
  void load_listed(const Slot& slot);
  void score_listed(const Slot& slot);
  void update_bounds(Slot& slot, double bound_of_unlisted) const;
  bool decided(Slot& slot) const;
  void start_ray(Slot& slot) const;
  void answer_far_ray(Slot& slot) const;
  void place_query(Slot& slot, double step) const;
  bool follow_ray(Slot& slot);
  bool ray_misses(Slot& slot) const;
  double ray_slope(const Slot& slot) const;
  const double* direction(const Slot& slot) const;
  double level(const Slot& slot) const;
  double query_level(const Slot& slot) const;
  bool add_violators(Slot& slot);

  const PointSet& points_;
  const Problem& problem_;
  double tolerance_;
  std::ptrdiff_t coarse_stride_;  // of the panels in a part of the set; 1 for small sets
  const BytePanels& bytes_;
  Scanner scanner_;
  ByteScanner byte_scanner_;
  // Of the slot being advanced: the points that its scan listed, and their scores in double
  // precision.
  std::vector<double> rows_;
  std::vector<double> scores_;
};

}  // namespace hullspace
