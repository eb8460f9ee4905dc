#include "hullspace/hull.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cmath>

#include "gaussian.hpp"
#include "hullspace/build_info.hpp"
#include "hullspace/error.hpp"

using namespace hullspace;

namespace {

template <class T>
MatrixView<T> view(const std::vector<T>& values, std::ptrdiff_t n_features) {
  return {values.data(), std::ssize(values) / n_features, n_features};
}

}  // namespace

TEST_CASE("projections are consistent") {
  for (const int n_features : {1, 2, 7, 33}) {
    const auto data = tests::gaussian<float>(std::size_t(500) * n_features, 1);
    const auto queries = tests::gaussian<double>(std::size_t(60) * n_features, 2);
    const Hull hull(view(data, n_features), Context{});
    const Projections p = hull.project(view(queries, n_features), 1e-9, Context{});
    CHECK(p.weights.row_starts.size() == 61);
    for (int i = 0; i < 60; ++i) {
      CHECK(p.status[i] == Status::kOptimal);
      CHECK(p.gaps[i] >= 0.0);
      CHECK(p.gaps[i] <= 1e-9 * hull.scale());
      double square = 0.0;
      for (int j = 0; j < n_features; ++j) {
        double combined = 0.0;
        for (auto k = p.weights.row_starts[i]; k < p.weights.row_starts[i + 1]; ++k) {
          combined += p.weights.values[k] * data[p.weights.columns[k] * n_features + j];
        }
        const double point = p.points[std::size_t(i) * n_features + j];
        CHECK(std::abs(combined - point) < 1e-12);
        const double difference = point - queries[std::size_t(i) * n_features + j];
        square += difference * difference;
      }
      CHECK(std::abs(std::sqrt(square) - p.distances[i]) < 1e-12);
    }
  }
}

TEST_CASE("memberships agree with distances") {
  const auto data = tests::gaussian<double>(400 * 5, 3);
  const auto queries = tests::gaussian<double>(300 * 5, 4);
  const Hull hull(view(data, 5), Context{});
  const Projections p = hull.project(view(queries, 5), 1e-9, Context{});
  const Memberships m = hull.contains(view(queries, 5), 1e-9, Context{});
  int n_inside = 0;
  for (int i = 0; i < 300; ++i) {
    const bool inside = p.distances[i] <= m.tolerance;
    CHECK(m.status[i] == (inside ? Status::kInside : Status::kOutside));
    if (!inside) {
      CHECK(m.margins[i] > 0.0);
      CHECK(m.margins[i] <= p.distances[i]);
    }
    n_inside += inside ? 1 : 0;
  }
  CHECK(n_inside > 20);
  CHECK(n_inside < 280);
}

TEST_CASE("answers do not depend on threads or batches") {
  const auto data = tests::gaussian<float>(2000 * 10, 5);
  const auto queries = tests::gaussian<float>(700 * 10, 6);
  const Hull hull(view(data, 10), Context{});
  const Projections one = hull.project(view(queries, 10), 1e-9, Context{1, nullptr});
  const Projections four = hull.project(view(queries, 10), 1e-9, Context{4, nullptr});
  CHECK(one.points == four.points);
  CHECK(one.distances == four.distances);
  CHECK(one.weights.values == four.weights.values);
  CHECK(one.weights.columns == four.weights.columns);
  const MatrixView<float> single{queries.data() + 10 * 123, 1, 10};
  const Projections alone = hull.project(single, 1e-9, Context{});
  CHECK(alone.distances[0] == one.distances[123]);
  CHECK(alone.gaps[0] == one.gaps[123]);
}

TEST_CASE("many equal scores are settled in double precision") {
  // A face with far more points than any list holds: a grid on the plane x = 1.
  std::vector<double> data;
  for (int i = 0; i < 60; ++i) {
    for (int j = 0; j < 60; ++j) data.insert(data.end(), {1.0, i / 60.0, j / 60.0});
  }
  data.insert(data.end(), {0.0, 0.0, 0.0});
  const Hull hull(view(data, 3), Context{});
  const std::vector<double> queries{2.0, 0.3, 0.4, 1.0 + 1e-7, 0.41, 0.77, 0.9, 0.3, 0.3};
  const Projections p = hull.project(view(queries, 3), 1e-9, Context{});
  CHECK(std::abs(p.distances[0] - 1.0) < 1e-14);
  CHECK(std::abs(p.distances[1] - 1e-7) < 1e-15);
  CHECK(p.distances[2] < 1e-9);
  for (int i = 0; i < 3; ++i) CHECK(p.status[i] == Status::kOptimal);
}

TEST_CASE("misuse throws and names the argument") {
  const std::vector<double> data{0.0, 1.0, 2.0, 3.0};
  const Hull hull(view(data, 2), Context{});
  CHECK_THROWS_AS(hull.project(view(data, 4), 1e-9, Context{}), ArgumentError);
  const std::vector<double> bad{0.0, std::nan("")};
  CHECK_THROWS_AS(hull.contains(view(bad, 2), 1e-9, Context{}), ArgumentError);
  CHECK(hull.project(MatrixView<double>{nullptr, 0, 2}, 1e-9, Context{}).distances.empty());
}

TEST_CASE("interruption ends a long call") {
  const auto data = tests::gaussian<float>(20000 * 32, 7);
  const auto queries = tests::gaussian<float>(20000 * 32, 8);
  const Hull hull(view(data, 32), Context{});
  const Context context{2, [] { return true; }};
  CHECK_THROWS_AS(hull.project(view(queries, 32), 1e-9, context), Interrupted);
}

TEST_CASE("build info is filled") {
  const BuildInfo info = build_info();
  CHECK(!info.version.empty());
  CHECK(!info.instruction_sets_found.empty());
  CHECK(info.n_threads >= 1);
  CHECK((info.cuda_built || !info.cuda_reason.empty()));
}
