// The formulas that decide: at, just below and just above each threshold, and where numbers are
// none, infinite or zero.
#include <cmath>
#include <limits>

#include "check.hpp"
#include "decide/ball.hpp"
#include "decide/query.hpp"
#include "decide/ray.hpp"
#include "decide/rows.hpp"
#include "decide/scan.hpp"
#include "decide/simplex.hpp"
#include "decide/support.hpp"
#include "decide/units.hpp"

using namespace hullspace;
using namespace hullspace::decide;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kLeast = std::numeric_limits<double>::denorm_min();

double above(double x) { return std::nextafter(x, kInfinity); }
double below(double x) { return std::nextafter(x, -kInfinity); }

bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

// The answer of a yes-or-no formula just below a number, at it and just above it.
struct Around {
  bool before;
  bool at;
  bool after;
  bool operator==(const Around&) const = default;
};
template <class Formula>
Around around(double x, const Formula& formula) {
  return {formula(below(x)), formula(x), formula(above(x))};
}

constexpr Around kUpTo{true, true, false};
constexpr Around kBelow{true, false, false};
constexpr Around kFrom{false, true, true};
constexpr Around kAbove{false, false, true};

}  // namespace

// --- query.hpp

TEST(a_tolerance_is_relative_but_no_sharper_than_rounding) {
  CHECK(absolute_tolerance(2.0, 1e-3, 10) == 2e-3);
  const double least = tolerances::smallest_tolerance(10);
  CHECK(absolute_tolerance(2.0, 0.0, 10) == 2.0 * least);
  CHECK(absolute_tolerance(2.0, below(least), 10) == 2.0 * least);
  CHECK(absolute_tolerance(2.0, above(least), 10) == 2.0 * above(least));
  CHECK(absolute_tolerance(0.0, 1e-3, 10) == 0.0);
}

TEST(points_enter_and_are_listed_below_shares_of_the_tolerance) {
  CHECK(pool_tolerance(4.0) == 1.0);
  CHECK(entering_score(10.0, 4.0) == 9.0);
  CHECK(scan_threshold(Goal::kProject, 10.0, 4.0, 0.5) == 8.5);
  CHECK(scan_threshold(Goal::kContain, 10.0, 4.0, 0.5) == 8.5);
  CHECK(scan_threshold(Goal::kRay, 10.0, 4.0, 0.5) == 10.5);
  // What is not listed then costs less than the tolerance, and what may enter is listed.
  CHECK(unlisted_score(scan_threshold(Goal::kProject, 10.0, 4.0, 0.5), 0.5) >= 10.0 - 4.0);
  CHECK(entering_score(10.0, 4.0) > unlisted_score(8.5, 0.5));
  CHECK(unlisted_score(kInfinity, 1.0) == kInfinity);
}

TEST(errors_lower_the_separation) {
  const Separation found = separate(5.0, 0.25, 3.0, 0.5);
  CHECK(found.lowest == 4.75 && found.margin == 1.25);
  CHECK(separate(3.0, 0.0, 3.0, kLeast).margin < 0.0);
  CHECK(separate(kInfinity, 1.0, 3.0, 1.0).margin == kInfinity);
  CHECK(std::isnan(separate(kNaN, 0.0, 3.0, 0.0).margin));
}

TEST(what_is_not_verified_of_a_distance) {
  CHECK(unverified(5.0, 4.0, 2.0, 0.0) == 1.0);
  CHECK(unverified(5.0, 6.0, 2.0, 0.0) == 0.0);
  CHECK(unverified(5.0, 6.0, 2.0, 0.25) == 0.25);
  CHECK(unverified(5.0, -kInfinity, 2.0, 0.0) == kInfinity);
  CHECK(std::isnan(unverified(5.0, 4.0, 2.0, kNaN)));
}

TEST(verdicts_of_projections) {
  const auto optimal = [](double gap) { return is_optimal(gap, 1e-9); };
  CHECK(around(1e-9, optimal) == kUpTo);
  CHECK(!is_optimal(kNaN, 1e-9) && !is_optimal(kInfinity, 1e-9) && is_optimal(0.0, 0.0));
  const auto final = [](double gap) {
    const Verdict verdict = judge(Goal::kProject, gap, kNaN, 1e-9);
    CHECK(verdict.status == (verdict.is_final ? Status::kOptimal : Status::kUndecided));
    return verdict.is_final;
  };
  CHECK(around(1e-9, final) == kUpTo);
  CHECK(!final(kNaN));
}

