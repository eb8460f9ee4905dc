// Outcome of one problem of a batch. Mathematical outcomes are values, never exceptions.
#pragma once

#include <cstdint>

namespace hullspace {

enum class Status : std::int8_t {
  kOptimal = 0,    // a projection whose duality gap is within the tolerance
  kInside = 1,     // convex weights reproduce the query within the tolerance
  kOutside = 2,    // a hyperplane verified against every point separates the query
  kUndecided = 3,  // rounding, or the tolerance asked for, leaves the question open
  kEmpty = 4,      // a polyhedron without points; multipliers prove it (Farkas)
  kUnbounded = 5,  // no largest value; a ray proves it
  kLimit = 6,      // the method gave up; what it has is the best that it found
};

}  // namespace hullspace
