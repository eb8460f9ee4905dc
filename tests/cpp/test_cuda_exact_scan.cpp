// The scan of a device in double precision.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "common/tolerances.hpp"
#include "cuda/scan.hpp"
#include "device_points.hpp"
#include "devices.hpp"

using namespace hullspace::cuda;
using tests::Points;
using tests::Queries;

namespace {

constexpr int kFeatures = 9;
constexpr int kDirections = 4;

// The second half repeats the first.
Points repeated_points(int n) {
  Points points = tests::random_points(n, kFeatures, 3);
  for (int i = n / 2; i < n / 2 * 2; ++i) {
    std::copy_n(&points.data[std::size_t(i - n / 2) * kFeatures], kFeatures,
                &points.data[std::size_t(i) * kFeatures]);
  }
  return Points(points.data, kFeatures);
}

// The lowest of all shares, from chunks of the points that come one after the other.
std::vector<Extreme> scanned(const Points& points, const Queries& queries, bool excludes) {
  const auto lowest = tests::to_device(std::vector<Extreme>(kDirections * kExactShares, {0.0, -1}));
  std::vector<double> packed;
  for (const auto& d : queries.directions) packed.insert(packed.end(), d.begin(), d.end());
  const auto directions = tests::to_device(packed);
  const auto excluded = tests::to_device(queries.excluded);
  constexpr int kChunk = 400;
  for (int first = 0; first < points.n(); first += kChunk) {
    const DeviceMatrix chunk{points.on_device.data() + std::ptrdiff_t{first} * kFeatures,
                             std::min(kChunk, points.n() - first), kFeatures, true};
    scan_exactly(chunk, first, points.frame(), directions.data(), kDirections,
                 excludes ? excluded.data() : nullptr, lowest.data(), nullptr);
  }
  const auto shares = tests::to_host(lowest);
  std::vector<Extreme> found(kDirections, {0.0, -1});
  for (int i = 0; i < kDirections * kExactShares; ++i) {
    Extreme& best = found[std::size_t(i / kExactShares)];
    if (is_lower(shares[std::size_t(i)], best)) best = shares[std::size_t(i)];
  }
  return found;
}

// Whether the scan finds what a look at all points does, with or without the lowest of each
// direction.
void check(const Points& points, Queries queries, bool excludes) {
  std::vector<std::vector<double>> scores(kDirections);
  for (int j = 0; j < kDirections; ++j) {
    for (int i = 0; i < points.n(); ++i) {
      scores[j].push_back(exact_score(points, i, queries, j));
    }
    if (!excludes) continue;
    queries.excluded[j] = int(std::ranges::min_element(scores[j]) - scores[j].begin());
    scores[j][queries.excluded[j]] = INFINITY;
  }
  const std::vector<Extreme> found = scanned(points, queries, excludes);
  const double error = hullspace::tolerances::double_score_error(kFeatures, points.radius());
  for (int j = 0; j < kDirections; ++j) {
    if (excludes && points.n() == 1) {
      CHECK(found[j].place == -1);
      continue;
    }
    const auto best = std::ranges::min_element(scores[j]);
    CHECK(found[j].place == best - scores[j].begin());
    CHECK(std::abs(found[j].value - *best) <= error);
  }
}

}  // namespace

TEST_CASE("exact scan finds the first of the lowest") {
  for (const int n_points : {1, 300, 777}) {
    const Points points = repeated_points(n_points);
    Queries queries(kDirections, kFeatures, 40);
    std::ranges::fill(queries.weights, 0.0);
    for (const char* order : {"forward", "backward", "shuffled:5"}) {
      tests::set_order(order);
      for (const bool excludes : {false, true}) check(points, queries, excludes);
    }
  }
}
