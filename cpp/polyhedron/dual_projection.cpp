#include "polyhedron/dual_projection.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/tolerances.hpp"

namespace hullspace {
namespace {

// How often rows that were spared are looked at again.
constexpr int kMostReturns = 3;

bool contains(const std::vector<std::ptrdiff_t>& rows, std::ptrdiff_t row) {
  return std::find(rows.begin(), rows.end(), row) != rows.end();
}

}  // namespace

DualProjection::DualProjection(std::ptrdiff_t n_features)
    : kernels_(kernels()),
      n_(n_features),
      stride_(ThinQr::padded(n_features)),
      query_(static_cast<std::size_t>(stride_)),
      point_(static_cast<std::size_t>(stride_)),
      qr_(n_features),
      along_(static_cast<std::size_t>(stride_)) {}

Status DualProjection::project(const System& system, const double* query, const StopFlag& stop) {
  std::copy_n(query, n_, query_.begin());
  std::copy_n(query, n_, point_.begin());
  qr_.clear();
  active_.clear();
  multipliers_.clear();
  spared_.clear();
  const std::ptrdiff_t most_rounds = 100 + 20 * (n_ + system.n_rows());
  int n_returns = 0;
  for (std::ptrdiff_t round = 0; round < most_rounds; ++round) {
    if (stop.load(std::memory_order_relaxed)) return Status::kLimit;
    std::ptrdiff_t row = most_violated(system);
    if (row < 0 && n_returns < kMostReturns && !spared_.empty()) {
      // Rows that were spared may be implied no longer.
      ++n_returns;
      spared_.clear();
      row = most_violated(system);
    }
    if (row < 0) {
      measure(system);
      return is_feasible(system) ? Status::kOptimal : Status::kLimit;
    }
    const Status status = let_in(system, row);
    if (status != Status::kOptimal) return status;
    if (round > n_) refine(system);
  }
  measure(system);
  return Status::kLimit;
}

// The row that the point is farthest beyond, or -1 if it is in the polyhedron. That is only said of
// a point that was computed anew.
std::ptrdiff_t DualProjection::most_violated(const System& system) {
  const std::ptrdiff_t n_rows = system.n_rows();
  values_.resize(static_cast<std::size_t>(n_rows));
  for (int pass = 0; pass < 2; ++pass) {
    system.products(point_.data(), values_.data());
    // The point is what is left of the query, whose rounding it carries.
    std::ptrdiff_t worst = -1;
    double violation = tolerances::kSlackRepaired * norm(point_.data(), n_) +
                       tolerances::kQueryRounding * norm(query_.data(), n_);
    for (std::ptrdiff_t i = 0; i < n_rows; ++i) {
      const double excess = values_[i] - system.bounds()[i];
      if (!(excess > violation)) continue;
      // Rows that are active are beyond by rounding, as are those that the active ones imply.
      if (contains(spared_, i) || contains(active_, i)) continue;
      violation = excess;
      worst = i;
    }
    if (worst >= 0 || pass == 1 || active_.empty()) return worst;
    refine(system);
  }
  return -1;
}

// Whether no row is broken by more than rounding explains.
bool DualProjection::is_feasible(const System& system) {
  system.products(point_.data(), values_.data());
  const double allowed =
      tolerances::kSlackAccepted * (norm(point_.data(), n_) + norm(query_.data(), n_));
  for (std::ptrdiff_t i = 0; i < system.n_rows(); ++i) {
    if (values_[i] - system.bounds()[i] > allowed) return false;
  }
  return true;
}

// Let a violated row become active.
Status DualProjection::let_in(const System& system, std::ptrdiff_t row) {
  constexpr double kNever = std::numeric_limits<double>::infinity();
  double multiplier = 0.0;
  active_before_ = active_;
  multipliers_before_ = multipliers_;
  for (;;) {
    const double square = find_step(system.row(row));
    const bool depends = std::sqrt(square) <= tolerances::kSlowRow;
    const std::ptrdiff_t dropped = first_dropped();
    if (depends && dropped < 0) {
      if (!is_contradiction(system, row)) {
        // A combination of active rows that is beyond its bound by their rounding alone.
        spared_.push_back(row);
        go_back(system);
        return Status::kOptimal;
      }
      // The row is a combination of active ones with nonpositive factors: no point is in all.
      for (std::ptrdiff_t k = 0; k < std::ssize(active_); ++k) multipliers_[k] = -step_[k];
      active_.push_back(row);
      multipliers_.push_back(1.0);
      return Status::kEmpty;
    }
    const double excess = dot(system.row(row), point_.data(), n_) - system.bounds()[row];
    const double until_active = depends ? kNever : std::max(0.0, excess) / square;
    const double until_drop = dropped < 0 ? kNever : multipliers_[dropped] / step_[dropped];
    const double length = std::min(until_drop, until_active);
    const double back = -length;
    if (!depends) kernels_.combine(along_.data(), 0, 1, &back, point_.data(), stride_);
    for (std::ptrdiff_t k = 0; k < std::ssize(active_); ++k) multipliers_[k] -= length * step_[k];
    multiplier += length;
    if (until_active <= until_drop) break;
    drop(dropped);
  }
  if (!qr_.append(system.row(row))) return Status::kLimit;
  active_.push_back(row);
  multipliers_.push_back(multiplier);
  return Status::kOptimal;
}

// Restore the active rows of before a row was to be let in.
void DualProjection::go_back(const System& system) {
  active_.clear();
  multipliers_.clear();
  qr_.clear();
  for (std::size_t k = 0; k < active_before_.size(); ++k) {
    if (!qr_.append(system.row(active_before_[k]))) continue;
    active_.push_back(active_before_[k]);
    multipliers_.push_back(multipliers_before_[k]);
  }
  refine(system);
}

// Whether the bounds of a row and of the active ones, weighted by -step_, add up to less than zero.
bool DualProjection::is_contradiction(const System& system, std::ptrdiff_t row) const {
  double sum = system.bounds()[row];
  double weight = 1.0;
  for (std::ptrdiff_t k = 0; k < std::ssize(active_); ++k) {
    sum -= step_[k] * system.bounds()[active_[k]];
    weight += std::abs(step_[k]);
  }
  const double size = norm(point_.data(), n_) + norm(query_.data(), n_);
  return sum < -tolerances::kSlackNoise * weight * size;
}

// What the active rows leave of a normal, along_, whose square is returned, and how fast their
// multipliers fall while the point moves against it, step_.
double DualProjection::find_step(const double* normal) {
  std::copy_n(normal, stride_, along_.begin());
  coordinates_.resize(active_.size() + 1);
  qr_.coordinates(along_.data(), coordinates_.data());
  step_.assign(coordinates_.begin(), coordinates_.begin() + std::ssize(active_));
  qr_.solve(step_.data());
  qr_.subtract(coordinates_.data(), along_.data());
  return dot(along_.data(), along_.data(), n_);
}

// The active row whose multiplier is the first to fall to zero, or -1.
std::ptrdiff_t DualProjection::first_dropped() const {
  double until = std::numeric_limits<double>::infinity();
  std::ptrdiff_t dropped = -1;
  for (std::ptrdiff_t k = 0; k < std::ssize(active_); ++k) {
    if (!(step_[k] > 0.0) || multipliers_[k] >= until * step_[k]) continue;
    until = multipliers_[k] / step_[k];
    dropped = k;
  }
  return dropped;
}

void DualProjection::drop(std::ptrdiff_t place) {
  qr_.remove(place, coordinates_.data());
  active_.erase(active_.begin() + place);
  multipliers_.erase(multipliers_.begin() + place);
}

// Compute the point from the multipliers, and put right by how much it misses the active rows:
// first the multipliers, then the point itself, which carries the query's rounding.
void DualProjection::refine(const System& system) {
  for (int pass = 0; pass < 2; ++pass) {
    combine_rows(system);
    for (std::ptrdiff_t j = 0; j < stride_; ++j) point_[j] = query_[j] - along_[j];
    find_misses(system);
    for (std::ptrdiff_t k = 0; k < std::ssize(active_); ++k) {
      multipliers_[k] = std::max(0.0, multipliers_[k] + step_[k]);
    }
  }
  combine_rows(system);
  for (std::ptrdiff_t j = 0; j < stride_; ++j) point_[j] = query_[j] - along_[j];
  for (int pass = 0; pass < 2; ++pass) {
    find_misses(system);
    for (std::ptrdiff_t k = 0; k < std::ssize(active_); ++k) {
      const double back = multipliers_[k] > 0.0 ? -step_[k] : 0.0;
      kernels_.combine(system.row(active_[k]), 0, 1, &back, point_.data(), stride_);
    }
  }
}

// The combination of the active rows by their multipliers, along_.
void DualProjection::combine_rows(const System& system) {
  std::fill(along_.begin(), along_.end(), 0.0);
  for (std::ptrdiff_t k = 0; k < std::ssize(active_); ++k) {
    kernels_.combine(system.row(active_[k]), 0, 1, &multipliers_[k], along_.data(), stride_);
  }
}

// By which combination of the active rows the point has to move back to meet their bounds, step_.
void DualProjection::find_misses(const System& system) {
  step_.resize(active_.size());
  for (std::ptrdiff_t k = 0; k < std::ssize(active_); ++k) {
    step_[k] = dot(system.row(active_[k]), point_.data(), n_) - system.bounds()[active_[k]];
  }
  qr_.solve_normal(step_.data());
}

// Distance, and the gap to what the multipliers prove.
void DualProjection::measure(const System& system) {
  combine_rows(system);
  double bound = 0.0;
  for (std::ptrdiff_t k = 0; k < std::ssize(active_); ++k) {
    bound += multipliers_[k] * system.bounds()[active_[k]];
  }
  double square = 0.0;
  for (std::ptrdiff_t j = 0; j < n_; ++j) {
    square += (query_[j] - point_[j]) * (query_[j] - point_[j]);
  }
  distance_ = std::sqrt(square);
  const double length = norm(along_.data(), n_);
  const double proven =
      length > 0.0 ? (dot(along_.data(), query_.data(), n_) - bound) / length : 0.0;
  gap_ = std::max(0.0, distance_ - proven);
}

}  // namespace hullspace
