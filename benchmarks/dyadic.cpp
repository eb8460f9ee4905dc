// Exact arithmetic as linear regions need it: elimination of as many rows as dimensions, signs, and
// the operations that they are made of. It is linked with the core; benchmarks/README.md says how.
// Rows are those of units of the first, second and third layer of random networks. CPU time, the
// best of five.
#include "regions/dyadic.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <limits>
#include <random>
#include <vector>

#include "regions/exact.hpp"

namespace {

using hullspace::Dyadic;
using Row = hullspace::ExactRow;

constexpr int kCallsPerLook = 100;  // at the clock, which takes longer than a short call

// Nanoseconds of a call.
template <class Body>
double time_of(const Body& body) {
  double best = std::numeric_limits<double>::infinity();
  for (int repeat = 0; repeat < 5; ++repeat) {
    const std::clock_t start = std::clock();
    double seconds = 0.0;
    int n = 0;
    while (seconds < 0.05) {
      for (int i = 0; i < kCallsPerLook; ++i) body();
      n += kCallsPerLook;
      seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    }
    best = std::min(best, seconds / n);
  }
  return 1e9 * best;
}

Dyadic uniform(std::mt19937_64& engine) {
  return Dyadic(std::uniform_real_distribution<double>(-0.5, 0.5)(engine));
}

std::vector<Row> first_layer(std::size_t n_columns, std::mt19937_64& engine) {
  std::vector<Row> rows(24, Row(n_columns));
  for (Row& row : rows) {
    for (Dyadic& x : row) x = uniform(engine);
  }
  return rows;
}

// Combinations of half of the rows.
std::vector<Row> next_layer(const std::vector<Row>& before, std::mt19937_64& engine) {
  std::vector<Row> rows(before.size(), Row(before[0].size()));
  for (Row& row : rows) {
    row.back() = uniform(engine);
    for (const Row& other : before) {
      if (engine() % 2 == 0) continue;
      const Dyadic weight = uniform(engine);
      for (std::size_t c = 0; c < row.size(); ++c) row[c] = row[c] + weight * other[c];
    }
  }
  return rows;
}

Dyadic dot(const Row& a, const Row& b) {
  Dyadic total;
  for (std::size_t c = 0; c < a.size(); ++c) total = total + a[c] * b[c];
  return total;
}

}  // namespace

int main() {
  std::printf("dims layer  elimination us  sign ns  product ns  sum ns  quotient ns\n");
  for (const std::size_t n : {4, 6, 8}) {
    std::mt19937_64 engine(1);
    std::vector<Row> rows = first_layer(n + 1, engine);
    for (int layer = 1; layer <= 3; ++layer) {
      if (layer > 1) rows = next_layer(rows, engine);
      const std::vector<Row> meeting(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(n));
      const auto n_columns = static_cast<std::ptrdiff_t>(n + 1);
      bool independent = true;
      const double elimination = time_of([&] {
        independent = independent && hullspace::independent_rows(meeting, n_columns).size() == n;
      });
      if (!independent) return EXIT_FAILURE;
      // Numbers of the size of minors of all rows.
      Row line(n + 1, Dyadic(1.0));
      for (std::size_t c = 0; c <= n; ++c) {
        for (const Row& row : meeting) line[c] = line[c] * row[c];
      }
      int signs = 0;
      const double sign = time_of([&] { signs += dot(rows.back(), line).sign(); });
      const Dyadic product = line[0] * line[1];
      Dyadic out;
      const double multiply = time_of([&] { out = line[0] * line[1]; });
      const double add = time_of([&] { out = product + line[2]; });
      const double divide = time_of([&] { out = product / line[1]; });
      if (!(out - line[0]).is_zero() || signs == 0) return EXIT_FAILURE;
      std::printf("%4zu %5d  %14.1f  %7.0f  %10.0f  %6.0f  %11.0f\n", n, layer, 1e-3 * elimination,
                  sign, multiply, add, divide);
    }
  }
}
