#include "regions/pattern_maps.hpp"

#include <algorithm>
#include <cmath>

#include "common/thin_qr.hpp"
#include "common/tolerances.hpp"
#include "regions/bits.hpp"

namespace hullspace {
namespace {

// Error of a sum of a unit's products, as a share of the sum of their sizes.
double rounding_share(const NetworkStage& stage) {
  const double roundings = static_cast<double>(stage.longest_row) + 4.0;
  return roundings * tolerances::kRoundoffDouble / (1.0 - 1e-3);
}

// Error of a product with a unit's slope.
constexpr double kActivation = 4.0 * tolerances::kRoundoffDouble;

}  // namespace

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
    factors_.emplace_back(static_cast<std::size_t>(inputs_.back().stride), 1.0);
  }
  origins_.resize(network.stages.size());
  scratch_.resize(static_cast<std::size_t>(widest * n_coefficients));
  weights_.resize(static_cast<std::size_t>(widest));
}

PatternMaps::Values PatternMaps::make(std::ptrdiff_t n_units) const {
  Values values;
  values.stride = ThinQr::padded(n_units);
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
  const bool of_input = std::all_of(data.terms.begin(), data.terms.end(),
                                    [](const NetworkTerm& term) { return term.source == 0; });
  if ((of_input && inputs_[stage].version > 0) || update(stage)) return;
  Values& out = inputs_[stage];
  ++out.version;
  const double share = rounding_share(data);
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
  remember(stage);
}

// The matrix, if the stage is made of one other and nothing else.
const DenseOperator* PatternMaps::only_matrix(std::ptrdiff_t stage) const {
  const NetworkStage& data = network_.stages[stage];
  if (data.terms.size() != 1 || data.terms[0].source == 0) return nullptr;
  return std::get_if<DenseOperator>(&data.terms[0].operation);
}

void PatternMaps::remember(std::ptrdiff_t stage) {
  const DenseOperator* matrix = only_matrix(stage);
  if (matrix == nullptr) return;
  const std::ptrdiff_t before = network_.stages[stage].terms[0].source - 1;
  const Values& in = inputs_[before];
  Origin& origin = origins_[stage];
  origin.version = in.version;
  origin.n_updates = 0;
  origin.factors = factors_[before];
  origin.reaches.resize(inputs_[stage].errors.size());
  const std::vector<double>& slopes = network_.stages[before].slopes;
  for (std::size_t i = 0; i < slopes.size(); ++i) {
    weights_[i] = std::max(1.0, std::abs(slopes[i])) * in.sizes[i];
  }
  matrix->apply_absolute(weights_.data(), origin.reaches.data());
  for (std::ptrdiff_t i = 0; i < network_.stages[stage].n_units; ++i) {
    origin.reaches[i] += std::abs(network_.stages[stage].bias[i]);
  }
}

// Add what it changes that a unit of the stage before is multiplied by another factor.
void PatternMaps::add_change(const DenseOperator& matrix, std::ptrdiff_t i, double before,
                             double now, double share, const Values& in, Values& out) const {
  const double step = now - before;
  for (std::ptrdiff_t c = 0; c < n_coefficients_; ++c) {
    const double coefficient = step * in.planes[c * in.stride + i];
    kernels_.combine(matrix.column(i), 0, 1, &coefficient, &out.planes[c * out.stride], out.stride);
  }
  // What is added is enlarged as in the whole, what is taken away is not.
  const double growth = std::abs(now) - std::abs(before);
  const double doubt = growth * (growth > 0.0 ? 1.0 + share : 1.0) *
                       (in.errors[i] + (share + kActivation) * in.sizes[i]);
  kernels_.combine(matrix.absolute_column(i), 0, 1, &doubt, out.errors.data(), out.stride);
}

// From one branch to the next few units of the stage before change: add the difference. Each
// addition rounds what is at most the reach, twice.
bool PatternMaps::update(std::ptrdiff_t stage) {
  constexpr std::ptrdiff_t kMostUpdates = 256;
  const DenseOperator* matrix = only_matrix(stage);
  if (matrix == nullptr) return false;
  const std::ptrdiff_t before = network_.stages[stage].terms[0].source - 1;
  const Values& in = inputs_[before];
  Origin& origin = origins_[stage];
  if (origin.version == 0 || origin.version != in.version) return false;
  const std::vector<double>& factors = factors_[before];
  changed_.clear();
  for (std::ptrdiff_t i = 0; i < network_.stages[before].n_units; ++i) {
    if (factors[i] != origin.factors[i]) changed_.push_back(i);
  }
  // Where nothing is left, no rounding of what was there may stay.
  if (std::all_of(factors.begin(), factors.begin() + network_.stages[before].n_units,
                  [](double factor) { return factor == 0.0; })) {
    return false;
  }
  const auto n_changed = static_cast<std::ptrdiff_t>(changed_.size());
  origin.n_updates += n_changed + 1;
  if (origin.n_updates > kMostUpdates || 3 * n_changed > network_.stages[before].n_units) {
    return false;
  }
  Values& out = inputs_[stage];
  ++out.version;
  const double share = rounding_share(network_.stages[stage]);
  for (const std::ptrdiff_t i : changed_) {
    add_change(*matrix, i, origin.factors[i], factors[i], share, in, out);
  }
  const double more = 6.0 * tolerances::kRoundoffDouble * static_cast<double>(n_changed + 1);
  kernels_.combine(origin.reaches.data(), 0, 1, &more, out.errors.data(), out.stride);
  origin.factors = factors;
  find_sizes(out);
  return true;
}

void PatternMaps::find_factors(std::ptrdiff_t stage, const std::uint64_t* sides) {
  const NetworkStage& data = network_.stages[stage];
  std::vector<double>& factors = factors_[stage];
  std::ptrdiff_t number = data.first_hidden;
  for (const std::ptrdiff_t unit : data.hidden) {
    factors[unit] = get_bit(sides, number++) ? 1.0 : data.slopes[unit];
  }
}

void PatternMaps::activate(std::ptrdiff_t stage, const std::uint64_t* sides) {
  const NetworkStage& data = network_.stages[stage];
  const Values& in = inputs_[stage];
  Values& out = outputs_[stage + 1];
  find_factors(stage, sides);
  const std::vector<double>& factors = factors_[stage];
  for (std::ptrdiff_t c = 0; c < n_coefficients_; ++c) {
    const double* from = &in.planes[c * in.stride];
    double* to = &out.planes[c * out.stride];
    for (std::ptrdiff_t i = 0; i < data.n_units; ++i) to[i] = factors[i] * from[i];
  }
  for (std::ptrdiff_t i = 0; i < data.n_units; ++i) {
    const double factor = std::abs(factors[i]);
    out.sizes[i] = factor * in.sizes[i];
    out.errors[i] = factor * (in.errors[i] + kActivation * in.sizes[i]);
  }
}

}  // namespace hullspace
