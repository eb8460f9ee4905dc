#include "hull/gram_set.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/tolerances.hpp"

namespace hullspace {

void GramSet::reset(double query_square) {
  n_points_ = 0;
  query_square_ = query_square;
  factor_.clear();
  reduced_query_.clear();
  reduced_ones_.clear();
  support_.clear();
  weights_.clear();
}

void GramSet::resize(std::ptrdiff_t n_points) {
  if (n_points > capacity_) {
    const std::ptrdiff_t capacity = std::max<std::ptrdiff_t>(n_points, 2 * capacity_);
    std::vector<double> gram(static_cast<std::size_t>(capacity * capacity));
    for (std::ptrdiff_t i = 0; i < n_points_; ++i) {
      std::copy_n(&gram_[i * capacity_], n_points_, &gram[i * capacity]);
    }
    gram_ = std::move(gram);
    with_query_.resize(static_cast<std::size_t>(capacity));
    capacity_ = capacity;
  }
  n_points_ = n_points;
}

void GramSet::set_point(std::ptrdiff_t i, double with_query) {
  const double* products = &gram_[i * capacity_];
  for (std::ptrdiff_t j = 0; j < n_points_; ++j) gram_[j * capacity_ + i] = products[j];
  with_query_[i] = with_query;
}

void GramSet::solve(const std::vector<char>& usable, double tolerance) {
  barred_.assign(static_cast<std::size_t>(n_points_), 0);
  if (support_.empty() && !enter(nearest(usable))) return;
  double best = square();
  for (;;) {
    // Less than this is rounding alone.
    if (!(best > tolerances::kSmallestSquare * query_square_)) return;
    const std::ptrdiff_t entering = entering_point(usable, tolerance * std::sqrt(best));
    if (entering < 0) return;
    if (enter(entering)) {
      const double reached = square();
      if (reached < best) {
        best = reached;
        std::fill(barred_.begin(), barred_.end(), 0);
        continue;
      }
    }
    barred_[entering] = 1;
  }
}

std::ptrdiff_t GramSet::nearest(const std::vector<char>& usable) const {
  std::ptrdiff_t best = 0;
  double lowest = std::numeric_limits<double>::infinity();
  for (std::ptrdiff_t i = 0; i < n_points_; ++i) {
    const double value = gram_[i * capacity_ + i] - 2.0 * with_query_[i];
    if (usable[i] != 0 && value < lowest) {
      lowest = value;
      best = i;
    }
  }
  return best;
}

// Square of the distance from the query.
double GramSet::square() const {
  double along = 0.0;
  for (std::ptrdiff_t i = 0; i < support_size(); ++i)
    along += weights_[i] * with_query_[support_[i]];
  return level_ - along + query_square_;
}

std::ptrdiff_t GramSet::entering_point(const std::vector<char>& usable, double least) {
  values_.resize(static_cast<std::size_t>(n_points_));
  std::transform(with_query_.begin(), with_query_.begin() + n_points_, values_.begin(),
                 std::negate<>());
  for (std::ptrdiff_t i = 0; i < support_size(); ++i) {
    kernels().combine(products(support_[i]), 0, 1, &weights_[i], values_.data(), n_points_);
  }
  for (const std::ptrdiff_t i : support_) values_[i] = level_;
  double lowest = level_ - least;
  std::ptrdiff_t entering = -1;
  for (std::ptrdiff_t i = 0; i < n_points_; ++i) {
    if (values_[i] < lowest && usable[i] != 0 && barred_[i] == 0) {
      lowest = values_[i];
      entering = i;
    }
  }
  return entering;
}

// On return the weights are those of the optimum of the new support. False, with nothing changed,
// if the point cannot enter for rounding.
bool GramSet::enter(std::ptrdiff_t point) {
  if (!append(point)) return false;
  weights_.push_back(support_.size() == 1 ? 1.0 : 0.0);
  find_target();
  while (!take_step()) {
    remove_weightless();
    find_target();
  }
  return true;
}

bool GramSet::append(std::ptrdiff_t point) {
  const std::ptrdiff_t size = support_size();
  double* column = factor_.next_column();
  for (std::ptrdiff_t i = 0; i < size; ++i) column[i] = gram_[point * capacity_ + support_[i]];
  factor_.solve_transposed(column);
  const double whole = gram_[point * capacity_ + point];
  const double least = tolerances::kSmallestSquare * whole;
  const double square = whole - dot(column, column, size);
  const double query = with_query_[point] - dot(column, reduced_query_.data(), size);
  const double one = 1.0 - dot(column, reduced_ones_.data(), size);
  if (!(square > least)) return false;
  const double inverse = 1.0 / std::sqrt(square);
  column[size] = inverse;
  factor_.commit();
  reduced_query_.push_back(query * inverse);
  reduced_ones_.push_back(one * inverse);
  support_.push_back(point);
  return true;
}

// Weights that sum to one and give all points of the support the same product with what is left.
void GramSet::find_target() {
  const std::ptrdiff_t size = support_size();
  double along = 0.0;
  double whole = 0.0;
  for (std::ptrdiff_t i = 0; i < size; ++i) {
    along += reduced_ones_[i] * reduced_query_[i];
    whole += reduced_ones_[i] * reduced_ones_[i];
  }
  level_ = (1.0 - along) / whole;
  target_.resize(support_.size());
  for (std::ptrdiff_t i = 0; i < size; ++i) {
    target_[i] = reduced_query_[i] + level_ * reduced_ones_[i];
  }
  factor_.solve(target_.data());
}

// Go to the target as far as the weights allow; true if that is all the way.
bool GramSet::take_step() {
  double length = 1.0;
  std::ptrdiff_t blocking = -1;
  for (std::ptrdiff_t i = 0; i < support_size(); ++i) {
    if (target_[i] > 0.0) continue;
    const double limit = weights_[i] / (weights_[i] - target_[i]);
    if (blocking < 0 || limit < length) {
      length = limit;
      blocking = i;
    }
  }
  if (blocking < 0 || support_size() == 1) {
    weights_ = target_;
    return true;
  }
  for (std::ptrdiff_t i = 0; i < support_size(); ++i) {
    weights_[i] += length * (target_[i] - weights_[i]);
  }
  weights_[blocking] = 0.0;
  return false;
}

void GramSet::remove_weightless() {
  for (std::ptrdiff_t i = support_size() - 1; i >= 0; --i) {
    if (weights_[i] > 0.0 || support_.size() == 1) continue;
    factor_.remove(i, [this](std::ptrdiff_t row, double c, double s) {
      for (std::vector<double>* reduced : {&reduced_query_, &reduced_ones_}) {
        double* pair = reduced->data() + row;
        const double x = pair[0];
        pair[0] = c * x + s * pair[1];
        pair[1] = c * pair[1] - s * x;
      }
    });
    reduced_query_.pop_back();
    reduced_ones_.pop_back();
    support_.erase(support_.begin() + i);
    weights_.erase(weights_.begin() + i);
  }
}

}  // namespace hullspace
