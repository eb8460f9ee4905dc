// Hull calls of the CUDA library against the core's answers.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <string>

#include "clouds.hpp"
#include "cuda/interface.h"
#include "devices.hpp"
#include "hull_answers.hpp"
#include "hullspace/hull.hpp"

using namespace hullspace;

namespace {

using clouds::gaussian;
using clouds::rounded;
using clouds::Rows;
using tests::Answers;
using tests::Setting;

constexpr std::int64_t kMuch = std::int64_t{1} << 30;

const HscInterface& cuda() { return *hullspace_cuda(HULLSPACE_CUDA_VERSION); }

template <class T>
HscMatrix matrix_of(const Rows<T>& rows, std::ptrdiff_t first = 0, std::ptrdiff_t count = -1) {
  return {rows.row(first),
          count < 0 ? rows.n_rows() - first : count,
          rows.n_features,
          static_cast<int>(sizeof(T)),
          0,
          first};
}

template <class T>
std::vector<T>& operator+=(std::vector<T>& a, const std::vector<T>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// A hull on a device; failures are exceptions.
class DeviceHull {
 public:
  explicit DeviceHull(const HscMatrix& points, std::int64_t limit = kMuch)
      : call_{tests::last_device(), nullptr, limit, nullptr, nullptr} {
    require(cuda().make_hull(&call_, &points, &hull_));
  }
  ~DeviceHull() { cuda().free_hull(hull_); }
  DeviceHull(const DeviceHull&) = delete;
  DeviceHull& operator=(const DeviceHull&) = delete;

  HscHullInfo info() const {
    HscHullInfo info{};
    require(cuda().describe_hull(hull_, &info));
    return info;
  }
  std::int64_t most_queries() {
    std::int64_t n = 0;
    require(cuda().most_queries(hull_, &call_, &n));
    return n;
  }

  template <class T>
  Answers solve(int goal, const Rows<T>& queries, const Rows<T>* directions = nullptr,
                double tolerance = 1e-9, std::int64_t first_point = -1) {
    Answers all;
    all.row_starts = {0};
    const std::ptrdiff_t n = directions == nullptr ? queries.n_rows() : directions->n_rows();
    const std::int64_t at_once = most_queries();
    for (std::ptrdiff_t first = 0; first < n; first += at_once) {
      const std::ptrdiff_t count = std::min<std::ptrdiff_t>(at_once, n - first);
      const bool one = directions != nullptr && queries.n_rows() == 1;
      const HscMatrix part = one ? matrix_of(queries) : matrix_of(queries, first, count);
      const HscMatrix along = directions == nullptr ? part : matrix_of(*directions, first, count);
      HscAnswers* answers = nullptr;
      require(cuda().solve_hull(hull_, &call_, goal, &part,
                                directions == nullptr ? nullptr : &along,
                                first_point < 0 ? -1 : first_point + first, tolerance, &answers));
      append(answers, count, queries.n_features, all);
    }
    return all;
  }

  template <class T>
  std::vector<std::int32_t> supports(const Rows<T>& directions) {
    std::vector<std::int32_t> out(static_cast<std::size_t>(directions.n_rows()), -1);
    const HscMatrix matrix = matrix_of(directions);
    require(cuda().find_supports(hull_, &call_, &matrix, out.data()));
    return out;
  }

  HscCall& call() { return call_; }

 private:
  static void require(int code) {
    if (code != HSC_OK) throw std::runtime_error(cuda().last_error());
  }

  void append(HscAnswers* answers, std::ptrdiff_t n, std::ptrdiff_t n_features, Answers& all) {
    const auto size = static_cast<std::size_t>(n);
    const auto n_weights = static_cast<std::size_t>(cuda().count_weights(answers));
    Answers part;
    part.points.resize(size * static_cast<std::size_t>(n_features));
    part.normals = part.points;
    part.distances.resize(size);
    part.gaps = part.residuals = part.distances;
    part.status.resize(size);
    part.row_starts.resize(size + 1);
    part.values.resize(n_weights);
    part.columns.resize(n_weights);
    const HscHullAnswers to{part.points.data(), part.distances.data(), part.normals.data(),
                            part.gaps.data(),   part.residuals.data(), part.status.data(),
                            part.values.data(), part.columns.data(),   part.row_starts.data()};
    const int code = cuda().fetch_answers(answers, &call_, &to);
    cuda().free_answers(answers);
    require(code);
    const std::int64_t before = all.row_starts.back();
    for (std::size_t i = 1; i <= size; ++i) all.row_starts.push_back(before + part.row_starts[i]);
    all.points += part.points;
    all.distances += part.distances;
    all.normals += part.normals;
    all.gaps += part.gaps;
    all.residuals += part.residuals;
    all.status += part.status;
    all.values += part.values;
    all.columns += part.columns;
  }

  HscCall call_;
  HscHull* hull_ = nullptr;
};

// Projections and memberships of a hull on a device are those of the core.
template <class T>
void compare(const Rows<T>& points, const Rows<T>& queries, std::int64_t limit = kMuch,
             bool streamed = false) {
  const Hull core(points.view(), Context{});
  DeviceHull hull(matrix_of(points), limit);
  CHECK((hull.info().is_streamed != 0) == streamed);
  CHECK(std::abs(hull.info().scale - core.scale()) <= 1e-14 * core.scale());
  const Projections p = core.project(queries.view(), 1e-9, Context{});
  const Answers found = hull.solve(HSC_PROJECT, queries);
  check_projections(points, queries, core.scale(), p, found);
  const Memberships m = core.contains(queries.view(), 1e-9, Context{});
  check_memberships(points, queries, core.scale(), m, p.distances,
                    hull.solve(HSC_CONTAIN, queries));
  CHECK(hull.supports(queries) == core.support(queries.view(), Context{}));
}

bool fails(const char* what, const std::function<void()>& body) {
  try {
    body();
  } catch (const std::runtime_error& error) {
    return tests::mentions(error.what(), what);
  }
  return false;
}

}  // namespace

TEST_CASE("answers are the cores") {
  compare(gaussian(300, 1, 1), gaussian(20, 1, 2, 2.0));
  compare(gaussian(400, 5, 3), gaussian(40, 5, 4));
  compare(gaussian<float>(300, 16, 5), gaussian<float>(20, 16, 6));
  compare(gaussian(150, 64, 7), gaussian(8, 64, 8, 0.3));  // inside: large supports
}

TEST_CASE("blocks work on many features") {
  compare(gaussian(60, 300, 9), gaussian(3, 300, 10, 0.5));
}

TEST_CASE("scans on tensor cores give the same answers") {
  const Setting kind("HULLSPACE_CUDA_SCAN", "tensor");
  compare(gaussian(400, 5, 3), gaussian(40, 5, 4));
  compare(rounded(gaussian(300, 3, 15)), rounded(gaussian(40, 3, 16)));
  compare(gaussian(150, 64, 7), gaussian(5, 64, 8, 0.6));
}

TEST_CASE("an unknown kind of scan is named") {
  const auto points = gaussian(10, 2, 1);
  DeviceHull hull(matrix_of(points));
  const Setting kind("HULLSPACE_CUDA_SCAN", "fast");
  CHECK(fails("HULLSPACE_CUDA_SCAN must be 'float32' or 'tensor', got 'fast'",
              [&] { hull.solve(HSC_PROJECT, points); }));
}

TEST_CASE("degenerate sets") {
  compare(gaussian(1, 4, 11), gaussian(5, 4, 12));
  compare(gaussian(2, 3, 13), gaussian(5, 3, 14));
  compare(rounded(gaussian(300, 3, 15)), rounded(gaussian(40, 3, 16)));  // ties and duplicates
  Rows<double> flat = gaussian(200, 4, 17);
  for (std::size_t i = 3; i < flat.values.size(); i += 4) flat.values[i] = 7.0;
  compare(flat, gaussian(20, 4, 18, 1.0, 3.0));
  Rows<double> same{std::vector<double>(300, 0.1), 3};
  compare(same, gaussian(5, 3, 19));
}

TEST_CASE("scales and far queries") {
  compare(gaussian(200, 4, 20, 1e150, 3e150), gaussian(10, 4, 21, 1e150, 3e150));
  compare(gaussian(200, 4, 22, 1e-150), gaussian(10, 4, 23, 1e-150));
  compare(gaussian(200, 4, 24, 1e-3, 1e6), gaussian(10, 4, 25, 1e-3, 1e6));
  compare(gaussian(200, 4, 26), gaussian(10, 4, 27, 1e16));
}

TEST_CASE("sets that do not fit are streamed") {
  const auto points = gaussian(1000, 8, 28);
  compare(points, gaussian(20, 8, 29), std::int64_t{80} << 10, true);
}

TEST_CASE("answers do not depend on order or memory") {
  const auto points = gaussian(300, 6, 30);
  const auto queries = gaussian(20, 6, 31);
  DeviceHull hull(matrix_of(points));
  const Answers first = hull.solve(HSC_PROJECT, queries);
  for (const char* order : {"backward", "shuffled:1", "shuffled:2"}) {
    const Setting other("HULLSPACE_EMULATED_ORDER", order);
    CHECK(equal(first, hull.solve(HSC_PROJECT, queries)));
  }
  DeviceHull small(matrix_of(points), std::int64_t{150} << 10);
  CHECK(small.most_queries() < queries.n_rows());
  CHECK(equal(first, small.solve(HSC_PROJECT, queries)));
}

TEST_CASE("points are left out of their own hull") {
  const auto points = gaussian(120, 3, 32);
  const Hull core(points.view(), Context{});
  const Memberships expected = core.leave_one_out(1e-9, Context{});
  DeviceHull hull(matrix_of(points));
  const Answers found = hull.solve<double>(HSC_CONTAIN, points, nullptr, 1e-9, 0);
  for (std::size_t i = 0; i < found.status.size(); ++i) {
    CHECK(found.status[i] == static_cast<std::int8_t>(expected.status[i]));
  }
}

TEST_CASE("rays are the cores") {
  for (const double size : {0.2, 2.0, 1e14}) {  // from inside, outside and far away
    const auto points = gaussian(200, 3, 33);
    const auto origins = gaussian(30, 3, 34, size);
    auto directions = gaussian(30, 3, 35);
    // Every other ray goes back to where there are points.
    for (std::size_t i = 0; i < directions.values.size(); ++i) {
      if (i / 3 % 2 == 0) directions.values[i] = -origins.values[i] + 0.1 * directions.values[i];
    }
    const Hull core(points.view(), Context{});
    const Rays expected = core.ray(origins.view(), directions.view(), 1e-9, Context{});
    DeviceHull hull(matrix_of(points));
    const Answers found = hull.solve(HSC_RAY, origins, &directions);
    for (std::size_t i = 0; i < found.status.size(); ++i) {
      CHECK(found.status[i] == static_cast<std::int8_t>(expected.status[i]));
      if (expected.status[i] != Status::kOptimal) {
        CHECK(std::isnan(found.distances[i]));
        continue;
      }
      CHECK(std::abs(found.distances[i] - expected.steps[i]) <= 1e-8 * (1.0 + expected.steps[i]));
      CHECK(std::abs(found.gaps[i] - expected.offsets[i]) <= 1e-6);
      CHECK(weights_miss(found, points, i, &found.points[3 * i]) <= 1e-8);
    }
  }
}

TEST_CASE("one origin serves all rays") {
  const auto points = gaussian(100, 4, 36);
  const auto origin = gaussian(1, 4, 37, 0.1);
  const auto directions = gaussian(20, 4, 38);
  const Rays expected =
      Hull(points.view(), Context{}).ray(origin.view(), directions.view(), 1e-9, Context{});
  DeviceHull hull(matrix_of(points));
  const Answers found = hull.solve(HSC_RAY, origin, &directions);
  for (std::size_t i = 0; i < found.status.size(); ++i) {
    CHECK(std::abs(found.distances[i] - expected.steps[i]) <= 1e-9);
  }
}

TEST_CASE("bad input is named") {
  auto points = gaussian(50, 3, 39);
  DeviceHull hull(matrix_of(points));
  CHECK(fails("queries must have 3 columns (n_features), got 2",
              [&] { hull.solve(HSC_PROJECT, gaussian(4, 2, 40)); }));
  auto queries = gaussian(4, 3, 41);
  auto directions = gaussian(4, 3, 42);
  std::fill_n(directions.values.begin() + 6, 3, 0.0);
  CHECK(fails("directions must not be zero, got a row of zeros at [2]",
              [&] { hull.solve(HSC_RAY, queries, &directions); }));
  queries.values[7] = NAN;
  CHECK(fails("queries must be finite, got nan at [2, 1]",
              [&] { hull.solve(HSC_PROJECT, queries); }));
  CHECK(fails("directions must be finite, got nan at [2, 1]", [&] { hull.supports(queries); }));
  points.values[5] = -INFINITY;
  CHECK(fails("points must be finite, got -inf at [1, 2]", [&] { DeviceHull(matrix_of(points)); }));
  CHECK(fails("points must have at least one row",
              [&] { DeviceHull(matrix_of(Rows<double>{{}, 3})); }));
}

TEST_CASE("too little memory is said") {
  const auto points = gaussian(500, 8, 43);
  CHECK(fails("memory_limit of 1000 bytes is too small",
              [&] { DeviceHull(matrix_of(points), 1000); }));
  DeviceHull hull(matrix_of(points), std::int64_t{80} << 10);
  hull.call().memory_limit = std::int64_t{30} << 10;
  CHECK(fails("a query needs", [&] { hull.solve(HSC_PROJECT, gaussian(2, 8, 44)); }));
}

TEST_CASE("calls are interrupted") {
  const auto points = gaussian(300, 5, 45);
  DeviceHull hull(matrix_of(points));
  int asked = 0;
  hull.call().interrupted = [](void* data) { return ++*static_cast<int*>(data) > 1 ? 1 : 0; };
  hull.call().interrupted_data = &asked;
  CHECK(fails("interrupted", [&] { hull.solve(HSC_PROJECT, gaussian(10, 5, 46, 2.0)); }));
  hull.call().interrupted = nullptr;
  CHECK(hull.solve(HSC_PROJECT, gaussian(10, 5, 46, 2.0)).status.size() == 10);
}
