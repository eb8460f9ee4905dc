#include "polyhedron/simplex.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/tolerances.hpp"
#include "decide/simplex.hpp"

namespace hullspace {
void Simplex::start(const System& system, const double* point) {
  system_ = &system;
  n_ = system.n_variables();
  stride_ = system.stride();
  const auto rows = static_cast<std::size_t>(system.n_rows());
  active_.assign(static_cast<std::size_t>(n_), -1);
  n_free_ = n_;
  edges_.assign(static_cast<std::size_t>(n_ * stride_), 0.0);
  for (std::ptrdiff_t k = 0; k < n_; ++k) edge(k)[k] = 1.0;
  squares_.assign(static_cast<std::size_t>(n_), 1.0);
  factors_.assign(static_cast<std::size_t>(n_), 0.0);
  multipliers_.assign(static_cast<std::size_t>(n_), 0.0);
  priced_.assign(static_cast<std::size_t>(n_), 0.0);
  objective_.assign(static_cast<std::size_t>(stride_), 0.0);
  direction_.assign(static_cast<std::size_t>(stride_), 0.0);
  point_.assign(static_cast<std::size_t>(stride_), 0.0);
  std::copy_n(point, n_, point_.begin());
  slacks_.resize(rows);
  speeds_.resize(rows);
  slack_offsets_.assign(rows, 0.0);
  shifts_.assign(rows, 0.0);
  shifted_ = false;
  seed_ = 0;
  find_slacks();
}

void Simplex::relax(std::ptrdiff_t row, double offset) {
  const double more = offset - slack_offsets_[row];
  slack_offsets_[row] = offset;
  slacks_[row] += more;
  const auto found = std::find(active_.begin(), active_.end(), row);
  if (found == active_.end()) return;
  // The row stays active if nothing blocks the way to where it is now.
  const std::ptrdiff_t place = found - active_.begin();
  std::copy_n(edge(place), stride_, direction_.begin());
  const std::ptrdiff_t blocking = blocking_row(std::sqrt(squares_[place]));
  const double free = blocking < 0 ? more : std::max(0.0, slacks_[blocking] / speeds_[blocking]);
  const double step = std::min(more, free);
  const double back = -step;
  kernels_.combine(direction_.data(), 0, 1, &step, point_.data(), stride_);
  kernels_.combine(speeds_.data(), 0, 1, &back, slacks_.data(), system_->n_rows());
  slacks_[row] = more - step;
  if (free >= more) return;
  slacks_[blocking] = 0.0;
  system_->row_products(blocking, edges_.data(), n_, factors_.data());
  replace(place, blocking);
}

bool Simplex::tighten(std::ptrdiff_t row, const StopFlag& stop) {
  slack_offsets_[row] = 0.0;
  settle();
  return repair(stop);
}

double Simplex::value() const { return dot(objective_.data(), point_.data(), n_); }

double Simplex::size() const { return decide::point_size(norm(point_.data(), n_)); }
double Simplex::noise() const { return decide::slack_noise(size()); }
std::int64_t Simplex::most_steps() const {
  return decide::most_steps(system_->n_rows(), system_->n_variables());
}

void Simplex::find_slacks() {
  const std::ptrdiff_t n_rows = system_->n_rows();
  system_->products(point_.data(), slacks_.data());
  for (std::ptrdiff_t i = 0; i < n_rows; ++i) {
    slacks_[i] = system_->bounds()[i] + slack_offsets_[i] + shifts_[i] - slacks_[i];
  }
}

void Simplex::find_multipliers() {
  kernels_.dots(edges_.data(), stride_, n_, objective_.data(), stride_, multipliers_.data());
}

Simplex::Outcome Simplex::maximize(const double* objective, const StopFlag& stop) {
  std::copy_n(objective, n_, objective_.begin());
  objective_length_ = norm(objective, n_);
  find_multipliers();
  for (int round = 0; round < decide::kMostRounds; ++round) {
    slow_ = decide::slow_speed(round);
    const Outcome outcome = climb(stop);
    remove_shifts();
    if (outcome == Outcome::kUnbounded) settle_point();
    if (outcome != Outcome::kOptimal || stop.load(std::memory_order_relaxed)) return outcome;
    settle();
    if (!repair(stop)) return Outcome::kLimit;
    if (choose_direction() < -1) return Outcome::kOptimal;
  }
  return Outcome::kLimit;
}

// The primal simplex method.
Simplex::Outcome Simplex::climb(const StopFlag& stop) {
  n_stalled_ = 0;
  for (std::int64_t step = 0; step < most_steps(); ++step) {
    if (stop.load(std::memory_order_relaxed)) return Outcome::kLimit;
    const std::ptrdiff_t place = choose_direction();
    if (place < -1) return Outcome::kOptimal;
    const double length = norm(direction_.data(), n_);
    const std::ptrdiff_t row = blocking_row(length);
    if (row < 0) return Outcome::kUnbounded;
    move(row, place);
    if (n_stalled_ > decide::kMostStalled) shift_bounds();
  }
  return Outcome::kLimit;
}

// Set the direction to go in. Returns the place whose row it leaves, -1 if it leaves none, or -2 if
// no direction improves the objective.
std::ptrdiff_t Simplex::choose_direction() {
  const double least = decide::least_slope(objective_length_);
  if (n_free_ > 0) {
    // The gradient, in the coordinates of the free edges.
    bool any = false;
    for (std::ptrdiff_t k = 0; k < n_; ++k) {
      const bool usable = active_[k] < 0 && decide::is_slope(multipliers_[k], squares_[k], least);
      factors_[k] = usable ? multipliers_[k] / squares_[k] : 0.0;
      any = any || usable;
    }
    if (any) {
      std::fill(direction_.begin(), direction_.end(), 0.0);
      kernels_.combine(edges_.data(), stride_, n_, factors_.data(), direction_.data(), stride_);
      return -1;
    }
  }
  const double* prices = multipliers_.data();
  if (n_free_ > 0) {
    for (std::ptrdiff_t k = 0; k < n_; ++k) priced_[k] = active_[k] < 0 ? 0.0 : multipliers_[k];
    prices = priced_.data();
  }
  const std::ptrdiff_t place = kernels_.steepest_edge(prices, squares_.data(), n_, least);
  if (place < 0) return -2;
  for (std::ptrdiff_t j = 0; j < stride_; ++j) direction_[j] = -edge(place)[j];
  return place;
}

// The row at which the direction leaves the polyhedron, or -1.
std::ptrdiff_t Simplex::blocking_row(double length) {
  const std::ptrdiff_t n_rows = system_->n_rows();
  system_->products(direction_.data(), speeds_.data());
  for (std::ptrdiff_t k = 0; k < n_; ++k) {
    if (active_[k] >= 0) speeds_[active_[k]] = 0.0;
  }
  // Slow rows are poor pivots, to be used only if no other blocks.
  for (const double slowest : {slow_, tolerances::kStillRow}) {
    const std::ptrdiff_t row =
        kernels_.blocking_row(slacks_.data(), speeds_.data(), n_rows, slowest * length, noise());
    if (row >= 0 && slacks_[row] < 0.5 * kNever) return row;
  }
  return -1;
}

// Go to the blocking row, which takes the place, or that of the free coordinate it depends on most.
void Simplex::move(std::ptrdiff_t row, std::ptrdiff_t place) {
  const double step = decide::step_to_row(slacks_[row], speeds_[row]);
  if (step > 0.0) {
    const double back = -step;
    kernels_.combine(direction_.data(), 0, 1, &step, point_.data(), stride_);
    kernels_.combine(speeds_.data(), 0, 1, &back, slacks_.data(), system_->n_rows());
    if (place >= 0) slacks_[active_[place]] = step;
    n_stalled_ = 0;
  } else {
    ++n_stalled_;
  }
  slacks_[row] = 0.0;
  system_->row_products(row, edges_.data(), n_, factors_.data());
  if (place < 0) {
    double largest = -1.0;
    for (std::ptrdiff_t k = 0; k < n_; ++k) {
      if (active_[k] >= 0 || std::abs(factors_[k]) <= largest) continue;
      largest = std::abs(factors_[k]);
      place = k;
    }
    --n_free_;
  }
  replace(place, row);
}

// Put a row into a place; factors_ holds its products with the edges.
void Simplex::replace(std::ptrdiff_t place, std::ptrdiff_t row) {
  active_[place] = row;
  kernels_.pivot(edges_.data(), stride_, n_, place, factors_.data(), squares_.data());
  const double multiplier = multipliers_[place] / factors_[place];
  const double fall = -multiplier;
  kernels_.combine(factors_.data(), 0, 1, &fall, multipliers_.data(), n_);
  multipliers_[place] = multiplier;
}

// Stalling: relax every row that binds but is not active by a little, each by another amount (as in
// P. Wolfe, "A technique for resolving degeneracy in linear programming", SIAM Journal 11, 1963).
void Simplex::shift_bounds() {
  const double unit = decide::shift_unit(norm(point_.data(), n_));
  for (std::ptrdiff_t i = 0; i < system_->n_rows(); ++i) {
    seed_ = decide::next_seed(seed_);
    if (!decide::is_shifted(slacks_[i], unit)) continue;
    const double share = decide::shift_share(seed_);
    shifts_[i] += share * unit;
    slacks_[i] = std::max(slacks_[i], 0.0) + share * unit;
  }
  for (std::ptrdiff_t k = 0; k < n_; ++k) {
    // Active rows stay where they are.
    const std::ptrdiff_t row = active_[k];
    if (row < 0) continue;
    shifts_[row] -= slacks_[row];
    slacks_[row] = 0.0;
  }
  shifted_ = true;
  n_stalled_ = 0;
}

void Simplex::remove_shifts() {
  if (!shifted_) return;
  std::fill(shifts_.begin(), shifts_.end(), 0.0);
  shifted_ = false;
}

// Compute point, slacks and multipliers anew, free of what the steps' rounding left, and factor the
// active rows again if that is too much.
void Simplex::settle() {
  for (int pass = 1; pass <= decide::kMostSettlings; ++pass) {
    const bool good = settle_point() && settle_multipliers();
    if (good || pass == decide::kMostSettlings) return;
    if (pass == decide::kMostSettlings - 1 && !refactor()) return;
  }
}

// False if the active rows are still missed by more than rounding explains.
bool Simplex::settle_point() {
  bool at_origin = n_free_ == 0;
  for (std::ptrdiff_t k = 0; k < n_ && at_origin; ++k) {
    at_origin = system_->bounds()[active_[k]] + slack_offsets_[active_[k]] == 0.0;
  }
  if (at_origin) std::fill(point_.begin(), point_.end(), 0.0);
  double worst = 0.0;
  for (int pass = 0; pass < decide::kMostCorrections; ++pass) {
    find_slacks();
    worst = 0.0;
    for (std::ptrdiff_t k = 0; k < n_; ++k) {
      factors_[k] = active_[k] >= 0 ? slacks_[active_[k]] : 0.0;
      worst = std::max(worst, std::abs(factors_[k]));
    }
    if (decide::is_settled(worst, noise())) return true;
    kernels_.combine(edges_.data(), stride_, n_, factors_.data(), point_.data(), stride_);
  }
  find_slacks();
  return decide::is_noise(worst, noise());
}

// False if the active rows' combination still misses the objective by more than rounding explains.
bool Simplex::settle_multipliers() {
  find_multipliers();
  for (int pass = 0; pass < decide::kMostCorrections; ++pass) {
    std::copy(objective_.begin(), objective_.end(), direction_.begin());
    for (std::ptrdiff_t k = 0; k < n_; ++k) {
      if (active_[k] < 0) {
        direction_[k] -= multipliers_[k];
        continue;
      }
      const double fall = -multipliers_[k];
      kernels_.combine(system_->row(active_[k]), 0, 1, &fall, direction_.data(), stride_);
    }
    const double rest = norm(direction_.data(), n_);
    if (decide::are_settled(rest, objective_length_, norm(multipliers_.data(), n_))) return true;
    kernels_.dots(edges_.data(), stride_, n_, direction_.data(), stride_, factors_.data());
    for (std::ptrdiff_t k = 0; k < n_; ++k) multipliers_[k] += factors_[k];
  }
  return false;
}

// The dual simplex method, from multipliers that are optimal for the active rows. False if it gives
// up.
bool Simplex::repair(const StopFlag& stop) {
  for (std::int64_t step = 0; step < most_steps(); ++step) {
    if (stop.load(std::memory_order_relaxed)) return false;
    const auto lowest = std::min_element(slacks_.begin(), slacks_.end());
    if (lowest == slacks_.end() || decide::is_feasible(*lowest, size())) return true;
    const std::ptrdiff_t row = lowest - slacks_.begin();
    system_->row_products(row, edges_.data(), n_, factors_.data());
    const std::ptrdiff_t place = leaving_place();
    if (place < 0) return false;
    const double along = slacks_[row] / factors_[place];
    std::copy_n(edge(place), stride_, direction_.begin());
    system_->products(direction_.data(), speeds_.data());
    const double back = -along;
    kernels_.combine(direction_.data(), 0, 1, &along, point_.data(), stride_);
    kernels_.combine(speeds_.data(), 0, 1, &back, slacks_.data(), system_->n_rows());
    slacks_[row] = 0.0;
    if (active_[place] < 0) --n_free_;
    replace(place, row);
  }
  return false;
}

// The place whose multiplier first falls to zero as the row with factors_ enters, or -1.
std::ptrdiff_t Simplex::leaving_place() const {
  const double least = decide::least_slope(objective_length_);
  double first = std::numeric_limits<double>::infinity();
  const auto pivot_of = [this](std::ptrdiff_t k) {
    return decide::pivot_of(factors_[k], active_[k] < 0, squares_[k], slow_);
  };
  const auto multiplier_of = [this](std::ptrdiff_t k) {
    return decide::positive_multiplier(multipliers_[k], active_[k] < 0);
  };
  for (std::ptrdiff_t k = 0; k < n_; ++k) {
    const double pivot = pivot_of(k);
    if (pivot == 0.0) continue;
    first = std::min(first, decide::leaving_step(multiplier_of(k), pivot, least));
  }
  std::ptrdiff_t place = -1;
  double largest = 0.0;
  for (std::ptrdiff_t k = 0; k < n_; ++k) {
    const double pivot = pivot_of(k);
    if (pivot > largest && decide::leaves_by(multiplier_of(k), pivot, first)) {
      largest = pivot;
      place = k;
    }
  }
  return place;
}

// Invert the matrix of the active rows anew. If it is singular, give up all active rows. The point
// stays, and so it becomes a start as good as any.
bool Simplex::refactor() {
  std::vector<double> matrix(static_cast<std::size_t>(n_ * stride_), 0.0);
  for (std::ptrdiff_t k = 0; k < n_; ++k) {
    double* row = &matrix[k * stride_];
    if (active_[k] < 0) {
      row[k] = 1.0;
    } else {
      std::copy_n(system_->row(active_[k]), n_, row);
    }
  }
  std::vector<double> inverse(static_cast<std::size_t>(n_ * stride_), 0.0);
  for (std::ptrdiff_t k = 0; k < n_; ++k) inverse[k * stride_ + k] = 1.0;
  const bool regular = invert(matrix, inverse);
  for (std::ptrdiff_t k = 0; k < n_; ++k) {
    if (!regular) active_[k] = -1;
    for (std::ptrdiff_t j = 0; j < n_; ++j) {
      edge(k)[j] = regular ? inverse[j * stride_ + k] : static_cast<double>(j == k);
    }
    kernels_.dots(edge(k), stride_, 1, edge(k), stride_, &squares_[k]);
  }
  if (!regular) n_free_ = n_;
  return regular;
}

// Elimination with row pivoting, which uses the matrix up and turns the unit matrix into its
// inverse. False if it is singular.
bool Simplex::invert(std::vector<double>& matrix, std::vector<double>& inverse) const {
  for (std::ptrdiff_t k = 0; k < n_; ++k) {
    std::ptrdiff_t best = k;
    for (std::ptrdiff_t i = k; i < n_; ++i) {
      if (std::abs(matrix[i * stride_ + k]) > std::abs(matrix[best * stride_ + k])) best = i;
    }
    const double pivot = matrix[best * stride_ + k];
    if (decide::is_singular(pivot)) return false;
    for (std::vector<double>* part : {&matrix, &inverse}) {
      double* row = &(*part)[k * stride_];
      if (best != k) std::swap_ranges(row, row + stride_, &(*part)[best * stride_]);
      for (std::ptrdiff_t j = 0; j < n_; ++j) row[j] /= pivot;
    }
    for (std::ptrdiff_t i = 0; i < n_; ++i) {
      const double factor = -matrix[i * stride_ + k];
      if (i == k || factor == 0.0) continue;
      kernels_.combine(&matrix[k * stride_], 0, 1, &factor, &matrix[i * stride_], stride_);
      kernels_.combine(&inverse[k * stride_], 0, 1, &factor, &inverse[i * stride_], stride_);
    }
  }
  return true;
}

}  // namespace hullspace
