// The scan on a device against the core's and against double precision.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <numeric>

#include "common/tolerances.hpp"
#include "cuda/scan.hpp"
#include "cuda/selection.hpp"
#include "cuda/tile_lists.hpp"
#include "device_points.hpp"
#include "devices.hpp"
#include "gaussian.hpp"
#include "scan/scan.hpp"

using namespace hullspace::cuda;
namespace tolerances = hullspace::tolerances;

namespace {

using tests::kFloatInfinity;
using tests::Points;
using tests::Queries;
using tests::random_points;
using tests::set_order;
using tests::to_device;
using tests::to_host;

using ScanFunction = void (*)(const Panels&, const Directions&, const Lists&, cudaStream_t);
using ErrorFunction = double (*)(std::ptrdiff_t, double);
struct Kind {
  ScanFunction scan;
  ErrorFunction error;
};
constexpr Kind kCores{&scan, &tolerances::single_score_error};
constexpr Kind kTensorCores{&scan_on_tensor_cores, &tolerances::tensor_score_error};

// The error function is for unit directions. The others are longer by the weight, and their points
// by half the square.
double score_error(const Kind& kind, const Points& points, double weight) {
  const double radius = points.radius();
  if (weight == 0.0) return kind.error(points.n_features(), radius);
  const double length = std::hypot(1.0, weight);
  return length * kind.error(points.n_features(), std::hypot(radius, 0.5 * radius * radius));
}

struct Layout {
  int n_splits = 1;
  int chunk = 1 << 30;  // points that are packed and scanned at a time
  int spare = 0;        // places of a list beyond what it needs
};

// Lists on the device, filled by scanning all points.
class Scan {
 public:
  Scan(const Kind& kind, const Points& points, const Queries& queries, int most,
       const Layout& layout)
      : n_(queries.n()),
        layout_(layout),
        most_(most),
        capacity_(list_capacity(most) + layout.spare),
        keys_(std::int64_t{n_} * layout.n_splits * capacity_),
        counts_(to_device(std::vector<int>(std::size_t(n_) * layout.n_splits, 0))),
        thresholds_(to_device(queries.thresholds)) {
    const int n_rows = n_scan_rows(points.n_features());
    const Buffer<float> packed = queries.pack(n_rows);
    const Buffer<std::int32_t> excluded = to_device(queries.excluded);
    const bool any = std::ranges::any_of(queries.excluded, [](int i) { return i >= 0; });
    const Directions directions{packed.data(), n_, n_rows, any ? excluded.data() : nullptr};
    for (int first = 0; first < points.n(); first += layout.chunk) {
      const int n = std::min(layout.chunk, points.n() - first);
      Buffer<float> panels(std::int64_t{n + kTile - 1} / kTile * kTile * n_rows);
      pack_points(points.matrix(), first, n, points.frame(), n_rows, panels.data(), nullptr);
      kind.scan({panels.data(), n, first, n_rows}, directions, lists(), nullptr);
    }
  }

  // (n, n points): the score of each point, or NaN where it is not listed.
  std::vector<std::vector<float>> scores(int n_points) const {
    std::vector<std::vector<float>> scores(n_, std::vector<float>(n_points, NAN));
    const auto keys = to_host(keys_);
    const auto counts = to_host(counts_);
    for (int list = 0; list < std::ssize(counts); ++list) {
      for (int i = 0; i < counts[list]; ++i) {
        const Key key = keys[std::size_t(list) * capacity_ + i];
        float& score = scores[list / layout_.n_splits].at(index_of(key));
        CHECK(std::isnan(score));  // nothing is listed twice
        score = score_of(key);
      }
    }
    return scores;
  }

  struct Result {
    std::vector<std::vector<std::int32_t>> points;
    std::vector<float> bounds;
    bool operator==(const Result&) const = default;
  };
  Result merge(const std::vector<int>& keep) const {
    const int stride = most_ + 3;
    Buffer<std::int32_t> points(std::int64_t{n_} * stride);
    Buffer<int> counts(n_);
    Buffer<float> bounds(n_);
    const auto kept = to_device(keep);
    merge_lists(lists(), n_, kept.data(), {points.data(), counts.data(), bounds.data(), stride},
                nullptr);
    Result result{{}, to_host(bounds)};
    const auto all = to_host(points);
    const auto n_listed = to_host(counts);
    for (int i = 0; i < n_; ++i) {
      const auto begin = all.begin() + std::ptrdiff_t{i} * stride;
      result.points.emplace_back(begin, begin + n_listed[i]);
    }
    return result;
  }

