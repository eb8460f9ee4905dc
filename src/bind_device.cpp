#include <pybind11/stl.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "bindings.hpp"
#include "device_array.hpp"

namespace hullspace::binding {
namespace {

using Integers = CArray<std::int64_t>;

DeviceContext device_context(int device, std::uintptr_t stream, std::int64_t memory_limit = 0) {
  return {device, reinterpret_cast<void*>(stream), memory_limit, signal_context(0).interrupted};
}

Place place_of(const DeviceArray& array, int device, const char* name) {
  if (array.device().is_host()) return Place::kHost;
  if (array.device().id == device) return Place::kDevice;
  throw ArgumentError(std::string(name) + " must be on cuda:" + std::to_string(device) +
                      " or in the host's memory, got " + array.device_name());
}

// A matrix in an array of NumPy or of a device.
PlacedMatrix place_matrix(const py::object& object, int device, const char* name) {
  if (!py::isinstance<DeviceArray>(object)) {
    return {view_matrix(py::cast<py::array>(object), name), Place::kHost};
  }
  const auto& array = object.cast<const DeviceArray&>();
  const Place place = place_of(array, device, name);
  const auto view = [&](auto zero) -> AnyMatrix {
    using T = decltype(zero);
    return MatrixView<T>{static_cast<const T*>(array.data()), array.shape()[0], array.shape()[1]};
  };
  if (array.shape().size() == 2 && array.dtype() == dlpack::data_type<float>()) {
    return {view(0.0F), place};
  }
  if (array.shape().size() == 2 && array.dtype() == dlpack::data_type<double>()) {
    return {view(0.0), place};
  }
  throw ArgumentError(std::string(name) +
                      " must be a float32 or float64 array with two dimensions");
}

// Hands buffers to Python as arrays of NumPy or of the device.
struct Giver {
  Place place;
  int device;

  template <class T>
  py::object operator()(DeviceBuffer<T>&& buffer, std::vector<std::int64_t> shape) const {
    if (place == Place::kDevice) {
      return py::cast(DeviceArray(std::move(buffer.data), std::move(shape), dlpack::data_type<T>(),
                                  {dlpack::kCuda, device}));
    }
    auto owner = std::make_unique<std::shared_ptr<T>>(std::move(buffer.data));
    const T* data = owner->get();
    const py::capsule capsule(owner.get(),
                              [](void* p) { delete static_cast<std::shared_ptr<T>*>(p); });
    owner.release();
    return py::array_t<T>(std::move(shape), data, capsule);
  }

  py::tuple weights(DeviceWeights&& from) const {
    const std::int64_t n_stored = from.values.size;
    const std::int64_t n_starts = from.row_starts.size;
    return py::make_tuple((*this)(std::move(from.values), {n_stored}),
                          (*this)(std::move(from.columns), {n_stored}),
                          (*this)(std::move(from.row_starts), {n_starts}));
  }
};

Place place(bool on_device) { return on_device ? Place::kDevice : Place::kHost; }

// A hull on a device, and the array that it looks at.
class BoundDeviceHull {
 public:
  BoundDeviceHull(py::object points, int device, std::uintptr_t stream, std::int64_t memory_limit)
      : points_(std::move(points)),
        device_(device),
        hull_(build(points_, device_context(device, stream, memory_limit))) {}

  double scale() const { return hull_->scale(); }
  bool is_streamed() const { return hull_->is_streamed(); }
  std::int64_t memory_limit() const { return hull_->memory_limit(); }

  py::tuple project(const py::object& queries, double tolerance, std::uintptr_t stream,
                    bool to_device);
  py::tuple contains(const py::object& queries, double tolerance, std::uintptr_t stream,
                     bool to_device);
  py::tuple leave_one_out(double tolerance, std::uintptr_t stream, bool to_device);
  py::tuple ray(const py::object& origins, const py::object& directions, double tolerance,
                std::uintptr_t stream, bool to_device);
  py::object support(const py::object& directions, std::uintptr_t stream, bool to_device);

 private:
  static std::unique_ptr<DeviceHull> build(const py::object& points, const DeviceContext& context) {
    const PlacedMatrix view = place_matrix(points, context.device, "points");
    const py::gil_scoped_release release;
    return std::make_unique<DeviceHull>(view, context);
  }

