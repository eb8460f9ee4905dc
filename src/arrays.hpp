// NumPy memory: views in, owned results out. Nothing is copied here.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <memory>
#include <utility>
#include <vector>

#include "hullspace/error.hpp"
#include "hullspace/view.hpp"

namespace hullspace::binding {

namespace py = pybind11;

template <class T>
using CArray = py::array_t<T, py::array::c_style>;

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
py::array_t<T> own(std::vector<T>&& values, std::vector<py::ssize_t> shape) {
  auto owner = std::make_unique<std::vector<T>>(std::move(values));
  const T* data = owner->data();
  const py::capsule capsule(owner.get(), [](void* p) { delete static_cast<std::vector<T>*>(p); });
  owner.release();
  return py::array_t<T>(std::move(shape), data, capsule);
}

}  // namespace hullspace::binding
