// The simplex method of a device, by a team of one thread, against the core's.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "bodies.hpp"
#include "cuda/center.hpp"
#include "gaussian.hpp"
#include "hullspace/polyhedron.hpp"

using namespace hullspace;

namespace {

cuda::SimplexMemory simplex_memory(int n_rows, int n, std::vector<unsigned char>& memory) {
  cuda::Carver sizes(nullptr);
  cuda::SimplexMemory(n_rows, n, sizes, sizes, sizes);
  memory.resize(static_cast<std::size_t>(sizes.used()) + 16);
  cuda::Carver carver(memory.data());
  return {n_rows, n, carver, carver, carver};
}

// As chebyshev_centers of the core, for one polyhedron.
ChebyshevCenters solved(const bodies::Body& body) {
  const int n = static_cast<int>(body.n_features);
  const int n_rows = static_cast<int>(body.bounds.size());
  ChebyshevCenters out;
  out.centers.resize(body.n_features);
  out.radii.resize(1);
  out.duals.resize(body.bounds.size());
  out.gaps.resize(1);
  out.rays.resize(body.n_features);
  out.status.resize(1);
  cuda::Carver sizes(nullptr);
  cuda::RowsMemory(n_rows, n, sizes);
  std::vector<unsigned char> memory(static_cast<std::size_t>(sizes.used()) + 16);
  cuda::Carver carver(memory.data());
  const cuda::RowsMemory rows(n_rows, n, carver);
  std::vector<double> bounds(body.bounds.size());
  cuda::System<cuda::SerialTeam> system({}, rows, n_rows, n);
  system.set_rows(body.rows.data());
  system.set_bounds(body.bounds.data(), bounds.data());
  std::vector<unsigned char> work;
  const cuda::SimplexMemory simplex = simplex_memory(n_rows, n + 1, work);
  const cuda::Halfspaces given{body.rows.data(), body.bounds.data(), n_rows, n};
  const cuda::Center center{out.centers.data(), out.radii.data(), out.duals.data(),
                            out.gaps.data(),    out.rays.data(),  out.status.data()};
  cuda::CenterSolver<cuda::SerialTeam>({}, given, system, simplex, center).solve();
  return out;
}

// Whether the answers agree and each is proven. Returns the status.
Status compare(bodies::Body body) {
  const ChebyshevCenters expected = chebyshev_centers(body.polyhedra(), {});
  const ChebyshevCenters found = solved(body);
  bodies::check_equal(expected, found);
  bodies::check_proof(body, found, 0, 0);
  return found.status[0];
}

}  // namespace

TEST_CASE("random bodies") {
  for (unsigned seed = 0; seed < 300; ++seed) {
    const int n = 1 + static_cast<int>(seed % 30);
    CHECK(compare(bodies::cut_cube(n, static_cast<int>(seed % 7) * n, seed)) == Status::kOptimal);
  }
  for (const int n : {40, 55, 64, 70}) {
    CHECK(compare(bodies::cut_cube(n, 2 * n + 9, 5)) == Status::kOptimal);
  }
}

TEST_CASE("random rows without a box") {
  int counts[8] = {};
  for (unsigned seed = 0; seed < 400; ++seed) {
    const int n = 1 + static_cast<int>(seed % 9);
    ++counts[static_cast<int>(compare(bodies::random_rows(n, 1 + int(seed % 23), seed)))];
  }
  CHECK(counts[int(Status::kOptimal)] > 10);
  CHECK(counts[int(Status::kEmpty)] > 10);
  CHECK(counts[int(Status::kUnbounded)] > 10);
  CHECK(counts[int(Status::kLimit)] == 0);
}

TEST_CASE("empty bodies") {
  for (unsigned seed = 0; seed < 60; ++seed) {
    bodies::Body body = bodies::cut_cube(1 + int(seed % 20), 10, seed);
    std::vector<double> row(body.rows.end() - body.n_features, body.rows.end());
    for (double& x : row) x = -2.0 * x;
    // The last row turned round, so that nothing is left by much or by little.
    body.add(row, -2.0 * body.bounds.back() - (seed % 2 == 0 ? 0.5 : 1e-7));
    CHECK(compare(body) == Status::kEmpty);
  }
}

TEST_CASE("flat bodies") {
  for (unsigned seed = 0; seed < 60; ++seed) {
    bodies::Body body = bodies::cut_cube(1 + int(seed % 20), 10, seed);
    body.bounds.back() -= 1.0;  // through the middle
    std::vector<double> row(body.rows.end() - body.n_features, body.rows.end());
    for (double& x : row) x = -3.0 * x;
    body.add(row, -3.0 * body.bounds.back());
    CHECK(compare(body) == Status::kOptimal);
  }
}

TEST_CASE("unbounded bodies") {
  for (unsigned seed = 0; seed < 60; ++seed) {
    const int n = 2 + static_cast<int>(seed % 12);
    bodies::Body body = bodies::random_rows(n, n, seed);
    CHECK(compare(body) == Status::kUnbounded);
  }
  bodies::Body none;
  none.n_features = 3;
  CHECK(compare(none) == Status::kUnbounded);
}