 private:
  Lists lists() const {
    return {keys_.data(), counts_.data(), thresholds_.data(), layout_.n_splits, capacity_, most_};
  }

  int n_;
  Layout layout_;
  int most_;
  int capacity_;
  Buffer<std::uint64_t> keys_;
  Buffer<int> counts_;
  Buffer<float> thresholds_;
};

// The scores that a kernel gives all points, from lists that have room for them.
std::vector<std::vector<float>> all_scores(const Kind& kind, const Points& points,
                                           Queries queries) {
  std::ranges::fill(queries.thresholds, kFloatInfinity);
  std::ranges::fill(queries.excluded, -1);
  return Scan(kind, points, queries, points.n(), {}).scores(points.n());
}

// What has to be listed, given all scores.
Scan::Result expected(const std::vector<std::vector<float>>& scores, const Queries& queries,
                      const std::vector<int>& keep) {
  Scan::Result result;
  for (int j = 0; j < queries.n(); ++j) {
    std::vector<std::int32_t> order;
    for (int i = 0; i < std::ssize(scores[j]); ++i) {
      if (scores[j][i] < queries.thresholds[j] && i != queries.excluded[j]) order.push_back(i);
    }
    std::ranges::stable_sort(order, {}, [&](std::int32_t i) { return scores[j][i]; });
    const bool is_cut = std::ssize(order) > keep[j];
    result.bounds.push_back(is_cut ? scores[j][order[keep[j]]] : queries.thresholds[j]);
    if (is_cut) order.resize(keep[j]);
    result.points.push_back(order);
  }
  return result;
}

// Thresholds that cut everything, nothing, and much; excluded points, some of which would be
// listed.
void set_limits(Queries& queries, const std::vector<std::vector<float>>& scores) {
  for (int j = 0; j < queries.n(); ++j) {
    auto sorted = scores[j];
    std::ranges::sort(sorted);
    const float choices[] = {kFloatInfinity, -kFloatInfinity, sorted[sorted.size() / 2], sorted[0],
                             sorted[std::min<std::size_t>(20, sorted.size() - 1)]};
    queries.thresholds[j] = choices[j % 5];
    if (j % 2 == 0) continue;
    queries.excluded[j] =
        static_cast<std::int32_t>(std::ranges::min_element(scores[j]) - scores[j].begin());
  }
}

std::vector<int> some_keeps(int n, int most) {
  std::vector<int> keep(n);
  for (int j = 0; j < n; ++j) keep[j] = j % 4 == 3 ? most / 2 : most;
  return keep;
}

void check_lists(const Kind& kind, const Points& points, Queries queries, int most,
                 const std::vector<Layout>& layouts) {
  set_order("forward");
  const auto scores = all_scores(kind, points, queries);
  set_limits(queries, scores);
  const auto keep = some_keeps(queries.n(), most);
  const auto wanted = expected(scores, queries, keep);
  for (const char* order : {"forward", "backward", "shuffled:5"}) {
    set_order(order);
    for (const Layout& layout : layouts) {
      CHECK(Scan(kind, points, queries, most, layout).merge(keep) == wanted);
    }
  }
}

void check_errors(const Kind& kind, const Points& points, const Queries& queries) {
  const auto scores = all_scores(kind, points, queries);
  for (int j = 0; j < queries.n(); ++j) {
    const double error = score_error(kind, points, queries.weights[j]);
    for (int i = 0; i < points.n(); ++i) {
      CHECK(std::abs(scores[j][i] - exact_score(points, i, queries, j)) <= error);
    }
  }
}

}  // namespace

