#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "common/tolerances.hpp"
#include "gaussian.hpp"
#include "hullspace/error.hpp"
#include "scan/byte_panels.hpp"
#include "scan/scan.hpp"

using namespace hullspace;

namespace {

constexpr StopFlag kNoStop{false};
constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::vector<double> unit(std::vector<double> v) {
  const double norm = std::sqrt(std::inner_product(v.begin(), v.end(), v.begin(), 0.0));
  for (double& x : v) x /= norm;
  return v;
}

std::vector<Candidate> sorted(const Selection& selection) {
  auto candidates = selection.candidates();
  std::sort(candidates.begin(), candidates.end());
  return candidates;
}

std::vector<Candidate> brute_force(const PointSet& points, const std::vector<double>& direction,
                                   double half_norm_weight) {
  std::vector<Candidate> all;
  std::vector<double> p(points.n_features());
  for (std::ptrdiff_t i = 0; i < points.n_points(); ++i) {
    points.load(i, p.data());
    const double score =
        std::inner_product(p.begin(), p.end(), direction.begin(), 0.0) +
        0.5 * half_norm_weight * std::inner_product(p.begin(), p.end(), p.begin(), 0.0);
    all.push_back({score, static_cast<std::int32_t>(i)});
  }
  std::sort(all.begin(), all.end());
  return all;
}

}  // namespace

TEST_CASE("selection keeps the lowest and bounds the rest") {
  const auto scores = tests::gaussian<double>(1000, 1);
  Selection selection;
  selection.reset(10, kInfinity);
  for (std::size_t i = 0; i < scores.size(); ++i) selection.offer(scores[i], int(i));
  selection.finish();
  auto lowest = scores;
  std::sort(lowest.begin(), lowest.end());
  CHECK(selection.candidates().size() == 10);
  for (int i = 0; i < 10; ++i) CHECK(sorted(selection)[i].score == lowest[i]);
  CHECK(selection.threshold() <= lowest[10]);
  CHECK(selection.threshold() >= lowest[9]);
}

TEST_CASE("selection with room keeps its threshold") {
  Selection selection;
  selection.reset(4, 1.0);
  for (const double score : {0.5, 1.0, 2.0, -1.0}) selection.offer(score, 0);
  selection.finish();
  CHECK(selection.candidates().size() == 2);
  CHECK(selection.threshold() == 1.0);
}

TEST_CASE("scan finds the lowest scores of every direction") {
  for (const int n_features : {1, 3, 16, 65}) {
    for (const int n_points : {1, 47, 48, 49, 1000}) {
      const auto data = tests::gaussian<float>(std::size_t(n_points) * n_features, 2);
      const PointSet points(MatrixView<float>{data.data(), n_points, n_features}, Context{});
      constexpr int kDirections = 13;
      std::vector<std::vector<double>> directions;
      std::vector<Selection> selections(kDirections);
      std::vector<ScanRequest> requests;
      for (int j = 0; j < kDirections; ++j) {
        directions.push_back(unit(tests::gaussian<double>(n_features, 100 + j)));
        selections[j].reset(20, kInfinity);
      }
      for (int j = 0; j < kDirections; ++j) {
        requests.push_back({directions[j].data(), j % 2 == 0 ? 0.0 : 1.0, &selections[j]});
      }
      Scanner scanner(points);
      CHECK(scanner.scan(requests, 1, kNoStop));
      const double error = 2.0 * tolerances::single_score_error(n_features, points.radius()) *
                           (1.0 + points.radius());
      for (int j = 0; j < kDirections; ++j) {
        const auto all = brute_force(points, directions[j], requests[j].half_norm_weight);
        const auto found = sorted(selections[j]);
        CHECK(found.size() == std::min<std::size_t>(20, all.size()));
        for (std::size_t i = 0; i < found.size(); ++i) {
          CHECK(std::abs(found[i].score - all[i].score) <= error);
        }
      }
    }
  }
}

// 500 points: powers make heavy tails; the last column is constant, one is tiny, one far from zero.
static std::vector<double> uneven_points(int n_features, double power) {
  auto data = tests::gaussian<double>(std::size_t(500) * n_features, 8);
  for (double& x : data) x = std::copysign(std::pow(std::abs(x), power), x);
  for (int i = 0; i < 500; ++i) {
    double* row = &data[std::size_t(i) * n_features];
    row[0] += 1e3;
    if (n_features > 2) row[1] *= 1e-9;
    if (n_features > 1) row[n_features - 1] = -7.0;
  }
  return data;
}

