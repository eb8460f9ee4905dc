// The formulas that decide about hulls: at, just below and just above each threshold, and where
// numbers are none, infinite or zero.
#include <doctest/doctest.h>

#include <cmath>
#include <initializer_list>
#include <limits>

#include "around.hpp"
#include "decide/query.hpp"
#include "decide/ray.hpp"
#include "decide/scan.hpp"
#include "decide/support.hpp"
#include "decide/units.hpp"

using namespace hullspace;
using namespace hullspace::decide;
using namespace tests;

// --- query.hpp

TEST_CASE("a tolerance is relative but no sharper than rounding") {
  CHECK(absolute_tolerance(2.0, 1e-3, 10) == 2e-3);
  const double least = tolerances::smallest_tolerance(10);
  CHECK(absolute_tolerance(2.0, 0.0, 10) == 2.0 * least);
  CHECK(absolute_tolerance(2.0, below(least), 10) == 2.0 * least);
  CHECK(absolute_tolerance(2.0, above(least), 10) == 2.0 * above(least));
  CHECK(absolute_tolerance(0.0, 1e-3, 10) == 0.0);
}

TEST_CASE("points enter and are listed below shares of the tolerance") {
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

TEST_CASE("errors lower the separation") {
  const Separation found = separate(5.0, 0.25, 3.0, 0.5);
  CHECK(found.lowest == 4.75);
  CHECK(found.margin == 1.25);
  CHECK(separate(3.0, 0.0, 3.0, kLeast).margin < 0.0);
  CHECK(separate(kInfinity, 1.0, 3.0, 1.0).margin == kInfinity);
  CHECK(std::isnan(separate(kNaN, 0.0, 3.0, 0.0).margin));
}

TEST_CASE("what is not verified of a distance") {
  CHECK(unverified(5.0, 4.0, 2.0, 0.0) == 1.0);
  CHECK(unverified(5.0, 6.0, 2.0, 0.0) == 0.0);
  CHECK(unverified(5.0, 6.0, 2.0, 0.25) == 0.25);
  CHECK(unverified(5.0, -kInfinity, 2.0, 0.0) == kInfinity);
  CHECK(std::isnan(unverified(5.0, 4.0, 2.0, kNaN)));
}

TEST_CASE("verdicts of projections") {
  const auto optimal = [](double gap) { return is_optimal(gap, 1e-9); };
  CHECK(around(1e-9, optimal) == kUpTo);
  CHECK(!is_optimal(kNaN, 1e-9));
  CHECK(!is_optimal(kInfinity, 1e-9));
  CHECK(is_optimal(0.0, 0.0));
  const auto final = [](double gap) {
    const Verdict verdict = judge(Goal::kProject, gap, kNaN, 1e-9);
    CHECK(verdict.status == (verdict.is_final ? Status::kOptimal : Status::kUndecided));
    return verdict.is_final;
  };
  CHECK(around(1e-9, final) == kUpTo);
  CHECK(!final(kNaN));
}

TEST_CASE("verdicts of memberships") {
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
  CHECK(!outside(0.0, kNaN));
  CHECK(!outside(kNaN, 1e-10));
  CHECK(outside(kNaN, 1.0));
  CHECK(outside(1.0, kInfinity));
  CHECK(!is_outside(kNaN, true, 0.0));
  CHECK(!is_outside(0.0, true, 0.0));
  CHECK(is_outside(kLeast, false, 0.0));
}

TEST_CASE("within the tolerance") {
  CHECK(around(1e-9, [](double distance) { return is_within(distance, 1e-9); }) == kUpTo);
  CHECK(!is_within(kNaN, 1.0));
  CHECK(is_within(0.0, 0.0));
  CHECK(!is_within(kInfinity, 1.0));
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

TEST_CASE("steps count from the closest point for far origins") {
  const double far = tolerances::kFarOrigin * 2.0;
  const auto moves = [](double distance) { return first_step(distance, -3.0, 2.0) == -3.0; };
  CHECK(around(far, moves) == kAbove);
  CHECK(first_step(2.0 * far, 3.0, 2.0) == 0.0);  // it was closest before
  CHECK(first_step(kNaN, -3.0, 2.0) == 0.0);
  CHECK(first_step(1.0, -1.0, 0.0) == -1.0);
}

TEST_CASE("rays leave the box behind its walls") {
  const double wall = tolerances::kBoxSlack * 2.0 + 0.5;
  CHECK(step_to_wall(2.0, 0.5, 1.0, 0.5) == (wall - 1.0) / 0.5);
  CHECK(step_to_wall(2.0, 0.5, 1.0, -0.5) == (-wall - 1.0) / -0.5);
  CHECK(step_to_wall(0.0, 0.0, 0.0, 1.0) == 0.0);
  CHECK(step_to_wall(1.0, 0.0, 0.0, kLeast) == kInfinity);
  CHECK(wall_slack(3.0, 0.25) == 0.75);
  CHECK(wall_direction(kLeast) == -1.0);
  CHECK(wall_direction(-kLeast) == 1.0);
}

TEST_CASE("rays from afar miss unless they come nearer") {
  CHECK(around(0.0, misses_from_afar) == kFrom);
  CHECK(!misses_from_afar(kNaN));
  CHECK(margin_from_afar(8.0) == 4.0);
}

TEST_CASE("hyperplanes cut rays") {
  CHECK(cut(0.5, 1.0, 10.0, 0.0) == 8.0);
  CHECK(cut(0.5, -1.0, 10.0, 0.0) == 12.0);
  CHECK(cut(0.5, 100.0, 10.0, -1.0) == -1.0);  // before the origin
  CHECK(cut(0.0, 1.0, 10.0, 0.0) == kInfinity);
  CHECK(cut(-1.0, 1.0, 10.0, 0.0) == kInfinity);
  CHECK(cut(kNaN, 1.0, 10.0, 0.0) == kInfinity);
  CHECK(cut(1.0, kInfinity, 10.0, -1.0) == -1.0);
}

TEST_CASE("margins along whole rays") {
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

TEST_CASE("columns are projected until little is lost") {
  const double least = tolerances::kReorthogonalize * 9.0;
  CHECK(around(least, [](double square) { return is_orthogonal(square, 9.0); }) == kAbove);
  CHECK(!is_orthogonal(kNaN, 1.0));
  CHECK(!is_orthogonal(0.0, 0.0));
}

TEST_CASE("columns that depend are told by what is left") {
  const double least = tolerances::kDependent * 3.0;
  CHECK(around(least, [](double length) { return is_dependent(length, 9.0); }) == kUpTo);
  CHECK(is_dependent(0.0, 0.0));
  CHECK(is_dependent(kNaN, 1.0));
  CHECK(is_dependent(1.0, kNaN));
  CHECK(!is_dependent(kLeast, 0.0));
}

TEST_CASE("residuals are looked at again where little is left of a whole step") {
  const double little = tolerances::kCancellation * 5.0;
  CHECK(around(little, [](double distance) { return is_clear(1.0, distance, 5.0); }) == kAbove);
  CHECK(is_clear(below(1.0), little, 5.0));
  CHECK(is_clear(1.0, 0.0, 5.0));
  CHECK(is_clear(1.0, kNaN, 5.0));
  CHECK(is_clear(1.0, 1.0, kNaN));  // or it would never end
}

TEST_CASE("directions have length one or zero") {
  CHECK(direction_factor(4.0) == -0.25);
  CHECK(direction_factor(0.0) == 0.0);
  CHECK(direction_factor(kNaN) == 0.0);
}

TEST_CASE("weights limit steps") {
  CHECK(around(-0.25, [](double step) { return stays_positive(0.25, step); }) == kAbove);
  CHECK(!stays_positive(0.0, 0.0));
  CHECK(!stays_positive(kNaN, 1.0));
  CHECK(stays_positive(0.0, kLeast));
  CHECK(share_to_zero(0.25, -0.5) == 0.5);
  // Of a step that takes all of a weight, rounding never makes the share more than one.
  for (const double weight : {0.1, 1e-17, 0.3, 1.0 / 3.0}) {
    for (const double factor : {1.0, 1.1, 3.0}) {
      CHECK(!stays_positive(weight, -weight * factor));
      CHECK(share_to_zero(weight, -weight * factor) <= 1.0);
    }
  }
}

TEST_CASE("points without weight leave but for the last") {
  CHECK(around(0.0, gains_weight) == kAbove);
  CHECK(!gains_weight(kNaN));
  CHECK(around(0.0, [](double weight) { return leaves(weight, false); }) == kUpTo);
  CHECK(!leaves(0.0, true));
  CHECK(!leaves(-1.0, true));
}

// --- units.hpp

TEST_CASE("units bring reaches near one") {
  for (const double reach : {kLeast, 1e-308, 1e-150, 0.7, 1.0, 3.0, 1e150, kLargest}) {
    const Unit unit = unit_of(reach, 0.0);
    const double there = unit.to_set(reach);
    CHECK(there >= 0.5);
    CHECK(there < 1.0);
    CHECK(unit.to_data(there) == reach);
  }
  // One point: its distance from the origin counts, and then one.
  CHECK(unit_of(0.0, 6.0).to_set(6.0) == 0.75);
  CHECK(unit_of(0.0, 0.0).to_set(1.0) == 0.5);
  CHECK(lone_radius(4.0, Unit{}) == 2.0);
  CHECK(lone_radius(0.0, Unit{0.5, 0.25}) == 0.125);
}

TEST_CASE("boxes have a middle without overflow") {
  CHECK(middle(1.0, 4.0) == 2.5);
  CHECK(middle(-kLargest, kLargest) == 0.0);
  CHECK(middle(kLargest, kLargest) == kLargest);
  CHECK(middle(3 * kLeast, 3 * kLeast) == 3 * kLeast);
  CHECK(half_width(1.0, 4.0, 2.5) == 1.5);
  CHECK(half_width(1.0, 4.0, 2.0) == 2.0);
  CHECK(half_width(1.0, 4.0, 3.5) == 2.5);
  CHECK(half_width(2.0, 2.0, 2.0) == 0.0);
}

TEST_CASE("query coordinates do not overflow") {
  const Unit unit = unit_of(1e300, 0.0);
  CHECK(query_coordinate(3e300, 1e300, unit) == unit.to_set(3e300 - 1e300));
  const double far = query_coordinate(kLargest, -kLargest, unit);
  CHECK(std::isfinite(far));
  CHECK(far == 2.0 * unit.to_set(kLargest));
  CHECK(quarter_offset(kLargest, -kLargest) == 0.5 * kLargest);
  CHECK(query_coordinate(5.0, 5.0, unit) == 0.0);
}

TEST_CASE("far queries are moved in along their rays") {
  const Unit unit = unit_of(3.0, 0.0);
  const double farthest = farthest_coordinate(1.5);
  CHECK(farthest == 1.5 * tolerances::kFarthestQuery);
  const double edge = unit.to_data(0.25 * farthest);
  CHECK(around(edge, [&](double largest) { return is_far(largest, farthest, unit); }) == kAbove);
  CHECK(!is_far(kNaN, farthest, unit));
  CHECK(!is_far(0.0, 0.0, unit));
  CHECK(is_far(kLeast, 0.0, unit));
  // The largest coordinate comes to the edge, the others follow in proportion.
  CHECK(moved_in(8.0 * edge, 8.0 * edge, farthest) == farthest);
  CHECK(moved_in(-2.0 * edge, 8.0 * edge, farthest) == -0.25 * farthest);
  CHECK(far_unit(8.0 * edge, farthest) * farthest == 4.0 * 8.0 * edge);
}

TEST_CASE("answers are where the query really is") {
  const Unit unit{0.5, 0.25};
  const AnswerUnits near{unit, 0.0};
  CHECK(near.shrink() == 1.0);
  CHECK(near.distance(2.0) == 16.0);
  CHECK(near.margin(2.0) == 16.0);
  const AnswerUnits far{unit, 1024.0};
  CHECK(far.shrink() == 8.0 / 1024.0);
  CHECK(far.distance(2.0) == 2048.0);
  CHECK(far.margin(2.0) < 2048.0);
  CHECK(far.margin(2.0) > 2048.0 * (1.0 - 1e-11));
  CHECK(near.margin(kInfinity) == kLargest);
  CHECK(far.margin(kLargest) == kLargest);
  CHECK(near.gap(2.0, 100.0) == 16.0);
  CHECK(near.gap(2.0, 3.0) == 3.0);
  CHECK(near.gap(kInfinity, 3.0) == 3.0);
}

// --- scan.hpp

TEST_CASE("thresholds are rounded up") {
  for (const double x : {0.0, 1.0, -1.0, 0.1, -0.1, 1e-300, -1e-300, 1e300, -1e300, kInfinity,
                         -kInfinity, above(1.0), below(1.0), above(-1.0)}) {
    const float rounded = rounded_up(x);
    CHECK(static_cast<double>(rounded) >= x);
    const float before = std::nextafter(rounded, -std::numeric_limits<float>::infinity());
    CHECK((rounded == x || static_cast<double>(before) < x));
  }
}

TEST_CASE("lists are complete up to what ties") {
  CHECK(tie_level(3.0, 0.25) == 3.5);
  CHECK(around(3.5, [](double unlisted) { return is_complete(3.5, unlisted); }) == kAbove);
  CHECK(is_complete(3.5, kInfinity));
  CHECK(!is_complete(kNaN, 1.0));
  CHECK(!is_complete(1.0, kNaN));
}

TEST_CASE("directions are brought near one by powers of two") {
  CHECK(near_one(6.0, 8.0) == 0.75);
  CHECK(near_one(-8.0, 8.0) == -1.0);
  CHECK(near_one(kLargest, kLargest) < 2.0);
  CHECK(near_one(kLargest, kLargest) >= 1.0);
  CHECK(near_one(0.0, 0.0) == 0.0);
}
