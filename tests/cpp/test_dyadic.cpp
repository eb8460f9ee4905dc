// Exact numbers against sums of signed powers of two, and what is solved with them.
#include "regions/dyadic.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "gaussian.hpp"
#include "regions/exact.hpp"
#include "regions/small_systems.hpp"

using namespace hullspace;

namespace {

// How often each power of two is in a number.
using Powers = std::map<std::int64_t, std::int64_t>;

Powers powers_of(double value) {
  Powers out;
  int exponent = 0;
  const double mantissa = std::frexp(value, &exponent);
  auto rest = static_cast<std::int64_t>(std::ldexp(std::abs(mantissa), 53));
  for (std::int64_t place = exponent - 53; rest != 0; ++place, rest /= 2) {
    if (rest % 2 != 0) out[place] = value > 0.0 ? 1 : -1;
  }
  return out;
}

Powers sum(const Powers& a, const Powers& b, int sign_of_b) {
  Powers out(a);
  for (const auto& [place, count] : b) out[place] += sign_of_b * count;
  return out;
}

Powers product(const Powers& a, const Powers& b) {
  Powers out;
  for (const auto& [place, count] : a) {
    for (const auto& [other, more] : b) out[place + other] += count * more;
  }
  return out;
}

// The same number with each power once at most, all of one sign, and that sign.
int carry(Powers& powers) {
  for (const int sign : {1, -1}) {
    Powers out;
    std::int64_t carried = 0;
    std::int64_t place = powers.empty() ? 0 : powers.begin()->first;
    auto next = powers.begin();
    for (; next != powers.end() || carried > 0 || carried < -1; ++place) {
      if (next != powers.end() && next->first == place) carried += sign * next++->second;
      const std::int64_t bit = carried & 1;
      if (bit != 0) out[place] = 1;
      carried = (carried - bit) / 2;
      if (carried == 0 && next != powers.end()) place = next->first - 1;
    }
    if (carried < 0) continue;
    for (auto& [unused, count] : out) count = sign;
    powers = out;
    return powers.empty() ? 0 : sign;
  }
  return 0;
}

struct Pair {
  Dyadic number;
  Powers powers;
};

void check_equal(const Pair& pair) {
  Powers powers = pair.powers;
  CHECK(pair.number.sign() == carry(powers));
  // Its highest bits as a double, where that is no infinity and not denormal.
  if (powers.empty()) return;
  const std::int64_t top = powers.rbegin()->first;
  if (top < -1020 || top > 1022) return;
  double expected = 0.0;
  for (auto bit = powers.rbegin(); bit != powers.rend() && bit->first > top - 60; ++bit) {
    expected += std::ldexp(static_cast<double>(bit->second), static_cast<int>(bit->first));
  }
  CHECK(std::abs(pair.number.to_double() - expected) <= 0x1p-51 * std::abs(expected));
}

Pair combined(const Pair& a, const Pair& b, unsigned kind) {
  if (kind == 0) return {a.number + b.number, sum(a.powers, b.powers, 1)};
  if (kind == 1) return {a.number - b.number, sum(a.powers, b.powers, -1)};
  return {a.number * b.number, product(a.powers, b.powers)};
}

// Doubles of many kinds: whole numbers, short and full mantissas, the smallest and the largest.
double some_double(std::mt19937_64& engine) {
  const double mantissa = std::uniform_real_distribution<double>(-1.0, 1.0)(engine);
  switch (engine() % 6) {
    case 0:
      return std::round(mantissa * 4.0);
    case 1:
      return std::ldexp(std::round(mantissa * 0x1p24), static_cast<int>(engine() % 100) - 50);
    case 2:
      return std::ldexp(mantissa, static_cast<int>(engine() % 2000) - 1000);
    case 3:
      return mantissa > 0.0 ? 0x1p-1074 : -0x1.fffffffffffffp1023;
    case 4:
      return std::ldexp(mantissa, -1040);  // denormal
    default:
      return mantissa;
  }
}

Dyadic power(Dyadic x, int n) {
  Dyadic out(1.0);
  for (int i = 0; i < n; ++i) out = out * x;
  return out;
}

}  // namespace

