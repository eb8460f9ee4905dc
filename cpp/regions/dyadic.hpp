// Exact arithmetic on dyadic rationals, m * 2^e with an integer m of any size: what doubles are,
// and what sums and products of doubles stay.
#pragma once

#include <cstdint>

#include "regions/words.hpp"

namespace hullspace {

class Dyadic {
 public:
  Dyadic() = default;
  explicit Dyadic(double value);  // finite

  int sign() const { return sign_; }
  bool is_zero() const { return sign_ == 0; }
  double to_double() const;

  Dyadic operator-() const;
  friend Dyadic operator+(const Dyadic& a, const Dyadic& b) { return add(a, b, b.sign_); }
  friend Dyadic operator-(const Dyadic& a, const Dyadic& b) { return add(a, b, -b.sign_); }
  friend Dyadic operator*(const Dyadic& a, const Dyadic& b);
  // Of numbers whose quotient is dyadic, too.
  friend Dyadic operator/(const Dyadic& a, const Dyadic& b);

 private:
  static Dyadic add(const Dyadic& a, const Dyadic& b, int sign_of_b);
  void trim();

  Words words_;  // of |m|; neither the lowest nor the highest is zero
  std::int64_t exponent_ = 0;
  int sign_ = 0;
};

}  // namespace hullspace
