// Constraints made ready for the simplex method, by a team of threads: rows of unit length and
// bounds near one. Rows that hold a single feature, as those of boxes do, come last, where products
// with them cost nothing. The counterpart of polyhedron/system.hpp.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "cuda/carver.hpp"
#include "cuda/frame.hpp"
#include "cuda/products.hpp"
#include "cuda/team.hpp"
#include "decide/rows.hpp"

namespace hullspace::cuda {

// Vectors of n numbers start this far apart: in block memory, the ones that groups of a warp read
// together then lie in different banks.
HULLSPACE_HOST_DEVICE constexpr int vector_stride(int n) { return (n + 3) / 8 * 8 + 4; }

using decide::larger;

// Rows made ready, for one polyhedron or for many that share them.
struct RowsMemory {
  double* rows;            // (n_rows, vector_stride(n_features)): those of several features
  double* sides;           // (n_rows): of rows with one feature, that coefficient; 0 without any
  double* scales;          // (n_rows): inverse lengths of the rows as given, or 0
  std::int32_t* given;     // (n_rows): where the row was given
  std::int32_t* features;  // (n_rows): the only one, or -1
  std::int32_t* n_dense;   // rows of several features, which come first
  // In the order given, while they are made ready:
  double* lengths;
  std::int32_t* only;  // feature, or -1

  RowsMemory() = default;
  HULLSPACE_HOST_DEVICE RowsMemory(int n_rows, int n_features, Carver& carver) {
    rows = carver.take<double>(std::int64_t{n_rows} * vector_stride(n_features));
    sides = carver.take<double>(n_rows);
    scales = carver.take<double>(n_rows);
    given = carver.take<std::int32_t>(n_rows);
    features = carver.take<std::int32_t>(n_rows);
    n_dense = carver.take<std::int32_t>(1);
    lengths = carver.take<double>(n_rows);
    only = carver.take<std::int32_t>(n_rows);
  }
};

// {(x, r) : the ball of radius r around x lies in {x : rows x <= bounds}}, in units of `unit`.
template <class Team>
class System {
 public:
  HULLSPACE_DEVICE System(const Team& team, const RowsMemory& memory, int n_rows, int n_features)
      : team_(team), m_(memory), n_rows_(n_rows), n_features_(n_features) {}

  // Make rows ready. A row of zeros stays one and binds nothing.
  HULLSPACE_DEVICE void set_rows(const double* rows) {
    measure_rows(rows);
    order_rows();
    normalize_rows(rows);
  }
  // Use rows that are ready.
  HULLSPACE_DEVICE void use_rows() { n_dense_ = *m_.n_dense; }

  // Take bounds as given; `memory`, (n_rows), holds them made ready from now on.
  HULLSPACE_DEVICE void set_bounds(const double* bounds, double* memory) {
    bounds_ = memory;
    Extreme contradiction{0.0, -1};
    for (int i = team_.lane(); i < n_rows_; i += team_.size()) {
      const double bound = bounds[m_.given[i]];
      const bool binds = m_.scales[i] != 0.0;
      bounds_[i] = binds ? bound * m_.scales[i] : kInfinity;
      const Extreme mine{0.0, i};
      const bool contradicts = decide::is_contradiction(m_.scales[i], bound);
      if (contradicts && is_lower(mine, contradiction)) contradiction = mine;
    }
    const int broken = team_.lowest(contradiction).place;
    contradiction_ = broken < 0 ? -1 : m_.given[broken];
    const int exponent = common_exponent();
    unit_ = ldexp(1.0, exponent);
    const double inverse = ldexp(1.0, -exponent);
    for (int i = team_.lane(); i < n_rows_; i += team_.size()) bounds_[i] *= inverse;
    team_.sync();
  }

  HULLSPACE_DEVICE int n_rows() const { return n_rows_; }
  HULLSPACE_DEVICE int n_features() const { return n_features_; }
  HULLSPACE_DEVICE int n_variables() const { return n_features_ + 1; }
  HULLSPACE_DEVICE const double* bounds() const { return bounds_; }
  HULLSPACE_DEVICE double unit() const { return unit_; }
  HULLSPACE_DEVICE int given(int i) const { return m_.given[i]; }
  // A multiplier of a row here, times this, is one of the row as given.
  HULLSPACE_DEVICE double scale(int i) const { return m_.scales[i]; }
  // A row of zeros, as given, with a negative bound, which proves that the polyhedron is empty, or
  // -1.
  HULLSPACE_DEVICE int contradiction() const { return contradiction_; }

