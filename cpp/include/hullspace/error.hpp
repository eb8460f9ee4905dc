// Misuse and interruption are the only exceptions that the core throws itself.
#pragma once

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

}  // namespace hullspace
