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

}  // namespace hullspace
