#include "hull/batch_solver.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "common/kernels.hpp"
#include "common/tolerances.hpp"

namespace hullspace {
namespace {

// Nearest points that a query starts from, and points that enter its pool after each later scan.
// Fewer mean more scans, more mean longer active-set phases.
constexpr std::size_t kStartPoints = 32;
constexpr std::size_t kEnteringPoints = 6;
// Points that a scan lists beyond the support, which scores lowest at the optimum. The error of
// bytes leaves more when a scan is to be the last; the first two full scans seldom are.
constexpr std::size_t kListedBeyondSupport = 32;
constexpr std::size_t kListedFromBytes = 512;

// The part of a set that a query starts on: every so many panels, if that leaves enough of them.
constexpr std::ptrdiff_t kCoarseStride = 16;
constexpr std::ptrdiff_t kFewestCoarsePanels = 4;

// A part of the set is left after this many scans of it; what it still has to say is little.
constexpr int kMostCoarseScans = 2;

constexpr std::ptrdiff_t kMaxSlots = 64;
constexpr std::ptrdiff_t kMinSlots = 16;
constexpr std::ptrdiff_t kSlotMemory = std::ptrdiff_t{160} << 20;  // bytes, all workers together

}  // namespace

BatchSolver::BatchSolver(const PointSet& points, const BytePanels& bytes, const Problem& problem)
    : points_(points),
      problem_(problem),
      tolerance_(problem.tolerance),
      coarse_stride_(
          std::clamp<std::ptrdiff_t>(points.n_panels() / kFewestCoarsePanels, 1, kCoarseStride)),
      bytes_(bytes),
      scanner_(points),
      byte_scanner_(points, bytes) {}

std::ptrdiff_t BatchSolver::slots_per_worker(std::ptrdiff_t n_features, std::ptrdiff_t n_queries,
                                             int n_workers) {
  const std::ptrdiff_t support = std::min<std::ptrdiff_t>(n_features + 1, 64);
  const std::ptrdiff_t pool = support + static_cast<std::ptrdiff_t>(kEnteringPoints);
  const std::ptrdiff_t bytes = 8 * ((n_features + 8) * (pool + support) + support * support);
  const std::ptrdiff_t affordable = kSlotMemory / n_workers / bytes;
  const std::ptrdiff_t share = (n_queries + n_workers - 1) / n_workers;
  return std::min(share, std::clamp(affordable, kMinSlots, kMaxSlots));
}

void BatchSolver::run(std::atomic<std::ptrdiff_t>& next, std::ptrdiff_t end, std::ptrdiff_t n_slots,
                      const std::function<void(const Slot&)>& emit, const StopFlag& stop) {
  std::vector<std::unique_ptr<Slot>> slots;
  slots.reserve(static_cast<std::size_t>(n_slots));
  for (std::ptrdiff_t i = 0; i < n_slots; ++i) {
    slots.push_back(std::make_unique<Slot>(points_.n_features(), problem_.goal));
  }
  std::ptrdiff_t n_active = 0;  // the first slots are at work, the others free
  std::vector<Slot*> active;
  for (;;) {
    while (n_active < n_slots) {
      const std::ptrdiff_t index = next.fetch_add(1);
      if (index >= end) break;
      start(*slots[n_active++], index);
    }
    if (n_active == 0) return;
    active.clear();
    for (std::ptrdiff_t i = 0; i < n_active; ++i) active.push_back(slots[i].get());
    if (!scan(active, stop)) return;
    for (std::ptrdiff_t i = 0; i < n_active;) {
      const bool done = advance(*slots[i], stop);
      if (stop.load(std::memory_order_relaxed)) return;
      if (!done) {
        ++i;
        continue;
      }
      emit(*slots[i]);
      std::swap(slots[i], slots[--n_active]);
    }
  }
}

bool BatchSolver::scan(std::span<Slot* const> slots, const StopFlag& stop) {
  std::vector<ScanRequest> full;
  std::vector<ScanRequest> part;
  std::vector<ByteScanner::Request> bytes;
  for (Slot* slot : slots) {
    if (slot->in_bytes) {
      bytes.push_back({&slot->direction_bytes, &slot->selection});
      continue;
    }
    const double half_norm_weight = slot->stage == Stage::kStart ? 1.0 : 0.0;
    auto& requests = slot->stage == Stage::kFull ? full : part;
    requests.push_back({slot->scan_direction.data(), half_norm_weight, &slot->selection});
  }
  return byte_scanner_.scan(bytes, stop) && scanner_.scan(full, 1, stop) &&
         scanner_.scan(part, coarse_stride_, stop);
}

void BatchSolver::start(Slot& slot, std::ptrdiff_t index) {
  slot.index = index;
  const std::ptrdiff_t row = rows(problem_.queries) == 1 ? 0 : index;
  slot.far_unit = points_.load_query(problem_.queries, row, slot.query.data());
  slot.selection.exclude(problem_.against_others ? static_cast<std::int32_t>(index) : -1);
  slot.stage = Stage::kStart;
  slot.in_bytes = false;
  slot.n_coarse_scans = 0;
  slot.n_full_scans = 0;
  slot.bytes_suffice = true;
  slot.status = Status::kUndecided;
  slot.gap = std::numeric_limits<double>::infinity();
  slot.margin = 0.0;
  std::fill(slot.proof.begin(), slot.proof.end(), 0.0);
  if (problem_.goal == Goal::kRay) start_ray(slot);
  slot.active.reset(slot.query.data());
  // |p - q|^2 / 2 = |p|^2 / 2 - q . p + |q|^2 / 2: nearest points score lowest against -q.
  std::transform(slot.query.begin(), slot.query.end(), slot.scan_direction.begin(),
                 std::negate<>());
  slot.selection.reset(kStartPoints, std::numeric_limits<double>::infinity());
}

// What is scanned along: from the query to its nearest point, or, for the end of a ray that lies in
// the hull so far, what led there.
const double* BatchSolver::direction(const Slot& slot) const {
  const bool at_end =
      problem_.goal == Goal::kRay && decide::is_within(slot.active.distance(), tolerance_);
  return at_end ? slot.ray.guess.data() : slot.active.direction();
}

double BatchSolver::level(const Slot& slot) const {
  return dot(slot.active.nearest(), direction(slot), points_.n_features());
}

double BatchSolver::query_level(const Slot& slot) const {
  return dot(slot.query.data(), direction(slot), points_.n_features());
}

// What the next scan must find: the points whose absence proves that the distance is optimal.
void BatchSolver::expect_plain_scan(Slot& slot) {
  const std::ptrdiff_t n = points_.n_features();
  if (slot.stage == Stage::kCoarse && ++slot.n_coarse_scans > kMostCoarseScans) {
    slot.stage = Stage::kFull;
  }
  std::copy_n(direction(slot), n, slot.scan_direction.begin());
  slot.in_bytes = slot.stage == Stage::kFull && !bytes_.empty() && slot.bytes_suffice;
  if (slot.in_bytes) bytes_.quantize(slot.scan_direction.data(), slot.direction_bytes);
  slot.scan_error = slot.in_bytes ? slot.direction_bytes.error
                                  : tolerances::single_score_error(n, points_.radius());
  const bool many = slot.in_bytes && slot.n_full_scans > 1;
  if (slot.stage == Stage::kFull) ++slot.n_full_scans;
  const auto support = static_cast<std::size_t>(slot.active.support_size());
  slot.selection.reset(
      support + (many ? kListedFromBytes : kListedBeyondSupport),
      decide::scan_threshold(problem_.goal, level(slot), tolerance_, slot.scan_error));
}

// Use the scan that has just been made for this slot. True when the query is answered.
bool BatchSolver::advance(Slot& slot, const StopFlag& stop) {
  const double before = slot.active.distance();
  const Use use = use_list(slot, stop);
  if (use == Use::kAnswered) return true;
  if (use == Use::kMoved || use == Use::kNewPoints) {
    const bool moved = use == Use::kMoved;
    solve_listed(slot, moved ? std::numeric_limits<double>::infinity() : before, stop);
    if (decide::is_within(slot.active.distance(), tolerance_)) {
      if (within_tolerance(slot)) return true;
    } else if (!moved && !(slot.active.distance() < before)) {
      // Rounding has the last word, and the best proof that there is stands.
      if (slot.stage == Stage::kFull && (settle_exactly(slot, stop) || !follow_ray(slot))) {
        return true;
      }
      slot.stage = Stage::kFull;
    }
  }
  expect_plain_scan(slot);
  return false;
}

// The query is as good as in the hull. True if that answers it.
bool BatchSolver::within_tolerance(Slot& slot) const {
  if (problem_.goal == Goal::kRay && slot.ray.step != slot.ray.bound) {
    slot.stage = Stage::kFull;
    return false;
  }
  slot.gap = slot.active.distance();
  std::fill(slot.proof.begin(), slot.proof.end(), 0.0);
  slot.status = decide::status_within(problem_.goal);
  return true;
}

// Let the listed points that improve on the nearest one into the pool, or settle the answer.
BatchSolver::Use BatchSolver::use_list(Slot& slot, const StopFlag& stop) {
  const bool is_ray = problem_.goal == Goal::kRay;
  if (is_ray && slot.far_unit > 0.0) return Use::kAnswered;
  load_listed(slot);
  if (slot.stage == Stage::kStart) {
    const auto& listed = slot.selection.candidates();
    const auto nearest = std::min_element(listed.begin(), listed.end());
    slot.active.add(nearest->point, &rows_[(nearest - listed.begin()) * points_.n_features()]);
    slot.stage = coarse_stride_ == 1 ? Stage::kFull : Stage::kCoarse;
    return Use::kNewPoints;
  }
  score_listed(slot);
  if (is_ray) {
    update_bounds(slot, decide::unlisted_score(slot.selection.threshold(), slot.scan_error));
    if (slot.stage == Stage::kFull && decided(slot)) return Use::kAnswered;
    if (follow_ray(slot)) return Use::kMoved;
  }
  if (slot.stage == Stage::kFull && settle(slot, stop)) return Use::kAnswered;
  if (is_ray && follow_ray(slot)) return Use::kMoved;
  if (add_violators(slot)) return Use::kNewPoints;
  if (slot.stage == Stage::kCoarse) {
    slot.stage = Stage::kFull;
    return Use::kNothingNew;
  }
  // Nothing listed can enter and yet the list proves too little: it was cut short.
  if (!slot.in_bytes) return Use::kAnswered;
  slot.bytes_suffice = slot.n_full_scans <= 2;
  return Use::kNothingNew;
}

// Solve on the pool, letting listed points enter until none improves on the nearest point, which
// was at distance `before`.
void BatchSolver::solve_listed(Slot& slot, double before, const StopFlag& stop) {
  const double tolerance = decide::pool_tolerance(tolerance_);
  while (slot.active.solve(tolerance, stop) && slot.active.distance() < before) {
    before = slot.active.distance();
    if (decide::is_within(before, tolerance_)) return;
    score_listed(slot);
    if (!add_violators(slot)) return;
  }
}

// Prove the answer from the lowest scores against the current direction, if they allow it.
bool BatchSolver::settle(Slot& slot, const StopFlag& stop) {
  update_bounds(slot, decide::unlisted_score(slot.selection.threshold(), slot.scan_error));
  if (decided(slot)) return true;
  const double entering = decide::entering_score(level(slot), tolerance_);
  const bool improvable = std::any_of(scores_.begin(), scores_.end(),
                                      [entering](double score) { return score < entering; });
  return !improvable && !slot.in_bytes && settle_exactly(slot, stop);
}

bool BatchSolver::settle_exactly(Slot& slot, const StopFlag& stop) {
  slot.selection.reset(static_cast<std::size_t>(slot.active.support_size()) + kListedBeyondSupport,
                       std::numeric_limits<double>::infinity());
  if (!scan_exactly(points_, direction(slot), slot.selection, stop)) return false;
  load_listed(slot);
  score_listed(slot);
  update_bounds(slot, slot.selection.threshold());
  return decided(slot);
}

// Load the listed points, in the order of the list.
void BatchSolver::load_listed(const Slot& slot) {
  const std::ptrdiff_t n = points_.n_features();
  const auto& listed = slot.selection.candidates();
  const std::size_t size = listed.size() * static_cast<std::size_t>(n);
  if (rows_.size() < size) rows_.resize(size);
  // They lie anywhere in memory: all reads are under way before the first is waited for.
  for (const auto& candidate : listed) points_.touch(candidate.point);
  for (std::size_t i = 0; i < listed.size(); ++i) {
    points_.load(listed[i].point, &rows_[i * static_cast<std::size_t>(n)]);
  }
}

// Score the loaded points against the slot's direction in double precision.
void BatchSolver::score_listed(const Slot& slot) {
  const std::ptrdiff_t n = points_.n_features();
  scores_.resize(slot.selection.candidates().size());
  kernels().dots(rows_.data(), n, std::ssize(scores_), direction(slot), n, scores_.data());
}

// Update the verified gap and margin from the scores and a bound for all points without one.
void BatchSolver::update_bounds(Slot& slot, double bound_of_unlisted) const {
  const std::ptrdiff_t n = points_.n_features();
  double found = bound_of_unlisted;
  for (const double score : scores_) found = std::min(found, score);
  const double query_norm = norm(slot.query.data(), n);
  const auto [lowest, margin] =
      decide::separate(found, tolerances::double_score_error(n, points_.radius()),
                       query_level(slot), tolerances::double_score_error(n, query_norm));
  slot.margin = margin;
  if (slot.stage != Stage::kFull || decide::is_within(slot.active.distance(), tolerance_)) return;

  double misfit = 0.0;
  const double distance = slot.active.distance();
  for (std::ptrdiff_t j = 0; j < n; ++j) {
    const double exact = (slot.active.nearest()[j] - slot.query[j]) / distance;
    const double difference = exact - slot.active.direction()[j];
    misfit += difference * difference;
  }
  const double gap = decide::unverified(level(slot), lowest, distance, misfit);
  // An earlier gap still holds, since the distance has only fallen.
  if (gap < slot.gap) {
    slot.gap = gap;
    std::copy_n(slot.active.direction(), n, slot.proof.begin());
  }
}

// Set the status if the verified bounds settle it.
bool BatchSolver::decided(Slot& slot) const {
  if (problem_.goal == Goal::kRay) return slot.margin > 0.0 && ray_misses(slot);
  const decide::Verdict verdict = decide::judge(problem_.goal, slot.gap, slot.margin, tolerance_);
  if (verdict.is_final) slot.status = verdict.status;
  return verdict.is_final;
}

// Add loaded points that improve on the nearest one to the pool; false if there are none.
bool BatchSolver::add_violators(Slot& slot) {
  double entering = decide::entering_score(level(slot), tolerance_);
  // The worst violators, in order; there are few places and most scores end at the first look.
  Candidate worst[kEnteringPoints];
  std::size_t count = 0;
  for (std::size_t i = 0; i < scores_.size(); ++i) {
    if (!(scores_[i] < entering)) continue;
    std::size_t place = count < kEnteringPoints ? count++ : kEnteringPoints - 1;
    for (; place > 0 && scores_[i] < worst[place - 1].score; --place) {
      worst[place] = worst[place - 1];
    }
    worst[place] = {scores_[i], static_cast<std::int32_t>(i)};
    if (count == kEnteringPoints) entering = worst[kEnteringPoints - 1].score;
  }
  if (count == 0) return false;
  slot.active.drop_idle();
  for (std::size_t k = 0; k < count; ++k) {
    const auto i = static_cast<std::size_t>(worst[k].point);
    slot.active.add(slot.selection.candidates()[i].point,
                    &rows_[i * static_cast<std::size_t>(points_.n_features())]);
  }
  return true;
}

}  // namespace hullspace
