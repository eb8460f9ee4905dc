#include "regions/vertex_cells.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "common/thin_qr.hpp"
#include "common/tolerances.hpp"
#include "regions/bits.hpp"
#include "regions/exact_cells.hpp"
#include "regions/expansions.hpp"
#include "regions/small_systems.hpp"

namespace hullspace {
namespace {

constexpr double kRoundoff = tolerances::kRoundoffDouble;
using tolerances::kRefreshedVertex;
using tolerances::kTiny;
using tolerances::kUnsureRay;
// Doubles for each coordinate of a vertex from which an inner point is found.
constexpr int kVertexParts = 12;

std::ptrdiff_t count_bits(const std::uint64_t* set, std::ptrdiff_t words) {
  std::ptrdiff_t total = 0;
  for (std::ptrdiff_t w = 0; w < words; ++w) total += std::popcount(set[w]);
  return total;
}

bool holds(const std::uint64_t* set, const std::uint64_t* part, std::ptrdiff_t words) {
  for (std::ptrdiff_t w = 0; w < words; ++w) {
    if ((part[w] & ~set[w]) != 0) return false;
  }
  return true;
}

}  // namespace

VertexCells::VertexCells(const ReluNetwork::Stages& network, PatternMaps& maps,
                         const std::uint64_t* sides, const std::vector<double>& constraints)
    : network_(network),
      maps_(maps),
      sides_(sides),
      constraints_(constraints),
      exact_(network, maps, sides, constraints),
      proof_(maps.n_coefficients(), constraints),
      d_(maps.n_coefficients()),
      roundings_((static_cast<double>(d_) + 4.0) * kRoundoff),
      polished_(tolerances::solved_vertex_error(d_)),
      row_(static_cast<std::size_t>(d_)),
      scratch_(static_cast<std::size_t>(d_)) {}

VertexCell VertexCells::allocate(std::ptrdiff_t n, std::ptrdiff_t words) {
  VertexCell cell;
  cell.n = n;
  cell.stride = ThinQr::padded(n);
  cell.words = words;
  cell.coordinates = arena_.take<double>(d_ * cell.stride);
  cell.errors = arena_.take<double>(cell.stride);
  cell.sets = arena_.take<std::uint64_t>(n * words);
  return cell;
}

void VertexCells::read_row(std::int32_t ref, double* row, double& error, double& size) const {
  if (ref >= 0) {
    const std::ptrdiff_t stage = network_.stage_of[ref];
    const std::ptrdiff_t unit = network_.unit_of[ref];
    maps_.read(stage, unit, row);
    error = maps_.errors(stage)[unit];
    size = maps_.sizes(stage)[unit];
    return;
  }
  if (ref <= kFirstPair) {
    const std::ptrdiff_t n_outputs = network_.stages.back().n_units;
    read_pair((kFirstPair - ref) / n_outputs, (kFirstPair - ref) % n_outputs, row, error, size);
    return;
  }
  std::fill_n(row, d_, 0.0);
  error = 0.0;
  size = 1.0;
  if (ref == kInfinity) {
    row[d_ - 1] = 1.0;
    return;
  }
  std::copy_n(&constraints_[constraint_of(ref) * d_], d_, row);
  size = 0.0;
  for (std::ptrdiff_t c = 0; c < d_; ++c) size += std::abs(row[c]);
}

void VertexCells::read_pair(std::ptrdiff_t a, std::ptrdiff_t b, double* row, double& error,
                            double& size) const {
  const std::ptrdiff_t last = network_.size() - 1;
  const double* planes = maps_.planes(last);
  const std::ptrdiff_t stride = maps_.stride(last);
  for (std::ptrdiff_t c = 0; c < d_; ++c) row[c] = planes[c * stride + a] - planes[c * stride + b];
  size = maps_.sizes(last)[a] + maps_.sizes(last)[b];
  error = maps_.errors(last)[a] + maps_.errors(last)[b] + kRoundoff * size;
}

bool VertexCells::write_exact(const Cell& cell, std::ptrdiff_t v, const ExactRow& generator) {
  double largest = 0.0;
  std::vector<double>& values = scratch_;
  for (std::ptrdiff_t c = 0; c < d_; ++c) {
    values[c] = generator[c].to_double();
    largest = std::max(largest, std::abs(values[c]));
  }
  if (!(largest > 0.0) || !std::isfinite(largest)) return false;
  // A vertex of which the coordinates are at most one keeps its last coordinate, one.
  const double last = values[d_ - 1];
  const double scale = last > 0.0 && largest <= last ? last : largest;
  for (std::ptrdiff_t c = 0; c < d_; ++c) {
    cell.coordinates[c * cell.stride + v] = values[c] / scale;
  }
  cell.errors[v] = kRefreshedVertex;
  return true;
}

bool VertexCells::make_cone(const std::vector<std::int32_t>& refs,
                            const std::vector<bool>& positive, Cell& cell) {
  const auto n = static_cast<std::ptrdiff_t>(refs.size());
  cell = allocate(n + 1, 1);
  cell.refs = arena_.take<std::int32_t>(64);
  std::copy(refs.begin(), refs.end(), cell.refs);
  cell.refs[n] = kInfinity;
  cell.simple = true;
  std::vector<std::int32_t> all(refs);
  all.push_back(kInfinity);
  const std::vector<double> nowhere(static_cast<std::size_t>(d_), 1.0);
  // The vertex, on all of them, and a ray along all but one.
  for (std::ptrdiff_t left_out = n; left_out >= 0; --left_out) {
    std::vector<std::int32_t> through(all);
    through.erase(through.begin() + left_out);
    std::optional<ExactRow> generator = exact_.generator(through, nowhere.data());
    if (!generator) return false;
    if (left_out < n) {
      const ExactRow* row = exact_.row(refs[left_out]);
      if (row == nullptr) return false;
      const int sign = ExactGeometry::sign(*row, *generator);
      if (sign == 0) return false;
      if ((sign > 0) != positive[left_out]) {
        for (Dyadic& value : *generator) value = -value;
      }
    } else if (generator->back().is_zero()) {
      return false;
    }
    if (!write_exact(cell, left_out, *generator)) return false;
    cell.sets[left_out] = ((std::uint64_t{1} << (n + 1)) - 1) & ~(std::uint64_t{1} << left_out);
  }
  return true;
}

void VertexCells::refresh(Cell& cell) {
  for (std::ptrdiff_t v = 0; v < cell.n; ++v) {
    const std::optional<ExactRow> vertex = exact_vertex(cell, v);
    if (vertex) write_exact(cell, v, *vertex);
  }
}

// Hyperplanes that vertices are on, but for infinity.
std::vector<std::int32_t> VertexCells::refs_of(const Cell& cell) const {
  std::vector<std::int32_t> refs;
  for (std::ptrdiff_t k = 0; k < cell.words; ++k) {
    std::uint64_t used = 0;
    for (std::ptrdiff_t v = 0; v < cell.n; ++v) used |= cell.sets[v * cell.words + k];
    for (; used != 0; used &= used - 1) {
      const std::int32_t ref = cell.refs[64 * k + std::countr_zero(used)];
      if (ref != kInfinity) refs.push_back(ref);
    }
  }
  return refs;
}

std::vector<std::int32_t> VertexCells::refs_through(const Cell& cell, std::ptrdiff_t v) const {
  std::vector<std::int32_t> refs;
  const std::uint64_t* set = cell.sets + v * cell.words;
  for (std::ptrdiff_t bit = 0; bit < 64 * cell.words; ++bit) {
    if (get_bit(set, bit)) refs.push_back(cell.refs[bit]);
  }
  return refs;
}

bool VertexCells::is_bounded(const Cell& cell) const {
  const double* last = cell.coordinates + (d_ - 1) * cell.stride;
  for (std::ptrdiff_t v = 0; v < cell.n; ++v) {
    if (!(last[v] > 0.0)) return false;
    // Of a ray, what is left of the last coordinate is rounding, but its set tells.
    for (const std::int32_t ref : refs_through(cell, v)) {
      if (ref == kInfinity) return false;
    }
  }
  return true;
}

Side VertexCells::test(const Cell& cell, std::ptrdiff_t stage, std::ptrdiff_t unit,
                       std::int32_t ref) {
  maps_.read(stage, unit, row_.data());
  row_error_ = maps_.errors(stage)[unit];
  row_size_ = maps_.sizes(stage)[unit];
  return classify(cell, ref);
}

Side VertexCells::test_constraint(const Cell& cell, std::ptrdiff_t j) {
  read_row(constraint_ref(j), row_.data(), row_error_, row_size_);
  return classify(cell, constraint_ref(j));
}

Side VertexCells::test_pair(const Cell& cell, std::ptrdiff_t a, std::ptrdiff_t b) {
  read_pair(a, b, row_.data(), row_error_, row_size_);
  return classify(cell, pair_ref(a, b, network_.stages.back().n_units));
}

Side VertexCells::classify(const Cell& cell, std::int32_t ref) {
  ref_ = ref;
  if (static_cast<std::ptrdiff_t>(values_.size()) < cell.stride) {
    values_.resize(static_cast<std::size_t>(2 * cell.stride));
  }
  std::fill_n(values_.begin(), cell.stride, 0.0);
  kernels_.combine(cell.coordinates, cell.stride, d_, row_.data(), values_.data(), cell.stride);
  positive_.clear();
  negative_.clear();
  zero_.clear();
  const double fixed = row_error_ + roundings_ * row_size_ + kTiny;
  for (std::ptrdiff_t v = 0; v < cell.n; ++v) {
    const double doubt = fixed + row_size_ * cell.errors[v];
    const auto index = static_cast<std::int32_t>(v);
    if (values_[v] > doubt) {
      positive_.push_back(index);
    } else if (values_[v] < -doubt) {
      negative_.push_back(index);
    } else {
      const int sign = exact_sign(cell, v, ref);
      (sign > 0 ? positive_ : sign < 0 ? negative_ : zero_).push_back(index);
    }
  }
  if (positive_.empty()) return negative_.empty() ? Side::kZero : Side::kNegative;
  return negative_.empty() ? Side::kPositive : Side::kCut;
}

// A vertex in exact homogeneous coordinates. Those of a ray may be so far off that they do not tell
// in which direction it goes, but the cell's hyperplanes do.
std::optional<ExactRow> VertexCells::exact_vertex(const Cell& cell, std::ptrdiff_t v) {
  std::vector<double> near(static_cast<std::size_t>(d_));
  for (std::ptrdiff_t c = 0; c < d_; ++c) near[c] = cell.coordinates[c * cell.stride + v];
  std::optional<ExactRow> found = exact_.generator(refs_through(cell, v), near.data());
  if (!found || !found->back().is_zero() || cell.errors[v] < kUnsureRay) return found;
  int sign = 0;
  for (const std::int32_t ref : refs_of(cell)) {
    const ExactRow* row = exact_.row(ref);
    if (row == nullptr) return std::nullopt;
    sign = ExactGeometry::sign(*row, *found) * (inward(ref) > 0.0 ? 1 : -1);
    if (sign != 0) break;
  }
  if (sign < 0) {
    for (Dyadic& x : *found) x = -x;
  }
  return found;
}

int VertexCells::exact_sign(const Cell& cell, std::ptrdiff_t v, std::int32_t ref) {
  const std::vector<std::int32_t> through = refs_through(cell, v);
  if (std::find(through.begin(), through.end(), ref) != through.end()) return 0;
  const std::optional<ExactRow> vertex = exact_vertex(cell, v);
  const ExactRow* row = exact_.row(ref);
  if (!vertex || row == nullptr) {
    in_doubt = true;
    return 0;
  }
  // From now on the vertex is as good as rounded once, and so must its value be; what others may
  // read at the same time is so from the start.
  if (cell.errors[v] > kRefreshedVertex && write_exact(cell, v, *vertex)) {
    values_[v] = 0.0;
    for (std::ptrdiff_t c = 0; c < d_; ++c) {
      values_[v] += row_[c] * cell.coordinates[c * cell.stride + v];
    }
  }
  return ExactGeometry::sign(*row, *vertex);
}

void VertexCells::screen(const Cell& cell, std::ptrdiff_t stage, std::vector<Screened>& out) {
  const std::ptrdiff_t stride = maps_.stride(stage);
  const auto n = static_cast<std::size_t>(stride);
  constexpr double kFar = std::numeric_limits<double>::infinity();
  highest_.assign(n, -kFar);
  lowest_.assign(n, kFar);
  surest_.assign(n, kFar);
  std::vector<double>& generator = new_coordinates_;
  generator.resize(static_cast<std::size_t>(d_));
  for (std::ptrdiff_t v = 0; v < cell.n; ++v) {
    for (std::ptrdiff_t c = 0; c < d_; ++c) generator[c] = cell.coordinates[c * cell.stride + v];
    kernels_.bound_units(maps_.planes(stage), stride, d_, stride, generator.data(),
                         roundings_ + cell.errors[v], maps_.errors(stage), maps_.sizes(stage),
                         highest_.data(), lowest_.data(), surest_.data());
  }
  out.resize(n);
  for (std::size_t i = 0; i < n; ++i) {
    const bool positive = highest_[i] > 0.0;
    const bool negative = lowest_[i] < 0.0;
    const bool sure = surest_[i] > 0.0;
    out[i] = positive && negative ? Screened::kCut
             : sure && positive   ? Screened::kPositive
             : sure && negative   ? Screened::kNegative
                                  : Screened::kOpen;
  }
}

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

bool VertexCells::point(const Cell& cell, double* y) {
  std::vector<double>& totals = scratch_;
  for (std::ptrdiff_t c = 0; c < d_; ++c) {
    const double* x = cell.coordinates + c * cell.stride;
    double total = 0.0;
    for (std::ptrdiff_t v = 0; v < cell.n; ++v) total += x[v];
    totals[c] = total;
  }
  const double last = totals[d_ - 1];
  for (std::ptrdiff_t c = 0; c + 1 < d_; ++c) y[c] = totals[c] / last;
  // Clear of every hyperplane of the cell?
  double size = 1.0;
  for (std::ptrdiff_t c = 0; c + 1 < d_; ++c) size = std::max(size, std::abs(y[c]));
  for (const std::int32_t ref : refs_of(cell)) {
    std::vector<double>& row = scratch_;
    double error = 0.0;
    double row_size = 0.0;
    read_row(ref, row.data(), error, row_size);
    double value = row[d_ - 1];
    for (std::ptrdiff_t c = 0; c + 1 < d_; ++c) value += row[c] * y[c];
    const double doubt = (error + (roundings_ + 2.0 * kRoundoff) * row_size) * size + kTiny;
    if (!(inward(ref) * value > doubt)) return false;
  }
  return true;
}

void VertexCells::fine_point(const Cell& cell, double* y, std::vector<double>& parts) {
  const std::optional<std::vector<ExactRow>> rows = inward_rows(exact_, sides_, refs_of(cell));
  ExactRow total(static_cast<std::size_t>(d_));
  for (std::ptrdiff_t v = 0; v < cell.n; ++v) {
    const std::optional<ExactRow> vertex = exact_vertex(cell, v);
    if (!rows || !vertex) return;
    // Of about the same size each, so that none counts for nothing.
    const ExactRow scaled = sum_up(expand(*vertex, kVertexParts), kVertexParts);
    for (std::ptrdiff_t c = 0; c < d_; ++c) total[c] = total[c] + scaled[c];
  }
  write_point(*rows, total, y, parts);
}

// At the vertex where the row is least, on the cell's side, it is its value there plus a
// combination of the hyperplanes through that vertex, as linear programming has it. Where rounding
// leaves doubt of that, the combination is found exactly.
bool VertexCells::certify(const Cell& cell, bool positive, std::vector<std::int32_t>& rows,
                          std::vector<double>& multipliers) {
  const double sign = positive ? 1.0 : -1.0;
  const std::vector<std::int32_t> likely = lowest_refs(cell, sign);
  return prove(likely, sign, rows, multipliers) ||
         prove_exactly(cell, likely, sign, rows, multipliers);
}

// The hyperplanes through the vertex where the row, times the sign, is least.
std::vector<std::int32_t> VertexCells::lowest_refs(const Cell& cell, double sign) const {
  const double* last = cell.coordinates + (d_ - 1) * cell.stride;
  std::ptrdiff_t lowest = -1;
  std::vector<std::int32_t> refs;
  for (std::ptrdiff_t v = 0; v < cell.n; ++v) {
    if (!(last[v] > 0.0)) continue;
    if (lowest >= 0 && sign * values_[v] * last[lowest] >= sign * values_[lowest] * last[v]) {
      continue;
    }
    std::vector<std::int32_t> through = refs_through(cell, v);
    if (std::find(through.begin(), through.end(), kInfinity) != through.end()) continue;
    lowest = v;
    refs = std::move(through);
  }
  return refs;
}

double VertexCells::inward(std::int32_t ref) const {
  return ref < 0 || get_bit(sides_, ref) ? 1.0 : -1.0;
}

bool VertexCells::prove(const std::vector<std::int32_t>& refs, double sign,
                        std::vector<std::int32_t>& rows, std::vector<double>& multipliers) {
  rows.clear();
  multipliers.clear();
  const std::ptrdiff_t n = d_ - 1;
  std::vector<double> normals;  // (refs, n), inwards
  std::vector<double>& row = scratch_;
  double error = 0.0;
  double size = 0.0;
  for (const std::int32_t ref : refs) {
    read_row(ref, row.data(), error, size);
    for (std::ptrdiff_t c = 0; c < n; ++c) normals.push_back(inward(ref) * row[c]);
  }
  std::vector<double> target(row_.begin(), row_.end() - 1);
  for (double& value : target) value *= sign;
  std::vector<std::ptrdiff_t> chosen;
  std::vector<double> factors;
  if (!find_cone_combination(normals, n, target, chosen, factors)) return false;
  proof_.start(row_.data(), sign, row_error_);
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    if (factors[i] == 0.0) continue;
    const std::int32_t ref = refs[chosen[i]];
    read_row(ref, row.data(), error, size);
    proof_.add(row.data(), inward(ref), error, factors[i]);
    rows.push_back(row_number(ref, network_.n_hidden));
    multipliers.push_back(factors[i]);
  }
  rows.push_back(row_number(ref_, network_.n_hidden));
  multipliers.push_back(1.0);
  return proof_.is_positive();
}

