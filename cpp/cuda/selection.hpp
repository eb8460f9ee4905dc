// Keeping the lowest of many scores in a list that is thinned out whenever it is full.
//
// A list never loses one of the `keep` lowest keys, however they come, so that what is selected in
// the end depends neither on their order nor on when the list was thinned out. Dropped keys are at
// least the pivot, and whoever has seen the pivot need not list such keys at all.
#pragma once

#include <cstdint>

#include "cuda/team.hpp"

namespace hullspace::cuda {

// A score and the index of its point, in this order. The points of a set differ, and so do keys.
using Key = std::uint64_t;

inline constexpr int kIndexBits = 32;
inline constexpr std::uint32_t kSignBit = 0x80000000U;
// Ranking a few more than needed costs less than telling them apart by bisection.
inline constexpr int kFewKeys = 32;

// Flipping all bits of negative numbers and the sign of others puts bits in the order of values.
HULLSPACE_DEVICE inline Key key_of(float score, std::uint32_t index) {
  // Adding zero makes -0 the other zero.
  const auto bits = __builtin_bit_cast(std::uint32_t, score + 0.0F);
  const std::uint32_t ordered = (bits & kSignBit) != 0 ? ~bits : bits | kSignBit;
  return static_cast<Key>(ordered) << kIndexBits | index;
}

HULLSPACE_DEVICE inline std::int32_t index_of(Key key) { return static_cast<std::int32_t>(key); }

HULLSPACE_DEVICE inline float score_of(Key key) {
  const auto ordered = static_cast<std::uint32_t>(key >> kIndexBits);
  return __builtin_bit_cast(float, (ordered & kSignBit) != 0 ? ordered ^ kSignBit : ~ordered);
}

// The lowest threshold that all keys below `pivot` score below. It lies above the pivot's score, as
// among the points of that score those of lower index are below the pivot, and another list's
// pivot must not cost them their place.
HULLSPACE_DEVICE inline float threshold_of(Key pivot) {
  return score_of(pivot + ((Key{1} << kIndexBits) - 1));
}

template <class Team>
HULLSPACE_DEVICE int count_below(const Team& team, const Key* keys, int count, Key pivot) {
  int below = 0;
  for (int i = team.lane(); i < count; i += team.size()) below += keys[i] < pivot ? 1 : 0;
  return team.sum(below);
}

// By bisection, a key that at least `least` and at most `most` of the keys are below; there are
// more than `most`.
template <class Team>
HULLSPACE_DEVICE Key find_pivot(const Team& team, const Key* keys, int count, int least, int most) {
  double lowest = score_of(keys[0]);
  double highest = lowest;
  for (int i = team.lane(); i < count; i += team.size()) {
    const double score = score_of(keys[i]);
    lowest = score < lowest ? score : lowest;
    highest = score > highest ? score : highest;
  }
  Key low = key_of(static_cast<float>(-team.largest(-lowest)), 0);
  Key high = key_of(static_cast<float>(team.largest(highest)), ~std::uint32_t{0});
  while (high - low > 1) {
    const Key pivot = low + (high - low) / 2;
    const int below = count_below(team, keys, count, pivot);
    if (below >= least && below <= most) return pivot;
    (below < least ? low : high) = pivot;
  }
  return high;
}

// Keep the keys below the pivot, in their order; returns how many.
template <class Team>
HULLSPACE_DEVICE int keep_below(const Team& team, Key* keys, int count, Key pivot) {
  int kept = 0;
  for (int first = 0; first < count; first += team.size()) {
    const int i = first + team.lane();
    const Key key = i < count ? keys[i] : ~Key{0};
    const bool stays = i < count && key < pivot;
    int total = 0;
    // Whoever knows the rank knows that all have read.
    const int place = kept + team.rank(stays, total);
    if (stays) keys[place] = key;
    kept += total;
  }
  team.sync();
  return kept;
}

struct Thinned {
  int count;
  Key pivot;  // no key that was dropped is below
};

// Shorten a list of more than `limit` keys to at least `keep` and at most halfway from there to the
// limit.
template <class Team>
HULLSPACE_DEVICE Thinned thin_out(const Team& team, Key* keys, int count, int keep, int limit) {
  const Key pivot = find_pivot(team, keys, count, keep, keep + (limit - keep) / 2);
  return {keep_below(team, keys, count, pivot), pivot};
}

// Join lists that begin `stride` apart to one; returns its length.
template <class Team>
HULLSPACE_DEVICE int join(const Team& team, Key* keys, int stride, const int* counts, int n_lists) {
  int total = counts[0];
  for (int list = 1; list < n_lists; ++list) {
    const Key* from = keys + static_cast<std::int64_t>(list) * stride;
    for (int first = 0; first < counts[list]; first += team.size()) {
      const int i = first + team.lane();
      const Key key = i < counts[list] ? from[i] : 0;
      team.sync();
      if (i < counts[list]) keys[total + i] = key;
    }
    total += counts[list];
  }
  team.sync();
  return total;
}

// Call put(rank, key) for each of the `keep` lowest keys, all if there are fewer. The list is
// shortened.
template <class Team, class Put>
HULLSPACE_DEVICE void select_lowest(const Team& team, Key* keys, int count, int keep,
                                    const Put& put) {
  const int limit = 2 * keep + kFewKeys;
  if (count > limit) count = thin_out(team, keys, count, keep, limit).count;
  for (int i = team.lane(); i < count; i += team.size()) {
    int rank = 0;
    for (int j = 0; j < count; ++j) rank += keys[j] < keys[i] ? 1 : 0;
    if (rank < keep) put(rank, keys[i]);
  }
}

}  // namespace hullspace::cuda
