#include "polyhedron/batch.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "common/kernels.hpp"
#include "hullspace/error.hpp"

namespace hullspace {
void require_finite(std::span<const double> values, const char* name) {
  const auto bad =
      std::find_if(values.begin(), values.end(), [](double x) { return !std::isfinite(x); });
  if (bad == values.end()) return;
  throw ArgumentError(std::string(name) + " must be finite, got " + std::to_string(*bad) +
                      " at element " + std::to_string(bad - values.begin()));
}

void require_valid(const Polyhedra& polyhedra) {
  const std::int64_t n_bounds = std::ssize(polyhedra.bounds);
  if (polyhedra.starts.empty() || polyhedra.starts.front() != 0 ||
      polyhedra.starts.back() != n_bounds) {
    throw ArgumentError("starts must lead from 0 to the number of elements of b");
  }
  bool shared = true;
  for (std::ptrdiff_t i = 0; i < polyhedra.n_polyhedra(); ++i) {
    const std::int64_t count = polyhedra.starts[i + 1] - polyhedra.starts[i];
    if (count < 0) throw ArgumentError("starts must not descend");
    shared = shared && count == polyhedra.rows.rows;
  }
  if (!shared && n_bounds != polyhedra.rows.rows) {
    throw ArgumentError("A must have one row for each of the " + std::to_string(n_bounds) +
                        " elements of b, got " + std::to_string(polyhedra.rows.rows));
  }
  require_finite(polyhedra.rows.elements(), "A");
  require_finite(polyhedra.bounds, "b");
}

SparseMultipliers gather(std::vector<Entries>& rows) {
  SparseMultipliers out;
  std::size_t size = 0;
  for (const Entries& row : rows) size += row.size();
  out.values.reserve(size);
  out.columns.reserve(size);
  out.row_starts.reserve(rows.size() + 1);
  for (Entries& row : rows) {
    std::sort(row.begin(), row.end());
    for (const auto& [column, value] : row) {
      out.columns.push_back(column);
      out.values.push_back(value);
    }
    out.row_starts.push_back(std::ssize(out.values));
    row = {};
  }
  return out;
}

Simplex::Outcome CenterSolver::solve(const System& system, const StopFlag& stop) {
  start_.resize(static_cast<std::size_t>(system.stride()));
  system.find_start(start_.data());
  objective_.assign(static_cast<std::size_t>(system.stride()), 0.0);
  objective_[system.n_features()] = 1.0;
  simplex_.start(system, start_.data());
  return simplex_.maximize(objective_.data(), stop);
}

decide::RadiusBound CenterSolver::bound(const System& system) const {
  double total = 0.0;
  double size = 0.0;
  double sum = 0.0;
  each_multiplier([&](std::ptrdiff_t row, double multiplier) {
    total += multiplier * system.bounds()[row];
    size += multiplier * std::abs(system.bounds()[row]);
    sum += multiplier;
  });
  return decide::radius_bound(sum, total, size, norm(simplex_.point(), system.n_features()));
}

bool CenterSolver::proves_empty(const System& system) const {
  const std::ptrdiff_t n = system.n_features();
  std::vector<double> rest(static_cast<std::size_t>(n));
  double value = 0.0;
  double sum = 0.0;
  double farthest = 0.0;
  each_multiplier([&](std::ptrdiff_t row, double multiplier) {
    kernels().combine(system.row(row), 0, 1, &multiplier, rest.data(), n);
    value += multiplier * system.bounds()[row];
    sum += multiplier;
    farthest = std::max(farthest, std::abs(system.bounds()[row]));
  });
  return decide::proves_empty(norm(rest.data(), n), value, sum, farthest, static_cast<double>(n));
}

std::vector<double> CenterSolver::point_inside(const System& system) const {
  const std::ptrdiff_t n = system.n_features();
  std::vector<double> point(simplex_.point(), simplex_.point() + n + 1);
  if (decide::is_inside(point[n])) return point;
  const double step = decide::step_inside(point[n], simplex_.ray()[n]);
  for (std::ptrdiff_t j = 0; j <= n; ++j) point[j] += step * simplex_.ray()[j];
  return point;
}

Interior find_interior(const Polyhedra& polyhedron, const Context& context) {
  Interior interior;
  SystemReader reader(polyhedron, true);
  const System& system = reader.read(0);
  if (system.contradiction() >= 0) {
    interior.status = Status::kEmpty;
    interior.proof.emplace_back(static_cast<std::int32_t>(system.contradiction()), 1.0);
    return interior;
  }
  run_workers(context, 1, [&](int, const StopFlag& stop) {
    CenterSolver solver;
    const Simplex::Outcome outcome = solver.solve(system, stop);
    const Simplex& simplex = solver.simplex();
    if (outcome == Simplex::Outcome::kUnbounded) {
      interior.point = solver.point_inside(system);
      return;
    }
    interior.point.assign(simplex.point(), simplex.point() + system.n_features() + 1);
    const decide::RadiusBound bound = solver.bound(system);
    const bool seems_empty = decide::seems_empty(bound);
    if (seems_empty && solver.proves_empty(system)) {
      interior.status = Status::kEmpty;
      solver.each_multiplier([&](std::ptrdiff_t row, double multiplier) {
        interior.proof.emplace_back(static_cast<std::int32_t>(system.given(row)),
                                    multiplier * system.scale(row));
      });
    } else if (seems_empty ||
               (outcome == Simplex::Outcome::kLimit && interior.point.back() < -bound.rounding)) {
      interior.status = Status::kLimit;
    }
  });
  return interior;
}

}  // namespace hullspace
