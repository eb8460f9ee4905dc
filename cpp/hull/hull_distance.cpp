// The nearest points of two hulls: the point nearest to zero in the hull of all differences of
// their points, which are never formed but for the few that matter. Scanning for differences is
// scanning each set by itself.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <map>
#include <string>

#include "common/kernels.hpp"
#include "common/parallel.hpp"
#include "common/tolerances.hpp"
#include "decide/query.hpp"
#include "hull/active_set.hpp"
#include "hullspace/error.hpp"
#include "hullspace/hull.hpp"
#include "scan/point_set.hpp"
#include "scan/scan.hpp"

namespace hullspace {
namespace {

// Differences that enter the pool after each scan, and points listed of each set beyond the
// support. More of them mean fewer scans and longer active-set phases.
constexpr std::size_t kEnteringPairs = 8;
constexpr std::size_t kListedBeyondSupport = 24;

// Coordinates that two sets share: (p - center of the second) * 2^exponent. Nothing in them is
// larger than about one, however far the sets are from each other.
struct Frame {
  int exponent = 0;
  std::vector<double> offset;  // of the first set's center

  Frame(const PointSet& first, const PointSet& second) : offset(first.center()) {
    int largest = std::max(-first.unit_exponent(), -second.unit_exponent());
    const std::vector<double>& other = second.center();
    for (std::size_t j = 0; j < offset.size(); ++j) {
      const double half = 0.5 * offset[j] - 0.5 * other[j];
      if (half != 0.0) largest = std::max(largest, std::ilogb(half) + 2);
    }
    exponent = -largest;
    for (std::size_t j = 0; j < offset.size(); ++j) {
      const double difference = offset[j] - other[j];
      offset[j] = std::isfinite(difference)
                      ? std::ldexp(difference, exponent)
                      : std::ldexp(offset[j], exponent) - std::ldexp(other[j], exponent);
    }
  }
};

// One of the two sets, in the shared coordinates.
class Side {
 public:
  Side(const PointSet& points, double sign, int exponent, std::vector<double> offset)
      : points_(points),
        scanner_(points),
        sign_(sign),
        ratio_(std::ldexp(1.0, exponent - points.unit_exponent())),
        offset_(std::move(offset)) {}

  double radius() const { return ratio_ * points_.radius(); }

  void load(std::int32_t point, double* out) const {
    points_.load(point, out);
    for (std::size_t j = 0; j < offset_.size(); ++j) out[j] = ratio_ * out[j] + offset_[j];
  }

  // List the points that come first along `sign` times the direction, best first, with exact
  // scores of the shared coordinates. False once `stop` is set.
  bool scan(const double* direction, std::size_t keep, const StopFlag& stop) {
    const std::ptrdiff_t n = points_.n_features();
    along_.resize(static_cast<std::size_t>(n));
    for (std::ptrdiff_t j = 0; j < n; ++j) along_[j] = sign_ * direction[j];
    selection_.reset(keep, std::numeric_limits<double>::infinity());
    const ScanRequest request{along_.data(), 0.0, &selection_};
    if (!scanner_.scan({&request, 1}, 1, stop)) return false;
    rescore(direction);
    const double error = tolerances::single_score_error(n, points_.radius());
    const double unlisted = ratio_ * decide::unlisted_score(selection_.threshold(), error) +
                            sign_ * dot(offset_.data(), direction, n);
    if (listed_.front().score <= unlisted) return true;
    selection_.reset(keep, std::numeric_limits<double>::infinity());
    if (!scan_exactly(points_, along_.data(), selection_, stop)) return false;
    rescore(direction);
    return true;
  }
  const std::vector<Candidate>& listed() const { return listed_; }

 private:
  void rescore(const double* direction) {
    const std::ptrdiff_t n = points_.n_features();
    std::vector<double> row(static_cast<std::size_t>(n));
    listed_.clear();
    for (const Candidate& candidate : selection_.candidates()) {
      load(candidate.point, row.data());
      listed_.push_back({sign_ * dot(row.data(), direction, n), candidate.point});
    }
    std::sort(listed_.begin(), listed_.end());
  }

