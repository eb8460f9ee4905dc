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
constexpr std::size_t kEnteringPoints = 32;
// Points that a scan lists beyond the support, which scores lowest at the optimum.
constexpr std::size_t kListedBeyondSupport = 40;

constexpr std::ptrdiff_t kMaxSlots = 256;
constexpr std::ptrdiff_t kMinSlots = 16;
constexpr std::ptrdiff_t kSlotMemory = std::ptrdiff_t{160} << 20;  // bytes, all workers together

double dot(const double* a, const double* b, std::ptrdiff_t n) {
  double sum = 0.0;
  kernels().dots(a, n, 1, b, n, &sum);
  return sum;
}

}  // namespace

BatchSolver::BatchSolver(const PointSet& points, const AnyMatrix& queries, Goal goal,
                         double tolerance)
    : points_(points), queries_(queries), goal_(goal), tolerance_(tolerance), scanner_(points) {}

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
    slots.push_back(std::make_unique<Slot>(points_.n_features()));
  }
  std::ptrdiff_t n_active = 0;  // the first slots are at work, the others free
  std::vector<ScanRequest> requests;
  for (;;) {
    while (n_active < n_slots) {
      const std::ptrdiff_t index = next.fetch_add(1);
      if (index >= end) break;
      start(*slots[n_active++], index);
    }
    if (n_active == 0) return;
    requests.clear();
    for (std::ptrdiff_t i = 0; i < n_active; ++i) requests.push_back(request(*slots[i]));
    if (!scanner_.scan(requests, stop)) return;
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

void BatchSolver::start(Slot& slot, std::ptrdiff_t index) {
  slot.index = index;
  slot.far_unit = points_.load_query(queries_, index, slot.query.data());
  slot.started = false;
  slot.active.reset(slot.query.data());
  slot.status = Status::kUndecided;
  slot.gap = std::numeric_limits<double>::infinity();
  slot.margin = 0.0;
  std::fill(slot.proof.begin(), slot.proof.end(), 0.0);
  // |p - q|^2 / 2 = |p|^2 / 2 - q . p + |q|^2 / 2: nearest points score lowest against -q.
  std::transform(slot.query.begin(), slot.query.end(), slot.scan_direction.begin(),
                 std::negate<>());
  slot.selection.reset(kStartPoints, std::numeric_limits<double>::infinity());
}

ScanRequest BatchSolver::request(Slot& slot) const {
  return {slot.scan_direction.data(), slot.started ? 0.0 : 1.0, &slot.selection};
}

double BatchSolver::level(const Slot& slot) const {
  return dot(slot.active.nearest(), slot.active.direction(), points_.n_features());
}

double BatchSolver::query_level(const Slot& slot) const {
  return dot(slot.query.data(), slot.active.direction(), points_.n_features());
}

// What the next scan must find: the points whose absence proves that the distance is optimal.
void BatchSolver::expect_plain_scan(Slot& slot) const {
  const double threshold = level(slot) - 0.5 * tolerance_ +
                           tolerances::single_score_error(points_.n_features(), points_.radius());
  const auto support = static_cast<std::size_t>(slot.active.support_size());
  slot.selection.reset(support + kListedBeyondSupport, threshold);
  std::copy_n(slot.active.direction(), points_.n_features(), slot.scan_direction.begin());
}

// Use the scan that has just been made for this slot. True when the query is answered.
bool BatchSolver::advance(Slot& slot, const StopFlag& stop) {
  const double before = slot.active.distance();
  if (slot.started) {
    if (settle(slot, stop)) return true;
    slot.active.drop_idle();
    add_violators(slot);
  } else {
    rows_.resize(static_cast<std::size_t>(points_.n_features()));
    for (const Candidate& candidate : slot.selection.candidates()) {
      points_.load(candidate.point, rows_.data());
      slot.active.add(candidate.point, rows_.data());
    }
    slot.started = true;
  }
  slot.active.solve(0.25 * tolerance_, stop);
  if (slot.active.distance() <= tolerance_) {
    slot.gap = slot.active.distance();
    std::fill(slot.proof.begin(), slot.proof.end(), 0.0);
    slot.status = goal_ == Goal::kContain ? Status::kInside : Status::kOptimal;
    return true;
  }
  if (slot.active.distance() < before) {
    expect_plain_scan(slot);
    return false;
  }
  // Without progress rounding has the last word: the best proof that there is stands.
  settle_exactly(slot, stop);
  return true;
}

// Prove the answer from the lowest scores against the current direction, if they allow it.
bool BatchSolver::settle(Slot& slot, const StopFlag& stop) {
  const std::ptrdiff_t n = points_.n_features();
  const double radius = points_.radius();
  rescore(slot, slot.selection.threshold() - tolerances::single_score_error(n, radius));
  if (decided(slot)) return true;
  const double entering = level(slot) - 0.25 * tolerance_;
  if (!scored_.empty() && scored_.front().score < entering) return false;
  // Nothing listed can enter and yet the list, being full, proves too little.
  return settle_exactly(slot, stop);
}

bool BatchSolver::settle_exactly(Slot& slot, const StopFlag& stop) {
  slot.selection.reset(static_cast<std::size_t>(slot.active.support_size()) + kListedBeyondSupport,
                       std::numeric_limits<double>::infinity());
  if (!scan_exactly(points_, slot.active.direction(), slot.selection, stop)) return false;
  rescore(slot, slot.selection.threshold());
  return decided(slot);
}

// Score the listed points in double precision and update the verified gap and margin.
void BatchSolver::rescore(Slot& slot, double bound_of_unlisted) {
  const std::ptrdiff_t n = points_.n_features();
  const auto& listed = slot.selection.candidates();
  rows_.resize(listed.size() * static_cast<std::size_t>(n));
  scored_.resize(listed.size());
  for (std::size_t i = 0; i < listed.size(); ++i) {
    double* row = &rows_[i * static_cast<std::size_t>(n)];
    points_.load(listed[i].point, row);
    scored_[i] = {dot(row, slot.active.direction(), n), static_cast<std::int32_t>(i)};
  }
  std::sort(scored_.begin(), scored_.end());
  double lowest = bound_of_unlisted;
  if (!scored_.empty()) lowest = std::min(lowest, scored_.front().score);
  lowest -= tolerances::double_score_error(n, points_.radius());

  // Distance minus the separation along the direction; the direction may differ by rounding
  // from that of the nearest point, which costs half the square of the angle.
  double misfit = 0.0;
  double query_square = 0.0;
  const double distance = slot.active.distance();
  for (std::ptrdiff_t j = 0; j < n; ++j) {
    const double exact = (slot.active.nearest()[j] - slot.query[j]) / distance;
    const double difference = exact - slot.active.direction()[j];
    misfit += difference * difference;
    query_square += slot.query[j] * slot.query[j];
  }
  const double gap = std::max(0.0, level(slot) - lowest) + 0.5 * distance * misfit;
  // An earlier gap still holds, since the distance has only fallen.
  if (gap < slot.gap) {
    slot.gap = gap;
    std::copy_n(slot.active.direction(), n, slot.proof.begin());
  }
  const double query_norm = std::sqrt(query_square);
  slot.margin = lowest - query_level(slot) - tolerances::double_score_error(n, query_norm);
}

// Set the status if the verified bounds settle it.
bool BatchSolver::decided(Slot& slot) const {
  const bool optimal = slot.gap <= tolerance_;
  if (goal_ == Goal::kProject) {
    if (optimal) slot.status = Status::kOptimal;
    return optimal;
  }
  if (slot.margin > tolerance_ || (optimal && slot.margin > 0.0)) slot.status = Status::kOutside;
  return optimal || slot.status == Status::kOutside;
}

void BatchSolver::add_violators(Slot& slot) {
  const std::ptrdiff_t n = points_.n_features();
  const double entering = level(slot) - 0.25 * tolerance_;
  for (std::size_t i = 0; i < std::min(scored_.size(), kEnteringPoints); ++i) {
    if (!(scored_[i].score < entering)) break;
    const std::size_t listed = static_cast<std::size_t>(scored_[i].point);
    slot.active.add(slot.selection.candidates()[listed].point,
                    &rows_[listed * static_cast<std::size_t>(n)]);
  }
}

}  // namespace hullspace
