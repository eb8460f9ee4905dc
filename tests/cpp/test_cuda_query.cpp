// Queries of a device, by a team of one thread, against the core's hulls.
#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "clouds.hpp"
#include "hull_answers.hpp"
#include "hullspace/hull.hpp"
#include "serial_hull.hpp"

using namespace hullspace;
using clouds::Cloud;
using clouds::Rows;
using tests::Answers;
using tests::SerialHull;
using tests::SerialSettings;

namespace {

std::vector<Cloud> all_clouds() {
  std::vector<Cloud> all = clouds::random_clouds();
  for (const auto& more :
       {clouds::degenerate_clouds(), clouds::nearly_degenerate_clouds(), clouds::scaled_clouds()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

// Statuses, distances, weights and proofs of projections and memberships are the core's.
template <class T>
void compare(const std::string& name, const Rows<T>& points, const Rows<double>& queries) {
  INFO(name);
  const Hull core(points.view(), Context{});
  SerialHull<T> hull(points);
  CHECK(hull.scale() == core.scale());
  const Projections p = core.project(queries.view(), 1e-9, Context{});
  check_projections(points, queries, core.scale(), p, hull.solve(Goal::kProject, queries));
  const Memberships m = core.contains(queries.view(), 1e-9, Context{});
  check_memberships(points, queries, core.scale(), m, p.distances,
                    hull.solve(Goal::kContain, queries));
}

void compare_with_floats(const std::vector<Cloud>& all) {
  for (const Cloud& cloud : all) {
    compare(cloud.name, cloud.points, cloud.queries);
    compare(cloud.name + ", floats", clouds::as_floats(cloud.points), cloud.queries);
  }
}

}  // namespace

TEST_CASE("random clouds") { compare_with_floats(clouds::random_clouds()); }

TEST_CASE("degenerate clouds") { compare_with_floats(clouds::degenerate_clouds()); }

TEST_CASE("nearly degenerate clouds") {
  for (const Cloud& cloud : clouds::nearly_degenerate_clouds()) {
    compare(cloud.name, cloud.points, cloud.queries);
  }
}

TEST_CASE("clouds of all sizes and far queries") {
  for (const Cloud& cloud : clouds::scaled_clouds()) {
    compare(cloud.name, cloud.points, cloud.queries);
  }
}

TEST_CASE("weights are the same where there is one support") {
  int n_compared = 0;
  for (const Cloud& cloud : clouds::random_clouds()) {
    if (!cloud.is_generic) continue;
    INFO(cloud.name);
    const Projections p =
        Hull(cloud.points.view(), Context{}).project(cloud.queries.view(), 1e-13, Context{});
    SerialSettings settings;
    settings.tolerance = 1e-13;
    const Answers found =
        SerialHull<double>(cloud.points).solve(Goal::kProject, cloud.queries, nullptr, settings);
    for (std::size_t i = 0; i < p.distances.size(); ++i) {
      if (p.distances[i] < 1e-3) continue;
      CHECK(weights_differ(p.weights, found, i) < 1e-9);
      ++n_compared;
    }
  }
  CHECK(n_compared > 100);
}

TEST_CASE("rays leave and miss where the core says") {
  int counts[4] = {};
  for (const Cloud& cloud : all_clouds()) {
    INFO(cloud.name);
    const clouds::Rays rays = clouds::rays_of(cloud);
    const Rays expected = Hull(cloud.points.view(), Context{})
                              .ray(rays.origins.view(), rays.directions.view(), 1e-9, Context{});
    SerialHull<double> hull(cloud.points);
    const Answers found = hull.solve(Goal::kRay, rays.origins, &rays.directions);
    check_rays(cloud.points, hull.scale(), rays, expected, found);
    for (const std::int8_t status : found.status) ++counts[status];
  }
  CHECK(counts[int(Status::kOptimal)] > 500);
  CHECK(counts[int(Status::kOutside)] > 500);
  CHECK(counts[int(Status::kInside)] == 0);
}

TEST_CASE("one origin serves all rays") {
  const auto points = clouds::gaussian(100, 4, 36);
  const auto origin = clouds::gaussian(1, 4, 37, 0.1);
  const auto directions = clouds::gaussian(20, 4, 38);
  const Rays expected =
      Hull(points.view(), Context{}).ray(origin.view(), directions.view(), 1e-9, Context{});
  SerialHull<double> hull(points);
  check_rays(points, hull.scale(), {origin, directions}, expected,
             hull.solve(Goal::kRay, origin, &directions));
}

TEST_CASE("points are left out of their own hull") {
  SerialSettings settings;
  settings.leaves_out = true;
  for (const Cloud& cloud : all_clouds()) {
    if (cloud.points.n_rows() < 2 || cloud.points.n_rows() > 500) continue;
    INFO(cloud.name);
    const Memberships expected =
        Hull(cloud.points.view(), Context{}).leave_one_out(1e-9, Context{});
    const Answers found =
        SerialHull<double>(cloud.points).solve(Goal::kContain, cloud.points, nullptr, settings);
    for (std::size_t i = 0; i < found.status.size(); ++i) {
      CHECK(found.status_of(i) == expected.status[i]);
    }
  }
}

// Rounding decides what a tolerance of zero leaves, and never that two answers contradict.
TEST_CASE("nothing contradicts without a tolerance") {
  SerialSettings settings;
  settings.tolerance = 0.0;
  int n_open = 0;
  int n_queries = 0;
  for (const Cloud& cloud : all_clouds()) {
    INFO(cloud.name);
    const Memberships m =
        Hull(cloud.points.view(), Context{}).contains(cloud.queries.view(), 0.0, Context{});
    const Answers found =
        SerialHull<double>(cloud.points).solve(Goal::kContain, cloud.queries, nullptr, settings);
    for (std::size_t i = 0; i < m.status.size(); ++i) {
      const bool is_open =
          m.status[i] == Status::kUndecided || found.status_of(i) == Status::kUndecided;
      CHECK((is_open || m.status[i] == found.status_of(i)));
      n_open += is_open ? 1 : 0;
      ++n_queries;
    }
  }
  CHECK(n_open < n_queries / 10);
}

TEST_CASE("answers do not depend on where listed rows lie") {
  SerialSettings settings;
  settings.is_gathered = true;
  for (const Cloud& cloud : clouds::degenerate_clouds()) {
    INFO(cloud.name);
    SerialHull<double> hull(cloud.points);
    CHECK(equal(hull.solve(Goal::kProject, cloud.queries),
                hull.solve(Goal::kProject, cloud.queries, nullptr, settings)));
  }
}

TEST_CASE("supports that need more memory are found again") {
  SerialSettings settings;
  settings.most_support = 2;
  for (const Cloud& cloud : clouds::random_clouds()) {
    INFO(cloud.name);
    SerialHull<double> hull(cloud.points);
    CHECK(equal(hull.solve(Goal::kProject, cloud.queries),
                hull.solve(Goal::kProject, cloud.queries, nullptr, settings)));
    CHECK((hull.n_overflows() > 0) == (cloud.points.n_features > 1));
  }
}

TEST_CASE("scans of a part prove nothing, and change no answer") {
  SerialSettings settings;
  settings.n_part_rounds = 3;
  for (const Cloud& cloud : all_clouds()) {
    INFO(cloud.name);
    const Hull core(cloud.points.view(), Context{});
    const Projections p = core.project(cloud.queries.view(), 1e-9, Context{});
    SerialHull<double> hull(cloud.points);
    check_projections(cloud.points, cloud.queries, core.scale(), p,
                      hull.solve(Goal::kProject, cloud.queries, nullptr, settings));
    const clouds::Rays rays = clouds::rays_of(cloud);
    settings.n_part_rounds = 1;
    check_rays(cloud.points, core.scale(), rays,
               core.ray(rays.origins.view(), rays.directions.view(), 1e-9, Context{}),
               hull.solve(Goal::kRay, rays.origins, &rays.directions, settings));
    settings.n_part_rounds = 3;
  }
}

TEST_CASE("double precision has the last word on a crowded face") {
  const Cloud cloud = clouds::degenerate_clouds().back();
  REQUIRE(cloud.name == "a crowded face");
  SerialHull<double> hull(cloud.points);
  const Answers found = hull.solve(Goal::kProject, cloud.queries);
  CHECK(std::abs(found.distances[0] - 1.0) < 1e-14);
  CHECK(std::abs(found.distances[1] - 1e-7) < 1e-15);
  CHECK(found.distances[2] < 1e-9);
  CHECK(hull.n_exact_scans() > 0);
  CHECK(hull.n_scans() > hull.n_exact_scans());
}
