// Arrays in memory of a device: what calls return there, and what array libraries lend.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arrays.hpp"
#include "dlpack.hpp"
#include "hullspace/device.hpp"

namespace hullspace::binding {

// A C-contiguous array. Its memory is that of a device or, as lenders may have it, of the host.
class DeviceArray {
 public:
  DeviceArray(std::shared_ptr<void> data, std::vector<std::int64_t> shape, dlpack::DataType dtype,
              dlpack::Device device, void* stream = nullptr)
      : data_(std::move(data)),
        shape_(std::move(shape)),
        dtype_(dtype),
        device_(device),
        stream_(stream) {}

  // What a DLPack capsule lends, ready for use on the stream. Throws ArgumentError, which names the
  // argument, for what is not contiguous or has another element type than NumPy has, too.
  static DeviceArray of_capsule(const py::capsule& capsule, const std::string& name,
                                std::uintptr_t stream);
  // A copy on a device.
  static DeviceArray of_numpy(const py::array& array, int device, std::uintptr_t stream);

  void* data() const { return data_.get(); }
  const std::vector<std::int64_t>& shape() const { return shape_; }
  dlpack::DataType dtype() const { return dtype_; }
  dlpack::Device device() const { return device_; }

  std::int64_t size() const;
  std::int64_t n_bytes() const { return size() * (dtype_.bits / 8); }
  py::dtype numpy_dtype() const;
  std::string device_name() const;

  // The same elements in another shape.
  DeviceArray reshaped(std::vector<std::int64_t> shape) const;
  py::array numpy() const;
  py::capsule dlpack(const py::object& stream, std::optional<dlpack::VersionPair> max_version,
                     std::optional<dlpack::DevicePair> dl_device, std::optional<bool> copy) const;
  std::string repr() const;

 private:
  std::shared_ptr<void> data_;
  std::vector<std::int64_t> shape_;
  dlpack::DataType dtype_;
  dlpack::Device device_;
  void* stream_;  // on which the contents are there
};

// Throw ArgumentError unless it is the number of a device, which may or may not be there.
void require_number(int device);

void bind_device_array(py::module_& module);

}  // namespace hullspace::binding