TEST(verdicts_of_memberships) {
  const auto outside = [](double gap, double margin) {
    const Verdict verdict = judge(Goal::kContain, gap, margin, 1e-9);
    CHECK(verdict.is_final == (verdict.status == Status::kOutside || gap <= 1e-9));
    return verdict.status == Status::kOutside;
  };
  // With a gap that is open only a margin beyond the tolerance will do, else any.
  CHECK(around(1e-9, [&](double margin) { return outside(1e-3, margin); }) == kAbove);
  CHECK(around(0.0, [&](double margin) { return outside(1e-9, margin); }) == kAbove);
  CHECK(around(0.0, [&](double margin) { return outside(above(1e-9), margin); }) ==
        (Around{false, false, false}));
  // An optimal distance that nothing separates is final, and undecided.
  CHECK(judge(Goal::kContain, 0.0, 0.0, 1e-9).is_final);
  CHECK(judge(Goal::kContain, 0.0, 0.0, 1e-9).status == Status::kUndecided);
  CHECK(!outside(0.0, kNaN) && !outside(kNaN, 1e-10) && outside(kNaN, 1.0) &&
        outside(1.0, kInfinity));
  CHECK(!is_outside(kNaN, true, 0.0) && !is_outside(0.0, true, 0.0) &&
        is_outside(kLeast, false, 0.0));
}

TEST(within_the_tolerance) {
  CHECK(around(1e-9, [](double distance) { return is_within(distance, 1e-9); }) == kUpTo);
  CHECK(!is_within(kNaN, 1.0) && is_within(0.0, 0.0) && !is_within(kInfinity, 1.0));
  CHECK(status_within(Goal::kProject) == Status::kOptimal);
  CHECK(status_within(Goal::kContain) == Status::kInside);
  CHECK(status_within(Goal::kRay) == Status::kOptimal);
  for (const Status status :
       {Status::kOptimal, Status::kInside, Status::kOutside, Status::kUndecided}) {
    CHECK(has_weights(Goal::kProject, status));
    CHECK(has_weights(Goal::kContain, status) == (status == Status::kInside));
    CHECK(has_weights(Goal::kRay, status) == (status == Status::kOptimal));
  }
}

// --- ray.hpp

TEST(steps_count_from_the_closest_point_for_far_origins) {
  const double far = tolerances::kFarOrigin * 2.0;
  const auto moves = [](double distance) { return first_step(distance, -3.0, 2.0) == -3.0; };
  CHECK(around(far, moves) == kAbove);
  CHECK(first_step(2.0 * far, 3.0, 2.0) == 0.0);  // it was closest before
  CHECK(first_step(kNaN, -3.0, 2.0) == 0.0);
  CHECK(first_step(1.0, -1.0, 0.0) == -1.0);
}

TEST(rays_leave_the_box_behind_its_walls) {
  const double wall = tolerances::kBoxSlack * 2.0 + 0.5;
  CHECK(step_to_wall(2.0, 0.5, 1.0, 0.5) == (wall - 1.0) / 0.5);
  CHECK(step_to_wall(2.0, 0.5, 1.0, -0.5) == (-wall - 1.0) / -0.5);
  CHECK(step_to_wall(0.0, 0.0, 0.0, 1.0) == 0.0);
  CHECK(step_to_wall(1.0, 0.0, 0.0, kLeast) == kInfinity);
  CHECK(wall_slack(3.0, 0.25) == 0.75);
  CHECK(wall_direction(kLeast) == -1.0 && wall_direction(-kLeast) == 1.0);
}

TEST(rays_from_afar_miss_unless_they_come_nearer) {
  CHECK(around(0.0, misses_from_afar) == kFrom);
  CHECK(!misses_from_afar(kNaN));
  CHECK(margin_from_afar(8.0) == 4.0);
}

