#include <pybind11/stl.h>

#include <cstdint>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <utility>
#include <vector>

#include "arrays.hpp"
#include "bindings.hpp"
#include "hullspace/hull.hpp"

namespace hullspace::binding {
namespace {

// A hull and the array that it looks at. Appending waits for the calls that are running.
class BoundHull {
 public:
  BoundHull(py::array points, int n_threads)
      : points_(std::move(points)), hull_(build(points_, n_threads)) {}

  double scale() const { return hull_.scale(); }

  py::tuple project(const py::array& queries, double tolerance, int n_threads) const;
  py::tuple contains(const py::array& queries, double tolerance, int n_threads) const;
  py::tuple leave_one_out(double tolerance, int n_threads) const;
  py::tuple ray(const py::array& origins, const py::array& directions, double tolerance,
                int n_threads) const;
  py::array support(const py::array& directions, int n_threads) const;
  void append(py::array points, int n_threads);

  static HullDistances distances(
      const std::vector<std::pair<const BoundHull*, const BoundHull*>>& pairs, double tolerance,
      const Context& context);

  // Make a call of the core, with the GIL released.
  template <class Call>
  auto call(int n_threads, const Call& make) const {
    const py::gil_scoped_release release;
    const std::shared_lock<std::shared_mutex> lock(mutex_);
    return make(hull_, signal_context(n_threads));
  }

 private:
  static Hull build(const py::array& points, int n_threads) {
    const AnyMatrix view = view_matrix(points, "points");
    const py::gil_scoped_release release;
    return Hull(view, signal_context(n_threads));
  }

  py::array points_;
  Hull hull_;
  mutable std::shared_mutex mutex_;
};

HullDistances BoundHull::distances(
    const std::vector<std::pair<const BoundHull*, const BoundHull*>>& pairs, double tolerance,
    const Context& context) {
  // Every hull once, in one order, so that calls that share hulls cannot wait for each other.
  std::set<const BoundHull*> hulls;
  std::vector<std::pair<const Hull*, const Hull*>> views;
  for (const auto& [first, second] : pairs) {
    hulls.insert({first, second});
    views.emplace_back(&first->hull_, &second->hull_);
  }
  std::vector<std::shared_lock<std::shared_mutex>> locks;
  for (const BoundHull* hull : hulls) locks.emplace_back(hull->mutex_);
  return hull_distances(views, tolerance, context);
}

py::tuple BoundHull::project(const py::array& queries, double tolerance, int n_threads) const {
  const AnyMatrix view = view_matrix(queries, "queries");
  Projections result = call(n_threads, [&](const Hull& hull, const Context& context) {
    return hull.project(view, tolerance, context);
  });
  const py::ssize_t n = queries.shape(0);
  return py::make_tuple(
      own(std::move(result.points), {n, queries.shape(1)}), own(std::move(result.distances), {n}),
      own(std::move(result.normals), {n, queries.shape(1)}), own(std::move(result.gaps), {n}),
      own_status(result.status), own_sparse(std::move(result.weights)));
}

py::tuple own_memberships(Memberships&& result, py::ssize_t n_features) {
  const auto n = static_cast<py::ssize_t>(result.status.size());
  return py::make_tuple(own_status(result.status), own(std::move(result.normals), {n, n_features}),
                        own(std::move(result.margins), {n}), own(std::move(result.residuals), {n}),
                        own_sparse(std::move(result.weights)), result.tolerance);
}

py::tuple BoundHull::contains(const py::array& queries, double tolerance, int n_threads) const {
  const AnyMatrix view = view_matrix(queries, "queries");
  Memberships result = call(n_threads, [&](const Hull& hull, const Context& context) {
    return hull.contains(view, tolerance, context);
  });
  return own_memberships(std::move(result), queries.shape(1));
}

py::tuple BoundHull::leave_one_out(double tolerance, int n_threads) const {
  Memberships result = call(n_threads, [&](const Hull& hull, const Context& context) {
    return hull.leave_one_out(tolerance, context);
  });
  return own_memberships(std::move(result), hull_.n_features());
}

py::tuple BoundHull::ray(const py::array& origins, const py::array& directions, double tolerance,
                         int n_threads) const {
  const AnyMatrix from = view_matrix(origins, "origins");
  const AnyMatrix along = view_matrix(directions, "directions");
  Rays result = call(n_threads, [&](const Hull& hull, const Context& context) {
    return hull.ray(from, along, tolerance, context);
  });
  const py::ssize_t n = directions.shape(0);
  const py::ssize_t n_features = directions.shape(1);
  return py::make_tuple(
      own(std::move(result.steps), {n}), own(std::move(result.points), {n, n_features}),
      own(std::move(result.normals), {n, n_features}), own(std::move(result.offsets), {n}),
      own_status(result.status), own_sparse(std::move(result.weights)));
}

py::array BoundHull::support(const py::array& directions, int n_threads) const {
  const AnyMatrix view = view_matrix(directions, "directions");
  std::vector<std::int32_t> result = call(n_threads, [&](const Hull& hull, const Context& context) {
    return hull.support(view, context);
  });
  return own(std::move(result), {directions.shape(0)});
}

void BoundHull::append(py::array points, int n_threads) {
  const AnyMatrix view = view_matrix(points, "points");
  {
    const py::gil_scoped_release release;
    const std::unique_lock<std::shared_mutex> lock(mutex_);
    hull_.append(view, signal_context(n_threads));
  }
  points_ = std::move(points);
}

py::tuple distances_of_pairs(
    const std::vector<std::pair<const BoundHull*, const BoundHull*>>& pairs, double tolerance,
    int n_threads) {
  HullDistances result;
  {
    const py::gil_scoped_release release;
    result = BoundHull::distances(pairs, tolerance, signal_context(n_threads));
  }
  const auto n = static_cast<py::ssize_t>(pairs.size());
  const py::ssize_t n_features = n == 0 ? 0 : std::ssize(result.normals) / n;
  return py::make_tuple(
      own(std::move(result.distances), {n}), own(std::move(result.gaps), {n}),
      own(std::move(result.first), {n, n_features}), own(std::move(result.second), {n, n_features}),
      own(std::move(result.normals), {n, n_features}), own_status(result.status),
      own_sparse(std::move(result.first_weights)), own_sparse(std::move(result.second_weights)));
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
           "Return (status, normals, margins, residuals, (data, indices, indptr), tolerance).")
      .def("leave_one_out", &BoundHull::leave_one_out, "tolerance"_a, "n_threads"_a,
           "Return what `contains` does for each point and the hull of the others.")
      .def("ray", &BoundHull::ray, "origins"_a, "directions"_a, "tolerance"_a, "n_threads"_a,
           "Return (steps, points, normals, offsets, status, (data, indices, indptr)).")
      .def("support", &BoundHull::support, "directions"_a, "n_threads"_a,
           "Return the index of the point that scores highest against each direction.")
      .def("append", &BoundHull::append, "points"_a, "n_threads"_a,
           "Look at `points`, whose first rows are those of before.");
  module.def("hull_distances", &distances_of_pairs, "pairs"_a, "tolerance"_a, "n_threads"_a,
             "Return (distances, gaps, first, second, normals, status, weights, weights).");
}

}  // namespace hullspace::binding
