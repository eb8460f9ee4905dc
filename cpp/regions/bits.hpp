// Bits in words of 64, lowest first.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hullspace {

inline bool get_bit(const std::uint64_t* words, std::ptrdiff_t i) {
  return ((words[i / 64] >> (static_cast<std::uint64_t>(i) % 64)) & 1U) != 0;
}

inline void set_bit(std::uint64_t* words, std::ptrdiff_t i, bool value) {
  const std::uint64_t bit = std::uint64_t{1} << (static_cast<std::uint64_t>(i) % 64);
  if (value) {
    words[i / 64] |= bit;
  } else {
    words[i / 64] &= ~bit;
  }
}

inline std::ptrdiff_t words_for(std::ptrdiff_t n_bits) { return (n_bits + 63) / 64; }

}  // namespace hullspace
