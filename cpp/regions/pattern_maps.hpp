// The affine functions that a network's units are where an activation pattern holds, with rigorous
// bounds on what rounding made of them.
//
// A unit's input is a linear function of homogeneous coordinates (y, 1), so it has D = n_dims + 1
// coefficients; the functions of a stage are kept as D planes, one coefficient of all units each.
// For |y_c| <= 1 the computed value differs from the true one by at most the unit's `error`, and
// is at most its `size`. The error follows Higham, "Accuracy and Stability of Numerical
// Algorithms", 2nd ed., section 3.1: a sum of n products is wrong by n roundings of the sum of
// their sizes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/kernels.hpp"
#include "regions/network.hpp"

namespace hullspace {

class PatternMaps {
 public:
  // The embedding: (n_dims + 1) planes of n_inputs coefficients, the last one the origin.
  PatternMaps(const ReluNetwork::Stages& network, std::vector<double> embedding,
              std::ptrdiff_t n_coefficients);

  // Find the inputs of a stage's units from the outputs of the stages before.
  void compute(std::ptrdiff_t stage);
  // Compute as a whole next time, so that nothing depends on what was computed before.
  void forget() {
    for (Origin& origin : origins_) origin.version = 0;
  }
  // Find the outputs of a stage's units, from its inputs and the sides of its hidden units.
  void activate(std::ptrdiff_t stage, const std::uint64_t* sides);

  std::ptrdiff_t n_coefficients() const { return n_coefficients_; }
  const double* planes(std::ptrdiff_t stage) const { return inputs_[stage].planes.data(); }
  std::ptrdiff_t stride(std::ptrdiff_t stage) const { return inputs_[stage].stride; }
  void read(std::ptrdiff_t stage, std::ptrdiff_t unit, double* row) const {
    const Values& values = inputs_[stage];
    for (std::ptrdiff_t c = 0; c < n_coefficients_; ++c) {
      row[c] = values.planes[c * values.stride + unit];
    }
  }
  const double* errors(std::ptrdiff_t stage) const { return inputs_[stage].errors.data(); }
  const double* sizes(std::ptrdiff_t stage) const { return inputs_[stage].sizes.data(); }
  // Counts how often a stage was computed.
  std::uint64_t version(std::ptrdiff_t stage) const { return inputs_[stage].version; }
  const std::vector<double>& embedding() const { return outputs_[0].planes; }
  std::ptrdiff_t embedding_stride() const { return outputs_[0].stride; }

 private:
  struct Values {
    std::ptrdiff_t stride = 0;
    std::vector<double> planes;  // (n_coefficients, stride)
    std::vector<double> errors;  // (stride)
    std::vector<double> sizes;
    std::uint64_t version = 0;
  };
  // What the inputs of a stage that takes one other by a matrix were computed from.
  struct Origin {
    std::uint64_t version = 0;     // of the other's inputs; none if zero
    std::ptrdiff_t n_updates = 0;  // since they were computed as a whole
    std::vector<double> factors;   // that the other's units had
    std::vector<double> reaches;   // bounds of all sums on the way, in the units of sizes
  };

  Values make(std::ptrdiff_t n_units) const;
  void find_sizes(Values& values) const;
  void find_factors(std::ptrdiff_t stage, const std::uint64_t* sides);
  void add_change(const DenseOperator& matrix, std::ptrdiff_t i, double before, double now,
                  double share, const Values& in, Values& out) const;
  bool update(std::ptrdiff_t stage);
  void remember(std::ptrdiff_t stage);
  const DenseOperator* only_matrix(std::ptrdiff_t stage) const;

  const Kernels& kernels_ = kernels();
  const ReluNetwork::Stages& network_;
  std::ptrdiff_t n_coefficients_;
  std::vector<Values> inputs_;   // of the stages' units
  std::vector<Values> outputs_;  // the network's input, then the stages' outputs
  std::vector<Origin> origins_;
  std::vector<std::vector<double>> factors_;  // of each stage's units
  std::vector<double> scratch_;
  std::vector<double> weights_;
  std::vector<std::ptrdiff_t> changed_;
};

}  // namespace hullspace