TEST(hyperplanes_cut_rays) {
  CHECK(cut(0.5, 1.0, 10.0, 0.0) == 8.0);
  CHECK(cut(0.5, -1.0, 10.0, 0.0) == 12.0);
  CHECK(cut(0.5, 100.0, 10.0, -1.0) == -1.0);  // before the origin
  CHECK(cut(0.0, 1.0, 10.0, 0.0) == kInfinity);
  CHECK(cut(-1.0, 1.0, 10.0, 0.0) == kInfinity);
  CHECK(cut(kNaN, 1.0, 10.0, 0.0) == kInfinity);
  CHECK(cut(1.0, kInfinity, 10.0, -1.0) == -1.0);
}

TEST(margins_along_whole_rays) {
  CHECK(ray_extent(1.0, 2.0, 5.0, -1.0) == 9.0);
  CHECK(margin_at_origin(4.0, 0.5, 6.0, -1.0, 0.25) == 0.25);
  CHECK(margin_at_origin(4.0, 0.0, 6.0, -1.0, 0.0) == 4.0);
  CHECK(level_normal(2.0, 3.0, -1.0, 5.0) == 11.0);
  // Slopes below zero, and so does rounding lower the margin.
  CHECK(level_margin(2.0, 3.0, -1.0, 0.25, 2.0) == 2.5);
  CHECK(level_margin(2.0, 3.0, -1.0, 0.5, 2.0) < level_margin(2.0, 3.0, -1.0, 0.25, 2.0));
  CHECK(ray_tilt(1e-3) == 2e-3);
  // The two normals are level along the ray: their slopes cancel.
  CHECK(level_normal(2.0, -(-1.0), -1.0, -2.0) == 0.0);
}

// --- support.hpp

TEST(columns_are_projected_until_little_is_lost) {
  const double least = tolerances::kReorthogonalize * 9.0;
  CHECK(around(least, [](double square) { return is_orthogonal(square, 9.0); }) == kAbove);
  CHECK(!is_orthogonal(kNaN, 1.0) && !is_orthogonal(0.0, 0.0));
}

TEST(columns_that_depend_are_told_by_what_is_left) {
  const double least = tolerances::kDependent * 3.0;
  CHECK(around(least, [](double length) { return is_dependent(length, 9.0); }) == kUpTo);
  CHECK(is_dependent(0.0, 0.0) && is_dependent(kNaN, 1.0) && is_dependent(1.0, kNaN));
  CHECK(!is_dependent(kLeast, 0.0));
}

TEST(residuals_are_looked_at_again_where_little_is_left_of_a_whole_step) {
  const double little = tolerances::kCancellation * 5.0;
  CHECK(around(little, [](double distance) { return is_clear(1.0, distance, 5.0); }) == kAbove);
  CHECK(is_clear(below(1.0), little, 5.0));
  CHECK(is_clear(1.0, 0.0, 5.0));
  CHECK(is_clear(1.0, kNaN, 5.0) && is_clear(1.0, 1.0, kNaN));  // or it would never end
}

TEST(directions_have_length_one_or_zero) {
  CHECK(direction_factor(4.0) == -0.25);
  CHECK(direction_factor(0.0) == 0.0);
  CHECK(direction_factor(kNaN) == 0.0);
}

TEST(weights_limit_steps) {
  CHECK(around(-0.25, [](double step) { return stays_positive(0.25, step); }) == kAbove);
  CHECK(!stays_positive(0.0, 0.0) && !stays_positive(kNaN, 1.0) && stays_positive(0.0, kLeast));
  CHECK(share_to_zero(0.25, -0.5) == 0.5);
  // Of a step that takes all of a weight, rounding never makes the share more than one.
  for (const double weight : {0.1, 1e-17, 0.3, 1.0 / 3.0}) {
    for (const double factor : {1.0, 1.1, 3.0}) {
      CHECK(!stays_positive(weight, -weight * factor));
      CHECK(share_to_zero(weight, -weight * factor) <= 1.0);
    }
  }
}

TEST(points_without_weight_leave_but_for_the_last) {
  CHECK(around(0.0, gains_weight) == kAbove);
  CHECK(!gains_weight(kNaN));
  CHECK(around(0.0, [](double weight) { return leaves(weight, false); }) == kUpTo);
  CHECK(!leaves(0.0, true) && !leaves(-1.0, true));
}

