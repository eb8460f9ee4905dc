#include "arrays.hpp"

#include <algorithm>
#include <cmath>
#include <string>

namespace hullspace::binding {

void refuse(const char* name, const std::string& wanted, const py::array& given) {
  const auto word = [](const py::handle& value) { return py::str(value).cast<std::string>(); };
  const bool ordered = (given.flags() & py::array::c_style) != 0;
  throw ArgumentError(std::string(name) + " must be a C-contiguous, aligned " + wanted + ", got " +
                      word(given.dtype()) + " of shape " + word(given.attr("shape")) +
                      (ordered ? "" : ", not contiguous"));
}

AnyMatrix view_matrix(const py::array& array, const char* name) {
  if (array.ndim() == 2 && holds<float>(array)) return view_matrix_of<float>(array, name);
  if (array.ndim() == 2 && holds<double>(array)) return view_matrix_of<double>(array, name);
  refuse(name, "float32 or float64 array with two dimensions", array);
}

MatrixView<double> view_rows(const py::array& array) {
  const auto rows = view_matrix_of<double>(array, "A");
  if (rows.cols < 1) throw ArgumentError("A must have at least one column");
  return rows;
}

void require_length(std::int64_t length, std::int64_t wanted, const char* name) {
  if (length == wanted) return;
  throw ArgumentError(std::string(name) + " must have " + std::to_string(wanted) +
                      " elements, got " + std::to_string(length));
}

void require_finite(std::span<const double> values, const char* name) {
  const auto bad =
      std::find_if(values.begin(), values.end(), [](double x) { return !std::isfinite(x); });
  if (bad == values.end()) return;
  throw ArgumentError(std::string(name) + " must be finite, got " + std::to_string(*bad) +
                      " at element " + std::to_string(bad - values.begin()));
}

void require_starts(std::span<const std::int64_t> starts, std::int64_t end, const char* name) {
  const bool led = !starts.empty() && starts.front() == 0 && starts.back() == end;
  if (led && std::is_sorted(starts.begin(), starts.end())) return;
  throw ArgumentError(std::string(name) + " must lead from 0 to " + std::to_string(end) +
                      " and not descend");
}

void require_tolerance(double tolerance) {
  if (tolerance >= 0.0 && tolerance < 1.0) return;
  throw ArgumentError("tolerance must be at least 0 and below 1, got " + std::to_string(tolerance));
}

}  // namespace hullspace::binding
