#include "regions/pattern_maps.hpp"

#include <algorithm>
#include <cmath>

#include "common/tolerances.hpp"
#include "regions/bits.hpp"

namespace hullspace {

PatternMaps::PatternMaps(const ReluNetwork::Stages& network, std::vector<double> embedding,
                         std::ptrdiff_t n_coefficients)
    : network_(network), n_coefficients_(n_coefficients) {
  Values input = make(network.n_inputs);
  for (std::ptrdiff_t c = 0; c < n_coefficients; ++c) {
    std::copy_n(&embedding[c * network.n_inputs], network.n_inputs,
                &input.planes[c * input.stride]);
  }
  find_sizes(input);
  outputs_.push_back(std::move(input));
  std::ptrdiff_t widest = outputs_[0].stride;
  for (const NetworkStage& stage : network.stages) {
    inputs_.push_back(make(stage.n_units));
    outputs_.push_back(make(stage.n_units));
    widest = std::max(widest, inputs_.back().stride);
  }
  scratch_.resize(static_cast<std::size_t>(widest * n_coefficients));
  weights_.resize(static_cast<std::size_t>(widest));
}

PatternMaps::Values PatternMaps::make(std::ptrdiff_t n_units) const {
  Values values;
  values.stride = (n_units + kColumnAlignment - 1) / kColumnAlignment * kColumnAlignment;
  values.planes.assign(static_cast<std::size_t>(values.stride * n_coefficients_), 0.0);
  values.errors.assign(static_cast<std::size_t>(values.stride), 0.0);
  values.sizes.assign(static_cast<std::size_t>(values.stride), 0.0);
  return values;
}

void PatternMaps::find_sizes(Values& values) const {
  std::fill(values.sizes.begin(), values.sizes.end(), 0.0);
  for (std::ptrdiff_t c = 0; c < n_coefficients_; ++c) {
    const double* plane = &values.planes[c * values.stride];
    for (std::ptrdiff_t i = 0; i < values.stride; ++i) values.sizes[i] += std::abs(plane[i]);
  }
}

void PatternMaps::compute(std::ptrdiff_t stage) {
  const NetworkStage& data = network_.stages[stage];
  Values& out = inputs_[stage];
  ++out.version;
  const double roundings = static_cast<double>(data.longest_row) + 4.0;
  const double share = roundings * tolerances::kRoundoffDouble / (1.0 - 1e-3);
  bool first = true;
  for (const NetworkTerm& term : data.terms) {
    const Values& in = outputs_[term.source];
    for (std::ptrdiff_t i = 0; i < in.stride; ++i) weights_[i] = in.errors[i] + share * in.sizes[i];
    std::visit(
        [&](const auto& operation) {
          double* planes = first ? out.planes.data() : scratch_.data();
          operation.apply(in.planes.data(), in.stride, n_coefficients_, planes, out.stride);
          if (!first) {
            for (std::size_t i = 0; i < out.planes.size(); ++i) out.planes[i] += scratch_[i];
          }
          double* errors = first ? out.errors.data() : scratch_.data();
          operation.apply_absolute(weights_.data(), errors);
          if (!first) {
            for (std::ptrdiff_t i = 0; i < data.n_units; ++i) out.errors[i] += scratch_[i];
          }
        },
        term.operation);
    first = false;
  }
  if (first) {
    std::fill(out.planes.begin(), out.planes.end(), 0.0);
    std::fill(out.errors.begin(), out.errors.end(), 0.0);
  }
  double* constants = &out.planes[(n_coefficients_ - 1) * out.stride];
  for (std::ptrdiff_t i = 0; i < data.n_units; ++i) {
    constants[i] += data.bias[i];
    out.errors[i] = out.errors[i] * (1.0 + share) + share * std::abs(data.bias[i]);
  }
  find_sizes(out);
}

void PatternMaps::activate(std::ptrdiff_t stage, const std::uint64_t* sides) {
  const NetworkStage& data = network_.stages[stage];
  const Values& in = inputs_[stage];
  Values& out = outputs_[stage + 1];
  std::fill_n(weights_.begin(), data.n_units, 1.0);
  std::ptrdiff_t number = data.first_hidden;
  for (const std::ptrdiff_t unit : data.hidden) {
    if (!get_bit(sides, number++)) weights_[unit] = data.slopes[unit];
  }
  for (std::ptrdiff_t c = 0; c < n_coefficients_; ++c) {
    const double* from = &in.planes[c * in.stride];
    double* to = &out.planes[c * out.stride];
    for (std::ptrdiff_t i = 0; i < data.n_units; ++i) to[i] = weights_[i] * from[i];
  }
  for (std::ptrdiff_t i = 0; i < data.n_units; ++i) {
    const double factor = std::abs(weights_[i]);
    out.sizes[i] = factor * in.sizes[i];
    out.errors[i] = factor * (in.errors[i] + 4.0 * tolerances::kRoundoffDouble * in.sizes[i]);
  }
}

}  // namespace hullspace
