// The formulas that decide about polyhedra: at, just below and just above each threshold, and where
// numbers are none, infinite or zero.
#include <doctest/doctest.h>

#include <cmath>
#include <initializer_list>
#include <limits>

#include "around.hpp"
#include "decide/ball.hpp"
#include "decide/rows.hpp"
#include "decide/simplex.hpp"

using namespace hullspace;
using namespace hullspace::decide;
using namespace tests;

// --- rows.hpp

TEST_CASE("squares are plain between two sizes") {
  CHECK(around(tolerances::kTinySquare, is_plain_square) == kAbove);
  CHECK(around(tolerances::kHugeSquare, is_plain_square) == kBelow);
  CHECK(!is_plain_square(0.0));
  CHECK(!is_plain_square(kInfinity));
  CHECK(!is_plain_square(kNaN));
}

TEST_CASE("rows are divided by their lengths") {
  CHECK(row_scale(4.0) == 0.25);
  CHECK(row_scale(0.0) == 0.0);
  CHECK(row_scale(kLeast) == kInfinity);
  CHECK(must_divide(row_scale(kLeast)));
  CHECK(must_divide(row_scale(0.0)));
  CHECK(!must_divide(row_scale(kLargest)));
  CHECK(around(0.0, [](double bound) { return is_contradiction(0.0, bound); }) == kBelow);
  CHECK(!is_contradiction(0.5, -1.0));
  CHECK(!is_contradiction(0.0, kNaN));
}

TEST_CASE("bounds have sizes and a quartile") {
  CHECK(has_size(kLeast));
  CHECK(has_size(-1.0));
  CHECK(!has_size(0.0));
  CHECK(!has_size(kInfinity));
  CHECK(!has_size(kNaN));
  CHECK(quartile(3) == 0);
  CHECK(quartile(4) == 1);
  CHECK(quartile(7) == 1);
  // Units of such exponents can be inverted.
  CHECK(std::ldexp(1.0, -kMostExponent) > 0.0);
  CHECK(std::isfinite(std::ldexp(1.0, kMostExponent)));
}

TEST_CASE("balls start between the sides of the box") {
  CHECK(start_between(1.0, 4.0) == 2.5);
  CHECK(start_between(1.0, kInfinity) == 1.0);
  CHECK(start_between(-1.0, kInfinity) == 0.0);
  CHECK(start_between(-kInfinity, -2.0) == -2.0);
  CHECK(start_between(-kInfinity, 2.0) == 0.0);
  CHECK(start_between(-kInfinity, kInfinity) == 0.0);
  CHECK(start_between(4.0, 1.0) == 2.5);  // an empty box has a middle, too
  CHECK(start_between(-kLargest, kLargest) == 0.0);
}

// --- simplex.hpp

TEST_CASE("poorer pivots do after a third of the rounds") {
  CHECK(slow_speed(0) == tolerances::kSlowRow);
  CHECK(slow_speed(kMostRounds / 3 - 1) == tolerances::kSlowRow);
  CHECK(slow_speed(kMostRounds / 3) == tolerances::kSlowestRow);
  CHECK(most_steps(0, 0) == 1000);
  CHECK(most_steps(7, 3) == 1500);
  CHECK(most_steps(2147483647, 2147483647) > 0);
}

TEST_CASE("points in the origin have a size") {
  CHECK(point_size(0.0) == tolerances::kSmallestPoint);
  CHECK(point_size(3.0) == 3.0);
  CHECK(slack_noise(2.0) == 2.0 * tolerances::kSlackNoise);
}

TEST_CASE("slopes count from a share of the objective") {
  const double least = least_slope(2.0);
  CHECK(least == 2.0 * tolerances::kLeastSlope);
  CHECK(around(least * 3.0, [&](double m) { return is_slope(m, 9.0, least); }) == kAbove);
  CHECK(is_slope(-least * 3.1, 9.0, least));
  CHECK(!is_slope(kNaN, 9.0, least));
  CHECK(!is_slope(0.0, 0.0, 0.0));
  CHECK(steepness(-3.0, 2.0) == 4.5);
  CHECK(steepness(3.0, 2.0) == 0.0);
  CHECK(steepness(0.0, 2.0) == 0.0);
  CHECK(steepness(kNaN, 2.0) == 0.0);
  CHECK(around(least * least, [&](double square) { return is_steep(square, least); }) == kAbove);
}

