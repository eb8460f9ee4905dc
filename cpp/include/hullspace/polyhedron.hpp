// Convex polyhedra {x : A x <= b}: largest balls, linear programs, nearest points, in batches.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "hullspace/context.hpp"
#include "hullspace/status.hpp"
#include "hullspace/view.hpp"

namespace hullspace {

// Polyhedra one after the other: number i has the bounds starts[i] to starts[i + 1] and either as
// many rows, in the same places, or those of `rows` if all polyhedra share them.
struct Polyhedra {
  MatrixView<double> rows;
  std::span<const double> bounds;
  std::span<const std::int64_t> starts;  // n_polyhedra + 1, in the host's memory

  std::ptrdiff_t n_polyhedra() const { return std::ssize(starts) - 1; }
};

// Nonnegative multipliers of the rows that matter, as a compressed sparse row matrix.
struct SparseMultipliers {
  std::vector<double> values;
  std::vector<std::int32_t> columns;
  std::vector<std::int64_t> row_starts{0};
};

struct ChebyshevCenters {
  std::vector<double> centers;  // (n_polyhedra, n_features); NaN if empty
  std::vector<double> radii;    // NaN if empty, infinity if unbounded
  std::vector<double> duals;    // one for each bound; Farkas multipliers if empty
  std::vector<double> gaps;     // no ball has a radius above radius + gap
  std::vector<double> rays;     // (n_polyhedra, n_features); zero unless unbounded
  std::vector<Status> status;   // kOptimal, kEmpty, kUnbounded or kLimit
};

struct LinearOptima {
  std::vector<double> values;  // infinity if unbounded, -infinity if empty
  std::vector<double> points;  // (n_objectives, n_features); NaN if empty
  SparseMultipliers duals;     // (n_objectives, n_rows); Farkas multipliers if empty
  std::vector<double> rays;    // (n_objectives, n_features); zero unless unbounded
  std::vector<double> gaps;
  std::vector<Status> status;  // kOptimal, kEmpty, kUnbounded or kLimit
};

struct Irredundant {
  std::vector<char> kept;            // (n_rows)
  std::vector<double> witnesses;     // (n_rows, n_features): breaks this row and no other kept one
  Status status = Status::kOptimal;  // or kEmpty or kLimit
};

struct PolyhedronProjections {
  // (n_queries, n_features); NaN if empty, or for a query farther than 2^100 times the bounds
  std::vector<double> points;
  std::vector<double> distances;  // infinity if empty
  SparseMultipliers duals;        // query - point = duals * rows; Farkas multipliers if empty
  std::vector<double> gaps;       // the truth is in [distance - gap, distance]
  std::vector<Status> status;     // kOptimal, kEmpty or kLimit
};

// All throw ArgumentError if shapes do not belong together or a number is not finite, and
// Interrupted as the context says.
ChebyshevCenters chebyshev_centers(const Polyhedra& polyhedra, const Context& context);
LinearOptima maximize(const MatrixView<double>& rows, std::span<const double> bounds,
                      const MatrixView<double>& objectives, const Context& context);
Irredundant irredundant(const MatrixView<double>& rows, std::span<const double> bounds,
                        const Context& context);
// The point of polyhedron which[i] nearest to query i.
PolyhedronProjections project_onto(const Polyhedra& polyhedra, std::span<const std::int64_t> which,
                                   const MatrixView<double>& queries, const Context& context);

}  // namespace hullspace
