// The stages of a network as the search uses them.
#pragma once

#include <cstddef>
#include <vector>

#include "hullspace/regions.hpp"
#include "regions/operators.hpp"

namespace hullspace {

struct NetworkTerm {
  std::ptrdiff_t source;
  Operator operation;
};

struct NetworkStage {
  std::vector<NetworkTerm> terms;
  std::vector<double> bias;
  std::vector<double> slopes;
  std::vector<std::ptrdiff_t> hidden;  // units that are not linear
  std::ptrdiff_t first_hidden = 0;     // number of the first of them
  std::ptrdiff_t n_units = 0;
  std::ptrdiff_t longest_row = 0;  // addends of a unit's input
};

struct ReluNetwork::Stages {
  std::ptrdiff_t n_inputs = 0;
  std::ptrdiff_t n_hidden = 0;
  std::vector<NetworkStage> stages;
  std::vector<std::ptrdiff_t> stage_of;  // of each hidden unit
  std::vector<std::ptrdiff_t> unit_of;   // its place there

  std::ptrdiff_t size() const { return static_cast<std::ptrdiff_t>(stages.size()); }
  // Elements of a source: 0 for the input, k for the output of stage k - 1.
  std::ptrdiff_t width(std::ptrdiff_t source) const {
    return source == 0 ? n_inputs : stages[source - 1].n_units;
  }
};

}  // namespace hullspace
