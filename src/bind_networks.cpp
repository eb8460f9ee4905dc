#include <pybind11/stl.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "arrays.hpp"
#include "bindings.hpp"
#include "hullspace/regions.hpp"

namespace hullspace::binding {
namespace {

// A term of a stage's inputs, and the arrays that it looks at.
struct BoundTerm {
  TermData data;
  std::vector<py::array> arrays;
};

BoundTerm make_dense(std::ptrdiff_t source, py::array matrix) {
  const auto elements = view_matrix_of<double>(matrix, "matrix");
  require_finite(elements.elements(), "matrix");
  return {{source, DenseData{elements}}, {std::move(matrix)}};
}

BoundTerm make_sparse(std::ptrdiff_t source, std::ptrdiff_t n_in, py::array values,
                      py::array columns, py::array row_starts) {
  const auto elements = view_vector<double>(values, "values");
  const auto places = view_vector<std::int32_t>(columns, "columns");
  const auto starts = view_vector<std::int64_t>(row_starts, "row_starts");
  require_finite(elements, "values");
  require_length(std::ssize(places), std::ssize(elements), "columns");
  require_starts(starts, std::ssize(elements), "row_starts");
  const bool inside =
      std::all_of(places.begin(), places.end(), [&](std::int32_t j) { return j >= 0 && j < n_in; });
  if (!inside) {
    throw ArgumentError("columns must be from 0 to below n_in (" + std::to_string(n_in) + ")");
  }
  return {{source, SparseData{n_in, elements, places, starts}},
          {std::move(values), std::move(columns), std::move(row_starts)}};
}

// Throw ArgumentError unless numbers are at least `least`, and so small that they can be added.
template <std::size_t n>
void require_sizes(const std::array<std::ptrdiff_t, n>& sizes, std::ptrdiff_t least,
                   const char* name) {
  constexpr std::ptrdiff_t kMost = std::numeric_limits<std::int32_t>::max();
  for (const std::ptrdiff_t size : sizes) {
    if (size >= least && size <= kMost) continue;
    throw ArgumentError(std::string(name) + " must be from " + std::to_string(least) +
                        " to below 2^31, got " + std::to_string(size));
  }
}

// Throw ArgumentError unless the array of these lengths can be indexed.
void require_indexable(const std::array<std::ptrdiff_t, 3>& lengths, const char* name) {
  double size = 1.0;
  for (const std::ptrdiff_t length : lengths) size *= static_cast<double>(length);
  if (size > std::numeric_limits<std::int32_t>::max()) {
    throw ArgumentError(std::string(name) + " must have fewer than 2^31 elements");
  }
}

BoundTerm make_convolution(std::ptrdiff_t source, py::array weight,
                           const std::array<std::ptrdiff_t, 3>& input_shape,
                           const std::array<std::ptrdiff_t, 2>& stride,
                           const std::array<std::ptrdiff_t, 4>& padding,
                           const std::array<std::ptrdiff_t, 2>& dilation, std::ptrdiff_t groups) {
  if (weight.ndim() != 4 || !holds<double>(weight)) {
    refuse("weight", "float64 array with four dimensions", weight);
  }
  ConvolutionData data{.weight = {static_cast<const double*>(weight.data()),
                                  static_cast<std::size_t>(weight.size())},
                       .input = input_shape,
                       .stride = stride,
                       .padding = padding,
                       .dilation = dilation,
                       .groups = groups};
  std::copy_n(weight.shape(), 4, data.shape.begin());
  require_finite(data.weight, "weight");
  require_sizes(data.shape, 1, "weight's shape");
  require_sizes(input_shape, 1, "input_shape");
  require_sizes(stride, 1, "stride");
  require_sizes(padding, 0, "padding");
  require_sizes(dilation, 1, "dilation");
  require_sizes<1>({groups}, 1, "groups");
  require_indexable(input_shape, "input_shape");
  // No output is larger than with kernels of one element.
  const auto length = [&](std::size_t axis) {
    return (input_shape[axis + 1] + padding[axis] + padding[axis + 2] - 1) / stride[axis] + 1;
  };
  require_indexable({data.shape[0], length(0), length(1)}, "a convolution's output");
  return {{source, data}, {std::move(weight)}};
}

// Units, and the arrays that they look at.
struct BoundStage {
  StageData data;
  std::vector<BoundTerm> terms;
  py::array bias;
  py::array slopes;
};

BoundStage make_stage(std::vector<BoundTerm> terms, py::array bias, py::array slopes) {
  StageData data;
  data.bias = view_vector<double>(bias, "bias");
  data.slopes = view_vector<double>(slopes, "slopes");
  require_length(std::ssize(data.slopes), data.n_units(), "slopes");
  for (const BoundTerm& term : terms) data.terms.push_back(term.data);
  return {std::move(data), std::move(terms), std::move(bias), std::move(slopes)};
}

std::shared_ptr<ReluNetwork> make_network(std::ptrdiff_t n_inputs,
                                          const std::vector<BoundStage>& stages) {
  require_sizes<1>({n_inputs}, 1, "n_inputs");
  std::vector<StageData> data;
  for (const BoundStage& stage : stages) data.push_back(stage.data);
  return std::make_shared<ReluNetwork>(n_inputs, data);
}

}  // namespace

void bind_networks(py::module_& module) {
  using namespace py::literals;
  py::class_<BoundTerm>(module, "Term",
                        "A linear operator of a stage, on the input (source 0) or on the outputs "
                        "of stage source - 1.")
      .def_static("dense", &make_dense, "source"_a, "matrix"_a)
      .def_static("sparse", &make_sparse, "source"_a, "n_in"_a, "values"_a, "columns"_a,
                  "row_starts"_a)
      .def_static("convolution", &make_convolution, "source"_a, "weight"_a, "input_shape"_a,
                  "stride"_a, "padding"_a, "dilation"_a, "groups"_a,
                  "Channels, height and width go in; padding is at the top, left, bottom, right.");
  py::class_<BoundStage>(module, "Stage",
                         "Units with inputs a, the sum of the terms and the bias, and outputs "
                         "max(a, 0) + slope * min(a, 0).")
      .def(py::init(&make_stage), "terms"_a, "bias"_a, "slopes"_a);
  py::class_<ReluNetwork, std::shared_ptr<ReluNetwork>>(module, "ReluNetwork",
                                                        "Stages, copied, in order of evaluation.")
      .def(py::init(&make_network), "n_inputs"_a, "stages"_a);
}

}  // namespace hullspace::binding
