#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "arrays.hpp"
#include "bindings.hpp"
#include "hullspace/polyhedron.hpp"

namespace hullspace::binding {
namespace {

// Rows and bounds of one polyhedron.
struct Constraints {
  Constraints(const py::array& a, const py::array& b)
      : rows(view_rows(a)), bounds(view_vector<double>(b, "b")) {
    require_length(std::ssize(bounds), rows.rows, "b");
  }
  MatrixView<double> rows;
  std::span<const double> bounds;
};

Polyhedra view_polyhedra(const py::array& a, const py::array& b, const py::array& starts) {
  const auto bounds = view_vector<double>(b, "b");
  const auto places = view_vector<std::int64_t>(starts, "starts");
  require_starts(places, std::ssize(bounds), "starts");
  return {view_rows(a), bounds, places};
}

MatrixView<double> view_vectors(const py::array& array, std::ptrdiff_t n_features,
                                const char* name) {
  const auto vectors = view_matrix_of<double>(array, name);
  if (vectors.cols == n_features) return vectors;
  throw ArgumentError(std::string(name) + " must have " + std::to_string(n_features) +
                      " columns (n_features), got " + std::to_string(vectors.cols));
}

template <class Call>
auto without_gil(int n_threads, const Call& call) {
  const py::gil_scoped_release release;
  return call(signal_context(n_threads));
}

CenterArrays bound_chebyshev_centers(const py::array& a, const py::array& b,
                                     const py::array& starts, int n_threads) {
  const Polyhedra polyhedra = view_polyhedra(a, b, starts);
  ChebyshevCenters found = without_gil(
      n_threads, [&](const Context& context) { return chebyshev_centers(polyhedra, context); });
  const Shape shape{polyhedra.n_polyhedra(), polyhedra.rows.cols};
  return {.centers = own(std::move(found.centers), shape),
          .radii = own(std::move(found.radii)),
          .duals = own(std::move(found.duals)),
          .gaps = own(std::move(found.gaps)),
          .rays = own(std::move(found.rays), shape),
          .status = own_status(found.status)};
}

struct OptimumArrays {
  py::array_t<double> values;
  py::array_t<double> points;
  CsrArrays duals;
  py::array_t<double> rays;
  py::array_t<double> gaps;
  py::array_t<std::int8_t> status;
};

OptimumArrays bound_maximize(const py::array& a, const py::array& b, const py::array& objectives,
                             int n_threads) {
  const Constraints given(a, b);
  const MatrixView<double> along = view_vectors(objectives, given.rows.cols, "directions");
  LinearOptima found = without_gil(n_threads, [&](const Context& context) {
    return maximize(given.rows, given.bounds, along, context);
  });
  const Shape shape{along.rows, along.cols};
  return {.values = own(std::move(found.values)),
          .points = own(std::move(found.points), shape),
          .duals = own_sparse(std::move(found.duals)),
          .rays = own(std::move(found.rays), shape),
          .gaps = own(std::move(found.gaps)),
          .status = own_status(found.status)};
}

struct IrredundantArrays {
  py::array_t<std::int8_t> kept;
  py::array_t<double> witnesses;
  int status = 0;
};

IrredundantArrays bound_irredundant(const py::array& a, const py::array& b, int n_threads) {
  const Constraints given(a, b);
  Irredundant found = without_gil(n_threads, [&](const Context& context) {
    return irredundant(given.rows, given.bounds, context);
  });
  std::vector<std::int8_t> kept(found.kept.begin(), found.kept.end());
  return {.kept = own(std::move(kept)),
          .witnesses = own(std::move(found.witnesses), {given.rows.rows, given.rows.cols}),
          .status = static_cast<int>(found.status)};
}

struct PolyhedronProjectionArrays {
  py::array_t<double> points;
  py::array_t<double> distances;
  CsrArrays duals;
  py::array_t<double> gaps;
  py::array_t<std::int8_t> status;
};

PolyhedronProjectionArrays bound_project_onto(const py::array& a, const py::array& b,
                                              const py::array& starts, const py::array& which,
                                              const py::array& queries, int n_threads) {
  const Polyhedra polyhedra = view_polyhedra(a, b, starts);
  const MatrixView<double> points = view_vectors(queries, polyhedra.rows.cols, "points");
  const auto numbers = view_vector<std::int64_t>(which, "which");
  require_length(std::ssize(numbers), points.rows, "which");
  const bool known = std::all_of(numbers.begin(), numbers.end(), [&](std::int64_t i) {
    return i >= 0 && i < polyhedra.n_polyhedra();
  });
  if (!known) throw ArgumentError("which must hold numbers of polyhedra");
  PolyhedronProjections found = without_gil(n_threads, [&](const Context& context) {
    return project_onto(polyhedra, numbers, points, context);
  });
  return {.points = own(std::move(found.points), {points.rows, points.cols}),
          .distances = own(std::move(found.distances)),
          .duals = own_sparse(std::move(found.duals)),
          .gaps = own(std::move(found.gaps)),
          .status = own_status(found.status)};
}

void bind_polyhedron_answers(py::module_& module) {
  using Optima = OptimumArrays;
  using Projected = PolyhedronProjectionArrays;
  py::class_<Optima>(module, "LinearOptima", "Largest values of linear functions.")
      .def_readonly("values", &Optima::values,
                    "(n_objectives,); infinity if unbounded, -infinity if empty")
      .def_readonly("points", &Optima::points, "(n_objectives, n_features); NaN if empty")
      .def_readonly("duals", &Optima::duals, "(n_objectives, n_rows); Farkas multipliers if empty")
      .def_readonly("rays", &Optima::rays, "(n_objectives, n_features); zero unless unbounded")
      .def_readonly("gaps", &Optima::gaps, "(n_objectives,)")
      .def_readonly("status", &Optima::status, "(n_objectives,)");
  py::class_<IrredundantArrays>(module, "Irredundant", "Rows that no others imply.")
      .def_readonly("kept", &IrredundantArrays::kept, "(n_rows,), 1 or 0")
      .def_readonly("witnesses", &IrredundantArrays::witnesses,
                    "(n_rows, n_features), breaks this row and no other kept one")
      .def_readonly("status", &IrredundantArrays::status, "A number of `Status`.");
  py::class_<Projected>(module, "PolyhedronProjections", "The nearest points of polyhedra.")
      .def_readonly("points", &Projected::points,
                    "(n_queries, n_features); NaN if empty, and for a query too far away")
      .def_readonly("distances", &Projected::distances, "(n_queries,); infinity if empty")
      .def_readonly("duals", &Projected::duals,
                    "(n_queries, n_rows), query - point = duals * rows; Farkas multipliers if "
                    "empty")
      .def_readonly("gaps", &Projected::gaps,
                    "(n_queries,); the truth is in [distance - gap, distance]")
      .def_readonly("status", &Projected::status, "(n_queries,)");
}

}  // namespace

void bind_polyhedron(py::module_& module) {
  using namespace py::literals;
  bind_polyhedron_answers(module);
  module.def("chebyshev_centers", &bound_chebyshev_centers, "a"_a, "b"_a, "starts"_a, "n_threads"_a,
             "Find a largest ball in each polyhedron.");
  module.def("maximize", &bound_maximize, "a"_a, "b"_a, "objectives"_a, "n_threads"_a,
             "Maximize linear functions over a polyhedron.");
  module.def("irredundant", &bound_irredundant, "a"_a, "b"_a, "n_threads"_a,
             "Find the rows that no others imply.");
  module.def("project_onto", &bound_project_onto, "a"_a, "b"_a, "starts"_a, "which"_a, "queries"_a,
             "n_threads"_a, "Find the point of polyhedron which[i] nearest to query i.");
}

}  // namespace hullspace::binding
