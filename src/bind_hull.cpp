#include <cstdint>
#include <limits>

#include "arrays.hpp"
#include "bindings.hpp"
#include "hullspace/hull.hpp"

namespace hullspace::binding {
namespace {

// A hull and the array that it looks at.
class BoundHull {
 public:
  BoundHull(py::array points, int n_threads)
      : points_(std::move(points)), hull_(build(points_, n_threads)) {}

  double scale() const { return hull_.scale(); }

  py::tuple project(const py::array& queries, double tolerance, int n_threads) const;
  py::tuple contains(const py::array& queries, double tolerance, int n_threads) const;

 private:
  static Hull build(const py::array& points, int n_threads) {
    const AnyMatrix view = view_matrix(points, "points");
    const py::gil_scoped_release release;
    return Hull(view, signal_context(n_threads));
  }

  py::array points_;
  Hull hull_;
};

py::array own_status(const std::vector<Status>& status) {
  std::vector<std::int8_t> codes(status.size());
  for (std::size_t i = 0; i < status.size(); ++i) codes[i] = static_cast<std::int8_t>(status[i]);
  const auto n = static_cast<py::ssize_t>(codes.size());
  return own(std::move(codes), {n});
}

// (data, column indices, row starts) with both kinds of index of one type, as SciPy wants them.
py::tuple own_weights(SparseWeights&& weights) {
  const auto n_stored = static_cast<py::ssize_t>(weights.values.size());
  const auto n_starts = static_cast<py::ssize_t>(weights.row_starts.size());
  const auto values = own(std::move(weights.values), {n_stored});
  if (n_stored > std::numeric_limits<std::int32_t>::max()) {
    std::vector<std::int64_t> columns(weights.columns.begin(), weights.columns.end());
    return py::make_tuple(values, own(std::move(columns), {n_stored}),
                          own(std::move(weights.row_starts), {n_starts}));
  }
  std::vector<std::int32_t> starts(weights.row_starts.size());
  for (std::size_t i = 0; i < starts.size(); ++i) {
    starts[i] = static_cast<std::int32_t>(weights.row_starts[i]);
  }
  return py::make_tuple(values, own(std::move(weights.columns), {n_stored}),
                        own(std::move(starts), {n_starts}));
}

py::tuple BoundHull::project(const py::array& queries, double tolerance, int n_threads) const {
  const AnyMatrix view = view_matrix(queries, "queries");
  Projections result;
  {
    const py::gil_scoped_release release;
    result = hull_.project(view, tolerance, signal_context(n_threads));
  }
  const py::ssize_t n = queries.shape(0);
  return py::make_tuple(
      own(std::move(result.points), {n, queries.shape(1)}), own(std::move(result.distances), {n}),
      own(std::move(result.normals), {n, queries.shape(1)}), own(std::move(result.gaps), {n}),
      own_status(result.status), own_weights(std::move(result.weights)));
}

py::tuple BoundHull::contains(const py::array& queries, double tolerance, int n_threads) const {
  const AnyMatrix view = view_matrix(queries, "queries");
  Memberships result;
  {
    const py::gil_scoped_release release;
    result = hull_.contains(view, tolerance, signal_context(n_threads));
  }
  const py::ssize_t n = queries.shape(0);
  return py::make_tuple(own_status(result.status),
                        own(std::move(result.normals), {n, queries.shape(1)}),
                        own(std::move(result.margins), {n}), own(std::move(result.residuals), {n}),
                        own_weights(std::move(result.weights)), result.tolerance);
}

}  // namespace

void bind_hull(py::module_& module) {
  using namespace py::literals;
  py::class_<BoundHull>(module, "Hull", "A prepared point set.")
      .def(py::init<py::array, int>(), "points"_a, "n_threads"_a)
      .def_property_readonly("scale", &BoundHull::scale)
      .def("project", &BoundHull::project, "queries"_a, "tolerance"_a, "n_threads"_a,
           "Return (points, distances, normals, gaps, status, (data, indices, indptr)).")
      .def("contains", &BoundHull::contains, "queries"_a, "tolerance"_a, "n_threads"_a,
           "Return (status, normals, margins, residuals, (data, indices, indptr), tolerance).");
}

}  // namespace hullspace::binding