// --- units.hpp

TEST(units_bring_reaches_near_one) {
  for (const double reach : {kLeast, 1e-308, 1e-150, 0.7, 1.0, 3.0, 1e150, kLargest}) {
    const Unit unit = unit_of(reach, 0.0);
    const double there = unit.to_set(reach);
    CHECK(there >= 0.5 && there < 1.0);
    CHECK(unit.to_data(there) == reach);
  }
  // One point: its distance from the origin counts, and then one.
  CHECK(unit_of(0.0, 6.0).to_set(6.0) == 0.75);
  CHECK(unit_of(0.0, 0.0).to_set(1.0) == 0.5);
  CHECK(lone_radius(4.0, Unit{}) == 2.0);
  CHECK(lone_radius(0.0, Unit{0.5, 0.25}) == 0.125);
}

TEST(boxes_have_a_middle_without_overflow) {
  CHECK(middle(1.0, 4.0) == 2.5);
  CHECK(middle(-kLargest, kLargest) == 0.0 && middle(kLargest, kLargest) == kLargest);
  CHECK(middle(3 * kLeast, 3 * kLeast) == 3 * kLeast);
  CHECK(half_width(1.0, 4.0, 2.5) == 1.5);
  CHECK(half_width(1.0, 4.0, 2.0) == 2.0 && half_width(1.0, 4.0, 3.5) == 2.5);
  CHECK(half_width(2.0, 2.0, 2.0) == 0.0);
}

TEST(query_coordinates_do_not_overflow) {
  const Unit unit = unit_of(1e300, 0.0);
  CHECK(query_coordinate(3e300, 1e300, unit) == unit.to_set(3e300 - 1e300));
  const double far = query_coordinate(kLargest, -kLargest, unit);
  CHECK(std::isfinite(far) && far == 2.0 * unit.to_set(kLargest));
  CHECK(quarter_offset(kLargest, -kLargest) == 0.5 * kLargest);
  CHECK(query_coordinate(5.0, 5.0, unit) == 0.0);
}

TEST(far_queries_are_moved_in_along_their_rays) {
  const Unit unit = unit_of(3.0, 0.0);
  const double farthest = farthest_coordinate(1.5);
  CHECK(farthest == 1.5 * tolerances::kFarthestQuery);
  const double edge = unit.to_data(0.25 * farthest);
  CHECK(around(edge, [&](double largest) { return is_far(largest, farthest, unit); }) == kAbove);
  CHECK(!is_far(kNaN, farthest, unit) && !is_far(0.0, 0.0, unit) && is_far(kLeast, 0.0, unit));
  // The largest coordinate comes to the edge, the others follow in proportion.
  CHECK(moved_in(8.0 * edge, 8.0 * edge, farthest) == farthest);
  CHECK(moved_in(-2.0 * edge, 8.0 * edge, farthest) == -0.25 * farthest);
  CHECK(far_unit(8.0 * edge, farthest) * farthest == 4.0 * 8.0 * edge);
}

TEST(answers_are_where_the_query_really_is) {
  const Unit unit{0.5, 0.25};
  const AnswerUnits near{unit, 0.0};
  CHECK(near.shrink() == 1.0 && near.distance(2.0) == 16.0 && near.margin(2.0) == 16.0);
  const AnswerUnits far{unit, 1024.0};
  CHECK(far.shrink() == 8.0 / 1024.0 && far.distance(2.0) == 2048.0);
  CHECK(far.margin(2.0) < 2048.0 && far.margin(2.0) > 2048.0 * (1.0 - 1e-11));
  CHECK(near.margin(kInfinity) == kLargest && far.margin(kLargest) == kLargest);
  CHECK(near.gap(2.0, 100.0) == 16.0 && near.gap(2.0, 3.0) == 3.0);
  CHECK(near.gap(kInfinity, 3.0) == 3.0);
}

// --- scan.hpp

