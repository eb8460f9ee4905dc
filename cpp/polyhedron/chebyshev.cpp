#include <algorithm>
#include <cmath>
#include <limits>

#include "polyhedron/batch.hpp"
#include "polyhedron/interior_point.hpp"

namespace hullspace {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// With fewer variables the simplex method finds largest balls faster.
constexpr std::ptrdiff_t kFewestFeaturesForInteriorPoint = 240;

// Largest radius of a ball around a centre, in the data's units and from the data as given.
double radius_around(const double* center, const double* rows, const double* bounds,
                     const System& system) {
  double radius = kInfinity;
  const std::ptrdiff_t n = system.n_features();
  for (std::ptrdiff_t i = 0; i < system.n_rows(); ++i) {
    const double scale = system.scale(system.place_of(i));
    if (scale == 0.0) continue;
    double product = 0.0;
    for (std::ptrdiff_t j = 0; j < n; ++j) product += rows[i * n + j] * center[j];
    radius = std::min(radius, (bounds[i] - product) * scale);
  }
  return radius;
}

class CenterWriter {
 public:
  CenterWriter(const Polyhedra& polyhedra, ChebyshevCenters& out)
      : polyhedra_(polyhedra), out_(out), reader_(polyhedra, true) {}

  void operator()(std::ptrdiff_t first, std::ptrdiff_t last, const StopFlag& stop) {
    for (std::ptrdiff_t i = first; i < last && !stop; ++i) write(i, stop);
  }

 private:
  void write(std::ptrdiff_t i, const StopFlag& stop) {
    const System& system = reader_.read(i);
    const std::ptrdiff_t n = system.n_features();
    double* duals = out_.duals.data() + polyhedra_.starts[i];
    if (system.contradiction() >= 0) {
      duals[system.contradiction()] = 1.0;
      return write_empty(i);
    }
    double* center = &out_.centers[i * n];
    if (system.n_variables() >= kFewestFeaturesForInteriorPoint && interior_.solve(system, stop)) {
      return write_interior(i, system);
    }
    const Simplex::Outcome outcome = solver_.solve(system, stop);
    const Simplex& simplex = solver_.simplex();
    if (outcome == Simplex::Outcome::kUnbounded || system.n_rows() == 0) {
      const std::vector<double> point = solver_.point_inside(system);
      for (std::ptrdiff_t j = 0; j < n; ++j) center[j] = point[j] * system.unit();
      std::copy_n(simplex.ray(), n, &out_.rays[i * n]);
      out_.radii[i] = kInfinity;
      out_.gaps[i] = 0.0;
      out_.status[i] = Status::kUnbounded;
      return;
    }
    // Multipliers of the rows as given. Those of the objective r sum to one with the rows' lengths.
    solver_.each_multiplier([&](std::ptrdiff_t row, double multiplier) {
      duals[system.given(row)] = multiplier * system.scale(row);
    });
    const decide::RadiusBound bound = solver_.bound(system);
    const bool seems_empty = decide::seems_empty(bound);
    if (seems_empty && solver_.proves_empty(system)) return write_empty(i);
    for (std::ptrdiff_t j = 0; j < n; ++j) center[j] = simplex.point()[j] * system.unit();
    const double radius = radius_around(center, reader_.rows(i), reader_.bounds(i), system);
    out_.radii[i] = decide::ball_radius(radius, bound.rounding * system.unit());
    out_.gaps[i] = decide::ball_gap(bound.radius * system.unit(), out_.radii[i]);
    out_.status[i] = decide::ball_status(outcome == Simplex::Outcome::kOptimal, seems_empty);
  }

  void write_interior(std::ptrdiff_t i, const System& system) {
    double* center = &out_.centers[i * system.n_features()];
    for (std::ptrdiff_t j = 0; j < system.n_features(); ++j) {
      center[j] = interior_.point()[j] * system.unit();
    }
    double bound = 0.0;
    double sum = 0.0;
    for (std::ptrdiff_t k = 0; k < system.n_rows(); ++k) {
      const double multiplier = interior_.multipliers()[k];
      if (multiplier == 0.0) continue;
      out_.duals[polyhedra_.starts[i] + system.given(k)] = multiplier * system.scale(k);
      bound += multiplier * system.bounds()[k];
      sum += multiplier;
    }
    out_.radii[i] = radius_around(center, reader_.rows(i), reader_.bounds(i), system);
    out_.gaps[i] = decide::ball_gap(bound / sum * system.unit(), out_.radii[i]);
    out_.status[i] = Status::kOptimal;
  }

  void write_empty(std::ptrdiff_t i) {
    const std::ptrdiff_t n = polyhedra_.rows.cols;
    std::fill_n(&out_.centers[i * n], n, kNaN);
    out_.radii[i] = kNaN;
    out_.gaps[i] = 0.0;
    out_.status[i] = Status::kEmpty;
  }

  const Polyhedra& polyhedra_;
  ChebyshevCenters& out_;
  SystemReader reader_;
  CenterSolver solver_;
  InteriorPoint interior_;
};

}  // namespace

ChebyshevCenters chebyshev_centers(const Polyhedra& polyhedra, const Context& context) {
  require_valid(polyhedra);
  const auto n = static_cast<std::size_t>(polyhedra.n_polyhedra());
  const auto n_features = static_cast<std::size_t>(polyhedra.rows.cols);
  ChebyshevCenters out;
  out.centers.resize(n * n_features);
  out.radii.resize(n);
  out.gaps.resize(n);
  out.rays.resize(n * n_features);
  out.status.resize(n);
  out.duals.resize(static_cast<std::size_t>(polyhedra.starts[n]));
  for_tasks(context, polyhedra.n_polyhedra(), problems_per_task(polyhedra.n_polyhedra()),
            [&] { return CenterWriter(polyhedra, out); });
  return out;
}

}  // namespace hullspace