TEST_CASE("rows block that are fast enough") {
  const auto blocks = [](double speed) { return blocking_step(1.0, speed, 1e-7, 0.0) < kInfinity; };
  CHECK(around(1e-7, blocks) == kAbove);
  CHECK(!blocks(kNaN));
  CHECK(!blocks(-1.0));
  CHECK(!blocks(0.0));
  CHECK(blocking_step(1.0, 2.0, 0.0, 0.5) == 0.75);
  CHECK(blocking_step(-1.0, 2.0, 0.0, 0.5) == 0.25);  // what is violated has no room
  CHECK(blocking_step(kInfinity, 2.0, 0.0, 0.5) == kInfinity);
}

TEST_CASE("rows that stop as good as first tie") {
  const double last = last_step(3.0);
  CHECK(last == 3.0 * tolerances::kTie);
  CHECK(last > 3.0);
  CHECK(around(2.0 * last, [&](double slack) { return stops_by(slack, 2.0, last); }) == kUpTo);
  CHECK(stops_by(-1.0, 2.0, 0.0));
  CHECK(!stops_by(kNaN, 1.0, 1.0));
  CHECK(stops_by(0.0, 1.0, 0.0));
  CHECK(step_to_row(3.0, 2.0) == 1.5);
  CHECK(step_to_row(-3.0, 2.0) == 0.0);
  CHECK(step_to_row(kNaN, 2.0) == 0.0);
}

TEST_CASE("bounds that bind are shifted by shares between a half and three halves") {
  CHECK(shift_unit(4.0) == 4.0 * tolerances::kShift);
  CHECK(shift_unit(0.0) == tolerances::kShift);
  CHECK(shift_unit(tolerances::kSmallestPoint) == tolerances::kShift);
  CHECK(shift_unit(above(tolerances::kSmallestPoint)) < tolerances::kShift);
  CHECK(around(2.0, [](double slack) { return is_shifted(slack, 2.0); }) == kUpTo);
  CHECK(!is_shifted(kNaN, 2.0));
  CHECK(is_shifted(-1.0, 2.0));
  CHECK(shift_share(0) == 0.5);
  CHECK(shift_share(~std::uint64_t{0}) < 1.5);
  std::uint64_t seed = 0;
  double last = 0.0;
  for (int i = 0; i < 1000; ++i) {
    seed = next_seed(seed);
    CHECK(shift_share(seed) >= 0.5);
    CHECK(shift_share(seed) < 1.5);
    CHECK(shift_share(seed) != last);
    last = shift_share(seed);
  }
}

TEST_CASE("vertices are settled within their noise") {
  CHECK(around(0.5, [](double miss) { return is_settled(miss, 4.0); }) == kUpTo);
  CHECK(around(4.0, [](double miss) { return is_noise(miss, 4.0); }) == kUpTo);
  CHECK(is_settled(0.0, 0.0));
  CHECK(!is_settled(kNaN, 1.0));
  CHECK(!is_noise(kNaN, 1.0));
  const double allowed = 5.0 * tolerances::kSlackNoise;
  CHECK(around(allowed, [](double rest) { return are_settled(rest, 2.0, 5.0); }) == kUpTo);
  CHECK(around(allowed, [](double rest) { return are_settled(rest, 5.0, 2.0); }) == kUpTo);
  CHECK(!are_settled(kNaN, 1.0, 1.0));
  CHECK(are_settled(0.0, 0.0, 0.0));
  const double repaired = -tolerances::kSlackRepaired * 2.0;
  CHECK(around(repaired, [](double slack) { return is_feasible(slack, 2.0); }) == kFrom);
  CHECK(is_feasible(0.0, 0.0));
  CHECK(!is_feasible(-kLeast, 0.0));
  CHECK(!is_feasible(kNaN, 1.0));
}

