#include "device_array.hpp"

#include <pybind11/stl.h>

#include <cstring>
#include <functional>
#include <limits>
#include <numeric>
#include <optional>
#include <tuple>

#include "bindings.hpp"

namespace hullspace::binding {
namespace {

using dlpack::CapsuleNames;

std::int64_t product(const std::vector<std::int64_t>& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

// Throw ArgumentError unless an array can have that shape.
void require_shape(const std::vector<std::int64_t>& shape, const std::string& name) {
  std::int64_t size = 1;
  for (const std::int64_t n : shape) {
    if (n < 0 || (n > 0 && size > std::numeric_limits<std::int64_t>::max() / n)) {
      throw ArgumentError(name + " must have lengths that are not negative nor too large");
    }
    size *= n;
  }
}

std::vector<std::int64_t> contiguous_strides(const std::vector<std::int64_t>& shape) {
  std::vector<std::int64_t> strides(shape.size(), 1);
  for (std::size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  return strides;
}

bool is_contiguous(const dlpack::Tensor& tensor, const std::vector<std::int64_t>& shape) {
  if (tensor.strides == nullptr || product(shape) == 0) return true;
  const std::vector<std::int64_t> strides = contiguous_strides(shape);
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] != 1 && tensor.strides[i] != strides[i]) return false;
  }
  return true;
}

// NumPy's name of a type, or nothing where it has none.
std::optional<std::string> numpy_name(dlpack::DataType dtype) {
  if (dtype.lanes != 1 || dtype.bits % 8 != 0 || dtype.bits > 64) return std::nullopt;
  const std::string n_bytes = std::to_string(dtype.bits / 8);
  switch (dtype.code) {
    case dlpack::kInt:
      return "i" + n_bytes;
    case dlpack::kUnsigned:
      return "u" + n_bytes;
    case dlpack::kFloat:
      return "f" + n_bytes;
    case dlpack::kBool:
      return "?";
    default:
      return std::nullopt;
  }
}

dlpack::DataType data_type_of(const py::dtype& dtype) {
  const bool swapped = dtype.byteorder() != '=' && dtype.byteorder() != '|';
  if (swapped || dtype.itemsize() > 8) {
    throw ArgumentError("array must have elements of this machine, of at most 8 bytes");
  }
  const auto bits = static_cast<std::uint8_t>(8 * dtype.itemsize());
  switch (dtype.kind()) {
    case 'i':
      return {dlpack::kInt, bits, 1};
    case 'u':
      return {dlpack::kUnsigned, bits, 1};
    case 'f':
      return {dlpack::kFloat, bits, 1};
    case 'b':
      return {dlpack::kBool, bits, 1};
    default:
      throw ArgumentError("array must hold real numbers or booleans");
  }
}

DeviceArray borrow(const std::shared_ptr<void>& owner, const dlpack::Tensor& tensor,
                   const std::string& name, void* stream) {
  if (tensor.n_dimensions < 0 || (tensor.n_dimensions > 0 && tensor.shape == nullptr)) {
    throw ArgumentError(name + " comes in a DLPack capsule without a shape");
  }
  const auto n_dimensions = static_cast<std::size_t>(tensor.n_dimensions);
  std::vector<std::int64_t> shape(tensor.shape, tensor.shape + n_dimensions);
  require_shape(shape, name);
  const std::optional<std::string> dtype = numpy_name(tensor.dtype);
  if (!dtype) throw ArgumentError(name + " has elements of a type that NumPy lacks");
  if (!tensor.device.is_cuda() && !tensor.device.is_host()) {
    throw ArgumentError(name + " must be in memory of a CUDA device or of the host");
  }
  if (!is_contiguous(tensor, shape)) {
    throw ArgumentError(name + " must be C-contiguous; copy it into that order first");
  }
  char* data = static_cast<char*>(tensor.data) + (tensor.data == nullptr ? 0 : tensor.byte_offset);
  if (reinterpret_cast<std::uintptr_t>(data) % (tensor.dtype.bits / 8U) != 0) {
    throw ArgumentError(name + " must be aligned to its elements");
  }
  return {std::shared_ptr<void>(owner, data), std::move(shape), tensor.dtype, tensor.device,
          stream};
}

// Take a capsule's tensor; the owner that is returned gives it back.
template <class Managed>
std::pair<Managed*, std::shared_ptr<void>> take(const py::capsule& capsule) {
  auto* managed =
      static_cast<Managed*>(PyCapsule_GetPointer(capsule.ptr(), CapsuleNames<Managed>::kFresh));
  if (managed == nullptr) throw py::error_already_set();
  if (PyCapsule_SetName(capsule.ptr(), CapsuleNames<Managed>::kUsed) != 0) {
    throw py::error_already_set();
  }
  return {managed, std::shared_ptr<void>(managed, [](void* p) {
            // A lender's deleter may need the GIL, which it takes itself.
            auto* tensor = static_cast<Managed*>(p);
            if (tensor->deleter != nullptr) tensor->deleter(tensor);
          })};
}

// What a tensor that is lent out points to.
struct Loan {
  std::shared_ptr<void> data;
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;
};

template <class Managed>
void end_loan(Managed* managed) {
  delete static_cast<Loan*>(managed->context);
  delete managed;
}

template <class Managed>
py::capsule lend(std::unique_ptr<Managed> managed, std::unique_ptr<Loan> loan,
                 dlpack::DataType dtype, dlpack::Device device) {
  managed->tensor = {loan->data.get(),
                     device,
                     static_cast<std::int32_t>(loan->shape.size()),
                     dtype,
                     loan->shape.data(),
                     loan->strides.data(),
                     0};
  managed->deleter = &end_loan<Managed>;
  PyObject* capsule =
      PyCapsule_New(managed.get(), CapsuleNames<Managed>::kFresh, [](PyObject* self) {
        if (PyCapsule_IsValid(self, CapsuleNames<Managed>::kFresh) == 0) return;  // it was taken
        end_loan(static_cast<Managed*>(PyCapsule_GetPointer(self, CapsuleNames<Managed>::kFresh)));
      });
  if (capsule == nullptr) throw py::error_already_set();
  managed.release()->context = loan.release();
  return py::reinterpret_steal<py::capsule>(capsule);
}

}  // namespace