  // Coefficient j of row i.
  HULLSPACE_DEVICE double element(int i, int j) const {
    if (i < n_dense_) return j < n_features_ ? row(i)[j] : 1.0;
    if (j < n_features_) return j == m_.features[i] ? m_.sides[i] : 0.0;
    return radius_factor(i);
  }
  // out[i] = row i . x
  HULLSPACE_DEVICE void products(const double* x, double* out) const {
    const double radius = x[n_features_];
    products_of_groups(
        team_, m_.rows, vector_stride(n_features_), n_dense_, x, n_features_,
        [radius](int) { return radius; }, out);
    for (int i = n_dense_ + team_.lane(); i < n_rows_; i += team_.size()) {
      out[i] = m_.sides[i] * x[m_.features[i]] + radius_factor(i) * radius;
    }
    team_.sync();
  }
  // out[k] = row i . vector k, for `count` vectors of n_variables numbers.
  HULLSPACE_DEVICE void row_products(int i, const double* vectors, int count, double* out) const;
  // The largest ball around the middle of the box that the rows of single features make; its radius
  // may be negative, and is 0 if no row binds it. work: (n_rows).
  HULLSPACE_DEVICE void find_start(double* x, double* work) const {
    for (int j = team_.lane(); j < n_features_; j += team_.size()) x[j] = middle(j);
    if (team_.lane() == 0) x[n_features_] = 0.0;
    team_.sync();
    products(x, work);
    double negative = -kInfinity;
    for (int i = team_.lane(); i < n_rows_; i += team_.size()) {
      negative = larger(negative, work[i] - bounds_[i]);
    }
    negative = team_.largest(negative);
    if (team_.lane() == 0 && std::isfinite(negative)) x[n_features_] = -negative;
    team_.sync();
  }

 private:
  HULLSPACE_DEVICE double* row(int i) const {
    return m_.rows + std::int64_t{vector_stride(n_features_)} * i;
  }
  // A row of zeros does not bind the radius either.
  HULLSPACE_DEVICE double radius_factor(int i) const { return m_.sides[i] != 0.0 ? 1.0 : 0.0; }

  HULLSPACE_DEVICE void measure_rows(const double* rows);
  HULLSPACE_DEVICE void order_rows();
  HULLSPACE_DEVICE void normalize_rows(const double* rows);
  HULLSPACE_DEVICE int common_exponent() const;
  HULLSPACE_DEVICE double middle(int j) const;