  const PointSet& points_;
  Scanner scanner_;
  double sign_;
  double ratio_;  // of the coordinates' units
  std::vector<double> offset_;
  std::vector<double> along_;
  Selection selection_;
  std::vector<Candidate> listed_;
};

// Convex weights of one set's points, ascending.
void append_row(const std::map<std::int32_t, double>& row, SparseWeights& weights) {
  double sum = 0.0;
  for (const auto& [point, weight] : row) sum += weight;
  for (const auto& [point, weight] : row) {
    weights.columns.push_back(point);
    weights.values.push_back(weight / sum);
  }
  weights.row_starts.push_back(std::ssize(weights.values));
}

}  // namespace

// Solves one pair, as the point nearest to zero among differences.
class PairSolver {
 public:
  PairSolver(const Hull& first, const Hull& second, double tolerance)
      : PairSolver(*first.points_, *second.points_, tolerance) {}

  void solve(const StopFlag& stop);
  void store(std::ptrdiff_t pair, HullDistances& result) const;
  // Weights of the first set's points, or of the second one's.
  std::map<std::int32_t, double> weights(bool of_first) const;

 private:
  PairSolver(const PointSet& first, const PointSet& second, double tolerance)
      : sets_{&first, &second},
        n_(first.n_features()),
        frame_(first, second),
        first_(first, 1.0, frame_.exponent, frame_.offset),
        second_(second, -1.0, frame_.exponent, std::vector<double>(frame_.offset.size())),
        reach_(first_.radius() + second_.radius() + norm(frame_.offset.data(), n_)),
        active_(n_),
        normal_(static_cast<std::size_t>(n_)) {
    tolerance_ = std::max((first_.radius() + second_.radius()) * tolerance,
                          reach_ * tolerances::smallest_tolerance(n_));
  }

  bool settle();
  void add_pairs();
  void point_to_data(bool of_first, double* out) const;

