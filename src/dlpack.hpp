// The binary interface of DLPack, by which array libraries lend each other memory, written down
// from its specification, version 1: https://dmlc.github.io/dlpack/latest/c_api.html, and
// https://dmlc.github.io/dlpack/latest/python_spec.html for the capsules.
#pragma once

#include <cstdint>
#include <utility>

namespace hullspace::binding::dlpack {

inline constexpr std::uint32_t kMajor = 1;
inline constexpr std::uint32_t kMinor = 0;

enum DeviceType : std::int32_t { kCpu = 1, kCuda = 2, kCudaHost = 3, kCudaManaged = 13 };
enum TypeCode : std::uint8_t { kInt = 0, kUnsigned = 1, kFloat = 2, kBool = 6 };

struct Device {
  std::int32_t type;
  std::int32_t id;

  bool is_cuda() const { return type == kCuda || type == kCudaManaged; }
  bool is_host() const { return type == kCpu || type == kCudaHost; }
};

struct DataType {
  std::uint8_t code;
  std::uint8_t bits;
  std::uint16_t lanes;

  bool operator==(const DataType&) const = default;
};

struct Tensor {
  void* data;
  Device device;
  std::int32_t n_dimensions;
  DataType dtype;
  std::int64_t* shape;
  std::int64_t* strides;  // in elements; may be null for C order
  std::uint64_t byte_offset;
};

// In capsules named "dltensor", and "used_dltensor" once somebody has taken it.
struct ManagedTensor {
  Tensor tensor;
  void* context;
  void (*deleter)(ManagedTensor*);
};

struct Version {
  std::uint32_t major;
  std::uint32_t minor;
};

// In capsules named "dltensor_versioned", and "used_dltensor_versioned" once it is taken.
struct VersionedTensor {
  Version version;
  void* context;
  void (*deleter)(VersionedTensor*);
  std::uint64_t flags;
  Tensor tensor;
};

// What the argument max_version and dl_device of __dlpack__ are.
using VersionPair = std::pair<std::uint32_t, std::uint32_t>;
using DevicePair = std::pair<int, int>;

template <class Managed>
struct CapsuleNames;
template <>
struct CapsuleNames<ManagedTensor> {
  static constexpr const char* kFresh = "dltensor";
  static constexpr const char* kUsed = "used_dltensor";
};
template <>
struct CapsuleNames<VersionedTensor> {
  static constexpr const char* kFresh = "dltensor_versioned";
  static constexpr const char* kUsed = "used_dltensor_versioned";
};

template <class T>
constexpr DataType data_type();
template <>
constexpr DataType data_type<float>() {
  return {kFloat, 32, 1};
}
template <>
constexpr DataType data_type<double>() {
  return {kFloat, 64, 1};
}
template <>
constexpr DataType data_type<std::int8_t>() {
  return {kInt, 8, 1};
}
template <>
constexpr DataType data_type<std::int32_t>() {
  return {kInt, 32, 1};
}
template <>
constexpr DataType data_type<std::int64_t>() {
  return {kInt, 64, 1};
}

}  // namespace hullspace::binding::dlpack
