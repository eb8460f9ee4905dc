// NumPy memory: checked views in, owned results out. Nothing is copied here.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "answers.hpp"
#include "hullspace/error.hpp"
#include "hullspace/status.hpp"
#include "hullspace/view.hpp"

namespace hullspace::binding {

namespace py = pybind11;

using Shape = std::vector<py::ssize_t>;

// Throw ArgumentError, which says what an argument must be and what it is.
[[noreturn]] void refuse(const char* name, const std::string& wanted, const py::array& given);

// Whether an array has elements of type T, aligned and in C order.
template <class T>
bool holds(const py::array& array) {
  const bool ordered = (array.flags() & py::array::c_style) != 0;
  const bool aligned = reinterpret_cast<std::uintptr_t>(array.data()) % alignof(T) == 0;
  return ordered && aligned && py::isinstance<py::array_t<T>>(array);
}

// Views of arrays, which must outlive them. They throw ArgumentError for another type, number of
// dimensions or order of elements.
template <class T>
std::span<const T> view_vector(const py::array& array, const char* name) {
  if (array.ndim() != 1 || !holds<T>(array)) {
    refuse(name, py::str(py::dtype::of<T>()).cast<std::string>() + " array with one dimension",
           array);
  }
  return {static_cast<const T*>(array.data()), static_cast<std::size_t>(array.size())};
}

template <class T>
MatrixView<T> view_matrix_of(const py::array& array, const char* name) {
  if (array.ndim() != 2 || !holds<T>(array)) {
    refuse(name, py::str(py::dtype::of<T>()).cast<std::string>() + " array with two dimensions",
           array);
  }
  return {static_cast<const T*>(array.data()), array.shape(0), array.shape(1)};
}

// The rows of polyhedra: float64, with at least one column.
MatrixView<double> view_rows(const py::array& array);

// Of float32 or float64.
AnyMatrix view_matrix(const py::array& array, const char* name);

// The rest throw ArgumentError unless what they say holds.
void require_length(std::int64_t length, std::int64_t wanted, const char* name);
void require_finite(std::span<const double> values, const char* name);
// They start at 0, do not descend and end at `end`.
void require_starts(std::span<const std::int64_t> starts, std::int64_t end, const char* name);
// It is from 0 to below 1.
void require_tolerance(double tolerance);

// An array that owns what `values` held.
template <class T>
py::array_t<T> own(std::vector<T>&& values, Shape shape) {
  auto owner = std::make_unique<std::vector<T>>(std::move(values));
  const T* data = owner->data();
  const py::capsule capsule(owner.get(), [](void* p) { delete static_cast<std::vector<T>*>(p); });
  owner.release();
  return py::array_t<T>(std::move(shape), data, capsule);
}

template <class T>
py::array_t<T> own(std::vector<T>&& values) {
  const py::ssize_t n = std::ssize(values);
  return own(std::move(values), {n});
}

inline py::array_t<std::int8_t> own_status(const std::vector<Status>& status) {
  std::vector<std::int8_t> codes(status.size());
  for (std::size_t i = 0; i < status.size(); ++i) codes[i] = static_cast<std::int8_t>(status[i]);
  return own(std::move(codes));
}

// With both kinds of index of one type, as SciPy wants them.
template <class Sparse>
CsrArrays own_sparse(Sparse&& weights) {
  if (std::ssize(weights.values) > std::numeric_limits<std::int32_t>::max()) {
    std::vector<std::int64_t> columns(weights.columns.begin(), weights.columns.end());
    return {own(std::move(weights.values)), own(std::move(columns)),
            own(std::move(weights.row_starts))};
  }
  std::vector<std::int32_t> starts(weights.row_starts.size());
  for (std::size_t i = 0; i < starts.size(); ++i) {
    starts[i] = static_cast<std::int32_t>(weights.row_starts[i]);
  }
  return {own(std::move(weights.values)), own(std::move(weights.columns)), own(std::move(starts))};
}

}  // namespace hullspace::binding
