// Exact signs where rounding leaves doubt: the rows of units and constraints as dyadic rationals,
// and the generators in which hyperplanes meet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "regions/dyadic.hpp"
#include "regions/pattern_maps.hpp"

namespace hullspace {

using ExactRow = std::vector<Dyadic>;

// What a hyperplane is: hidden unit number r >= 0, or one of these.
inline constexpr std::int32_t kInfinity = -1;  // the last coordinate is zero
constexpr std::int32_t constraint_ref(std::ptrdiff_t j) {
  return static_cast<std::int32_t>(-2 - j);
}
constexpr std::ptrdiff_t constraint_of(std::int32_t ref) { return -2 - ref; }
// The number of a unit's or constraint's row in proofs: hidden units come first.
constexpr std::int32_t row_number(std::int32_t ref, std::ptrdiff_t n_hidden) {
  return ref >= 0 ? ref : static_cast<std::int32_t>(n_hidden + constraint_of(ref));
}
// Where output a equals output b, of n.
inline constexpr std::int32_t kFirstPair = std::int32_t{-1} << 30;
constexpr std::int32_t pair_ref(std::ptrdiff_t a, std::ptrdiff_t b, std::ptrdiff_t n) {
  return kFirstPair - static_cast<std::int32_t>(a * n + b);
}

// The first rows, of the first n_columns coefficients each, that do not depend on those before.
std::vector<std::ptrdiff_t> independent_rows(const std::vector<ExactRow>& rows,
                                             std::ptrdiff_t n_columns);

class ExactGeometry {
 public:
  // Constraints are (n, D) rows, at least zero inside. All must outlive this.
  ExactGeometry(const ReluNetwork::Stages& network, const PatternMaps& maps,
                const std::uint64_t* sides, const std::vector<double>& constraints)
      : network_(network), maps_(maps), sides_(sides), constraints_(constraints) {
    rows_.resize(network.stages.size());
  }

  // Coefficients of a hyperplane, or null if that takes too much work.
  const ExactRow* row(std::int32_t ref);
  // The same of any unit, also a linear one.
  const ExactRow* unit_row(std::ptrdiff_t stage, std::ptrdiff_t unit);
  // The line in which hyperplanes meet, as a generator whose last coordinate is not negative; if
  // that is zero, on the side of `near`. Nothing if they do not determine one, or it takes too much
  // work.
  std::optional<ExactRow> generator(const std::vector<std::int32_t>& refs, const double* near);
  static int sign(const ExactRow& row, const ExactRow& generator);

 private:
  struct Cached {
    std::uint64_t version = 0;
    ExactRow row;
  };

  double factor_of(const NetworkStage& stage, std::ptrdiff_t unit) const;
  void read_input(std::ptrdiff_t input, ExactRow& row) const;
  bool add_unit(std::ptrdiff_t stage, std::ptrdiff_t unit, ExactRow& row);

  const ReluNetwork::Stages& network_;
  const PatternMaps& maps_;
  const std::uint64_t* sides_;
  const std::vector<double>& constraints_;
  std::vector<std::vector<Cached>> rows_;  // of each stage's units; none until asked for
  ExactRow row_;                           // of what is not a unit
  std::int64_t work_ = 0;
  std::int64_t limit_ = 0;
};

}  // namespace hullspace
