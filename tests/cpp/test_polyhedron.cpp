#include "hullspace/polyhedron.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "bodies.hpp"
#include "gaussian.hpp"
#include "hullspace/error.hpp"

using namespace hullspace;

namespace {

using bodies::Body;

// The cube of half-width 1 around a place, cut by random rows of unit length.
Body random_body(std::ptrdiff_t n, std::ptrdiff_t n_cuts, unsigned seed) {
  Body body;
  body.n_features = n;
  for (std::ptrdiff_t j = 0; j < n; ++j) {
    std::vector<double> row(n, 0.0);
    row[j] = 1.0;
    body.add(row, 1.0);
    row[j] = -1.0;
    body.add(row, 1.0);
  }
  const std::vector<double> values = tests::gaussian<double>(n * n_cuts, seed);
  for (std::ptrdiff_t i = 0; i < n_cuts; ++i) {
    std::vector<double> row(values.begin() + i * n, values.begin() + (i + 1) * n);
    double square = 0.0;
    for (const double x : row) square += x * x;
    for (double& x : row) x /= std::sqrt(square);
    body.add(row, 0.3 + 0.05 * static_cast<double>(i % 7));
  }
  return body;
}

// The multipliers prove that no ball is larger than the one that was found.
void check_center(Body& body, const ChebyshevCenters& found) {
  CHECK(found.status[0] == Status::kOptimal);
  std::vector<double> combination(body.n_features, 0.0);
  double bound = 0.0;
  double length = 0.0;
  for (std::size_t i = 0; i < body.bounds.size(); ++i) {
    CHECK(found.duals[i] >= 0.0);
    double square = 0.0;
    for (std::ptrdiff_t j = 0; j < body.n_features; ++j) {
      const double x = body.rows[i * body.n_features + j];
      combination[j] += found.duals[i] * x;
      square += x * x;
    }
    length += found.duals[i] * std::sqrt(square);
    bound += found.duals[i] * body.bounds[i];
  }
  for (const double x : combination) CHECK(std::abs(x) < 1e-9);
  CHECK(std::abs(length - 1.0) < 1e-9);
  CHECK(std::abs(bound - found.radii[0]) < 1e-8);
  CHECK(body.lowest_slack(found.centers.data()) >= found.radii[0] - 1e-12);
}

}  // namespace

TEST_CASE("centers are proven by their multipliers") {
  for (const std::ptrdiff_t n : {1, 2, 5, 30}) {
    Body body = random_body(n, 4 * n, 7);
    check_center(body, chebyshev_centers(body.polyhedra(), {}));
  }
}

TEST_CASE("interior points agree with multipliers too") {
  Body body = random_body(250, 400, 3);
  check_center(body, chebyshev_centers(body.polyhedra(), {}));
}

TEST_CASE("empty flat and unbounded polyhedra are told apart") {
  Body strip;
  strip.n_features = 2;
  strip.add({1.0, 0.0}, 1.0);
  strip.add({-1.0, 0.0}, -1.0);
  CHECK(chebyshev_centers(strip.polyhedra(), {}).status[0] == Status::kOptimal);
  CHECK(chebyshev_centers(strip.polyhedra(), {}).radii[0] == 0.0);
  strip.bounds[1] = -1.0 - 1e-7;
  const ChebyshevCenters empty = chebyshev_centers(strip.polyhedra(), {});
  CHECK(empty.status[0] == Status::kEmpty);
  CHECK(empty.duals[0] == empty.duals[1]);
  CHECK(empty.duals[0] > 0.0);
  strip.bounds.pop_back();
  strip.rows.resize(2);
  const ChebyshevCenters unbounded = chebyshev_centers(strip.polyhedra(), {});
  CHECK(unbounded.status[0] == Status::kUnbounded);
  CHECK(unbounded.rays[0] < 0.0);
}

