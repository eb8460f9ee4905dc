// The exceptions that the core throws itself: misuse, interruption, and devices that fail.
#pragma once

#include <new>
#include <stdexcept>
#include <string>

namespace hullspace {

// An argument that breaks a documented requirement; the message names it.
class ArgumentError : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

// The context's `interrupted` returned true while a call was running.
class Interrupted : public std::runtime_error {
 public:
  Interrupted() : std::runtime_error("the call was interrupted") {}
};

// There is no CUDA library, no driver or no such device, or it failed.
class DeviceError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// More memory of a device is needed than there is, or than a limit allows.
class DeviceMemoryError : public std::bad_alloc {
 public:
  explicit DeviceMemoryError(const std::string& message) : message_(message) {}
  const char* what() const noexcept override { return message_.what(); }

 private:
  std::runtime_error message_;  // unlike a string's, its copies do not throw
};

}  // namespace hullspace
