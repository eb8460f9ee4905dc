#include "regions/dyadic.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace hullspace {
namespace {

using Word = std::uint64_t;
__extension__ using Wide = unsigned __int128;

constexpr int kWordBits = 64;

// The n words that `words` are after a shift to the left, for an n that has room for them.
void shift_left(const Words& words, std::int64_t bits, Word* out, std::size_t n) {
  const auto whole = static_cast<std::size_t>(bits / kWordBits);
  const auto rest = static_cast<int>(bits % kWordBits);
  const Word* in = words.data();
  const std::size_t size = words.size();
  std::fill_n(out, whole, 0);
  Word low = 0;
  for (std::size_t i = 0; i < size; ++i) {
    out[whole + i] = in[i] << rest | low;
    low = rest != 0 ? in[i] >> (kWordBits - rest) : 0;
  }
  out[whole + size] = low;
  std::fill(out + whole + size + 1, out + n, 0);
}

// Words without as many of their lowest bits, less than a word of them.
Words shifted_right(const Words& words, int bits) {
  Words out(words);
  if (bits == 0) return out;
  const std::size_t last = out.size() - 1;
  for (std::size_t i = 0; i < last; ++i) {
    out[i] = out[i] >> bits | out[i + 1] << (kWordBits - bits);
  }
  out[last] >>= bits;
  if (out[last] == 0) out.resize(last);
  return out;
}

// The n words of a, which are enough for the sum, plus b.
void add_to(Word* a, std::size_t n, const Words& b) {
  const Word* more = b.data();
  Word carry = 0;
  for (std::size_t i = 0; i < n && (i < b.size() || carry != 0); ++i) {
    const Wide total = Wide{a[i]} + (i < b.size() ? more[i] : 0) + carry;
    a[i] = static_cast<Word>(total);
    carry = static_cast<Word>(total >> kWordBits);
  }
}

// The n words of a less b, but for the sign; whether that is negative.
bool subtract_from(Word* a, std::size_t n, const Words& b) {
  const Word* less = b.data();
  Word borrow = 0;
  for (std::size_t i = 0; i < n && (i < b.size() || borrow != 0); ++i) {
    const Wide total = Wide{a[i]} - (i < b.size() ? less[i] : 0) - borrow;
    a[i] = static_cast<Word>(total);
    borrow = (total >> kWordBits) != 0 ? 1 : 0;
  }
  if (borrow == 0) return false;
  Word carry = 1;
  for (std::size_t i = 0; i < n; ++i) {
    a[i] = ~a[i] + carry;
    carry = carry != 0 && a[i] == 0 ? 1 : 0;
  }
  return true;
}

// a += factor * b, of n words each, and what is carried beyond them.
Word add_multiple(Word* a, const Word* b, std::size_t n, Word factor) {
  Word carry = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const Wide total = Wide{b[i]} * factor + a[i] + carry;
    a[i] = static_cast<Word>(total);
    carry = static_cast<Word>(total >> kWordBits);
  }
  return carry;
}

// The n words of a less factor * b, whatever is borrowed from beyond them.
void subtract_multiple(Word* a, std::size_t n, const Words& b, Word factor) {
  const Word* words = b.data();
  const std::size_t size = std::min(n, b.size());
  Word borrow = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const Wide product = Wide{words[i]} * factor + borrow;
    const auto low = static_cast<Word>(product);
    borrow = static_cast<Word>(product >> kWordBits) + (a[i] < low ? 1 : 0);
    a[i] -= low;
  }
  for (std::size_t i = size; i < n && borrow != 0; ++i) {
    const bool more = a[i] < borrow;
    a[i] -= borrow;
    borrow = more ? 1 : 0;
  }
}

// The inverse of an odd number modulo 2^64, by Newton's method.
Word inverse_of(Word odd) {
  Word inverse = odd * 3 ^ 2;  // right in 5 bits
  for (int bits = 5; bits < kWordBits; bits *= 2) inverse *= 2 - odd * inverse;
  return inverse;
}

}  // namespace