TEST_CASE("places leave in the order of their multipliers") {
  CHECK(around(3e-7, [](double f) { return pivot_of(f, false, 9.0, 1e-7) > 0.0; }) == kAbove);
  CHECK(pivot_of(-2.0, false, 1.0, 1e-7) == 0.0);
  CHECK(pivot_of(-2.0, true, 1.0, 1e-7) == 2.0);
  CHECK(pivot_of(kNaN, true, 1.0, 1e-7) == 0.0);
  CHECK(pivot_of(0.0, true, 0.0, 1e-7) == 0.0);
  CHECK(positive_multiplier(3.0, false) == 3.0);
  CHECK(positive_multiplier(3.0, true) == 0.0);
  CHECK(positive_multiplier(-3.0, false) == 0.0);
  CHECK(positive_multiplier(kNaN, false) == 0.0);
  CHECK(leaving_step(3.0, 2.0, 1.0) == 2.0);
  CHECK(around(6.0, [](double multiplier) { return leaves_by(multiplier, 2.0, 3.0); }) == kUpTo);
  CHECK(leaves_by(5.0, 2.0, kInfinity));
  CHECK(!leaves_by(kNaN, 2.0, 3.0));
  // The place that leaves first always counts among those that leave by then.
  CHECK(leaves_by(0.1, 0.3, leaving_step(0.1, 0.3, least_slope(1.0))));
}

TEST_CASE("elimination ends where pivots do") {
  const double least = tolerances::kDependent;
  CHECK(around(least, is_singular) == kUpTo);
  CHECK(around(-least, is_singular) == kFrom);
  CHECK(is_singular(0.0));
  CHECK(is_singular(kNaN));
  CHECK(!is_singular(kInfinity));
}

// --- ball.hpp

TEST_CASE("multipliers bound the radius") {
  const RadiusBound bound = radius_bound(2.0, 6.0, 8.0, 1.0);
  CHECK(bound.radius == 3.0);
  CHECK(bound.rounding == tolerances::kBalance * 5.0);
  CHECK(radius_bound(0.0, 0.0, 0.0, 1.0).radius == kInfinity);
  CHECK(around(-0.5, [](double radius) { return seems_empty({radius, 0.5}); }) == kBelow);
  CHECK(!seems_empty({kNaN, 0.5}));
  CHECK(!seems_empty({-1.0, kNaN}));
  CHECK(!seems_empty({0.0, 0.0}));
}

TEST_CASE("rows that cancel prove that nothing is feasible") {
  const double cancelled = tolerances::kCancelled * 7.0 * 2.0;
  CHECK(around(cancelled, [](double misfit) {
          return proves_empty(misfit, -1e-300, 2.0, 1e9, 3.0);
        }) == kUpTo);
  // Or it holds for points far beyond the bounds that are used.
  const double far = tolerances::kFarProved * 4.0 * 0.25;
  CHECK(around(-far, [](double value) { return proves_empty(0.25, value, 0.0, 4.0, 3.0); }) ==
        kUpTo);
  CHECK(!proves_empty(kNaN, -1.0, 1.0, 1.0, 3.0));
  CHECK(!proves_empty(0.25, kNaN, 0.0, 4.0, 3.0));
}

TEST_CASE("unbounded polyhedra have points inside") {
  CHECK(around(0.0, is_inside) == kAbove);
  CHECK(!is_inside(kNaN));
  for (const double radius : {0.0, -1.0, -1e6}) {
    CHECK(is_inside(radius + step_inside(radius, 0.5) * 0.5));
  }
}

TEST_CASE("radii that rounding made negative are zero") {
  CHECK(ball_radius(2.0, 0.5) == 2.0);
  CHECK(ball_radius(0.25, 0.5) == 0.25);
  CHECK(ball_radius(-0.25, 0.5) == 0.0);
  CHECK(ball_radius(-kLeast, 0.0) == 0.0);
  CHECK(std::isnan(ball_radius(kNaN, 0.5)));
  CHECK(ball_gap(3.0, 2.0) == 1.0);
  CHECK(ball_gap(1.0, 2.0) == 0.0);
  CHECK(ball_gap(kInfinity, 1.0) == kInfinity);
  CHECK(ball_status(true, false) == Status::kOptimal);
  CHECK(ball_status(true, true) == Status::kLimit);
  CHECK(ball_status(false, false) == Status::kLimit);
}
