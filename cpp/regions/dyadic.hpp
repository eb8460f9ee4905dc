// Exact arithmetic on dyadic rationals, m * 2^e with an integer m of any size: what doubles are,
// and what sums and products of doubles stay.
#pragma once

#include <cstdint>
#include <vector>

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
  // a / b where that is a dyadic rational; b is not zero.
  friend Dyadic exact_quotient(const Dyadic& a, const Dyadic& b);

 private:
  using Words = std::vector<std::uint64_t>;

  static Dyadic add(const Dyadic& a, const Dyadic& b, int sign_of_b);
  void normalize();

  Words words_;  // of |m|, lowest first; the lowest is odd or there is none
  std::int64_t exponent_ = 0;
  int sign_ = 0;
};

}  // namespace hullspace
