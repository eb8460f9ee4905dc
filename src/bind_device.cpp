#include <pybind11/stl.h>

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "bindings.hpp"
#include "device_array.hpp"

namespace hullspace::binding {
namespace {

DeviceContext device_context(int device, std::uintptr_t stream, std::int64_t memory_limit = 0) {
  require_number(device);
  if (memory_limit < 0) {
    throw ArgumentError("memory_limit must not be negative, got " + std::to_string(memory_limit));
  }
  return {device, reinterpret_cast<void*>(stream), memory_limit, signal_context(0).interrupted};
}

Place place_of(const DeviceArray& array, int device, const char* name) {
  if (array.device().is_host()) return Place::kHost;
  if (array.device().id == device) return Place::kDevice;
  throw ArgumentError(std::string(name) + " must be on cuda:" + std::to_string(device) +
                      " or in the host's memory, got " + array.device_name());
}

py::array as_numpy(const py::object& object, const char* name) {
  if (py::isinstance<py::array>(object)) return py::cast<py::array>(object);
  const auto type = py::str(py::type::of(object).attr("__name__")).cast<std::string>();
  throw py::type_error(std::string(name) + " must be an array of NumPy or a DeviceArray, got " +
                       type);
}

// A matrix in an array of NumPy or of a device.
PlacedMatrix place_matrix(const py::object& object, int device, const char* name) {
  if (!py::isinstance<DeviceArray>(object)) {
    return {view_matrix(as_numpy(object, name), name), Place::kHost};
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

  template <class T>
  py::object operator()(DeviceBuffer<T>&& buffer) const {
    const std::int64_t n = buffer.size;
    return (*this)(std::move(buffer), {n});
  }

  CsrArrays operator()(DeviceWeights&& weights) const {
    return {(*this)(std::move(weights.values)), (*this)(std::move(weights.columns)),
            (*this)(std::move(weights.row_starts))};
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

  ProjectionArrays project(const py::object& queries, double tolerance, std::uintptr_t stream,
                           bool to_device);
  MembershipArrays contains(const py::object& queries, double tolerance, std::uintptr_t stream,
                            bool to_device);
  MembershipArrays leave_one_out(double tolerance, std::uintptr_t stream, bool to_device);
  RayArrays ray(const py::object& origins, const py::object& directions, double tolerance,
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

  MembershipArrays give_memberships(DeviceAnswers&& found, bool to_device) const;

  py::object points_;
  int device_;
  std::unique_ptr<DeviceHull> hull_;
};

ProjectionArrays BoundDeviceHull::project(const py::object& queries, double tolerance,
                                          std::uintptr_t stream, bool to_device) {
  const PlacedMatrix view = place_matrix(queries, device_, "queries");
  require_tolerance(tolerance);
  DeviceAnswers found = call(stream, [&](DeviceHull& hull, const DeviceContext& context) {
    return hull.project(view, tolerance, place(to_device), context);
  });
  const Giver give{place(to_device), device_};
  const Shape shape{found.n_queries, hull_->n_features()};
  return {.points = give(std::move(found.points), shape),
          .distances = give(std::move(found.distances)),
          .normals = give(std::move(found.normals), shape),
          .gaps = give(std::move(found.gaps)),
          .status = give(std::move(found.status)),
          .weights = give(std::move(found.weights))};
}

RayArrays BoundDeviceHull::ray(const py::object& origins, const py::object& directions,
                               double tolerance, std::uintptr_t stream, bool to_device) {
  const PlacedMatrix from = place_matrix(origins, device_, "origins");
  const PlacedMatrix along = place_matrix(directions, device_, "directions");
  require_tolerance(tolerance);
  DeviceAnswers found = call(stream, [&](DeviceHull& hull, const DeviceContext& context) {
    return hull.ray(from, along, tolerance, place(to_device), context);
  });
  const Giver give{place(to_device), device_};
  const Shape shape{found.n_queries, hull_->n_features()};
  return {.steps = give(std::move(found.distances)),
          .points = give(std::move(found.points), shape),
          .normals = give(std::move(found.normals), shape),
          .offsets = give(std::move(found.gaps)),
          .status = give(std::move(found.status)),
          .weights = give(std::move(found.weights))};
}

MembershipArrays BoundDeviceHull::contains(const py::object& queries, double tolerance,
                                           std::uintptr_t stream, bool to_device) {
  const PlacedMatrix view = place_matrix(queries, device_, "queries");
  require_tolerance(tolerance);
  DeviceAnswers found = call(stream, [&](DeviceHull& hull, const DeviceContext& context) {
    return hull.contains(view, tolerance, place(to_device), context);
  });
  return give_memberships(std::move(found), to_device);
}

MembershipArrays BoundDeviceHull::leave_one_out(double tolerance, std::uintptr_t stream,
                                                bool to_device) {
  require_tolerance(tolerance);
  DeviceAnswers found = call(stream, [&](DeviceHull& hull, const DeviceContext& context) {
    return hull.leave_one_out(tolerance, place(to_device), context);
  });
  return give_memberships(std::move(found), to_device);
}

MembershipArrays BoundDeviceHull::give_memberships(DeviceAnswers&& found, bool to_device) const {
  const Giver give{place(to_device), device_};
  return {.status = give(std::move(found.status)),
          .normals = give(std::move(found.normals), {found.n_queries, hull_->n_features()}),
          .margins = give(std::move(found.gaps)),
          .residuals = give(std::move(found.residuals)),
          .weights = give(std::move(found.weights)),
          .tolerance = found.tolerance};
}

py::object BoundDeviceHull::support(const py::object& directions, std::uintptr_t stream,
                                    bool to_device) {
  const PlacedMatrix view = place_matrix(directions, device_, "directions");
  DeviceBuffer<std::int32_t> found =
      call(stream, [&](DeviceHull& hull, const DeviceContext& context) {
        return hull.support(view, place(to_device), context);
      });
  return Giver{place(to_device), device_}(std::move(found));
}

// The rows and bounds of polyhedra, both of one place.
struct Constraints {
  MatrixView<double> rows;
  std::span<const double> bounds;
  Place place;
};

Constraints view_constraints(const py::object& a, const py::object& b, int device) {
  const PlacedMatrix rows = place_matrix(a, device, "A");
  const auto* doubles = std::get_if<MatrixView<double>>(&rows.values);
  if (doubles == nullptr) throw ArgumentError("A must hold float64 numbers");
  if (!py::isinstance<DeviceArray>(b)) {
    if (rows.place == Place::kDevice) throw ArgumentError("b must be where A is, on the device");
    return {*doubles, view_vector<double>(as_numpy(b, "b"), "b"), Place::kHost};
  }
  const auto& bounds = b.cast<const DeviceArray&>();
  if (bounds.dtype() != dlpack::data_type<double>()) {
    throw ArgumentError("b must hold float64 numbers");
  }
  if (bounds.shape().size() != 1) throw ArgumentError("b must have one dimension");
  if (place_of(bounds, device, "b") != rows.place) throw ArgumentError("b must be where A is");
  const auto* values = static_cast<const double*>(bounds.data());
  return {*doubles, {values, static_cast<std::size_t>(bounds.size())}, rows.place};
}

CenterArrays device_chebyshev_centers(const py::object& a, const py::object& b,
                                      const py::array& starts, int device, std::uintptr_t stream,
                                      std::int64_t memory_limit, bool to_device) {
  const Constraints given = view_constraints(a, b, device);
  const auto places = view_vector<std::int64_t>(starts, "starts");
  require_starts(places, std::ssize(given.bounds), "starts");
  const Polyhedra polyhedra{given.rows, given.bounds, places};
  const Giver give{place(to_device), device};
  DeviceCenters found;
  {
    const py::gil_scoped_release release;
    found = chebyshev_centers(polyhedra, given.place, give.place,
                              device_context(device, stream, memory_limit));
  }
  const Shape shape{polyhedra.n_polyhedra(), given.rows.cols};
  return {.centers = give(std::move(found.centers), shape),
          .radii = give(std::move(found.radii)),
          .duals = give(std::move(found.duals)),
          .gaps = give(std::move(found.gaps)),
          .rays = give(std::move(found.rays), shape),
          .status = give(std::move(found.status))};
}

void bind_devices(py::module_& module) {
  using namespace py::literals;
  py::class_<DeviceCount>(module, "DeviceCount", "How many devices there are.")
      .def_readonly("n", &DeviceCount::n)
      .def_readonly("reason", &DeviceCount::reason, "Why there are none, else empty.");
  py::class_<DeviceInfo>(module, "DeviceInfo", "A device.")
      .def_readonly("name", &DeviceInfo::name)
      .def_readonly("capability", &DeviceInfo::capability, "10 * major + minor")
      .def_readonly("n_multiprocessors", &DeviceInfo::n_multiprocessors)
      .def_readonly("total_memory", &DeviceInfo::total_memory, "Bytes.")
      .def_readonly("free_memory", &DeviceInfo::free_memory, "Bytes.");
  module.def("count_devices", &count_devices, "Count the devices.");
  module.def(
      "describe_device",
      [](int device) {
        require_number(device);
        return describe_device(device);
      },
      "device"_a, "Describe one of the devices.");
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
           "to_device"_a, "Find the nearest point of the hull to each query.")
      .def("contains", &BoundDeviceHull::contains, "queries"_a, "tolerance"_a, "stream"_a,
           "to_device"_a, "Tell which queries are in the hull.")
      .def("leave_one_out", &BoundDeviceHull::leave_one_out, "tolerance"_a, "stream"_a,
           "to_device"_a, "Tell which points are in the hull of the others.")
      .def("ray", &BoundDeviceHull::ray, "origins"_a, "directions"_a, "tolerance"_a, "stream"_a,
           "to_device"_a, "Find where rays leave the hull.")
      .def("support", &BoundDeviceHull::support, "directions"_a, "stream"_a, "to_device"_a,
           "Return the index of the point that scores highest against each direction.");
  module.def("device_chebyshev_centers", &device_chebyshev_centers, "a"_a, "b"_a, "starts"_a,
             "device"_a, "stream"_a, "memory_limit"_a, "to_device"_a,
             "Find a largest ball in each polyhedron.");
  bind_devices(module);
}

}  // namespace hullspace::binding
