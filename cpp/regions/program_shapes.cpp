// Facets, labels, and where outputs tie at the top, by linear programs.
#include <algorithm>
#include <cmath>

#include "common/tolerances.hpp"
#include "regions/program_cells.hpp"
#include "regions/ties.hpp"

namespace hullspace {

void ProgramCells::read_pair(std::ptrdiff_t a, std::ptrdiff_t b) {
  const std::ptrdiff_t last = network_.size() - 1;
  const double* planes = maps_.planes(last);
  const std::ptrdiff_t stride = maps_.stride(last);
  for (std::ptrdiff_t j = 0; j <= n_; ++j)
    row_[j] = planes[j * stride + a] - planes[j * stride + b];
  row_doubt_ = maps_.errors(last)[a] + maps_.errors(last)[b] +
               roundings_ * (maps_.sizes(last)[a] + maps_.sizes(last)[b]);
  prepare(pair_ref(a, b, network_.stages.back().n_units));
}

// Read a row of a cell, nonnegative inside.
void ProgramCells::read_own(const Cell& cell, std::ptrdiff_t i) {
  for (std::ptrdiff_t j = 0; j < n_; ++j) row_[j] = -cell.rows[i * n_ + j];
  row_[n_] = cell.bounds[i];
  row_doubt_ = cell.doubts[i];
  prepare(cell.refs[i]);
}

Side ProgramCells::test_pair(const Cell& cell, std::ptrdiff_t a, std::ptrdiff_t b) {
  read_pair(a, b);
  return side_of(cell);
}

// Whether the row that was read last and a row of a cell vanish on the same hyperplane.
bool ProgramCells::is_parallel(const Cell& cell, std::ptrdiff_t i) {
  const double* row = cell.rows + i * n_;
  const auto other = [&](std::ptrdiff_t j) { return j < n_ ? -row[j] : cell.bounds[i]; };
  std::ptrdiff_t pivot = 0;
  for (std::ptrdiff_t j = 1; j < n_; ++j) {
    if (std::abs(row_[j]) > std::abs(row_[pivot])) pivot = j;
  }
  for (std::ptrdiff_t j = 0; j <= n_; ++j) {
    const double left = row_[j] * other(pivot);
    const double right = row_[pivot] * other(j);
    const double doubt =
        (std::abs(other(pivot)) + std::abs(other(j))) * row_doubt_ +
        (std::abs(row_[j]) + std::abs(row_[pivot]) + row_doubt_) * 2.0 * cell.doubts[i] +
        4.0 * tolerances::kRoundoffDouble * (std::abs(left) + std::abs(right)) + tolerances::kTiny;
    if (std::abs(left - right) > doubt) return false;
  }
  const std::optional<std::vector<ExactRow>>& rows = exact_rows(cell);
  const ExactRow* own = exact_.row(ref_);
  return rows && own != nullptr && are_parallel((*rows)[i], *own);
}

// Whether a row bounds the cell in more than a part of lower dimension: whether it cuts what the
// cell would be without it.
bool ProgramCells::is_facet(const Cell& cell, std::ptrdiff_t i) {
  const Arena::Mark mark = arena_.mark();
  Cell without = allocate(cell.n_rows);
  read_own(cell, i);
  std::ptrdiff_t n_rows = 0;
  for (std::ptrdiff_t k = 0; k < cell.n_rows; ++k) {
    if (k == i || is_parallel(cell, k)) continue;
    std::copy_n(cell.rows + k * n_, n_, without.rows + n_rows * n_);
    without.bounds[n_rows] = cell.bounds[k];
    without.doubts[n_rows] = cell.doubts[k];
    without.refs[n_rows++] = cell.refs[k];
  }
  without.n_rows = n_rows;
  std::copy_n(cell.point, n_, without.point);
  without.radius = cell.radius;
  without.inside = cell.inside;
  const bool cut = side_of(without) == Side::kCut;
  arena_.release(mark);
  return cut;
}

// Rows that bound the cell, of those with the same hyperplane the first. One that takes too much
// work to tell is among them, which leaves the cell what it is.
std::vector<std::ptrdiff_t> ProgramCells::facets(const Cell& cell) {
  std::vector<std::ptrdiff_t> found;
  for (std::ptrdiff_t i = 0; i < cell.n_rows; ++i) {
    read_own(cell, i);
    bool repeats = false;
    for (std::ptrdiff_t k = 0; k < i && !repeats; ++k) repeats = is_parallel(cell, k);
    in_doubt = false;
    if (!repeats && (is_facet(cell, i) || in_doubt)) found.push_back(i);
  }
  return found;
}

// The class that is ahead in all of the cell, the first of several; -1 if there is none.
std::int32_t ProgramCells::label(const Cell& cell) {
  const auto n = static_cast<std::int32_t>(network_.stages.back().n_units);
  std::int32_t best = 0;
  for (std::int32_t other = 0; other < n;) {
    const bool behind = other != best && test_pair(cell, best, other) == Side::kNegative;
    best = behind ? other : best;
    other = behind && other > 0 ? 0 : other + 1;
  }
  std::int32_t first = best;
  for (std::int32_t other = 0; other < n; ++other) {
    if (other == best) continue;
    in_doubt = false;
    const Side side = test_pair(cell, best, other);
    if (side == Side::kCut || in_doubt) return -1;
    if (side == Side::kZero) first = std::min(first, other);
  }
  return first;
}

// The part of the cell of each class; its facets at which others tie are pieces.
void ProgramCells::add_boundary(const Cell& cell, std::int64_t region, BoundaryPieces& out) {
  const auto n = static_cast<std::int32_t>(network_.stages.back().n_units);
  for (std::int32_t c = 0; c < n; ++c) {
    const Arena::Mark mark = arena_.mark();
    Cell part = cell;
    bool empty = false;
    std::vector<std::int32_t> others;
    for (std::int32_t other = 0; other < n && !empty; ++other) {
      if (other == c) continue;
      const Side side = test_pair(part, c, other);
      empty = side == Side::kNegative || (side == Side::kZero && other < c);
      if (side == Side::kCut) part = split(part).first;
      if (side == Side::kCut || side == Side::kPositive) others.push_back(other);
    }
    if (!empty) add_pieces(part, region, c, others, out);
    arena_.release(mark);
  }
}

void ProgramCells::add_pieces(const Cell& part, std::int64_t region, std::int32_t c,
                              const std::vector<std::int32_t>& others, BoundaryPieces& out) {
  std::vector<std::vector<std::int32_t>> tied(static_cast<std::size_t>(part.n_rows));
  for (const std::int32_t other : others) {
    read_pair(c, other);
    // Of rows with the same hyperplane the first one counts, which is one of the region if any is.
    for (std::ptrdiff_t i = 0; i < part.n_rows; ++i) {
      if (!is_parallel(part, i)) continue;
      tied[i].push_back(other);
      break;
    }
  }
  for (std::ptrdiff_t i = 0; i < part.n_rows; ++i) {
    if (tied[i].empty() || !is_facet(part, i)) continue;
    const bool inside = part.refs[i] <= kFirstPair;
    const std::int32_t other =
        inside ? steepest(exact_, c, tied[i], network_.stages.back().n_units) : tied[i].front();
    if (inside && other < c) continue;  // a facet of its part, too
    out.regions.push_back(region);
    out.classes.insert(out.classes.end(), {c, other});
    out.facets.push_back(inside ? -1 : row_number(part.refs[i], network_.n_hidden));
  }
}

}  // namespace hullspace
