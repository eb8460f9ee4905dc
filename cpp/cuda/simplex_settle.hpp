// What frees the simplex method from rounding at the end of a climb. A part of simplex.hpp.
#pragma once

#include <cmath>
#include <cstdint>

#include "cuda/simplex.hpp"

namespace hullspace::cuda {

// Compute point, slacks and multipliers anew, free of what the steps' rounding left, and factor the
// active rows again if that is too much.
template <class Team>
HULLSPACE_DEVICE void Simplex<Team>::settle() {
  for (int pass = 1; pass <= decide::kMostSettlings; ++pass) {
    const bool good = settle_point() && settle_multipliers();
    if (good || pass == decide::kMostSettlings) return;
    if (pass == decide::kMostSettlings - 1 && !refactor()) return;
  }
}

// False if the active rows are still missed by more than rounding explains.
template <class Team>
HULLSPACE_DEVICE bool Simplex<Team>::settle_point() {
  const double n_away = sum(n_, [this](int k) {
    const int row = m_.active[k];
    return row < 0 || system_.bounds()[row] != 0.0 ? 1.0 : 0.0;
  });
  if (n_away == 0.0) each(n_, [this](int j) { m_.point[j] = 0.0; });
  team_.sync();
  double worst = 0.0;
  for (int pass = 0; pass < decide::kMostCorrections; ++pass) {
    measure_point();
    find_slacks();
    worst = 0.0;
    each(n_, [&](int k) {
      m_.factors[k] = m_.active[k] >= 0 ? m_.slacks[m_.active[k]] : 0.0;
      worst = larger(worst, fabs(m_.factors[k]));
    });
    worst = team_.largest(worst);
    if (decide::is_settled(worst, noise())) return true;
    each(n_, [this](int j) { m_.point[j] += combined(j); });
    team_.sync();
  }
  measure_point();
  find_slacks();
  return decide::is_noise(worst, noise());
}

// False if the active rows' combination still misses the objective by more than rounding explains.
template <class Team>
HULLSPACE_DEVICE bool Simplex<Team>::settle_multipliers() {
  each(n_, [this](int k) { m_.multipliers[k] = edge(k)[n_ - 1]; });
  team_.sync();
  for (int pass = 0; pass < decide::kMostCorrections; ++pass) {
    const double rest = sum(n_, [this](int j) {
      double x = j == n_ - 1 ? 1.0 : 0.0;
      for (int k = 0; k < n_; ++k) {
        const int row = m_.active[k];
        const double factor = row >= 0 ? system_.element(row, j) : (j == k ? 1.0 : 0.0);
        x -= m_.multipliers[k] * factor;
      }
      m_.direction[j] = x;
      return x * x;
    });
    const double size = sum(n_, [this](int k) { return m_.multipliers[k] * m_.multipliers[k]; });
    if (decide::are_settled(sqrt(rest), 1.0, sqrt(size))) return true;
    products_of_groups(
        team_, m_.edges, stride_, n_, m_.direction, n_, [](int) { return 0.0; }, m_.factors);
    team_.sync();
    each(n_, [this](int k) { m_.multipliers[k] += m_.factors[k]; });
    team_.sync();
  }
  return false;
}

// The dual simplex method, from multipliers that are optimal for the active rows. False if it gives
// up.
template <class Team>
HULLSPACE_DEVICE bool Simplex<Team>::repair() {
  for (std::int64_t step = 0; step < most_steps(); ++step) {
    const Extreme deepest = lowest(n_rows_, [this](int i) { return m_.slacks[i]; });
    if (deepest.place < 0 || decide::is_feasible(deepest.value, size())) return true;
    const int row = deepest.place;
    system_.row_products(row, m_.edges, n_, m_.factors);
    const int place = leaving_place();
    if (place < 0) return false;
    each(n_, [&](int j) { m_.direction[j] = -edge(place)[j]; });
    team_.sync();
    system_.products(m_.direction, m_.speeds);
    enter(row, place, -deepest.value / m_.factors[place]);
  }
  return false;
}

// The place whose multiplier first falls to zero as the row with factors enters, or -1.
template <class Team>
HULLSPACE_DEVICE int Simplex<Team>::leaving_place() const {
  const auto pivot_of = [this](int k) {
    return decide::pivot_of(m_.factors[k], m_.active[k] < 0, m_.squares[k], slow_);
  };
  const double least = decide::least_slope(1.0);
  const Extreme first = lowest(n_, [&](int k) {
    const double pivot = pivot_of(k);
    return pivot > 0.0 ? decide::leaving_step(multiplier(k), pivot, least) : kInfinity;
  });
  const Extreme largest = lowest(n_, [&](int k) {
    const double pivot = pivot_of(k);
    const bool leaves = pivot > 0.0 && decide::leaves_by(multiplier(k), pivot, first.value);
    return leaves ? -pivot : kInfinity;
  });
  return largest.place;
}

// Invert the matrix of the active rows anew. If it is singular, give up all active rows. The point
// stays, and so it becomes a start as good as any.
template <class Team>
HULLSPACE_DEVICE bool Simplex<Team>::refactor() {
  const auto set_edges_to_axes = [this] {
    each(n_, [this](int j) {
      for (int k = 0; k < n_; ++k) edge(k)[j] = j == k ? 1.0 : 0.0;
    });
    team_.sync();
  };
  each(n_, [this](int j) {
    for (int k = 0; k < n_; ++k) {
      const int row = m_.active[k];
      m_.matrix[stride_ * k + j] = row >= 0 ? system_.element(row, j) : (j == k ? 1.0 : 0.0);
    }
  });
  set_edges_to_axes();
  const bool regular = invert();
  if (!regular) {
    set_edges_to_axes();
    each(n_, [this](int k) { m_.active[k] = -1; });
    each(n_rows_, [this](int i) { m_.is_active[i] = 0; });
    n_free_ = n_;
  }
  each(n_, [this](int k) {
    double square = 0.0;
    for (int j = 0; j < n_; ++j) square += edge(k)[j] * edge(k)[j];
    m_.squares[k] = square;
  });
  team_.sync();
  return regular;
}

// Elimination with row pivoting, which turns the edges from axes to columns of the inverse: row i
// of what becomes the inverse is coordinate i of all edges. False if the matrix is singular.
template <class Team>
HULLSPACE_DEVICE bool Simplex<Team>::invert() {
  const auto element = [this](int i, int j) -> double& {
    return j < n_ ? m_.matrix[stride_ * i + j] : edge(j - n_)[i];
  };
  for (int k = 0; k < n_; ++k) {
    const Extreme largest = lowest(n_ - k, [&](int i) { return -fabs(element(k + i, k)); });
    if (largest.place < 0 || decide::is_singular(largest.value)) return false;
    const int best = k + largest.place;
    const double pivot = element(best, k);
    team_.sync();
    each(2 * n_, [&](int j) {
      const double x = element(best, j) / pivot;
      element(best, j) = element(k, j);
      element(k, j) = x;
    });
    team_.sync();
    each(n_, [&](int i) { m_.factors[i] = i == k ? 0.0 : element(i, k); });
    team_.sync();
    each(2 * n_, [&](int j) {
      const double x = element(k, j);
      for (int i = 0; i < n_; ++i) element(i, j) -= m_.factors[i] * x;
    });
    team_.sync();
  }
  return true;
}

}  // namespace hullspace::cuda
