// NumPy memory: views in, owned results out. Nothing is copied here.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "answers.hpp"
#include "hullspace/error.hpp"
#include "hullspace/status.hpp"
#include "hullspace/view.hpp"

namespace hullspace::binding {

namespace py = pybind11;

template <class T>
using CArray = py::array_t<T, py::array::c_style>;
using Shape = std::vector<py::ssize_t>;

// A view of a C-contiguous float32 or float64 matrix; the array must outlive the view.
inline AnyMatrix view_matrix(const py::array& array, const char* name) {
  const auto view = [&](auto zero) -> AnyMatrix {
    using T = decltype(zero);
    return MatrixView<T>{static_cast<const T*>(array.data()), array.shape(0), array.shape(1)};
  };
  const bool contiguous = (array.flags() & py::array::c_style) != 0;
  if (array.ndim() == 2 && contiguous && py::isinstance<CArray<float>>(array)) return view(0.0F);
  if (array.ndim() == 2 && contiguous && py::isinstance<CArray<double>>(array)) return view(0.0);
  throw ArgumentError(std::string(name) +
                      " must be a C-contiguous float32 or float64 array with two dimensions");
}

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
