#include "regions/exact.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "regions/bits.hpp"

namespace hullspace {
namespace {

// Products that one row may take.
constexpr std::int64_t kMostWork = 4'000'000;

// Rows in echelon form, one after the other and without fractions: every element is a minor of
// the rows up to its own, so the divisions leave nothing (Bareiss, "Sylvester's identity and
// multistep integer-preserving Gaussian elimination", 1968).
class Elimination {
 public:
  explicit Elimination(std::ptrdiff_t n_columns) : columns_(static_cast<std::size_t>(n_columns)) {
    std::iota(columns_.begin(), columns_.end(), 0);
  }

  // Take one more row; false, and nothing changes, if it depends on the rows before.
  bool add(ExactRow row) {
    for (std::size_t k = 0; k < rows_.size(); ++k) {
      const Dyadic& factor = row[columns_[k]];
      for (std::size_t c = k + 1; c < columns_.size(); ++c) {
        Dyadic& value = row[columns_[c]];
        value = pivot(k) * value - factor * rows_[k][columns_[c]];
        if (k > 0) value = value / pivot(k - 1);
      }
    }
    const auto first = columns_.begin() + n_rows();
    const auto found =
        std::find_if(first, columns_.end(), [&](std::ptrdiff_t c) { return !row[c].is_zero(); });
    if (found == columns_.end()) return false;
    std::iter_swap(first, found);
    rows_.push_back(std::move(row));
    return true;
  }

  std::ptrdiff_t n_rows() const { return std::ssize(rows_); }

  // With one row less than columns: the vector that all rows are orthogonal to, of minors of all.
  ExactRow kernel() const {
    ExactRow out(columns_.size());
    out[columns_.back()] = rows_.empty() ? Dyadic(1.0) : pivot(rows_.size() - 1);
    for (std::size_t k = rows_.size(); k-- > 0;) {
      Dyadic total;
      for (std::size_t c = k + 1; c < columns_.size(); ++c) {
        total = total - rows_[k][columns_[c]] * out[columns_[c]];
      }
      out[columns_[k]] = total / pivot(k);
    }
    return out;
  }

 private:
  const Dyadic& pivot(std::size_t k) const { return rows_[k][columns_[k]]; }