void require_number(int device) {
  if (device < 0) {
    throw ArgumentError("device must not be negative, got " + std::to_string(device));
  }
}

DeviceArray DeviceArray::of_capsule(const py::capsule& capsule, const std::string& name,
                                    std::uintptr_t stream) {
  auto* on = reinterpret_cast<void*>(stream);
  if (PyCapsule_IsValid(capsule.ptr(), CapsuleNames<dlpack::VersionedTensor>::kFresh) != 0) {
    const auto [managed, owner] = take<dlpack::VersionedTensor>(capsule);
    if (managed->version.major != dlpack::kMajor) {
      throw ArgumentError(name + " comes in version " + std::to_string(managed->version.major) +
                          " of DLPack, which is not known here");
    }
    return borrow(owner, managed->tensor, name, on);
  }
  if (PyCapsule_IsValid(capsule.ptr(), CapsuleNames<dlpack::ManagedTensor>::kFresh) != 0) {
    const auto [managed, owner] = take<dlpack::ManagedTensor>(capsule);
    return borrow(owner, managed->tensor, name, on);
  }
  throw ArgumentError(name + " must come in a DLPack capsule that nobody has taken");
}

DeviceArray DeviceArray::of_numpy(const py::array& array, int device, std::uintptr_t stream) {
  require_number(device);
  const dlpack::DataType dtype = data_type_of(array.dtype());
  const py::array contiguous = py::array::ensure(array, py::array::c_style);
  if (!contiguous) throw py::error_already_set();
  const DeviceContext context{device, reinterpret_cast<void*>(stream)};
  std::vector<std::int64_t> shape(contiguous.shape(), contiguous.shape() + contiguous.ndim());
  std::shared_ptr<void> memory = allocate(contiguous.nbytes(), Place::kDevice, context);
  copy(memory.get(), contiguous.data(), contiguous.nbytes(), context);
  wait_for(DeviceBuffer<char>{std::static_pointer_cast<char>(memory), contiguous.nbytes()},
           context);
  return {std::move(memory), std::move(shape), dtype, {dlpack::kCuda, device}, context.stream};
}

std::int64_t DeviceArray::size() const { return product(shape_); }

py::dtype DeviceArray::numpy_dtype() const { return py::dtype(numpy_name(dtype_).value()); }