Dyadic::Dyadic(double value) {
  if (value == 0.0) return;
  int exponent = 0;
  const double mantissa = std::frexp(std::abs(value), &exponent);
  const auto word = static_cast<Word>(std::ldexp(mantissa, 53));
  const int zeros = std::countr_zero(word);
  words_.resize(1);
  words_[0] = word >> zeros;
  exponent_ = exponent - 53 + zeros;
  sign_ = value > 0.0 ? 1 : -1;
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

// Drop words of zeros at both ends.
void Dyadic::trim() {
  Word* words = words_.data();
  std::size_t n = words_.size();
  while (n > 0 && words[n - 1] == 0) --n;
  if (n == 0) {
    *this = Dyadic();
    return;
  }
  std::size_t zeros = 0;
  while (words[zeros] == 0) ++zeros;
  if (zeros > 0) std::copy(words + zeros, words + n, words);
  words_.resize(n - zeros);
  exponent_ += static_cast<std::int64_t>(zeros) * kWordBits;
}

Dyadic Dyadic::operator-() const {
  Dyadic out(*this);
  out.sign_ = -sign_;
  return out;
}

Dyadic Dyadic::add(const Dyadic& a, const Dyadic& b, int sign_of_b) {
  if (b.sign_ == 0) return a;
  if (a.sign_ == 0) {
    Dyadic out(b);
    out.sign_ = sign_of_b;
    return out;
  }
  const bool a_is_higher = a.exponent_ >= b.exponent_;
  const Dyadic& high = a_is_higher ? a : b;
  const Dyadic& low = a_is_higher ? b : a;
  const std::int64_t shift = high.exponent_ - low.exponent_;
  const std::size_t reach = high.words_.size() + static_cast<std::size_t>(shift / kWordBits) + 1;
  const std::size_t n = std::max(reach, low.words_.size()) + 1;
  Dyadic out;
  out.words_.resize(n);
  out.exponent_ = low.exponent_;
  out.sign_ = a_is_higher ? a.sign_ : sign_of_b;
  shift_left(high.words_, shift, out.words_.data(), n);
  if (a.sign_ == sign_of_b) {
    add_to(out.words_.data(), n, low.words_);
  } else if (subtract_from(out.words_.data(), n, low.words_)) {
    out.sign_ = -out.sign_;
  }
  out.trim();
  return out;
}

Dyadic operator*(const Dyadic& a, const Dyadic& b) {
  Dyadic out;
  if (a.sign_ == 0 || b.sign_ == 0) return out;
  const Dyadic& longer = a.words_.size() >= b.words_.size() ? a : b;
  const Dyadic& shorter = a.words_.size() >= b.words_.size() ? b : a;
  const std::size_t n = longer.words_.size();
  out.words_.resize(n + shorter.words_.size());
  Word* words = out.words_.data();
  std::fill_n(words, n, 0);
  for (std::size_t i = 0; i < shorter.words_.size(); ++i) {
    words[i + n] = add_multiple(words + i, longer.words_.data(), n, shorter.words_[i]);
  }
  out.sign_ = a.sign_ * b.sign_;
  out.exponent_ = a.exponent_ + b.exponent_;
  out.trim();
  return out;
}

// From the lowest words up, where nothing has to be guessed (Jebelean, "An algorithm for exact
// division", 1993).
Dyadic operator/(const Dyadic& a, const Dyadic& b) {
  if (a.sign_ == 0) return {};
  const int zeros = std::countr_zero(b.words_[0]);
  const Words odd = shifted_right(b.words_, zeros);
  Dyadic out(a);
  const std::size_t n = a.words_.size() - odd.size() + 1;
  out.words_.resize(n);
  Word* words = out.words_.data();
  const Word inverse = inverse_of(odd[0]);
  for (std::size_t i = 0; i < n; ++i) {
    const Word quotient = words[i] * inverse;
    subtract_multiple(words + i, n - i, odd, quotient);
    words[i] = quotient;
  }
  out.sign_ = a.sign_ * b.sign_;
  out.exponent_ = a.exponent_ - b.exponent_ - zeros;
  out.trim();
  return out;
}

}  // namespace hullspace