  const PointSet* sets_[2];
  std::ptrdiff_t n_;
  Frame frame_;
  Side first_;
  Side second_;
  double reach_;  // no difference is longer
  double tolerance_ = 0.0;
  ActiveSet active_;
  std::vector<std::pair<std::int32_t, std::int32_t>> pairs_;  // what the active set's ids stand for
  std::vector<double> normal_;  // verified, from second to first, or zero
  double gap_ = std::numeric_limits<double>::infinity();
  Status status_ = Status::kUndecided;
};

void PairSolver::solve(const StopFlag& stop) {
  std::vector<double> direction(static_cast<std::size_t>(n_), 0.0);
  active_.reset(direction.data());
  // The centers are as good a guess as any; where they agree, so is any direction.
  direction = frame_.offset;
  const double length = norm(direction.data(), n_);
  for (double& x : direction) x /= length > 0.0 ? length : 1.0;
  if (length == 0.0) direction[0] = 1.0;
  for (;;) {
    const std::size_t keep =
        static_cast<std::size_t>(active_.support_size()) + kListedBeyondSupport;
    if (!first_.scan(direction.data(), keep, stop)) return;
    if (!second_.scan(direction.data(), keep, stop)) return;
    if (settle()) return;
    const double before = active_.distance();
    add_pairs();
    active_.solve(decide::pool_tolerance(tolerance_), stop);
    if (decide::is_within(active_.distance(), tolerance_)) {
      gap_ = active_.distance();
      std::fill(normal_.begin(), normal_.end(), 0.0);
      status_ = Status::kOptimal;
      return;
    }
    // Rounding has the last word, and the best proof that there is stands.
    if (!(active_.distance() < before)) return;
    std::copy_n(active_.direction(), n_, direction.begin());
  }
}

// Update the verified gap from the scores; true if it is within the tolerance.
bool PairSolver::settle() {
  if (active_.support_size() == 0) return false;
  const double* direction = active_.direction();
  const double distance = active_.distance();
  double misfit = 0.0;
  for (std::ptrdiff_t j = 0; j < n_; ++j) {
    const double difference = active_.nearest()[j] / distance - direction[j];
    misfit += difference * difference;
  }
  const double lowest = first_.listed().front().score + second_.listed().front().score -
                        2.0 * tolerances::double_score_error(n_, reach_);
  const double level = dot(active_.nearest(), direction, n_);
  const double gap = decide::unverified(level, lowest, distance, misfit);
  if (gap < gap_) {
    gap_ = gap;
    std::copy_n(direction, n_, normal_.begin());
  }
  if (decide::is_optimal(gap_, tolerance_)) status_ = Status::kOptimal;
  return status_ == Status::kOptimal;
}

// The differences of listed points that come first along the direction enter the pool.
void PairSolver::add_pairs() {
  struct Entry {
    double score;
    std::size_t first;
    std::size_t second;
  };
  const auto& a = first_.listed();
  const auto& b = second_.listed();
  std::vector<Entry> entries;
  for (std::size_t i = 0; i < std::min(a.size(), kEnteringPairs); ++i) {
    for (std::size_t j = 0; j < std::min(b.size(), kEnteringPairs); ++j) {
      entries.push_back({a[i].score + b[j].score, i, j});
    }
  }
  const std::size_t count = active_.support_size() == 0 ? 1 : kEnteringPairs;
  const auto end = entries.begin() + static_cast<std::ptrdiff_t>(std::min(count, entries.size()));
  std::partial_sort(entries.begin(), end, entries.end(),
                    [](const Entry& x, const Entry& y) { return x.score < y.score; });
  active_.drop_idle();
  std::vector<double> difference(static_cast<std::size_t>(n_));
  std::vector<double> other(static_cast<std::size_t>(n_));
  for (auto entry = entries.begin(); entry != end; ++entry) {
    first_.load(a[entry->first].point, difference.data());
    second_.load(b[entry->second].point, other.data());
    for (std::ptrdiff_t j = 0; j < n_; ++j) difference[j] -= other[j];
    active_.add(static_cast<std::int32_t>(pairs_.size()), difference.data());
    pairs_.emplace_back(a[entry->first].point, b[entry->second].point);
  }
}

std::map<std::int32_t, double> PairSolver::weights(bool of_first) const {
  std::map<std::int32_t, double> result;
  for (std::ptrdiff_t i = 0; i < active_.support_size(); ++i) {
    const auto& pair = pairs_[active_.support_id(i)];
    result[of_first ? pair.first : pair.second] += active_.weight(i);
  }
  return result;
}

void PairSolver::point_to_data(bool of_first, double* out) const {
  const PointSet& set = *sets_[of_first ? 0 : 1];
  std::vector<double> point(static_cast<std::size_t>(n_), 0.0);
  std::vector<double> row(static_cast<std::size_t>(n_));
  for (const auto& [index, weight] : weights(of_first)) {
    set.load(index, row.data());
    for (std::ptrdiff_t j = 0; j < n_; ++j) point[j] += weight * row[j];
  }
  set.point_to_data(point.data(), out);
}

void PairSolver::store(std::ptrdiff_t pair, HullDistances& result) const {
  const auto to_data = [this](double length) { return std::ldexp(length, -frame_.exponent); };
  result.distances[pair] = to_data(active_.distance());
  result.gaps[pair] = to_data(std::min(gap_, active_.distance()));
  result.status[pair] = status_;
  std::copy(normal_.begin(), normal_.end(), &result.normals[pair * n_]);
  point_to_data(true, &result.first[pair * n_]);
  point_to_data(false, &result.second[pair * n_]);
}

HullDistances hull_distances(const std::vector<std::pair<const Hull*, const Hull*>>& pairs,
                             double tolerance, const Context& context) {
  HullDistances result;
  if (pairs.empty()) return result;
  const std::ptrdiff_t n = pairs.front().first->n_features();
  for (const auto& [first, second] : pairs) {
    if (first->n_features() == n && second->n_features() == n) continue;
    throw ArgumentError("hulls must have the same number of features, got " + std::to_string(n) +
                        ", " + std::to_string(first->n_features()) + " and " +
                        std::to_string(second->n_features()));
  }
  const std::size_t size = pairs.size();
  result.distances.resize(size);
  result.gaps.resize(size);
  result.status.resize(size, Status::kUndecided);
  for (auto* rows : {&result.first, &result.second, &result.normals}) {
    rows->resize(size * static_cast<std::size_t>(n));
  }
  std::vector<std::map<std::int32_t, double>> weights[2];
  for (auto& rows : weights) rows.resize(size);
  std::atomic<std::ptrdiff_t> next{0};
  const int n_workers = worker_count(context, std::ssize(pairs));
  run_workers(context, n_workers, [&](int, const StopFlag& stop) {
    for (;;) {
      const std::ptrdiff_t i = next.fetch_add(1);
      if (i >= std::ssize(pairs) || stop.load(std::memory_order_relaxed)) return;
      PairSolver solver(*pairs[i].first, *pairs[i].second, tolerance);
      solver.solve(stop);
      if (stop.load(std::memory_order_relaxed)) return;
      solver.store(i, result);
      weights[0][i] = solver.weights(true);
      weights[1][i] = solver.weights(false);
    }
  });
  for (const auto& row : weights[0]) append_row(row, result.first_weights);
  for (const auto& row : weights[1]) append_row(row, result.second_weights);
  return result;
}

}  // namespace hullspace