TEST_CASE("points are packed as in the core") {
  for (const int n_features : {1, 7, 64}) {
    const Points points = random_points(300, n_features, 3);
    const int n_rows = n_scan_rows(n_features);
    CHECK(n_rows % kSlab == 0);
    CHECK(n_rows > n_features);
    Buffer<float> panels(std::int64_t{3} * kTile * n_rows);
    pack_points(points.matrix(), 0, 300, points.frame(), n_rows, panels.data(), nullptr);
    const auto packed = to_host(panels);
    bool is_same = true;
    for (int i = 0; i < 3 * kTile; ++i) {
      for (int k = 0; k < n_rows; ++k) {
        const float* panel = points.set.panel(i / hullspace::kPanelPoints);
        const float x = i < 300 && k <= n_features
                            ? panel[k * hullspace::kPanelPoints + i % hullspace::kPanelPoints]
                            : 0.0F;
        is_same = is_same && packed[packed_place(i, k, n_rows)] == x;
      }
    }
    CHECK(is_same);
    // From a point on, and floats.
    const std::vector<float> floats(points.data.begin(), points.data.end());
    const auto on_device = to_device(floats);
    pack_points({on_device.data(), 300, n_features, false}, 290, 10, points.frame(), n_rows,
                panels.data(), nullptr);
    const auto few = to_host(panels);
    for (int i = 0; i < 10; ++i) {
      const double x =
          (double(floats[std::size_t(290 + i) * n_features]) - points.set.center()[0]) *
          std::ldexp(1.0, points.set.unit_exponent());
      CHECK(few[packed_place(i, 0, n_rows)] == float(x));
    }
  }
}

TEST_CASE("scores keep their error bounds") {
  for (const Kind& kind : {kCores, kTensorCores}) {
    for (const int n_features : {1, 7, 64, 100}) {
      const Queries queries(6, n_features, 70);
      check_errors(kind, random_points(130, n_features, 5), queries);
      // Large and tiny coordinates, heavy tails, and points that are almost the same.
      auto data = tests::gaussian<double>(std::size_t(130) * n_features, 6);
      check_errors(kind, Points(data, n_features, 40), queries);
      check_errors(kind, Points(data, n_features, -50), queries);
      check_errors(kind, Points(data, n_features, -110), queries);
      for (double& x : data) x = 1e200 * std::copysign(std::pow(std::abs(x), 8.0), x);
      check_errors(kind, Points(data, n_features), queries);
    }
  }
}

// Terms that all have the same sign: cutting off adds up.
TEST_CASE("errors of tensor cores do not grow with the number of features") {
  constexpr int kFeatures = 700;
  auto data = tests::gaussian<double>(std::size_t(20) * kFeatures, 8);
  for (std::size_t i = 0; i < 10 * kFeatures; ++i) data[i] = std::abs(data[i]);
  for (std::size_t i = 10 * kFeatures; i < data.size(); ++i) data[i] = -data[i - 10 * kFeatures];
  Queries queries(3, kFeatures, 9);
  for (auto& direction : queries.directions) {
    for (double& x : direction) x = std::abs(x);
  }
  check_errors(kTensorCores, Points(data, kFeatures), queries);
  CHECK(tolerances::tensor_score_error(2048, 1.0) <
        0.2 * tolerances::single_score_error(2048, 1.0));
}

TEST_CASE("lists are exactly the lowest") {
  for (const Kind& kind : {kCores, kTensorCores}) {
    for (const int n_points : {1, 127, 129, 700}) {
      for (const int n_features : {1, 7}) {
        const Queries queries(n_points == 129 ? 130 : 5, n_features, 20);
        check_lists(kind, random_points(n_points, n_features, 4), queries, 9,
                    {{1}, {2}, {5, 256, 3}, {1, 300}});
      }
    }
    check_lists(kind, random_points(600, 64, 4), Queries(1, 64, 20), 30, {{1}, {3, 400}});
    check_lists(kind, random_points(400, 100, 4), Queries(5, 100, 20), 1, {{2}});
  }
}