bool VertexCells::prove_exactly(const Cell& cell, const std::vector<std::int32_t>& likely,
                                double sign, std::vector<std::int32_t>& rows,
                                std::vector<double>& multipliers) {
  rows.clear();
  multipliers.clear();
  const std::vector<std::int32_t> refs = refs_of(cell);
  const std::optional<std::vector<ExactRow>> given = inward_rows(exact_, sides_, refs);
  const ExactRow* row = exact_.row(ref_);
  if (!given || row == nullptr) return false;
  ExactRow function(*row);
  if (sign < 0.0) {
    for (Dyadic& x : function) x = -x;
  }
  std::vector<std::ptrdiff_t> hint;
  for (const std::int32_t ref : likely) {
    hint.push_back(std::find(refs.begin(), refs.end(), ref) - refs.begin());
  }
  if (cone_.decide(*given, function, hint) != ExactCone::Answer::kNonnegative) return false;
  multipliers = cone_.multipliers();
  for (const std::ptrdiff_t i : cone_.rows()) {
    rows.push_back(row_number(refs[i], network_.n_hidden));
  }
  rows.push_back(row_number(ref_, network_.n_hidden));
  return true;
}

VertexCells::Facets VertexCells::facets(const Cell& cell) const {
  Facets found;
  for (std::ptrdiff_t bit = 0; bit < 64 * cell.words; ++bit) {
    std::vector<std::ptrdiff_t> on;
    for (std::ptrdiff_t v = 0; v < cell.n; ++v) {
      if (get_bit(cell.sets + v * cell.words, bit)) on.push_back(v);
    }
    if (static_cast<std::ptrdiff_t>(on.size()) >= d_ - 1) found.emplace_back(cell.refs[bit], on);
  }
  // A hyperplane that only touches meets the cell in a part of a facet.
  Facets out;
  for (std::size_t i = 0; i < found.size(); ++i) {
    bool is_facet = found[i].first != kInfinity;
    for (std::size_t j = 0; j < found.size() && is_facet; ++j) {
      if (i == j || found[j].second.size() < found[i].second.size()) continue;
      const bool within = std::includes(found[j].second.begin(), found[j].second.end(),
                                        found[i].second.begin(), found[i].second.end());
      const bool equal = found[i].second.size() == found[j].second.size();
      is_facet = !within || (equal && i < j);
    }
    if (is_facet) out.push_back(found[i]);
  }
  return out;
}

}  // namespace hullspace
