#include "regions/ties.hpp"

#include <algorithm>

namespace hullspace {
namespace {

// A coefficient that is not zero, or the number of them.
std::size_t pivot_of(const ExactRow& row) {
  const auto found =
      std::find_if(row.begin(), row.end(), [](const Dyadic& x) { return !x.is_zero(); });
  return static_cast<std::size_t>(found - row.begin());
}

}  // namespace

std::int32_t steepest(ExactGeometry& exact, std::int32_t c, const std::vector<std::int32_t>& tied,
                      std::ptrdiff_t n_outputs) {
  std::int32_t best = tied.front();
  if (tied.size() == 1) return best;
  const ExactRow* first = exact.row(pair_ref(c, best, n_outputs));
  if (first == nullptr) return best;
  const std::size_t pivot = pivot_of(*first);
  // What the others lag behind on c's side they are ahead by on the other one.
  const int side = (*first)[pivot].sign();
  Dyadic most = (*first)[pivot];
  for (const std::int32_t other : tied) {
    const ExactRow* row = exact.row(pair_ref(c, other, n_outputs));
    if (row == nullptr) return tied.front();
    if (((*row)[pivot] - most).sign() * side > 0) {
      best = other;
      most = (*row)[pivot];
    }
  }
  return best;
}

bool are_parallel(const ExactRow& a, const ExactRow& b) {
  const std::size_t pivot = pivot_of(a);
  if (pivot == a.size() || b[pivot].is_zero()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!(a[i] * b[pivot] - b[i] * a[pivot]).is_zero()) return false;
  }
  return true;
}

}  // namespace hullspace
