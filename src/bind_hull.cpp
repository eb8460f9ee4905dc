#include <pybind11/stl.h>

#include <cstdint>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <string>
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

  ProjectionArrays project(const py::array& queries, double tolerance, int n_threads) const;
  MembershipArrays contains(const py::array& queries, double tolerance, int n_threads) const;
  MembershipArrays leave_one_out(double tolerance, int n_threads) const;
  RayArrays ray(const py::array& origins, const py::array& directions, double tolerance,
                int n_threads) const;
  py::array_t<std::int32_t> support(const py::array& directions, int n_threads) const;
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

ProjectionArrays BoundHull::project(const py::array& queries, double tolerance,
                                    int n_threads) const {
  const AnyMatrix view = view_matrix(queries, "queries");
  require_tolerance(tolerance);
  Projections found = call(n_threads, [&](const Hull& hull, const Context& context) {
    return hull.project(view, tolerance, context);
  });
  const Shape shape{queries.shape(0), queries.shape(1)};
  return {.points = own(std::move(found.points), shape),
          .distances = own(std::move(found.distances)),
          .normals = own(std::move(found.normals), shape),
          .gaps = own(std::move(found.gaps)),
          .status = own_status(found.status),
          .weights = own_sparse(std::move(found.weights))};
}

MembershipArrays own_memberships(Memberships&& found, py::ssize_t n_features) {
  const Shape shape{std::ssize(found.status), n_features};
  return {.status = own_status(found.status),
          .normals = own(std::move(found.normals), shape),
          .margins = own(std::move(found.margins)),
          .residuals = own(std::move(found.residuals)),
          .weights = own_sparse(std::move(found.weights)),
          .tolerance = found.tolerance};
}

MembershipArrays BoundHull::contains(const py::array& queries, double tolerance,
                                     int n_threads) const {
  const AnyMatrix view = view_matrix(queries, "queries");
  require_tolerance(tolerance);
  Memberships found = call(n_threads, [&](const Hull& hull, const Context& context) {
    return hull.contains(view, tolerance, context);
  });
  return own_memberships(std::move(found), queries.shape(1));
}

MembershipArrays BoundHull::leave_one_out(double tolerance, int n_threads) const {
  require_tolerance(tolerance);
  Memberships found = call(n_threads, [&](const Hull& hull, const Context& context) {
    return hull.leave_one_out(tolerance, context);
  });
  return own_memberships(std::move(found), hull_.n_features());
}

RayArrays BoundHull::ray(const py::array& origins, const py::array& directions, double tolerance,
                         int n_threads) const {
  const AnyMatrix from = view_matrix(origins, "origins");
  const AnyMatrix along = view_matrix(directions, "directions");
  require_tolerance(tolerance);
  Rays found = call(n_threads, [&](const Hull& hull, const Context& context) {
    return hull.ray(from, along, tolerance, context);
  });
  const Shape shape{directions.shape(0), directions.shape(1)};
  return {.steps = own(std::move(found.steps)),
          .points = own(std::move(found.points), shape),
          .normals = own(std::move(found.normals), shape),
          .offsets = own(std::move(found.offsets)),
          .status = own_status(found.status),
          .weights = own_sparse(std::move(found.weights))};
}

py::array_t<std::int32_t> BoundHull::support(const py::array& directions, int n_threads) const {
  const AnyMatrix view = view_matrix(directions, "directions");
  return own(call(n_threads, [&](const Hull& hull, const Context& context) {
    return hull.support(view, context);
  }));
}

void BoundHull::append(py::array points, int n_threads) {
  const AnyMatrix view = view_matrix(points, "points");
  const py::gil_scoped_release release;
  const std::unique_lock<std::shared_mutex> lock(mutex_);
  if (rows(view) < hull_.n_points()) {
    throw ArgumentError("points must have at least the " + std::to_string(hull_.n_points()) +
                        " rows of before, got " + std::to_string(rows(view)));
  }
  hull_.append(view, signal_context(n_threads));
  // Under the lock, so that the last array to be appended is the one that is kept.
  const py::gil_scoped_acquire gil;
  points_ = std::move(points);
}

