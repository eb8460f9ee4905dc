#include "hull/active_set.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "decide/query.hpp"

namespace hullspace {
namespace {

// In fewer dimensions products save less than they cost.
constexpr std::ptrdiff_t kFewestFeaturesForProducts = 64;

// Products of a query farther away than this say too little about the points.
constexpr double kFarthestForProducts = 0x1p10;

}  // namespace

ActiveSet::ActiveSet(std::ptrdiff_t n_features)
    : kernels_(kernels()),
      n_features_(n_features),
      stride_(ThinQr::padded(n_features + 1)),
      query_(n_features),
      qr_(n_features + 1),
      nearest_(n_features),
      residual_(ThinQr::padded(n_features + 1)),
      direction_(n_features) {}

void ActiveSet::reset(const double* query) {
  std::copy_n(query, n_features_, query_.begin());
  pool_.clear();
  ids_.clear();
  occupants_.clear();
  free_.clear();
  qr_.clear();
  support_.clear();
  weights_.clear();
  coordinates_.clear();
  distance_ = std::numeric_limits<double>::infinity();
  const double square = dot(query, query, n_features_);
  by_products_ = n_features_ >= kFewestFeaturesForProducts &&
                 square <= kFarthestForProducts * kFarthestForProducts;
  unknown_.clear();
  gram_.reset(square + 1.0);
}

void ActiveSet::retarget(const double* query) {
  std::copy_n(query, n_features_, query_.begin());
  if (by_products_) leave_products();
  recompute_residual();
  find_coordinates();
  find_step();
  finish_steps();
  settle();
}

void ActiveSet::drop_idle() {
  free_.clear();
  for (std::ptrdiff_t i = std::ssize(ids_) - 1; i >= 0; --i) {
    if (occupants_[i] == Occupant::kSupport) continue;
    occupants_[i] = Occupant::kNone;
    free_.push_back(i);
  }
}

void ActiveSet::add(std::int32_t id, const double* point) {
  if (free_.empty()) {
    free_.push_back(std::ssize(ids_));
    ids_.push_back(0);
    occupants_.push_back(Occupant::kNone);
    unknown_.push_back(1);
    pool_.resize(pool_.size() + static_cast<std::size_t>(stride_), 0.0);
  }
  const std::ptrdiff_t i = free_.back();
  free_.pop_back();
  ids_[i] = id;
  occupants_[i] = Occupant::kIdle;
  unknown_[i] = 1;
  double* row = &pool_[i * stride_];
  std::copy_n(point, n_features_, row);
  row[n_features_] = 1.0;
}

bool ActiveSet::solve(double tolerance, const StopFlag& stop) {
  if (by_products_) {
    if (solve_by_products(tolerance)) return true;
    leave_products();
  }
  barred_.assign(ids_.size(), 0);
  if (support_.empty()) {
    enter(nearest_in_pool());
    settle();
  }
  double best = distance_;
  bool optimal = false;
  while (!optimal && !stop.load(std::memory_order_relaxed)) {
    const bool is_within = decide::is_within(distance_, tolerance);
    const std::ptrdiff_t entering = is_within ? -1 : entering_point(tolerance);
    if (entering < 0) {
      optimal = true;
    } else if (enter(entering) && distance_ < best) {
      best = distance_;
      std::fill(barred_.begin(), barred_.end(), 0);
    } else {
      // Rounding: without progress a point may enter once only, so that the loop ends.
      barred_[entering] = 1;
    }
  }
  settle();
  return optimal;
}

// False if the answer fails the test in full.
bool ActiveSet::solve_by_products(double tolerance) {
  update_products();
  gram_.solve(usable_, tolerance);
  for (const std::ptrdiff_t i : support_) occupants_[i] = Occupant::kIdle;
  support_.assign(gram_.support().begin(), gram_.support().end());
  weights_.assign(gram_.weights().begin(), gram_.weights().end());
  for (const std::ptrdiff_t i : support_) occupants_[i] = Occupant::kSupport;
  recompute_residual();
  point_along_residual();
  return decide::is_within(distance_, tolerance) || optimal_in_pool(tolerance);
}

void ActiveSet::update_products() {
  const std::ptrdiff_t n_pool = std::ssize(ids_);
  gram_.resize(n_pool);
  usable_.resize(ids_.size());
  fresh_.clear();
  for (std::ptrdiff_t i = 0; i < n_pool; ++i) {
    usable_[i] = occupants_[i] == Occupant::kNone ? 0 : 1;
    if (unknown_[i] != 0 && usable_[i] != 0) fresh_.push_back(i);
  }
  fresh_points_.resize(fresh_.size() * static_cast<std::size_t>(stride_));
  fresh_products_.resize(fresh_.size() * static_cast<std::size_t>(n_pool));
  for (std::size_t k = 0; k < fresh_.size(); ++k) {
    std::copy_n(pool_point(fresh_[k]), stride_, &fresh_points_[k * stride_]);
  }
  kernels_.dots_of_many(pool_.data(), stride_, n_pool, fresh_points_.data(), stride_,
                        std::ssize(fresh_), stride_, fresh_products_.data(), n_pool);
  for (std::size_t k = 0; k < fresh_.size(); ++k) {
    const std::ptrdiff_t i = fresh_[k];
    std::copy_n(&fresh_products_[k * n_pool], n_pool, gram_.products(i));
    gram_.set_point(i, dot(pool_point(i), query_.data(), n_features_) + 1.0);
    unknown_[i] = 0;
  }
}

// Whether no point of the pool scores lower than the nearest one by more than the tolerance.
bool ActiveSet::optimal_in_pool(double tolerance) {
  scores_.resize(ids_.size());
  kernels_.dots(pool_.data(), stride_, std::ssize(ids_), direction_.data(), n_features_,
                scores_.data());
  const double least = dot(nearest_.data(), direction_.data(), n_features_) - tolerance;
  for (std::size_t i = 0; i < ids_.size(); ++i) {
    if (occupants_[i] != Occupant::kNone && scores_[i] < least) return false;
  }
  return true;
}

// Go on with a factorization of the support.
void ActiveSet::leave_products() {
  by_products_ = false;
  for (std::ptrdiff_t i = 0; i < support_size();) {
    if (qr_.append(pool_point(support_[i]))) {
      ++i;
      continue;
    }
    occupants_[support_[i]] = Occupant::kIdle;
    support_.erase(support_.begin() + i);
    weights_.erase(weights_.begin() + i);
  }
  if (!support_.empty()) settle();
}

std::ptrdiff_t ActiveSet::nearest_in_pool() const {
  std::ptrdiff_t best = 0;
  double best_square = std::numeric_limits<double>::infinity();
  for (std::ptrdiff_t i = 0; i < std::ssize(ids_); ++i) {
    const double* point = pool_point(i);
    double square = 0.0;
    for (std::ptrdiff_t j = 0; j < n_features_; ++j) {
      square += (point[j] - query_[j]) * (point[j] - query_[j]);
    }
    if (square < best_square) {
      best_square = square;
      best = i;
    }
  }
  return best;
}

// Compute from the weights what the steps have kept up to date, free of their rounding.
void ActiveSet::recompute_residual() {
  double sum = 0.0;
  for (const double weight : weights_) sum += weight;
  std::fill(nearest_.begin(), nearest_.end(), 0.0);
  for (std::ptrdiff_t i = 0; i < support_size(); ++i) {
    weights_[i] /= sum;
    kernels_.combine(pool_point(support_[i]), stride_, 1, &weights_[i], nearest_.data(),
                     n_features_);
  }
  for (std::ptrdiff_t j = 0; j < n_features_; ++j) residual_[j] = query_[j] - nearest_[j];
  residual_[n_features_] = 0.0;
  distance_ = residual_norm();
}

// The same at the optimum of the support, where what rounding left along it goes.
void ActiveSet::settle() {
  recompute_residual();
  const double distance = distance_;
  find_coordinates();
  level_coordinates();
  advance_residual(1.0);
  distance_ = distance;
}

double ActiveSet::residual_norm() const {
  double square = 0.0;
  kernels_.dots(residual_.data(), 0, 1, residual_.data(), n_features_, &square);
  return std::sqrt(square);
}

// Coordinates of the residual along the lifted support.
void ActiveSet::find_coordinates() {
  coordinates_.resize(support_.size());
  qr_.coordinates(residual_.data(), coordinates_.data());
}

// Give the residual the lifted coordinate for which a step along the coordinates keeps the sum of
// the weights.
void ActiveSet::level_coordinates() {
  double along = 0.0;
  double whole = 0.0;
  for (std::ptrdiff_t i = 0; i < support_size(); ++i) {
    const double q = qr_.q(n_features_, i);
    along += q * coordinates_[i];
    whole += q * q;
  }
  const double shift = -along / whole;
  residual_[n_features_] += shift;
  for (std::ptrdiff_t i = 0; i < support_size(); ++i) {
    coordinates_[i] += shift * qr_.q(n_features_, i);
  }
}

// Take a share of the coordinates out of the residual, again where rounding asks for it.
void ActiveSet::advance_residual(double share) {
  double before = distance_;
  for (;;) {
    shares_.resize(coordinates_.size());
    for (std::size_t i = 0; i < coordinates_.size(); ++i) {
      shares_[i] = share * coordinates_[i];
      coordinates_[i] -= shares_[i];
    }
    qr_.subtract(shares_.data(), residual_.data());
    distance_ = residual_norm();
    if (decide::is_clear(share, distance_, before)) break;
    before = distance_;
    find_coordinates();
    level_coordinates();
  }
  point_along_residual();
}

// Set the direction from the query to the nearest point.
void ActiveSet::point_along_residual() {
  const double factor = decide::direction_factor(distance_);
  for (std::ptrdiff_t j = 0; j < n_features_; ++j) direction_[j] = factor * residual_[j];
}

std::ptrdiff_t ActiveSet::entering_point(double tolerance) {
  const std::ptrdiff_t n_pool = std::ssize(ids_);
  scores_.resize(ids_.size());
  // Runs of points outside the support; those of the support all score the same.
  for (std::ptrdiff_t first = 0; first < n_pool;) {
    std::ptrdiff_t last = first;
    while (last < n_pool && occupants_[last] == Occupant::kIdle) ++last;
    kernels_.dots(pool_point(first), stride_, last - first, direction_.data(), n_features_,
                  &scores_[first]);
    first = last + 1;
  }
  const double level = dot(pool_point(support_.front()), direction_.data(), n_features_);
  // The distance falls at best by about the violation, so less than the tolerance is enough.
  double lowest = level - tolerance;
  std::ptrdiff_t entering = -1;
  for (std::ptrdiff_t i = 0; i < n_pool; ++i) {
    if (occupants_[i] == Occupant::kIdle && scores_[i] < lowest && barred_[i] == 0) {
      lowest = scores_[i];
      entering = i;
    }
  }
  return entering;
}

// On return the weights are those of the point nearest to the query in the affine hull of the
// new support. False, with nothing changed, if the point cannot enter for rounding.
bool ActiveSet::enter(std::ptrdiff_t pool_index) {
  if (!qr_.append(pool_point(pool_index))) return false;
  support_.push_back(pool_index);
  occupants_[pool_index] = Occupant::kSupport;
  coordinates_.push_back(qr_.last_coordinate(residual_.data()));
  weights_.push_back(support_.size() == 1 ? 1.0 : 0.0);
  if (support_.size() == 1) return true;
  find_step();
  if (!decide::gains_weight(step_.back())) {
    remove_support(support_size() - 1);
    return false;
  }
  finish_steps();
  return true;
}

// Go to the optimum that the step leads to, or to that of the support that is left on the way.
void ActiveSet::finish_steps() {
  while (!take_step()) {
    remove_weightless();
    if (support_.size() == 1) break;
    find_step();
  }
}

// Change of the weights that leads to the point of the support's affine hull nearest the query.
void ActiveSet::find_step() {
  level_coordinates();
  step_ = coordinates_;
  qr_.solve(step_.data());
}

// Go along the step as far as the weights allow; true if that is its end.
bool ActiveSet::take_step() {
  double length = 1.0;
  std::ptrdiff_t blocking = -1;
  for (std::ptrdiff_t i = 0; i < support_size(); ++i) {
    if (decide::stays_positive(weights_[i], step_[i])) continue;
    const double limit = decide::share_to_zero(weights_[i], step_[i]);
    if (blocking < 0 || limit < length) {
      length = std::min(limit, 1.0);
      blocking = i;
    }
  }
  for (std::ptrdiff_t i = 0; i < support_size(); ++i) weights_[i] += length * step_[i];
  if (blocking >= 0) weights_[blocking] = 0.0;
  advance_residual(length);
  return blocking < 0;
}

void ActiveSet::remove_support(std::ptrdiff_t i) {
  qr_.remove(i, coordinates_.data());
  coordinates_.pop_back();
  occupants_[support_[i]] = Occupant::kIdle;
  support_.erase(support_.begin() + i);
  weights_.erase(weights_.begin() + i);
}

void ActiveSet::remove_weightless() {
  for (std::ptrdiff_t i = support_size() - 1; i >= 0; --i) {
    if (decide::leaves(weights_[i], support_.size() == 1)) remove_support(i);
  }
}

}  // namespace hullspace
