// Cells of vertices in two: edges, new vertices, children.
#include "regions/vertex_cells.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "common/thin_qr.hpp"
#include "common/tolerances.hpp"
#include "regions/bits.hpp"
#include "regions/small_systems.hpp"

namespace hullspace {
namespace {

constexpr double kRoundoff = tolerances::kRoundoffDouble;
using tolerances::kTiny;

}  // namespace

// Pairs of a vertex on the positive side and one on the negative that share an edge.
template <int kWords>
void VertexCells::find_edges(const Cell& cell) {
  const std::ptrdiff_t words = kWords > 0 ? kWords : cell.words;
  const std::ptrdiff_t least = d_ - 2;
  std::vector<std::uint64_t> shared(static_cast<std::size_t>(kWords > 0 ? 0 : words));
  std::uint64_t fixed[kWords > 0 ? kWords : 1];
  std::uint64_t* common = kWords > 0 ? fixed : shared.data();
  edges_.clear();
  for (const std::int32_t u : positive_) {
    const std::uint64_t* first = cell.sets + u * words;
    for (const std::int32_t w : negative_) {
      const std::uint64_t* second = cell.sets + w * words;
      for (std::ptrdiff_t k = 0; k < words; ++k) common[k] = first[k] & second[k];
      if constexpr (kWords == 1) {
        // At least `least` bits, without counting them.
        std::uint64_t rest = common[0];
        for (std::ptrdiff_t k = 1; k < least; ++k) rest &= rest - 1;
        if (least > 0 && rest == 0) continue;
      } else if (count_bits(common, words) < least) {
        continue;
      }
      bool shares = true;
      if (!cell.simple) {
        for (std::ptrdiff_t v = 0; v < cell.n && shares; ++v) {
          shares = v == u || v == w || !holds(cell.sets + v * words, common, words);
        }
      }
      if (shares) edges_.push_back({u, w});
    }
  }
}

// Coordinates scaled to at most one, those of a vertex to a last coordinate of one where possible.
void VertexCells::scale_vertex(double* coordinates, double& error) const {
  double largest = 0.0;
  for (std::ptrdiff_t c = 0; c < d_; ++c) largest = std::max(largest, std::abs(coordinates[c]));
  const double last = coordinates[d_ - 1];
  if (last == 1.0 && largest <= 1.0) return;
  if (!(largest > 0.0)) {
    error = 1.0;  // between opposite rays, nothing is left of it
    return;
  }
  const double scale = last > 0.0 && largest <= last ? last : largest;
  for (std::ptrdiff_t c = 0; c < d_; ++c) coordinates[c] /= scale;
  error = error / scale + 2.0 * kRoundoff;
}

// Solve for the vertex in which as many hyperplanes as dimensions meet, from their rows, where the
// way here has made its error large. A coordinate of size one stays: the last, or the largest of
// one far out and of a ray. Their sides are known only as long as the error is below one. False,
// and nothing changes, if the vertex gets no better.
bool VertexCells::polish(const std::int32_t* refs, const std::uint64_t* set, std::ptrdiff_t words,
                         double* coordinates, double& error) {
  const std::ptrdiff_t n = d_ - 1;
  std::ptrdiff_t kept = n;
  if (coordinates[n] != 1.0) {
    if (!(error < 1.0)) return false;
    for (kept = 0; kept < d_ && std::abs(coordinates[kept]) != 1.0; ++kept) {
    }
    if (kept == d_) return false;
  }
  if (count_bits(set, words) != n) return false;
  meeting_.resize(static_cast<std::size_t>(n * d_));
  doubts_.resize(static_cast<std::size_t>(n));
  std::ptrdiff_t i = 0;
  for (std::ptrdiff_t k = 0; k < words; ++k) {
    for (std::uint64_t rest = set[k]; rest != 0; rest &= rest - 1, ++i) {
      double size = 0.0;
      const std::int32_t ref = refs[64 * k + std::countr_zero(rest)];
      read_row(ref, &meeting_[i * d_], doubts_[i], size);
      doubts_[i] += 2.0 * roundings_ * size + kTiny;
    }
  }
  std::copy_n(coordinates, d_, scratch_.data());
  const std::optional<double> bound =
      refine_kernel(meeting_.data(), doubts_.data(), n, kept, scratch_.data(), inverse_);
  if (!bound || !(*bound < error)) return false;
  std::copy_n(scratch_.data(), d_, coordinates);
  error = *bound;
  return true;
}

void VertexCells::make_vertices(const Cell& cell, std::ptrdiff_t words, const std::int32_t* refs,
                                std::ptrdiff_t bit) {
  const std::size_t n = edges_.size();
  new_coordinates_.resize(n * static_cast<std::size_t>(d_));
  new_errors_.resize(n);
  new_sets_.assign(n * static_cast<std::size_t>(words), 0);
  const double fixed = row_error_ + roundings_ * row_size_ + kTiny;
  for (std::size_t e = 0; e < n; ++e) {
    const auto [u, w] = edges_[e];
    const double above = std::max(values_[u], 0.0);
    const double below = std::max(-values_[w], 0.0);
    const double span = above + below;
    double share = span > 0.0 ? above / span : 0.5;
    if (!(share >= 0.0 && share <= 1.0)) share = 0.5;
    // How far the share may be off: both values are known up to these.
    const double doubt = (1.0 - share) * (fixed + row_size_ * cell.errors[u]) +
                         share * (fixed + row_size_ * cell.errors[w]);
    const double least = span - 2.0 * fixed - row_size_ * (cell.errors[u] + cell.errors[w]);
    const double off = least > doubt ? doubt / least : 1.0;
    double* out = &new_coordinates_[e * static_cast<std::size_t>(d_)];
    double reach = 0.0;
    for (std::ptrdiff_t c = 0; c < d_; ++c) {
      const double* x = cell.coordinates + c * cell.stride;
      const double step = x[w] - x[u];
      reach = std::max(reach, std::abs(step));
      out[c] = x[u] + share * step;
    }
    new_errors_[e] = (1.0 - share) * cell.errors[u] + share * cell.errors[w] +
                     off * (reach + cell.errors[u] + cell.errors[w]) + 4.0 * kRoundoff;
    scale_vertex(out, new_errors_[e]);
    std::uint64_t* set = &new_sets_[e * static_cast<std::size_t>(words)];
    for (std::ptrdiff_t k = 0; k < cell.words; ++k) {
      set[k] = cell.sets[u * cell.words + k] & cell.sets[w * cell.words + k];
    }
    set_bit(set, bit, true);
    if (new_errors_[e] > polished_) polish(refs, set, words, out, new_errors_[e]);
  }
}

// The child of vertices of the cell, the last n_zero of them on the new hyperplane, and new ones.
VertexCell VertexCells::child(const Cell& cell, const std::vector<std::int32_t>& old,
                              std::ptrdiff_t n_zero, std::ptrdiff_t words, std::int32_t* refs,
                              std::ptrdiff_t bit) {
  const auto n_old = static_cast<std::ptrdiff_t>(old.size());
  const auto n_new = static_cast<std::ptrdiff_t>(edges_.size());
  Cell out = allocate(n_old + n_new, words);
  out.refs = refs;
  for (std::ptrdiff_t c = 0; c < d_; ++c) {
    const double* from = cell.coordinates + c * cell.stride;
    double* to = out.coordinates + c * out.stride;
    for (std::ptrdiff_t v = 0; v < n_old; ++v) to[v] = from[old[v]];
    for (std::ptrdiff_t e = 0; e < n_new; ++e) to[n_old + e] = new_coordinates_[e * d_ + c];
    for (std::ptrdiff_t v = out.n; v < out.stride; ++v) to[v] = 0.0;
  }
  for (std::ptrdiff_t v = 0; v < n_old; ++v) {
    out.errors[v] = cell.errors[old[v]];
    std::uint64_t* set = out.sets + v * words;
    std::copy_n(cell.sets + old[v] * cell.words, cell.words, set);
    std::fill(set + cell.words, set + words, 0);
    if (v >= n_old - n_zero) set_bit(set, bit, true);
  }
  std::copy_n(new_errors_.data(), n_new, out.errors + n_old);
  std::copy_n(new_sets_.data(), n_new * words, out.sets + n_old * words);
  out.simple = true;
  for (std::ptrdiff_t v = 0; v < out.n && out.simple; ++v) {
    out.simple = count_bits(out.sets + v * words, words) == d_ - 1;
  }
  return out;
}

std::pair<VertexCell, VertexCell> VertexCells::split(const Cell& cell) {
  if (cell.words == 1) {
    find_edges<1>(cell);
  } else {
    find_edges<0>(cell);
  }
  // A place for the new hyperplane: one that no vertex is on.
  std::ptrdiff_t words = cell.words;
  std::ptrdiff_t bit = 64 * words;
  for (std::ptrdiff_t k = 0; k < words && bit == 64 * words; ++k) {
    std::uint64_t used = 0;
    for (std::ptrdiff_t v = 0; v < cell.n; ++v) used |= cell.sets[v * words + k];
    if (~used != 0) bit = 64 * k + std::countr_one(used);
  }
  if (bit == 64 * words) ++words;
  auto* refs = arena_.take<std::int32_t>(64 * words);
  std::copy_n(cell.refs, 64 * cell.words, refs);
  refs[bit] = ref_;
  make_vertices(cell, words, refs, bit);
  const auto n_zero = static_cast<std::ptrdiff_t>(zero_.size());
  old_ = positive_;
  old_.insert(old_.end(), zero_.begin(), zero_.end());
  const Cell on = child(cell, old_, n_zero, words, refs, bit);
  old_ = negative_;
  old_.insert(old_.end(), zero_.begin(), zero_.end());
  const Cell off = child(cell, old_, n_zero, words, refs, bit);
  return {on, off};
}

}  // namespace hullspace