  std::vector<ExactRow> rows_;
  std::vector<std::ptrdiff_t> columns_;  // each row's pivot, then the others
};

}  // namespace

std::vector<std::ptrdiff_t> independent_rows(const std::vector<ExactRow>& rows,
                                             std::ptrdiff_t n_columns) {
  Elimination elimination(n_columns);
  std::vector<std::ptrdiff_t> found;
  for (std::size_t i = 0; i < rows.size() && elimination.n_rows() < n_columns; ++i) {
    if (elimination.add(rows[i])) found.push_back(static_cast<std::ptrdiff_t>(i));
  }
  return found;
}

const ExactRow* ExactGeometry::row(std::int32_t ref) {
  if (ref >= 0) return unit_row(network_.stage_of[ref], network_.unit_of[ref]);
  const std::ptrdiff_t n = maps_.n_coefficients();
  row_.assign(static_cast<std::size_t>(n), Dyadic());
  if (ref == kInfinity) {
    row_.back() = Dyadic(1.0);
  } else if (ref > kFirstPair) {
    const double* given = &constraints_[constraint_of(ref) * n];
    for (std::ptrdiff_t c = 0; c < n; ++c) row_[c] = Dyadic(given[c]);
  } else {
    const std::ptrdiff_t last = network_.size() - 1;
    const std::ptrdiff_t n_outputs = network_.stages[last].n_units;
    const std::ptrdiff_t pair = kFirstPair - ref;
    const ExactRow* first = unit_row(last, pair / n_outputs);
    const ExactRow* second = unit_row(last, pair % n_outputs);
    if (first == nullptr || second == nullptr) return nullptr;
    for (std::ptrdiff_t c = 0; c < n; ++c) row_[c] = (*first)[c] - (*second)[c];
  }
  return &row_;
}

const ExactRow* ExactGeometry::unit_row(std::ptrdiff_t stage, std::ptrdiff_t unit) {
  std::vector<Cached>& cache = rows_[stage];
  if (cache.empty()) cache.resize(static_cast<std::size_t>(network_.stages[stage].n_units));
  Cached& cached = cache[unit];
  if (cached.version == maps_.version(stage)) return &cached.row;
  limit_ = work_ + kMostWork;
  ExactRow row(static_cast<std::size_t>(maps_.n_coefficients()));
  if (!add_unit(stage, unit, row)) return nullptr;
  return &cache[unit].row;
}

// What the activation multiplies a unit by on the side that it is on.
double ExactGeometry::factor_of(const NetworkStage& stage, std::ptrdiff_t unit) const {
  const double slope = stage.slopes[unit];
  if (slope == 1.0) return 1.0;
  const auto found = std::lower_bound(stage.hidden.begin(), stage.hidden.end(), unit);
  const std::ptrdiff_t number = stage.first_hidden + (found - stage.hidden.begin());
  return get_bit(sides_, number) ? 1.0 : slope;
}

// The row of one of the network's inputs.
void ExactGeometry::read_input(std::ptrdiff_t input, ExactRow& row) const {
  const std::vector<double>& embedding = maps_.embedding();
  for (std::size_t c = 0; c < row.size(); ++c) {
    const auto place = static_cast<std::ptrdiff_t>(c) * maps_.embedding_stride() + input;
    row[c] = Dyadic(embedding[static_cast<std::size_t>(place)]);
  }
}

// Find a unit's row, and those that it is made of.
bool ExactGeometry::add_unit(std::ptrdiff_t stage, std::ptrdiff_t unit, ExactRow& row) {
  std::vector<Cached>& cache = rows_[stage];
  if (cache.empty()) cache.resize(static_cast<std::size_t>(network_.stages[stage].n_units));
  if (cache[unit].version == maps_.version(stage)) {
    row = cache[unit].row;
    return true;
  }
  const std::ptrdiff_t n = maps_.n_coefficients();
  const NetworkStage& data = network_.stages[stage];
  row.assign(static_cast<std::size_t>(n), Dyadic());
  row.back() = Dyadic(data.bias[unit]);
  RowEntries entries;
  for (const NetworkTerm& term : data.terms) {
    entries.clear();
    std::visit([&](const auto& operation) { operation.read_row(unit, entries); }, term.operation);
    ExactRow part(static_cast<std::size_t>(n));
    for (const auto& [place, weight] : entries) {
      if (term.source == 0) {
        read_input(place, part);
      } else {
        const NetworkStage& before = network_.stages[term.source - 1];
        const double factor = factor_of(before, place);
        if (factor == 0.0) continue;
        if (!add_unit(term.source - 1, place, part)) return false;
        if (factor != 1.0) {
          for (Dyadic& value : part) value = value * Dyadic(factor);
        }
      }
      work_ += n;
      if (work_ > limit_) return false;
      const Dyadic exact_weight(weight);
      for (std::ptrdiff_t c = 0; c < n; ++c) {
        if (!part[c].is_zero()) row[c] = row[c] + exact_weight * part[c];
      }
    }
  }
  cache[unit].version = maps_.version(stage);
  cache[unit].row = row;
  return true;
}

std::optional<ExactRow> ExactGeometry::generator(const std::vector<std::int32_t>& refs,
                                                 const double* near) {
  const std::ptrdiff_t n = maps_.n_coefficients();
  Elimination elimination(n);
  for (const std::int32_t ref : refs) {
    if (elimination.n_rows() == n - 1) break;
    const ExactRow* found = row(ref);
    if (found == nullptr) return std::nullopt;
    elimination.add(*found);
  }
  if (elimination.n_rows() != n - 1) return std::nullopt;
  ExactRow out = elimination.kernel();
  int orientation = out.back().sign();
  if (orientation == 0) {
    std::ptrdiff_t largest = 0;
    for (std::ptrdiff_t c = 1; c < n; ++c) {
      if (std::abs(near[c]) > std::abs(near[largest])) largest = c;
    }
    orientation = out[largest].sign() * (near[largest] > 0.0 ? 1 : -1);
  }
  if (orientation < 0) {
    for (Dyadic& value : out) value = -value;
  }
  return out;
}

int ExactGeometry::sign(const ExactRow& row, const ExactRow& generator) {
  Dyadic total;
  for (std::size_t c = 0; c < row.size(); ++c) total = total + row[c] * generator[c];
  return total.sign();
}

}  // namespace hullspace
