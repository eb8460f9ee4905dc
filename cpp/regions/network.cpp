#include "regions/network.hpp"

#include <cmath>
#include <string>
#include <type_traits>

#include "hullspace/error.hpp"

namespace hullspace {
namespace {

Operator make_operator(const std::variant<DenseData, SparseData, ConvolutionData>& data) {
  return std::visit(
      [](const auto& given) -> Operator {
        using Data = std::decay_t<decltype(given)>;
        if constexpr (std::is_same_v<Data, DenseData>) {
          return DenseOperator(given);
        } else if constexpr (std::is_same_v<Data, SparseData>) {
          return SparseOperator(given);
        } else {
          return ConvolutionOperator(given);
        }
      },
      data);
}

std::ptrdiff_t n_in(const Operator& operation) {
  return std::visit([](const auto& op) { return op.n_in(); }, operation);
}

std::ptrdiff_t n_out(const Operator& operation) {
  return std::visit([](const auto& op) { return op.n_out(); }, operation);
}

// What the next stage of a network is the sum of.
void add_terms(const StageData& data, const ReluNetwork::Stages& before, NetworkStage& stage) {
  stage.longest_row = 1;
  const std::string name = "stages[" + std::to_string(before.size()) + "]";
  for (const TermData& term : data.terms) {
    if (term.source < 0 || term.source > before.size()) {
      throw ArgumentError(name + " must take earlier stages");
    }
    stage.terms.push_back({term.source, make_operator(term.operation)});
    const Operator& operation = stage.terms.back().operation;
    if (n_in(operation) != before.width(term.source) || n_out(operation) != data.n_units()) {
      throw ArgumentError(name + " must have operators that fit its source and its units");
    }
    stage.longest_row += std::visit([](const auto& op) { return op.longest_row(); }, operation);
  }
}

}  // namespace

ReluNetwork::ReluNetwork(std::ptrdiff_t n_inputs, const std::vector<StageData>& stages) {
  auto out = std::make_unique<Stages>();
  out->n_inputs = n_inputs;
  for (const StageData& data : stages) {
    if (data.slopes.size() != data.bias.size()) {
      throw ArgumentError("slopes must be as many as biases");
    }
    NetworkStage stage;
    stage.n_units = data.n_units();
    stage.bias.assign(data.bias.begin(), data.bias.end());
    stage.slopes.assign(data.slopes.begin(), data.slopes.end());
    stage.first_hidden = out->n_hidden;
    add_terms(data, *out, stage);
    for (std::ptrdiff_t i = 0; i < data.n_units(); ++i) {
      if (!std::isfinite(data.bias[i]) || !std::isfinite(data.slopes[i])) {
        throw ArgumentError("biases and slopes must be finite");
      }
      if (data.slopes[i] == 1.0) continue;
      stage.hidden.push_back(i);
      out->stage_of.push_back(out->size());
      out->unit_of.push_back(i);
      ++out->n_hidden;
    }
    out->stages.push_back(std::move(stage));
  }
  if (out->stages.empty() || !out->stages.back().hidden.empty()) {
    throw ArgumentError("the last stage must be there, and all its units linear");
  }
  stages_ = std::move(out);
}

ReluNetwork::~ReluNetwork() = default;

std::ptrdiff_t ReluNetwork::n_hidden() const { return stages_->n_hidden; }

}  // namespace hullspace
