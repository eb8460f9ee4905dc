#include "hull/active_set.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "gaussian.hpp"

using namespace hullspace;

namespace {

constexpr StopFlag kNoStop{false};

ActiveSet solved(int n_features, const std::vector<double>& points,
                 const std::vector<double>& query) {
  ActiveSet active(n_features);
  active.reset(query.data());
  const int n_points = int(points.size()) / n_features;
  for (int i = 0; i < n_points; ++i) active.add(i, &points[std::size_t(i) * n_features]);
  CHECK(active.solve(1e-13, kNoStop));
  return active;
}

}  // namespace

TEST_CASE("known answers in the plane") {
  const std::vector<double> triangle{0.0, 0.0, 1.0, 0.0, 0.0, 1.0};
  CHECK(std::abs(solved(2, triangle, {1.0, 1.0}).distance() - std::sqrt(0.5)) < 1e-15);
  CHECK(std::abs(solved(2, triangle, {-3.0, -4.0}).distance() - 5.0) < 1e-14);
  CHECK(std::abs(solved(2, triangle, {0.3, -2.0}).distance() - 2.0) < 1e-14);
  CHECK(solved(2, triangle, {0.2, 0.3}).distance() < 1e-15);
  CHECK(solved(2, triangle, {1.0, 0.0}).distance() == 0.0);
}

TEST_CASE("optimality on random pools") {
  for (unsigned seed = 0; seed < 200; ++seed) {
    const int n_features = 1 + int(seed % 17);
    const auto points = tests::gaussian<double>(std::size_t(40) * n_features, seed);
    auto query = tests::gaussian<double>(n_features, 1000 + seed);
    const double reach = std::pow(10.0, double(seed % 7) - 3.0);
    for (double& x : query) x *= reach;
    const ActiveSet active = solved(n_features, points, query);
    CHECK(active.support_size() <= n_features + 1);
    double sum = 0.0;
    for (std::ptrdiff_t i = 0; i < active.support_size(); ++i) {
      CHECK(active.weight(i) > 0.0);
      sum += active.weight(i);
    }
    CHECK(std::abs(sum - 1.0) < 1e-12);
    // No point scores lower than the nearest one against the direction to it.
    double lowest = 1e300;
    double level = 0.0;
    for (int j = 0; j < n_features; ++j) level += active.nearest()[j] * active.direction()[j];
    for (int i = 0; i < 40; ++i) {
      double score = 0.0;
      for (int j = 0; j < n_features; ++j) {
        score += points[std::size_t(i) * n_features + j] * active.direction()[j];
      }
      lowest = std::min(lowest, score);
    }
    if (active.distance() > 1e-12) CHECK(level - lowest < 1e-11);
  }
}

TEST_CASE("direction is orthogonal to a face however near") {
  // The face x + y + z = 1 of a simplex, and queries above it by as little as 1e-12.
  const std::vector<double> simplex{0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1};
  const double normal = 1.0 / std::sqrt(3.0);
  for (const double height : {1e-3, 1e-6, 1e-9, 1e-12}) {
    const std::vector<double> query{0.2 + height * normal, 0.3 + height * normal,
                                    0.5 + height * normal};
    const ActiveSet active = solved(3, simplex, query);
    for (int j = 0; j < 3; ++j) CHECK(std::abs(active.direction()[j] + normal) < 1e-3);
    CHECK(std::abs(active.direction()[0] - active.direction()[1]) < 1e-14);
    CHECK(std::abs(active.distance() - height) < 1e-15);
  }
}

TEST_CASE("duplicates and flat pools") {
  std::vector<double> points;
  for (int i = 0; i < 30; ++i) {
    const double t = (i % 3) / 2.0;
    points.insert(points.end(), {t, 2.0 * t, -t});
  }
  const ActiveSet active = solved(3, points, {0.0, 0.0, 5.0});
  CHECK(active.distance() == 5.0);
  CHECK(active.support_size() <= 2);
}