  Team team_;
  RowsMemory m_;
  double* bounds_ = nullptr;
  int n_rows_;
  int n_dense_ = 0;
  int n_features_;
  int contradiction_ = -1;
  double unit_ = 1.0;
};

template <class Team>
HULLSPACE_DEVICE void System<Team>::row_products(int i, const double* vectors, int count,
                                                 double* out) const {
  const std::int64_t stride = vector_stride(n_variables());
  const auto radius = [&](int k) { return vectors[k * stride + n_features_]; };
  if (i < n_dense_) {
    products_of_groups(team_, vectors, stride, count, row(i), n_features_, radius, out);
  } else {
    const int j = m_.features[i];
    for (int k = team_.lane(); k < count; k += team_.size()) {
      out[k] = m_.sides[i] * vectors[k * stride + j] + radius_factor(i) * radius(k);
    }
  }
  team_.sync();
}

// Lengths, whatever the size of the numbers: squares of scaled numbers are summed as well, for
// where the others overflow or vanish (J. Blue, "A portable Fortran program to find the Euclidean
// norm of a vector", ACM Transactions on Mathematical Software 4, 1978).
template <class Team>
HULLSPACE_DEVICE void System<Team>::measure_rows(const double* rows) {
  constexpr double kUp = 0x1p600;
  constexpr double kDown = 0x1p-600;
  const auto part = team_.own_part();
  const auto group = part.own_group();
  for (int first = part.n_groups() * team_.part(); first < n_rows_;
       first += part.n_groups() * team_.n_parts()) {
    const int i = first + part.group();
    const double* row = rows + std::int64_t{n_features_} * (i < n_rows_ ? i : n_rows_ - 1);
    double square = 0.0;
    double small = 0.0;
    double great = 0.0;
    double count = 0.0;
    double last = 0.0;
    for (int j = group.lane(); j < n_features_; j += group.size()) {
      const double x = row[j];
      square += x * x;
      small += (x * kUp) * (x * kUp);
      great += (x * kDown) * (x * kDown);
      count += x != 0.0 ? 1.0 : 0.0;
      last = x != 0.0 ? static_cast<double>(j) : last;
    }
    square = group.sum(square);
    small = group.sum(small);
    great = group.sum(great);
    count = group.sum(count);
    const int feature = static_cast<int>(group.largest(last));
    if (group.lane() != 0 || i >= n_rows_) continue;
    const double scaled = square > 1.0 ? sqrt(great) * kUp : sqrt(small) * kDown;
    const double length = decide::is_plain_square(square) ? sqrt(square) : scaled;
    m_.lengths[i] = count > 1.0 ? length : fabs(row[feature]);
    m_.only[i] = count > 1.0 ? -1 : feature;
  }
  team_.sync();
}

template <class Team>
HULLSPACE_DEVICE void System<Team>::order_rows() {
  int placed = 0;
  for (const bool dense : {true, false}) {
    for (int first = 0; first < n_rows_; first += team_.size()) {
      const int i = first + team_.lane();
      const bool taken = i < n_rows_ && (m_.only[i] < 0) == dense;
      int n_taken = 0;
      const int place = placed + team_.rank(taken, n_taken);
      if (taken) m_.given[place] = i;
      placed += n_taken;
    }
    if (dense) n_dense_ = placed;
  }
  if (team_.lane() == 0) *m_.n_dense = n_dense_;
  team_.sync();
}

template <class Team>
HULLSPACE_DEVICE void System<Team>::normalize_rows(const double* rows) {
  const auto normalized = [](double x, double length) {
    const double inverse = 1.0 / length;
    return decide::must_divide(inverse) ? x / length : x * inverse;
  };
  const auto part = team_.own_part();
  for (int i = team_.part(); i < n_dense_; i += team_.n_parts()) {
    const int from = m_.given[i];
    const double* given = rows + std::int64_t{n_features_} * from;
    for (int j = part.lane(); j < n_features_; j += part.size()) {
      row(i)[j] = normalized(given[j], m_.lengths[from]);
    }
  }
  for (int i = team_.lane(); i < n_rows_; i += team_.size()) {
    const int from = m_.given[i];
    const double length = m_.lengths[from];
    const int feature = m_.only[from];
    const double x = feature < 0 ? 0.0 : rows[std::int64_t{n_features_} * from + feature];
    m_.features[i] = feature;
    m_.sides[i] = length > 0.0 ? normalized(x, length) : 0.0;
    m_.scales[i] = decide::row_scale(length);
  }
  team_.sync();
}

// The exponent of the first quartile of the bounds' sizes.
template <class Team>
HULLSPACE_DEVICE int System<Team>::common_exponent() const {
  const auto count = [this](int most) {
    int n = 0;
    for (int i = team_.lane(); i < n_rows_; i += team_.size()) {
      if (!decide::has_size(bounds_[i])) continue;
      int exponent = 0;
      static_cast<void>(frexp(bounds_[i], &exponent));
      n += exponent <= most ? 1 : 0;
    }
    return team_.sum(n);
  };
  int low = -decide::kMostExponent;
  int high = decide::kMostExponent;
  const auto before = static_cast<int>(decide::quartile(count(1024)));
  if (count(1024) == 0) return 0;
  while (low < high) {
    const int middle = low + (high - low) / 2;
    if (count(middle) > before) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

// Where the ball starts along feature j, from the box's sides.
template <class Team>
HULLSPACE_DEVICE double System<Team>::middle(int j) const {
  double low = -kInfinity;
  double high = kInfinity;
  for (int i = n_dense_; i < n_rows_; ++i) {
    const double bound = bounds_[i];
    if (m_.features[i] != j || !std::isfinite(bound)) continue;
    if (m_.sides[i] > 0.0) high = bound < high ? bound : high;
    if (m_.sides[i] < 0.0) low = -bound > low ? -bound : low;
  }
  return decide::start_between(low, high);
}

}  // namespace hullspace::cuda
