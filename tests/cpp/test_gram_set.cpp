#include "hull/gram_set.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "gaussian.hpp"

using namespace hullspace;

namespace {

struct Pool {
  int n_features;
  std::vector<double> points;
  std::vector<double> query;

  int size() const { return int(points.size()) / n_features; }
  double dot(const double* a, const double* b) const {
    double sum = 0.0;
    for (int j = 0; j < n_features; ++j) sum += a[j] * b[j];
    return sum;
  }
  const double* point(int i) const { return &points[std::size_t(i) * n_features]; }

  void give(GramSet& set, int first, int last) const {
    set.resize(last);
    for (int i = first; i < last; ++i) {
      for (int j = 0; j < last; ++j) set.products(i)[j] = dot(point(i), point(j)) + 1.0;
      set.set_point(i, dot(point(i), query.data()) + 1.0);
    }
  }

  // By how much a usable point improves on the set's answer, in lengths; weights are checked too.
  double violation(const GramSet& set, const std::vector<char>& usable) const {
    std::vector<double> to_query = query;
    double sum = 0.0;
    for (std::size_t i = 0; i < set.support().size(); ++i) {
      CHECK(set.weights()[i] > 0.0);
      CHECK(usable[set.support()[i]] != 0);
      sum += set.weights()[i];
      for (int j = 0; j < n_features; ++j) {
        to_query[j] -= set.weights()[i] * point(int(set.support()[i]))[j];
      }
    }
    CHECK(std::abs(sum - 1.0) < 1e-9);
    const double distance = std::sqrt(dot(to_query.data(), to_query.data()));
    if (distance < 1e-6) return 0.0;  // as near as products can tell
    double worst = 0.0;
    for (int i = 0; i < size(); ++i) {
      if (usable[i] == 0) continue;
      double gain = 0.0;
      for (int j = 0; j < n_features; ++j) {
        gain += (point(i)[j] - query[j] + to_query[j]) * to_query[j];
      }
      worst = std::max(worst, gain / distance);
    }
    return worst;
  }
};

Pool random_pool(unsigned seed, int n_features, int n_points, double reach) {
  Pool pool{n_features, tests::gaussian<double>(std::size_t(n_points) * n_features, seed),
            tests::gaussian<double>(n_features, 1000 + seed)};
  for (double& x : pool.points) x *= 0.3;
  for (double& x : pool.query) x *= reach;
  return pool;
}

}  // namespace

TEST_CASE("optimal for all and for usable points as they come") {
  for (unsigned seed = 0; seed < 60; ++seed) {
    const Pool pool = random_pool(seed, 2 + int(seed % 13), 40, 2.0);
    GramSet set;
    for (int repeat = 0; repeat < 2; ++repeat) {  // once more after reset
      set.reset(pool.dot(pool.query.data(), pool.query.data()) + 1.0);
      pool.give(set, 0, 10);
      std::vector<char> usable(40, 0);
      std::fill_n(usable.begin(), 10, 1);
      set.solve(usable, 1e-10);
      CHECK(pool.violation(set, usable) < 1e-9);
      pool.give(set, 10, 40);
      std::fill(usable.begin(), usable.end(), 1);
      for (int i = 0; i < 40; i += 3) usable[i] = 0;
      for (const auto i : set.support()) usable[i] = 1;
      set.solve(usable, 1e-10);
      CHECK(pool.violation(set, usable) < 1e-9);
      CHECK(std::ssize(set.support()) <= pool.n_features + 1);
    }
  }
}

TEST_CASE("equal and flat points and queries in the hull end") {
  for (unsigned seed = 0; seed < 30; ++seed) {
    Pool pool = random_pool(seed, 8, 30, seed % 3 == 0 ? 0.0 : 1.5);
    for (int i = 15; i < 30; ++i) {
      for (int j = 0; j < 8; ++j) {
        pool.points[std::size_t(i) * 8 + j] = pool.points[std::size_t(i - 15) * 8 + j];
      }
    }
    if (seed % 2 == 0) {
      for (std::size_t k = 0; k < pool.points.size(); k += 8) pool.points[k] = 0.25;
    }
    const std::vector<char> usable(30, 1);
    GramSet set;
    set.reset(pool.dot(pool.query.data(), pool.query.data()) + 1.0);
    pool.give(set, 0, 30);
    set.solve(usable, 1e-10);
    CHECK(!set.support().empty());
    if (seed % 3 != 0) CHECK(pool.violation(set, usable) < 1e-8);
  }
}
