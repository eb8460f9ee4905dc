#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "hullspace/regions.hpp"
#include "regions/dyadic.hpp"
#include "regions/operators.hpp"

using namespace hullspace;

namespace {

// A network of linear layers with ReLU between them, of normally distributed numbers.
struct Layers {
  explicit Layers(const std::vector<std::ptrdiff_t>& widths) : widths_(widths) {
    std::mt19937_64 engine(7);
    std::normal_distribution<double> normal;
    for (std::size_t k = 0; k + 1 < widths.size(); ++k) {
      weights.emplace_back(static_cast<std::size_t>(widths[k] * widths[k + 1]));
      biases.emplace_back(static_cast<std::size_t>(widths[k + 1]));
      for (double& x : weights.back()) x = normal(engine);
      for (double& x : biases.back()) x = normal(engine);
      const double slope = k + 2 == widths.size() ? 1.0 : 0.0;
      slopes.emplace_back(static_cast<std::size_t>(widths[k + 1]), slope);
    }
  }
  std::vector<StageData> stages() const {
    std::vector<StageData> out;
    for (std::size_t k = 0; k < weights.size(); ++k) {
      StageData stage;
      stage.terms.push_back({static_cast<std::ptrdiff_t>(k),
                             DenseData{{weights[k].data(), widths_[k + 1], widths_[k]}}});
      stage.bias = biases[k];
      stage.slopes = slopes[k];
      out.push_back(stage);
    }
    return out;
  }

  std::vector<std::ptrdiff_t> widths_;
  std::vector<std::vector<double>> weights;
  std::vector<std::vector<double>> biases;
  std::vector<std::vector<double>> slopes;
};

// A box around the origin, or all of space.
struct Domain {
  Domain(std::ptrdiff_t n, double half) : n_dims(n) {
    basis.assign(static_cast<std::size_t>(n * n), 0.0);
    origin.assign(static_cast<std::size_t>(n), 0.0);
    for (std::ptrdiff_t j = 0; j < n; ++j) basis[j * n + j] = 1.0;
    if (half == 0.0) return;
    for (const double sign : {1.0, -1.0}) {
      for (std::ptrdiff_t j = 0; j < n; ++j) {
        for (std::ptrdiff_t c = 0; c < n; ++c) rows.push_back(c == j ? sign : 0.0);
        bounds.push_back(half);
      }
    }
  }
  RegionDomain view() const {
    return {{basis.data(), n_dims, n_dims},
            origin,
            {rows.data(), static_cast<std::ptrdiff_t>(bounds.size()), n_dims},
            bounds};
  }

  std::ptrdiff_t n_dims;
  std::vector<double> basis;
  std::vector<double> origin;
  std::vector<double> rows;
  std::vector<double> bounds;
};

using Pattern = std::vector<std::uint8_t>;

std::vector<Pattern> sorted_patterns(const RegionBatch& batch) {
  std::vector<Pattern> out;
  if (batch.n_regions == 0) return out;
  const auto width = batch.patterns.size() / static_cast<std::size_t>(batch.n_regions);
  for (std::size_t i = 0; i < static_cast<std::size_t>(batch.n_regions); ++i) {
    const auto first = batch.patterns.begin() + static_cast<std::ptrdiff_t>(i * width);
    out.emplace_back(first, first + static_cast<std::ptrdiff_t>(width));
  }
  std::sort(out.begin(), out.end());
  return out;
}

RegionBatch search_all(const ReluNetwork& network, const Domain& domain, RegionMethod method,
                       int n_threads) {
  RegionSearch search(network, domain.view(), method, true);
  Context context;
  context.n_threads = n_threads;
  RegionBatch batch = search.run(std::int64_t{1} << 40, 1e9, context);
  CHECK(search.open().empty());
  return batch;
}

}  // namespace

TEST_CASE("dyadic numbers are exact") {
  const Dyadic third(1.0 / 3.0);
  const Dyadic tiny(0x1p-1000);
  const Dyadic sum = third + tiny;
  CHECK((sum - third - tiny).is_zero());
  CHECK((sum - third).sign() == 1);
  CHECK((third * Dyadic(3.0) - Dyadic(1.0)).sign() == -1);
  CHECK(((third + Dyadic(2.0)) * (third - Dyadic(2.0)) - (third * third - Dyadic(4.0))).is_zero());
  CHECK(std::abs((third * third).to_double() - 1.0 / 9.0) < 1e-16);
  CHECK(Dyadic(0.0).is_zero());
}