TEST(thresholds_are_rounded_up) {
  for (const double x : {0.0, 1.0, -1.0, 0.1, -0.1, 1e-300, -1e-300, 1e300, -1e300, kInfinity,
                         -kInfinity, above(1.0), below(1.0), above(-1.0)}) {
    const float rounded = rounded_up(x);
    CHECK(static_cast<double>(rounded) >= x);
    const float before = std::nextafter(rounded, -std::numeric_limits<float>::infinity());
    CHECK(before < rounded ? static_cast<double>(before) < x : rounded == x);
  }
}

TEST(lists_are_complete_up_to_what_ties) {
  CHECK(tie_level(3.0, 0.25) == 3.5);
  CHECK(around(3.5, [](double unlisted) { return is_complete(3.5, unlisted); }) == kAbove);
  CHECK(is_complete(3.5, kInfinity) && !is_complete(kNaN, 1.0) && !is_complete(1.0, kNaN));
}

TEST(directions_are_brought_near_one_by_powers_of_two) {
  CHECK(near_one(6.0, 8.0) == 0.75 && near_one(-8.0, 8.0) == -1.0);
  CHECK(near_one(kLargest, kLargest) < 2.0 && near_one(kLargest, kLargest) >= 1.0);
  CHECK(near_one(0.0, 0.0) == 0.0);
}

// --- rows.hpp

TEST(squares_are_plain_between_two_sizes) {
  CHECK(around(tolerances::kTinySquare, is_plain_square) == kAbove);
  CHECK(around(tolerances::kHugeSquare, is_plain_square) == kBelow);
  CHECK(!is_plain_square(0.0) && !is_plain_square(kInfinity) && !is_plain_square(kNaN));
}

TEST(rows_are_divided_by_their_lengths) {
  CHECK(row_scale(4.0) == 0.25 && row_scale(0.0) == 0.0);
  CHECK(row_scale(kLeast) == kInfinity && must_divide(row_scale(kLeast)));
  CHECK(must_divide(row_scale(0.0)) && !must_divide(row_scale(kLargest)));
  CHECK(around(0.0, [](double bound) { return is_contradiction(0.0, bound); }) == kBelow);
  CHECK(!is_contradiction(0.5, -1.0) && !is_contradiction(0.0, kNaN));
}

TEST(bounds_have_sizes_and_a_quartile) {
  CHECK(has_size(kLeast) && has_size(-1.0) && !has_size(0.0) && !has_size(kInfinity));
  CHECK(!has_size(kNaN));
  CHECK(quartile(3) == 0 && quartile(4) == 1 && quartile(7) == 1);
  // Units of such exponents can be inverted.
  CHECK(std::ldexp(1.0, -kMostExponent) > 0.0 && std::isfinite(std::ldexp(1.0, kMostExponent)));
}

TEST(balls_start_between_the_sides_of_the_box) {
  CHECK(start_between(1.0, 4.0) == 2.5);
  CHECK(start_between(1.0, kInfinity) == 1.0 && start_between(-1.0, kInfinity) == 0.0);
  CHECK(start_between(-kInfinity, -2.0) == -2.0 && start_between(-kInfinity, 2.0) == 0.0);
  CHECK(start_between(-kInfinity, kInfinity) == 0.0);
  CHECK(start_between(4.0, 1.0) == 2.5);  // an empty box has a middle, too
  CHECK(start_between(-kLargest, kLargest) == 0.0);
}

// --- simplex.hpp

TEST(poorer_pivots_do_after_a_third_of_the_rounds) {
  CHECK(slow_speed(0) == tolerances::kSlowRow);
  CHECK(slow_speed(kMostRounds / 3 - 1) == tolerances::kSlowRow);
  CHECK(slow_speed(kMostRounds / 3) == tolerances::kSlowestRow);
  CHECK(most_steps(0, 0) == 1000 && most_steps(7, 3) == 1500);
  CHECK(most_steps(2147483647, 2147483647) > 0);
}

TEST(points_in_the_origin_have_a_size) {
  CHECK(point_size(0.0) == tolerances::kSmallestPoint && point_size(3.0) == 3.0);
  CHECK(slack_noise(2.0) == 2.0 * tolerances::kSlackNoise);
}

