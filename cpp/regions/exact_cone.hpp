// Whether a linear function is nonnegative on a polyhedral cone, decided exactly.
//
// By Farkas' lemma it is if and only if it is a combination of the cone's rows with nonnegative
// multipliers. A basis of rows either has such coordinates, or a row of its inverse is a point of
// the cone where the function is negative, or names a row that enters: the dual simplex method,
// which ends with Bland's choice by index. The inverse is kept over one common denominator, so that
// all divisions are exact (Edmonds, "Systems of distinct representatives and linear algebra",
// 1967).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "regions/dyadic.hpp"
#include "regions/exact.hpp"

namespace hullspace {

Dyadic product(const ExactRow& a, const ExactRow& b);

class ExactCone {
 public:
  enum class Answer : std::int8_t {
    kNonnegative,  // `rows` and `multipliers` say why
    kNegative,     // at `point`, which is in the cone
    kTooLarge,     // it takes too much work
  };

  // About points (y, t) with rows . (y, t) >= 0 and t >= 0. The hint: rows that the multipliers are
  // likely to be of.
  Answer decide(const std::vector<ExactRow>& rows, const ExactRow& function,
                const std::vector<std::ptrdiff_t>& hint);

  // Which of the rows have multipliers that are not zero, and these, with what the function itself
  // is multiplied by as the last one, rounded.
  const std::vector<std::ptrdiff_t>& rows() const { return used_; }
  const std::vector<double>& multipliers() const { return multipliers_; }
  const ExactRow& point() const { return point_; }

 private:
  static constexpr std::ptrdiff_t kNone = -1;

  const Dyadic& element(std::ptrdiff_t i, std::ptrdiff_t c) const {
    return tableau_[i * (d_ + 1) + c];
  }
  const Dyadic& coordinate(std::ptrdiff_t i) const { return element(i, d_); }
  std::ptrdiff_t n_all() const { return static_cast<std::ptrdiff_t>(given_->size()) + 1; }
  Dyadic value(std::ptrdiff_t i, std::ptrdiff_t row) const;
  void start(const ExactRow& function);
  bool enter(std::ptrdiff_t row, std::ptrdiff_t place);
  void pivot(std::ptrdiff_t place, const ExactRow& column, std::ptrdiff_t row);
  std::ptrdiff_t leaving(bool by_size) const;
  std::ptrdiff_t entering(std::ptrdiff_t place, bool by_size) const;
  void read_multipliers();

  const std::vector<ExactRow>* given_ = nullptr;
  std::ptrdiff_t d_ = 0;
  std::vector<Dyadic> tableau_;        // (d, d + 1): the inverse, then the coordinates
  Dyadic denominator_;                 // of all of them; positive
  std::vector<std::ptrdiff_t> basis_;  // a row of each place; the last is t >= 0; or kNone
  std::int64_t work_ = 0;
  std::vector<std::ptrdiff_t> used_;
  std::vector<double> multipliers_;
  ExactRow point_;
};

}  // namespace hullspace
