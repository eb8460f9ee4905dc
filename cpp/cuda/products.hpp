// Inner products by a team of threads, each of a vector with one or with many others.
#pragma once

#include <cstdint>

#include "cuda/team.hpp"

namespace hullspace::cuda {

// The inner product of vectors of n elements.
template <class Team>
HULLSPACE_DEVICE double inner_product(const Team& team, const double* a, const double* b, int n) {
  double sum = 0.0;
  for (int j = team.lane(); j < n; j += team.size()) sum += a[j] * b[j];
  return team.sum(sum);
}

// out[i] = sum over j of element(i, j) * x[j]
template <class Team, class Element>
HULLSPACE_DEVICE void dots(const Team& team, int count, int length, const Element& element,
                           const double* x, double* out) {
  constexpr int kAtOnce = 4;  // sums that are under way together
  const auto part = team.own_part();
  for (int first = kAtOnce * team.part(); first < count; first += kAtOnce * team.n_parts()) {
    double sums[kAtOnce] = {};
    for (int j = part.lane(); j < length; j += part.size()) {
      for (int k = 0; k < kAtOnce; ++k) {
        const int i = first + k < count ? first + k : count - 1;
        sums[k] += element(i, j) * x[j];
      }
    }
    for (int k = 0; k < kAtOnce; ++k) {
      const double sum = part.sum(sums[k]);
      if (part.lane() == 0 && first + k < count) out[first + k] = sum;
    }
  }
  team.sync();
}

// Vectors that lie in memory one after the other. A product of one with all of them is the work of
// groups of four threads, each with a vector of its own: it reads 32 bytes in a row, a whole sector
// of the device's memory, and the sum takes two exchanges where that of a warp takes five.
//
// out[i] = sum over j < n of element j of vector i with x[j], + more(i), for `count` vectors.
template <class Team, class More>
HULLSPACE_DEVICE void products_of_groups(const Team& team, const double* vectors,
                                         std::int64_t stride, int count, const double* x, int n,
                                         const More& more, double* out) {
  constexpr int kAtOnce = 8;  // reads that are under way together
  const auto part = team.own_part();
  const auto group = part.own_group();
  for (int first = part.n_groups() * team.part(); first < count;
       first += part.n_groups() * team.n_parts()) {
    const int i = first + part.group();
    const double* vector = vectors + stride * (i < count ? i : count - 1);
    double even = 0.0;
    double odd = 0.0;  // two sums, as each waits for its last addition
    int j = group.lane();
    for (; j + (kAtOnce - 1) * group.size() < n; j += kAtOnce * group.size()) {
      for (int k = 0; k < kAtOnce; k += 2) {
        const int next = j + k * group.size();
        even += vector[next] * x[next];
        odd += vector[next + group.size()] * x[next + group.size()];
      }
    }
    for (; j < n; j += group.size()) even += vector[j] * x[j];
    const double sum = group.sum(even + odd);
    if (group.lane() == 0 && i < count) out[i] = sum + more(i);
  }
}

}  // namespace hullspace::cuda
