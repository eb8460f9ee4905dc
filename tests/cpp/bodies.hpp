// Polyhedra for tests of largest balls, and checks of answers that share nothing with the solvers.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "gaussian.hpp"
#include "hullspace/polyhedron.hpp"

namespace bodies {

using hullspace::ChebyshevCenters;
using hullspace::Status;

// Rows and bounds of one polyhedron.
struct Body {
  std::vector<double> rows;
  std::vector<double> bounds;
  std::ptrdiff_t n_features = 0;
  std::vector<std::int64_t> starts{0, 0};

  hullspace::MatrixView<double> view() const {
    return {rows.data(), static_cast<std::ptrdiff_t>(bounds.size()), n_features};
  }
  hullspace::Polyhedra polyhedra() {
    starts[1] = static_cast<std::int64_t>(bounds.size());
    return {view(), bounds, starts};
  }
  double slack(std::ptrdiff_t i, const double* x) const {
    double value = bounds[std::size_t(i)];
    for (std::ptrdiff_t j = 0; j < n_features; ++j) {
      value -= rows[std::size_t(i * n_features + j)] * x[j];
    }
    return value;
  }
  double lowest_slack(const double* x) const {
    double lowest = std::numeric_limits<double>::infinity();
    for (std::ptrdiff_t i = 0; i < std::ssize(bounds); ++i) lowest = std::min(lowest, slack(i, x));
    return lowest;
  }
  void add(const std::vector<double>& row, double bound) {
    rows.insert(rows.end(), row.begin(), row.end());
    bounds.push_back(bound);
  }
  void insert_front(const std::vector<double>& row, double bound) {
    rows.insert(rows.begin(), row.begin(), row.end());
    bounds.insert(bounds.begin(), bound);
  }
};

// Rows of Gaussian numbers; the bounds have any sign.
inline Body random_rows(int n, int n_rows, unsigned seed) {
  Body body;
  body.n_features = n;
  body.rows = tests::gaussian<double>(std::size_t(n) * std::size_t(n_rows), seed);
  body.bounds = tests::gaussian<double>(std::size_t(n_rows), seed + 1000);
  for (double& bound : body.bounds) bound += 0.5;
  return body;
}

// The cube of half width one around a Gaussian point, cut by rows that leave that point inside.
inline Body cut_cube(int n, int n_cuts, unsigned seed) {
  const std::vector<double> center = tests::gaussian<double>(std::size_t(n), seed + 2000);
  Body body = random_rows(n, n_cuts, seed);
  for (int i = 0; i < n_cuts; ++i) {
    double level = 0.0;
    double square = 0.0;
    for (int j = 0; j < n; ++j) {
      level += body.rows[std::size_t(i * n + j)] * center[std::size_t(j)];
      square += body.rows[std::size_t(i * n + j)] * body.rows[std::size_t(i * n + j)];
    }
    body.bounds[std::size_t(i)] = level + std::sqrt(square) * (0.3 + 0.1 * double(i % 7));
  }
  for (int j = 0; j < n; ++j) {
    std::vector<double> row(std::size_t(n), 0.0);
    row[std::size_t(j)] = 1.0;
    body.add(row, 1.0 + center[std::size_t(j)]);
    row[std::size_t(j)] = -1.0;
    body.insert_front(row, 1.0 - center[std::size_t(j)]);
  }
  return body;
}

inline Body cross_polytope(int n) {
  Body body;
  body.n_features = n;
  for (int signs = 0; signs < 1 << n; ++signs) {
    std::vector<double> row(std::size_t(n), 1.0);
    for (int j = 0; j < n; ++j) row[std::size_t(j)] = (signs >> j & 1) != 0 ? -1.0 : 1.0;
    body.add(row, 1.0);
  }
  return body;
}

// Rows of zeros and ones that all pass through the body's highest corner, which they leave in it.
inline void add_touching(Body& cube, int count, unsigned seed) {
  const std::ptrdiff_t n = cube.n_features;
  const std::vector<double> values = tests::gaussian<double>(std::size_t(n * count), seed);
  std::vector<double> corner(std::size_t(n), 0.0);
  for (std::size_t i = 0; i < cube.bounds.size(); ++i) {
    for (std::ptrdiff_t j = 0; j < n; ++j) {
      if (cube.rows[i * std::size_t(n) + std::size_t(j)] == 1.0) {
        corner[std::size_t(j)] = cube.bounds[i];
      }
    }
  }
  for (int i = 0; i < count; ++i) {
    std::vector<double> row(std::size_t(n), 0.0);
    double bound = 0.0;
    for (std::ptrdiff_t j = 0; j < n; ++j) {
      row[std::size_t(j)] = values[std::size_t(i * n + j)] > 0.0 ? 1.0 : 0.0;
      bound += row[std::size_t(j)] * corner[std::size_t(j)];
    }
    cube.add(row, bound);
  }
}

// Many rows through the origin, around the last axis, and a lid across it.
inline Body cone(int n, int count, unsigned seed) {
  Body body;
  body.n_features = n;
  const std::vector<double> values = tests::gaussian<double>(std::size_t(n * count), seed);
  for (int i = 0; i < count; ++i) {
    std::vector<double> row(values.begin() + i * n, values.begin() + (i + 1) * n);
    row.back() = -std::abs(row.back()) - 0.1;
    body.add(row, 0.0);
  }
  std::vector<double> lid(std::size_t(n), 0.0);
  lid.back() = 1.0;
  body.add(lid, 1.0);
  return body;
}

// A cut cube whose rows are there five times, but for a little noise.
inline Body nearly_equal_rows(int n, double noise, unsigned seed) {
  const Body once = cut_cube(n, 2 * n, seed);
  Body body = once;
  const std::size_t size = once.rows.size() + once.bounds.size();
  const std::vector<double> values = tests::gaussian<double>(4 * size, seed + 3000);
  const double* next = values.data();
  for (int copy = 0; copy < 4; ++copy) {
    for (std::size_t i = 0; i < once.bounds.size(); ++i) {
      const double* from = once.rows.data() + i * std::size_t(n);
      std::vector<double> row(from, from + n);
      for (double& x : row) x += noise * *next++;
      body.add(row, once.bounds[i] + noise * *next++);
    }
  }
  return body;
}

// Bounds of polynomials at points between -1 and 1: many rows that nearly depend on each other.
inline Body powers(int n, int count, unsigned seed) {
  Body body;
  body.n_features = n;
  std::mt19937 engine(seed);
  std::uniform_real_distribution<double> uniform(-1.0, 1.0);
  for (int i = 0; i < count; ++i) {
    const double t = uniform(engine);
    std::vector<double> row(std::size_t(n), 1.0);
    for (int j = 1; j < n; ++j) row[std::size_t(j)] = row[std::size_t(j) - 1] * t;
    body.add(row, 1.05 + 0.05 * uniform(engine));
    for (double& x : row) x = -x;
    body.add(row, 1.05 + 0.05 * uniform(engine));
  }
  return body;
}

// A cut cube in coordinates of very different sizes.
inline Body stretched_cube(int n, double most, unsigned seed) {
  Body body = cut_cube(n, 3 * n, seed);
  const std::vector<double> exponents = tests::gaussian<double>(std::size_t(n), seed + 4000);
  for (std::size_t i = 0; i < body.rows.size(); ++i) {
    body.rows[i] *= std::pow(most, exponents[i % std::size_t(n)]);
  }
  return body;
}

inline bool close(double a, double b, double tolerance) {
  return a == b || (std::isnan(a) && std::isnan(b)) || std::abs(a - b) <= tolerance;
}

// Answers about the same polyhedra have equal statuses and radii.
inline void check_equal(const ChebyshevCenters& expected, const ChebyshevCenters& found) {
  CHECK(expected.status == found.status);
  const std::size_t n_features = expected.centers.size() / expected.status.size();
  for (std::size_t i = 0; i < expected.status.size(); ++i) {
    double scale = std::abs(expected.radii[i]);
    for (std::size_t j = 0; j < n_features; ++j) {
      scale = std::max(scale, std::abs(expected.centers[i * n_features + j]));
    }
    CHECK(close(expected.radii[i], found.radii[i], 1e-9 * scale));
    CHECK(close(expected.gaps[i], found.gaps[i], 1e-9 * scale));
  }
}

// Sums over rows that multipliers weigh, relative to what is added up.
struct Weighed {
  double combination = 0.0;  // largest coordinate, relative to the lengths
  double length = 0.0;
  double bound = 0.0;
  double size = 0.0;  // of what the bound is the sum of
};

inline Weighed weigh(const Body& body, const double* duals) {
  Weighed out;
  std::vector<double> combination(std::size_t(body.n_features), 0.0);
  for (std::size_t i = 0; i < body.bounds.size(); ++i) {
    CHECK(duals[i] >= 0.0);
    const double* row = body.rows.data() + i * std::size_t(body.n_features);
    double length = 0.0;
    for (std::ptrdiff_t j = 0; j < body.n_features; ++j) {
      combination[std::size_t(j)] += duals[i] * row[j];
      length = std::hypot(length, row[j] * duals[i]);
    }
    out.length += length;
    out.bound += duals[i] * body.bounds[i];
    out.size += std::abs(duals[i] * body.bounds[i]);
  }
  for (const double x : combination) out.combination = std::max(out.combination, std::abs(x));
  if (out.length > 0.0) out.combination /= out.length;
  return out;
}

// The multipliers of answer `i`, whose bounds start at `start`, prove it.
inline void check_proof(const Body& body, const ChebyshevCenters& found, std::size_t i,
                        std::size_t start) {
  const double* duals = found.duals.data() + start;
  const double* center = found.centers.data() + i * std::size_t(body.n_features);
  const double* ray = found.rays.data() + i * std::size_t(body.n_features);
  const Weighed weighed = weigh(body, duals);
  const Status status = found.status[i];
  for (std::ptrdiff_t j = 0; j < body.n_features; ++j) {
    CHECK(std::isnan(center[j]) == (status == Status::kEmpty));
    CHECK((status == Status::kUnbounded || ray[j] == 0.0));
  }
  if (status == Status::kOptimal) {
    CHECK(weighed.combination < 1e-10);
    CHECK(close(weighed.length, 1.0, 1e-10));
    CHECK(close(weighed.bound, found.radii[i] + found.gaps[i], 1e-10 * weighed.size));
    CHECK(found.gaps[i] <= 1e-10 * weighed.size);
  } else if (status == Status::kEmpty) {
    CHECK(weighed.combination < 1e-10);
    CHECK(weighed.bound < 0.0);
  } else if (status == Status::kUnbounded) {
    CHECK(weighed.size == 0.0);
    for (std::size_t r = 0; r < body.bounds.size(); ++r) {
      const double* row = body.rows.data() + r * std::size_t(body.n_features);
      double along = 0.0;
      double length = 0.0;
      double slack = body.bounds[r];
      for (std::ptrdiff_t j = 0; j < body.n_features; ++j) {
        along += row[j] * ray[j];
        slack -= row[j] * center[j];
        length = std::hypot(length, row[j]);
      }
      CHECK(along <= 1e-9 * length);
      CHECK((slack > 0.0 || length == 0.0));
    }
  }
}

}  // namespace bodies
