// Answers of hulls that do not come from the core, against the core's.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "clouds.hpp"
#include "hullspace/hull.hpp"

namespace tests {

// As the C interface of the CUDA library has them: gaps are margins of memberships and offsets of
// rays, distances steps of rays.
struct Answers {
  std::vector<double> points, distances, normals, gaps, residuals, values;
  std::vector<std::int8_t> status;
  std::vector<std::int32_t> columns;
  std::vector<std::int64_t> row_starts;

  hullspace::Status status_of(std::size_t i) const {
    return static_cast<hullspace::Status>(status[i]);
  }
  bool has_weights(std::size_t i) const { return row_starts[i + 1] > row_starts[i]; }
};

// Every bit is the same.
inline bool equal(const Answers& a, const Answers& b) {
  const auto same = [](const std::vector<double>& x, const std::vector<double>& y) {
    if (x.size() != y.size() || x.empty()) return x.size() == y.size();
    return std::memcmp(x.data(), y.data(), 8 * x.size()) == 0;
  };
  return same(a.points, b.points) && same(a.distances, b.distances) && same(a.normals, b.normals) &&
         same(a.gaps, b.gaps) && same(a.residuals, b.residuals) && same(a.values, b.values) &&
         a.columns == b.columns && a.status == b.status && a.row_starts == b.row_starts;
}

// How far weights * points is from row i of `target`; the weights must be convex.
template <class T>
double weights_miss(const Answers& answers, const clouds::Rows<T>& points, std::size_t i,
                    const double* target) {
  double total = 0.0;
  std::vector<double> sum(static_cast<std::size_t>(points.n_features));
  for (auto k = answers.row_starts[i]; k < answers.row_starts[i + 1]; ++k) {
    const auto place = static_cast<std::size_t>(k);
    CHECK(answers.values[place] > 0.0);
    CHECK((k == answers.row_starts[i] || answers.columns[place - 1] < answers.columns[place]));
    total += answers.values[place];
    for (std::ptrdiff_t j = 0; j < points.n_features; ++j) {
      sum[static_cast<std::size_t>(j)] +=
          answers.values[place] * points.row(answers.columns[place])[j];
    }
  }
  CHECK(std::abs(total - 1.0) < 1e-12);
  double most = 0.0;
  for (std::size_t j = 0; j < sum.size(); ++j) most = std::max(most, std::abs(sum[j] - target[j]));
  return most;
}

template <class T>
double largest_coordinate(const clouds::Rows<T>& points) {
  double largest = 0.0;
  for (const T x : points.values) largest = std::max(largest, std::abs(static_cast<double>(x)));
  return largest;
}

// What rounding of points of this scale and size may do to a combination of them.
template <class T>
double combination_error(const clouds::Rows<T>& points, double scale) {
  const double underflow = 16.0 * std::numeric_limits<double>::denorm_min();
  return 1e-11 * scale + 1e-15 * largest_coordinate(points) + underflow;
}

// Sums along a unit normal, with what rounding may do to them.
template <class T>
double along(const double* normal, const T* x, std::size_t n) {
  double sum = 0.0;
  for (std::size_t j = 0; j < n; ++j) sum += normal[j] * static_cast<double>(x[j]);
  return sum;
}
template <class T>
double rounding_along(const clouds::Rows<T>& points, double scale, const double* query) {
  double largest = 0.0;
  for (std::ptrdiff_t j = 0; j < points.n_features; ++j) {
    largest = std::max(largest, std::abs(query[j]));
  }
  return combination_error(points, scale) +
         1e-15 * static_cast<double>(points.n_features) * largest;
}

// The normal's hyperplane keeps the query this far from all points; a normal of zeros says nothing.
template <class T>
void check_separation(const clouds::Rows<T>& points, double scale, const double* query,
                      const double* normal, double separation) {
  const auto n = static_cast<std::size_t>(points.n_features);
  const double square = along(normal, normal, n);
  if (square == 0.0) return;
  CHECK(std::abs(square - 1.0) < 1e-12);
  double highest = -std::numeric_limits<double>::infinity();
  for (std::ptrdiff_t i = 0; i < points.n_rows(); ++i) {
    highest = std::max(highest, along(normal, points.row(i), n));
  }
  CHECK(along(normal, query, n) - highest >= separation - rounding_along(points, scale, query));
}

// Nearest points, with distances and gaps for the tolerance 1e-9.
template <class T, class U>
void check_projections(const clouds::Rows<T>& points, const clouds::Rows<U>& queries, double scale,
                       const hullspace::Projections& expected, const Answers& found) {
  REQUIRE(found.status.size() == expected.status.size());
  for (std::size_t i = 0; i < expected.status.size(); ++i) {
    const double unit = std::max(scale, 1e-7 * expected.distances[i]);
    CHECK(found.status_of(i) == expected.status[i]);
    CHECK(found.gaps[i] >= 0.0);
    CHECK(found.gaps[i] <= 1e-9 * scale);
    CHECK(std::abs(found.distances[i] - expected.distances[i]) <= 2e-9 * unit);
    const double* point = &found.points[i * static_cast<std::size_t>(points.n_features)];
    CHECK(weights_miss(found, points, i, point) <= combination_error(points, scale));
    const std::size_t at = i * static_cast<std::size_t>(points.n_features);
    const auto n = static_cast<std::size_t>(points.n_features);
    const auto has_normal = [&](const std::vector<double>& normals) {
      return along(&normals[at], &normals[at], n) > 0.0;
    };
    CHECK(has_normal(found.normals) == has_normal(expected.normals));
    const std::vector<double> query(queries.row(i), queries.row(i + 1));
    check_separation(points, scale, query.data(), &found.normals[at],
                     found.distances[i] - found.gaps[i]);
  }
}

// The largest difference of two answers' weights, infinite if other points have them.
inline double weights_differ(const hullspace::SparseWeights& expected, const Answers& found,
                             std::size_t i) {
  const auto first = expected.row_starts[i];
  const auto count = expected.row_starts[i + 1] - first;
  const auto start = found.row_starts[i];
  if (found.row_starts[i + 1] - start != count) return std::numeric_limits<double>::infinity();
  double most = 0.0;
  for (std::int64_t k = 0; k < count; ++k) {
    const auto a = static_cast<std::size_t>(first + k);
    const auto b = static_cast<std::size_t>(start + k);
    if (expected.columns[a] != found.columns[b]) return std::numeric_limits<double>::infinity();
    most = std::max(most, std::abs(expected.values[a] - found.values[b]));
  }
  return most;
}

template <class T, class U>
void check_memberships(const clouds::Rows<T>& points, const clouds::Rows<U>& queries, double scale,
                       const hullspace::Memberships& expected, const std::vector<double>& distances,
                       const Answers& found) {
  REQUIRE(found.status.size() == expected.status.size());
  for (std::size_t i = 0; i < expected.status.size(); ++i) {
    const hullspace::Status status = found.status_of(i);
    const bool inside = status == hullspace::Status::kInside;
    CHECK(status == expected.status[i]);
    CHECK((inside ? found.residuals[i] <= expected.tolerance : std::isnan(found.residuals[i])));
    CHECK(found.has_weights(i) == inside);
    CHECK((found.gaps[i] > 0.0) == (status == hullspace::Status::kOutside));
    CHECK(found.gaps[i] <= distances[i] * (1.0 + 1e-9));
    const std::vector<double> query(queries.row(i), queries.row(i + 1));
    check_separation(points, scale, query.data(),
                     &found.normals[i * static_cast<std::size_t>(points.n_features)],
                     found.gaps[i]);
  }
}

// What the hyperplane of a ray says, whose direction has this length: no point is beyond it, and a
// ray that misses begins beyond it and never comes back. Returns its slope along the ray.
template <class T>
double check_hyperplane(const clouds::Rows<T>& points, double scale, const double* origin,
                        const double* direction, const Answers& found, std::size_t i) {
  const auto n = static_cast<std::size_t>(points.n_features);
  const double* normal = &found.normals[i * n];
  const double rounding = rounding_along(points, scale, origin);
  for (std::ptrdiff_t k = 0; k < points.n_rows(); ++k) {
    CHECK(along(normal, points.row(k), n) <= found.gaps[i] + rounding);
  }
  const double slope = along(normal, direction, n);
  if (found.status_of(i) == hullspace::Status::kOutside) {
    const double beyond = along(normal, origin, n) - found.gaps[i];
    CHECK(beyond >= -rounding);
    CHECK((beyond > 0.0 || rounding > 1e-9 * scale));
    CHECK(slope >= 0.0);
  } else {
    CHECK(slope > 0.0);
  }
  return slope;
}

// Where rays leave, as well as their hyperplanes tell: grazing ones are less certain.
template <class T>
void check_rays(const clouds::Rows<T>& points, double scale, const clouds::Rays& rays,
                const hullspace::Rays& expected, const Answers& found) {
  REQUIRE(found.status.size() == expected.status.size());
  const auto n = static_cast<std::size_t>(points.n_features);
  for (std::size_t i = 0; i < expected.status.size(); ++i) {
    CHECK(found.status_of(i) == expected.status[i]);
    CHECK(std::isnan(found.distances[i]) == (found.status_of(i) != hullspace::Status::kOptimal));
    if (found.status_of(i) == hullspace::Status::kUndecided) continue;
    const auto row = static_cast<std::ptrdiff_t>(i);
    std::vector<double> unit(rays.directions.row(row), rays.directions.row(row + 1));
    double largest = 0.0;
    for (const double x : unit) largest = std::max(largest, std::abs(x));
    for (double& x : unit) x /= largest;
    const double length = std::sqrt(along(unit.data(), unit.data(), n));
    for (double& x : unit) x /= length;
    const double* origin = rays.origins.row(rays.origins.n_rows() == 1 ? 0 : row);
    const double slope = check_hyperplane(points, scale, origin, unit.data(), found, i);
    if (std::isnan(found.distances[i]) || std::isnan(expected.steps[i])) continue;
    const double step = expected.steps[i] * largest * length;
    const double far = 1e-14 * std::abs(step);
    CHECK(std::abs(found.distances[i] * largest * length - step) <= 1e-8 * scale / slope + far);
    CHECK(weights_miss(found, points, i, &found.points[i * n]) <=
          2e-9 * scale + combination_error(points, scale) + far);
  }
}

}  // namespace tests