// The nearest points of pairs of hulls.
struct HullDistanceArrays {
  py::array_t<double> distances;
  py::array_t<double> gaps;
  py::array_t<double> first;
  py::array_t<double> second;
  py::array_t<double> normals;
  py::array_t<std::int8_t> status;
  CsrArrays first_weights;
  CsrArrays second_weights;
};

HullDistanceArrays distances_of_pairs(
    const std::vector<std::pair<const BoundHull*, const BoundHull*>>& pairs, double tolerance,
    int n_threads) {
  require_tolerance(tolerance);
  for (const auto& [first, second] : pairs) {
    if (first == nullptr || second == nullptr) throw ArgumentError("pairs must hold hulls");
  }
  HullDistances found;
  {
    const py::gil_scoped_release release;
    found = BoundHull::distances(pairs, tolerance, signal_context(n_threads));
  }
  const py::ssize_t n = std::ssize(pairs);
  const Shape shape{n, n == 0 ? 0 : std::ssize(found.normals) / n};
  return {.distances = own(std::move(found.distances)),
          .gaps = own(std::move(found.gaps)),
          .first = own(std::move(found.first), shape),
          .second = own(std::move(found.second), shape),
          .normals = own(std::move(found.normals), shape),
          .status = own_status(found.status),
          .first_weights = own_sparse(std::move(found.first_weights)),
          .second_weights = own_sparse(std::move(found.second_weights))};
}

void bind_distances(py::module_& module) {
  using namespace py::literals;
  using Arrays = HullDistanceArrays;
  py::class_<Arrays>(module, "HullDistances", "The nearest points of pairs of hulls.")
      .def_readonly("distances", &Arrays::distances, "(n_pairs,)")
      .def_readonly("gaps", &Arrays::gaps, "(n_pairs,); the truth is in [distance - gap, distance]")
      .def_readonly("first", &Arrays::first, "(n_pairs, n_features), points of the first hulls")
      .def_readonly("second", &Arrays::second, "(n_pairs, n_features), points of the second hulls")
      .def_readonly("normals", &Arrays::normals,
                    "(n_pairs, n_features), from second to first; zero where hulls meet")
      .def_readonly("status", &Arrays::status, "(n_pairs,)")
      .def_readonly("first_weights", &Arrays::first_weights, "Rows of the first hulls' n_points.")
      .def_readonly("second_weights", &Arrays::second_weights,
                    "Rows of the second hulls' n_points.");
  module.def("hull_distances", &distances_of_pairs, "pairs"_a, "tolerance"_a, "n_threads"_a,
             "Find the nearest points of each pair of hulls.");
}

}  // namespace

void bind_hull(py::module_& module) {
  using namespace py::literals;
  py::class_<BoundHull>(module, "Hull", "A prepared point set.")
      .def(py::init<py::array, int>(), "points"_a, "n_threads"_a)
      .def_property_readonly("scale", &BoundHull::scale)
      .def("project", &BoundHull::project, "queries"_a, "tolerance"_a, "n_threads"_a,
           "Find the nearest point of the hull to each query.")
      .def("contains", &BoundHull::contains, "queries"_a, "tolerance"_a, "n_threads"_a,
           "Tell which queries are in the hull.")
      .def("leave_one_out", &BoundHull::leave_one_out, "tolerance"_a, "n_threads"_a,
           "Tell which points are in the hull of the others.")
      .def("ray", &BoundHull::ray, "origins"_a, "directions"_a, "tolerance"_a, "n_threads"_a,
           "Find where rays leave the hull.")
      .def("support", &BoundHull::support, "directions"_a, "n_threads"_a,
           "Return the index of the point that scores highest against each direction.")
      .def("append", &BoundHull::append, "points"_a, "n_threads"_a,
           "Look at `points`, whose first rows are those of before.");
  bind_distances(module);
}

}  // namespace hullspace::binding