TEST_CASE("sums and products are those of powers of two") {
  std::mt19937_64 engine(1);
  for (int round = 0; round < 400; ++round) {
    std::vector<Pair> pool;
    for (int i = 0; i < 4; ++i) {
      const double x = some_double(engine);
      pool.push_back({Dyadic(x), powers_of(x)});
    }
    for (int step = 0; step < 6; ++step) {
      const Pair& a = pool[engine() % pool.size()];
      const Pair& b = pool[engine() % pool.size()];
      const bool is_small = a.powers.size() * b.powers.size() < 40000;
      Pair next = combined(a, b, static_cast<unsigned>(engine() % (is_small ? 3 : 2)));
      carry(next.powers);
      check_equal(next);
      pool.push_back(std::move(next));
    }
  }
}

TEST_CASE("products of whole numbers are those of wide integers") {
  __extension__ using Wide = __int128;
  std::mt19937_64 engine(2);
  for (int i = 0; i < 2000; ++i) {
    const auto draw = [&] { return static_cast<std::int64_t>(engine()) >> (engine() % 63); };
    const std::int64_t a = draw() >> 11;
    const std::int64_t b = draw() >> 11;
    const std::int64_t c = draw() >> 11;
    const Wide exact = Wide{a} * b - Wide{c} * (b + 1);
    const Dyadic found = Dyadic(double(a)) * Dyadic(double(b)) -
                         Dyadic(double(c)) * (Dyadic(double(b)) + Dyadic(1.0));
    CHECK(found.sign() == (exact > 0 ? 1 : exact < 0 ? -1 : 0));
    const auto high = static_cast<std::int64_t>(exact >> 52);
    const auto low = static_cast<std::int64_t>(exact - (Wide{high} << 52));
    CHECK((found - (Dyadic(double(high)) * Dyadic(0x1p52) + Dyadic(double(low)))).is_zero());
  }
}

TEST_CASE("numbers that nearly cancel keep what is left") {
  for (const int n : {1, 2, 5, 9, 20, 60}) {
    const Dyadic large = power(Dyadic(-0x1.fffffffffffffp1023), 2 * n);
    const Dyadic tiny = power(Dyadic(0x1p-1074), n);
    CHECK((large + tiny - large - tiny).is_zero());
    CHECK((large + tiny - large).sign() == 1);
    CHECK((large - tiny - large).sign() == -1);
    CHECK((-large - tiny + large).sign() == -1);
    CHECK((large * tiny - tiny * large).is_zero());
    // A carry, and a borrow, through all words.
    const Dyadic full = power(Dyadic(2.0), 64 * n) - Dyadic(1.0);
    CHECK((full + Dyadic(1.0) - power(Dyadic(2.0), 64 * n)).is_zero());
    CHECK(((full + Dyadic(1.0)) * full - full * full - full).is_zero());
  }
}

TEST_CASE("quotients are exact where they are dyadic") {
  std::mt19937_64 engine(3);
  for (int round = 0; round < 2000; ++round) {
    Dyadic a(some_double(engine));
    Dyadic b(0.75);
    for (auto n = engine() % 12; n > 0; --n) a = a * Dyadic(some_double(engine)) + Dyadic(0.3);
    for (auto n = engine() % 12; n > 0; --n) b = b * Dyadic(some_double(engine)) - Dyadic(0.7);
    if (b.is_zero()) continue;
    CHECK((a * b / b - a).is_zero());
    CHECK(((Dyadic() - a) * b / b + a).is_zero());
    CHECK((b * Dyadic(0x1p70) / b - Dyadic(0x1p70)).is_zero());
  }
  CHECK((Dyadic() / Dyadic(3.0)).is_zero());
}

