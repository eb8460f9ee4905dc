// Every epsilon of the core. Lengths are relative to a point set whose largest norm is `radius`
// after centring and scaling, so that no constant depends on the units of the data.
//
// The bounds on dot products follow N. Higham, "Accuracy and Stability of Numerical Algorithms",
// 2nd ed., section 3.1: a dot product of n terms, in any order, with or without fused
// multiply-add, is wrong by at most n u / (1 - n u) times the dot product of absolute values,
// which Cauchy-Schwarz bounds by the product of the norms.
#pragma once

#include <cstddef>
#include <limits>

namespace hullspace::tolerances {

inline constexpr double kRoundoffSingle = 0x1p-24;
inline constexpr double kRoundoffDouble = 0x1p-53;

// Error of a single-precision score of a unit direction against a point of norm `radius`: the dot
// product, the rounding of both factors to single precision, and products that underflow.
inline double single_score_error(std::ptrdiff_t n_features, double radius) {
  const double n = static_cast<double>(n_features) + 1.0;
  return (n + 4.0) * kRoundoffSingle * radius * (1.0 + n * kRoundoffSingle) + n * 0x1p-140;
}

// Error of such a score from three products of TF32 halves on tensor cores, which are summed up for
// slabs of eight coordinates first (cuda/tensor_tile.hpp). In units of the roundoff u times the
// product of the norms, which bounds the sum of the terms' absolute values by Cauchy-Schwarz:
// - 2 for rounding the factors to single precision;
// - 12.1 for x = high + low + rest with |low| <= 2^-11 |x| and |rest| <= 2^-22 |x| (1 + 2^-10): the
//   product of the lows and what the rests are part of are left out, 3 * 2^-22 of a term;
// - 32.2 for sums within a slab. M. Fasi, N. Higham, M. Mikaitis, S. Pranesh, "Numerical behavior
// of
//   NVIDIA tensor cores", PeerJ Computer Science 7 (2021) e330: products are exact; they and the
//   sum so far are cut off at 24 bits of the largest of them (newer ones have more bits), added,
//   and the sum is cut off at 24 bits. Both lose 2 u of the terms' absolute sum at most, for each
//   of the terms but the largest, and once for each time. That is most if products are added one by
//   one, 16 * 2 u for eight of them; where a low is a factor it is 2^-11 of that, and those come
//   first;
// - one for each slab, whose sums are added up with rounding.
// The factor in brackets covers products of errors, the last term what underflow loses.
inline double tensor_score_error(std::ptrdiff_t n_features, double radius) {
  const double n = static_cast<double>(n_features) + 1.0;
  const double share = (n / 8.0 + 1.0 + 48.0) * kRoundoffSingle;
  return share * radius * (1.0 + 2.0 * share) + n * 0x1p-120 * (1.0 + radius);
}

// Error of a double-precision score, including the centring of the point and the deviation of
// the direction's length from one.
inline double double_score_error(std::ptrdiff_t n_features, double norm) {
  return (2.0 * static_cast<double>(n_features) + 16.0) * kRoundoffDouble * norm;
}

// Error of an eight-bit score from the Cauchy-Schwarz bounds of what the quantization of point and
// direction leaves out. The share covers the rounding of the bounds themselves.
inline double byte_score_error(double of_point, double of_direction, std::ptrdiff_t n_features) {
  const double share = 64.0 * (static_cast<double>(n_features) + 16.0) * kRoundoffDouble;
  return (of_point + of_direction) * (1.0 + share) + share;
}

// No answer can be sharper than this multiple of the radius; a smaller tolerance is raised to it.
inline double smallest_tolerance(std::ptrdiff_t n_features) {
  return 8.0 * (static_cast<double>(n_features) + 8.0) * kRoundoffDouble;
}

// Of the tolerance that is asked for, pools are solved up to the first share, and points that a
// scan does not list may cost the second.
inline constexpr double kPoolShare = 0.25;
inline constexpr double kUnlistedShare = 0.5;

// A point closer than this (relative to its norm) to the affine hull of the support is part of
// it: entering it cannot lower the distance by more than that, and would ruin the factors.
inline constexpr double kDependent = 1e-12;

// Squares of lengths that are this share of the products that they come from are rounding.
inline constexpr double kSmallestSquare = 1e-13;

// A vector whose square is left with less than this share after projection is projected again
// ("twice is enough", Parlett, "The Symmetric Eigenvalue Problem", section 6.9).
inline constexpr double kReorthogonalize = 0.01;

// A residual that a step shortens by more than this is freed of rounding along the support again.
inline constexpr double kCancellation = 0.01;

// A query farther than this many radii is moved in along its ray: the angle under which it sees
// the set changes by less than 1e-12.
inline constexpr double kFarthestQuery = 0x1p40;
// Of the separation that such a query has, this is left where it really is.
inline constexpr double kFarMargin = 1.0 - 8.0 / kFarthestQuery;

// Walls of the box around the points stand off them by this factor, so that a point may be
// appended.
inline constexpr double kBoxSlack = 1.02;

// The origin of a ray farther than this many radii is moved along it towards the set.
inline constexpr double kFarOrigin = 4.0;

// The simplex method, whose rows have unit length. Slacks are known to this share of the point's
// norm; rows that a step approaches more slowly than the second share of its length are poor
// pivots, and slower than the third it is rounding.
inline constexpr double kSlackNoise = 0x1p-46;
inline constexpr double kSmallestPoint =
    0x1p-60;  // smaller norms count as this, the unit being one
inline constexpr double kSlowRow = 1e-7;
inline constexpr double kSlowestRow = 1e-13;  // where others have failed
inline constexpr double kStillRow = 1e-14;
// Rows that stop within this share of the first are as good as first.
inline constexpr double kTie = 1.0 + 0x1p-30;
// A vertex that misses its rows by this share of what rounding may make of their slacks is good.
inline constexpr double kSettledShare = 0.125;
// Sums of squares between these neither overflowed nor lost what matters.
inline constexpr double kTinySquare = 0x1p-500;
inline constexpr double kHugeSquare = 0x1p500;
// Slopes below this share of the objective's length are none.
inline constexpr double kLeastSlope = 1e-12;
// Bounds that make the method stall are relaxed by about this share of the point's norm for a
// while, and violations above the other are repaired afterwards.
inline constexpr double kShift = 0x1p-28;
inline constexpr double kSlackRepaired = 0x1p-43;
// A row of which the active ones leave less than this is a combination of them.
inline constexpr double kDependentRow = 1e-9;
// A projection carries this share of the query's norm as rounding.
inline constexpr double kQueryRounding = 0x1p-51;
// A query farther from a polyhedron than this many times the point that it leads to is projected
// twice, as its rounding may leave that point outside; of one farther than the other many times the
// bounds nothing is left in differences.
inline constexpr double kFarProjected = 0x1p6;
inline constexpr double kFarthestProjected = 0x1p100;
// Of rows that meet in the origin, what breaks one by less than this share is rounding, too.
inline constexpr double kSmallestSize = 0x1p-30;
// A projection that breaks a row by more than this share of its norm is none.
inline constexpr double kSlackAccepted = 1e-9;

// Multipliers prove that no point is feasible if the rows cancel up to so many roundings of each
// term, or if what is left of them proves it for points up to so many times as far away as the
// farthest hyperplane that they use.
inline constexpr double kCancelled = 4.0 * kRoundoffDouble;
inline constexpr double kFarProved = 0x1p20;

// The interior-point method ends when gap and residual are below these shares of the point's norm
// and of one. Radii below the third are left to the simplex method, which can tell why.
inline constexpr double kInteriorGap = 1e-11;
inline constexpr double kInteriorResidual = 1e-11;
inline constexpr double kInteriorLeastRadius = 1e-6;

// Added to bounds of rounding errors, which do not cover what underflow loses.
inline constexpr double kTiny = std::numeric_limits<double>::min();

// Coordinates of a vertex of a linear region, at most one in size, are off by this where they were
// computed exactly and rounded. Where they are off by more than the second, the vertex is solved
// for from its hyperplanes, which costs more in more dimensions.
inline constexpr double kRefreshedVertex = 8.0 * kRoundoffDouble;
// A ray whose coordinates are off by more than this may go the other way.
inline constexpr double kUnsureRay = 0.25;
inline double solved_vertex_error(std::ptrdiff_t n_coefficients) {
  return n_coefficients <= 4 ? 0x1p-33 : 0x1p-22;
}

// A point inside a cell that is closer to a constraint than this share of the cell's size is
// replaced by a better one.
inline constexpr double kPointTooClose = 1e-7;

// From a point inside a cell towards an optimum on its boundary, the point at this share of the way
// is inside, too.
inline constexpr double kPulledShare = 1.0 - 0x1p-6;

// Of a combination of hyperplanes' rows, multipliers below this share of the largest one are
// rounding, and as far below zero as the second make it none.
inline constexpr double kNoMultiplier = 0x1p-46;
inline constexpr double kNegativeMultiplier = 1e-9;

// Values below this share of the terms that they are sums of decide nothing.
inline constexpr double kBalance = 0x1p-42;

}  // namespace hullspace::tolerances
