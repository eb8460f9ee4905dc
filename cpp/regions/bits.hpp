// Bits in words of any unsigned type, lowest first.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace hullspace {

template <class Word>
bool get_bit(const Word* words, std::ptrdiff_t i) {
  constexpr int kBits = std::numeric_limits<Word>::digits;
  return ((words[i / kBits] >> (i % kBits)) & 1U) != 0;
}

template <class Word>
void set_bit(Word* words, std::ptrdiff_t i, bool value) {
  constexpr int kBits = std::numeric_limits<Word>::digits;
  const auto bit = static_cast<Word>(Word{1} << (i % kBits));
  if (value) {
    words[i / kBits] |= bit;
  } else {
    words[i / kBits] &= static_cast<Word>(~bit);
  }
}

inline std::ptrdiff_t words_for(std::ptrdiff_t n_bits) { return (n_bits + 63) / 64; }
inline std::ptrdiff_t bytes_for(std::ptrdiff_t n_bits) { return (n_bits + 7) / 8; }

// Append the bits in as many bytes as they take.
inline void append_bytes(const std::uint64_t* words, std::ptrdiff_t n_bits,
                         std::vector<std::uint8_t>& out) {
  for (std::ptrdiff_t i = 0; i < bytes_for(n_bits); ++i) {
    out.push_back(static_cast<std::uint8_t>(words[i / 8] >> (8 * (i % 8))));
  }
}

inline std::ptrdiff_t count_bits(const std::uint64_t* set, std::ptrdiff_t words) {
  std::ptrdiff_t total = 0;
  for (std::ptrdiff_t w = 0; w < words; ++w) total += std::popcount(set[w]);
  return total;
}

// Whether a set has all that is in a part.
inline bool holds(const std::uint64_t* set, const std::uint64_t* part, std::ptrdiff_t words) {
  for (std::ptrdiff_t w = 0; w < words; ++w) {
    if ((part[w] & ~set[w]) != 0) return false;
  }
  return true;
}

}  // namespace hullspace