TEST(slopes_count_from_a_share_of_the_objective) {
  const double least = least_slope(2.0);
  CHECK(least == 2.0 * tolerances::kLeastSlope);
  CHECK(around(least * 3.0, [&](double m) { return is_slope(m, 9.0, least); }) == kAbove);
  CHECK(is_slope(-least * 3.1, 9.0, least) && !is_slope(kNaN, 9.0, least));
  CHECK(!is_slope(0.0, 0.0, 0.0));
  CHECK(steepness(-3.0, 2.0) == 4.5 && steepness(3.0, 2.0) == 0.0 && steepness(0.0, 2.0) == 0.0);
  CHECK(steepness(kNaN, 2.0) == 0.0);
  CHECK(around(least * least, [&](double square) { return is_steep(square, least); }) == kAbove);
}

TEST(rows_block_that_are_fast_enough) {
  const auto blocks = [](double speed) { return blocking_step(1.0, speed, 1e-7, 0.0) < kInfinity; };
  CHECK(around(1e-7, blocks) == kAbove);
  CHECK(!blocks(kNaN) && !blocks(-1.0) && !blocks(0.0));
  CHECK(blocking_step(1.0, 2.0, 0.0, 0.5) == 0.75);
  CHECK(blocking_step(-1.0, 2.0, 0.0, 0.5) == 0.25);  // what is violated has no room
  CHECK(blocking_step(kInfinity, 2.0, 0.0, 0.5) == kInfinity);
}

TEST(rows_that_stop_as_good_as_first_tie) {
  const double last = last_step(3.0);
  CHECK(last == 3.0 * tolerances::kTie && last > 3.0);
  CHECK(around(2.0 * last, [&](double slack) { return stops_by(slack, 2.0, last); }) == kUpTo);
  CHECK(stops_by(-1.0, 2.0, 0.0) && !stops_by(kNaN, 1.0, 1.0) && stops_by(0.0, 1.0, 0.0));
  CHECK(step_to_row(3.0, 2.0) == 1.5 && step_to_row(-3.0, 2.0) == 0.0);
  CHECK(step_to_row(kNaN, 2.0) == 0.0);
}

TEST(bounds_that_bind_are_shifted_by_shares_between_a_half_and_three_halves) {
  CHECK(shift_unit(4.0) == 4.0 * tolerances::kShift);
  CHECK(shift_unit(0.0) == tolerances::kShift);
  CHECK(shift_unit(tolerances::kSmallestPoint) == tolerances::kShift);
  CHECK(shift_unit(above(tolerances::kSmallestPoint)) < tolerances::kShift);
  CHECK(around(2.0, [](double slack) { return is_shifted(slack, 2.0); }) == kUpTo);
  CHECK(!is_shifted(kNaN, 2.0) && is_shifted(-1.0, 2.0));
  CHECK(shift_share(0) == 0.5 && shift_share(~std::uint64_t{0}) < 1.5);
  std::uint64_t seed = 0;
  double last = 0.0;
  for (int i = 0; i < 1000; ++i) {
    seed = next_seed(seed);
    CHECK(shift_share(seed) >= 0.5 && shift_share(seed) < 1.5 && shift_share(seed) != last);
    last = shift_share(seed);
  }
}

TEST(vertices_are_settled_within_their_noise) {
  CHECK(around(0.5, [](double miss) { return is_settled(miss, 4.0); }) == kUpTo);
  CHECK(around(4.0, [](double miss) { return is_noise(miss, 4.0); }) == kUpTo);
  CHECK(is_settled(0.0, 0.0) && !is_settled(kNaN, 1.0) && !is_noise(kNaN, 1.0));
  const double allowed = 5.0 * tolerances::kSlackNoise;
  CHECK(around(allowed, [](double rest) { return are_settled(rest, 2.0, 5.0); }) == kUpTo);
  CHECK(around(allowed, [](double rest) { return are_settled(rest, 5.0, 2.0); }) == kUpTo);
  CHECK(!are_settled(kNaN, 1.0, 1.0) && are_settled(0.0, 0.0, 0.0));
  const double repaired = -tolerances::kSlackRepaired * 2.0;
  CHECK(around(repaired, [](double slack) { return is_feasible(slack, 2.0); }) == kFrom);
  CHECK(is_feasible(0.0, 0.0) && !is_feasible(-kLeast, 0.0) && !is_feasible(kNaN, 1.0));
}

