// Points and directions on a device, for tests of scans.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "cuda/scan.hpp"
#include "devices.hpp"
#include "gaussian.hpp"
#include "scan/point_set.hpp"

namespace tests {

using hullspace::cuda::Buffer;
using hullspace::cuda::DeviceMatrix;
using hullspace::cuda::Frame;
using hullspace::cuda::kTile;
using hullspace::cuda::packed_place;

inline constexpr float kFloatInfinity = std::numeric_limits<float>::infinity();

// Points on the device in the coordinates of the core's point set, times a power of two.
struct Points {
  std::vector<double> data;
  hullspace::PointSet set;
  Buffer<double> on_device;
  Buffer<double> center;
  int exponent;

  Points(std::vector<double> points, int n_features, int extra_exponent = 0)
      : data(std::move(points)),
        set(hullspace::MatrixView<double>{data.data(), std::ssize(data) / n_features, n_features},
            hullspace::Context{}),
        on_device(to_device(data)),
        center(to_device(set.center())),
        exponent(extra_exponent) {}

  int n() const { return static_cast<int>(set.n_points()); }
  int n_features() const { return static_cast<int>(set.n_features()); }
  double radius() const { return std::ldexp(set.radius(), exponent); }
  DeviceMatrix matrix() const { return {on_device.data(), n(), n_features(), true}; }
  Frame frame() const {
    return {center.data(), {std::ldexp(1.0, set.unit_exponent()), std::ldexp(1.0, exponent)}};
  }
  std::vector<double> load(int i) const {
    std::vector<double> point(n_features());
    set.load(i, point.data());
    for (double& x : point) x = std::ldexp(x, exponent);
    return point;
  }
};

inline Points random_points(int n, int n_features, unsigned seed) {
  return Points(gaussian<double>(std::size_t(n) * n_features, seed), n_features);
}

// Directions with their thresholds; every third one looks for near points.
struct Queries {
  std::vector<std::vector<double>> directions;
  std::vector<double> weights;
  std::vector<float> thresholds;
  std::vector<std::int32_t> excluded;

  Queries(int n, int n_features, unsigned seed) : thresholds(n, kFloatInfinity), excluded(n, -1) {
    for (int i = 0; i < n; ++i) {
      auto d = gaussian<double>(n_features, seed + i);
      const double norm = std::sqrt(std::inner_product(d.begin(), d.end(), d.begin(), 0.0));
      for (double& x : d) x /= norm;
      directions.push_back(d);
      weights.push_back(i % 3 == 2 ? 1.0 : 0.0);
    }
  }
  int n() const { return static_cast<int>(directions.size()); }

  Buffer<float> pack(int n_rows) const {
    // What is beyond the last direction may be anything: it would hit if it counted.
    std::vector<float> packed(std::size_t(n() + kTile - 1) / kTile * kTile * n_rows, -1e3F);
    for (int i = 0; i < n(); ++i) {
      const int n_features = static_cast<int>(directions[i].size());
      for (int k = 0; k < n_rows; ++k) {
        const double x = k < n_features ? directions[i][k] : k == n_features ? weights[i] : 0.0;
        packed[packed_place(i, k, n_rows)] = static_cast<float>(x);
      }
    }
    return to_device(packed);
  }
};

inline double exact_score(const Points& points, int i, const Queries& queries, int j) {
  const auto p = points.load(i);
  return std::inner_product(p.begin(), p.end(), queries.directions[j].begin(), 0.0) +
         0.5 * queries.weights[j] * std::inner_product(p.begin(), p.end(), p.begin(), 0.0);
}

}  // namespace tests