TEST_CASE("optima are proven by their multipliers") {
  Body body = random_body(8, 40, 11);
  const std::vector<double> objectives = tests::gaussian<double>(8 * 70, 5);
  const LinearOptima found = maximize(body.view(), body.bounds, {objectives.data(), 70, 8}, {});
  for (std::ptrdiff_t k = 0; k < 70; ++k) {
    CHECK(found.status[k] == Status::kOptimal);
    CHECK(body.lowest_slack(&found.points[k * 8]) > -1e-11);
    std::vector<double> rest(&objectives[k * 8], &objectives[k * 8] + 8);
    double bound = 0.0;
    for (std::int64_t e = found.duals.row_starts[k]; e < found.duals.row_starts[k + 1]; ++e) {
      const std::int32_t row = found.duals.columns[e];
      CHECK(found.duals.values[e] > 0.0);
      bound += found.duals.values[e] * body.bounds[row];
      for (int j = 0; j < 8; ++j) rest[j] -= found.duals.values[e] * body.rows[row * 8 + j];
    }
    for (const double x : rest) CHECK(std::abs(x) < 1e-10);
    CHECK(std::abs(bound - found.values[k]) < 1e-10);
  }
}

TEST_CASE("rows that others imply are found") {
  Body body = random_body(3, 0, 1);
  body.add({1.0, 1.0, 1.0}, 3.0);  // touches a corner only
  body.add({0.5, 0.5, 0.5}, 1.0);  // cuts that corner off
  body.add({2.0, 0.0, 0.0}, 2.0);  // a face again
  const Irredundant found = irredundant(body.view(), body.bounds, {});
  CHECK(found.status == Status::kOptimal);
  CHECK((found.kept == std::vector<char>{1, 1, 1, 1, 1, 1, 0, 1, 0}));
  for (std::ptrdiff_t i : {0, 1, 2, 3, 4, 5, 7}) {
    const double* witness = &found.witnesses[i * 3];
    for (std::ptrdiff_t k : {0, 1, 2, 3, 4, 5, 7}) {
      CHECK((body.slack(k, witness) < 0.0) == (k == i));
    }
  }
}

TEST_CASE("projections are held back by rows that bind") {
  Body body = random_body(6, 30, 2);
  const std::vector<double> queries = tests::gaussian<double>(6 * 100, 9);
  const std::vector<std::int64_t> which(100, 0);
  const PolyhedronProjections found =
      project_onto(body.polyhedra(), which, {queries.data(), 100, 6}, {});
  for (std::ptrdiff_t k = 0; k < 100; ++k) {
    const double* point = &found.points[k * 6];
    CHECK(found.status[k] == Status::kOptimal);
    CHECK(found.gaps[k] < 1e-12);
    CHECK(body.lowest_slack(point) > -1e-12);
    std::vector<double> rest(6);
    for (int j = 0; j < 6; ++j) rest[j] = queries[k * 6 + j] - point[j];
    for (std::int64_t e = found.duals.row_starts[k]; e < found.duals.row_starts[k + 1]; ++e) {
      const std::int32_t row = found.duals.columns[e];
      CHECK(found.duals.values[e] > 0.0);
      CHECK(std::abs(body.slack(row, point)) < 1e-12);
      for (int j = 0; j < 6; ++j) rest[j] -= found.duals.values[e] * body.rows[row * 6 + j];
    }
    for (const double x : rest) CHECK(std::abs(x) < 1e-12);
  }
}

TEST_CASE("results do not depend on threads") {
  Body body = random_body(5, 20, 4);
  const std::vector<double> objectives = tests::gaussian<double>(5 * 200, 6);
  const MatrixView<double> along{objectives.data(), 200, 5};
  const LinearOptima one = maximize(body.view(), body.bounds, along, {1, nullptr});
  const LinearOptima two = maximize(body.view(), body.bounds, along, {2, nullptr});
  CHECK(one.points == two.points);
  CHECK(one.duals.values == two.duals.values);
}

TEST_CASE("numbers that are none are misuse") {
  Body body = random_body(2, 1, 1);
  body.bounds[0] = std::numeric_limits<double>::quiet_NaN();
  bool thrown = false;
  try {
    chebyshev_centers(body.polyhedra(), {});
  } catch (const ArgumentError& error) {
    thrown = std::string(error.what()).find("b must be finite") == 0;
  }
  CHECK(thrown);
}