TEST_CASE("byte scores keep their error bound") {
  for (const int n_features : {1, 3, 16, 65, 700}) {
    for (const double power : {1.0, 6.0}) {
      const auto data = uneven_points(n_features, power);
      const PointSet points(MatrixView<double>{data.data(), 500, n_features}, Context{});
      const BytePanels bytes(points, Context{});
      if (bytes.empty()) continue;
      ByteScanner scanner(points, bytes);
      for (unsigned seed = 0; seed < 9; ++seed) {
        const auto direction = unit(tests::gaussian<double>(n_features, 50 + seed));
        BytePanels::Direction quantized;
        bytes.quantize(direction.data(), quantized);
        const double error = quantized.error;
        const auto all = brute_force(points, direction, 0.0);
        Selection selection;
        selection.reset(500, kInfinity);
        const ByteScanner::Request request{&quantized, &selection};
        CHECK(scanner.scan({&request, 1}, kNoStop));
        CHECK(selection.candidates().size() == 500);
        std::vector<double> truth(500);
        for (const Candidate& candidate : all) truth[candidate.point] = candidate.score;
        for (const Candidate& found : selection.candidates()) {
          CHECK(std::abs(found.score - truth[found.point]) <= error);
        }
        // With a threshold, everything that truly scores below it is listed.
        selection.reset(500, all[20].score + error);
        CHECK(scanner.scan({&request, 1}, kNoStop));
        std::vector<char> listed(500);
        for (const Candidate& found : selection.candidates()) listed[found.point] = 1;
        for (int i = 0; i < 20; ++i) CHECK(listed[all[i].point]);
      }
    }
  }
}

TEST_CASE("exact scan agrees with brute force") {
  const auto data = tests::gaussian<double>(777 * 9, 3);
  const PointSet points(MatrixView<double>{data.data(), 777, 9}, Context{});
  const auto direction = unit(tests::gaussian<double>(9, 4));
  Selection selection;
  selection.reset(30, kInfinity);
  CHECK(scan_exactly(points, direction.data(), selection, kNoStop));
  const auto all = brute_force(points, direction, 0.0);
  const auto found = sorted(selection);
  for (std::size_t i = 0; i < 30; ++i) {
    CHECK(found[i].point == all[i].point);
    CHECK(std::abs(found[i].score - all[i].score) < 1e-14);
  }
}

TEST_CASE("scan stops when asked") {
  const auto data = tests::gaussian<float>(100, 5);
  const PointSet points(MatrixView<float>{data.data(), 50, 2}, Context{});
  const std::vector<double> direction{1.0, 0.0};
  Selection selection;
  selection.reset(4, kInfinity);
  const ScanRequest request{direction.data(), 0.0, &selection};
  const StopFlag stop{true};
  CHECK(!Scanner(points).scan({&request, 1}, 1, stop));
  CHECK(!scan_exactly(points, direction.data(), selection, stop));
}

TEST_CASE("point set is scaled without loss") {
  for (const double scale : {1e-300, 1e-150, 1.0, 1e150, 1e307}) {
    auto data = tests::gaussian<double>(200, 6);
    const PointSet plain(MatrixView<double>{data.data(), 50, 4}, Context{});
    for (double& x : data) x *= scale;
    const PointSet points(MatrixView<double>{data.data(), 50, 4}, Context{});
    CHECK(points.radius() >= 0.5);
    CHECK(points.radius() <= 4.0);
    const double radius = points.length_to_data(points.radius());
    CHECK(std::abs(radius / scale / plain.length_to_data(plain.radius()) - 1.0) < 1e-12);
    std::vector<double> p(4);
    std::vector<double> back(4);
    for (int i = 0; i < 50; ++i) {
      points.load(i, p.data());
      points.point_to_data(p.data(), back.data());
      for (int j = 0; j < 4; ++j) CHECK(std::abs(back[j] - data[4 * i + j]) < 1e-14 * scale);
    }
  }
}

TEST_CASE("far queries are moved in") {
  const auto data = tests::gaussian<double>(60, 7);
  const PointSet points(MatrixView<double>{data.data(), 20, 3}, Context{});
  const std::vector<double> queries{1e300, -2e300, 0.5e300, 1.0, 2.0, 3.0};
  const MatrixView<double> view{queries.data(), 2, 3};
  std::vector<double> q(3);
  const double unit_length = points.load_query(view, 0, q.data());
  CHECK(std::abs(unit_length * q[1] / -2e300 - 1.0) < 1e-12);
  CHECK(std::abs(q[1] / q[0] + 2.0) < 1e-12);
  CHECK(points.load_query(view, 1, q.data()) == 0.0);
}

TEST_CASE("bad matrices are refused") {
  const std::vector<double> data{0.0, 1.0, std::nan(""), 3.0};
  const auto make = [&](std::ptrdiff_t rows, std::ptrdiff_t cols) {
    return PointSet(MatrixView<double>{data.data(), rows, cols}, Context{});
  };
  CHECK_THROWS_AS(make(2, 2), ArgumentError);
  CHECK_THROWS_AS(make(0, 2), ArgumentError);
  CHECK_THROWS_AS(make(2, 0), ArgumentError);
  CHECK(make(1, 2).n_points() == 1);
}