// Lists are thinned out again and again while the lowest scores come last, or all tie.
TEST_CASE("lists survive adverse orders and duplicates") {
  constexpr int kPoints = 3000;
  std::vector<double> falling(kPoints);
  for (int i = 0; i < kPoints; ++i) falling[i] = -i;
  std::vector<double> steps(kPoints);
  for (int i = 0; i < kPoints; ++i) steps[i] = -(i / 1000);
  std::vector<double> rising(kPoints);
  for (int i = 0; i < kPoints; ++i) rising[i] = i / 2;
  // A list would be thinned out to just those that are wanted.
  std::vector<double> gap(kPoints, 5.0);
  for (int i = 0; i < 20; ++i) gap[i] = -1.0 - i;
  Queries queries(6, 1, 30);
  for (int j = 0; j < 6; ++j) queries.directions[j][0] = j < 3 ? 1.0 : -1.0;
  for (const auto& data : {falling, steps, rising, gap, std::vector<double>(kPoints, 2.5)}) {
    for (const int most : {0, 1, 20}) {
      check_lists(kCores, Points(data, 1), queries, most, {{1}, {4}, {3, 1000}, {7, 777, 100}});
    }
    check_lists(kTensorCores, Points(data, 1), queries, 20, {{4}});
  }
}

TEST_CASE("lists agree with those of the core") {
  constexpr int kKeep = 25;
  const Points points = random_points(900, 16, 11);
  const Queries queries(40, 16, 12);
  std::vector<hullspace::Selection> selections(queries.n());
  std::vector<hullspace::ScanRequest> requests;
  for (int j = 0; j < queries.n(); ++j) {
    selections[j].reset(kKeep, kFloatInfinity);
    requests.push_back({queries.directions[j].data(), queries.weights[j], &selections[j]});
  }
  hullspace::Scanner scanner(points.set);
  CHECK(scanner.scan(requests, 1, hullspace::StopFlag{false}));
  for (const Kind& kind : {kCores, kTensorCores}) {
    const auto result =
        Scan(kind, points, queries, kKeep, {2, 500, 0}).merge(std::vector<int>(queries.n(), kKeep));
    for (int j = 0; j < queries.n(); ++j) {
      const double error = score_error(kind, points, queries.weights[j]) +
                           score_error(kCores, points, queries.weights[j]);
      auto listed = selections[j].candidates();
      std::sort(listed.begin(), listed.end());
      CHECK(std::ssize(result.points[j]) == kKeep);
      CHECK(listed.size() == kKeep);
      // The same points but for those that the errors exchange; no other scores below the bound.
      std::vector<char> is_listed(points.n());
      for (const std::int32_t i : result.points[j]) is_listed[i] = 1;
      for (const auto& candidate : listed) {
        CHECK((is_listed[candidate.point] || candidate.score >= result.bounds[j] - error));
      }
      for (int i = 0; i < kKeep; ++i) {
        const double score = exact_score(points, result.points[j][i], queries, j);
        CHECK(std::abs(score - listed[i].score) <= error);
      }
      for (int i = 0; i < points.n(); ++i) {
        CHECK((is_listed[i] || exact_score(points, i, queries, j) >= result.bounds[j] - error));
      }
    }
  }
}

TEST_CASE("thresholds only fall") {
  const float values[] = {-kFloatInfinity, -5.0F, -1e-40F,       -0.0F, 0.0F,
                          1e-40F,          3.0F,  kFloatInfinity};
  for (const float before : values) {
    for (const float value : values) {
      // The bits of floats are looked at as integers, as on the device.
      union {
        float number;
        int bits;
      } threshold{before};
      lower(&threshold.number, value);
      CHECK(threshold.number == std::min(before, value));
    }
  }
}

TEST_CASE("shares fill the device") {
  constexpr int kAtATime = 2 * 132;
  for (const int n_directions : {1, 128, 1000, 10000, 100000}) {
    for (const std::int64_t n_points : {1, 1000, 50000, 1281167}) {
      const int splits = choose_splits(n_directions, n_points, 132);
      const std::int64_t n_panels = (n_points + kTile - 1) / kTile;
      CHECK(splits >= 1);
      CHECK(splits <= n_panels);
      const double n_blocks = double((n_directions + kTile - 1) / kTile) * splits;
      const double n_waves = std::ceil(n_blocks / kAtATime);
      if (n_panels > 16 * kAtATime || n_directions * n_points == 500000000)
        CHECK(n_blocks / (n_waves * kAtATime) > 0.85);
      CHECK((n_waves <= 4 || splits == 1));
    }
  }
}
