// Views of caller-owned, row-major matrices. The core never owns or copies a caller's array.
#pragma once

#include <cstddef>
#include <span>
#include <variant>

namespace hullspace {

template <class T>
struct MatrixView {
  const T* data = nullptr;
  std::ptrdiff_t rows = 0;
  std::ptrdiff_t cols = 0;

  const T* row(std::ptrdiff_t i) const { return data + i * cols; }
  std::span<const T> elements() const { return {data, static_cast<std::size_t>(rows * cols)}; }
};

// The two element types that users' arrays come in.
using AnyMatrix = std::variant<MatrixView<float>, MatrixView<double>>;

inline std::ptrdiff_t rows(const AnyMatrix& matrix) {
  return std::visit([](const auto& view) { return view.rows; }, matrix);
}

inline std::ptrdiff_t cols(const AnyMatrix& matrix) {
  return std::visit([](const auto& view) { return view.cols; }, matrix);
}

}  // namespace hullspace