TEST_CASE("copies are their own, on the heap and in place") {
  const Dyadic small(1.5);
  const Dyadic large = power(Dyadic(1.0 / 3.0), 40);
  std::vector<Dyadic> numbers{small, large};
  for (int i = 0; i < 20; ++i) numbers.push_back(numbers[numbers.size() - 2]);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    CHECK((numbers[i] - (i % 2 == 0 ? small : large)).is_zero());
  }
  Dyadic changing = large;
  const Dyadic taken = std::move(changing);
  changing = small;
  CHECK((changing - small).is_zero());
  changing = taken;
  Dyadic& same = changing;
  changing = same;
  CHECK((changing - large).is_zero());
  changing = changing * changing;
  CHECK((changing - large * large).is_zero());
  CHECK((taken - large).is_zero());
}

TEST_CASE("rows that depend on those before are found") {
  std::mt19937_64 engine(4);
  for (const std::ptrdiff_t n : {1, 2, 5, 9, 12}) {
    std::vector<ExactRow> rows;
    std::vector<std::ptrdiff_t> expected;
    for (std::ptrdiff_t i = 0; i < n; ++i) {
      ExactRow row;
      for (std::ptrdiff_t c = 0; c < n; ++c) row.emplace_back(some_double(engine) + 0.1);
      expected.push_back(std::ssize(rows));
      rows.push_back(row);
      // A combination of all so far.
      for (const ExactRow& before : rows) {
        const Dyadic factor(some_double(engine));
        for (std::ptrdiff_t c = 0; c < n; ++c) row[c] = row[c] + factor * before[c];
      }
      if (i + 1 < n) rows.push_back(row);
    }
    CHECK(independent_rows(rows, n) == expected);
  }
}

TEST_CASE("what is off of a refined vector is within its bound") {
  std::mt19937_64 engine(5);
  for (int round = 0; round < 500; ++round) {
    const std::ptrdiff_t n = 1 + round % 9;
    // Whole numbers, so that the rows are orthogonal to a vector exactly.
    std::vector<double> truth;
    for (std::ptrdiff_t c = 0; c <= n; ++c) truth.push_back(double(engine() % 17) - 8.0);
    const auto kept = static_cast<std::ptrdiff_t>(engine() % static_cast<unsigned>(n + 1));
    truth[kept] = engine() % 2 == 0 ? 8.0 : -8.0;
    for (double& x : truth) x /= 8.0;
    std::vector<double> rows(static_cast<std::size_t>(n * (n + 1)), 0.0);
    for (std::ptrdiff_t i = 0; i < n; ++i) {
      for (std::ptrdiff_t c = 0; c <= n; ++c) {
        if (c == kept) continue;
        const double factor = double(engine() % 9) - 4.0;
        rows[i * (n + 1) + c] = factor * truth[kept];
        rows[i * (n + 1) + kept] -= factor * truth[c];
      }
    }
    std::vector<double> x = truth;
    const std::vector<double> noise = tests::gaussian<double>(x.size(), unsigned(round));
    for (std::ptrdiff_t c = 0; c <= n; ++c) {
      if (c != kept) x[c] = std::clamp(x[c] + 1e-3 * noise[c], -1.0, 1.0);
    }
    std::vector<double> memory;
    const std::vector<double> doubts(static_cast<std::size_t>(n), 1e-14);
    const std::optional<double> bound =
        refine_kernel(rows.data(), doubts.data(), n, kept, x.data(), memory);
    const bool independent = [&] {
      std::vector<ExactRow> exact;
      for (std::ptrdiff_t i = 0; i < n; ++i) {
        exact.emplace_back();
        for (std::ptrdiff_t c = 0; c <= n; ++c) exact.back().emplace_back(rows[i * (n + 1) + c]);
      }
      return std::ssize(independent_rows(exact, n + 1)) == n;
    }();
    CHECK(bound.has_value() == independent);
    if (!bound) continue;
    CHECK(*bound < 1e-6);  // from a thousandth, with rows that may be nearly dependent
    CHECK(x[kept] == truth[kept]);
    for (std::ptrdiff_t c = 0; c <= n; ++c) CHECK(std::abs(x[c] - truth[c]) <= *bound);
  }
}