TEST_CASE("rows that are there twice") {
  for (unsigned seed = 0; seed < 40; ++seed) {
    bodies::Body body = bodies::cut_cube(1 + int(seed % 10), 12, seed);
    const bodies::Body once = body;
    for (std::size_t i = 0; i < once.bounds.size(); ++i) {
      std::vector<double> row(once.rows.begin() + std::ptrdiff_t(i) * once.n_features,
                              once.rows.begin() + std::ptrdiff_t(i + 1) * once.n_features);
      const double factor = seed % 3 == 0 ? 1.0 : 1.0 + 0.1 * static_cast<double>(i);
      for (double& x : row) x *= factor;
      body.add(row, once.bounds[i] * factor);
    }
    CHECK(compare(body) == Status::kOptimal);
  }
}

TEST_CASE("rows of zeros") {
  for (unsigned seed = 0; seed < 20; ++seed) {
    const int n = 1 + static_cast<int>(seed % 6);
    bodies::Body body = bodies::cut_cube(n, 5, seed);
    body.insert_front(std::vector<double>(n, 0.0), 0.0);
    body.add(std::vector<double>(n, 0.0), 3.0);
    CHECK(compare(body) == Status::kOptimal);
    body.insert_front(std::vector<double>(n, 0.0), -1e-9);
    body.add(std::vector<double>(n, 0.0), -3.0);
    CHECK(compare(body) == Status::kEmpty);
    CHECK(solved(body).duals[0] == 1.0);
  }
  bodies::Body zeros;
  zeros.n_features = 4;
  zeros.add(std::vector<double>(4, 0.0), 1.0);
  CHECK(compare(zeros) == Status::kUnbounded);
}

TEST_CASE("tiny and huge numbers") {
  for (const double of_rows : {1e-300, 1e-150, 1.0, 1e150, 1e300}) {
    for (const double of_bounds : {1e-150, 1e-20, 1.0, 1e20, 1e150}) {
      // The bounds' sizes must not overflow.
      if (std::abs(std::log10(of_rows) + std::log10(of_bounds)) > 300.0) continue;
      for (unsigned seed = 0; seed < 4; ++seed) {
        bodies::Body body = bodies::cut_cube(3 + int(seed), 20, seed);
        for (double& x : body.rows) x *= of_rows;
        for (double& x : body.bounds) x *= of_rows * of_bounds;
        CHECK(compare(body) == Status::kOptimal);
      }
    }
  }
}

TEST_CASE("rows of very different lengths") {
  for (unsigned seed = 0; seed < 30; ++seed) {
    bodies::Body body = bodies::cut_cube(2 + int(seed % 8), 15, seed);
    const std::vector<double> exponents = tests::gaussian<double>(body.bounds.size(), seed + 1);
    for (std::size_t i = 0; i < body.bounds.size(); ++i) {
      const double factor = std::pow(10.0, std::clamp(60.0 * exponents[i], -140.0, 140.0));
      body.bounds[i] *= factor;
      for (std::ptrdiff_t j = 0; j < body.n_features; ++j) {
        body.rows[std::ptrdiff_t(i) * body.n_features + j] *= factor;
      }
    }
    CHECK(compare(body) == Status::kOptimal);
  }
}

TEST_CASE("many faces that meet in one point") {
  for (const int n : {2, 4, 7, 10}) CHECK(compare(bodies::cross_polytope(n)) == Status::kOptimal);
  for (const int n : {2, 5, 12}) {
    bodies::Body cube = bodies::cut_cube(n, 0, 1);
    bodies::add_touching(cube, 200, 3);
    CHECK(compare(cube) == Status::kOptimal);
    bodies::Body cone = bodies::cone(n, 30 * n, 4);
    CHECK(compare(cone) == Status::kOptimal);
    // Without its lid, and with one through its apex.
    bodies::Body open = cone;
    open.rows.resize(open.rows.size() - std::size_t(n));
    open.bounds.pop_back();
    CHECK(compare(open) == Status::kUnbounded);
    cone.bounds.back() = 0.0;
    CHECK(compare(cone) == Status::kOptimal);
    cone.bounds.back() = -1e-6;
    CHECK(compare(cone) == Status::kEmpty);
  }
}

TEST_CASE("rows that nearly equal each other") {
  for (const double noise : {1e-6, 1e-8, 1e-10, 1e-12, 1e-14}) {
    for (unsigned seed = 0; seed < 20; ++seed) {
      const int n = 2 + static_cast<int>(seed);
      CHECK(compare(bodies::nearly_equal_rows(n, noise, seed)) == Status::kOptimal);
    }
  }
}

// Rounding decides too much here for proofs, but no less in the core.
TEST_CASE("rows that nearly depend on each other") {
  const auto agrees = [](bodies::Body body) {
    bodies::check_equal(chebyshev_centers(body.polyhedra(), {}), solved(body));
  };
  for (unsigned seed = 0; seed < 30; ++seed) {
    for (const int n : {3, 10, 20, 30}) {
      agrees(bodies::powers(n, 6 * n, seed));
      for (const double most : {10.0, 1e2, 1e4}) agrees(bodies::stretched_cube(n, most, seed));
    }
  }
}