TEST_CASE("convolutions are their rows") {
  std::mt19937_64 engine(3);
  std::normal_distribution<double> normal;
  ConvolutionData data;
  data.shape = {4, 2, 3, 2};
  data.input = {4, 6, 5};
  data.stride = {2, 1};
  data.padding = {1, 0, 2, 1};
  data.dilation = {1, 2};
  data.groups = 2;
  std::vector<double> weight(48);
  for (double& x : weight) x = normal(engine);
  data.weight = weight;
  const ConvolutionOperator operation(data);
  std::vector<double> in(static_cast<std::size_t>(operation.n_in()));
  for (double& x : in) x = normal(engine);
  std::vector<double> out(static_cast<std::size_t>(operation.n_out()));
  operation.apply(in.data(), operation.n_in(), 1, out.data(), operation.n_out());
  for (std::size_t i = 0; i < out.size(); ++i) {
    RowEntries entries;
    operation.read_row(static_cast<std::ptrdiff_t>(i), entries);
    double expected = 0.0;
    for (const auto& [place, value] : entries) expected += value * in[place];
    CHECK(std::abs(out[i] - expected) < 1e-12);
  }
}

TEST_CASE("lines in general position") {
  const Layers layers({2, 9, 1});
  const ReluNetwork network(2, layers.stages());
  const RegionBatch batch = search_all(network, Domain(2, 0.0), RegionMethod::kVertices, 1);
  CHECK(batch.n_regions == 1 + 9 + 36);
}

TEST_CASE("methods and threads agree") {
  const Layers layers({3, 8, 7, 2});
  const ReluNetwork network(3, layers.stages());
  for (const double half : {0.0, 1.0}) {
    const Domain domain(3, half);
    const RegionBatch one = search_all(network, domain, RegionMethod::kVertices, 1);
    const RegionBatch two = search_all(network, domain, RegionMethod::kVertices, 2);
    const RegionBatch other = search_all(network, domain, RegionMethod::kPrograms, 2);
    CHECK(one.n_regions > 50);
    CHECK(one.patterns == two.patterns);
    CHECK(one.points == two.points);
    CHECK(sorted_patterns(one) == sorted_patterns(other));
  }
}

TEST_CASE("a search goes on where it ended") {
  const Layers layers({3, 8, 7, 2});
  const ReluNetwork network(3, layers.stages());
  const Domain domain(3, 1.0);
  const RegionBatch whole = search_all(network, domain, RegionMethod::kVertices, 1);
  RegionSearch search(network, domain.view(), RegionMethod::kVertices, false);
  std::vector<Pattern> found;
  while (!search.open().empty()) {
    const RegionBatch part = search.run(10, 1e9, Context{});
    CHECK(part.n_regions <= 10);
    const std::vector<Pattern> patterns = sorted_patterns(part);
    found.insert(found.end(), patterns.begin(), patterns.end());
  }
  std::sort(found.begin(), found.end());
  CHECK(found == sorted_patterns(whole));
}

TEST_CASE("volumes add up") {
  const Layers layers({3, 8, 7, 2});
  const ReluNetwork network(3, layers.stages());
  const Domain domain(3, 1.0);
  RegionSearch search(network, domain.view(), RegionMethod::kVertices, false);
  const RegionBatch batch = search.run(std::int64_t{1} << 40, 1e9, Context{});
  const MatrixView<std::uint8_t> patterns{batch.patterns.data(), batch.n_regions, 2};
  const RegionShapes shapes = search.shapes(patterns, true, Context{});
  double total = 0.0;
  for (const double volume : shapes.volumes) total += volume;
  CHECK(std::abs(total - 8.0) < 1e-9);
  const BoundaryPieces pieces = search.boundary(patterns, Context{});
  CHECK(!pieces.regions.empty());
}

TEST_CASE("boundary of many classes") {
  const Layers layers({2, 40, 40, 10});
  const ReluNetwork network(2, layers.stages());
  const Domain domain(2, 10.0);
  RegionSearch search(network, domain.view(), RegionMethod::kVertices, false);
  const RegionBatch batch = search.run(std::int64_t{1} << 40, 1e9, Context{});
  const MatrixView<std::uint8_t> patterns{batch.patterns.data(), batch.n_regions, 10};
  const BoundaryPieces pieces = search.boundary(patterns, Context{});
  CHECK(pieces.regions.size() > 10);
  CHECK(pieces.vertex_starts.back() == 2 * std::ssize(pieces.regions));
  for (std::size_t i = 0; i < pieces.classes.size(); i += 2) {
    CHECK(pieces.classes[i] < pieces.classes[i + 1]);
  }
}