  // Make a call of the core, with the GIL released.
  template <class Make>
  auto call(std::uintptr_t stream, const Make& make) {
    const py::gil_scoped_release release;
    return make(*hull_, device_context(device_, stream));
  }

  // (points, distances or steps, normals, gaps or offsets, status, weights)
  py::tuple give_nearest(DeviceAnswers&& found, bool to_device) const;
  py::tuple give_memberships(DeviceAnswers&& found, bool to_device) const;

  py::object points_;
  int device_;
  std::unique_ptr<DeviceHull> hull_;
};

py::tuple BoundDeviceHull::project(const py::object& queries, double tolerance,
                                   std::uintptr_t stream, bool to_device) {
  const PlacedMatrix view = place_matrix(queries, device_, "queries");
  DeviceAnswers found = call(stream, [&](DeviceHull& hull, const DeviceContext& context) {
    return hull.project(view, tolerance, place(to_device), context);
  });
  return give_nearest(std::move(found), to_device);
}

py::tuple BoundDeviceHull::ray(const py::object& origins, const py::object& directions,
                               double tolerance, std::uintptr_t stream, bool to_device) {
  const PlacedMatrix from = place_matrix(origins, device_, "origins");
  const PlacedMatrix along = place_matrix(directions, device_, "directions");
  DeviceAnswers found = call(stream, [&](DeviceHull& hull, const DeviceContext& context) {
    return hull.ray(from, along, tolerance, place(to_device), context);
  });
  return give_nearest(std::move(found), to_device);
}

py::tuple BoundDeviceHull::give_nearest(DeviceAnswers&& found, bool to_device) const {
  const Giver give{place(to_device), device_};
  const std::int64_t n = found.n_queries;
  const std::int64_t n_features = hull_->n_features();
  return py::make_tuple(
      give(std::move(found.points), {n, n_features}), give(std::move(found.distances), {n}),
      give(std::move(found.normals), {n, n_features}), give(std::move(found.gaps), {n}),
      give(std::move(found.status), {n}), give.weights(std::move(found.weights)));
}

py::tuple BoundDeviceHull::contains(const py::object& queries, double tolerance,
                                    std::uintptr_t stream, bool to_device) {
  const PlacedMatrix view = place_matrix(queries, device_, "queries");
  DeviceAnswers found = call(stream, [&](DeviceHull& hull, const DeviceContext& context) {
    return hull.contains(view, tolerance, place(to_device), context);
  });
  return give_memberships(std::move(found), to_device);
}

py::tuple BoundDeviceHull::leave_one_out(double tolerance, std::uintptr_t stream, bool to_device) {
  DeviceAnswers found = call(stream, [&](DeviceHull& hull, const DeviceContext& context) {
    return hull.leave_one_out(tolerance, place(to_device), context);
  });
  return give_memberships(std::move(found), to_device);
}

py::tuple BoundDeviceHull::give_memberships(DeviceAnswers&& found, bool to_device) const {
  const Giver give{place(to_device), device_};
  const std::int64_t n = found.n_queries;
  return py::make_tuple(give(std::move(found.status), {n}),
                        give(std::move(found.normals), {n, hull_->n_features()}),
                        give(std::move(found.gaps), {n}), give(std::move(found.residuals), {n}),
                        give.weights(std::move(found.weights)), found.tolerance);
}

py::object BoundDeviceHull::support(const py::object& directions, std::uintptr_t stream,
                                    bool to_device) {
  const PlacedMatrix view = place_matrix(directions, device_, "directions");
  DeviceBuffer<std::int32_t> found =
      call(stream, [&](DeviceHull& hull, const DeviceContext& context) {
        return hull.support(view, place(to_device), context);
      });
  const std::int64_t n = found.size;
  return Giver{place(to_device), device_}(std::move(found), {n});
}

// The rows and bounds of polyhedra, both of one place.
struct Constraints {
  MatrixView<double> rows;
  const double* bounds;
  std::int64_t n_bounds;
  Place place;
};

Constraints view_constraints(const py::object& a, const py::object& b, int device) {
  const PlacedMatrix rows = place_matrix(a, device, "A");
  const auto* doubles = std::get_if<MatrixView<double>>(&rows.values);
  if (doubles == nullptr) throw ArgumentError("A must hold float64 numbers");
  if (!py::isinstance<DeviceArray>(b)) {
    if (rows.place == Place::kDevice) throw ArgumentError("b must be where A is, on the device");
    const auto bounds = py::cast<CArray<double>>(b);
    return {*doubles, bounds.data(), bounds.size(), Place::kHost};
  }
  const auto& bounds = b.cast<const DeviceArray&>();
  if (bounds.dtype() != dlpack::data_type<double>()) {
    throw ArgumentError("b must hold float64 numbers");
  }
  if (place_of(bounds, device, "b") != rows.place) throw ArgumentError("b must be where A is");
  return {*doubles, static_cast<const double*>(bounds.data()), bounds.size(), rows.place};
}

py::tuple device_chebyshev_centers(const py::object& a, const py::object& b, const Integers& starts,
                                   int device, std::uintptr_t stream, std::int64_t memory_limit,
                                   bool to_device) {
  const Constraints given = view_constraints(a, b, device);
  if (starts.ndim() != 1 || starts.size() < 1 || starts.at(0) != 0 ||
      starts.at(starts.size() - 1) != given.n_bounds) {
    throw ArgumentError("starts must lead from 0 to the number of elements of b");
  }
  const std::int64_t n = starts.size() - 1;
  const Polyhedra polyhedra{given.rows, given.bounds, starts.data(), n};
  const Giver give{place(to_device), device};
  DeviceCenters found;
  {
    const py::gil_scoped_release release;
    found = chebyshev_centers(polyhedra, given.place, give.place,
                              device_context(device, stream, memory_limit));
  }
  const std::int64_t n_features = given.rows.cols;
  return py::make_tuple(
      give(std::move(found.centers), {n, n_features}), give(std::move(found.radii), {n}),
      give(std::move(found.duals), {given.n_bounds}), give(std::move(found.gaps), {n}),
      give(std::move(found.rays), {n, n_features}), give(std::move(found.status), {n}));
}

py::tuple bound_count_devices() {
  const DeviceCount count = count_devices();
  return py::make_tuple(count.n, count.reason);
}

py::tuple bound_describe_device(int device) {
  const DeviceInfo found = describe_device(device);
  return py::make_tuple(found.name, found.capability, found.n_multiprocessors, found.total_memory,
                        found.free_memory);
}

}  // namespace

void bind_device(py::module_& module) {
  using namespace py::literals;
  bind_device_array(module);
  py::class_<BoundDeviceHull>(module, "DeviceHull", "A point set prepared on a device.")
      .def(py::init<py::object, int, std::uintptr_t, std::int64_t>(), "points"_a, "device"_a,
           "stream"_a, "memory_limit"_a)
      .def_property_readonly("scale", &BoundDeviceHull::scale)
      .def_property_readonly("is_streamed", &BoundDeviceHull::is_streamed)
      .def_property_readonly("memory_limit", &BoundDeviceHull::memory_limit)
      .def("project", &BoundDeviceHull::project, "queries"_a, "tolerance"_a, "stream"_a,
           "to_device"_a,
           "Return (points, distances, normals, gaps, status, (data, indices, indptr)).")
      .def("contains", &BoundDeviceHull::contains, "queries"_a, "tolerance"_a, "stream"_a,
           "to_device"_a,
           "Return (status, normals, margins, residuals, (data, indices, indptr), tolerance).")
      .def("leave_one_out", &BoundDeviceHull::leave_one_out, "tolerance"_a, "stream"_a,
           "to_device"_a, "Return what `contains` does for each point and the hull of the others.")
      .def("ray", &BoundDeviceHull::ray, "origins"_a, "directions"_a, "tolerance"_a, "stream"_a,
           "to_device"_a,
           "Return (points, steps, normals, offsets, status, (data, indices, indptr)).")
      .def("support", &BoundDeviceHull::support, "directions"_a, "stream"_a, "to_device"_a,
           "Return the index of the point that scores highest against each direction.");
  module.def("device_chebyshev_centers", &device_chebyshev_centers, "a"_a, "b"_a, "starts"_a,
             "device"_a, "stream"_a, "memory_limit"_a, "to_device"_a,
             "Return (centers, radii, duals, gaps, rays, status).");
  module.def("count_devices", &bound_count_devices, "Return (count, why there are none).");
  module.def("describe_device", &bound_describe_device, "device"_a,
             "Return (name, capability, n_multiprocessors, total_memory, free_memory).");
}

}  // namespace hullspace::binding
