// Point sets for tests of hulls, with queries and rays: random ones, and whatever makes them hard.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "gaussian.hpp"
#include "hullspace/view.hpp"

namespace clouds {

// Rows of numbers in the host's memory.
template <class T>
struct Rows {
  std::vector<T> values;
  std::ptrdiff_t n_features;

  std::ptrdiff_t n_rows() const { return std::ssize(values) / n_features; }
  const T* row(std::ptrdiff_t i) const { return values.data() + i * n_features; }
  hullspace::MatrixView<T> view() const { return {values.data(), n_rows(), n_features}; }
};

template <class T = double>
Rows<T> gaussian(std::ptrdiff_t n, std::ptrdiff_t n_features, unsigned seed, double size = 1.0,
                 double center = 0.0) {
  Rows<T> rows{tests::gaussian<T>(static_cast<std::size_t>(n * n_features), seed), n_features};
  for (T& x : rows.values) x = static_cast<T>(center + size * static_cast<double>(x));
  return rows;
}

template <class T>
Rows<T> rounded(Rows<T> rows) {
  for (T& x : rows.values) x = std::round(x);
  return rows;
}

inline Rows<double> scaled(Rows<double> rows, double factor) {
  for (double& x : rows.values) x *= factor;
  return rows;
}

inline Rows<float> as_floats(const Rows<double>& rows) {
  return {std::vector<float>(rows.values.begin(), rows.values.end()), rows.n_features};
}

inline void append(Rows<double>& rows, const Rows<double>& more) {
  rows.values.insert(rows.values.end(), more.values.begin(), more.values.end());
}

// Random convex combinations of so many points each.
inline Rows<double> combinations(const Rows<double>& points, std::ptrdiff_t n, int n_each,
                                 unsigned seed) {
  Rows<double> out{std::vector<double>(static_cast<std::size_t>(n * points.n_features)),
                   points.n_features};
  const auto choices = tests::gaussian<double>(static_cast<std::size_t>(2 * n * n_each), seed);
  for (std::ptrdiff_t i = 0; i < n; ++i) {
    double total = 0.0;
    for (int k = 0; k < n_each; ++k) total += std::abs(choices[std::size_t(2 * (i * n_each + k))]);
    for (int k = 0; k < n_each; ++k) {
      const double* choice = &choices[std::size_t(2 * (i * n_each + k))];
      const auto which = static_cast<std::ptrdiff_t>(1e6 * std::abs(choice[1])) % points.n_rows();
      for (std::ptrdiff_t j = 0; j < points.n_features; ++j) {
        out.values[std::size_t(i * points.n_features + j)] +=
            std::abs(choice[0]) / total * points.row(which)[j];
      }
    }
  }
  return out;
}

// Every matrix product of Gaussian rows: rows in a subspace, but for rounding.
inline Rows<double> in_subspace(std::ptrdiff_t n, std::ptrdiff_t n_features, std::ptrdiff_t rank,
                                unsigned seed, double center) {
  const Rows<double> left = gaussian(n, rank, seed);
  const Rows<double> right = gaussian(rank, n_features, seed + 1);
  Rows<double> out{std::vector<double>(static_cast<std::size_t>(n * n_features), center),
                   n_features};
  for (std::ptrdiff_t i = 0; i < n; ++i) {
    for (std::ptrdiff_t k = 0; k < rank; ++k) {
      for (std::ptrdiff_t j = 0; j < n_features; ++j) {
        out.values[std::size_t(i * n_features + j)] += left.row(i)[k] * right.row(k)[j];
      }
    }
  }
  return out;
}

// Correlated, nonnegative, partly sparse: like learned features.
inline Rows<double> features(std::ptrdiff_t n, std::ptrdiff_t n_features, unsigned seed) {
  Rows<double> rows = in_subspace(n, n_features, n_features, seed, 0.0);
  for (double& x : rows.values) x = std::max(x, 0.0);
  return rows;
}

inline Rows<double> cube_corners(int n_features) {
  Rows<double> out{{}, n_features};
  for (int signs = 0; signs < 1 << n_features; ++signs) {
    for (int j = 0; j < n_features; ++j) out.values.push_back(signs >> j & 1);
  }
  return out;
}

// Multiples of the axes, to one or to both sides, and zero.
inline Rows<double> axes(int n_features, double size, bool both_sides) {
  Rows<double> out{std::vector<double>(std::size_t(n_features)), n_features};
  for (int j = 0; j < n_features; ++j) {
    for (const double x : {size, -size}) {
      if (x < 0.0 && !both_sides) continue;
      std::vector<double> row(std::size_t(n_features), 0.0);
      row[std::size_t(j)] = x;
      out.values.insert(out.values.end(), row.begin(), row.end());
    }
  }
  return out;
}

// A face with far more points than any list holds, and one point behind it.
inline Rows<double> crowded_face() {
  Rows<double> out{{0.0, 0.0, 0.0}, 3};
  for (int i = 0; i < 3600; ++i) {
    append(out, {{1.0, double(i / 60) / 60.0, double(i % 60) / 60.0}, 3});
  }
  return out;
}

// A set with queries anywhere.
struct Cloud {
  std::string name;
  Rows<double> points;
  Rows<double> queries;
  bool is_generic = false;  // each nearest point has one support, in which it lies well
};

// Beside the queries given: points of the set, middles of two and combinations of a few.
inline Cloud cloud(const std::string& name, Rows<double> points, const Rows<double>& queries) {
  Rows<double> all = queries;
  const std::ptrdiff_t n = std::min<std::ptrdiff_t>(points.n_rows(), 6);
  all.values.insert(all.values.end(), points.values.begin(),
                    points.values.begin() + n * points.n_features);
  append(all, combinations(points, 6, 2, 1));
  append(all, combinations(points, 6, 5, 2));
  return {name, std::move(points), std::move(all)};
}

inline std::vector<Cloud> random_clouds() {
  std::vector<Cloud> out;
  for (const int n : {1, 2, 3, 5, 8, 16, 33, 64, 100}) {
    const std::ptrdiff_t n_points = std::max(60, 6 * n);
    out.push_back(cloud("gaussian in " + std::to_string(n), gaussian(n_points, n, unsigned(n)),
                        gaussian(20, n, unsigned(n + 1), 1.5)));
    out.back().is_generic = n > 1;
  }
  out.push_back(cloud("large supports", gaussian(150, 64, 7), gaussian(4, 64, 8, 0.3)));
  out.push_back(cloud("many points", gaussian(2000, 10, 5), gaussian(10, 10, 6, 1.5)));
  out.push_back(cloud("many features", gaussian(60, 300, 9), gaussian(3, 300, 10, 0.5)));
  out.push_back(cloud("like features", features(300, 20, 2), features(20, 20, 3)));
  return out;
}

inline std::vector<Cloud> degenerate_clouds() {
  std::vector<Cloud> out;
  out.push_back(cloud("one point", gaussian(1, 4, 11), gaussian(5, 4, 12)));
  out.push_back(cloud("zero", {{0.0, 0.0}, 2}, gaussian(5, 2, 12)));
  out.push_back(cloud("two points", gaussian(2, 3, 13), gaussian(5, 3, 14)));
  out.push_back(
      cloud("one point many times", {std::vector<double>(300, 0.1), 3}, gaussian(5, 3, 19)));
  Rows<double> line = gaussian(40, 1, 20);
  Rows<double> on_line{{}, 3};
  for (const double t : line.values) append(on_line, {{t, 2.0 * t, 1.0 - t}, 3});
  out.push_back(cloud("a segment", on_line, gaussian(10, 3, 21)));
  out.push_back(
      cloud("ties and duplicates", rounded(gaussian(300, 3, 15)), rounded(gaussian(40, 3, 16))));
  Rows<double> flat = gaussian(200, 4, 17);
  for (std::size_t i = 3; i < flat.values.size(); i += 4) flat.values[i] = 7.0;
  out.push_back(cloud("a flat", flat, gaussian(20, 4, 18, 1.0, 3.0)));
  out.push_back(cloud("few points", gaussian(7, 40, 22), gaussian(10, 40, 23)));
  for (const int n : {2, 6}) {
    out.push_back(cloud("a cube", cube_corners(n), gaussian(20, n, 24, 1.0, 0.5)));
  }
  for (const int n : {2, 5, 11, 20}) {
    out.push_back(cloud("a simplex", axes(n, 16.0, false), rounded(gaussian(20, n, 25, 4.0, 2.0))));
    out.push_back(
        cloud("a cross-polytope", axes(n, 16.0, true), rounded(gaussian(20, n, 26, 4.0))));
  }
  out.push_back(cloud("a crowded face", crowded_face(),
                      {{2.0, 0.3, 0.4, 1.0 + 1e-7, 0.41, 0.77, 0.9, 0.3, 0.3}, 3}));
  return out;
}

// Where rounding has a say.
inline std::vector<Cloud> nearly_degenerate_clouds() {
  std::vector<Cloud> out;
  Rows<double> above{{}, 4};
  Rows<double> ground = gaussian(60, 4, 27);
  for (std::size_t i = 3; i < ground.values.size(); i += 4) ground.values[i] = 0.0;
  for (const double height : {1e-12, 1e-10, 1e-8, 1e-5}) {
    Rows<double> queries = combinations(ground, 5, 60, 28);
    for (std::size_t i = 3; i < queries.values.size(); i += 4) queries.values[i] = height;
    append(above, queries);
  }
  out.push_back(cloud("just off a flat", ground, above));
  for (const double thickness : {1e-3, 1e-6, 1e-9, 1e-12}) {
    Rows<double> points = gaussian(80, 5, 29);
    for (std::size_t i = 4; i < points.values.size(); i += 5) points.values[i] *= thickness;
    out.push_back(cloud("nearly flat", points, gaussian(10, 5, 30)));
  }
  out.push_back(cloud("a subspace", in_subspace(100, 12, 4, 31, 5.0), gaussian(10, 12, 33)));
  return out;
}

// Numbers of any size, and queries far away.
inline std::vector<Cloud> scaled_clouds() {
  std::vector<Cloud> out;
  for (const double size : {1e-310, 1e-150, 1e-30, 1e30, 1e150, 1e300}) {
    const auto near = [&](unsigned seed) { return gaussian(20, 4, seed, 1e-3); };
    out.push_back(
        cloud("a size", scaled(gaussian(100, 4, 34, 1e-3), size), scaled(near(35), 1.5 * size)));
  }
  out.push_back(
      cloud("off center", gaussian(100, 4, 36, 1e150, 3e150), gaussian(10, 4, 37, 1e150, 3e150)));
  out.push_back(
      cloud("far off center", gaussian(100, 4, 38, 1e-3, 1e6), gaussian(10, 4, 39, 1e-3, 1e6)));
  for (const double size : {1e6, 1e12, 1e16, 1e100, 1e300}) {
    out.push_back(cloud("far queries", gaussian(100, 4, 40), scaled(gaussian(8, 4, 41), size)));
  }
  for (const double size : {1e-320, 1e-200, 1e200}) {
    out.push_back(cloud("a triangle", {{size, size, size, 0.5 * size, 0.5 * size, size}, 2},
                        scaled({{-1.0, -1.0, 1.0, -1.0, -0.75, 0.75}, 2}, 1e150)));
  }
  return out;
}

// Origins, one for all or one each, and directions.
struct Rays {
  Rows<double> origins;
  Rows<double> directions;
};

// From a cloud's queries: anywhere, to where there are points, away from there, and along the set.
inline Rays rays_of(const Cloud& cloud) {
  const std::ptrdiff_t n = cloud.points.n_features;
  const std::ptrdiff_t n_queries = cloud.queries.n_rows();
  const Rows<double> anywhere = gaussian(n_queries, n, 4);
  const Rows<double> targets = combinations(cloud.points, n_queries, 5, 3);
  const Rows<double> others = combinations(cloud.points, n_queries, 5, 5);
  Rays rays{{{}, n}, {{}, n}};
  const auto add = [&](const double* from, std::vector<double> direction) {
    const auto is_zero = [](double x) { return x == 0.0; };
    if (std::all_of(direction.begin(), direction.end(), is_zero)) return;
    append(rays.origins, {std::vector<double>(from, from + n), n});
    append(rays.directions, {std::move(direction), n});
  };
  const auto halfway = [n](const double* from, const double* to) {
    std::vector<double> out;
    for (std::ptrdiff_t j = 0; j < n; ++j) out.push_back(0.5 * to[j] - 0.5 * from[j]);
    return out;
  };
  for (std::ptrdiff_t i = 0; i < n_queries; ++i) {
    const double* from = cloud.queries.row(i);
    add(from, std::vector<double>(anywhere.row(i), anywhere.row(i + 1)));
    add(from, halfway(from, targets.row(i)));
    add(from, halfway(targets.row(i), from));
    add(from, halfway(targets.row(i), others.row(i)));
  }
  return rays;
}

}  // namespace clouds
