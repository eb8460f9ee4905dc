#include "regions/dyadic.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace hullspace {
namespace {

using Words = std::vector<std::uint64_t>;
__extension__ using Wide = unsigned __int128;

constexpr int kWordBits = 64;

int compare(const Words& a, const Words& b) {
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  for (std::size_t i = a.size(); i-- > 0;) {
    if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
  }
  return 0;
}

Words shifted_left(const Words& words, std::int64_t bits) {
  const auto whole = static_cast<std::size_t>(bits / kWordBits);
  const auto rest = static_cast<unsigned>(bits % kWordBits);
  Words out(words.size() + whole + 1, 0);
  for (std::size_t i = 0; i < words.size(); ++i) {
    out[i + whole] |= words[i] << rest;
    if (rest != 0) out[i + whole + 1] = words[i] >> (kWordBits - rest);
  }
  while (!out.empty() && out.back() == 0) out.pop_back();
  return out;
}

Words sum(const Words& a, const Words& b) {
  const Words& longer = a.size() >= b.size() ? a : b;
  const Words& shorter = a.size() >= b.size() ? b : a;
  Words out(longer);
  std::uint64_t carry = 0;
  for (std::size_t i = 0; i < out.size() && (i < shorter.size() || carry != 0); ++i) {
    const Wide total = Wide{out[i]} + (i < shorter.size() ? shorter[i] : 0) + carry;
    out[i] = static_cast<std::uint64_t>(total);
    carry = static_cast<std::uint64_t>(total >> kWordBits);
  }
  if (carry != 0) out.push_back(carry);
  return out;
}

// a - b for a >= b.
Words difference(const Words& a, const Words& b) {
  Words out(a);
  std::uint64_t borrow = 0;
  for (std::size_t i = 0; i < out.size() && (i < b.size() || borrow != 0); ++i) {
    const std::uint64_t subtrahend = i < b.size() ? b[i] : 0;
    const Wide total = Wide{out[i]} - subtrahend - borrow;
    out[i] = static_cast<std::uint64_t>(total);
    borrow = (total >> kWordBits) != 0 ? 1 : 0;
  }
  while (!out.empty() && out.back() == 0) out.pop_back();
  return out;
}

}  // namespace

Dyadic::Dyadic(double value) {
  if (value == 0.0) return;
  int exponent = 0;
  const double mantissa = std::frexp(std::abs(value), &exponent);
  words_.push_back(static_cast<std::uint64_t>(std::ldexp(mantissa, 53)));
  exponent_ = exponent - 53;
  sign_ = value > 0.0 ? 1 : -1;
  normalize();
}

double Dyadic::to_double() const {
  double value = 0.0;
  const std::size_t first = words_.size() > 3 ? words_.size() - 3 : 0;
  for (std::size_t i = words_.size(); i-- > first;) {
    value = value * 0x1p64 + static_cast<double>(words_[i]);
  }
  const std::int64_t exponent = exponent_ + static_cast<std::int64_t>(first) * kWordBits;
  return sign_ *
         std::ldexp(value, static_cast<int>(std::clamp<std::int64_t>(exponent, -5000, 5000)));
}

void Dyadic::normalize() {
  while (!words_.empty() && words_.back() == 0) words_.pop_back();
  if (words_.empty()) {
    sign_ = 0;
    exponent_ = 0;
    return;
  }
  std::size_t zeros = 0;
  while (words_[zeros] == 0) ++zeros;
  const auto bits = static_cast<unsigned>(std::countr_zero(words_[zeros]));
  words_.erase(words_.begin(), words_.begin() + static_cast<std::ptrdiff_t>(zeros));
  if (bits != 0) {
    for (std::size_t i = 0; i < words_.size(); ++i) {
      words_[i] >>= bits;
      if (i + 1 < words_.size()) words_[i] |= words_[i + 1] << (kWordBits - bits);
    }
    if (words_.back() == 0) words_.pop_back();
  }
  exponent_ += static_cast<std::int64_t>(zeros) * kWordBits + bits;
}

Dyadic Dyadic::operator-() const {
  Dyadic out(*this);
  out.sign_ = -sign_;
  return out;
}

Dyadic Dyadic::add(const Dyadic& a, const Dyadic& b, int sign_of_b) {
  if (b.sign_ == 0) return a;
  Dyadic out;
  if (a.sign_ == 0) {
    out = b;
    out.sign_ = sign_of_b;
    return out;
  }
  out.exponent_ = std::min(a.exponent_, b.exponent_);
  const Words left = shifted_left(a.words_, a.exponent_ - out.exponent_);
  const Words right = shifted_left(b.words_, b.exponent_ - out.exponent_);
  if (a.sign_ == sign_of_b) {
    out.words_ = sum(left, right);
    out.sign_ = a.sign_;
  } else {
    const int order = compare(left, right);
    if (order == 0) return {};
    out.words_ = order > 0 ? difference(left, right) : difference(right, left);
    out.sign_ = order > 0 ? a.sign_ : sign_of_b;
  }
  out.normalize();
  return out;
}

Dyadic operator*(const Dyadic& a, const Dyadic& b) {
  Dyadic out;
  if (a.sign_ == 0 || b.sign_ == 0) return out;
  out.words_.assign(a.words_.size() + b.words_.size(), 0);
  for (std::size_t i = 0; i < a.words_.size(); ++i) {
    std::uint64_t carry = 0;
    for (std::size_t j = 0; j < b.words_.size(); ++j) {
      const Wide total = Wide{a.words_[i]} * b.words_[j] + out.words_[i + j] + carry;
      out.words_[i + j] = static_cast<std::uint64_t>(total);
      carry = static_cast<std::uint64_t>(total >> kWordBits);
    }
    out.words_[i + b.words_.size()] = carry;
  }
  out.sign_ = a.sign_ * b.sign_;
  out.exponent_ = a.exponent_ + b.exponent_;
  out.normalize();
  return out;
}

// From the lowest word on, where b's is odd and has an inverse modulo 2^64 (Jebelean, "An algorithm
// for exact division", 1993).
Dyadic exact_quotient(const Dyadic& a, const Dyadic& b) {
  Dyadic out;
  if (a.sign_ == 0) return out;
  const std::size_t n = a.words_.size() - b.words_.size() + 1;
  std::uint64_t inverse = b.words_[0];
  for (int step = 0; step < 5; ++step) inverse *= 2 - b.words_[0] * inverse;
  Words rest(a.words_);
  out.words_.assign(n, 0);
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint64_t factor = rest[i] * inverse;
    out.words_[i] = factor;
    std::uint64_t carry = 0;
    for (std::size_t j = 0; j < b.words_.size() && i + j < n; ++j) {
      const Wide product = Wide{factor} * b.words_[j] + carry;
      const auto low = static_cast<std::uint64_t>(product);
      carry = static_cast<std::uint64_t>(product >> kWordBits) + (rest[i + j] < low ? 1 : 0);
      rest[i + j] -= low;
    }
    for (std::size_t j = i + b.words_.size(); j < n && carry != 0; ++j) {
      const std::uint64_t before = rest[j];
      rest[j] -= carry;
      carry = before < carry ? 1 : 0;
    }
  }
  out.sign_ = a.sign_ * b.sign_;
  out.exponent_ = a.exponent_ - b.exponent_;
  out.normalize();
  return out;
}

}  // namespace hullspace
