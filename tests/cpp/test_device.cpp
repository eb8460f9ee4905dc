// What the core asks of the CUDA library, on emulated devices: the tests' environment names them.
#include "hullspace/device.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>

#include "gaussian.hpp"
#include "hullspace/error.hpp"
#include "hullspace/hull.hpp"

using namespace hullspace;

namespace {

constexpr std::ptrdiff_t kFeatures = 5;

struct Rows {
  std::vector<double> values;

  std::ptrdiff_t size() const { return std::ssize(values) / kFeatures; }
  MatrixView<double> view() const { return {values.data(), size(), kFeatures}; }
};

Rows gaussian(std::size_t n, unsigned seed) {
  return {tests::gaussian<double>(n * kFeatures, seed)};
}

template <class T>
std::vector<T> read(const DeviceBuffer<T>& buffer, const DeviceContext& context) {
  std::vector<T> values(static_cast<std::size_t>(buffer.size));
  copy(values.data(), buffer.data.get(), buffer.size * static_cast<std::int64_t>(sizeof(T)),
       context);
  return values;
}

void check_same(const DeviceAnswers& found, const DeviceAnswers& expected,
                const DeviceContext& context) {
  CHECK(read(found.distances, context) == read(expected.distances, context));
  CHECK(read(found.points, context) == read(expected.points, context));
  CHECK(read(found.status, context) == read(expected.status, context));
  CHECK(read(found.weights.values, context) == read(expected.weights.values, context));
  CHECK(read(found.weights.columns, context) == read(expected.weights.columns, context));
  CHECK(read(found.weights.row_starts, context) == read(expected.weights.row_starts, context));
}

}  // namespace

TEST_CASE("devices are counted and described") {
  const DeviceCount count = count_devices();
  CHECK(count.n == 2);
  CHECK(count.reason.empty());
  CHECK(describe_device(1).total_memory > 0);
  CHECK_THROWS_AS(describe_device(2), DeviceError);
  CHECK(!cuda_library_path().empty());
}

TEST_CASE("pieces and places give the same answers") {
  const Rows points = gaussian(300, 1);
  const Rows queries = gaussian(60, 2);
  DeviceContext context{1};
  DeviceHull hull({points.view()}, context);
  const PlacedMatrix host{queries.view()};
  const DeviceAnswers expected = hull.project(host, 1e-9, Place::kHost, context);
  const Projections cpu = Hull(points.view(), {1}).project(queries.view(), 1e-9, {1});
  for (std::ptrdiff_t i = 0; i < queries.size(); ++i) {
    CHECK(std::abs(expected.distances.data.get()[i] - cpu.distances[i]) <= 2e-9 * hull.scale());
  }
  const auto n_bytes = static_cast<std::int64_t>(queries.values.size() * sizeof(double));
  const auto memory = allocate(n_bytes, Place::kDevice, context);
  copy(memory.get(), queries.values.data(), n_bytes, context);
  const PlacedMatrix device{
      MatrixView<double>{static_cast<double*>(memory.get()), queries.size(), kFeatures},
      Place::kDevice};
  check_same(hull.project(device, 1e-9, Place::kDevice, context), expected, context);

  context.memory_limit = 1 << 18;  // for some queries at a time
  DeviceHull frugal({points.view()}, context);
  CHECK(frugal.memory_limit() == 1 << 18);
  for (const Place to : {Place::kHost, Place::kDevice}) {
    check_same(frugal.project(device, 1e-9, to, context), expected, context);
  }
}

TEST_CASE("no queries have no answers") {
  const Rows points = gaussian(20, 3);
  const DeviceContext context{};
  DeviceHull hull({points.view()}, context);
  for (const Place to : {Place::kHost, Place::kDevice}) {
    const DeviceAnswers none =
        hull.contains({MatrixView<double>{nullptr, 0, kFeatures}}, 1e-9, to, context);
    CHECK(none.n_queries == 0);
    CHECK(none.status.size == 0);
    CHECK(read(none.weights.row_starts, context) == std::vector<std::int64_t>{0});
  }
}

TEST_CASE("failures are exceptions") {
  Rows points = gaussian(50, 4);
  DeviceContext context{};
  DeviceHull hull({points.view()}, context);
  const PlacedMatrix narrow{MatrixView<double>{points.values.data(), 2, kFeatures - 1}};
  CHECK_THROWS_AS(hull.project(narrow, 1e-9, Place::kHost, context), ArgumentError);
  CHECK_THROWS_AS(hull.support(narrow, Place::kHost, context), ArgumentError);
  Rows bad = points;
  bad.values[7] = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_AS(hull.project({bad.view()}, 1e-9, Place::kHost, context), ArgumentError);
  CHECK_THROWS_AS(DeviceHull({bad.view()}, context), ArgumentError);
  CHECK_THROWS_AS(DeviceHull({points.view()}, DeviceContext{7}), DeviceError);
  context.memory_limit = 100;
  const auto project = [&] {
    DeviceHull small({points.view()}, context);
    small.project({points.view()}, 1e-9, Place::kHost, context);
  };
  CHECK_THROWS_AS(project(), DeviceMemoryError);
}

TEST_CASE("a call can be interrupted") {
  const Rows points = gaussian(1000, 5);
  Rows queries;
  for (int i = 0; i < 200; ++i)
    queries.values.insert(queries.values.end(), points.values.begin(), points.values.end());
  DeviceContext context{};
  context.memory_limit = 1 << 18;
  DeviceHull hull({points.view()}, context);
  context.interrupted = [] { return true; };
  CHECK_THROWS_AS(hull.contains({queries.view()}, 1e-9, Place::kHost, context), Interrupted);
  context.interrupted = nullptr;
  CHECK(hull.support({points.view()}, Place::kHost, context).size == points.size());
}

TEST_CASE("largest balls") {
  // The unit cube and a cube of twice the size, with shared rows.
  std::vector<double> rows(2 * kFeatures * kFeatures, 0.0);
  for (std::ptrdiff_t i = 0; i < kFeatures; ++i) {
    rows[static_cast<std::size_t>(i * kFeatures + i)] = 1.0;
    rows[static_cast<std::size_t>((kFeatures + i) * kFeatures + i)] = -1.0;
  }
  std::vector<double> bounds(2 * kFeatures, 0.5);
  bounds.resize(4 * kFeatures, 1.0);
  const std::vector<std::int64_t> starts{0, 2 * kFeatures, 4 * kFeatures};
  const Polyhedra cubes{{rows.data(), 2 * kFeatures, kFeatures}, bounds, starts};
  const DeviceContext context{};
  for (const Place to : {Place::kHost, Place::kDevice}) {
    const DeviceCenters found = chebyshev_centers(cubes, Place::kHost, to, context);
    const std::vector<double> radii = read(found.radii, context);
    CHECK(std::abs(radii[0] - 0.5) < 1e-12);
    CHECK(std::abs(radii[1] - 1.0) < 1e-12);
    CHECK(read(found.duals, context).size() == bounds.size());
  }
}
