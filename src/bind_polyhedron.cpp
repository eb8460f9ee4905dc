#include <cstdint>
#include <utility>

#include "arrays.hpp"
#include "bindings.hpp"
#include "hullspace/polyhedron.hpp"

namespace hullspace::binding {
namespace {

using Doubles = CArray<double>;
using Integers = CArray<std::int64_t>;

MatrixView<double> view(const Doubles& array, const char* name) {
  if (array.ndim() != 2) throw ArgumentError(std::string(name) + " must have two dimensions");
  return {array.data(), array.shape(0), array.shape(1)};
}

Polyhedra view_polyhedra(const Doubles& a, const Doubles& b, const Integers& starts) {
  if (starts.ndim() != 1 || starts.size() < 1 || starts.at(0) != 0 ||
      starts.at(starts.size() - 1) != b.size()) {
    throw ArgumentError("starts must lead from 0 to the number of elements of b");
  }
  return {view(a, "A"), b.data(), starts.data(), starts.size() - 1};
}

void require_columns(const MatrixView<double>& matrix, py::ssize_t n_features, const char* name) {
  if (matrix.cols == n_features) return;
  throw ArgumentError(std::string(name) + " must have " + std::to_string(n_features) +
                      " columns (n_features), got " + std::to_string(matrix.cols));
}

template <class Call>
auto without_gil(int n_threads, const Call& call) {
  const py::gil_scoped_release release;
  return call(signal_context(n_threads));
}

py::tuple bound_chebyshev_centers(const Doubles& a, const Doubles& b, const Integers& starts,
                                  int n_threads) {
  const Polyhedra polyhedra = view_polyhedra(a, b, starts);
  ChebyshevCenters result = without_gil(
      n_threads, [&](const Context& context) { return chebyshev_centers(polyhedra, context); });
  const auto n = static_cast<py::ssize_t>(result.status.size());
  const py::ssize_t n_features = a.shape(1);
  return py::make_tuple(own(std::move(result.centers), {n, n_features}),
                        own(std::move(result.radii), {n}), own(std::move(result.duals), {b.size()}),
                        own(std::move(result.gaps), {n}),
                        own(std::move(result.rays), {n, n_features}), own_status(result.status));
}

py::tuple bound_maximize(const Doubles& a, const Doubles& b, const Doubles& objectives,
                         int n_threads) {
  const MatrixView<double> rows = view(a, "A");
  const MatrixView<double> along = view(objectives, "directions");
  require_columns(along, rows.cols, "directions");
  if (b.size() != rows.rows) throw ArgumentError("b must have one element for each row of A");
  LinearOptima result = without_gil(
      n_threads, [&](const Context& context) { return maximize(rows, b.data(), along, context); });
  const py::ssize_t n = along.rows;
  return py::make_tuple(
      own(std::move(result.values), {n}), own(std::move(result.points), {n, along.cols}),
      own_sparse(std::move(result.duals)), own(std::move(result.rays), {n, along.cols}),
      own(std::move(result.gaps), {n}), own_status(result.status));
}

py::tuple bound_irredundant(const Doubles& a, const Doubles& b, int n_threads) {
  const MatrixView<double> rows = view(a, "A");
  if (b.size() != rows.rows) throw ArgumentError("b must have one element for each row of A");
  Irredundant result = without_gil(
      n_threads, [&](const Context& context) { return irredundant(rows, b.data(), context); });
  std::vector<std::int8_t> kept(result.kept.begin(), result.kept.end());
  return py::make_tuple(own(std::move(kept), {rows.rows}),
                        own(std::move(result.witnesses), {rows.rows, rows.cols}),
                        static_cast<int>(result.status));
}

py::tuple bound_project_onto(const Doubles& a, const Doubles& b, const Integers& starts,
                             const Integers& which, const Doubles& queries, int n_threads) {
  const Polyhedra polyhedra = view_polyhedra(a, b, starts);
  const MatrixView<double> points = view(queries, "points");
  require_columns(points, polyhedra.rows.cols, "points");
  if (which.size() != points.rows) {
    throw ArgumentError("which must have one element for each of the points");
  }
  for (py::ssize_t i = 0; i < which.size(); ++i) {
    if (which.at(i) < 0 || which.at(i) >= polyhedra.n_polyhedra) {
      throw ArgumentError("which must hold numbers of polyhedra");
    }
  }
  PolyhedronProjections result = without_gil(n_threads, [&](const Context& context) {
    return project_onto(polyhedra, which.data(), points, context);
  });
  const py::ssize_t n = points.rows;
  return py::make_tuple(own(std::move(result.points), {n, points.cols}),
                        own(std::move(result.distances), {n}), own_sparse(std::move(result.duals)),
                        own(std::move(result.gaps), {n}), own_status(result.status));
}

}  // namespace

void bind_polyhedron(py::module_& module) {
  using namespace py::literals;
  module.def("chebyshev_centers", &bound_chebyshev_centers, "a"_a, "b"_a, "starts"_a, "n_threads"_a,
             "Return (centers, radii, duals, gaps, rays, status).");
  module.def("maximize", &bound_maximize, "a"_a, "b"_a, "objectives"_a, "n_threads"_a,
             "Return (values, points, (data, indices, indptr), rays, gaps, status).");
  module.def("irredundant", &bound_irredundant, "a"_a, "b"_a, "n_threads"_a,
             "Return (kept, witnesses, status).");
  module.def("project_onto", &bound_project_onto, "a"_a, "b"_a, "starts"_a, "which"_a, "queries"_a,
             "n_threads"_a, "Return (points, distances, (data, indices, indptr), gaps, status).");
}

}  // namespace hullspace::binding