std::string DeviceArray::device_name() const {
  return device_.is_host() ? "cpu" : "cuda:" + std::to_string(device_.id);
}

DeviceArray DeviceArray::reshaped(std::vector<std::int64_t> shape) const {
  require_shape(shape, "shape");
  if (product(shape) != size()) throw ArgumentError("shape must have as many elements");
  return {data_, std::move(shape), dtype_, device_, stream_};
}

py::array DeviceArray::numpy() const {
  py::array out(numpy_dtype(), shape_);
  void* to = out.mutable_data();
  const py::gil_scoped_release release;
  if (device_.is_host()) {
    if (n_bytes() > 0) std::memcpy(to, data(), static_cast<std::size_t>(n_bytes()));
  } else {
    copy(to, data(), n_bytes(), {device_.id, stream_});
  }
  return out;
}

py::capsule DeviceArray::dlpack(const py::object& /*stream*/,
                                std::optional<dlpack::VersionPair> max_version,
                                std::optional<dlpack::DevicePair> dl_device,
                                std::optional<bool> copy) const {
  // What calls return is there before they do, so any stream may read it.
  if (dl_device && *dl_device != dlpack::DevicePair(device_.type, device_.id)) {
    throw py::buffer_error("a DeviceArray is lent where it is; numpy() copies it to the host");
  }
  if (copy && *copy) {
    throw py::buffer_error("a DeviceArray is lent without a copy");
  }
  auto loan = std::make_unique<Loan>(Loan{data_, shape_, contiguous_strides(shape_)});
  if (max_version && *max_version >= dlpack::VersionPair(dlpack::kMajor, 0)) {
    auto managed = std::make_unique<dlpack::VersionedTensor>();
    managed->version = {dlpack::kMajor, dlpack::kMinor};
    return lend(std::move(managed), std::move(loan), dtype_, device_);
  }
  return lend(std::make_unique<dlpack::ManagedTensor>(), std::move(loan), dtype_, device_);
}

std::string DeviceArray::repr() const {
  const auto shape = py::repr(py::tuple(py::cast(shape_))).cast<std::string>();
  const auto dtype = py::str(numpy_dtype().attr("name")).cast<std::string>();
  return "DeviceArray(shape=" + shape + ", dtype=" + dtype + ", device='" + device_name() + "')";
}

void bind_device_array(py::module_& module) {
  using namespace py::literals;
  py::class_<DeviceArray>(module, "DeviceArray",
                          "An array in memory of a GPU, for any library that speaks DLPack.")
      .def_static("of_dlpack", &DeviceArray::of_capsule, "capsule"_a, "name"_a, "stream"_a,
                  "Borrow what a capsule lends; errors name the argument `name`.")
      .def_static("of_numpy", &DeviceArray::of_numpy, "array"_a, "device"_a, "stream"_a,
                  "Copy an array to a device.")
      .def_property_readonly(
          "shape", [](const DeviceArray& self) { return py::tuple(py::cast(self.shape())); })
      .def_property_readonly("ndim", [](const DeviceArray& self) { return self.shape().size(); })
      .def_property_readonly(
          "dtype", [](const DeviceArray& self) -> py::object { return self.numpy_dtype(); })
      .def_property_readonly("size", &DeviceArray::size)
      .def_property_readonly("nbytes", &DeviceArray::n_bytes)
      .def_property_readonly("device", &DeviceArray::device_name)
      .def("reshaped", &DeviceArray::reshaped, "shape"_a, "Return the same elements, not copied.")
      .def("numpy", &DeviceArray::numpy, "Copy the array to the host.")
      .def("__dlpack__", &DeviceArray::dlpack, py::kw_only(), "stream"_a = py::none(),
           "max_version"_a = py::none(), "dl_device"_a = py::none(), "copy"_a = py::none())
      .def("__dlpack_device__",
           [](const DeviceArray& self) {
             return py::make_tuple(static_cast<int>(self.device().type), self.device().id);
           })
      .def("__len__",
           [](const DeviceArray& self) {
             if (self.shape().empty()) throw py::type_error("len() of an array without dimensions");
             return self.shape().front();
           })
      .def("__repr__", &DeviceArray::repr);
}

}  // namespace hullspace::binding
