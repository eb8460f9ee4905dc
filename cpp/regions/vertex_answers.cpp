// What cells of vertices tell: points inside, certificates, facets.
#include "regions/vertex_cells.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/tolerances.hpp"
#include "regions/bits.hpp"
#include "regions/exact_cells.hpp"
#include "regions/expansions.hpp"
#include "regions/small_systems.hpp"

namespace hullspace {
namespace {

constexpr double kRoundoff = tolerances::kRoundoffDouble;
using tolerances::kTiny;
// Doubles for each coordinate of a vertex from which an inner point is found.
constexpr int kVertexParts = 12;

}  // namespace

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
  if (!rows) return;
  ExactRow total(static_cast<std::size_t>(d_));
  for (std::ptrdiff_t v = 0; v < cell.n; ++v) {
    const std::optional<ExactRow> vertex = exact_vertex(cell, v);
    if (!vertex) return;
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
  hint.reserve(likely.size());
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