TEST(places_leave_in_the_order_of_their_multipliers) {
  CHECK(around(3e-7, [](double f) { return pivot_of(f, false, 9.0, 1e-7) > 0.0; }) == kAbove);
  CHECK(pivot_of(-2.0, false, 1.0, 1e-7) == 0.0 && pivot_of(-2.0, true, 1.0, 1e-7) == 2.0);
  CHECK(pivot_of(kNaN, true, 1.0, 1e-7) == 0.0 && pivot_of(0.0, true, 0.0, 1e-7) == 0.0);
  CHECK(positive_multiplier(3.0, false) == 3.0 && positive_multiplier(3.0, true) == 0.0);
  CHECK(positive_multiplier(-3.0, false) == 0.0 && positive_multiplier(kNaN, false) == 0.0);
  CHECK(leaving_step(3.0, 2.0, 1.0) == 2.0);
  CHECK(around(6.0, [](double multiplier) { return leaves_by(multiplier, 2.0, 3.0); }) == kUpTo);
  CHECK(leaves_by(5.0, 2.0, kInfinity) && !leaves_by(kNaN, 2.0, 3.0));
  // The place that leaves first always counts among those that leave by then.
  CHECK(leaves_by(0.1, 0.3, leaving_step(0.1, 0.3, least_slope(1.0))));
}

TEST(elimination_ends_where_pivots_do) {
  const double least = tolerances::kDependent;
  CHECK(around(least, is_singular) == kUpTo);
  CHECK(around(-least, is_singular) == kFrom);
  CHECK(is_singular(0.0) && is_singular(kNaN) && !is_singular(kInfinity));
}

// --- ball.hpp

TEST(multipliers_bound_the_radius) {
  const RadiusBound bound = radius_bound(2.0, 6.0, 8.0, 1.0);
  CHECK(bound.radius == 3.0 && bound.rounding == tolerances::kBalance * 5.0);
  CHECK(radius_bound(0.0, 0.0, 0.0, 1.0).radius == kInfinity);
  CHECK(around(-0.5, [](double radius) { return seems_empty({radius, 0.5}); }) == kBelow);
  CHECK(!seems_empty({kNaN, 0.5}) && !seems_empty({-1.0, kNaN}) && !seems_empty({0.0, 0.0}));
}

TEST(rows_that_cancel_prove_that_nothing_is_feasible) {
  const double cancelled = tolerances::kCancelled * 7.0 * 2.0;
  CHECK(around(cancelled, [](double misfit) {
          return proves_empty(misfit, -1e-300, 2.0, 1e9, 3.0);
        }) == kUpTo);
  // Or it holds for points far beyond the bounds that are used.
  const double far = tolerances::kFarProved * 4.0 * 0.25;
  CHECK(around(-far, [](double value) { return proves_empty(0.25, value, 0.0, 4.0, 3.0); }) ==
        kUpTo);
  CHECK(!proves_empty(kNaN, -1.0, 1.0, 1.0, 3.0) && !proves_empty(0.25, kNaN, 0.0, 4.0, 3.0));
}

TEST(unbounded_polyhedra_have_points_inside) {
  CHECK(around(0.0, is_inside) == kAbove);
  CHECK(!is_inside(kNaN));
  for (const double radius : {0.0, -1.0, -1e6}) {
    CHECK(is_inside(radius + step_inside(radius, 0.5) * 0.5));
  }
}

TEST(radii_that_rounding_made_negative_are_zero) {
  CHECK(ball_radius(2.0, 0.5) == 2.0 && ball_radius(0.25, 0.5) == 0.25);
  CHECK(ball_radius(-0.25, 0.5) == 0.0 && ball_radius(-kLeast, 0.0) == 0.0);
  CHECK(same(ball_radius(kNaN, 0.5), kNaN));
  CHECK(ball_gap(3.0, 2.0) == 1.0 && ball_gap(1.0, 2.0) == 0.0 &&
        ball_gap(kInfinity, 1.0) == kInfinity);
  CHECK(ball_status(true, false) == Status::kOptimal);
  CHECK(ball_status(true, true) == Status::kLimit && ball_status(false, false) == Status::kLimit);
}

int main() { return check::run_all(); }
