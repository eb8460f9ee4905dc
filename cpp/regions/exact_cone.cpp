#include "regions/exact_cone.hpp"

#include <algorithm>
#include <cmath>

#include "regions/expansions.hpp"

namespace hullspace {
namespace {

// Products that one decision may take.
constexpr std::int64_t kMostWork = 4'000'000;
// Pivots, in dimensions, that choose by size before those that choose by index, which end.
constexpr std::ptrdiff_t kGreedyPivots = 4;

}  // namespace

Dyadic product(const ExactRow& a, const ExactRow& b) {
  Dyadic total;
  for (std::size_t c = 0; c < a.size(); ++c) {
    if (!a[c].is_zero() && !b[c].is_zero()) total = total + a[c] * b[c];
  }
  return total;
}

ExactCone::Answer ExactCone::decide(const std::vector<ExactRow>& rows, const ExactRow& function,
                                    const std::vector<std::ptrdiff_t>& hint) {
  given_ = &rows;
  start(function);
  for (const std::ptrdiff_t row : hint) enter(row, kNone);
  for (std::ptrdiff_t n_pivots = 0; work_ <= kMostWork; ++n_pivots) {
    const bool by_size = n_pivots < kGreedyPivots * d_;
    const std::ptrdiff_t place = leaving(by_size);
    if (place == kNone) {
      read_multipliers();
      return Answer::kNonnegative;
    }
    const std::ptrdiff_t row = entering(place, by_size);
    if (row == kNone) {
      point_.assign(tableau_.begin() + place * (d_ + 1), tableau_.begin() + place * (d_ + 1) + d_);
      if (coordinate(place).sign() > 0) {
        for (Dyadic& x : point_) x = -x;
      }
      return Answer::kNegative;
    }
    enter(row, place);
  }
  return Answer::kTooLarge;
}

void ExactCone::start(const ExactRow& function) {
  d_ = static_cast<std::ptrdiff_t>(function.size());
  work_ = d_ * d_;
  basis_.assign(static_cast<std::size_t>(d_), kNone);
  denominator_ = Dyadic(1.0);
  tableau_.assign(static_cast<std::size_t>(d_ * (d_ + 1)), Dyadic());
  for (std::ptrdiff_t i = 0; i < d_; ++i) {
    tableau_[i * (d_ + 1) + i] = denominator_;
    tableau_[i * (d_ + 1) + d_] = function[i];
  }
}

// A row of the inverse times one of the cone's rows.
Dyadic ExactCone::value(std::ptrdiff_t i, std::ptrdiff_t row) const {
  if (row + 1 == n_all()) return element(i, d_ - 1);
  const ExactRow& given = (*given_)[row];
  Dyadic total;
  for (std::ptrdiff_t c = 0; c < d_; ++c) {
    if (!given[c].is_zero() && !element(i, c).is_zero()) total = total + element(i, c) * given[c];
  }
  return total;
}

// Let a row enter the basis in a place, by default in a free one; false if it depends on the basis.
bool ExactCone::enter(std::ptrdiff_t row, std::ptrdiff_t place) {
  if (std::find(basis_.begin(), basis_.end(), row) != basis_.end()) return false;
  ExactRow column;
  for (std::ptrdiff_t i = 0; i < d_; ++i) column.push_back(value(i, row));
  work_ += d_ * d_;
  for (std::ptrdiff_t i = 0; i < d_ && place == kNone; ++i) {
    if (basis_[i] == kNone && !column[i].is_zero()) place = i;
  }
  if (place == kNone) return false;
  pivot(place, column, row);
  return true;
}

void ExactCone::pivot(std::ptrdiff_t place, const ExactRow& column, std::ptrdiff_t row) {
  const Dyadic& size = column[place];
  for (std::ptrdiff_t i = 0; i < d_; ++i) {
    if (i == place) continue;
    for (std::ptrdiff_t c = 0; c <= d_; ++c) {
      Dyadic& x = tableau_[i * (d_ + 1) + c];
      const Dyadic& y = element(place, c);
      Dyadic total = x.is_zero() ? Dyadic() : x * size;
      if (!column[i].is_zero() && !y.is_zero()) total = total - column[i] * y;
      x = total / denominator_;
    }
  }
  work_ += 3 * d_ * (d_ + 1);
  denominator_ = size;
  if (size.sign() < 0) {
    denominator_ = -denominator_;
    for (Dyadic& x : tableau_) x = -x;
  }
  basis_[place] = row;
}

// A place whose coordinate is not as it must be: zero where no row has the place, else nonnegative.
std::ptrdiff_t ExactCone::leaving(bool by_size) const {
  std::ptrdiff_t best = kNone;
  for (std::ptrdiff_t i = 0; i < d_; ++i) {
    if (basis_[i] == kNone) {
      if (!coordinate(i).is_zero()) return i;
    } else if (coordinate(i).sign() < 0) {
      const bool better =
          best == kNone || (by_size ? coordinate(i).to_double() < coordinate(best).to_double()
                                    : basis_[i] < basis_[best]);
      if (better) best = i;
    }
  }
  return best;
}

// A row on the wrong side of what the place's row of the inverse stands for.
std::ptrdiff_t ExactCone::entering(std::ptrdiff_t place, bool by_size) const {
  const bool free = basis_[place] == kNone;
  const int wanted = free ? coordinate(place).sign() : -1;
  std::ptrdiff_t best = kNone;
  double best_size = 0.0;
  for (std::ptrdiff_t row = 0; row < n_all(); ++row) {
    const Dyadic at = value(place, row);
    // A free place may also take a row of the other sign, if it has to.
    if (at.is_zero() || (!free && at.sign() != wanted)) continue;
    const double size = at.sign() == wanted ? std::abs(at.to_double()) : 0.0;
    if (best == kNone || (by_size && size > best_size)) {
      best = row;
      best_size = size;
    }
    if (!by_size && !free) break;
  }
  return best;
}

void ExactCone::read_multipliers() {
  used_.clear();
  ExactRow found;
  for (std::ptrdiff_t i = 0; i < d_; ++i) {
    if (basis_[i] == kNone || basis_[i] + 1 == n_all() || coordinate(i).is_zero()) continue;
    used_.push_back(basis_[i]);
    found.push_back(coordinate(i));
  }
  found.push_back(denominator_);
  multipliers_ = to_doubles(found);
}

}  // namespace hullspace
